"""Missing values: those of all columns are counted before any are refused, in one message."""

from collections.abc import Collection, Mapping, Sequence
from decimal import Decimal

import numpy as np
import pandas as pd

from stanhier.basics.errors import DataError
from stanhier.data.libraries import Library

__all__ = ["missing_values", "n_missing", "refuse_missing", "rows_without"]


def n_missing(column: pd.Series) -> int:
    """Count the missing values of a column."""
    if isinstance(column.dtype, np.dtype):
        if column.dtype.kind in "iub":
            return 0
        # Most columns are floats without any: their sum shows it, and allocates nothing.
        if column.dtype.kind == "f":
            with np.errstate(over="ignore", invalid="ignore"):
                if np.isfinite(column.to_numpy().sum()):
                    return 0
    return int(_missing(column).sum())


def _missing(column: pd.Series) -> np.ndarray:
    try:
        return column.isna().to_numpy()
    except ArithmeticError:  # a decimal that signals when it is looked at
        return np.array([isinstance(value, Decimal) and value.is_nan() for value in column], dtype=bool)


def rows_without(frame: pd.DataFrame, names: Sequence[str]) -> np.ndarray:
    """Give the positions of the rows in which any of some columns is missing."""
    missing = np.zeros(len(frame), dtype=bool)
    for name in names:
        if n_missing(frame[name]):
            missing |= _missing(frame[name])
    return np.flatnonzero(missing)


def missing_values(counts: Mapping[str, int], n_rows: int, remedy: str, further: str = "") -> DataError:
    """Give the error that names all columns with missing values, and how many each has.

    Parameters
    ----------
    counts : mapping of int by column
        At least one.
    n_rows : int
    remedy : str
        What leaves out the rows, in the words of the library that holds them.
    further : str
        What else there is to say, after a blank.
    """
    (first, count), *others = counts.items()
    rows = f"{n_rows} {'row' if n_rows == 1 else 'rows'}"
    if others:
        listed = ", ".join(f"'{name}' {count}" for name, count in counts.items())
        what = f"Columns have missing values in {rows}: {listed}"
    else:
        what = f"Column '{first}' has {count} missing {'value' if count == 1 else 'values'} in {rows}"
    return DataError(f"{what}; drop those rows with {remedy} or fill them in.{further}")


def refuse_missing(
    frame: pd.DataFrame, names: Sequence[str], library: Library, *, labels: Collection[str] = (), further: str = ""
) -> None:
    """Refuse missing values in any of some columns; those that are absent are not looked at.

    Parameters
    ----------
    frame : pandas.DataFrame
    names : sequence of str
    library : Library
        What holds the user's data.
    labels : collection of str
        Columns of which there is more to say,
    further : str
        which is this, after a blank.

    Raises
    ------
    DataError
        Naming each of the columns, with its count.
    """
    counts = {name: n_missing(frame[name]) for name in dict.fromkeys(names) if name in frame.columns}
    counts = {name: count for name, count in counts.items() if count}
    if counts:
        floats = {name for name in counts if frame[name].dtype.kind == "f"}
        said = "" if counts.keys().isdisjoint(labels) else further
        raise missing_values(counts, len(frame), library.without_missing(list(counts), floats), said)
