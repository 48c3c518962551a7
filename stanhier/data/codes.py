"""Labels of groups as codes, in as few bytes as these need: 8 bytes for each of many rows are more than the data."""

import numpy as np
import pandas as pd

__all__ = ["codes_of", "codes_of_integers", "used_categories"]

_BLOCK_ROWS = 1 << 18


def codes_of(labels: pd.Series) -> tuple[np.ndarray, pd.Index]:
    """Code labels, whatever they are.

    Parameters
    ----------
    labels : pandas.Series, length N
        Without missing values; of categories all occur.

    Returns
    -------
    codes : numpy.ndarray of int, shape (N,)
        For each row the position of its level.
    levels : pandas.Index
        The labels that occur, sorted (categories in their own order).
    """
    if isinstance(labels.dtype, pd.CategoricalDtype):
        return labels.cat.codes.to_numpy(), pd.CategoricalIndex(labels.cat.categories, dtype=labels.dtype)
    return codes_of_integers(labels) or _codes_by_blocks(labels)


def used_categories(column: pd.Series) -> pd.Series:
    """Give a column of categories with those that occur; pandas sorts all rows for that."""
    codes = column.cat.codes.to_numpy()
    occurs = np.zeros(len(column.cat.categories) + 1, dtype=bool)  # the last is of missing values, whose code is -1
    for start in range(0, len(codes), _BLOCK_ROWS):
        occurs[codes[start : start + _BLOCK_ROWS]] = True
    return column if occurs[:-1].all() else column.cat.remove_unused_categories()


def _codes_by_blocks(labels: pd.Series) -> tuple[np.ndarray, pd.Index]:
    """Code labels block by block, so that there are never more than a block's codes of 8 bytes."""
    known, start = pd.Index([]), 0
    codes = np.empty(len(labels), dtype=np.int16)
    while start < len(labels):
        # Blocks grow with the labels, so that what these cost once for each block stays less than the rows.
        rows = slice(start, start + max(_BLOCK_ROWS, 2 * len(known)))
        local, found = pd.factorize(labels.iloc[rows])
        found = pd.Index(found)
        positions = known.get_indexer(found) if len(known) else np.full(len(found), -1)
        new = positions < 0
        if new.any():
            positions[new] = len(known) + np.arange(new.sum())
            known = pd.Index(known.append(found[new]), dtype=found.dtype) if len(known) else found
            codes = codes.astype(np.promote_types(codes.dtype, np.min_scalar_type(-len(known) - 1)), copy=False)
        codes[rows] = positions[local]
        start = rows.stop
    order, levels = pd.factorize(known, sort=True)
    order = order.astype(np.min_scalar_type(-len(known) - 1))
    codes = codes.astype(order.dtype, copy=False)
    for start in range(0, len(codes), _BLOCK_ROWS):
        codes[start : start + _BLOCK_ROWS] = order[codes[start : start + _BLOCK_ROWS]]
    return codes, pd.Index(levels)


def codes_of_integers(labels: pd.Series) -> tuple[np.ndarray, pd.Index] | None:
    """Code labels that are numbers close together; hashing is most of the work of coding any others.

    Parameters
    ----------
    labels : pandas.Series, length N

    Returns
    -------
    codes : numpy.ndarray of int, shape (N,)
        For each row the position of its level.
    levels : pandas.Index
        The labels that occur, sorted.

        Or None, if the labels are not integers or further apart than there are rows.
    """
    if not isinstance(labels.dtype, np.dtype) or labels.dtype.kind != "i" or len(labels) == 0:
        return None
    values = labels.to_numpy()
    lowest, highest = int(values.min()), int(values.max())
    if highest - lowest >= len(values):
        return None
    blocks = [slice(start, start + _BLOCK_ROWS) for start in range(0, len(values), _BLOCK_ROWS)]
    occurs = np.zeros(highest - lowest + 1, dtype=bool)
    for rows in blocks:
        occurs[values[rows].astype(np.int64) - lowest] = True
    n_levels = int(occurs.sum())
    # Room for J + 1: code + 1 is a position that counts from one.
    positions = (np.cumsum(occurs) - 1).astype(np.min_scalar_type(-n_levels - 1))
    codes = np.empty(len(values), dtype=positions.dtype)
    for rows in blocks:
        codes[rows] = positions[values[rows].astype(np.int64) - lowest]
    return codes, pd.Index(np.flatnonzero(occurs) + lowest, dtype=values.dtype)
