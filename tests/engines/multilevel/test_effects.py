"""Effects of groups against the conditional distribution of a multivariate normal made of the rows themselves."""

import numpy as np
import pytest

from stanhier.engines.multilevel.effects import (
    GroupDraws,
    conditional_moments,
    dense_effects,
    draw_effects,
    effect_means,
)
from stanhier.engines.multilevel.statistics import statistics_of
from tests.engines.multilevel.test_statistics import KINDS, example
from tests.tools.multilevel_draws import conditional, made_up_draws


@pytest.mark.parametrize("cor", [None, 1 - 1e-13])
@pytest.mark.parametrize("kind", KINDS)
def test_moments_are_those_of_the_multivariate_normal(kind, cor):
    columns = example(kind)
    statistics = statistics_of(columns.piece())
    draws = made_up_draws(statistics, cor=cor)
    groups = np.arange(statistics.n_groups)
    mean, covariance = conditional_moments(statistics, groups, GroupDraws.of(draws, statistics))
    q = statistics.R.shape[1]
    for s in range(draws.n_draws):
        m, c = conditional(columns, statistics, draws, s)
        np.testing.assert_allclose(mean[s].ravel(), m, atol=1e-9 * np.abs(m).max())
        blocks = c.reshape(len(groups), q, len(groups), q)[groups, :, groups]
        np.testing.assert_allclose(covariance[s], blocks, atol=1e-9 * np.abs(c).max())


@pytest.mark.parametrize("kind", ["slope", "crossed slopes", "groups smaller than q"])
def test_drawn_effects_have_these_moments(kind):
    statistics = statistics_of(example(kind).piece())
    one = made_up_draws(statistics, chains=1, draws=1, seed=4)
    n = 20_000
    draws = type(one)({k: np.repeat(v, n, axis=1) for k, v in one.values.items()}, {}, 5, 10, "2.39.0")
    groups = np.array([4, 0, 2])
    drawn = draw_effects(statistics, statistics.eliminated, groups, draws)
    mean, covariance = conditional_moments(statistics, groups, GroupDraws.of(one, statistics))
    spread = np.sqrt(np.einsum("gkk->gk", covariance[0]))
    np.testing.assert_allclose(drawn.mean(axis=0), mean[0], atol=5 * spread.max() / np.sqrt(n))
    for g in range(3):
        sample = np.cov(drawn[:, g].T)
        np.testing.assert_allclose(sample, covariance[0, g], atol=0.05 * spread[g].max() ** 2)
    # Groups are independent of each other given the rest.
    between = np.corrcoef(drawn[:, :, 0].T) - np.eye(3)
    assert np.abs(between).max() < 5 / np.sqrt(n)


def test_a_group_has_the_same_draws_in_any_company():
    statistics = statistics_of(example("one row a group").piece())
    draws = made_up_draws(statistics, draws=5)
    everyone = draw_effects(statistics, 0, np.arange(60), draws)
    np.testing.assert_allclose(draw_effects(statistics, 0, np.array([59, 7, 30]), draws), everyone[:, [59, 7, 30]])
    assert draw_effects(statistics, 0, np.array([], dtype=int), draws).shape == (10, 0, 2)
    assert np.unique(everyone).size == everyone.size - 59  # one standard deviation is 0 in the first draw
    np.testing.assert_array_equal(everyone[0, :, 1], 0.0)


def test_effects_of_other_terms_are_those_drawn():
    statistics = statistics_of(example("crossed slopes").piece())
    draws = made_up_draws(statistics)
    dense = draws.flat("dense")
    assert statistics.eliminated == 1
    first = dense[:, :12].reshape(6, 4, 3)
    np.testing.assert_array_equal(dense_effects(draws, statistics.terms, 1, 0), first)
    np.testing.assert_array_equal(draw_effects(statistics, 0, np.array([3, 1]), draws), first[:, [3, 1]])
    np.testing.assert_array_equal(effect_means(statistics, 2, np.array([2]), draws), dense[:, None, 14:15])
