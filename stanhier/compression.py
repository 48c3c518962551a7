"""Rows to the exact small equivalent that Stan receives.

A Gaussian likelihood sees the rows only through weighted sums. Within groups these are kept as the triangular factor
of the group-centred data (never as X'X, which squares the condition number), between groups as the weighted group
means. Groups of equal weight share a variance, so within such a stratum the means compress once more.

References
----------
Bates & DebRoy (2004), Linear mixed models and penalized least squares, doi:10.1016/j.jmva.2004.04.013.
Golub & Van Loan (2013), Matrix Computations, section 6.5 (updating a QR factorisation).
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Protocol

import numpy as np

__all__ = ["ArrayRows", "Compressed", "Rows", "Strata", "compress"]

BLOCK_ROWS = 1 << 13
MAX_BLOCK_VALUES = 1 << 23


class Rows(Protocol):
    """Rows that are given block by block, as often as asked for."""

    @property
    def n_rows(self) -> int:
        """N."""

    @property
    def n_columns(self) -> int:
        """K + 1: predictors and response."""

    def blocks(self, size: int) -> Iterator[tuple[slice, np.ndarray]]:
        """Give blocks [x_1 .. x_K, y] of at most `size` rows; the receiver may overwrite them."""


@dataclass(frozen=True)
class ArrayRows:
    """Rows that are arrays in memory.

    Attributes
    ----------
    X : numpy.ndarray, shape (N, K)
    y : numpy.ndarray, shape (N,)
    """

    X: np.ndarray
    y: np.ndarray

    @property
    def n_rows(self) -> int:
        """N."""
        return len(self.y)

    @property
    def n_columns(self) -> int:
        """K + 1."""
        return int(self.X.shape[1]) + 1

    def blocks(self, size: int) -> Iterator[tuple[slice, np.ndarray]]:
        """Give copies of the rows, block by block."""
        for start in range(0, self.n_rows, size):
            rows = slice(start, min(start + size, self.n_rows))
            yield rows, np.column_stack([self.X[rows], self.y[rows]])


@dataclass(frozen=True)
class Strata:
    """The between-group part: group means, compressed within each distinct group weight.

    Attributes
    ----------
    weight : numpy.ndarray, shape (H,)
        Group weight of each stratum.
    n_groups : numpy.ndarray of int, shape (H,)
        Number of groups of that weight.
    rows : numpy.ndarray, shape (B, K + 2)
        Columns [1, x_1 .. x_K, y]; per stratum at most K + 2 rows whose cross-products equal those of its group means.
    stratum : numpy.ndarray of int, shape (B,)
        The stratum of each row.
    """

    weight: np.ndarray
    n_groups: np.ndarray
    rows: np.ndarray
    stratum: np.ndarray


@dataclass(frozen=True)
class Compressed:
    """Sufficient statistics of the rows, centred at an origin so that nothing is lost to large means.

    Attributes
    ----------
    n_rows : int
        N.
    mean, sd : numpy.ndarray, shape (K + 1,)
        Unweighted mean and standard deviation (divisor N - 1; 0 for one row) of each column of [X y].
    log_weights : float
        Sum over rows of log w_i.
    origin : numpy.ndarray, shape (K + 1,)
        What was subtracted from [x_1 .. x_K, y]: the means of the columns.
    within : numpy.ndarray, shape (K + 1, K + 1)
        Upper triangular factor of the weighted, group-centred [X y].
    weights : numpy.ndarray, shape (J,)
        Sum of w in each group.
    means : numpy.ndarray, shape (J, K + 1)
        Weighted group means of [X y], relative to the origin.
    """

    n_rows: int
    mean: np.ndarray
    sd: np.ndarray
    log_weights: float
    origin: np.ndarray
    within: np.ndarray
    weights: np.ndarray
    means: np.ndarray

    @property
    def n_groups(self) -> int:
        """Number of groups, J."""
        return len(self.weights)

    @cached_property
    def strata(self) -> Strata:
        """The group means, compressed within each distinct group weight."""
        weight, inverse, n_groups = np.unique(self.weights, return_inverse=True, return_counts=True)
        order = np.argsort(inverse, kind="stable")
        rows = np.column_stack([np.ones(self.n_groups), self.means])[order]
        width = rows.shape[1]
        pieces, piece_strata = [], []
        ends = np.cumsum(n_groups)
        small = n_groups <= width
        # Strata of few groups stay as they are, all at once: with known standard errors there is one per group.
        keep = np.repeat(small, n_groups)
        pieces.append(rows[keep])
        piece_strata.append(np.repeat(np.arange(len(weight)), n_groups)[keep])
        for h in np.flatnonzero(~small):
            factor = np.linalg.qr(rows[ends[h] - n_groups[h] : ends[h]], mode="r")
            pieces.append(factor)
            piece_strata.append(np.full(len(factor), h))
        return Strata(weight, n_groups, np.vstack(pieces), np.concatenate(piece_strata))


def compress(
    rows: Rows,
    *,
    weights: np.ndarray | None = None,
    codes: np.ndarray | None = None,
    n_groups: int = 1,
    centre: bool = True,
) -> Compressed:
    """Compress rows exactly, in two passes over them.

    Parameters
    ----------
    rows : Rows
        Predictors and response, no intercept column.
    weights : numpy.ndarray, shape (N,), optional
        Known precision weights w_i > 0; 1 where not given.
    codes : numpy.ndarray of int, shape (N,), optional
        Group of each row, 0 to n_groups - 1; one group where not given.
    n_groups : int
        J; each group must have a row. With 0 nothing is centred: a regression without intercept.
    centre : bool
        Whether to subtract the column means first; False only makes sense without groups.

    Returns
    -------
    Compressed
    """
    n = rows.n_rows
    log_weights = 0.0 if weights is None else float(np.log(weights).sum())
    # Everything is relative to the first row, so that neither large means nor constant columns are rounded.
    first = next(rows.blocks(1))[1][0].copy()
    sums, squares, group_sums, group_weights = _sums(rows, first, weights, codes, n_groups)
    shift = sums / n
    mean = first + shift
    variance = np.maximum(squares - n * shift**2, 0.0) / max(n - 1, 1)
    origin = mean if centre else np.zeros(rows.n_columns)
    if n_groups == 0:
        factor = _triangular_factor(rows, origin, None, None, weights)
        means = np.empty((0, rows.n_columns))
    else:
        group_means = group_sums / group_weights[:, None]
        factor = _triangular_factor(rows, first, codes, group_means, weights)
        means = group_means - (origin - first)
    return Compressed(n, mean, np.sqrt(variance), log_weights, origin, factor, group_weights, means)


def _sums(
    rows: Rows, first: np.ndarray, weights: np.ndarray | None, codes: np.ndarray | None, n_groups: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Add up [X y] - first: sums, sums of squares, weighted sums per group (J, K + 1) and group weights (J,)."""
    width = rows.n_columns
    sums, squares = np.zeros(width), np.zeros(width)
    group_sums, group_weights = np.zeros((n_groups, width)), np.zeros(n_groups)
    # A block has about as many rows as there are groups, so that adding up the groups costs no more than the rows.
    for part, block in rows.blocks(min(max(BLOCK_ROWS, n_groups), MAX_BLOCK_VALUES // width)):
        block -= first
        sums += np.ones(len(block)) @ block
        squares += np.einsum("ij,ij->j", block, block)
        if n_groups == 0:
            continue
        w = None if weights is None else weights[part]
        if w is not None:
            block *= w[:, None]
        if codes is None:
            group_weights[0] += len(block) if w is None else w.sum()
            group_sums[0] += np.ones(len(block)) @ block
            continue
        mine = codes[part]
        group_weights += np.bincount(mine, weights=w, minlength=n_groups)
        for k in range(width):
            group_sums[:, k] += np.bincount(mine, weights=block[:, k], minlength=n_groups)
    return sums, squares, group_sums, group_weights


def _triangular_factor(
    rows: Rows,
    origin: np.ndarray,
    codes: np.ndarray | None,
    means: np.ndarray | None,
    weights: np.ndarray | None,
) -> np.ndarray:
    """Upper triangular factor of the weighted, centred [X y], shape (K + 1, K + 1)."""
    width = rows.n_columns
    # The factor so far stands above each new block, and the QR of both is the next one.
    stacked = np.zeros((width + max(BLOCK_ROWS, 2 * width), width))
    for part, block in rows.blocks(len(stacked) - width):
        below = stacked[width : width + len(block)]
        np.subtract(block, origin, out=below)
        if means is not None:
            below -= means[0] if codes is None else np.take(means, codes[part], axis=0)
        if weights is not None:
            below *= np.sqrt(weights[part])[:, None]
        stacked[:width] = np.linalg.qr(stacked[: width + len(block)], mode="r")
    return stacked[:width].copy()
