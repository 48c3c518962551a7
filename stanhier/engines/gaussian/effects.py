"""Group effects: integrated out while sampling, and given back exactly, draw by draw."""

from collections.abc import Iterator

import numpy as np

from stanhier.basics.threads import in_threads
from stanhier.engines.engine import BLOCK_GROUPS
from stanhier.engines.gaussian.compression import Compressed
from stanhier.engines.gaussian.shrinkage import given_mean

__all__ = ["by_block", "conditional_moments", "draw_effects"]


def conditional_moments(
    compressed: Compressed, groups: np.ndarray, location: np.ndarray, sigma: np.ndarray, sigma_alpha: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Mean and standard deviation of alpha_j - mu_alpha given the other parameters.

    Parameters
    ----------
    compressed : Compressed
    groups : numpy.ndarray of int, shape (G,)
        Positions of the groups asked for.
    location : numpy.ndarray, shape (S, K + 1)
        Draws of the intercept at the origin and of the slopes.
    sigma, sigma_alpha : numpy.ndarray, shape (S,)

    Returns
    -------
    mean, sd : numpy.ndarray, shape (S, G)
    """
    mean, sd = _moments(compressed, groups, location, sigma, sigma_alpha)
    return mean.T, sd.T


def draw_effects(
    compressed: Compressed,
    groups: np.ndarray,
    location: np.ndarray,
    sigma: np.ndarray,
    sigma_alpha: np.ndarray,
    *,
    seed: int,
) -> np.ndarray:
    """Draw alpha_j - mu_alpha for the groups asked for.

    Parameters
    ----------
    compressed, groups, location, sigma, sigma_alpha
        As for `conditional_moments`.
    seed : int
        The seed of the fit; the same seed gives a group the same draws in any company.

    Returns
    -------
    numpy.ndarray, shape (S, G)
    """
    effects = np.empty((len(groups), len(location)))
    if len(groups) == 0:
        return effects.T

    def draw(block: int, rows: np.ndarray) -> None:
        rng = np.random.default_rng([seed, 0x67, block])
        first = block * BLOCK_GROUPS
        size = min(BLOCK_GROUPS, compressed.n_groups - first)
        noise = rng.standard_normal((size, len(location)))[groups[rows] - first]
        mean, sd = _moments(compressed, groups[rows], location, sigma, sigma_alpha)
        noise *= sd
        noise += mean
        effects[rows] = noise

    # numpy lets other threads run while it draws and calculates, and blocks are independent of each other.
    in_threads(draw, *zip(*by_block(groups), strict=True))
    return effects.T


def _moments(
    compressed: Compressed, groups: np.ndarray, location: np.ndarray, sigma: np.ndarray, sigma_alpha: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """As `conditional_moments`, shape (G, S): a group's draws side by side, one square root per distinct weight."""
    weights, stratum = np.unique(compressed.weights[groups], return_inverse=True)
    factor, sd = given_mean(weights[:, None], sigma, sigma_alpha)
    means = compressed.means[groups]
    mean = means[:, :-1] @ -location[:, 1:].T
    mean += means[:, -1:]
    mean -= location[:, 0]
    mean *= factor[stratum]
    return mean, sd[stratum]


def by_block(groups: np.ndarray) -> Iterator[tuple[int, np.ndarray]]:
    """Give the blocks that groups are in, and the positions of each block's groups among those asked for."""
    order = np.argsort(groups, kind="stable")
    blocks = groups[order] // BLOCK_GROUPS
    starts = np.flatnonzero(np.diff(blocks, prepend=-1))
    for start, end in zip(starts, [*starts[1:], len(order)], strict=True):
        yield int(blocks[start]), order[start:end]
