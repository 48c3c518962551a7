"""A prior on the intercept at x = 0 that is a strong one on slopes is told; any other is not."""

import warnings

import numpy as np
import pandas as pd
import pytest

import stanhier as sh
from tests.tools.fake_fit import fake_fit


def years(n=60, seed=0):
    rng = np.random.default_rng(seed)
    year = rng.integers(1990, 2021, n).astype(float)
    data = pd.DataFrame({"year": year, "x": rng.standard_normal(n), "g": rng.integers(0, 6, n)})
    data["often"] = (np.arange(n) < n - 1).astype(float)  # 1 in all rows but one: 7.6 standard deviations from 0
    data["kind"] = np.where(data["often"] == 1, "z", "a")
    return data.assign(y=3 + 2.11 * (year - 2005) + 5 * rng.standard_normal(n))


def told(formula, *, kind=sh.LinearRegression, data=None, **priors):
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        kind(formula, years() if data is None else data, priors=priors)
    assert all(warning.filename == __file__ for warning in caught)
    return [str(warning.message) for warning in caught if warning.category is sh.PriorWarning]


@pytest.mark.parametrize(
    "prior",
    [
        sh.Normal(0, 10),
        sh.Normal(-4227, 5),  # it agrees with the data, and decides on the slope all the same
        sh.StudentT(3, 0, 10),
        sh.Cauchy(0, 2.5),
    ],
    ids=repr,
)
def test_a_narrow_prior_at_zero_names_the_predictor_and_the_remedy(prior):
    (said,) = told("y ~ year + x", alpha=prior)
    assert f"alpha ~ {prior!r}" in said
    assert "'year' (mean 2005, sd 9.49) lies 211 standard deviations" in said
    assert f"{type(prior).__name__}(..., centered=True)" in said
    (said,) = told("y ~ year + x + (1 | g)", kind=sh.VaryingIntercept, mu_alpha=prior)
    assert "mu_alpha ~" in said


@pytest.mark.parametrize(
    ("formula", "prior"),
    [
        ("y ~ year", sh.Flat()),
        ("y ~ year", sh.Normal(0, 10, centered=True)),
        ("y ~ year", sh.Normal(0, 1e4)),
        ("y ~ year", sh.Cauchy(0, 1e4)),
        ("y ~ year", None),
        ("y ~ center(year)", sh.Normal(0, 1)),
        ("y ~ x", sh.Normal(0, 1)),
        ("y ~ 1", sh.Normal(0, 1)),
        ("y ~ often", sh.Normal(0, 1)),
        ("y ~ kind", sh.Normal(0, 1)),
    ],
)
def test_other_priors_are_taken_without_a_word(formula, prior):
    assert told(formula, alpha=prior) == []


@pytest.mark.parametrize(("away", "words"), [(4.9, 0), (5.1, 1), (-5.1, 1)])
def test_far_is_five_standard_deviations(away, words):
    x = np.linspace(-1, 1, 50)
    x /= x.std(ddof=1)
    data = {"y": np.sin(9 * x), "x": x + away}
    assert len(told("y ~ x", data=data, alpha=sh.Normal(0, 0.1))) == words


@pytest.mark.parametrize("scale", [1e-9, 1.0, 1e9])
def test_units_make_no_difference(scale):
    data = years()
    data["year"] *= scale
    data["y"] *= scale
    assert len(told("y ~ year", data=data, alpha=sh.Normal(0, 1500 * scale))) == 1
    assert told("y ~ year", data=data, alpha=sh.Normal(0, 4500 * scale)) == []


def test_the_warning_stands_where_the_slope_would_be_lost():
    """Posterior means of the slope in closed form, sigma fixed: with the prior at 0, and at the mean."""
    data = years()
    priors = {"beta": sh.Normal(0, 10)}
    with pytest.warns(sh.PriorWarning):
        at_zero = sh.LinearRegression("y ~ year", data, sigma=5.0, priors={"alpha": sh.Normal(0, 10), **priors})
    at_mean = sh.LinearRegression(
        "y ~ year", data, sigma=5.0, priors={"alpha": sh.Normal(0, 10, centered=True), **priors}
    )
    wide = sh.LinearRegression("y ~ year", data, sigma=5.0, priors={"alpha": sh.Normal(0, 1e4), **priors})
    slopes = [model.engine.whitening.location_hat[-1] for model in (at_zero, at_mean, wide)]
    assert abs(slopes[1] - 2.11) < 0.2
    assert abs(slopes[2] - slopes[1]) < 0.01
    assert slopes[0] < 0.5


def test_a_model_that_is_loaded_or_updated_says_nothing_again(tmp_path):
    with pytest.warns(sh.PriorWarning):
        model = sh.VaryingIntercept("y ~ year + (1 | g)", years(), priors={"mu_alpha": sh.Normal(0, 10)})
    fake_fit(model).save(tmp_path / "fit.nc")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        loaded = sh.load(tmp_path / "fit.nc")
        loaded.update_group(years()[:3].assign(g=99), reweight=False)
    assert loaded.model.priors == model.priors


def test_rows_that_are_not_in_memory_are_told_alike(tmp_path):
    years().to_parquet(tmp_path / "years.parquet")
    (said,) = told("y ~ year", data=tmp_path / "years.parquet", alpha=sh.Normal(0, 10))
    assert "'year' (mean 2005, sd 9.49)" in said
