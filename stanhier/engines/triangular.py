"""Triangular factors of many rows that come block by block.

A factor has the cross-products of all rows, and is never made from these: that would square the condition number.

References
----------
Golub & Van Loan (2013), Matrix Computations, section 6.5 (updating a QR factorisation).
"""

from collections.abc import Iterable

import numpy as np

__all__ = ["triangular_factor"]

PANEL_VALUES = 1 << 12


def triangular_factor(blocks: Iterable[np.ndarray], width: int) -> np.ndarray:
    """Give the upper triangular factor of all rows of the blocks, shape (width, width).

    Parameters
    ----------
    blocks : iterable of numpy.ndarray, shape (rows, width)
    width : int
    """
    factor = np.zeros((width, width))
    for block in blocks:
        factor = np.linalg.qr(np.vstack([factor, _condensed(block)]), mode="r")
    return factor


def _condensed(rows: np.ndarray) -> np.ndarray:
    """Bring rows to a few with the same cross-products, by the factors of panels, and of these factors in turn.

    Panels that fit into the fastest cache are several times quicker than one tall matrix, and too small for the threads
    of BLAS, which on a busy machine wait for each other.
    """
    width = rows.shape[1]
    size = max(2 * width, PANEL_VALUES // width)
    while len(rows) > size:
        whole = len(rows) // size * size
        factors = np.linalg.qr(rows[:whole].reshape(-1, size, width), mode="r")
        rows = np.vstack([factors.reshape(-1, width), rows[whole:]])
    return rows
