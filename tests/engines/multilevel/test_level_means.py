"""Estimates and means of levels against least squares and means of the rows themselves."""

import numpy as np
import pytest

from stanhier.engines.draws import Draws
from stanhier.engines.multilevel.effects import GroupDraws, conditional_moments, draw_effects
from stanhier.engines.multilevel.level_means import own_effects, replicated_means
from stanhier.engines.multilevel.statistics import statistics_of
from tests.engines.multilevel.test_statistics import example
from tests.tools.multilevel_draws import made_up_draws, population_mean

KINDS = ["slope", "slope, weights", "constant last", "crossed slopes", "nested", "groups smaller than q"]


def without(columns, statistics, draws, term):
    """Residuals around everything at its posterior mean but the effects of one term."""
    residual = columns.y - population_mean(columns, statistics, draws.flat("location").mean(axis=0))
    for t, own in enumerate(columns.terms):
        levels = np.arange(own.n_levels)
        if t == term:
            continue
        if t == statistics.eliminated:
            effects = conditional_moments(statistics, levels, GroupDraws.of(draws, statistics))[0]
        else:
            effects = draw_effects(statistics, t, levels, draws)
        residual = residual - columns.indicators(own) @ effects.mean(axis=0).ravel()
    return residual


@pytest.mark.parametrize("kind", KINDS)
def test_own_effects_are_least_squares_of_the_rows_of_a_level(kind):
    columns = example(kind)
    statistics = statistics_of(columns.piece())
    draws = made_up_draws(statistics)
    for t, term in enumerate(columns.terms):
        residual, Z = without(columns, statistics, draws, t), columns.effects_of(term)
        found = own_effects(statistics, t, draws)
        for level in range(term.n_levels):
            rows = term.codes == level
            A, b = Z[rows] * columns.roots[rows, None], residual[rows] * columns.roots[rows]
            if np.linalg.matrix_rank(A) < A.shape[1]:
                assert np.isnan(found[level]).all()
            else:
                np.testing.assert_allclose(found[level], np.linalg.lstsq(A, b)[0], rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize("kind", KINDS)
def test_replicated_means_have_the_moments_of_means_of_rows(kind):
    columns = example(kind)
    statistics = statistics_of(columns.piece())
    one = made_up_draws(statistics, chains=1, draws=2)
    n = 4000
    values = {name: np.repeat(v[:, 1:], n, axis=1) for name, v in one.values.items()}
    draws = Draws(values, {}, 3, 10, "2.39.0")
    keep = np.arange(0, n, 2)
    kept = Draws({name: draws.flat(name)[keep][None] for name in values}, {}, 3, 10, "2.39.0")
    w = columns.roots**2
    for t, term in enumerate(columns.terms):
        if -1 not in term.columns:
            continue
        replicated, observed = replicated_means(statistics, t, draws, keep, seed=9)
        total = np.bincount(term.codes, weights=w)
        np.testing.assert_allclose(observed, np.bincount(term.codes, weights=w * columns.y) / total)
        expected = np.tile(population_mean(columns, statistics, draws.flat("location")[0]), (len(keep), 1))
        for other, own in enumerate(columns.terms):
            effects = draw_effects(statistics, other, np.arange(own.n_levels), kept)
            expected += effects.reshape(len(keep), -1) @ columns.indicators(own).T
        means = np.stack([np.bincount(term.codes, weights=w * row) / total for row in expected])
        scaled = (replicated - means) / draws.flat("sigma")[0] * np.sqrt(total)
        # What is left is standard normal noise, independent of all else.
        np.testing.assert_allclose(scaled.mean(axis=0), 0, atol=5 / np.sqrt(len(keep)))
        np.testing.assert_allclose(scaled.std(axis=0), 1, atol=0.1)
