"""Missing values: those of all columns are counted before any are refused, in one message; or their rows left out."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

import numpy as np
import pandas as pd

from stanhier.basics.errors import DataError, StanhierError
from stanhier.basics.warned import MissingWarning, warn
from stanhier.basics.words import quoted, some_of
from stanhier.data.libraries import Library

__all__ = [
    "DROP_LEAVES_OUT",
    "LeftOut",
    "checked_missing",
    "complete_rows",
    "missing_in",
    "missing_values",
    "n_missing",
    "refuse_missing",
    "rows_without",
    "warn_of_left_out",
]

DROP_LEAVES_OUT = ' With missing="drop" these rows are left out.'
"""What a model's message adds."""


@dataclass(frozen=True)
class LeftOut:
    """Rows that a model leaves out for their missing values.

    Attributes
    ----------
    n_rows : int
        Rows that there were.
    n_left_out : int
    counts : mapping of int by column
        How many rows miss a value of each column; a row may miss several.
    """

    n_rows: int = 0
    n_left_out: int = 0
    counts: Mapping[str, int] = field(default_factory=dict)

    def merge(self, others: Iterable["LeftOut"]) -> "LeftOut":
        """Give the counts of these rows and others together."""
        n_rows, n_left_out, counts = self.n_rows, self.n_left_out, dict(self.counts)
        for other in others:
            n_rows, n_left_out = n_rows + other.n_rows, n_left_out + other.n_left_out
            for name, count in other.counts.items():
                counts[name] = counts.get(name, 0) + count
        return LeftOut(n_rows, n_left_out, counts)

    def __str__(self) -> str:
        named = some_of([f"{_named(name)} {count:,}" for name, count in self.counts.items()], 20)
        rows, are = "row" if self.n_rows == 1 else "rows", "is" if self.n_left_out == 1 else "are"
        return f"{self.n_left_out:,} of {self.n_rows:,} {rows} {are} left out for missing values: {named}"


def checked_missing(missing: Any, other: str) -> bool:
    """Tell whether missing values are taken, which is the other choice than "error".

    Raises
    ------
    StanhierError
        If the argument is neither.
    """
    if not isinstance(missing, str) or missing not in ("error", other):
        raise StanhierError(f'`missing` must be "error" or "{other}"; it is {quoted(missing)}.')
    return missing == other


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
    return int(_is_missing(column).sum())


def _is_missing(column: pd.Series) -> np.ndarray:
    try:
        return np.asarray(column.isna(), dtype=bool)
    except ArithmeticError:  # a decimal that signals when it is looked at
        return np.array([isinstance(value, Decimal) and value.is_nan() for value in column], dtype=bool)


def missing_values(counts: Mapping[str, int], n_rows: int, remedy: str, further: str = "") -> DataError:
    """Give the error that names all columns with missing values, and how many each has.

    Parameters
    ----------
    counts : mapping of int by column
        At least one.
    n_rows : int
    remedy : str
        What leaves out the rows, in the words of the library that holds them; empty where no column of theirs misses
        anything.
    further : str
        What else there is to say, after a blank.
    """
    (first, count), *others = counts.items()
    rows = f"{n_rows} {'row' if n_rows == 1 else 'rows'}"
    if others:
        listed = ", ".join(f"{_named(name)} {count}" for name, count in counts.items())
        what = f"Columns have missing values in {rows}: {listed}"
    else:
        column = "" if first.startswith("`") else "Column "
        what = f"{column}{_named(first)} has {count} missing {'value' if count == 1 else 'values'} in {rows}"
    drop = f"drop those rows with {remedy}" if remedy else "leave those rows out of `data` too"
    return DataError(f"{what}; {drop} or fill them in.{further}")


def _named(name: str) -> str:
    return name if name.startswith("`") else f"'{name}'"


def missing_in(
    frame: pd.DataFrame, names: Sequence[str], beside: Mapping[str, pd.Series] | None = None
) -> tuple[np.ndarray, dict[str, int]]:
    """Find the rows with missing values in any of some columns; those that are absent are not looked at.

    Parameters
    ----------
    frame : pandas.DataFrame
    names : sequence of str
    beside : mapping of pandas.Series, optional
        Values of arguments that came as arrays, by argument.

    Returns
    -------
    rows : numpy.ndarray of bool, shape (N,)
    counts : dict of int by column, in backticks by argument
    """
    columns = {name: frame[name] for name in dict.fromkeys(names) if name in frame.columns}
    columns |= {f"`{argument}`": column for argument, column in (beside or {}).items()}
    counts = {name: count for name, column in columns.items() if (count := n_missing(column))}
    rows = np.zeros(len(frame), dtype=bool)
    for name in counts:
        rows |= _is_missing(columns[name])
    return rows, counts


def rows_without(frame: pd.DataFrame, names: Sequence[str]) -> np.ndarray:
    """Give the positions of the rows in which any of some columns is missing."""
    return np.flatnonzero(missing_in(frame, names)[0])


def refuse_missing(
    frame: pd.DataFrame,
    names: Sequence[str],
    library: Library,
    *,
    beside: Mapping[str, pd.Series] | None = None,
    further: str = "",
    labels: Collection[str] = (),
    of_labels: str = "",
) -> None:
    """Refuse missing values in any of some columns; those that are absent are not looked at.

    Parameters
    ----------
    frame, names, beside
        As `missing_in` takes them.
    library : Library
        What holds the user's data.
    further : str
        What else there is to say, after a blank.
    labels : collection of str
        Columns of which there is more to say,
    of_labels : str
        which is this, after a blank.

    Raises
    ------
    DataError
        Naming each of the columns, with its count.
    """
    counts = missing_in(frame, names, beside)[1]
    if counts:
        columns = [name for name in counts if name in frame.columns]
        floats = {name for name in columns if frame[name].dtype.kind == "f"}
        remedy = library.without_missing(columns, floats) if columns else ""
        said = further if counts.keys().isdisjoint(labels) else further + of_labels
        raise missing_values(counts, len(frame), remedy, said)


def complete_rows(
    frame: pd.DataFrame, names: Sequence[str], beside: Mapping[str, pd.Series] | None = None
) -> tuple[np.ndarray, LeftOut]:
    """Find the rows without missing values, and count the others.

    Parameters
    ----------
    frame, names, beside
        As `missing_in` takes them.

    Returns
    -------
    rows : numpy.ndarray of bool, shape (N,)
    left_out : LeftOut
    """
    rows, counts = missing_in(frame, names, beside)
    return ~rows, LeftOut(len(frame), int(rows.sum()), counts)


def warn_of_left_out(left_out: LeftOut | None) -> None:
    """Say how many rows are left out, and why, if any are.

    Warns
    -----
    MissingWarning
    """
    if left_out is None:
        return
    advice = ""
    if 2 * left_out.n_left_out > left_out.n_rows and len(left_out.counts) > 1:
        most = max(left_out.counts, key=lambda name: left_out.counts[name])
        advice = f" That is most of them: leave columns out of the model, {_named(most)} first, or fill them in."
    warn(f"{left_out}.{advice}", MissingWarning)
