"""Damage to a saved fit is found before HDF5 reads it: some damaged files it never comes back from."""

import time
from pathlib import Path

import h5netcdf
import h5py
import numpy as np
import pytest
import xarray as xr

import stanhier as sh
from stanhier.many.folder import FitFolder, file_of
from stanhier.storage.checksum import check, checksum
from tests.tools.damaged_files import assert_refused
from tests.tools.fake_fit import fake_fit
from tests.tools.kept import FOLDER

CHECKSUM = len(checksum(b""))


def refused(path, contents):
    path.write_bytes(contents)
    assert_refused(path, words=r"fit\.nc is not a netCDF file, or it is damaged")


def test_zeros_anywhere_are_refused(path):
    good = path.read_bytes()
    for place in range(0, len(good), 487):
        length = min(89, len(good) - place)
        if good[place : place + length].strip(b"\0"):
            refused(path, good[:place] + bytes(length) + good[place + length :])


@pytest.mark.parametrize("seed", range(20))
def test_any_other_bytes_are_refused(seed, path):
    rng = np.random.default_rng(seed)
    good = np.frombuffer(path.read_bytes(), dtype=np.uint8)
    for n_bytes in (1, 3, 100):
        places = rng.choice(len(good), n_bytes, replace=False)
        damaged = good.copy()
        damaged[places] ^= rng.integers(1, 256, n_bytes, dtype=np.uint8)
        refused(path, damaged.tobytes())


def test_every_byte_of_the_checksum_counts(path):
    good = path.read_bytes()
    for place in range(len(good) - CHECKSUM, len(good)):
        refused(path, good[:place] + bytes([good[place] ^ 1]) + good[place + 1 :])


def test_a_cut_end_is_refused_or_leaves_all_that_counts(path):
    good = path.read_bytes()
    draws = sh.load(path).draws.values["location"]
    for missing in (1, 15, 16, 17, 47):
        refused(path, good[:-missing])
    for missing in (CHECKSUM - 1, CHECKSUM):  # the checksum alone, which older files do not have
        path.write_bytes(good[:-missing])
        np.testing.assert_array_equal(sh.load(path).draws.values["location"], draws)
    refused(path, good[: -CHECKSUM - 1])


def test_a_file_that_another_program_changed_has_no_checksum(path):
    def edit(path):
        with h5py.File(path, "r+") as file:
            file["stanhier_draws/sigma"][0, 0] = 1.5

    def name(path):
        with h5netcdf.File(path, "a") as file:
            file.attrs["title"] = "A fit"

    def add(path):
        xr.Dataset({"a": ("b", [1.0])}).to_netcdf(path, mode="a", group="mine", engine="h5netcdf")

    fit = sh.load(path)
    for change in (edit, name, add):
        fit.save(path)
        assert path.read_bytes()[-CHECKSUM:].startswith(b"stanhier.sha256:")
        change(path)
        assert b"stanhier.sha256:" not in path.read_bytes()
        changed = sh.load(path)
        assert (changed.draws.values["sigma"][0, 0] == 1.5) == (change is edit)
        assert ("mine" in changed.idata) == (change is add)


def test_other_programs_read_a_file_with_a_checksum(path):
    with xr.open_datatree(path) as tree, h5netcdf.File(path) as file, h5py.File(path) as hdf:
        assert set(tree.children) == set(file.groups) == set(hdf)


@pytest.mark.parametrize("kept", sorted(FOLDER.glob("*.nc")), ids=lambda path: path.stem)
def test_files_of_earlier_versions_have_none(kept):
    assert b"stanhier.sha256:" not in kept.read_bytes()
    check(kept)


def test_a_damaged_file_in_a_folder_of_fits_is_not_taken_for_the_fit(path):
    folder = FitFolder(path.parent)
    folder.write("a", file_of(sh.load(path), {"identity": "x"}))
    file = folder.file("a")
    assert folder.note("a", "x") == {"identity": "x"}
    good = file.read_bytes()
    for place in range(100, len(good), 4999):
        file.write_bytes(good[:place] + bytes([good[place] ^ 1]) + good[place + 1 :])
        assert folder.note("a", "x") is None
        with pytest.raises(sh.StanhierError, match="damaged"):
            folder.load("a", {})


def test_checking_takes_little_time_and_memory(tmp_path):
    """As a block at a time: a file may be larger than memory."""
    contents = np.random.default_rng(1).bytes(20_000_001)
    file = tmp_path / "large"
    file.write_bytes(contents + checksum(contents))
    start = time.process_time()
    check(file)
    assert time.process_time() - start < 1
    with file.open("r+b") as opened:
        opened.seek(12_345_678)
        opened.write(bytes([contents[12_345_678] ^ 1]))
    with pytest.raises(ValueError, match="checksum"):
        check(file)


def test_saving_twice_gives_one_checksum(tmp_path, path):
    fit = fake_fit(sh.load(path).model)
    for _ in range(2):
        fit.save(tmp_path / "twice.nc")
    assert Path(tmp_path / "twice.nc").read_bytes().count(b"stanhier.sha256:") == 2
