"""The kinds of values that columns hold, and what becomes of each: a number, a category, a label, or an error."""

from datetime import date, datetime
from decimal import Decimal
from fractions import Fraction
from typing import Any

import numpy as np
import pandas as pd

from stanhier.basics.errors import DataError
from stanhier.basics.magnitudes import LARGEST
from stanhier.basics.words import quoted
from stanhier.data.codes import used_categories
from stanhier.data.conversions import special_in_numbers
from stanhier.data.libraries import PANDAS, Library
from stanhier.data.missing import missing_values, n_missing
from stanhier.data.numerals import NUMERAL, plain_signs
from stanhier.data.slips import refuse_numbers_as_text

__all__ = [
    "as_labels",
    "as_predictor",
    "is_categorical",
    "kind_of_labels",
    "kind_of_predictor",
    "refuse_infinite",
]

_LARGEST_WHOLE = 2**53
"""Up to here every integer is a float of its own."""


def as_predictor(
    column: pd.Series, name: str, *, labels: bool = False, numeric: bool = False, library: Library = PANDAS
) -> pd.Series:
    """Bring a column to one of the kinds that models calculate with: float, int64, bool, categorical.

    Parameters
    ----------
    column : pandas.Series
    name : str
        For messages.
    labels : bool
        Whether text that reads as numbers is meant as labels.
    numeric : bool
        Whether numbers alone will do, so that no message advises labels.
    library : Library
        What holds the user's data, for messages.

    Raises
    ------
    DataError
        If values are missing or infinite, or of a kind that cannot be used.
    """
    column = _dense(column)
    _refuse_missing(column, name, library)
    dtype = column.dtype
    if isinstance(dtype, pd.CategoricalDtype):
        used = column.cat.remove_unused_categories()
        if not labels:
            refuse_numbers_as_text(used.dtype, name, len(column), library, chosen=True, numeric=numeric)
        return used
    if pd.api.types.is_bool_dtype(dtype):
        return column.astype(bool)
    if pd.api.types.is_complex_dtype(dtype):
        raise DataError(f"Column '{name}' holds complex numbers; take their real part or modulus.")
    if pd.api.types.is_integer_dtype(dtype):
        fits = dtype.kind != "u" or len(column) == 0 or int(column.max()) <= np.iinfo("int64").max
        return column.astype("int64" if fits else "float64")
    if pd.api.types.is_float_dtype(dtype):
        with np.errstate(over="ignore"):  # a longdouble beyond what a float holds becomes infinite, which is refused
            floats = column.astype(float)
        refuse_infinite(floats.to_numpy(), name)
        return floats
    if dtype.kind in "mM":
        days = library.since_first(name) if dtype.kind == "M" else ""
        raise DataError(
            f"Column '{name}' holds {dtype}; turn it into numbers first, for example days since a date"
            f"{f', {days}' if days else ''}."
        )
    if isinstance(dtype, pd.IntervalDtype):
        return column.astype("category")
    if isinstance(dtype, pd.StringDtype):
        return _categories(column, name, labels=labels, numeric=numeric, library=library)
    return _from_objects(column, name, labels=labels, numeric=numeric, library=library)


def as_labels(column: pd.Series, name: str, library: Library = PANDAS) -> pd.Series:
    """Bring a grouping column to labels that compare alike in the fit and in new data, and that a file can hold.

    Raises
    ------
    DataError
        If values are missing, or are no labels: fractions, complex numbers, mixtures.
    """
    column = _dense(column)
    _refuse_missing(column, name, library)
    dtype = column.dtype
    if isinstance(dtype, pd.CategoricalDtype):
        used = used_categories(column)
        checked = as_labels(used.cat.categories.to_series(), name, library)
        return used.cat.rename_categories(pd.Index(checked)) if checked.dtype.kind == "M" else used
    if isinstance(dtype, pd.ArrowDtype) and dtype.kind not in "biuf":
        return as_labels(pd.Series(column.tolist(), index=column.index), name, library)
    if pd.api.types.is_bool_dtype(dtype):
        return column.astype(bool)
    if pd.api.types.is_float_dtype(dtype):
        return _whole(column, name, library)
    if pd.api.types.is_integer_dtype(dtype):
        if isinstance(dtype, np.dtype):
            return column
        return column.astype("uint64") if dtype.kind == "u" else column.astype("int64")
    if dtype.kind in "mM" or isinstance(dtype, pd.StringDtype | pd.IntervalDtype):
        return column
    _refuse_half_characters(column, name)
    inferred = column.infer_objects()
    if inferred.dtype != object and inferred.dtype != dtype:
        return as_labels(inferred, name, library)
    kinds = set(map(type, column))
    if all(issubclass(kind, str) for kind in kinds):
        return column
    if _are_numbers(kinds):
        return _whole(_floats(column, name), name, library)
    if all(issubclass(kind, date) and not issubclass(kind, datetime) for kind in kinds):
        return column.astype("datetime64[ms]")  # as Polars and PyArrow give days to pandas
    raise DataError(
        f"Grouping column '{name}' (dtype {dtype}) holds {_named(kinds)}, which cannot be labels together; "
        f"make them text with {library.as_text(name)}."
    )


def is_categorical(column: pd.Series) -> bool:
    """Tell whether a column is one of categories."""
    return isinstance(column.dtype, pd.CategoricalDtype)


def kind_of_predictor(column: pd.Series) -> str:
    """Say in a word what a cleaned predictor holds."""
    return "categorical" if is_categorical(column) else "numeric"


