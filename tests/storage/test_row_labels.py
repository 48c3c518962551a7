"""The user's labels of rows are in the file, of every kind and of several levels, and tables by row have them again."""

import datetime as dt

import h5py
import numpy as np
import pandas as pd
import pytest

import stanhier as sh
from stanhier.storage.columns import StoredArray
from stanhier.storage.row_labels import from_arrays, to_dataset
from tests.tools import variants
from tests.tools.damaged_files import assert_refused
from tests.tools.fake_fit import fake_fit

N = 80
DAYS = pd.DatetimeIndex(pd.date_range("2024-02-27", periods=N, freq="D", name="day"), freq=None)
KINDS = {
    "integers": pd.RangeIndex(7, 7 + N),
    "integers of one byte": pd.Index(np.arange(N, dtype=np.int8)),
    "a name alone": pd.RangeIndex(N, name="row"),
    "a name that is a number": pd.RangeIndex(N, name=0),
    "floats": pd.Index(np.arange(N) / 7),
    "truth values": pd.Index(np.arange(N) > 3),
    "text": pd.Index([f"id '{k}' é 北" for k in range(N)], name="person"),
    "repeated text": pd.Index(["a", "b"] * (N // 2)),
    "mixed": pd.Index([1, "one"] * (N // 2), dtype=object),
    "dates": DAYS,
    "dates with a zone": DAYS.tz_localize("Europe/Vienna"),
    "durations": DAYS - DAYS[0],
    "intervals": pd.interval_range(0, N),
    "categories": pd.CategoricalIndex(["high", "low"] * (N // 2), categories=["low", "high"], ordered=True),
    "nullable integers": pd.Index(np.arange(N), dtype="Int64"),
    "some missing text": pd.Index([np.nan, *"ab" * (N // 2 - 1), "b"], dtype=object),
    "some missing dates": DAYS.where(np.arange(N) > 3),
    "all missing": pd.Index([np.nan] * N, dtype=object),
    "levels": pd.MultiIndex.from_arrays([["a", "b"] * (N // 2), DAYS, range(N)], names=["g", None, "k"]),
    "levels with a zone": pd.MultiIndex.from_arrays([DAYS.tz_localize("UTC"), [np.nan, *"ab" * (N // 2 - 1), "b"]]),
}


def labelled(index, **more):
    return fake_fit(sh.VaryingIntercept("y ~ x + (1 | g)", variants.frame().set_axis(index), **more))


def there_and_back(fit, tmp_path):
    fit.save(tmp_path / "fit.nc")
    return sh.load(tmp_path / "fit.nc")


def assert_same(found, expected):
    pd.testing.assert_index_equal(found, expected, exact="equiv")
    assert list(found.names) == list(expected.names)


@pytest.mark.versions
@pytest.mark.parametrize("kind", list(KINDS))
def test_labels_of_every_kind_come_back(kind):
    stored = to_dataset(KINDS[kind])
    read = {str(name): (one.to_numpy(), one.attrs) for name, one in stored.data_vars.items()}
    # A file has truth values as bytes.
    arrays = {k: StoredArray(v.view("i1") if v.dtype == bool else v, said) for k, (v, said) in read.items()}
    assert_same(from_arrays(arrays, N), KINDS[kind])


@pytest.mark.parametrize("kind", ["text", "dates with a zone", "levels"])
def test_tables_by_row_of_a_loaded_fit_have_the_labels(kind, tmp_path):
    fit = labelled(KINDS[kind])
    loaded = there_and_back(fit, tmp_path)
    assert_same(loaded.model.rows.frame.index, KINDS[kind])
    pd.testing.assert_frame_equal(loaded.predict(), fit.predict(), check_freq=False)
    pd.testing.assert_frame_equal(loaded.loo().worst, fit.loo().worst)
    assert_same(there_and_back(loaded, tmp_path).model.rows.frame.index, KINDS[kind])


def test_rows_without_labels_of_their_own_take_no_room(tmp_path):
    labelled(pd.RangeIndex(N)).save(tmp_path / "fit.nc")
    with h5py.File(tmp_path / "fit.nc") as file:
        assert "stanhier_row_labels" not in file


@pytest.mark.filterwarnings("ignore::stanhier.MissingWarning")
def test_what_is_left_of_dropped_rows_keeps_its_labels(tmp_path):
    data = variants.frame()
    data.loc[[3, 5], "x"] = np.nan
    fit = fake_fit(sh.LinearRegression("y ~ x", data, missing="drop"))
    index = there_and_back(fit, tmp_path).predict().index
    assert list(index) == [k for k in range(N) if k not in (3, 5)]


def test_labels_that_a_file_cannot_hold_are_kept_as_text_and_that_is_said(tmp_path):
    index = pd.MultiIndex.from_arrays([pd.period_range("2024-01", periods=N, freq="M"), [dt.date(2024, 1, 1)] * N])
    fit = labelled(index)
    with pytest.warns(UserWarning, match="keeps the labels of the rows as text") as caught:
        fit.save(tmp_path / "fit.nc")
    assert [str(one.message).rpartition("of type ")[2] for one in caught] == ["Period.", "date."]
    found = sh.load(tmp_path / "fit.nc").predict().index
    assert list(found) == [(str(period), "2024-01-01") for period in index.levels[0]]


def removed(file, name):
    del file[f"stanhier_row_labels/{name}"]


def replaced(file, values):
    removed(file, "level_0")
    file["stanhier_row_labels/level_0"] = values


ATTACKS = {
    "fewer": lambda file: replaced(file, np.arange(3)),
    "two dimensions": lambda file: replaced(file, np.zeros((N, 2))),
    "no kind": lambda file: replaced(file, np.arange(N)),
    "no level": lambda file: removed(file, "level_0"),
    "a name that is a list": lambda file: file["stanhier_row_labels/level_0"].attrs.__setitem__("name", "[1]"),
    "codes below any": lambda file: file["stanhier_row_labels/level_0"].__setitem__(slice(0, 1), -2),
    "codes beyond any": lambda file: file["stanhier_row_labels/level_0"].__setitem__(slice(0, 1), N),
}


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    path = tmp_path_factory.mktemp("whole") / "fit.nc"
    labelled(KINDS["text"]).save(path)
    return path.read_bytes()


@pytest.mark.parametrize("attack", list(ATTACKS))
def test_labels_that_are_none_are_damage(attack, whole, tmp_path):
    path = tmp_path / "fit.nc"
    path.write_bytes(whole)
    with h5py.File(path, "r+") as file:
        ATTACKS[attack](file)
    assert_refused(path)
