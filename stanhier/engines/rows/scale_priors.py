"""Slopes of the priors of positive numbers in their logarithms."""

import numpy as np

from stanhier.priors.numbers import PriorNumbers

__all__ = ["log_density_of_logs", "log_slopes", "part_of"]

_STEP = 1e-4


def part_of(numbers: PriorNumbers, part: slice) -> PriorNumbers:
    """Give some of the priors."""
    return PriorNumbers(numbers.family[part], numbers.nu[part], numbers.mu[part], numbers.sigma[part])


def log_density_of_logs(numbers: PriorNumbers, log_x: np.ndarray) -> float:
    """Give the log density of log(x), shape (n,), up to a constant: that of x and the Jacobian."""
    return float(numbers.log_density(np.exp(log_x)) + log_x.sum()) if len(log_x) else 0.0


def log_slopes(numbers: PriorNumbers, x: np.ndarray) -> np.ndarray:
    """Give the derivative of the log density of log(x) with respect to log(x), shape (n,), by differences."""
    slopes = np.empty(len(x))
    for k in range(len(x)):
        one, log_x = part_of(numbers, slice(k, k + 1)), np.log(x[k : k + 1])
        above, below = (log_density_of_logs(one, log_x + step) for step in (_STEP, -_STEP))
        slopes[k] = (above - below) / (2 * _STEP)
    return slopes
