"""Slopes against derivatives worked out by hand, draw by draw."""

import numpy as np
import pandas as pd
import pytest
from scipy import stats
from scipy.special import expit

import stanhier as sh
from stanhier.posterior import row_draws
from tests.tools.fake_fit import fake_fit
from tests.tools.family_fits import fit as prior_fit
from tests.tools.family_fits import frame, model
from tests.tools.marginal_rows import ROWS, beta, effects_of, eta_of, fit_of, flat, only
from tests.tools.mode_fits import family_fit, family_rows


@pytest.fixture(scope="module")
def logit():
    return family_fit("bernoulli")


def test_of_a_linear_predictor_it_is_the_coefficient(logit):
    linear = fit_of("y ~ x + z + k")
    found = linear.slopes()
    assert list(found["term"]) == ["x", "z"]
    assert set(found["contrast"]) == {"dY/dX"}
    expected = np.column_stack([beta(linear, name).ravel() for name in ("x", "z")])
    np.testing.assert_allclose(flat(found.draws), expected, rtol=1e-7)
    population = only(logit.slopes("x", kind="linear", group_effects=False))
    np.testing.assert_allclose(population, beta(logit, "x"), rtol=1e-8)


def test_far_from_zero_it_is_still_the_coefficient():
    """Years differ by little from 2,000, and intercepts at year 0 lie far away."""
    rows = ROWS.assign(year=1990.0 + np.arange(len(ROWS)) % 20)
    fit = fake_fit(sh.LinearRegression("y ~ year", rows), chains=2, draws=50)
    np.testing.assert_allclose(only(fit.slopes("year")), beta(fit, "year"), rtol=1e-7, atol=1e-9)


def test_of_a_logit_it_is_the_slope_times_the_variance(logit):
    rows = family_rows("bernoulli")
    p, (_, own) = expit(eta_of(logit, rows)), effects_of(logit, rows)
    expected = (beta(logit, "x").ravel()[:, None] + own) * p * (1 - p)
    np.testing.assert_allclose(only(logit.slopes("x")).ravel(), expected.mean(axis=1), rtol=1e-7, atol=1e-10)
    np.testing.assert_allclose(flat(logit.slopes("x", average=False).draws), expected, rtol=1e-6, atol=1e-9)
    by = flat(logit.slopes("x", by="dose").draws)
    for place, dose in enumerate(("high", "low")):
        inside = (rows["dose"] == dose).to_numpy()
        np.testing.assert_allclose(by[:, place], expected[:, inside].mean(axis=1), rtol=1e-7, atol=1e-10)


def test_of_a_probit_it_is_the_slope_times_the_density():
    fit, data = prior_fit(model("probit", "x")), frame()
    eta = flat(fit.predict_draws(data, kind="linear"))
    expected = (beta(fit, "x").ravel()[:, None] * stats.norm.pdf(eta)).mean(axis=1)
    np.testing.assert_allclose(only(fit.slopes("x")).ravel(), expected, rtol=1e-6, atol=1e-10)


def test_of_a_log_link_it_is_the_slope_times_the_mean():
    fit = family_fit("poisson", "y ~ x + dose + (1 | g)", offset="log_exposure")
    rows = family_rows("poisson")
    expected = (beta(fit, "x").ravel()[:, None] * flat(fit.predict_draws(rows))).mean(axis=1)
    np.testing.assert_allclose(only(fit.slopes("x")).ravel(), expected, rtol=1e-7)


@pytest.mark.parametrize(
    ("terms", "derivative"),
    [
        ("np.log(x)", lambda x, b: b("np.log(x)") / x),
        ("x + I(x ** 2)", lambda x, b: b("x") + 2 * b("I(x ** 2)") * x),
        ("np.sqrt(x) + I(1 / x)", lambda x, b: b("np.sqrt(x)") / (2 * np.sqrt(x)) - b("I(1 / x)") / x**2),
        ("x * z", lambda x, b: b("x") + b("x:z") * ROWS["z"].to_numpy() + 0 * x),
        ("scale(x)", lambda x, b: b("scale(x)") / x.std(ddof=1) + 0 * x),
    ],
)
def test_what_the_formula_calculates_is_differentiated(terms, derivative):
    fit, x = fit_of(f"y ~ {terms}"), ROWS["x"].to_numpy()
    expected = derivative(x, lambda name: beta(fit, name).ravel()[:, None])
    by_row = flat(fit.slopes("x", average=False).draws)
    np.testing.assert_allclose(by_row, expected, rtol=2e-6, atol=1e-6 * np.abs(expected).max())
    np.testing.assert_allclose(only(fit.slopes("x")).ravel(), expected.mean(axis=1), rtol=1e-6, atol=1e-8)


def test_slopes_of_single_rows_do_not_depend_on_the_size_of_blocks(monkeypatch):
    fit = fit_of("y ~ np.log(x)")
    whole = flat(fit.slopes("x", average=False).draws)
    monkeypatch.setattr(row_draws, "BLOCK_VALUES", 3000)
    np.testing.assert_allclose(flat(fit.slopes("x", average=False).draws), whole, rtol=1e-6)


def test_values_near_zero_stay_where_the_formula_is_defined():
    """Incomes over many orders of magnitude: a step of the standard deviation would go below 0."""
    income = np.exp(np.linspace(-12, 12, len(ROWS)))
    rows = ROWS.assign(income=income)
    fit = fake_fit(sh.LinearRegression("y ~ np.log(income)", rows), chains=2, draws=50)
    found = flat(fit.slopes("income", average=False).draws)
    b = beta(fit, "np.log(income)").ravel()[:, None]
    np.testing.assert_allclose(found * income, b + 0 * income, rtol=1e-5, atol=1e-6 * np.abs(b).max())


def test_splines_are_differentiated_up_to_their_ends():
    fit, x = fit_of("y ~ bs(x, df=4)"), ROWS["x"].to_numpy()
    found = flat(fit.slopes("x", average=False).draws)
    inside = np.clip(x, x.min() + 1e-3, x.max() - 1e-3)
    h = 1e-4
    high, low = (flat(fit.predict_draws(pd.DataFrame({"x": inside + step}))) for step in (h, -h))
    expected = (high - low) / (2 * h)
    middle = (inside == x) & (np.abs(x[:, None] - np.median(x)).min(axis=1) > 0.01)
    np.testing.assert_allclose(found[:, middle], expected[:, middle], rtol=1e-4, atol=1e-4)
    # At the ends the curvature over 1e-3 is what may differ.
    np.testing.assert_allclose(found[:, ~middle], expected[:, ~middle], rtol=0.1, atol=0.1 * np.abs(expected).max())


def test_rows_may_be_new_ones(logit):
    rows = family_rows("bernoulli").iloc[:1]
    p, (_, own) = expit(eta_of(logit, rows)), effects_of(logit, rows)
    expected = (beta(logit, "x").ravel()[:, None] + own) * p * (1 - p)
    np.testing.assert_allclose(flat(logit.slopes("x", new=rows).draws), expected, rtol=1e-6, atol=1e-9)


def test_categories_have_no_slope(logit):
    with pytest.raises(sh.StanhierError, match=r"slopes\('dose'\): 'dose' holds categories, which have no slope; comp"):
        logit.slopes("dose")
    with pytest.raises(sh.StanhierError, match=r"slopes\(\): no predictor holds numbers"):
        family_fit("bernoulli", "y ~ dose").slopes()
    with pytest.raises(sh.StanhierError, match="'variables' must be a column, a list of columns"):
        logit.slopes({"x": 1})
