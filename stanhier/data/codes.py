"""Whole numbers that are labels of groups, coded without hashing and in as few bytes as the codes need."""

import numpy as np
import pandas as pd

__all__ = ["codes_of_integers"]

_BLOCK_ROWS = 1 << 18


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
