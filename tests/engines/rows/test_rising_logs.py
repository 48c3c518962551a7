"""Sums of log(1 + k / shape): against logarithms of gamma functions with 50 digits."""

import mpmath
import numpy as np
import pytest

from stanhier.engines.rows.rising_logs import rising_logs


def _exact(values, often, shape):
    with mpmath.workdps(50):
        s = mpmath.mpf(shape)
        terms = [
            int(n) * (mpmath.loggamma(int(y) + s) - mpmath.loggamma(s) - int(y) * mpmath.log(s))
            for y, n in zip(values, often, strict=True)
        ]
        slopes = [
            int(n) * (mpmath.digamma(int(y) + s) - mpmath.digamma(s) - int(y) / s)
            for y, n in zip(values, often, strict=True)
        ]
        return float(mpmath.fsum(terms)), float(mpmath.fsum(slopes))


@pytest.mark.parametrize("shape", [1e-6, 0.3, 5.0, 1e3, 1e8, 1e15])
@pytest.mark.parametrize(
    "values",
    [
        [0, 1, 2, 5],
        [0, 63, 64],
        [65],
        [128, 129, 5000],
        [3, 200_001, 1_000_000],
        [10**9],
        [7, 131_073, 262_144, 10**12],
    ],
)
def test_sum_and_slope_are_those_of_gamma_functions(values, shape):
    values = np.array(values, dtype=float)
    often = np.arange(1, len(values) + 1)
    places, weights = rising_logs(values, often)
    value, slope = _exact(values, often, shape)
    assert weights @ np.log1p(places / shape) == pytest.approx(value, rel=2e-13)
    assert weights @ (-places / shape / (shape + places)) == pytest.approx(slope, rel=2e-13)


def test_large_counts_need_few_places():
    places, _ = rising_logs(np.array([1e6]), np.array([10]))
    assert len(places) < 400


@pytest.mark.parametrize("values", [[], [0.0]])
def test_without_counts_there_is_nothing_to_sum(values):
    places, weights = rising_logs(np.array(values), np.ones(len(values), dtype=int))
    assert len(places) == len(weights) == 0
