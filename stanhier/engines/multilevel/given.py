"""What densities of rows are conditioned on: draws of all parameters, from any engine, and residuals given them."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from stanhier.engines.gaussian.likelihood import common_mean
from stanhier.families.noise import RowNoise

__all__ = ["CodedRows", "ConditionalMoments", "Given", "GroupedRows", "effect_products", "root_weights"]

type ConditionalMoments = Callable[[np.ndarray], tuple[np.ndarray, np.ndarray]]
"""From positions of levels, (G,), to means (S, G, q) and covariances (S, G, q, q) of their effects given the rest."""


class CodedRows(Protocol):
    """Rows under one grouping factor."""

    @property
    def codes(self) -> np.ndarray:
        """For each row the position of its level, shape (N,)."""


class GroupedRows(Protocol):
    """Rows in memory, under their grouping factors."""

    @property
    def y(self) -> np.ndarray:
        """Response, shape (N,)."""

    @property
    def X(self) -> np.ndarray:  # noqa: N802
        """Predictors, shape (N, K), no intercept column."""

    @property
    def row_noise(self) -> RowNoise | None:
        """How the noise of rows differs."""

    @property
    def groupings(self) -> Sequence[CodedRows]:
        """The grouping factors."""

    def effect_matrix(self, term: int, positions: np.ndarray | None = None) -> np.ndarray:
        """Give what the effects of a factor are multiplied by, shape (N, q), or (n, q) in n rows by their positions."""


@dataclass(frozen=True)
class Given:
    """Draws of all parameters.

    Attributes
    ----------
    location : numpy.ndarray, shape (S, P)
        The intercept at the origin relative to the response there, if there is one, and the slopes.
    origin : numpy.ndarray, shape (K + 1,)
        Of [x_1 .. x_K, y].
    sigma : numpy.ndarray, shape (S,)
    factors : tuple of numpy.ndarray, shape (S, q, q)
        For each grouping factor the lower triangular factors of the covariance matrices of its effects.
    effects : callable
        From the position of a grouping factor and positions of its levels, (G,), to draws of their effects, (S, G, q).
    moments : dict of callable
        By the position of a grouping factor: moments of its effects given the rows behind the draws and all other
        parameters, where they are known in closed form.
    """

    location: np.ndarray
    origin: np.ndarray
    sigma: np.ndarray
    factors: tuple[np.ndarray, ...]
    effects: Callable[[int, np.ndarray], np.ndarray]
    moments: dict[int, ConditionalMoments]

    @property
    def n_draws(self) -> int:
        """S."""
        return len(self.sigma)

    def relative_factors(self, term: int) -> np.ndarray:
        """Give Lambda / sigma of a grouping factor, shape (q, q, S)."""
        return np.ascontiguousarray(np.moveaxis(self.factors[term] / self.sigma[:, None, None], 0, -1))

    def around_population(self, rows: GroupedRows, positions: np.ndarray) -> np.ndarray:
        """Give residuals of rows around the mean of the population, shape (S, n)."""
        response = rows.y[positions] - self.origin[-1]
        return np.asarray(response - common_mean(rows.X[positions], self.origin, self.location))

    def residuals(self, rows: GroupedRows, positions: np.ndarray, without: int) -> np.ndarray:
        """Give residuals of rows, shape (S, n), around all but the effects of one grouping factor."""
        residuals = self.around_population(rows, positions)
        for term, grouping in enumerate(rows.groupings):
            if term != without:
                levels, inverse = np.unique(grouping.codes[positions], return_inverse=True)
                residuals -= effect_products(self.effects(term, levels), inverse, rows.effect_matrix(term, positions))
        return residuals


def effect_products(effects: np.ndarray, inverse: np.ndarray, Z: np.ndarray) -> np.ndarray:
    """Give what effects add to the means of rows, shape (S, n).

    Parameters
    ----------
    effects : numpy.ndarray, shape (S, G, q)
    inverse : numpy.ndarray of int, shape (n,)
        Which of them is each row's.
    Z : numpy.ndarray, shape (n, q)
    """
    total = np.zeros((len(effects), len(inverse)))
    for k in range(Z.shape[1]):
        total += effects[:, :, k][:, inverse] * Z[:, k]
    return total


def root_weights(rows: GroupedRows, positions: np.ndarray) -> np.ndarray:
    """Give square roots of the rows' precision weights, shape (n,), 1 where their noise does not differ."""
    return np.ones(len(positions)) if rows.row_noise is None else np.sqrt(rows.row_noise.take(positions).weights)
