"""Saved fits, damaged on purpose."""

import json

import h5py
import pytest

import stanhier as sh


def describe(path, change):
    with h5py.File(path, "r+") as file:
        description = json.loads(file.attrs["stanhier"])
        change(description)
        file.attrs["stanhier"] = json.dumps(description)


def assert_refused(path, words=r"fit\.nc is (not a netCDF file, or it is )?damaged"):
    with pytest.raises(sh.StanhierError, match=words):
        sh.load(path)
    assert [file.name for file in path.parent.iterdir()] == [path.name]