def kind_of_labels(labels: pd.Index) -> str:
    """Say in a few words what cleaned labels are; those of different kinds never match."""
    if isinstance(labels, pd.CategoricalIndex):
        return kind_of_labels(labels.categories)
    if isinstance(labels, pd.IntervalIndex):
        return "intervals"
    if isinstance(labels.dtype, pd.DatetimeTZDtype):
        return "dates with a time zone"
    kinds = {"b": "booleans", "i": "numbers", "u": "numbers", "f": "numbers", "M": "dates", "m": "durations"}
    return kinds.get(labels.dtype.kind, "text")


def refuse_infinite(values: np.ndarray, name: str) -> np.ndarray:
    """Give the values back if all of them are finite, and of a size that can be calculated with.

    Raises
    ------
    DataError
        If any is not; with the column's name, how many and the first.
    """
    # Reads the column without allocating anything; a value that is no number is the least and the greatest.
    if len(values) == 0 or (values.min() >= -LARGEST and values.max() <= LARGEST):
        return values
    bad = ~np.isfinite(values)
    if not bad.any():
        bad = np.abs(values) > LARGEST
        what, remedy = f"at most {LARGEST:g} in size", "give it in other units"
    else:
        what, remedy = "finite", "drop or correct such rows"
    row = int(np.flatnonzero(bad)[0])
    raise DataError(
        f"'{name}' is not {what} in {int(bad.sum())} {'row' if bad.sum() == 1 else 'rows'}, "
        f"the first is row {row} (value {values[row]}); {remedy}."
    )


def _dense(column: pd.Series) -> pd.Series:
    sparse: Any = column
    return sparse.sparse.to_dense() if isinstance(column.dtype, pd.SparseDtype) else column


def _refuse_missing(column: pd.Series, name: str, library: Library) -> None:
    missing = n_missing(column)
    if missing:
        floats = [name] if column.dtype.kind == "f" else []
        raise missing_values({name: missing}, len(column), library.without_missing([name], floats))


def _refuse_half_characters(column: pd.Series, name: str) -> None:
    """Refuse text with surrogates, which no file and not every column can hold."""
    for value in column:
        if isinstance(value, str) and not value.isascii():
            try:
                value.encode()
            except UnicodeEncodeError as err:
                raise DataError(
                    f"Column '{name}' holds {quoted(value)}, which is not valid Unicode; replace such text, for "
                    f"example with data['{name}'].str.encode('utf-8', 'replace').str.decode('utf-8')."
                ) from err


def _from_objects(column: pd.Series, name: str, *, labels: bool, numeric: bool, library: Library) -> pd.Series:
    _refuse_half_characters(column, name)
    kinds = set(map(type, column))
    if all(issubclass(kind, str) for kind in kinds):
        return _categories(column, name, labels=labels, numeric=numeric, library=library)
    if all(issubclass(kind, bool | np.bool_) for kind in kinds):
        return column.astype(bool)
    if _are_numbers(kinds):
        return as_predictor(_floats(column, name), name)
    if kinds == {bytes}:
        raise DataError(f"Column '{name}' holds bytes; decode them with {library.decoded(name)}.")
    if all(issubclass(kind, date | pd.Period) for kind in kinds):
        raise DataError(f"Column '{name}' holds dates; turn it into numbers first, for example days since a date.")
    texts = list(dict.fromkeys(value for value in column if isinstance(value, str)))
    among = ""
    if texts and _are_numbers({kind for kind in kinds if not issubclass(kind, str)}):
        shown = ", ".join(f"{text!r:.40}" for text in texts[:3])
        more = f" and {len(texts) - 3} more" if len(texts) > 3 else ""
        read = [text for text in texts if NUMERAL.fullmatch(plain_signs(text))]
        special = special_in_numbers("number", read, [text for text in texts if text not in read], ())
        among = f" The text is {shown}{more}: {library.among(name, special)}."
    raise DataError(
        f"Column '{name}' (dtype {column.dtype}) holds {_named(kinds)}; a predictor or response holds numbers, "
        f"booleans, text or categories, and no mixture of these.{among}"
    )


def _are_numbers(kinds: set[type]) -> bool:
    real = (int, float, np.integer, np.floating, Decimal, Fraction)
    return all(issubclass(kind, real) and not issubclass(kind, bool) for kind in kinds)


def _floats(column: pd.Series, name: str) -> pd.Series:
    try:
        return pd.Series([float(value) for value in column], index=column.index, dtype=float)
    except OverflowError as err:
        raise DataError(f"Column '{name}' holds numbers too large for a float; rescale it.") from err


def _categories(column: pd.Series, name: str, *, labels: bool, numeric: bool, library: Library) -> pd.Series:
    categories = column.astype("category")
    if not labels:
        refuse_numbers_as_text(categories.dtype, name, len(column), library, numeric=numeric)
    return categories


def _whole(column: pd.Series, name: str, library: Library) -> pd.Series:
    values = column.to_numpy(dtype=float)
    whole = np.isfinite(values) & (values == np.round(values)) & (np.abs(values) <= _LARGEST_WHOLE)
    if not whole.all():
        raise DataError(
            f"Grouping column '{name}' holds fractions, or numbers too large to be told apart (such as "
            f"{values[~whole][0]:g}); group by integers, or by text: {library.as_text(name)}."
        )
    return pd.Series(values.astype("int64"), index=column.index, name=column.name)


def _named(kinds: set[type]) -> str:
    return ", ".join(sorted(kind.__name__ for kind in kinds))
