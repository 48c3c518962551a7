"""Summaries of the draws of rows are those of numpy, whatever the draws."""

import numpy as np
import pytest

from stanhier.posterior.row_summaries import summaries

SIZES = (1, 2, 3, 4, 5, 10, 21, 100, 1001, 4000)


def by_numpy(draws, prob):
    tail = (1 - prob) / 2
    sd = draws.std(axis=1, ddof=1) if draws.shape[1] > 1 else np.full(len(draws), np.nan)
    return np.column_stack([draws.mean(axis=1), sd, *np.quantile(draws, [tail, 0.5, 1 - tail], axis=1)])


@pytest.mark.parametrize("prob", [0.9, 0.5, 1e-9, 0.999, 1 - 1e-12])
@pytest.mark.parametrize("size", SIZES)
def test_any_number_of_draws_and_any_probability(size, prob):
    draws = np.random.default_rng(size).standard_normal((6, size))
    expected = by_numpy(draws, prob)
    np.testing.assert_allclose(summaries(draws, prob), expected, rtol=1e-12, atol=1e-13)


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("others", [(0.5,), (0.9,), (0.2, 0.99)])
def test_other_intervals_are_those_that_each_has_alone(size, others):
    draws = np.random.default_rng(size).standard_normal((6, size))
    alone = [summaries(draws.copy(), prob)[:, [2, 4]] for prob in others]
    np.testing.assert_array_equal(
        summaries(draws.copy(), 0.9, *others), np.column_stack([summaries(draws.copy(), 0.9), *alone])
    )


@pytest.mark.parametrize("size", SIZES)
def test_draws_with_many_ties(size):
    rng = np.random.default_rng(size)
    draws = np.vstack([rng.integers(0, 2, size), rng.poisson(0.3, size), np.full(size, 7), np.arange(size)]).astype(
        float
    )
    expected = by_numpy(draws, 0.8)
    np.testing.assert_allclose(summaries(draws, 0.8), expected, rtol=1e-12, atol=1e-13)


def test_rows_that_are_no_block_of_memory():
    values = np.random.default_rng(1).standard_normal((50, 8)).T
    np.testing.assert_allclose(summaries(values.copy(), 0.9), by_numpy(values, 0.9), rtol=1e-12)
    np.testing.assert_allclose(summaries(values, 0.9), by_numpy(values.copy(), 0.9), rtol=1e-12)


def test_counts_beyond_any_float_and_what_is_no_number():
    draws = np.arange(100.0) * np.ones((3, 1))
    draws[0, 97:] = np.inf
    draws[1, 5] = np.nan
    table = summaries(draws, 0.9)
    assert table[0, 0] == np.inf
    np.testing.assert_allclose(table[0, 2:], [4.95, 49.5, 94.05])
    assert summaries(np.where(np.arange(100.0) > 60, np.inf, 1.0)[None], 0.9)[0, 4] == np.inf
    assert np.isnan(table[1]).all()
    np.testing.assert_allclose(table[2, 2:], [4.95, 49.5, 94.05])


def test_no_rows():
    assert summaries(np.empty((0, 40)), 0.9).shape == (0, 5)
