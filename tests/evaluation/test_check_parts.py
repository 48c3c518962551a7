"""The numbers behind the verdict on a model, against independent formulas."""

import numpy as np
import pandas as pd
import pytest
from scipy import stats

import stanhier as sh
from stanhier.evaluation.checks.evidence import evidence_of
from stanhier.evaluation.checks.groups import _standardised, _tail
from stanhier.evaluation.checks.information import Information, degrees_of_freedom, score_p, variance_p
from stanhier.evaluation.checks.known_effects import known_effects
from stanhier.evaluation.checks.predicted import predicted_rows
from stanhier.evaluation.checks.priors import _conflict
from stanhier.evaluation.checks.statistics import step_of, two_sided
from tests.tools import variants
from tests.tools.fake_fit import fake_fit
from tests.tools.mode_fits import made_fit

RNG = np.random.default_rng(8)
FLAT = {"alpha": sh.Flat(), "beta": sh.Flat(), "sigma": sh.Flat()}


def line(n=60):
    data = pd.DataFrame({"x": RNG.normal(0, 1, n), "z": RNG.normal(0, 1, n)})
    return data.assign(y=1 + data["x"] + 0.3 * data["x"] ** 2 + RNG.normal(0, 1, n))


def test_trends_are_judged_as_f_tests_do():
    """Of a line, what a further column adds to the fit: the F test of nested models, but for the number of draws."""
    data = line()
    evidence = evidence_of(fake_fit(sh.LinearRegression("y ~ x + z", data, priors=FLAT)), 1)
    columns = np.column_stack([data["x"], data["x"] ** 2, np.sin(3 * data["z"])])
    freedom = degrees_of_freedom(evidence, columns[:, 1])
    assert freedom == 57
    found = score_p(evidence, Information(evidence), columns, freedom)
    small = np.column_stack([np.ones(60), data[["x", "z"]]])
    left = [
        np.square(data["y"] - X @ np.linalg.lstsq(X, data["y"])[0]).sum()
        for X in (small, np.column_stack([small, columns[:, 1:]]))
    ]
    exact = stats.f.sf((left[0] - left[1]) / 2 / (left[1] / 55), 2, 55)
    assert found == pytest.approx(exact, rel=0.25)
    assert score_p(evidence, Information(evidence), columns[:, :1], freedom) is None, "the model has it already"


@pytest.mark.parametrize("kind", ["slope", "nested", "slope around 0", "crossed, weights"])
def test_information_is_what_groups_leave(kind):
    """Q = V^-1 - V^-1 X (X'V^-1 X)^-1 X'V^-1, with the covariance V of all rows."""
    fit = fake_fit(variants.SEVERAL[kind](), draws=5)
    evidence = evidence_of(fit, 1)
    design, draws = fit.model.rows, evidence.draws
    sigma, weights = evidence.scale, evidence.scores[1]
    V = np.diag(1 / weights)
    population = fit.model.engine.coordinates.population(draws)
    for term, grouping in enumerate(design.groupings):
        sds = population[f"sd_{grouping.name}"].reshape(20, -1)
        sds = sds / sigma if evidence.has_scale else sds
        cor = population.get(f"cor_{grouping.name}")
        cor = np.eye(sds.shape[1]) if cor is None else cor.reshape(20, *cor.shape[2:])
        covariances = sds[:, :, None] * sds[:, None] * cor
        matrix = design.effect_matrix(term)
        alone = np.linalg.inv(matrix.T @ (weights[:, None] * matrix) / len(grouping.levels))
        covariance = np.linalg.inv(np.linalg.inv(covariances + alone).mean(axis=0)) - alone
        Z = np.zeros((design.n_rows, len(grouping.levels), grouping.n_effects))
        Z[np.arange(design.n_rows), grouping.codes] = design.effect_matrix(term)
        V += np.einsum("njq,qr,mjr->nm", Z, covariance, Z)
    X = np.column_stack([np.ones(design.n_rows), design.X])
    inverse = np.linalg.inv(V)
    Q = inverse - inverse @ X @ np.linalg.solve(X.T @ inverse @ X, X.T @ inverse)
    columns = RNG.normal(0, 1, (design.n_rows, 3))
    np.testing.assert_allclose(Information(evidence).of(columns), columns.T @ Q @ columns, rtol=1e-5)


