"""Summaries of group effects for any number of groups, without their draws.

Given the other parameters a group's intercept is normal, so its posterior is a mixture of normals, one for each draw of
those. Mean and standard deviation are the mixture's own, exact given the draws (the averaging over conditional
distributions of Gelfand & Smith 1990, doi:10.1080/01621459.1990.10476213, which also has less Monte Carlo error than
averaging over draws of the group effect itself). Interval ends are the mixture's quantiles: over all draws where the
groups are few enough, else over an evenly spaced part of the draws, stretched to the exact mean and standard deviation.
"""

import numpy as np
import pandas as pd
from scipy import special

from stanhier.basics.threads import in_threads, one_blas_thread
from stanhier.engines.draws import Draws
from stanhier.engines.gaussian.compression import Compressed
from stanhier.engines.gaussian.coordinates import LOCATION, NOISE, SPREAD
from stanhier.engines.gaussian.effects import conditional_moments
from stanhier.engines.gaussian.shrinkage import given_mean

__all__ = ["summarise"]

MIXTURE_VALUES = 1 << 26
"""Groups times draws in the mixtures whose quantiles are sought: with fewer, all draws take part."""
LEAST_DRAWS = 64
BLOCK_VALUES = 1 << 20


def summarise(
    compressed: Compressed, groups: np.ndarray, draws: Draws, mu_alpha: np.ndarray, prob: float
) -> pd.DataFrame:
    """Summarise the intercepts of the groups asked for.

    Parameters
    ----------
    compressed : Compressed
    groups : numpy.ndarray of int, shape (G,)
    draws : Draws
    mu_alpha : numpy.ndarray, shape (S,)
        Draws of the mean intercept, at x = 0.
    prob : float
        Probability of the central interval.

    Returns
    -------
    pandas.DataFrame
        Columns mean, sd, lower, median, upper; one row per group.
    """
    n_draws = len(mu_alpha)
    part = np.unique(np.linspace(0, n_draws - 1, _n_mixture(len(groups), n_draws)).astype(int))
    step = max(1, BLOCK_VALUES // len(part))
    blocks = [groups[i : i + step] for i in range(0, len(groups), step)]
    with one_blas_thread():
        mean, sd = _moments(compressed, groups, draws, mu_alpha)
    probabilities = [(1 - prob) / 2, 0.5, (1 + prob) / 2]

    def quantiles(block: np.ndarray) -> np.ndarray:
        return _mixture_quantiles(compressed, block, draws, mu_alpha, part, probabilities)

    # scipy's special functions release the interpreter, so that threads share the work.
    standardised = np.hstack([*in_threads(quantiles, blocks), np.empty((3, 0))])
    lower, median, upper = mean + sd * standardised
    return pd.DataFrame({"mean": mean, "sd": sd, "lower": lower, "median": median, "upper": upper})


def _n_mixture(n_groups: int, n_draws: int) -> int:
    return int(np.clip(MIXTURE_VALUES // max(n_groups, 1), min(LEAST_DRAWS, n_draws), n_draws))


def _moments(
    compressed: Compressed, groups: np.ndarray, draws: Draws, mu_alpha: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Exact mean and standard deviation of each mixture, shape (G,).

    Within a stratum of equal weight the conditional mean is linear in [1, xbar_j, ybar_j], with coefficients that the
    groups share, so that the draws are gone through once per stratum.
    """
    location, sigma, sigma_alpha = draws.flat(LOCATION), draws.flat(NOISE), draws.flat(SPREAD)
    mean, variance = np.empty(len(groups)), np.empty(len(groups))
    weights, inverse = np.unique(compressed.weights[groups], return_inverse=True)
    order = np.argsort(inverse, kind="stable")
    ends = np.searchsorted(inverse[order], np.arange(len(weights) + 1))
    for h, weight in enumerate(weights):
        members = order[ends[h] : ends[h + 1]]
        shrinkage, _ = given_mean(weight, sigma, sigma_alpha)
        coefficients = np.column_stack(
            [mu_alpha - shrinkage * location[:, 0], -shrinkage[:, None] * location[:, 1:], shrinkage]
        )
        centre = coefficients.mean(axis=0)
        coefficients -= centre
        covariance = coefficients.T @ coefficients / len(mu_alpha)
        features = np.column_stack([np.ones(len(members)), compressed.means[groups[members]]])
        mean[members] = features @ centre
        variance[members] = ((features @ covariance) * features).sum(axis=1) + (shrinkage * (sigma**2 / weight)).mean()
    return mean, np.sqrt(variance)


def _mixture_quantiles(
    compressed: Compressed,
    groups: np.ndarray,
    draws: Draws,
    mu_alpha: np.ndarray,
    part: np.ndarray,
    probabilities: list[float],
) -> np.ndarray:
    """Find quantiles of the mixtures over part of the draws, shape (3, G), standardised by their own mean and sd."""
    means, sds = conditional_moments(
        compressed, groups, draws.flat(LOCATION)[part], draws.flat(NOISE)[part], draws.flat(SPREAD)[part]
    )
    means += mu_alpha[part, None]
    centre = means.mean(axis=0)
    spread = np.sqrt(means.var(axis=0) + np.square(sds).mean(axis=0))
    means -= centre
    means /= spread
    sds /= spread
    # Where sigma_alpha is all but 0, so is sds: a step instead of a slope would stop Newton's method.
    sds = np.maximum(sds, 1e-3)
    found = np.empty((len(probabilities), len(groups)))
    for k, probability in enumerate(probabilities):
        found[k] = _solve(means, sds, probability)
    return found


def _solve(means: np.ndarray, sds: np.ndarray, probability: float) -> np.ndarray:
    """Solve mean over draws of Phi((x - means) / sds) = probability by Newton's method between brackets."""
    x = np.full(means.shape[1], special.ndtri(probability))
    low, high = (means - 9 * sds).min(axis=0), (means + 9 * sds).max(axis=0)
    for _ in range(60):
        z = (x - means) / sds
        excess = special.ndtr(z).mean(axis=0) - probability
        if np.abs(excess).max() < 1e-5:
            break
        low, high = np.where(excess < 0, x, low), np.where(excess < 0, high, x)
        slope = (np.exp(-0.5 * z * z) / sds).mean(axis=0) / np.sqrt(2 * np.pi)
        with np.errstate(divide="ignore", invalid="ignore"):
            step = x - excess / slope
        x = np.where((step > low) & (step < high), step, (low + high) / 2)
    return x
