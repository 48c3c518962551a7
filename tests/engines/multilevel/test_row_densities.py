"""Densities of rows given all others against those of the multivariate normal distribution of all rows."""

import numpy as np
import pytest
from scipy import stats

from stanhier.engines.gaussian import likelihood
from stanhier.engines.multilevel import row_densities as module
from stanhier.engines.multilevel.given import Given
from stanhier.engines.multilevel.row_densities import row_densities
from tests.tools import variants
from tests.tools.fake_fit import fake_fit
from tests.tools.multilevel_worlds import Codes, Rows, world

WORLDS = {
    "one slope": lambda: world(((7, 2),)),
    "one intercept": lambda: world(((7, 1),)),
    "five effects": lambda: world(((6, 5),)),
    "crossed, weights": lambda: world(((3, 2), (9, 3)), noise="weights"),
    "crossed, known errors": lambda: world(((3, 2), (9, 3)), noise="se"),
    "no intercept": lambda: world(((7, 2), (3, 1)), intercept=False),
    "groups smaller than effects": lambda: world(((40, 3),), n=60),
    "sd of 0": lambda: world(((7, 2),), sd=(1.5, 0.0), cor=0.3),
    "correlation of nearly 1": lambda: world(((7, 2),), sd=(1.5, 1.0), cor=1 - 1e-12),
}


def in_order(blocks, n, n_draws):
    left_out, all_in = np.full((2, n_draws, n), np.nan)
    for positions, first, second in blocks:
        left_out[:, positions], all_in[:, positions] = first, second
    return left_out, all_in


def largest(made):
    return max(range(len(made.terms)), key=lambda t: made.terms[t].n_levels)


@pytest.mark.parametrize("block", [1 << 20, 30])
@pytest.mark.parametrize("kind", WORLDS)
def test_rows_are_conditional_normals(kind, block, monkeypatch):
    monkeypatch.setattr(module, "BLOCK_VALUES", block)
    made = WORLDS[kind]()
    rows, t = made.rows, largest(made)
    left_out, all_in = in_order(row_densities(rows, made.given), len(rows.y), 3)
    levels = [(t, level) for level in range(made.terms[t].n_levels)]
    for s in range(3):
        mean, noise, shared = made.mean(s, levels), made.noise(s), made.shared(s, levels)
        covariance = noise + shared
        for i in range(len(rows.y)):
            others = np.flatnonzero(np.arange(len(rows.y)) != i)
            weights = np.linalg.solve(covariance[np.ix_(others, others)], covariance[others, i])
            m = mean[i] + weights @ (rows.y - mean)[others]
            v = covariance[i, i] - weights @ covariance[others, i]
            assert left_out[s, i] == pytest.approx(stats.norm.logpdf(rows.y[i], m, np.sqrt(v)), rel=1e-9, abs=1e-9)
            weights = np.linalg.solve(covariance, shared[:, i])
            m = mean[i] + weights @ (rows.y - mean)
            v = shared[i, i] - weights @ shared[:, i] + noise[i, i]
            assert all_in[s, i] == pytest.approx(stats.norm.logpdf(rows.y[i], m, np.sqrt(v)), rel=1e-9, abs=1e-9)


def test_a_row_alone_under_a_wide_prior_keeps_its_digits():
    made = world(((7, 1),), sd=(1e9,), cor=0.0)
    left_out, _ = in_order(row_densities(made.rows, made.given), 60, 3)
    (alone,) = np.flatnonzero(made.rows.groupings[0].codes == 6)
    residual = made.rows.y[alone] - made.mean(0, [(0, 6)])[alone]
    expected = stats.norm.logpdf(residual, 0, np.hypot(1e9, made.given.sigma[0]))
    assert left_out[0, alone] == pytest.approx(expected, rel=1e-14)


def as_rows(fit):
    """One varying intercept as rows, and its draws, for the functions of any term."""
    design, draws = fit.model.design, fit.draws
    rows = Rows(design.y, design.X, design.row_noise, (Codes(design.group.codes),), (np.ones((design.n_rows, 1)),))
    factors = (draws.flat("sigma_alpha")[:, None, None],)
    origin = fit.model.engine.compressed.origin
    return rows, Given(draws.flat("location"), origin, draws.flat("sigma"), factors, None, {})


@pytest.mark.parametrize("kind", ["default", "known se of rows", "weights", "groups of one"])
def test_one_varying_intercept_is_as_in_its_own_engine(kind):
    fit = fake_fit(variants.VARYING[kind](), chains=2, draws=5)
    rows, given = as_rows(fit)
    ours = in_order(row_densities(rows, given), len(rows.y), 10)
    theirs = in_order(
        likelihood.row_densities(fit.model.design, fit.model.engine.compressed, fit.draws), len(rows.y), 10
    )
    np.testing.assert_allclose(ours, theirs, rtol=1e-9)


def test_without_groups_rows_are_independent():
    made = world(())
    left_out, all_in = in_order(row_densities(made.rows, made.given), 60, 3)
    np.testing.assert_array_equal(left_out, all_in)
    expected = [stats.norm.logpdf(made.rows.y, made.mean(s), made.given.sigma[s]) for s in range(3)]
    np.testing.assert_allclose(left_out, expected, rtol=1e-12)
