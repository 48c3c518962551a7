"""Summaries of mixtures of normals against a root finder and against samples."""

import numpy as np
import pytest
from scipy import optimize, stats

from stanhier.engines import mixtures
from stanhier.engines.mixtures import linear_moments, part_of_draws, summarise_mixtures

RNG = np.random.default_rng(8)
CASES = {
    "nearly normal": (0.1 * RNG.standard_normal((300, 4)), 1 + 0.02 * RNG.standard_normal((300, 4))),
    "skewed": (RNG.exponential(size=(300, 4)), 0.3 + RNG.random((300, 4))),
    "two heaps": (10.0 * (RNG.random((300, 4)) < 0.4), np.full((300, 4), 0.5)),
    "steps": (RNG.standard_normal((300, 4)), np.full((300, 4), 1e-9)),
    "heavy tails": (np.zeros((300, 4)), np.exp(1.5 * RNG.standard_normal((300, 4)))),
    "of different shapes": (
        np.column_stack([0.1 * RNG.standard_normal((300, 2)), RNG.exponential(size=(300, 2))]),
        np.ones((300, 4)),
    ),
}


P = [0.05, 0.5, 0.95]
MEAN, SD, LOWER, MEDIAN, UPPER = range(5)


def given(means, sds):
    """One kind of quantity, from arrays (draws, quantities)."""
    return lambda part: lambda block: (means[part][:, block].T.copy()[None], sds[part][:, block].T.copy()[None])


@pytest.mark.parametrize("case", CASES)
def test_quantiles_are_those_of_the_mixture(case, monkeypatch):
    monkeypatch.setattr(mixtures, "BLOCK_VALUES", 900)
    means, sds = CASES[case]
    (table,) = summarise_mixtures(given(means, sds), 4, 300, P)
    np.testing.assert_allclose(table[MEAN], means.mean(axis=0), atol=1e-12)
    np.testing.assert_allclose(table[SD], np.sqrt(means.var(axis=0) + (sds**2).mean(axis=0)))
    for k in range(4):
        for quantile, p in zip(table[LOWER:, k], P, strict=True):
            # Between two steps any number is a quantile.
            below, above = quantile - 2e-3 * table[SD, k], quantile + 2e-3 * table[SD, k]
            assert stats.norm.cdf(below, means[:, k], sds[:, k]).mean() < p + 1e-5
            assert stats.norm.cdf(above, means[:, k], sds[:, k]).mean() > p - 1e-5


def shapes(between, varying, skewed, size=4000, number=6):
    """Mixtures with this share of the variance between their normals, whose sds vary by so much, in logarithms."""
    rng = np.random.default_rng(3)
    z = rng.standard_normal((size, number))
    means = (rng.gamma(skewed, 1, (size, number)) - skewed) / np.sqrt(skewed) if skewed else z
    sds = np.exp(varying * (0.5 * z + 0.8 * rng.standard_normal((size, number))))
    return np.sqrt(between) * means, np.sqrt(1 - between) * sds


@pytest.mark.parametrize("skewed", [0, 20, 4])
@pytest.mark.parametrize("varying", [0.02, 0.1, 0.3])
@pytest.mark.parametrize("between", [0.01, 0.3, 0.8])
def test_quantiles_of_many_are_as_good_as_they_are_said_to_be(between, varying, skewed, monkeypatch):
    means, sds = shapes(between, varying, skewed)
    (solved,) = summarise_mixtures(given(means, sds), 6, 4000, P)
    monkeypatch.setattr(mixtures, "SOLVED_VALUES", 0)
    (found,) = summarise_mixtures(given(means, sds), 6, 4000, P)
    np.testing.assert_array_equal(found[:2], solved[:2])
    np.testing.assert_allclose(found[2:] / solved[SD], solved[2:] / solved[SD], rtol=0, atol=2e-3)


def test_the_expansion_is_taken_where_it_is_good_and_no_further(monkeypatch):
    tried = []
    solve = mixtures._solve

    def counted(means, *args, **kwargs):
        tried.append(len(means))
        return solve(means, *args, **kwargs)

    monkeypatch.setattr(mixtures, "_solve", counted)
    monkeypatch.setattr(mixtures, "SOLVED_VALUES", 0)
    summarise_mixtures(given(*shapes(0.2, 0.05, 0)), 6, 4000, P)
    assert tried == []
    summarise_mixtures(given(*shapes(0.3, 0.3, 4)), 6, 4000, P)
    assert tried == [6, 6, 6]


def test_of_part_of_the_draws_nearly_normal_mixtures_are_expanded(monkeypatch):
    monkeypatch.setattr(mixtures, "MIXTURE_VALUES", 1)
    monkeypatch.setattr(mixtures, "SOLVED_VALUES", 0)
    means, sds = CASES["of different shapes"]
    (table,) = summarise_mixtures(given(means, sds), 4, 300, P)
    part = part_of_draws(4, 300)
    for k in range(4):
        expected = optimize.brentq(
            lambda x, k=k: stats.norm.cdf(x, means[part, k], sds[part, k]).mean() - 0.05, -99, 99
        )
        assert table[LOWER, k] == pytest.approx(expected, abs=3e-3 * table[SD, k])


def test_given_moments_stretch_the_interval():
    means, sds = CASES["nearly normal"]
    moments = np.array([1.0, 2, 3, 4]), np.array([0.5, 1, 2, 4])
    (table,) = summarise_mixtures(given(means, sds), 4, 300, P, moments)
    np.testing.assert_array_equal(table[:2], np.stack(moments))
    np.testing.assert_allclose((table[UPPER] - table[MEAN]) / table[SD], 1.645, atol=0.05)


def test_kinds_of_quantities_stand_one_by_one():
    means, sds = CASES["skewed"]

    def both(part):
        def of_block(block):
            one, other = given(means, sds)(part)(block)
            return np.concatenate([one, one + 1]), np.concatenate([other, 2 * other])

        return of_block

    table = summarise_mixtures(both, 4, 300, P)
    np.testing.assert_array_equal(table[0], summarise_mixtures(given(means, sds), 4, 300, P)[0])
    np.testing.assert_array_equal(table[1], summarise_mixtures(given(means + 1, 2 * sds), 4, 300, P)[0])


def test_what_has_no_spread_is_at_its_mean():
    (table,) = summarise_mixtures(given(np.full((50, 2), 3.0), np.zeros((50, 2))), 2, 50, P)
    np.testing.assert_array_equal(table[[MEAN, LOWER, MEDIAN, UPPER]], 3.0)
    np.testing.assert_array_equal(table[SD], 0.0)


def test_nothing_asked_is_nothing_given():
    assert summarise_mixtures(given(np.ones((50, 0)), np.ones((50, 0))), 0, 50, P).shape == (1, 5, 0)


def test_fewer_draws_take_part_of_many_quantities():
    assert len(part_of_draws(10, 4000)) == 4000
    assert len(part_of_draws(10**9, 4000)) == 64
    assert len(part_of_draws(10**9, 20)) == 20


def test_moments_of_linear_means():
    features, coefficients = RNG.standard_normal((5, 3)), RNG.standard_normal((100, 3))
    values = coefficients @ features.T
    mean, variance = linear_moments(features, coefficients)
    np.testing.assert_allclose(mean, values.mean(axis=0))
    np.testing.assert_allclose(variance, values.var(axis=0))
