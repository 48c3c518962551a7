"""A prior on the intercept at x = 0 that is a strong one on slopes is told; any other is not."""

import warnings

import numpy as np
import pandas as pd
import polars as pl
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


SLOPES = "y ~ year + x + (1 + year + x | g)"


@pytest.mark.parametrize("prior", [None, sh.Exponential(0.1), sh.HalfNormal(10), sh.HalfCauchy(1), sh.LogNormal(0, 1)])
def test_intercepts_that_vary_at_zero_name_the_slope_that_they_hold(prior):
    given = {} if prior is None else {"sd": {"g": {"Intercept": prior}}}
    (said,) = told(SLOPES, kind=sh.Model, **given)
    assert said.startswith(f"The prior sd_g[Intercept] ~ {prior!r}" if prior else "The prior sd_g[Intercept] ~ Expo")
    assert "'year' of 0, 211 standard deviations from its mean (mean 2005, sd 9.49)" in said
    assert said.endswith("Centre 'year' wherever it stands, as center() does, or subtract about 2005 from it.")


@pytest.mark.parametrize("formula", ["y ~ year + (year || g)", "y ~ year + (1 | g) + (0 + x + year | g)"])
def test_uncorrelated_slopes_are_held_by_any_prior(formula):
    (said,) = told(formula, kind=sh.Model, sd=sh.HalfNormal(1e6))
    assert said.startswith(
        "Intercept and slope vary by 'g' without correlation at 'year' of 0, 211 standard deviations"
    )


@pytest.mark.parametrize(
    ("formula", "prior"),
    [
        ("y ~ center(year) + (1 + center(year) | g)", None),
        (SLOPES, sh.Flat()),
        (SLOPES, sh.HalfNormal(1e5)),
        (SLOPES, sh.HalfCauchy(1e5)),
        ("y ~ year + (1 | g)", None),
        ("y ~ year + (0 + year | g)", None),
        ("y ~ year + (1 + x | g)", None),
        ("y ~ x + (1 + often | g)", None),
        ("y ~ x + (kind | g)", None),
    ],
)
def test_other_effects_are_taken_without_a_word(formula, prior):
    effects = {} if prior is None else {"sd": {"g": {"Intercept": prior}}}
    assert told(formula, kind=sh.Model, **effects) == []


def test_each_factor_is_told_once_and_rows_in_blocks_alike():
    data = years().assign(h=lambda rows: rows.index % 5)
    formula = "y ~ year + (year | g) + (year | h) + (1 | g:h)"
    said = told(formula, kind=sh.Model, data=data)
    assert ["sd_g[" in said[0], "sd_h[" in said[1], len(said)] == [True, True, 2]
    assert told(formula, kind=sh.Model, data=pl.DataFrame(data).lazy()) == said


@pytest.mark.filterwarnings("ignore::stanhier.SamplingWarning")
def test_slopes_that_are_told_of_would_be_lost(cmdstan_home):
    """Slopes of groups by the years, centred and as they are."""
    rng = np.random.default_rng(4)
    g, year = np.repeat(np.arange(12), 10), 2000.0 + np.tile(np.arange(10), 12)
    y = (5 * rng.standard_normal(12))[g] * (year - 2004.5) + 10 * rng.standard_normal(120)
    data, keywords = pd.DataFrame({"y": y, "year": year, "g": g}), {"seed": 1, "show_progress": False}
    centred = sh.Model("y ~ center(year) + (center(year) | g)", data).sample(**keywords)
    with pytest.warns(sh.PriorWarning):
        model = sh.Model("y ~ year + (year | g)", data)
    as_they_are = model.sample(**keywords)
    sds = [float(fit.posterior["sd_g"][..., 1].mean()) for fit in (centred, as_they_are)]
    assert sds[0] == pytest.approx(5, rel=0.5)
    assert sds[1] < 0.2 * sds[0]


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
