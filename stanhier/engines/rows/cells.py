"""Rows as the likelihood needs them: those alike in all but the response merged to one, where that loses nothing.

The likelihood of Bernoulli, binomial and Poisson responses depends on rows of the same linear predictor through sums,
that of Gaussian ones through their mean, the sum of their weights and squares around the mean.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from stanhier.engines.rows.likelihood import GAUSSIAN, NEGATIVE_BINOMIAL, POISSON, STUDENT

__all__ = ["Cells", "like_rows", "merged"]


@dataclass(frozen=True)
class Cells:
    """Rows, or cells of rows, sorted by the factor of most levels.

    Attributes
    ----------
    family : int
        Code of family and link.
    X : numpy.ndarray, shape (M, P)
        What the location is multiplied by, a column of ones first where there is an intercept.
    Z : tuple of numpy.ndarray, shape (M, q)
        Of each factor: what the effects are multiplied by.
    codes : tuple of numpy.ndarray of int, shape (M,)
        Of each factor: the level.
    y, n, offset : numpy.ndarray, shape (M,)
        As `derivatives` takes them; the offset is part of the linear predictor.
    n_rows : int
        Number of rows that were merged.
    squares : float
        Gaussian: sum of squares of rows around the means of their cells, with their weights.
    nu : float or None
        Student t: the degrees of freedom, where they are no parameter.
    """

    family: int
    X: np.ndarray
    Z: tuple[np.ndarray, ...]
    codes: tuple[np.ndarray, ...]
    y: np.ndarray
    n: np.ndarray
    offset: np.ndarray
    n_rows: int
    squares: float
    nu: float | None = None

    @property
    def starting_nu(self) -> tuple[float, ...]:
        """Where the search for the degrees of freedom of Student t responses begins; nothing where they are fixed."""
        return (8.0,) if self.nu is None else ()

    def auxiliary(self, estimated: np.ndarray) -> np.ndarray:
        """Give all auxiliary parameters from those that are estimated."""
        return estimated if self.nu is None else np.append(estimated, self.nu)

    @property
    def n_cells(self) -> int:
        """M."""
        return len(self.y)

    @cached_property
    def counted(self) -> tuple[np.ndarray, np.ndarray]:
        """The values of y that occur, sorted, and how often."""
        values, often = np.unique(self.y, return_counts=True)
        return values, often

    @cached_property
    def constants(self) -> tuple[np.ndarray, ...]:
        """Of each factor which effects are multiplied by 1, shape (q,)."""
        return tuple((Z == 1.0).all(axis=0) for Z in self.Z)


def merged(
    family: int,
    X: np.ndarray,
    Z: Sequence[np.ndarray],
    codes: Sequence[np.ndarray],
    y: np.ndarray,
    *,
    largest: int,
    n: np.ndarray | None = None,
    offset: np.ndarray | None = None,
) -> Cells:
    """Sort rows and merge them where the family allows.

    Parameters
    ----------
    family : int
    X : numpy.ndarray, shape (N, P)
    Z : sequence of numpy.ndarray, shape (N, q)
    codes : sequence of numpy.ndarray of int, shape (N,)
    y : numpy.ndarray, shape (N,)
    largest : int
        The factor by which the rows are to be sorted; -1 where there are none.
    n : numpy.ndarray, shape (N,), optional
        Gaussian: weights. Binomial: trials. 1 where not given.
    offset : numpy.ndarray, shape (N,), optional
    """
    n = np.ones(len(y)) if n is None else n
    offset = np.zeros(len(y)) if offset is None else offset
    if family == POISSON:  # the mean is exposure times exp(the rest)
        n, offset = n * np.exp(offset), np.zeros(len(y))
    ordered_codes = [codes[t] for t in sorted(range(len(codes)), key=lambda t: t != largest)]
    if family in (NEGATIVE_BINOMIAL, STUDENT):
        order, start = _order(len(y), ordered_codes), np.arange(len(y))
    else:
        order, start = like_rows([*X.T, *(z for block in Z for z in block.T), offset], ordered_codes)
    first = order[start]
    total, squares = n[order], 0.0
    if family == GAUSSIAN:
        y, total, squares = _means(y[order], total, start)
    else:
        y, total = (np.add.reduceat(column, start) for column in (y[order], total))
    return Cells(
        family=family,
        X=np.ascontiguousarray(X[first]),
        Z=tuple(np.ascontiguousarray(block[first]) for block in Z),
        codes=tuple(np.ascontiguousarray(code[first]) for code in codes),
        y=y,
        n=total,
        offset=offset[first],
        n_rows=len(order),
        squares=squares,
    )


def like_rows(columns: Sequence[np.ndarray], codes: Sequence[np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
    """Sort rows by their groups so that those alike in everything come together.

    Parameters
    ----------
    columns : sequence of numpy.ndarray, shape (N,)
        At least one.
    codes : sequence of numpy.ndarray of int, shape (N,)
        Groups; the first are what rows are sorted by first.

    Returns
    -------
    order : numpy.ndarray of int, shape (N,)
        It does not depend on the order in which different rows came.
    start : numpy.ndarray of int, shape (M,)
        Where each run of like rows begins in that order.
    """
    order = _order(len(columns[0]), codes, _mixed(columns))
    differs = np.zeros(len(order), dtype=bool)
    differs[:1] = True
    for column in (*codes, *columns):
        sorted_column = column[order]
        differs[1:] |= sorted_column[1:] != sorted_column[:-1]
    return order, np.flatnonzero(differs)


def _order(n_rows: int, codes: Sequence[np.ndarray], *last: np.ndarray) -> np.ndarray:
    """Sort rows by their groups, the first most, and by what else is given."""
    keys = [*last, *codes[::-1]]
    return np.lexsort(keys) if keys else np.arange(n_rows)


def _mixed(columns: Sequence[np.ndarray]) -> np.ndarray:
    """Give a number to each row, alike where all columns are: it brings like rows together when rows are sorted by it.

    Different rows may share one by accident: what is merged is decided by the columns.
    """
    mixed = np.zeros(len(columns[0]), dtype=np.uint64)
    for column in columns:
        bits = (np.asarray(column, dtype=float) + 0.0).view(np.uint64)  # -0 becomes 0
        mixed = (mixed ^ bits) * np.uint64(0x9E3779B97F4A7C15)
        mixed ^= mixed >> np.uint64(29)
    return mixed


def _means(y: np.ndarray, n: np.ndarray, start: np.ndarray) -> tuple[np.ndarray, np.ndarray, float]:
    """Give weighted means of runs of rows, their weights, and the sum of squares around the means."""
    total = np.add.reduceat(n, start)
    # Relative to a row of each run, so that a response far from 0 keeps its digits.
    size = np.diff(np.append(start, len(y)))
    relative = y - np.repeat(y[start], size)
    shift = np.add.reduceat(n * relative, start) / total
    squares = n @ (relative - np.repeat(shift, size)) ** 2
    return y[start] + shift, total, float(squares)
