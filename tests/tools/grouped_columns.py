"""Small data of several grouping factors, and what the multilevel engine makes of them."""

from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from stanhier.design.blocks import ArrayRows
from stanhier.engines.multilevel.pieces import Piece, piece_of

__all__ = ["Columns", "Term"]


@dataclass(frozen=True)
class Term:
    """A grouping factor as rows know it."""

    codes: np.ndarray
    n_levels: int
    columns: tuple[int, ...]
    blocks: tuple[int, ...]
    labels: pd.Index | None = None

    def take(self, rows: np.ndarray) -> "Term":
        """Give that of some rows, with the levels that occur in these alone, known by their labels."""
        present, codes = np.unique(self.codes[rows], return_inverse=True)
        return Term(codes, len(present), self.columns, self.blocks, pd.Index(present))


@dataclass(frozen=True)
class Columns:
    """Rows with their terms."""

    X: np.ndarray
    extra: np.ndarray
    y: np.ndarray
    terms: tuple[Term, ...]
    weights: np.ndarray | None = field(default=None)

    @property
    def values(self) -> np.ndarray:
        """Predictors, extra columns and response."""
        return np.column_stack([self.X, self.extra, self.y])

    @property
    def roots(self) -> np.ndarray:
        """Square roots of the weights."""
        return np.ones(len(self.y)) if self.weights is None else np.sqrt(self.weights)

    def piece(self) -> Piece:
        """Compress."""
        rows = ArrayRows(np.column_stack([self.X, self.extra]), self.y)
        return piece_of(rows, weights=self.weights, groups=self.terms, n_extra=self.extra.shape[1])

    def take(self, rows: np.ndarray) -> "Columns":
        """Give some rows, as a part of a stream has them."""
        weights = None if self.weights is None else self.weights[rows]
        terms = tuple(term.take(rows) for term in self.terms)
        return Columns(self.X[rows], self.extra[rows], self.y[rows], terms, weights)

    def effects_of(self, term: Term) -> np.ndarray:
        """Give the columns of a term's effects, shape (N, q)."""
        with_ones = np.column_stack([self.values, np.ones(len(self.y))])
        return with_ones[:, list(term.columns)]

    def indicators(self, term: Term) -> np.ndarray:
        """Give a column for each effect of each level, shape (N, J q)."""
        levels = np.eye(term.n_levels)[term.codes]
        return (levels[:, :, None] * self.effects_of(term)[:, None, :]).reshape(len(self.y), -1)
