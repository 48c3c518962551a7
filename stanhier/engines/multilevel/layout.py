"""What the terms of a multilevel model look like, and where their numbers stand in arrays.

A term is a grouping factor with its effects. Effects come in blocks: those of a block are correlated with each other,
those of different blocks are not. Correlations stand block by block, and within a block row by row of the lower
triangle: (1, 0), (2, 0), (2, 1), (3, 0) ...
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Self

import numpy as np

from stanhier.design.groupings import Grouping
from stanhier.engines.gaussian.coordinates import LOCATION, NOISE
from stanhier.engines.parameters import correlated_pairs

__all__ = [
    "COR",
    "DENSE",
    "EFFECTS",
    "LAMBDA",
    "LOCATION",
    "NOISE",
    "SD",
    "ScalePlaces",
    "TermShape",
    "block_pairs",
    "blocks_of",
    "cholesky_factors",
    "cor_slices",
    "correlation_matrices",
    "covariances",
    "dense_slices",
    "dense_terms",
    "effect_slices",
    "eliminated_term",
    "n_correlations",
    "sd_slices",
]

SD, COR, DENSE, EFFECTS, LAMBDA = "sd", "cor", "dense", "effects", "lambda"
"""Names of `Draws.values` beside `LOCATION` and `NOISE`: standard deviations of effects, shape (Q,), and their
correlations, (C,), term by term; effects of all terms but the eliminated one, (M,), or of all terms, both term by term,
level by level, effect by effect; factors on the precisions of Student t priors of the location, (n_student,)."""


@dataclass(frozen=True)
class TermShape:
    """A grouping factor with its effects.

    Attributes
    ----------
    n_levels : int
        J.
    blocks : tuple of int
        Sizes of consecutive runs of effects; those of a run are correlated.
    columns : tuple of int
        Of each effect: its position among the first K + E columns of the rows, or -1 for the constant 1.
    """

    n_levels: int
    blocks: tuple[int, ...]
    columns: tuple[int, ...]

    @classmethod
    def of(cls, grouping: Grouping) -> Self:
        """Give the shape of a factor of a design."""
        return cls(len(grouping.levels), grouping.blocks, grouping.columns)

    @property
    def q(self) -> int:
        """Number of effects per level."""
        return len(self.columns)

    @property
    def n_correlations(self) -> int:
        """Number of correlations between its effects."""
        return n_correlations(self.blocks)

    @property
    def n_effects(self) -> int:
        """Number of effects of all levels."""
        return self.n_levels * self.q


def n_correlations(blocks: Sequence[int]) -> int:
    """Count the correlations of effects in blocks."""
    return sum(size * (size - 1) // 2 for size in blocks)


def eliminated_term(terms: Sequence[TermShape]) -> int:
    """Give the position of the term of most levels, the first of equals, -1 of none: it goes group by group."""
    return max(range(len(terms)), key=lambda t: (terms[t].n_levels, -t), default=-1)


def dense_terms(terms: Sequence[TermShape], eliminated: int) -> list[int]:
    """Give the positions of the other terms, whose effects are columns like those of predictors."""
    return [t for t in range(len(terms)) if t != eliminated]


def sd_slices(terms: Sequence[TermShape]) -> list[slice]:
    """Give each term's part of the standard deviations, shape (Q,)."""
    return _slices([term.q for term in terms])


def cor_slices(terms: Sequence[TermShape]) -> list[slice]:
    """Give each term's part of the correlations, shape (C,)."""
    return _slices([term.n_correlations for term in terms])


def effect_slices(terms: Sequence[TermShape]) -> list[slice]:
    """Give each term's part of all effects, level by level, effect by effect."""
    return _slices([term.n_effects for term in terms])


def dense_slices(terms: Sequence[TermShape], eliminated: int) -> list[slice]:
    """Give each term's part of the M dense columns, an empty one for the eliminated term."""
    return _slices([0 if t == eliminated else term.n_effects for t, term in enumerate(terms)])


