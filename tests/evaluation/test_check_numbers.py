"""What checks look along and compare with, against independent formulas: splines, shapes, priors, part of the rows."""

import numpy as np
import pandas as pd
import pytest
from scipy import stats
from scipy.interpolate import CubicSpline

import stanhier as sh
from stanhier.engines.draws import Draws
from stanhier.evaluation.checks.evidence import evidence_of
from stanhier.evaluation.checks.groups import _standardised
from stanhier.evaluation.checks.information import Information, degrees_of_freedom, variance_p
from stanhier.evaluation.checks.known_effects import known_effects
from stanhier.evaluation.checks.predicted import predicted_rows, row_findings
from stanhier.evaluation.checks.priors import decisive_priors, prior_findings
from stanhier.evaluation.checks.residuals import _smooth, _spread_along, residual_findings
from stanhier.evaluation.checks.statistics import _skewness, statistic_findings
from stanhier.posterior.weights import smoothed_weights
from tests.tools import variants
from tests.tools.fake_fit import fake_fit
from tests.tools.mode_fits import made_fit

RNG = np.random.default_rng(8)


def test_trends_are_looked_for_along_natural_cubic_splines():
    values = np.sort(RNG.gamma(2, 3, 400))
    x = (values - values.mean()) / values.std()
    knots = np.quantile(x, [0.05, 0.35, 0.65, 0.95])
    basis = _smooth(values)
    assert basis.shape == (400, 3)
    assert np.linalg.matrix_rank(np.column_stack([np.ones(400), basis])) == 4
    np.testing.assert_allclose(basis[:, 0], x)
    for bent in basis[:, 1:].T:
        spline = CubicSpline(knots, np.interp(knots, x, bent), bc_type="natural")
        inside = (x >= knots[0]) & (x <= knots[-1])
        np.testing.assert_allclose(bent[inside], spline(x[inside]), atol=1e-3)
        np.testing.assert_allclose(bent[x < knots[0]], 0.0, atol=1e-12)
        above = x > knots[-1]
        line = spline(knots[-1]) + spline(knots[-1], 1) * (x[above] - knots[-1])
        np.testing.assert_allclose(bent[above], line, rtol=1e-3)
    few = np.tile([1.0, 2.0, 4.0], 20)
    np.testing.assert_allclose(_smooth(few)[:, 1], ((few - few.mean()) / few.std()) ** 2)


def test_a_spread_is_judged_by_the_f_test_of_a_parabola():
    values, size = RNG.normal(5, 2, 60), RNG.normal(0, 1, 60)
    for sizes in (size + 0.3 * values, size + 0.1 * (values - 5) ** 2):
        left = np.square(sizes - np.polyval(np.polyfit(values, sizes, 2), values)).sum()
        share = 1 - left / np.square(sizes - sizes.mean()).sum()
        slope, p = _spread_along(sizes, values)
        assert p == pytest.approx(stats.f.sf(share / 2 / ((1 - share) / 57), 2, 57))
        assert slope == pytest.approx(stats.linregress(values, sizes).slope * values.std())
    slope, p = _spread_along(size, np.tile([0.0, 1.0, 1.0], 20))
    assert p == pytest.approx(stats.linregress(np.tile([0.0, 1.0, 1.0], 20), size).pvalue), "a line, of two values"


def test_slopes_of_groups_are_looked_for_within_the_groups():
    """Where groups differ in a predictor, what it says of their means is no matter of slopes."""
    data = variants.frame().assign(se=0.5)
    data["x"] += 3 * pd.factorize(data["g"])[0]
    evidence = evidence_of(fake_fit(sh.VaryingIntercept("y ~ x + (1 | g)", data, se="se")), 1)
    (found,) = (one for one in residual_findings(evidence) if one.check == "slopes by group")
    within = data["x"] - data.groupby("g")["x"].transform("mean")
    columns = pd.get_dummies(data["g"]).to_numpy(dtype=float) * within.to_numpy()[:, None]
    assert found.of == "x by g"
    assert found.p == pytest.approx(variance_p(Information(evidence), columns, np.inf))


def test_part_of_the_rows_tells_of_groups_what_all_would(monkeypatch):
    data = pd.DataFrame({"g": np.repeat(np.arange(40), 20), "se": 4.0})
    data["y"] = RNG.normal(0, 1, 40)[data["g"]] + RNG.normal(0, 4, 800)
    fit = fake_fit(sh.VaryingIntercept("y ~ 1 + (1 | g)", data, se="se"))
    whole = known_effects(evidence_of(fit, 1), 0, np.eye(1))[1]
    monkeypatch.setattr("stanhier.evaluation.checks.evidence.MOST_ROWS", 400)
    part = known_effects(evidence_of(fit, 1), 0, np.eye(1))[1]
    assert 0.2 < whole.mean() < 0.8
    assert part.mean() == pytest.approx(whole.mean(), abs=0.03)


