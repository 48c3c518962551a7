"""Sums of cross-products of the groups' rows, packed as the Stan program takes them.

A symmetric matrix is packed as the lower triangle, row by row. For each stratum and each pair (k, l), k >= l, of the q
rows of its groups there is the sum over groups of the product of row k and row l; for k > l that of both orders.
"""

from functools import cache

import numpy as np

from stanhier.basics.errors import DataError
from stanhier.engines.multilevel.strata import Strata

__all__ = ["check_size", "diagonal", "moments_of", "n_cross_products", "pack", "row_pairs", "unpack"]

FEW_COLUMNS = 20
MAX_VALUES = 10_000_000
"""Cross-products at most."""
BLOCK_VALUES = 1 << 20


def check_size(strata: Strata, width: int) -> None:
    """Refuse more cross-products than the Stan program should be given.

    Parameters
    ----------
    strata : Strata
    width : int
        C: effects of the other terms, location parameters and the response.

    Raises
    ------
    DataError
        With their number, and what to do.
    """
    n_strata, q = strata.R.shape[:2]
    n_values = n_cross_products(n_strata, q, width)
    if n_values > MAX_VALUES:
        raise DataError(
            f"The largest grouping factor has {n_strata:,} groups whose rows differ, with {q} effects each, beside "
            f"{width - 1:,} predictors and effects of the other factors: sums of {n_values:,} products, and at most "
            f"{MAX_VALUES:,} can be taken. Take fewer effects, or fewer factors, or merge levels."
        )


def n_cross_products(n_strata: int, q: int, width: int) -> int:
    """Count the cross-products of strata of groups with q effects each, of C columns."""
    return n_strata * (q * (q + 1) // 2) * (width * (width + 1) // 2)


def row_pairs(q: int) -> list[tuple[int, int]]:
    """Give the pairs (k, l), k >= l, in their order."""
    return [(k, l) for k in range(q) for l in range(k + 1)]  # noqa: E741


def pack(matrix: np.ndarray) -> np.ndarray:
    """Give the lower triangle of a matrix, row by row."""
    return np.asarray(matrix[_lower(len(matrix))])


def diagonal(size: int) -> np.ndarray:
    """Give the places of the diagonal in a lower triangle."""
    return np.cumsum(np.arange(1, size + 1)) - 1


@cache
def _lower(size: int) -> tuple[np.ndarray, np.ndarray]:
    return np.tril_indices(size)


def unpack(packed: np.ndarray, size: int) -> np.ndarray:
    """Give the symmetric matrix of a lower triangle."""
    matrix = np.zeros((size, size))
    rows, columns = _lower(size)
    matrix[rows, columns] = packed
    matrix[columns, rows] = packed
    return matrix


def moments_of(B: np.ndarray, strata: Strata) -> np.ndarray:
    """Add up the cross-products.

    Parameters
    ----------
    B : numpy.ndarray, shape (J, q, C)
    strata : Strata

    Returns
    -------
    numpy.ndarray, shape (C (C + 1) / 2, H q (q + 1) / 2)
        Pairs vary fastest in the columns.
    """
    _, q, width = B.shape
    pairs = row_pairs(q)
    order = np.argsort(strata.stratum, kind="stable")
    starts = np.cumsum(strata.n_groups) - strata.n_groups
    found = np.empty((len(strata.n_groups), len(pairs), width * (width + 1) // 2))
    if width > FEW_COLUMNS:
        for h, (start, size) in enumerate(zip(starts, strata.n_groups, strict=True)):
            mine = B[order[start : start + size]]
            for p, (k, m) in enumerate(pairs):
                product = mine[:, k].T @ mine[:, m]
                found[h, p] = pack(product if k == m else product + product.T)
        return found.reshape(-1, found.shape[2]).T
    rows, columns = np.tril_indices(width)
    step = max(1, BLOCK_VALUES // (len(rows) * len(pairs)))
    # Whole strata at a time, or else one.
    first = 0
    while first < len(starts):
        last = max(first + 1, int(np.searchsorted(starts, starts[first] + step, side="right")) - 1)
        end = len(order) if last == len(starts) else starts[last]
        mine = B[order[starts[first] : end]]
        offsets = starts[first:last] - starts[first]
        for p, (k, m) in enumerate(pairs):
            products = mine[:, k, rows] * mine[:, m, columns]
            if k != m:
                products += mine[:, m, rows] * mine[:, k, columns]
            found[first:last, p] = np.add.reduceat(products, offsets, axis=0)
        first = last
    return found.reshape(-1, found.shape[2]).T
