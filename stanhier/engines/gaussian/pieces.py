"""Rows to pieces, and pieces to one piece: the arithmetic of the compression.

A piece holds all that a Gaussian likelihood sees of some rows: their moments, the triangular factor of the
group-centred rows (never X'X, which squares the condition number), and the group means. Pieces merge exactly, in any
order: factors are stacked and factorised again, and a group that occurs in both adds one row to them.

References
----------
Chan, Golub & LeVeque (1983), Algorithms for computing the sample variance, doi:10.1080/00031305.1983.10483115.
Golub & Van Loan (2013), Matrix Computations, section 6.5 (updating a QR factorisation).
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pandas as pd

from stanhier.design.blocks import MAX_BLOCK_VALUES, Rows
from stanhier.design.moments import Moments
from stanhier.engines.triangular import triangular_factor

__all__ = ["Piece", "merge", "piece_of"]

BLOCK_ROWS = 1 << 13


@dataclass(frozen=True)
class Piece:
    """What a Gaussian likelihood sees of some rows.

    Attributes
    ----------
    moments : Moments
        Unweighted, of [x_1 .. x_K, y].
    log_weights : float
        Sum over rows of log w_i.
    factor : numpy.ndarray, shape (K + 1, K + 1)
        Upper triangular factor of the weighted, group-centred [X y]; without groups nothing is centred.
    labels : pandas.Index, length J
        The groups.
    weights : numpy.ndarray, shape (J,)
        Sum of w in each group.
    means : numpy.ndarray, shape (J, K + 1)
        Weighted group means of [X y], relative to the reference of the moments.
    """

    moments: Moments
    log_weights: float
    factor: np.ndarray
    labels: pd.Index
    weights: np.ndarray
    means: np.ndarray


def piece_of(
    rows: Rows,
    *,
    weights: np.ndarray | None = None,
    codes: np.ndarray | None = None,
    labels: pd.Index | None = None,
    n_groups: int = 1,
) -> Piece:
    """Compress rows into one piece, in two passes over them.

    Parameters
    ----------
    rows : Rows
        Predictors and response, no intercept column; at least one.
    weights : numpy.ndarray, shape (N,), optional
        Known precision weights w_i > 0; 1 where not given.
    codes : numpy.ndarray of int, shape (N,), optional
        Group of each row, 0 to n_groups - 1; one group where not given.
    labels : pandas.Index, length n_groups, optional
        By which groups are known when pieces merge; their codes where not given.
    n_groups : int
        J; each group must have a row. With 0 nothing is centred: a regression without intercept.

    Returns
    -------
    Piece
    """
    n = rows.n_rows
    reference = next(rows.blocks(1))[1][0].copy()
    sums, squares, group_sums, group_weights = _sums(rows, reference, weights, codes, n_groups)
    mean = sums / n
    group_means = group_sums / group_weights[:, None]
    centred = _centred(rows, reference if n_groups > 0 else None, codes, group_means, weights)
    return Piece(
        moments=Moments(n, reference, mean, np.maximum(squares - n * mean**2, 0.0)),
        log_weights=0.0 if weights is None else float(np.log(weights).sum()),
        factor=triangular_factor(centred, rows.n_columns),
        labels=pd.RangeIndex(n_groups) if labels is None else labels,
        weights=group_weights,
        means=group_means,
    )


def merge(a: Piece, b: Piece) -> Piece:
    """Merge two pieces exactly; the groups of `a` come first.

    Parameters
    ----------
    a, b : Piece
        Of the same columns.

    Returns
    -------
    Piece
        That of the rows of both.
    """
    n_first = len(a.labels)
    mine: slice | np.ndarray
    if a.labels.equals(b.labels):
        labels, mine = a.labels, slice(None)
    else:
        codes, labels = pd.factorize(a.labels.append(b.labels))
        mine = codes[n_first:]
    weights, means = np.zeros(len(labels)), np.zeros((len(labels), len(a.factor)), order="F")
    weights[:n_first], means[:n_first] = a.weights, a.means
    before = weights[mine].copy()
    total = before + b.weights
    difference = b.means + (b.moments.reference - a.moments.reference) - means[mine]
    weights[mine] = total
    means[mine] += (b.weights / total)[:, None] * difference
    shared = before > 0
    between = np.sqrt(before * b.weights / total)[shared, None] * difference[shared]
    return Piece(
        moments=a.moments.merge(b.moments),
        log_weights=a.log_weights + b.log_weights,
        factor=triangular_factor((a.factor, b.factor, between), len(a.factor)),
        labels=pd.Index(labels),
        weights=weights,
        means=means,
    )


def _sums(
    rows: Rows, reference: np.ndarray, weights: np.ndarray | None, codes: np.ndarray | None, n_groups: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Add up [X y] - reference: sums, sums of squares, weighted sums per group (J, K + 1) and group weights (J,)."""
    width = rows.n_columns
    sums, squares = np.zeros(width), np.zeros(width)
    group_sums, group_weights = np.zeros((width, n_groups)), np.zeros(n_groups)
    # A block has about as many rows as there are groups, so that adding up the groups costs no more than the rows.
    size = min(max(BLOCK_ROWS, n_groups), MAX_BLOCK_VALUES // width, rows.n_rows)
    for part, block in rows.blocks(size):
        block -= reference
        sums += np.einsum("ij->j", block)
        squares += np.einsum("ij,ij->j", block, block)
        if n_groups == 0:
            continue
        w = None if weights is None else weights[part]
        if w is not None:
            block *= w[:, None]
        if codes is None:
            group_weights[0] += len(block) if w is None else w.sum()
            group_sums[:, 0] += np.einsum("ij->j", block)
            continue
        mine = codes[part]
        group_weights += np.bincount(mine, weights=w, minlength=n_groups)
        for k in range(width):
            group_sums[k] += np.bincount(mine, weights=block[:, k], minlength=n_groups)
    return sums, squares, group_sums.T, group_weights


def _centred(
    rows: Rows, reference: np.ndarray | None, codes: np.ndarray | None, means: np.ndarray, weights: np.ndarray | None
) -> Iterator[np.ndarray]:
    """Give the weighted rows minus reference and group means, block by block."""
    size = min(BLOCK_ROWS, rows.n_rows)
    for part, block in rows.blocks(size):
        if reference is not None:
            block -= reference
            if codes is None:
                block -= means[0]
            else:
                mine = codes[part]
                for k, column in enumerate(means.T):
                    block[:, k] -= column.take(mine)
        if weights is not None:
            block *= np.sqrt(weights[part])[:, None]
        yield block
