"""Effects of groups: those of the largest factor, integrated out while sampling, are given back exactly, draw by draw.

Given dense effects, location and scales, the effects of group j depend on its rows through R_j and B_j: with e_j what
is left of its response they are normal with mean P R'e and covariance sigma^2 P, P = Lambda (I + Lambda'R'R Lambda)^-1
Lambda'; groups of equal R_j share P.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np

from stanhier.basics.threads import in_threads, one_blas_thread
from stanhier.engines.draws import Draws
from stanhier.engines.engine import BLOCK_GROUPS
from stanhier.engines.gaussian.effects import by_block
from stanhier.engines.multilevel.layout import (
    COR,
    DENSE,
    LOCATION,
    NOISE,
    SD,
    TermShape,
    cholesky_factors,
    cor_slices,
    dense_slices,
    sd_slices,
)
from stanhier.engines.multilevel.small_matrices import multiply, posterior_factors, squared
from stanhier.engines.multilevel.statistics import Statistics

__all__ = [
    "GroupDraws",
    "conditional_moments",
    "dense_effects",
    "draw_effects",
    "effect_means",
    "group_residuals",
    "new_effects",
    "term_factors",
]


@dataclass(frozen=True)
class GroupDraws:
    """Draws of what the effects of the eliminated term depend on.

    Attributes
    ----------
    coefficients : numpy.ndarray, shape (S, M + P)
        Dense effects, then the location.
    factors : numpy.ndarray, shape (S, q, q)
        Lower triangular factors of the covariance matrices of the effects.
    sigma : numpy.ndarray, shape (S,)
    """

    coefficients: np.ndarray
    factors: np.ndarray
    sigma: np.ndarray

    @classmethod
    def of(cls, draws: Draws, statistics: Statistics) -> Self:
        """Take them from draws."""
        dense = [draws.flat(DENSE)] if statistics.n_dense else []
        factors = term_factors(draws, statistics.terms, statistics.eliminated)
        return cls(np.hstack([*dense, draws.flat(LOCATION)]), factors, draws.flat(NOISE))

    def take(self, part: np.ndarray) -> "GroupDraws":
        """Give some of the draws."""
        return GroupDraws(self.coefficients[part], self.factors[part], self.sigma[part])

    @property
    def relative_factors(self) -> np.ndarray:
        """Lambda, in units of sigma, shape (q, q, S)."""
        return np.ascontiguousarray(np.moveaxis(self.factors / self.sigma[:, None, None], 0, -1))


def term_factors(draws: Draws, terms: Sequence[TermShape], term: int) -> np.ndarray:
    """Give lower triangular factors of the covariance matrices of a term's effects, shape (S, q, q)."""
    cor = draws.flat(COR)[:, cor_slices(terms)[term]] if COR in draws.values else np.empty((draws.n_draws, 0))
    return cholesky_factors(draws.flat(SD)[:, sd_slices(terms)[term]], cor, terms[term].blocks)


def dense_effects(draws: Draws, terms: Sequence[TermShape], eliminated: int, term: int) -> np.ndarray:
    """Give the draws of a dense term's effects, shape (S, J, q)."""
    own = draws.flat(DENSE)[:, dense_slices(terms, eliminated)[term]]
    return own.reshape(draws.n_draws, terms[term].n_levels, terms[term].q)


def conditional_moments(statistics: Statistics, groups: np.ndarray, given: GroupDraws) -> tuple[np.ndarray, np.ndarray]:
    """Moments of the effects of the eliminated term given dense effects, location and scales.

    Parameters
    ----------
    statistics : Statistics
    groups : numpy.ndarray of int, shape (G,)
        Positions of the groups asked for.
    given : GroupDraws

    Returns
    -------
    mean : numpy.ndarray, shape (S, G, q)
    covariance : numpy.ndarray, shape (S, G, q, q)
    """
    roots, stratum = _roots(statistics, groups, given)
    with one_blas_thread():
        pulled = _pulled(statistics, groups, given)
    P = squared(roots)  # in units of sigma^2
    mean = multiply(P[:, :, stratum], pulled)
    covariance = (P * given.sigma**2)[:, :, stratum]
    return np.moveaxis(mean, (2, 1, 0), (0, 1, 2)), np.moveaxis(covariance, (3, 2, 0, 1), (0, 1, 2, 3))


