"""The first columns of rows taken out of the others, group by group: part of a QR factorisation of every group at once.

Modified Gram-Schmidt needs nothing but sums over groups, so that rows may come in any order and groups be of any size,
and there is no loop over groups. Triangular factors so made are as accurate as those of Householder's reflections.

References
----------
Bjorck (1967), Solving linear least squares problems by Gram-Schmidt orthogonalization, doi:10.1007/BF01934122.
Bjorck & Paige (1992), Loss and recapture of orthogonality in the modified Gram-Schmidt algorithm,
doi:10.1137/0613015.
"""

from collections.abc import Callable, Iterator

import numpy as np

from stanhier.engines.triangular import triangular_factor

__all__ = ["Blocks", "eliminate", "eliminate_stacked"]

Blocks = Callable[[], Iterator[tuple[slice, np.ndarray, np.ndarray]]]
"""Gives, as often as called, blocks of rows: the groups that occur, the code of each row among these, and the columns,
shape (rows, width), which may be overwritten and had better be contiguous."""

NEGLIGIBLE = 1e-14
"""What is left of a column in a group, relative to the whole, that is rounding and no direction of its own."""

STACKED_VALUES = 1 << 21


def eliminate(blocks: Blocks, n_groups: int, n_first: int, width: int) -> tuple[np.ndarray, np.ndarray]:
    """Factorise each group's rows as far as the first columns, and all that is left of the others together.

    Parameters
    ----------
    blocks : callable
    n_groups : int
        J.
    n_first : int
        Columns to be eliminated, q.
    width : int
        All columns, C.

    Returns
    -------
    rows : numpy.ndarray, shape (J, q, C)
        The first rows of each group's triangular factor; the diagonal is at least 0. A row is 0 where a group's column
        depends on those before.
    rest : numpy.ndarray, shape (C - q, C - q)
        Triangular factor of what is left of the other columns in all groups.
    """
    rows = np.zeros((n_first, width, n_groups))
    for k in range(n_first):
        for groups, codes, columns in blocks():
            _project(rows[:k, :, groups], codes, columns)
            size = groups.stop - groups.start
            for column in range(k, width):
                products = columns[:, k] * columns[:, column]
                rows[k, column, groups] += np.bincount(codes, weights=products, minlength=size)
        _normalise(rows[: k + 1, k], rows[k])

    def left() -> Iterator[np.ndarray]:
        for groups, codes, columns in blocks():
            _project(rows[:, :, groups], codes, columns)
            yield columns[:, n_first:]

    return rows.transpose(2, 0, 1), triangular_factor(left(), width - n_first)


def _normalise(column: np.ndarray, products: np.ndarray) -> None:
    """Divide products with a direction, shape (C, J), by its length; 0 where it is none.

    `column` holds what the directions up to this one explain of its own column; the last is the square of the rest.
    """
    length = np.sqrt(column[-1])
    whole = np.sqrt(np.square(column[:-1]).sum(axis=0) + column[-1])
    kept = length > NEGLIGIBLE * whole
    products *= np.divide(1.0, length, out=np.zeros_like(length), where=kept)


def _project(rows: np.ndarray, codes: np.ndarray, columns: np.ndarray) -> None:
    """Take the directions that are known, rows of shape (k, C, groups), out of the columns after them."""
    for k, row in enumerate(rows):
        pivot = row[k]
        slopes = np.divide(row[k + 1 :], pivot, out=np.zeros_like(row[k + 1 :]), where=pivot > 0)
        for column, slope in enumerate(slopes, start=k + 1):
            columns[:, column] -= columns[:, k] * slope.take(codes)


def eliminate_stacked(stacked: np.ndarray, n_first: int) -> tuple[np.ndarray, np.ndarray]:
    """Do as `eliminate` does with a few rows of each group.

    Parameters
    ----------
    stacked : numpy.ndarray, shape (J, r, C)
        Is overwritten.
    n_first : int

    Returns
    -------
    rows, rest : numpy.ndarray
    """
    n_groups, n_rows, width = stacked.shape
    rows = np.zeros((n_first, width, n_groups))
    step = max(1, STACKED_VALUES // (n_rows * width))

    def left() -> Iterator[np.ndarray]:
        for start in range(0, n_groups, step):
            part = slice(start, start + step)
            mine = stacked[part]
            for k in range(n_first):
                rows[k, k:, part] = np.einsum("gr,grc->cg", mine[:, :, k], mine[:, :, k:])
                _normalise(rows[: k + 1, k, part], rows[k, :, part])
                row = rows[k, :, part]
                slopes = np.divide(row[k + 1 :], row[k], out=np.zeros_like(row[k + 1 :]), where=row[k] > 0)
                mine[:, :, k + 1 :] -= mine[:, :, k, None] * slopes.T[:, None, :]
            yield mine[:, :, n_first:].reshape(-1, width - n_first)

    rest = triangular_factor(left(), width - n_first)
    return rows.transpose(2, 0, 1), rest
