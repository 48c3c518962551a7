"""Predictions of rows with missing values: NaN, where that is asked for, under the labels of the rows."""

import numpy as np
import pandas as pd
import pytest

import stanhier as sh
from stanhier.data.sources import parquet
from stanhier.posterior import new_rows as wanted
from tests.tools import variants
from tests.tools.fake_fit import fake_fit

INDEX = [f"row {k}" for k in range(12)]
GAPS = {"x": [2, 7], "g": [7, 9], "w": [11]}
WHOLE = [0, 1, 3, 4, 5, 6, 8, 10]


@pytest.fixture(scope="module")
def fit():
    return fake_fit(sh.VaryingIntercept("y ~ x + (1 | g)", variants.weighted(), weights="w"), draws=50)


def new_rows():
    return variants.weighted().iloc[::7].iloc[:12].set_axis(INDEX)


def with_gaps():
    frame = new_rows().astype({"g": "Int64"})
    for name, places in GAPS.items():
        frame.iloc[places, frame.columns.get_loc(name)] = None
    return frame


@pytest.mark.parametrize("kind", ["mean", "linear", "response"])
def test_other_rows_are_predicted_as_if_nothing_were_missing(fit, kind):
    predicted = fit.predict(with_gaps(), kind=kind, missing="nan")
    assert list(predicted.index) == INDEX
    expected = fit.predict(new_rows(), kind=kind)
    pd.testing.assert_frame_equal(predicted.iloc[WHOLE], expected.iloc[WHOLE], check_exact=True)
    assert predicted.drop(index=[INDEX[k] for k in WHOLE]).isna().all(axis=None)
    draws = fit.predict_draws(with_gaps(), kind=kind, missing="nan")
    assert list(draws["row"].to_numpy()) == INDEX
    whole = np.isin(np.arange(12), WHOLE)
    np.testing.assert_array_equal(np.isnan(draws.to_numpy()).all(axis=(0, 1)), ~whole)
    np.testing.assert_array_equal(draws.to_numpy()[..., whole], fit.predict_draws(new_rows(), kind=kind)[..., whole])


def test_missing_values_are_an_error_unless_asked_for(fit):
    words = r"Columns have missing values in 12 rows: 'x' 2, 'g' 2, 'w' 1; .*With predict\(missing=\"nan\"\) these"
    with pytest.raises(sh.DataError, match=words):
        fit.predict(with_gaps())
    with pytest.raises(sh.StanhierError, match='`missing` must be "error" or "nan"; it is \'drop\''):
        fit.predict(new_rows(), missing="drop")


@pytest.mark.parametrize("size", [1000, 3])
def test_rows_that_are_not_in_memory_have_gaps_too(fit, size, tmp_path, monkeypatch):
    """Block by block, also where all rows of a block have some."""
    monkeypatch.setattr(parquet, "batch_rows", lambda _: size)
    monkeypatch.setattr(wanted, "LEAST_ROWS", size)
    frame = with_gaps().reset_index(drop=True)
    frame.loc[3:5, "x"] = None
    frame.to_parquet(tmp_path / "rows.parquet")
    for kind in ("mean", "response"):
        predicted = fit.predict(tmp_path / "rows.parquet", kind=kind, missing="nan")
        pd.testing.assert_frame_equal(predicted, fit.predict(frame, kind=kind, missing="nan"), check_exact=True)
    with pytest.raises(sh.DataError, match="missing value"):
        fit.predict(tmp_path / "rows.parquet")
    fit.predict(tmp_path / "rows.parquet", missing="nan", to=tmp_path / "to.parquet")
    assert pd.read_parquet(tmp_path / "to.parquet")["mean"].isna().sum() == 7


def test_a_missing_label_is_a_new_group_where_new_groups_are_drawn(fit):
    predicted = fit.predict(with_gaps(), new_groups="sample", missing="nan")
    assert predicted["mean"].isna().tolist() == [k in {*GAPS["x"], *GAPS["w"]} for k in range(12)]


def test_nothing_but_missing_values(fit):
    frame = with_gaps().assign(x=np.nan)
    for kind in ("mean", "response"):
        predicted = fit.predict(frame, kind=kind, missing="nan")
        assert list(predicted.index) == INDEX
        assert predicted.isna().all(axis=None)


def test_where_nothing_is_missing_nothing_changes(fit):
    pd.testing.assert_frame_equal(fit.predict(new_rows(), missing="nan"), fit.predict(new_rows()), check_exact=True)


def test_new_groups_are_those_of_rows_without_gaps(fit):
    frame = with_gaps()
    frame.iloc[2, frame.columns.get_loc("g")] = 99  # its predictor is missing
    assert fit.predict(frame, missing="nan")["mean"].notna().sum() == len(WHOLE)


@pytest.mark.parametrize("family", ["binomial", "poisson"])
def test_counts_have_gaps_too(family):
    rng = np.random.default_rng(2)
    data = pd.DataFrame({"x": rng.standard_normal(30), "n": 9, "y": rng.integers(0, 9, 30)})
    keywords = {"trials": "n"} if family == "binomial" else {}
    fit = sh.Model("y ~ x", data, family=family, **keywords).laplace(draws=100, seed=1)
    frame = data.iloc[:5].assign(x=[0.5, np.nan, 0.1, np.nan, 0.2])
    predicted = fit.predict(frame, kind="response", missing="nan")
    assert predicted["median"].isna().tolist() == [False, True, False, True, False]
