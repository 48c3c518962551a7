"""The soft logarithm: what it maps, how steep it is, and that the least skewed one is chosen."""

import numpy as np
import pytest
from scipy import stats

from stanhier.engines.gaussian.scale_coordinates import SOFTNESS, SoftLogarithm, least_skewed

LOGS = np.array([-600.0, -40.1, -39.9, -3.0, 0.0, 2.0, 8.0])


@pytest.mark.parametrize("softness", [1e-3, 1.0, 1e6])
def test_there_and_back(softness):
    soft = SoftLogarithm(softness)
    np.testing.assert_allclose(soft.logarithm(soft.coordinate(LOGS)), LOGS, rtol=1e-13, atol=1e-13)
    # against the definition, where that does not underflow
    u = np.array([-30.0, -1.0, 0.0, 5.0, 700.0])
    np.testing.assert_allclose(np.exp(soft.logarithm(u)), softness * np.log1p(np.exp(u)), rtol=1e-13)


@pytest.mark.parametrize("log_x", [-20.0, -1.0, 0.5, 3.0])
def test_slope(log_x):
    soft = SoftLogarithm(0.7)
    up, down = soft.coordinate(np.array([log_x + 1e-6, log_x - 1e-6]))
    assert soft.slope(log_x) == pytest.approx((up - down) / 2e-6, rel=1e-6)


@pytest.mark.parametrize(
    ("distribution", "least", "most"),
    [
        (stats.truncnorm(-3, np.inf, loc=0.3, scale=0.1), 0.0, 0.4),  # all but normal, and may be 0
        (stats.lognorm(0.2), 100, 1e4),  # its logarithm is normal
        (stats.halfcauchy(scale=2), 100, 1e4),  # symmetric in its logarithm
        (stats.halfnorm(scale=2), 0.2, 4),
    ],
    ids=["normal", "lognormal", "half-Cauchy", "half-normal"],
)
def test_the_least_skewed_is_chosen(distribution, least, most):
    def negative_log(log_x):
        return -distribution.logpdf(np.exp(log_x)) - log_x

    grid = np.linspace(-6, 3, 90_001)
    values = negative_log(grid)
    k = values.argmin()
    mode, curvature = grid[k], (values[k - 100] - 2 * values[k] + values[k + 100]) / 0.01**2
    soft = least_skewed(negative_log, mode, curvature**-0.5)
    assert least <= soft.softness / np.exp(mode) <= most
    draws = np.log(distribution.rvs(20_000, random_state=np.random.default_rng(1)))
    skewness = {s: abs(stats.skew(SoftLogarithm(np.exp(mode) * s).coordinate(draws))) for s in SOFTNESS}
    assert abs(stats.skew(soft.coordinate(draws))) <= min(skewness.values()) + 0.5