def _slices(sizes: Sequence[int]) -> list[slice]:
    ends = np.cumsum(sizes, dtype=int).tolist()
    return [slice(end - size, end) for size, end in zip(sizes, ends, strict=True)]


@dataclass(frozen=True)
class ScalePlaces:
    """Where the coordinates of scales begin: standard deviations of all terms, then partial correlations.

    Attributes
    ----------
    terms : tuple of TermShape
    """

    terms: tuple[TermShape, ...]

    @cached_property
    def n_sds(self) -> int:
        """Q."""
        return sum(term.q for term in self.terms)

    @cached_property
    def n_correlations(self) -> int:
        """Number of correlations of all terms."""
        return sum(term.n_correlations for term in self.terms)

    @cached_property
    def sds(self) -> list[slice]:
        """Each term's part of the standard deviations."""
        return sd_slices(self.terms)

    @cached_property
    def cors(self) -> list[slice]:
        """Each term's part of the correlations, counted from the first of these."""
        return cor_slices(self.terms)

    @cached_property
    def partial(self) -> slice:
        """The partial correlations."""
        return slice(self.n_sds, self.n_sds + self.n_correlations)


def blocks_of(blocks: Sequence[int]) -> list[slice]:
    """Give the positions of each block's effects."""
    return _slices(blocks)


def block_pairs(blocks: Sequence[int]) -> list[tuple[int, int]]:
    """Give the pair of effects (i, j), j < i, of each correlation, in their order."""
    return [(i, j) for j, i in correlated_pairs(blocks)]


def correlation_matrices(cor: np.ndarray, blocks: Sequence[int]) -> np.ndarray:
    """Give the correlation matrices of a term's effects, shape (S, q, q), 0 between blocks.

    Parameters
    ----------
    cor : numpy.ndarray, shape (S, c)
        Draws of the term's correlations.
    blocks : sequence of int
    """
    q = sum(blocks)
    matrices = np.zeros((len(cor), q, q))
    matrices[:, range(q), range(q)] = 1.0
    for k, (i, j) in enumerate(block_pairs(blocks)):
        matrices[:, i, j] = matrices[:, j, i] = cor[:, k]
    return matrices


def covariances(sd: np.ndarray, cor: np.ndarray, blocks: Sequence[int]) -> np.ndarray:
    """Give the covariance matrices of a term's effects, shape (S, q, q).

    Parameters
    ----------
    sd : numpy.ndarray, shape (S, q)
    cor : numpy.ndarray, shape (S, c)
    blocks : sequence of int
    """
    return np.asarray(sd[:, :, None] * correlation_matrices(cor, blocks) * sd[:, None, :])


def cholesky_factors(sd: np.ndarray, cor: np.ndarray, blocks: Sequence[int]) -> np.ndarray:
    """Give lower triangular factors of the covariance matrices of a term's effects, shape (S, q, q).

    A standard deviation of 0 gives a row of zeros, and correlations that rounding has brought to the edge of what is
    possible give a factor of less than full rank: nothing fails.

    Parameters
    ----------
    sd : numpy.ndarray, shape (S, q)
    cor : numpy.ndarray, shape (S, c)
    blocks : sequence of int
    """
    matrices = correlation_matrices(cor, blocks)
    factors = np.zeros_like(matrices)
    for block in blocks_of(blocks):
        for i in range(block.start, block.stop):
            left = np.ones(len(cor))
            for j in range(block.start, i):
                own, others = factors[:, i, block.start : j], factors[:, j, block.start : j]
                rest = matrices[:, i, j] - np.einsum("sk,sk->s", own, others)
                pivot = factors[:, j, j]
                most = np.sqrt(left)
                entry = np.divide(rest, pivot, out=np.zeros_like(rest), where=pivot > 0)
                factors[:, i, j] = np.clip(entry, -most, most)
                left = np.maximum(left - factors[:, i, j] ** 2, 0.0)
            factors[:, i, i] = np.sqrt(left)
    factors *= sd[:, :, None]
    return factors
