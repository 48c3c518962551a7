"""Rows to the exact small equivalent that Stan receives.

A Gaussian likelihood sees the rows only through weighted sums. Within groups these are kept as the triangular factor
of the group-centred data (never as X'X, which squares the condition number), between groups as the weighted group
means. Groups of equal weight share a variance, so within such a stratum the means compress once more.

References
----------
Bates & DebRoy (2004), Linear mixed models and penalized least squares, doi:10.1016/j.jmva.2004.04.013.
Golub & Van Loan (2013), Matrix Computations, section 6.5 (updating a QR factorisation).
"""

from dataclasses import dataclass

import numpy as np

__all__ = ["Compressed", "Strata", "compress"]

BLOCK_ROWS = 1 << 13


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
    log_weights: float
    origin: np.ndarray
    within: np.ndarray
    weights: np.ndarray
    means: np.ndarray

    @property
    def n_groups(self) -> int:
        """Number of groups, J."""
        return len(self.weights)

    def strata(self) -> Strata:
        """Compress the group means within each distinct group weight."""
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
    X: np.ndarray,
    y: np.ndarray,
    *,
    weights: np.ndarray | None = None,
    codes: np.ndarray | None = None,
    n_groups: int = 1,
    centre: bool = True,
) -> Compressed:
    """Compress rows exactly.

    Parameters
    ----------
    X : numpy.ndarray, shape (N, K)
        Predictors, no intercept column.
    y : numpy.ndarray, shape (N,)
        Response.
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
    n, k = X.shape
    log_weights = 0.0 if weights is None else float(np.log(weights).sum())
    origin = np.append(X.mean(axis=0), y.mean()) if centre else np.zeros(k + 1)
    if n_groups == 0:
        factor = _triangular_factor(X, y, origin, None, None, weights)
        return Compressed(n, log_weights, origin, factor, np.empty(0), np.empty((0, k + 1)))
    groups = np.zeros(n, dtype=np.intp) if codes is None else codes
    group_weights = np.bincount(groups, weights=weights, minlength=n_groups).astype(float)
    means = _group_sums(X, y, origin, groups, weights, n_groups) / group_weights[:, None]
    factor = _triangular_factor(X, y, origin, groups, means, weights)
    return Compressed(n, log_weights, origin, factor, group_weights, means)


def _blocks(n: int, size: int) -> list[slice]:
    return [slice(start, min(start + size, n)) for start in range(0, n, size)]


def _group_sums(
    X: np.ndarray, y: np.ndarray, origin: np.ndarray, codes: np.ndarray, w: np.ndarray | None, n_groups: int
) -> np.ndarray:
    """Weighted sums of [X y] - origin per group, shape (J, K + 1)."""
    sums = np.zeros((n_groups, len(origin)))
    # A block has more rows than there are groups, so that adding up the groups costs less than reading the rows.
    for rows in _blocks(len(y), max(4 * BLOCK_ROWS, n_groups)):
        for k, shift in enumerate(origin):
            column = (y[rows] if k == len(origin) - 1 else X[rows, k]) - shift
            if w is not None:
                column *= w[rows]
            sums[:, k] += np.bincount(codes[rows], weights=column, minlength=n_groups)
    return sums


def _triangular_factor(
    X: np.ndarray,
    y: np.ndarray,
    origin: np.ndarray,
    codes: np.ndarray | None,
    means: np.ndarray | None,
    weights: np.ndarray | None,
) -> np.ndarray:
    """Upper triangular factor of the weighted, centred [X y], shape (K + 1, K + 1)."""
    width = len(origin)
    # The factor so far stands above each new block, and the QR of both is the next one.
    stacked = np.zeros((width + BLOCK_ROWS, width))
    for rows in _blocks(len(y), BLOCK_ROWS):
        block = stacked[width : width + rows.stop - rows.start]
        np.subtract(X[rows], origin[:-1], out=block[:, :-1])
        np.subtract(y[rows], origin[-1], out=block[:, -1])
        if codes is not None and means is not None:
            block -= np.take(means, codes[rows], axis=0)
        if weights is not None:
            block *= np.sqrt(weights[rows])[:, None]
        stacked[:width] = np.linalg.qr(stacked[: width + len(block)], mode="r")
    return stacked[:width].copy()
