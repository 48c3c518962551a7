"""Known standard errors: a column of the data, or an array beside them."""

from typing import Any

import numpy as np
import pandas as pd

from stanhier.basics.errors import DataError
from stanhier.basics.magnitudes import LARGEST, SMALLEST
from stanhier.data.frames import as_column
from stanhier.data.kinds import as_predictor, is_categorical
from stanhier.data.row_numbers import column_numbers

__all__ = ["error_array", "error_series", "positive_numbers"]


def positive_numbers(frame: pd.DataFrame, name: str) -> np.ndarray:
    """Give a column of positive finite numbers as floats, shape (N,).

    Raises
    ------
    DataError
        If it is absent, not numeric, has missing values or values that are not positive and finite.
    """
    return _positive(column_numbers(frame, name), f"Column '{name}'")


def error_series(values: Any, n_rows: int) -> pd.Series:
    """Give standard errors that came as an array as a column; what they are is not looked at yet.

    Raises
    ------
    DataError
        If they cannot be a column, or are of another number than the rows.
    """
    column = as_column("se", values)
    if len(column) != n_rows:
        raise DataError(f"`se` has {len(column)} values, but `data` has {n_rows} rows.")
    return column


def error_array(values: Any, n_rows: int) -> np.ndarray:
    """Give standard errors that came as an array as floats, shape (N,).

    Raises
    ------
    DataError
        If they are no numbers, of another number than the rows, or not positive and finite.
    """
    column = error_series(values, n_rows)
    missing = np.flatnonzero(column.isna())
    if len(missing):
        raise DataError(
            f"`se`: standard errors must be known; {len(missing)} are missing, the first in row {missing[0]}."
        )
    numeric = as_predictor(column, "se", numeric=True)
    if is_categorical(numeric):
        raise DataError("`se` must be a column name or an array of numbers.")
    return _positive(numeric.to_numpy(dtype=float), "`se`")


def _positive(values: np.ndarray, what: str) -> np.ndarray:
    bad = ~((values >= SMALLEST) & (values <= LARGEST))
    if bad.any():
        row = int(np.flatnonzero(bad)[0])
        raise DataError(
            f"{what}: standard errors must be positive and finite, between {SMALLEST:g} and {LARGEST:g}; "
            f"{int(bad.sum())} are not, the first in row {row} (value {values[row]:g})."
        )
    return values
