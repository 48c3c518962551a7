"""Fits side by side: digits that tell them apart, and words where they cannot be compared."""

import dataclasses
import warnings

import numpy as np
import pandas as pd
import pytest
import xarray as xr
from arviz_stats.utils import ELPDDataLOOKFold

import stanhier as sh
from tests.tools import variants
from tests.tools.fake_fit import fake_fit

N = 300


def result(elpd_i, folds=None, k=3):
    """What cross-validation of N rows might have found."""
    attrs = {} if folds is None else {"folds": np.asarray(folds)}
    return ELPDDataLOOKFold(
        elpd=float(np.sum(elpd_i)),
        se=float(np.sqrt(N * np.var(elpd_i, ddof=1))),
        p=3.04,
        n_samples=1000,
        n_data_points=N,
        scale="log",
        warning=False,
        good_k=None,
        elpd_i=xr.DataArray(elpd_i, coords=[pd.RangeIndex(N, name="row")], attrs=attrs),
        n_folds=k,
    )


def densities(difference=0.0, spread=0.0):
    rng = np.random.default_rng(1)
    return -5.1 + 0.7 * rng.standard_normal(N) + spread * rng.standard_normal(N) + difference / N


def warned(results):
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        sh.compare(results)
    assert all(one.filename == __file__ for one in caught)
    return [str(one.message) for one in caught]


@pytest.mark.parametrize(("difference", "spread"), [(6.0, 0.2), (0.5, 0.02), (0.02, 0.001), (-300.0, 2.0)])
def test_fits_that_differ_have_other_numbers(difference, spread):
    table = sh.compare({"a": result(densities()), "b": result(densities(difference, spread))})
    assert len({line.split()[1] for line in str(table[["elpd"]]).splitlines()[1:]}) == 2
    assert table["elpd"].max() == max(densities().sum(), densities(difference, spread).sum())


def test_the_same_fit_twice_has_the_digits_of_its_error():
    lines = str(sh.compare({"a": result(densities()), "b": result(densities())})[["elpd", "se"]]).splitlines()
    expected = f"{densities().sum():.1f}"
    assert [line.split()[1] for line in lines[1:]] == [expected, expected]


def test_a_rounding_of_the_users_own_wins():
    pair = {"a": result(densities()), "b": result(densities(6, 0.2))}
    assert sh.compare(pair, round_to=0)["elpd"].iloc[0] == round(densities(6, 0.2).sum())
    with pytest.raises(sh.StanhierError, match=r"compare\(round_to='two'\)"):
        sh.compare(pair, round_to="two")


@pytest.mark.parametrize(
    ("keywords", "words"),
    [
        ({"metod": "stacking"}, "compare() has no keyword 'metod'. Did you mean 'method'?"),
        ({"method": 3}, "compare(method=3)"),
        ({"method": "dice"}, "compare(): Invalid method 'dice'"),
        ({"reference": "z"}, "Reference model 'z' not found"),
        ({"k": 5}, "Give it results of fit.kfold("),
    ],
)
def test_keywords_that_it_does_not_have(keywords, words):
    with pytest.raises(sh.StanhierError) as refused:
        sh.compare({"a": result(densities()), "b": result(densities(1, 0.1))}, **keywords)
    assert words in str(refused.value)


@pytest.mark.parametrize("call", [lambda a, b: sh.compare(a, b), lambda a, b: sh.compare([a, b])])
def test_fits_without_names_are_refused_with_an_example(call):
    with pytest.raises(sh.StanhierError, match=r'give it one dict of fits by name: sh.compare\(\{"a": a, "b": b\}\)'):
        call(result(densities()), result(densities(1, 0.1)))


FOLDS = np.arange(N) % 3


def test_other_numbers_of_folds_are_told():
    (said,) = warned({"a": result(densities(), FOLDS), "b": result(densities(1, 0.1), np.arange(N) % 5, k=5)})
    assert "different numbers of folds: 'a' 3, 'b' 5." in said
    assert "same k and the same seed" in said
    assert len(warned({"a": result(densities()), "b": result(densities(1, 0.1), k=5)})) == 1


def test_other_folds_of_the_same_number_are_told():
    (said,) = warned(
        {"a": result(densities(), FOLDS), "b": result(densities(1, 0.1), np.random.default_rng(2).permutation(FOLDS))}
    )
    assert "'a' and 'b' are of 3 folds each, but not of the same ones" in said


def test_the_same_folds_are_silent():
    """Whatever their numbers are; and where they are not known."""
    other = result(densities(1, 0.1), (FOLDS + 1) % 3)
    assert not warned({"a": result(densities(), FOLDS), "b": other})
    assert not warned(
        {"a": result(densities(), FOLDS), "b": dataclasses.replace(other, elpd_i=result(densities()).elpd_i)}
    )
    assert not warned(
        {"a": result(densities(), np.arange(N), k=N), "b": result(densities(1, 0.1), np.arange(N)[::-1], k=N)}
    )


@pytest.mark.slow
@pytest.mark.usefixtures("cmdstan_home")
@pytest.mark.filterwarnings("ignore::stanhier.SamplingWarning")
def test_folds_are_known_of_what_was_sampled():
    fit = sh.LinearRegression("y ~ x", variants.frame()).sample(seed=1, show_progress=False)
    one, same, other, more = (fit.kfold(k=k, seed=seed) for k, seed in ((3, 1), (3, 1), (3, 2), (4, 1)))
    np.testing.assert_array_equal(np.bincount(one.elpd_i.attrs["folds"]), [27, 27, 26])
    assert not warned({"a": one, "b": same})
    assert "not of the same ones" in warned({"a": one, "b": other})[0]
    assert "different numbers of folds" in warned({"a": one, "b": more})[0]


def test_the_same_rows_in_another_order_are_told_from_other_data():
    data = pd.DataFrame({"y": [1.0, 2.0, 4.0, 3.0], "x": [0.0, 1.0, 2.0, 4.0], "z": [2.0, 1.0, 2.0, 4.0]})
    fit = fake_fit(sh.LinearRegression("y ~ x", data))
    turned = fake_fit(sh.LinearRegression("y ~ x", data.iloc[::-1]))
    with pytest.raises(sh.DataError, match=r"'a' and 'b' have the same responses in another order.*in the same order"):
        sh.compare({"a": fit, "b": turned})
    for formula, rows in (("z ~ x", data), ("y ~ x", data.assign(y=data["y"] + 1))):
        other = fake_fit(sh.LinearRegression(formula, rows))
        with pytest.raises(sh.DataError, match="different data"):
            sh.compare({"a": fit, "b": other})


@pytest.mark.filterwarnings("ignore::stanhier.MissingWarning")
def test_rows_that_one_fit_left_out_are_told():
    data = pd.DataFrame({"y": [1.0, 2.0, 4.0, 3.0], "x": [0.0, 1.0, 2.0, 4.0], "z": [2.0, np.nan, 2.5, 4.0]})
    fit = fake_fit(sh.LinearRegression("y ~ x", data))
    other = fake_fit(sh.LinearRegression("y ~ z", data, missing="drop"))
    words = (
        r"4 rows and 3 \('b': 1 of 4 rows is left out for missing values: 'z' 1; drop these rows from the data of both"
    )
    with pytest.raises(sh.DataError, match=words):
        sh.compare({"a": fit, "b": other})
    fewer = fake_fit(sh.LinearRegression("y ~ x", data.iloc[1:]))
    with pytest.raises(sh.DataError, match=r"different data: 4 rows and 3\. Densities"):
        sh.compare({"a": fit, "b": fewer})
