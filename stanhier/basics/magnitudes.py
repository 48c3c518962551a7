"""Numbers that double precision, or Stan as an integer, cannot hold: refused instead of overflowing on the way."""

from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np

from stanhier.basics.errors import DataError
from stanhier.basics.words import quoted

__all__ = ["LARGEST", "MOST_COUNTED", "SMALLEST", "in_double_precision"]

LARGEST = 1e100
"""Larger numbers in data and priors are refused: their squares leave no room for sums and ratios."""

SMALLEST = 1e-100
"""Smaller scales are refused, for the same reason."""

MOST_COUNTED = 2**31 - 1
"""The largest integer that Stan has."""


@contextmanager
def in_double_precision(formula: str) -> Iterator[None]:
    """Calculate, and refuse a model where the result overflows.

    Parameters
    ----------
    formula : str
        For the message.

    Raises
    ------
    DataError
        If a number is too large for double precision.
    """
    try:
        with np.errstate(over="raise", divide="raise", invalid="raise"):
            yield
    except (ArithmeticError, np.linalg.LinAlgError) as err:
        raise DataError(
            f"{quoted(formula)}: the numbers in data, priors and known standard deviations are too far apart in size "
            "to be calculated with in double precision; give columns other units, or priors on their scale."
        ) from err
