"""Probabilities of counts without the loss of digits that differences of large log-gamma functions bring.

The logarithm of a probability is written as corrections to Stirling's formula and deviances, all of them small near the
mean, however large the counts are.

References
----------
Loader (2000), Fast and accurate computation of binomial probabilities.
"""

import numpy as np
from scipy import special

__all__ = ["binomial_log_probability", "poisson_log_probability", "stirling_error"]

_SERIES_FROM = 16.0
"""From here on five terms of Stirling's series are exact in double precision."""


def stirling_error(n: np.ndarray) -> np.ndarray:
    """Log of gamma(n + 1) less Stirling's formula, for n > 0."""
    n = np.asarray(n, dtype=float)
    large = np.maximum(n, _SERIES_FROM)
    inverse = 1.0 / large**2
    series = (1 / 12 - (1 / 360 - (1 / 1260 - (1 / 1680 - 1 / 1188 * inverse) * inverse) * inverse) * inverse) / large
    small = np.clip(n, np.finfo(float).tiny, _SERIES_FROM)
    direct = special.gammaln(small + 1) - (small + 0.5) * np.log(small) + small - 0.5 * np.log(2 * np.pi)
    return np.asarray(np.where(n < _SERIES_FROM, direct, series))


def poisson_log_probability(y: np.ndarray, log_mean: np.ndarray) -> np.ndarray:
    """Log probability of counts under a Poisson distribution.

    Parameters
    ----------
    y : numpy.ndarray
    log_mean : numpy.ndarray
        Of a shape with which that of `y` broadcasts.
    """
    with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
        mean = np.exp(log_mean)
        k = np.maximum(y, 1.0)
        of_some = -stirling_error(k) - 0.5 * np.log(2 * np.pi * k) - _deviance(k, mean, np.log(k) - log_mean, mean - k)
    return np.asarray(np.where(y > 0, of_some, -mean))


def binomial_log_probability(
    k: np.ndarray, rest: np.ndarray, p: np.ndarray, q: np.ndarray, log_p: np.ndarray, log_q: np.ndarray
) -> np.ndarray:
    """Log probability of k successes and `rest` failures of k + rest trials; neither needs to be whole.

    Parameters
    ----------
    k, rest : numpy.ndarray
        Not negative.
    p, q : numpy.ndarray
        Probabilities of success and failure, and
    log_p, log_q : numpy.ndarray
        their logarithms, which stay finite where the probabilities underflow.
    """
    n = k + rest
    some, left = np.where(k > 0, k, 1.0), np.where(rest > 0, rest, 1.0)
    with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
        # Of the two ways to write the deviation from the mean the one by the smaller probability keeps its digits.
        off = np.where(p < q, n * p - k, rest - n * q)
        both = (
            stirling_error(np.maximum(n, np.finfo(float).tiny))
            - stirling_error(some)
            - stirling_error(left)
            - _deviance(some, n * p, np.log(some) - np.log(n) - log_p, off)
            - _deviance(left, n * q, np.log(left) - np.log(n) - log_q, -off)
            + 0.5 * (np.log(n) - np.log(some) - np.log(left) - np.log(2 * np.pi))
        )
        edge = np.where(k > 0, k * log_p, np.where(rest > 0, rest * log_q, 0.0))
    return np.asarray(np.where((k > 0) & (rest > 0), both, edge))


def _deviance(x: np.ndarray, mean: np.ndarray, log_ratio: np.ndarray, off: np.ndarray) -> np.ndarray:
    """Give x log(x / mean) + mean - x for x > 0, from log(x / mean) and off = mean - x as exactly as both are known."""
    relative = off / x
    near = np.abs(relative) < 0.5
    close = np.where(near, relative, 0.0)
    return np.asarray(np.where(near, x * (close - np.log1p(close)), x * log_ratio + mean - x))
