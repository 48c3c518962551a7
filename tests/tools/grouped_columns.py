"""Small data of several grouping factors, and what the multilevel engine makes of them."""

from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from stanhier.design.blocks import ArrayRows
from stanhier.engines.gaussian.marginal import LocationPriors
from stanhier.engines.multilevel.pieces import Piece, piece_of
from stanhier.engines.multilevel.scales import ScalePriors
from stanhier.engines.multilevel.statistics import Statistics
from stanhier.priors.numbers import EXPONENTIAL, NORMAL, PriorNumbers

__all__ = ["Columns", "Term", "default_priors"]


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
        rows = ArrayRows(np.column_stack([self.X, self.extra]), self.y, self.extra.shape[1])
        return piece_of(rows, weights=self.weights, groups=self.terms)

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


def default_priors(
    found: Statistics, *, family: int = NORMAL, sigma: float | None = None, eta: float = 1.0
) -> tuple[LocationPriors, ScalePriors]:
    """Give priors that are scaled by the columns, those of the location of one family."""
    n, sd_y = found.n_location, found.sd[-1]
    sds = 2.5 * sd_y / found.sd[: len(found.origin) - 1]
    centre = np.zeros(n)
    if found.has_intercept:
        sds = np.append(2.5 * sd_y, sds)
        centre[0] = found.origin[-1]
    numbers = PriorNumbers(np.full(n, family), np.full(n, 4.0), centre, sds)
    scales = [sd_y / (1.0 if c == -1 else found.sd[c]) for term in found.terms for c in term.columns]
    scales += [sd_y] * (sigma is None)
    size = len(scales)
    scale_numbers = PriorNumbers(np.full(size, EXPONENTIAL), np.ones(size), np.zeros(size), np.array(scales))
    n_blocks = sum(len(term.blocks) for term in found.terms)
    return LocationPriors(numbers, centre, np.eye(n)), ScalePriors(scale_numbers, (eta,) * n_blocks, sigma)
