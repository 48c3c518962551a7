"""The columns of a data frame, checked and brought to the kinds that the models know."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from stanhier.errors import DataError

__all__ = ["as_frame", "clean_columns", "clean_group", "error_array", "positive_numbers", "refuse_infinite"]


def as_frame(data: pd.DataFrame | Mapping[str, Any]) -> pd.DataFrame:
    """Take a data frame, or make one from a mapping of columns.

    Raises
    ------
    DataError
        If the argument is neither, its columns are of different lengths or names repeat.
    """
    if isinstance(data, pd.DataFrame):
        frame = data
    elif isinstance(data, Mapping):
        columns = {name: _column(name, values) for name, values in data.items()}
        lengths = {name: len(values) for name, values in columns.items()}
        if len(set(lengths.values())) > 1:
            listed = ", ".join(f"'{name}' {length}" for name, length in lengths.items())
            raise DataError(f"The columns of `data` have different lengths: {listed}.")
        # Shared with the caller, like the columns of a frame: copies of large arrays would not fit beside them.
        frame = pd.DataFrame(columns, copy=False)
    else:
        raise DataError(f"`data` must be a pandas DataFrame or a dict of arrays, not {type(data).__name__}.")
    repeated = frame.columns[frame.columns.duplicated()]
    if len(repeated):
        raise DataError(f"The column name {repeated[0]!r} occurs more than once in `data`; rename one.")
    return frame


def clean_columns(
    frame: pd.DataFrame,
    columns: Sequence[str],
    *,
    calculated: frozenset[str] = frozenset(),
    like: pd.DataFrame | None = None,
) -> pd.DataFrame:
    """Bring columns to the kinds that the models know: float, int, bool, categorical.

    Parameters
    ----------
    frame : pandas.DataFrame
    columns : sequence of str
        The columns to take.
    calculated : frozenset of str
        Those that a formula calculates with: integers and booleans among them become floats, which do not overflow.
    like : pandas.DataFrame, optional
        Cleaned data of the fit; each column must be of the same kind.

    Raises
    ------
    DataError
        If a column is absent, has missing values, or cannot be used; the message names it.
    """
    cleaned = {}
    for name in columns:
        _require(frame, name)
        cleaned[name] = _clean(frame[name], name)
        if name in calculated and cleaned[name].dtype.kind in "ib":
            cleaned[name] = cleaned[name].astype(float)
        if like is not None and isinstance(cleaned[name].dtype, pd.CategoricalDtype) != isinstance(
            like[name].dtype, pd.CategoricalDtype
        ):
            raise DataError(
                f"Column '{name}' is {_kind(cleaned[name])} here, but was {_kind(like[name])} when the model was made."
            )
    # Columns are shared with the caller's frame; pandas copies one when somebody writes to it.
    return pd.DataFrame(cleaned, index=frame.index, copy=False)


def clean_group(frame: pd.DataFrame, name: str) -> pd.Series:
    """Give the grouping column as labels that compare alike in the fit and in new data.

    Raises
    ------
    DataError
        If it is absent, has missing values, or holds fractions.
    """
    _require(frame, name)
    labels = frame[name]
    _refuse_missing(labels, name)
    if pd.api.types.is_float_dtype(labels.dtype):
        values = labels.to_numpy(dtype=float)
        if not (np.isfinite(values) & (values == np.round(values))).all():
            raise DataError(
                f"Grouping column '{name}' holds fractions (such as {values[values != np.round(values)][0]:g}); "
                "group by a label, an integer or a category."
            )
        return labels.astype("int64")
    if isinstance(labels.dtype, pd.CategoricalDtype):
        return labels.cat.remove_unused_categories()
    if pd.api.types.is_extension_array_dtype(labels.dtype) and pd.api.types.is_integer_dtype(labels.dtype):
        return labels.astype("int64")
    return labels


def positive_numbers(frame: pd.DataFrame, name: str) -> np.ndarray:
    """Give a column of positive finite numbers as floats, shape (N,).

    Raises
    ------
    DataError
        If it is absent, not numeric, has missing values or values that are not positive and finite.
    """
    _require(frame, name)
    column = _clean(frame[name], name)
    if isinstance(column.dtype, pd.CategoricalDtype):
        raise DataError(f"Column '{name}' must be numeric; it is {_kind(column)}.")
    return _positive(column.to_numpy(dtype=float), f"Column '{name}'")


def error_array(values: Any, n_rows: int) -> np.ndarray:
    """Give standard errors that came as an array as floats, shape (N,).

    Raises
    ------
    DataError
        If they are no numbers, of another number than the rows, or not positive and finite.
    """
    try:
        numeric = np.array(_column("se", values), dtype=float)
    except (TypeError, ValueError) as err:
        raise DataError("`se` must be a column name or an array of numbers.") from err
    if len(numeric) != n_rows:
        raise DataError(f"`se` has {len(numeric)} values, but `data` has {n_rows} rows.")
    return _positive(numeric, "`se`")


def refuse_infinite(values: np.ndarray, name: str) -> np.ndarray:
    """Give the values back if all of them are finite.

    Raises
    ------
    DataError
        If any is not; with the column's name, how many and the first.
    """
    # A finite sum has finite terms: this reads the column once and allocates nothing.
    if np.isfinite(values.sum()):
        return values
    bad = ~np.isfinite(values)
    if bad.any():
        row = int(np.flatnonzero(bad)[0])
        raise DataError(
            f"'{name}' is not finite in {int(bad.sum())} {'row' if bad.sum() == 1 else 'rows'}, "
            f"the first is row {row} (value {values[row]})."
        )
    return values


def _positive(values: np.ndarray, what: str) -> np.ndarray:
    bad = ~(np.isfinite(values) & (values > 0))
    if bad.any():
        row = int(np.flatnonzero(bad)[0])
        raise DataError(
            f"{what}: standard errors must be positive and finite; {int(bad.sum())} are not, "
            f"the first in row {row} (value {values[row]:g})."
        )
    return values


def _column(name: Any, values: Any) -> Any:
    if isinstance(values, pd.Series | pd.Index | pd.Categorical | pd.api.extensions.ExtensionArray):
        return values.reset_index(drop=True) if isinstance(values, pd.Series) else values
    array = np.asarray(values)
    if array.ndim != 1:
        raise DataError(f"'{name}' must be one-dimensional; it has shape {array.shape}.")
    return array


def _require(frame: pd.DataFrame, name: str) -> None:
    if name not in frame.columns:
        raise DataError(f"There is no column '{name}' in the data; its columns are: {_listed(frame.columns)}.")


def _listed(names: Any, most: int = 20) -> str:
    shown = ", ".join(f"'{n}'" for n in list(names)[:most])
    return shown if len(names) <= most else f"{shown}, ... ({len(names)} in all)"


def _refuse_missing(column: pd.Series, name: str) -> None:
    missing = int(column.isna().sum())
    if missing:
        raise DataError(
            f"Column '{name}' has {missing} missing {'value' if missing == 1 else 'values'} in {len(column)} rows; "
            f"drop those rows with data.dropna(subset=['{name}']) or fill them in."
        )


def _clean(column: pd.Series, name: str) -> pd.Series:
    _refuse_missing(column, name)
    dtype = column.dtype
    if isinstance(dtype, pd.CategoricalDtype):
        return column.cat.remove_unused_categories()
    if pd.api.types.is_bool_dtype(dtype):
        return column.astype(bool)
    if pd.api.types.is_complex_dtype(dtype):
        raise DataError(f"Column '{name}' holds complex numbers; take their real part or modulus.")
    if pd.api.types.is_integer_dtype(dtype):
        return column.astype("int64")
    if pd.api.types.is_float_dtype(dtype):
        numeric = column.astype(float)
        refuse_infinite(numeric.to_numpy(), name)
        return numeric
    if pd.api.types.is_datetime64_any_dtype(dtype) or pd.api.types.is_timedelta64_dtype(dtype):
        raise DataError(f"Column '{name}' holds {dtype}; turn it into numbers first, for example days since a date.")
    kinds = {type(v) for v in column}
    if kinds == {str}:
        return column.astype("category")
    if all(issubclass(k, int | float | np.number) and not issubclass(k, complex | np.complexfloating) for k in kinds):
        return _clean(column.infer_objects().astype(float), name)
    listed = ", ".join(sorted(k.__name__ for k in kinds))
    raise DataError(f"Column '{name}' (dtype {dtype}) mixes or holds values that cannot be used: {listed}.")


def _kind(column: pd.Series) -> str:
    return "categorical" if isinstance(column.dtype, pd.CategoricalDtype) else "numeric"
