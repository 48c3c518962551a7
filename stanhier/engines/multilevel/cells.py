"""Rows that belong to the same level of every term: cells.

Within a cell, every column that effects make is a column of the rows, so that a cell is as good as a group of one term.
"""

from collections.abc import Sequence

import numpy as np
import pandas as pd

__all__ = ["cells_of", "merged_cells", "united"]

TABLE_SIZE = 1 << 22
"""Combinations of levels that are looked up in a table at most, instead of being sorted."""


def cells_of(codes: Sequence[np.ndarray], n_levels: Sequence[int]) -> tuple[np.ndarray, np.ndarray]:
    """Give numbers to the cells that occur, in the order of their levels.

    Parameters
    ----------
    codes : sequence of numpy.ndarray of int, shape (N,)
        Of each term: the level of each row.
    n_levels : sequence of int

    Returns
    -------
    cell : numpy.ndarray of int, shape (N,)
        The cell of each row.
    levels : numpy.ndarray of int, shape (n_cells, T)
        The levels of each cell.
    """
    if len(codes) == 1:
        return np.asarray(codes[0], dtype=np.intp), np.arange(n_levels[0])[:, None]
    cell, known = np.asarray(codes[0], dtype=np.intp), np.arange(n_levels[0])[:, None]
    for code, size in zip(codes[1:], n_levels[1:], strict=True):
        # Term by term, so that the number of combinations stays far below the largest integer.
        cell, present = _numbered(cell * size + code, len(known) * size)
        known = np.column_stack([known[present // size], present % size])
    return cell, known


def _numbered(values: np.ndarray, bound: int) -> tuple[np.ndarray, np.ndarray]:
    """Give positions of integers below a bound among those that occur, and these, sorted."""
    if bound > TABLE_SIZE:
        present, position = np.unique(values, return_inverse=True)
        return position, present
    occurs = np.zeros(bound, dtype=bool)
    occurs[values] = True
    return (np.cumsum(occurs) - 1)[values], np.flatnonzero(occurs)


def united(a: pd.Index, b: pd.Index) -> tuple[pd.Index, np.ndarray]:
    """Give the labels of both, those of `a` first, and the position of each of `b` among them."""
    if a.equals(b):
        return a, np.arange(len(b))
    codes, labels = pd.factorize(a.append(b))
    return pd.Index(labels), codes[len(a) :]


def merged_cells(a: np.ndarray, b: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Find the cells of `b` among those of `a`.

    Parameters
    ----------
    a, b : numpy.ndarray of int, shape (cells, T)
        Levels of cells, numbered alike in both; no cell occurs twice in either.

    Returns
    -------
    cells : numpy.ndarray of int, shape (n_cells, T)
        Those of `a`, then those of `b` alone.
    position : numpy.ndarray of int, shape (len(b),)
        Of each of `b` among them.
    """
    both = np.vstack([a, b])
    key = both[:, 0]
    for level in both.T[1:]:
        key, _ = pd.factorize(key * (level.max() + 1) + level)
    key, uniques = pd.factorize(key)
    position = key[len(a) :]
    new = position >= len(a)
    cells = np.empty((len(uniques), a.shape[1]), dtype=both.dtype)
    cells[: len(a)], cells[position[new]] = a, b[new]
    return cells, position
