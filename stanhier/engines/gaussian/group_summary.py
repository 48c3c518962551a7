"""Summaries of group effects for any number of groups, without their draws: exact mean and standard deviation."""

from collections.abc import Callable, Sequence

import numpy as np

from stanhier.basics.threads import one_blas_thread
from stanhier.engines.draws import Draws
from stanhier.engines.gaussian.compression import Compressed
from stanhier.engines.gaussian.coordinates import LOCATION, NOISE, SPREAD
from stanhier.engines.gaussian.effects import conditional_moments
from stanhier.engines.gaussian.shrinkage import given_mean
from stanhier.engines.mixtures import linear_moments, summarise_mixtures

__all__ = ["replicated_means", "summarise"]


def summarise(
    compressed: Compressed, groups: np.ndarray, draws: Draws, offset: np.ndarray, probabilities: Sequence[float]
) -> np.ndarray:
    """Summarise the intercepts of the groups asked for.

    Parameters
    ----------
    compressed : Compressed
    groups : numpy.ndarray of int, shape (G,)
    draws : Draws
    offset : numpy.ndarray, shape (S,)
        What is added to the effects: draws of the mean intercept where the predictors are.
    probabilities : sequence of float, length P

    Returns
    -------
    numpy.ndarray, shape (2 + P, G)
        Mean, standard deviation, quantiles.
    """
    # Groups of equal weight share their standard deviations, so they go side by side.
    order = np.argsort(compressed.weights[groups], kind="stable")
    by_weight = groups[order]
    arrays = draws.flat(LOCATION), draws.flat(NOISE), draws.flat(SPREAD)

    def components(part: np.ndarray) -> Callable[[slice | np.ndarray], tuple[np.ndarray, np.ndarray]]:
        some, added = [values[part] for values in arrays], offset[part, None]

        def of_block(block: slice | np.ndarray) -> tuple[np.ndarray, np.ndarray]:
            means, sds = conditional_moments(compressed, by_weight[block], *some)
            means += added
            return means.T[None], sds.T[None]

        return of_block

    with one_blas_thread():
        moments = _moments(compressed, by_weight, draws, offset)
    found = np.empty((2 + len(probabilities), len(groups)))
    found[:, order] = summarise_mixtures(components, len(groups), len(offset), probabilities, moments)[0]
    return found


def _moments(
    compressed: Compressed, groups: np.ndarray, draws: Draws, offset: np.ndarray
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
            [offset - shrinkage * location[:, 0], -shrinkage[:, None] * location[:, 1:], shrinkage]
        )
        features = np.column_stack([np.ones(len(members)), compressed.means[groups[members]]])
        mean[members], variance[members] = linear_moments(features, coefficients)
        variance[members] += (shrinkage * (sigma**2 / weight)).mean()
    return mean, np.sqrt(variance)


def replicated_means(
    compressed: Compressed, location: np.ndarray, sigma: np.ndarray, sigma_alpha: np.ndarray, *, seed: int
) -> tuple[np.ndarray, np.ndarray]:
    """Give means of the rows of groups, were each a new one, shape (S, J), and observed, shape (J,).

    Such a mean is normal around the mean of the rows' expectations, so no row is needed.

    Parameters
    ----------
    compressed : Compressed
    location : numpy.ndarray, shape (S, K + 1)
    sigma, sigma_alpha : numpy.ndarray, shape (S,)
    seed : int
    """
    origin = compressed.origin
    expected = origin[-1] + location[:, :1] + location[:, 1:] @ compressed.means[:, :-1].T
    spread = np.hypot(sigma_alpha[:, None], sigma[:, None] / np.sqrt(compressed.weights))
    replicated = expected + spread * np.random.default_rng([seed, 0x6D]).standard_normal(expected.shape)
    return replicated, origin[-1] + compressed.means[:, -1]