def test_a_variance_is_judged_by_the_distribution_of_its_score():
    """Simulated: sums of squares of normal numbers with the information as their covariance."""
    evidence = evidence_of(fake_fit(variants.VARYING["known se of rows"]()), 1)
    information = Information(evidence)
    columns = np.eye(9)[evidence.rows.groupings[0].codes] * evidence.rows.frame["x"].to_numpy()[:, None]
    root = np.linalg.cholesky(information.of(columns))
    drawn = np.square(RNG.normal(0, 1, (40_000, 9)) @ root.T).sum(axis=1)
    for level in (0.5, 0.05, 0.004):
        scores = np.linalg.lstsq(columns.T, np.sqrt(np.quantile(drawn, 1 - level)) * np.eye(9)[0])[0]
        information.scores = scores
        assert variance_p(information, columns, np.inf) == pytest.approx(level, rel=0.2)


@pytest.mark.parametrize("kind", ["default", "known se", "known se of rows", "weights", "two groups"])
def test_rows_left_out_are_where_the_others_put_them(kind):
    """Draw by draw, from the covariance of all rows of a group; with the weights of leave-one-out."""
    fit = fake_fit(variants.VARYING[kind](), draws=30)
    evidence = evidence_of(fit, 1)
    design, draws, engine = fit.model.rows, evidence.draws, fit.model.engine
    mean = engine.linear(draws, design.X)
    sd = np.broadcast_to(evidence.auxiliary["sigma"], mean.shape)
    spread = engine.coordinates.population(draws)["sigma_alpha"].ravel()
    same = design.group.codes[:, None] == design.group.codes
    scaled = np.empty_like(mean)
    for s in range(len(mean)):
        inverse = np.linalg.inv(np.diag(sd[s] ** 2) + spread[s] ** 2 * same)
        scaled[s] = inverse @ (design.y - mean[s]) / np.sqrt(np.diag(inverse))
    assert evidence.eta.shape == scaled.shape
    found = np.empty_like(scaled)
    for part, residual, variance in engine.row_residuals(design, draws):
        found[:, part] = residual / np.sqrt(variance)
    np.testing.assert_allclose(found, scaled, rtol=1e-6, atol=1e-8)
    rows = predicted_rows(evidence)
    assert ((rows.up_to > stats.norm.cdf(scaled).min(axis=0)) & (rows.up_to < stats.norm.cdf(scaled).max(axis=0))).all()
    np.testing.assert_allclose(rows.scores, stats.norm.ppf(rows.up_to))


def test_residuals_of_rows_with_several_factors_agree_with_their_densities():
    for kind in ("crossed", "crossed, weights", "slope around 0", "nested"):
        fit = fake_fit(variants.SEVERAL[kind](), draws=10)
        rows = fit.model.rows
        density, found = np.empty((2, 40, rows.n_rows))
        for part, left, _ in fit.model.engine.row_densities(rows, fit.draws):
            density[:, part] = left
        for part, residual, variance in fit.model.engine.row_residuals(rows, fit.draws):
            found[:, part] = stats.norm.logpdf(residual, scale=np.sqrt(variance))
        np.testing.assert_allclose(found, density, rtol=1e-9)


def test_a_group_is_judged_by_the_others():
    """The deleted residual of one of n numbers has a t distribution."""
    values = np.append(np.random.default_rng(8).normal(0, 1, 11), 3.0)  # further out the tail has a floor
    internal = (values[-1] - values.mean()) / (values.std(ddof=1) * np.sqrt(1 - 1 / 12))
    others = values[:-1]
    t = (values[-1] - others.mean()) / (others.std(ddof=1) * np.sqrt(1 + 1 / 11))
    assert _tail(internal, 12) == pytest.approx(2 * stats.t.sf(t, 10))


