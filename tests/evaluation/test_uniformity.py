"""The test for uniform ranks."""

import numpy as np
import pytest
from scipy import stats

from stanhier.evaluation.uniformity import rank_test


def test_a_single_point_is_a_binomial_test():
    """With one draw a rank is 0 or 1: the number of zeros is all there is."""
    test = rank_test(10, 1)
    for zeros in range(11):
        ranks = np.repeat([0, 1], [zeros, 10 - zeros])
        assert test.p_value(ranks) == pytest.approx(stats.binomtest(zeros, 10).pvalue)


@pytest.mark.parametrize(("n", "n_draws"), [(20, 3), (50, 100), (300, 19)])
def test_uniform_ranks_stay_in_the_band_as_often_as_it_says(n, n_draws):
    test = rank_test(n, n_draws)
    rng = np.random.default_rng(1)
    ranks = rng.integers(0, n_draws + 1, (4000, n))
    for prob in (0.5, 0.95):
        lower, upper = test.band(prob)
        below = np.array([test.below(one) for one in ranks])
        inside = ((below >= lower) & (below <= upper)).all(axis=1)
        assert inside.mean() > prob - 4 * np.sqrt(prob * (1 - prob) / len(ranks))
        # Counts are whole numbers, so that the probability cannot be met exactly; nor can it be exceeded by much.
        assert inside.mean() < prob + 0.25 * (1 - prob) + 0.02


def test_p_values_of_uniform_ranks_are_as_small_as_they_say():
    test = rank_test(100, 50)
    rng = np.random.default_rng(2)
    p_values = np.array([test.p_value(rng.integers(0, 51, 100)) for _ in range(2000)])
    for level in (0.01, 0.05, 0.3):
        expected = stats.binom(2000, level)
        assert expected.ppf(0.0001) * 0.5 < (p_values <= level).sum() <= expected.ppf(0.9999)


@pytest.mark.parametrize("wrong", ["too wide", "too narrow", "biased", "one draw off"])
def test_other_ranks_have_small_p_values(wrong):
    rng = np.random.default_rng(3)
    draws = {
        "too wide": rng.beta(2, 2, 300),
        "too narrow": rng.beta(0.5, 0.5, 300),
        "biased": rng.beta(1.5, 1, 300),
        "one draw off": np.minimum(rng.uniform(0, 1.05, 300), 0.999),
    }[wrong]
    assert rank_test(300, 99).p_value((draws * 100).astype(int)) < 0.001
