"""Groups that the rows tell the same about: of equal Z'Z."""

from dataclasses import dataclass

import numpy as np

__all__ = ["Strata", "strata_of"]

DIGITS = 12
"""Significant digits in which triangular factors agree that are taken as equal."""


@dataclass(frozen=True)
class Strata:
    """Groups of equal triangular factors.

    Attributes
    ----------
    R : numpy.ndarray, shape (H, q, q)
    n_groups : numpy.ndarray of int, shape (H,)
    stratum : numpy.ndarray of int, shape (J,)
        That of each group.
    """

    R: np.ndarray
    n_groups: np.ndarray
    stratum: np.ndarray


def strata_of(R: np.ndarray) -> Strata:
    """Bring groups of equal factors together.

    Each column is compared relative to its length in the group, and the lengths to a number of digits, so that neither
    the units of a column nor the weight of a group matters.

    Parameters
    ----------
    R : numpy.ndarray, shape (J, q, q)
        Upper triangular.
    """
    n_groups, q, _ = R.shape
    length = np.sqrt(np.square(R).sum(axis=1))
    relative = np.divide(R, length[:, None, :], out=np.zeros(R.shape), where=length[:, None, :] > 0)
    mantissa, exponent = np.frexp(length)
    keys = [np.ldexp(np.round(mantissa[:, k], DIGITS), exponent[:, k]) for k in range(q)]
    keys += [np.round(relative[:, k, column], DIGITS) for column in range(1, q) for k in range(column + 1)]
    stratum = np.zeros(n_groups, dtype=np.intp)
    first, counts = np.zeros(1, dtype=np.intp), np.array([n_groups])
    for key in keys:
        if len(counts) == n_groups:
            break
        values, codes = np.unique(key, return_inverse=True)
        if len(values) == 1:
            continue
        _, first, stratum, counts = np.unique(
            stratum * len(values) + codes, return_index=True, return_inverse=True, return_counts=True
        )
    return Strata(R[first], counts, stratum)
