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


def given(means, sds):
    return lambda block, part: (means[part][:, block].copy(), sds[part][:, block].copy())


@pytest.mark.parametrize("case", CASES)
def test_quantiles_are_those_of_the_mixture(case, monkeypatch):
    monkeypatch.setattr(mixtures, "BLOCK_VALUES", 900)
    means, sds = CASES[case]
    table = summarise_mixtures(given(means, sds), 4, 300, 0.9)
    np.testing.assert_allclose(table["mean"], means.mean(axis=0), atol=1e-12)
    np.testing.assert_allclose(table["sd"], np.sqrt(means.var(axis=0) + (sds**2).mean(axis=0)))
    for k in range(4):
        for name, p in (("lower", 0.05), ("median", 0.5), ("upper", 0.95)):
            # Between two steps any number is a quantile.
            below, above = table[name][k] - 2e-3 * table["sd"][k], table[name][k] + 2e-3 * table["sd"][k]
            assert stats.norm.cdf(below, means[:, k], sds[:, k]).mean() < p + 1e-5
            assert stats.norm.cdf(above, means[:, k], sds[:, k]).mean() > p - 1e-5


def test_of_part_of_the_draws_nearly_normal_mixtures_are_expanded(monkeypatch):
    monkeypatch.setattr(mixtures, "MIXTURE_VALUES", 1)
    means, sds = CASES["of different shapes"]
    table = summarise_mixtures(given(means, sds), 4, 300, 0.9)
    part = part_of_draws(4, 300)
    for k in range(4):
        expected = optimize.brentq(
            lambda x, k=k: stats.norm.cdf(x, means[part, k], sds[part, k]).mean() - 0.05, -99, 99
        )
        assert table["lower"][k] == pytest.approx(expected, abs=3e-3 * table["sd"][k])


def test_given_moments_stretch_the_interval():
    means, sds = CASES["nearly normal"]
    moments = np.array([1.0, 2, 3, 4]), np.array([0.5, 1, 2, 4])
    table = summarise_mixtures(given(means, sds), 4, 300, 0.9, moments)
    np.testing.assert_array_equal(table[["mean", "sd"]], np.column_stack(moments))
    np.testing.assert_allclose((table["upper"] - table["mean"]) / table["sd"], 1.645, atol=0.05)


def test_what_has_no_spread_is_at_its_mean():
    table = summarise_mixtures(given(np.full((50, 2), 3.0), np.zeros((50, 2))), 2, 50, 0.9)
    np.testing.assert_array_equal(table[["mean", "lower", "median", "upper"]], 3.0)
    np.testing.assert_array_equal(table["sd"], 0.0)


def test_nothing_asked_is_nothing_given():
    assert summarise_mixtures(given(np.ones((50, 0)), np.ones((50, 0))), 0, 50, 0.9).shape == (0, 5)


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