def draw_effects(statistics: Statistics, term: int, groups: np.ndarray, draws: Draws) -> np.ndarray:
    """Draw the effects of levels of a term, alike in any company.

    Parameters
    ----------
    statistics : Statistics
    term : int
    groups : numpy.ndarray of int, shape (G,)
        Positions of its levels.
    draws : Draws

    Returns
    -------
    numpy.ndarray, shape (S, G, q)
    """
    if term != statistics.eliminated:
        return dense_effects(draws, statistics.terms, statistics.eliminated, term)[:, groups]
    given = GroupDraws.of(draws, statistics)
    q, n_draws = statistics.terms[term].q, draws.n_draws
    effects = np.empty((len(groups), q, n_draws))
    if len(groups) == 0:
        return effects.transpose(2, 0, 1)

    def draw(block: int, rows: np.ndarray) -> None:
        rng = np.random.default_rng([draws.seed, 0x67, block])
        first = block * BLOCK_GROUPS
        size = min(BLOCK_GROUPS, statistics.n_groups - first)
        noise = rng.standard_normal((size, q, n_draws))[groups[rows] - first].swapaxes(0, 1)
        roots, stratum = _roots(statistics, groups[rows], given)
        roots = roots[:, :, stratum]
        noise = noise * given.sigma + multiply(roots, _pulled(statistics, groups[rows], given))
        effects[rows] = multiply(roots.swapaxes(0, 1), noise).swapaxes(0, 1)

    # numpy lets other threads run while it draws and calculates, and blocks are independent of each other.
    in_threads(draw, *zip(*by_block(groups), strict=True))
    return effects.transpose(2, 0, 1)


def effect_means(statistics: Statistics, term: int, groups: np.ndarray, draws: Draws) -> np.ndarray:
    """Give the means of the effects of levels of a term given the other draws, shape (S, G, q).

    Those of dense terms are drawn with the location, so they are the draws themselves.
    """
    if term != statistics.eliminated:
        return draw_effects(statistics, term, groups, draws)
    return conditional_moments(statistics, groups, GroupDraws.of(draws, statistics))[0]


def new_effects(draws: Draws, terms: Sequence[TermShape], term: int, noise: np.ndarray) -> np.ndarray:
    """Give the effects of levels without rows from standard normal noise, both of shape (S, G, q)."""
    return np.asarray(noise @ term_factors(draws, terms, term).swapaxes(1, 2))


def group_residuals(statistics: Statistics, groups: np.ndarray, coefficients: np.ndarray) -> np.ndarray:
    """Give e_j = c_j - A_j (dense effects, location) of groups, shape (q, G, S)."""
    own = statistics.B[groups].swapaxes(0, 1)
    return np.asarray(own[..., -1:] - own[..., :-1] @ coefficients.T)


def _pulled(statistics: Statistics, groups: np.ndarray, given: GroupDraws) -> np.ndarray:
    """R'e of groups, shape (q, G, S)."""
    R = np.moveaxis(statistics.R[groups], 0, -1)[..., None]
    return multiply(R.swapaxes(0, 1), group_residuals(statistics, groups, given.coefficients))


def _roots(statistics: Statistics, groups: np.ndarray, given: GroupDraws) -> tuple[np.ndarray, np.ndarray]:
    """W with W'W = P, shape (q, q, H, S), of the strata that groups are in, and the position of each group's, (G,)."""
    strata = statistics.strata
    present, stratum = np.unique(strata.stratum[groups], return_inverse=True)
    R = np.moveaxis(strata.R[present], 0, -1)
    cross = np.einsum("kih,kjh->ijh", R, R)
    return posterior_factors(cross[..., None], given.relative_factors[:, :, None, :]), stratum