def test_effects_are_measured_by_the_spread_of_their_estimates():
    """With everything but the effects known: mean of effect and its standard deviation under the model."""
    fit = fake_fit(variants.VARYING["default"](), draws=2000, chains=2)
    values = {name: np.broadcast_to(v.reshape(-1, *v.shape[2:])[0], v.shape) for name, v in fit.draws.values.items()}
    draws = type(fit.draws)(**{**vars(fit.draws), "values": values})
    tau, sigma = (fit.model.engine.coordinates.population(draws)[name].ravel()[0] for name in ("sigma_alpha", "sigma"))
    rows = fit.model.rows
    residual = rows.y - fit.model.engine.linear(draws, rows.X)[0]
    sizes = np.bincount(rows.group.codes)
    means = np.bincount(rows.group.codes, residual) / sizes
    shrunk = means * tau**2 / (tau**2 + sigma**2 / sizes)
    evidence = evidence_of(fit.again(fit.model, draws), 1)
    for rows_known, tolerance in ((evidence, 1e-6), (None, 0.12)):
        found, effects = _standardised(fit.model, evidence.draws, rows_known, 0)
        told = np.isfinite(found[:, 0])
        assert told.sum() > 2
        np.testing.assert_allclose(effects[:, 0], shrunk, atol=0.1)
        exact = np.abs(effects[:, 0]) / np.sqrt(tau**4 / (tau**2 + sigma**2 / sizes))
        np.testing.assert_allclose(np.abs(found[told, 0]), exact[told], rtol=tolerance)


def test_what_rows_tell_of_groups_does_not_depend_on_the_response():
    """Of yes or no: a group with nothing but yes tells as much of itself as another one of its size."""
    data = pd.DataFrame({"g": np.repeat(np.arange(10), 8), "y": np.tile([0, 1], 40)})
    data.loc[data["g"] == 4, "y"] = 1
    evidence = evidence_of(made_fit("y ~ 1 + (1 | g)", data, family="bernoulli", sd=1.0), 1)
    spreads, shares = known_effects(evidence, 0, np.eye(1))
    found = shares[:, 0]
    np.testing.assert_allclose(spreads[:, 0] ** 2, found * (spreads[0] ** 2 / found[0]))
    assert np.ptp(found) < 0.02
    assert 0.55 < found.mean() < 0.67, "8 rows of weight about 0.2, with a variance of about 1"


def test_priors_are_contradicted_by_where_estimates_are():
    values = RNG.normal(0, 1, 1000)
    values = (values - values.mean()) / values.std()
    prior = sh.Normal(0, 2)
    # A posterior of mean 1.2 and sd 0.5 under this prior is that of an estimate of 1.28 with sd 0.516.
    left = 1 - 0.25 / 4
    exact = 2 * stats.norm.sf(1.2 / left / np.sqrt(4 + 0.25 / left))
    assert _conflict(prior, 1.2 + 0.5 * values, RNG) == pytest.approx(exact, abs=0.02)
    assert _conflict(sh.Exponential(1), 0.01 + 1e-4 * values, RNG) > 0.9, "small scales are no surprise"
    assert _conflict(sh.Exponential(1), 12 + 0.1 * values, RNG) < 1e-3
    assert _conflict(sh.LogNormal(3, 0.1), 1 + 0.01 * values, RNG) < 1e-3, "but to a prior that is far from 0"
    assert _conflict(prior, 2 * values, RNG) == 1.0, "nothing has been learnt"


def test_two_sided_probabilities_count_ties_on_both_sides():
    assert two_sided(0.0, np.zeros(999)) == 1.0
    assert two_sided(5.0, np.arange(999.0) / 999) == pytest.approx(2 / 1000)
    assert two_sided(0.5, np.arange(999.0) / 998) == 1.0


def test_the_step_of_a_rounded_response():
    assert step_of(np.array([0.25, 1.75, 3.0, 0.5])) == 0.25
    assert step_of(np.array([3.1, 2.9, 4.0, 3.2, 3.0])) == pytest.approx(0.1)
    assert step_of(np.array([130.0, 110.0, 150.0])) == 20
    assert step_of(np.log([1.0, 2.0, 3.0, 7.0])) is None
    assert step_of(np.array([0.0, 1.0])) is None
