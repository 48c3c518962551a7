"""Streamed designs in files: what their calls had learnt."""

import json

import h5py
import numpy as np
import pandas as pd
import polars as pl
import pytest

import stanhier as sh
from tests.tools.fake_fit import fake_fit


@pytest.fixture
def data():
    rng = np.random.default_rng(5)
    return pd.DataFrame({"y": rng.random(40), "my col": 1 + rng.random(40), "g": np.arange(40) % 4})


@pytest.fixture
def path(data, tmp_path):
    model = sh.VaryingIntercept("y ~ center(`my col`) + (1 | g)", pl.from_pandas(data).lazy())
    fake_fit(model).save(tmp_path / "fit.nc")
    return tmp_path / "fit.nc"


def rename(path, name):
    with h5py.File(path, "r+") as file:
        attributes = file["stanhier_compressed"].attrs
        (moments,) = json.loads(attributes["moments"]).values()
        attributes["moments"] = json.dumps({name: moments})


@pytest.mark.parametrize("name", ["center(`my col`)", "center(my_col)"])
def test_what_a_call_had_learnt_is_found_as_this_and_as_earlier_versions_named_it(name, path, data):
    rename(path, name)
    encoded = sh.load(path).model.design.encode(data.iloc[:3]).X[:, 0]
    np.testing.assert_allclose(encoded, data["my col"][:3] - data["my col"].mean())


def test_what_belongs_to_no_call_is_damage_and_not_left_out(path):
    rename(path, "center(x)")
    with pytest.raises(sh.StanhierError, match=r"damaged.*'center\(x\)' belongs to no call"):
        sh.load(path)