@pytest.mark.filterwarnings("ignore::stanhier.PriorWarning")
def test_intercepts_of_groups_are_judged_at_the_means_of_the_predictors():
    data = variants.frame()
    data["x"] += 10
    fit = fake_fit(sh.Model("y ~ x + (1 + x | g)", data), draws=200)
    effects = fit.model.engine.effects(fit.draws, 0, np.arange(data["g"].nunique())).mean(axis=0)
    found = _standardised(fit.model, fit.draws, evidence_of(fit, 1), 0)[1]
    np.testing.assert_allclose(found[:, 0], effects[:, 0] + data["x"].mean() * effects[:, 1], atol=1e-9)
    np.testing.assert_allclose(found[:, 1], effects[:, 1])


def test_skewness_of_replicated_responses():
    values = RNG.gamma(2, 1, (3, 50))
    np.testing.assert_allclose(_skewness(values), stats.skew(values, axis=1))


def test_rounded_responses_are_compared_with_rounded_ones():
    data = variants.frame()
    data["y"] = 100 + data["y"].round()
    found = {one.check: one for one in statistic_findings(evidence_of(fake_fit(sh.LinearRegression("y ~ x", data)), 1))}
    assert found["mean"].lower < data["y"].mean() < found["mean"].upper
    assert found["share of repeated values"].lower > 0.5


def test_a_count_that_is_far_out_is_judged_by_as_many_or_more():
    data = pd.DataFrame({"y": [*stats.poisson.ppf((np.arange(399) + 0.5) / 399, 2), 11]}).astype(int)
    evidence = evidence_of(made_fit("y ~ 1", data, family="poisson"), 1)
    (found,) = (one for one in row_findings(evidence, predicted_rows(evidence)) if one.check == "outliers")
    assert found.observed == 11
    assert found.p == pytest.approx(400 * 2 * stats.poisson.sf(10, 2), rel=0.4)


def test_priors_are_looked_at_where_they_hold():
    data = variants.frame()
    data["x"] += 10
    fit = fake_fit(sh.LinearRegression("y ~ x", data))
    found = {one.of: one.observed for one in prior_findings(fit.model, fit.draws, pd.Series(dtype=float))}
    alpha, beta = fit.posterior["alpha"], fit.posterior["beta"].sel(predictor="x")
    assert found["alpha"] == pytest.approx(float((alpha + data["x"].mean() * beta).mean()))


@pytest.mark.parametrize(("width", "decides"), [(0.6, False), (0.8, True)])
def test_a_prior_decides_from_half_of_the_information_on(width, decides):
    """The posterior variance is the share of the prior's that the data leave."""
    fit = fake_fit(sh.LinearRegression("y ~ x", variants.frame(), priors={"beta": sh.Normal(0, 2)}))
    normal = stats.norm.ppf((np.arange(4000) + 0.5) / 4000)
    drawn = {"alpha": np.zeros(4000), "beta": 2 * width * normal[:, None], "sigma": np.ones(4000)}
    values = fit.model.engine.values_of(drawn)
    draws = Draws(values, {}, seed=1, max_treedepth=10, cmdstan="")
    assert ("beta[x]" in decisive_priors(fit.model, draws)) is decides


def test_what_is_the_same_in_all_rows_of_a_group_is_measured_by_the_groups():
    """As many as the groups less the constant and the predictors that are the same in them too."""
    data = variants.frame()
    codes = pd.factorize(data["g"])[0]
    data["of_group"], other = RNG.normal(0, 1, 100)[codes], RNG.normal(0, 1, 100)[codes]
    evidence = evidence_of(fake_fit(sh.VaryingIntercept("y ~ x + of_group + (1 | g)", data)), 1)
    assert degrees_of_freedom(evidence, other) == data["g"].nunique() - 2
    assert degrees_of_freedom(evidence, data["x"].to_numpy()) == len(data) - 3


def test_draws_weigh_the_inverse_of_the_density_that_is_left_out():
    log_density = RNG.normal(0, 0.2, (1000, 3))
    weights, k = smoothed_weights(log_density)
    expected = np.exp(-log_density)
    np.testing.assert_allclose(weights, expected / expected.sum(axis=0), rtol=0.1)
    np.testing.assert_allclose(weights.sum(axis=0), 1.0)
    assert (k < 0.5).all()
