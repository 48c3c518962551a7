"""Summaries of any number of quantities that are mixtures of normals, one for each draw of what they depend on.

Given the other parameters an effect of a group is normal, so its posterior is a mixture of normals. Mean and standard
deviation are the mixture's own (the averaging over conditional distributions of Gelfand & Smith 1990,
doi:10.1080/01621459.1990.10476213, which also has less Monte Carlo error than averaging over draws of the effect
itself). Interval ends are the mixture's quantiles: over all draws where the quantities are few enough, else over an
evenly spaced part of the draws, stretched to the mean and standard deviation.
"""

from collections.abc import Callable

import numpy as np
import pandas as pd
from scipy import special

from stanhier.basics.threads import in_threads

__all__ = ["Components", "linear_moments", "part_of_draws", "summarise_mixtures"]

type Components = Callable[[slice, np.ndarray], tuple[np.ndarray, np.ndarray]]
"""From some of the quantities, and positions of draws (s,), to means and standard deviations of their normals, both
(s, n), which the receiver may overwrite."""

MIXTURE_VALUES = 1 << 26
"""Quantities times draws in the mixtures whose quantiles are sought: with fewer, all draws take part."""
LEAST_DRAWS = 64
NEARLY_NORMAL = 0.02
"""Skewness and excess kurtosis below which, with part of the draws, the expansion for quantiles is taken as it is: it
errs by some thousandths of a standard deviation, less than the part does."""
BLOCK_VALUES = 1 << 17
"""As many as a processor's cache holds of a few arrays."""


def part_of_draws(n_quantities: int, n_draws: int) -> np.ndarray:
    """Give the positions of the draws that take part in the mixtures, evenly spaced."""
    n = int(np.clip(MIXTURE_VALUES // max(n_quantities, 1), min(LEAST_DRAWS, n_draws), n_draws))
    return np.unique(np.linspace(0, n_draws - 1, n).astype(int))


def summarise_mixtures(
    components: Components,
    n_quantities: int,
    n_draws: int,
    prob: float,
    moments: tuple[np.ndarray, np.ndarray] | None = None,
) -> pd.DataFrame:
    """Summarise quantities.

    Parameters
    ----------
    components : callable
    n_quantities : int
    n_draws : int
        S.
    prob : float
        Probability of the central interval.
    moments : (numpy.ndarray, numpy.ndarray), shape (n_quantities,), optional
        Means and standard deviations over all draws; those over the draws that take part where not given.

    Returns
    -------
    pandas.DataFrame
        Columns mean, sd, lower, median, upper; one row per quantity.
    """
    part = part_of_draws(n_quantities, n_draws)
    probabilities = [(1 - prob) / 2, 0.5, (1 + prob) / 2]
    step = max(1, BLOCK_VALUES // len(part))
    nearly_normal = NEARLY_NORMAL if len(part) < n_draws else 0.0

    def summary(start: int) -> np.ndarray:
        block = slice(start, min(start + step, n_quantities))
        means, sds = components(block, part)
        return np.vstack(_standardised_quantiles(means, sds, probabilities, nearly_normal))

    # scipy's special functions release the interpreter, so that threads share the work.
    found = np.hstack([np.empty((5, 0)), *in_threads(summary, range(0, n_quantities, step))])
    mean, sd = found[:2] if moments is None else moments
    lower, median, upper = mean + sd * found[2:]
    return pd.DataFrame({"mean": mean, "sd": sd, "lower": lower, "median": median, "upper": upper})


def linear_moments(features: np.ndarray, coefficients: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Mean and variance over draws of features @ coefficients, without making them draw by draw.

    Parameters
    ----------
    features : numpy.ndarray, shape (n, F)
    coefficients : numpy.ndarray, shape (S, F)

    Returns
    -------
    mean, variance : numpy.ndarray, shape (n,)
    """
    centre = coefficients.mean(axis=0)
    around = coefficients - centre
    covariance = around.T @ around / len(coefficients)
    return features @ centre, ((features @ covariance) * features).sum(axis=1)


def _standardised_quantiles(
    means: np.ndarray, sds: np.ndarray, probabilities: list[float], nearly_normal: float
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Means and standard deviations of mixtures, shape (G,), and their quantiles, (3, G), standardised by these."""
    centre = means.mean(axis=0)
    means -= centre
    spread = np.sqrt(np.square(means).mean(axis=0) + np.square(sds).mean(axis=0))
    with np.errstate(divide="ignore", invalid="ignore"):
        means /= spread
        sds /= spread
    # A quantity that is the same in all draws has no spread: then everything is at its mean.
    constant = spread == 0
    means[:, constant], sds[:, constant] = 0.0, 1.0
    # Where a standard deviation of groups is all but 0, so is sds: a step, not a slope, would stop Newton's method.
    sds = np.maximum(sds, 1e-3)
    if nearly_normal == 0:
        normal = special.ndtri(np.array(probabilities))
        solved = [_solve(means, sds, np.full(len(centre), z), p) for z, p in zip(normal, probabilities, strict=True)]
        return centre, spread, np.stack(solved)
    skewness, excess = _shape(means, sds)
    quantiles = np.stack([_start(p, skewness, excess) for p in probabilities])
    other = np.flatnonzero(np.maximum(np.abs(skewness), np.abs(excess)) >= nearly_normal)
    if len(other) < len(spread):
        means, sds = means[:, other], sds[:, other]
    if len(other):
        for x, p in zip(quantiles, probabilities, strict=True):
            x[other] = _solve(means, sds, x[other], p)
    return centre, spread, quantiles


def _shape(means: np.ndarray, sds: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Skewness and excess kurtosis of standardised mixtures, shape (G,)."""
    squares, variances = means * means, sds * sds
    skewness = (means * (squares + 3 * variances)).mean(axis=0)
    kurtosis = (squares * (squares + 6 * variances) + 3 * variances * variances).mean(axis=0)
    return skewness, kurtosis - 3


def _start(probability: float, skewness: np.ndarray, excess: np.ndarray) -> np.ndarray:
    """Quantiles by the expansion of Cornish & Fisher (1938), doi:10.2307/1400905, within half a sd of the normal's."""
    z = special.ndtri(probability)
    shift = (z**2 - 1) * skewness / 6 + (z**3 - 3 * z) * excess / 24 - (2 * z**3 - 5 * z) * skewness**2 / 36
    return np.asarray(z + np.clip(shift, -0.5, 0.5))


def _solve(means: np.ndarray, sds: np.ndarray, x: np.ndarray, probability: float) -> np.ndarray:
    """Solve mean over draws of Phi((x - means) / sds) = probability by Newton's method between brackets."""
    low, high = (means - 9 * sds).min(axis=0), (means + 9 * sds).max(axis=0)
    for _ in range(60):
        z = (x - means) / sds
        excess = special.ndtr(z).mean(axis=0) - probability
        low, high = np.where(excess < 0, x, low), np.where(excess < 0, high, x)
        slope = (np.exp(-0.5 * z * z) / sds).mean(axis=0) / np.sqrt(2 * np.pi)
        with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
            step = x - excess / slope
        x = np.where((step >= low) & (step <= high), step, (low + high) / 2)
        # The step just taken leaves the square of what was left: other groups in the same block change nothing.
        if np.abs(excess).max() < 1e-5:
            break
    return x
