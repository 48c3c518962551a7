"""Summaries of effects against mixtures of normals by a root finder."""

import numpy as np
import pandas as pd
import pytest
from scipy import optimize, stats

from stanhier.engines import mixtures
from stanhier.engines.multilevel import effect_summary
from stanhier.engines.multilevel.effect_summary import summarise
from stanhier.engines.multilevel.effects import GroupDraws, conditional_moments, draw_effects
from stanhier.engines.multilevel.statistics import statistics_of
from tests.engines.multilevel.test_statistics import example
from tests.tools.multilevel_draws import made_up_draws

KINDS = ["slope", "crossed slopes", "nested", "groups smaller than q"]


def mixture(statistics, draws, group, combination, offset, prob):
    mean, covariance = conditional_moments(statistics, np.array([group]), GroupDraws.of(draws, statistics))
    means = mean[:, 0] @ combination + offset
    sds = np.sqrt(np.einsum("k,skl,l->s", combination, covariance[:, 0], combination))
    ends = [
        optimize.brentq(lambda x, p=p: stats.norm.cdf(x, means, sds).mean() - p, -1e3, 1e3, xtol=1e-11)
        for p in ((1 - prob) / 2, 0.5, (1 + prob) / 2)
    ]
    return [means.mean(), np.sqrt(means.var() + np.square(sds).mean()), *ends]


def alone(combination, draws):
    """One combination, to which nothing is added."""
    return {"weights": combination[None], "offsets": np.zeros((1, draws.n_draws))}


@pytest.mark.parametrize("kind", KINDS)
def test_summaries_are_those_of_the_mixture(kind):
    statistics = statistics_of(example(kind).piece())
    draws = made_up_draws(statistics, draws=50)
    q = statistics.R.shape[1]
    combination, offset = np.linspace(1, -0.5, q), draws.flat("location")[:, 0]
    groups = np.array([3, 0, 5])
    weights, offsets = np.stack([combination, np.eye(q)[0]]), np.stack([offset, np.zeros_like(offset)])
    tables = summarise(
        statistics, statistics.eliminated, groups, draws, [0.1, 0.5, 0.9], weights=weights, offsets=offsets
    )
    assert tables.shape == (2, 5, 3)
    for table, own, added in zip(tables, weights, offsets, strict=True):
        for column, group in zip(table.T, groups, strict=True):
            expected = mixture(statistics, draws, group, own, added, 0.8)
            np.testing.assert_allclose(column[:2], expected[:2], rtol=1e-9, atol=1e-9 * expected[1])
            np.testing.assert_allclose(column[2:], expected[2:], atol=1e-4 * expected[1])


@pytest.mark.parametrize("kind", KINDS)
def test_part_of_the_draws_leaves_the_moments_exact(kind, monkeypatch):
    statistics = statistics_of(example(kind).piece())
    draws = made_up_draws(statistics, draws=200)
    combination = np.eye(statistics.R.shape[1])[-1]
    groups = np.arange(statistics.n_groups)

    def table():
        found = summarise(statistics, statistics.eliminated, groups, draws, [0.05], **alone(combination, draws))
        return pd.DataFrame(found[0].T, columns=["mean", "sd", "lower"])

    everything = table()
    for module in (mixtures, effect_summary):
        monkeypatch.setattr(module, "MIXTURE_VALUES", 1)
    some = table()
    pd.testing.assert_frame_equal(some[["mean", "sd"]], everything[["mean", "sd"]])
    assert (abs(some["lower"] - everything["lower"]) < 0.5 * everything["sd"]).all()
    assert not some["lower"].equals(everything["lower"])
    monkeypatch.setattr(effect_summary, "MOST_STRATA", 0)
    rough = table()
    assert (abs(rough["mean"] - everything["mean"]) < 0.35 * everything["sd"]).all()
    np.testing.assert_allclose(rough["sd"], everything["sd"], rtol=0.3)


def test_dense_effects_are_summarised_by_their_draws():
    statistics = statistics_of(example("crossed slopes").piece())
    draws = made_up_draws(statistics, draws=40)
    combination = np.array([1.0, 0.5, 0.0])
    (table,) = summarise(statistics, 0, np.array([2, 1]), draws, [0.75], **alone(combination, draws))
    values = draw_effects(statistics, 0, np.array([2, 1]), draws) @ combination
    np.testing.assert_allclose(table[0], values.mean(axis=0))
    np.testing.assert_allclose(table[2], np.quantile(values, 0.75, axis=0))


def test_effects_that_do_not_vary_are_summarised_as_0():
    statistics = statistics_of(example("slope").piece())
    draws = made_up_draws(statistics, draws=20)
    draws.values["sd"][..., 1] = 0.0
    table = summarise(statistics, 0, np.arange(3), draws, [0.05, 0.95], **alone(np.array([0.0, 1.0]), draws))
    np.testing.assert_array_equal(table, 0.0)
