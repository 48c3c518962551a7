"""What densities of rows of any family are conditioned on: draws of all parameters and effects."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from stanhier.engines.gaussian.likelihood import common_mean
from stanhier.engines.multilevel.given import CodedRows, effect_products
from stanhier.families.family import Family

__all__ = ["FamilyRows", "GivenEffects"]


class FamilyRows(Protocol):
    """Rows in memory, under their grouping factors."""

    @property
    def y(self) -> np.ndarray:
        """Response, shape (N,), less the offset where the link is the identity."""

    @property
    def X(self) -> np.ndarray:  # noqa: N802
        """Predictors, shape (N, K), no intercept column."""

    @property
    def offset(self) -> np.ndarray | None:
        """What is added to the linear predictor, shape (N,)."""

    @property
    def trials(self) -> np.ndarray | None:
        """Numbers of trials, shape (N,)."""

    @property
    def groupings(self) -> Sequence[CodedRows]:
        """The grouping factors."""

    def effect_matrix(self, term: int, positions: np.ndarray | None = None) -> np.ndarray:
        """Give what the effects of a factor are multiplied by, shape (N, q), or (n, q) in n rows by their positions."""


@dataclass(frozen=True)
class GivenEffects:
    """Draws of all parameters and effects.

    Attributes
    ----------
    family : Family
    location : numpy.ndarray, shape (S, P)
        The intercept at the origin, if there is one, and the slopes.
    origin : numpy.ndarray, shape (K + 1,)
        Of [x_1 .. x_K, y]; its last is added to the linear predictor.
    auxiliary : mapping of numpy.ndarray, shape (S,)
        What the distribution of responses has beside the linear predictor, by name.
    factors : tuple of numpy.ndarray, shape (S, q, q)
        For each grouping factor the lower triangular factors of the covariance matrices of its effects.
    effects : callable
        From the position of a grouping factor and positions of its levels, (G,), to draws of their effects, (S, G, q).
    """

    family: Family
    location: np.ndarray
    origin: np.ndarray
    auxiliary: Mapping[str, np.ndarray]
    factors: tuple[np.ndarray, ...]
    effects: Callable[[int, np.ndarray], np.ndarray]

    @property
    def n_draws(self) -> int:
        """S."""
        return len(self.location)

    def population(self, rows: FamilyRows, positions: np.ndarray) -> np.ndarray:
        """Give the linear predictors of rows without effects of groups, shape (S, n)."""
        eta = common_mean(rows.X[positions], self.origin, self.location) + self.origin[-1]
        return np.asarray(eta if rows.offset is None else eta + rows.offset[positions])

    def of_effects(self, rows: FamilyRows, positions: np.ndarray, levels: Sequence[np.ndarray]) -> np.ndarray:
        """Give what effects add to the linear predictors of rows, shape (S, n).

        Parameters
        ----------
        rows : FamilyRows
        positions : numpy.ndarray of int, shape (n,)
        levels : sequence of numpy.ndarray of int, shape (n,)
            For each factor the level of each row among those of the draws; of -1 nothing is added.
        """
        total = np.zeros((self.n_draws, len(positions)))
        for term, codes in enumerate(levels):
            there = np.flatnonzero(codes >= 0)
            if len(there):
                known, inverse = np.unique(codes[there], return_inverse=True)
                Z = rows.effect_matrix(term, positions[there])
                total[:, there] += effect_products(self.effects(term, known), inverse, Z)
        return total

    def columns(self, draws: slice) -> dict[str, np.ndarray]:
        """Give the auxiliary parameters of some draws as columns, shape (s, 1)."""
        return {name: values[draws, None] for name, values in self.auxiliary.items()}
