"""Numbers that belong to rows and stand beside the formula, as columns or arrays.

They are offsets, numbers of trials, standard errors and weights.
"""

from collections.abc import Mapping, Sequence
from numbers import Integral, Real
from typing import Any

import numpy as np
import pandas as pd

from stanhier.basics.errors import DataError
from stanhier.basics.magnitudes import LARGEST, MOST_COUNTED, SMALLEST
from stanhier.basics.words import quoted
from stanhier.data.frames import as_column, require_columns
from stanhier.data.kinds import as_predictor, is_categorical, kind_of_predictor

__all__ = [
    "column_numbers",
    "given_column",
    "is_calculation",
    "is_positive",
    "refuse_calculation",
    "refuse_not_counts",
    "refuse_not_positive",
    "trials_constant",
]

_CALCULATED = {
    "offset": ("log_days", 'data["log_days"] = np.log(data["days"])'),
    "trials": ("trials", 'data["trials"] = data["yes"] + data["no"]'),
    "se": ("se", 'data["se"] = data["sd"] / np.sqrt(data["n"])'),
    "weights": ("w", 'data["w"] = 1 / data["variance"]'),
}
"""By argument, a column that may be calculated and how."""


def column_numbers(frame: pd.DataFrame, name: str) -> np.ndarray:
    """Give a column of finite numbers as floats, shape (N,).

    Raises
    ------
    DataError
        If it is absent, not numeric, or has missing or infinite values.
    """
    require_columns(frame, [name])
    column = as_predictor(frame[name], name, numeric=True)
    if is_categorical(column):
        raise DataError(f"Column '{name}' must be numeric; it is {kind_of_predictor(column)}.")
    return column.to_numpy(dtype=float)


def given_column(argument: str, given: Any, n_rows: int, index: pd.Index | None = None) -> pd.Series | None:
    """Give the values of an argument that came as an array, as a column; None where it names one or says nothing.

    What they are is not looked at yet.

    Parameters
    ----------
    argument : str
        Its name, for messages.
    given : str, array of shape (N,), or None
    n_rows : int
    index : pandas.Index, optional
        Labels of the rows, where the user's data have some.

    Raises
    ------
    DataError
        If they cannot be a column, are of another number than the rows, or have other labels.
    """
    if given is None or isinstance(given, str):
        return None
    if isinstance(given, bool | int | float | np.number):
        raise DataError(f"`{argument}` must be the name of a column or an array of a number for each row.")
    column = as_column(argument, given)
    if len(column) != n_rows:
        raise DataError(f"`{argument}` has {len(column)} values, but `data` has {n_rows} rows.")
    if index is not None and isinstance(given, pd.Series) and not given.index.equals(index):
        raise DataError(
            f"`{argument}` and `data` have different row labels, so their rows may not belong together; make it a "
            "column of `data`, or give an array with .to_numpy() if the order is right."
        )
    return column


def is_calculation(given: Any, known: Sequence[Any]) -> bool:
    """Tell whether a text is no name of a column, and looks like a calculation."""
    return isinstance(given, str) and given not in known and not set("()*/+").isdisjoint(given)


def refuse_calculation(argument: str, given: Any, known: Sequence[Any] | None) -> None:
    """Refuse a calculation in place of the name of a column.

    Parameters
    ----------
    argument : str
        Its name.
    given : object
    known : sequence or None
        Names of the columns; None if they are not known.

    Raises
    ------
    DataError
    """
    if known is not None and is_calculation(given, known):
        column, example = _CALCULATED.get(argument, _CALCULATED["weights"])
        raise DataError(
            f"`{argument}` is the name of a column, or values, and {quoted(given)} is neither; make a column of "
            f'it, {example} and {argument}="{column}", which new data can have too.'
        )


def trials_constant(given: Any) -> int | None:
    """Give the number of trials where it is one for all rows; None where it is not.

    Raises
    ------
    DataError
        If it is a number, but no whole one from 1 on.
    """
    if given is None or isinstance(given, str | Mapping) or np.ndim(given) > 0:
        return None
    whole = isinstance(given, Integral) or (isinstance(given, Real) and float(given).is_integer())
    if isinstance(given, bool) or not whole or not 1 <= int(given) <= MOST_COUNTED:
        raise DataError(f"`trials` must be a column, an array, or one whole number from 1; it is {quoted(given)}.")
    return int(given)


def refuse_not_counts(trials: np.ndarray, what: str) -> None:
    """Refuse numbers of trials that are not whole, negative, or beyond what Stan counts.

    Raises
    ------
    DataError
        With how many, the first row and its value.
    """
    bad = (trials < 0) | (trials != np.round(trials)) | (trials > MOST_COUNTED)
    if bad.any():
        row = int(np.flatnonzero(bad)[0])
        raise DataError(
            f"{what}: numbers of trials must be whole, from 0 to {MOST_COUNTED:,}; {int(bad.sum()):,} are not, the "
            f"first in row {row} (value {trials[row]:g})."
        )


def is_positive(values: np.ndarray) -> np.ndarray:
    """Tell which numbers are positive, and such that double precision can calculate with them."""
    return np.asarray((values >= SMALLEST) & (values <= LARGEST))


def refuse_not_positive(values: np.ndarray, what: str, words: str) -> None:
    """Refuse standard errors or weights that are not positive and finite.

    Parameters
    ----------
    values : numpy.ndarray, shape (N,)
    what : str
        Where they are.
    words : str
        What they are called.

    Raises
    ------
    DataError
        With how many, the first row and its value.
    """
    bad = ~is_positive(values)
    if not bad.any():
        return
    row = int(np.flatnonzero(bad)[0])
    remedy = "; drop rows of weight 0" if words == "weights" and (values == 0).any() else ""
    raise DataError(
        f"{what}: {words} must be positive and finite, between {SMALLEST:g} and {LARGEST:g}; "
        f"{int(bad.sum())} are not, the first in row {row} (value {values[row]:g}){remedy}."
    )
