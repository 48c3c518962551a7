"""The columns of a data frame, checked and brought to the kinds that the models know."""

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

import narwhals as nw
import numpy as np
import pandas as pd

from stanhier.basics.errors import DataError
from stanhier.basics.words import listed, quoted
from stanhier.data.kinds import as_labels, as_predictor, is_categorical, kind_of_predictor
from stanhier.data.libraries import PANDAS, Library
from stanhier.data.slips import warn_of_identifiers
from stanhier.data.written import reading_of
from stanhier.data.wrong_data import is_of_xarray, refuse_other

__all__ = [
    "as_column",
    "as_frame",
    "clean_columns",
    "clean_group",
    "column_names",
    "require_columns",
]


def as_frame(data: Any, columns: Collection[str] | None = None) -> pd.DataFrame:
    """Take a data frame, or make one from a mapping of columns or a frame of another library.

    Parameters
    ----------
    data : pandas.DataFrame, mapping of arrays, or any eager frame that narwhals reads
    columns : collection of str, optional
        Those that are wanted: of another library's frame no others are converted. Those that are missing are not looked
        at here, unless they are missing in such a frame.

    Raises
    ------
    DataError
        If the argument is none of these, its columns are of different lengths, or names that are wanted repeat.
    """
    if not isinstance(data, pd.DataFrame | Mapping) or is_of_xarray(data):
        data = _to_pandas(data, columns)
    if isinstance(data, pd.DataFrame):
        frame = data
    else:
        _refuse_misaligned({name: values.index for name, values in data.items() if isinstance(values, pd.Series)})
        arrays = {name: _column(name, values) for name, values in data.items()}
        lengths = {name: len(values) for name, values in arrays.items()}
        if len(set(lengths.values())) > 1:
            listed = ", ".join(f"'{name}' {length}" for name, length in lengths.items())
            raise DataError(f"The columns of `data` have different lengths: {listed}; give each one value per row.")
        # Shared with the caller, like the columns of a frame: copies of large arrays would not fit beside them.
        try:
            frame = pd.DataFrame(arrays, copy=False)
        except Exception as err:  # names that are no valid Unicode, and whatever else pandas has no name for
            raise DataError(f"`data` cannot be made a data frame ({type(err).__name__}: {err}).") from err
    if isinstance(frame.columns, pd.MultiIndex):
        raise DataError("The columns of `data` have names of several levels; give each one name, as text.")
    _refuse_repeated(list(frame.columns[frame.columns.duplicated()]), columns)
    return frame


def column_names(data: Any) -> list[Any] | None:
    """Give the names of the columns of a frame or mapping as they are; None if it is neither, or has several levels.

    Parameters
    ----------
    data : object
        As for `as_frame`.
    """
    if isinstance(data, pd.DataFrame):
        return None if isinstance(data.columns, pd.MultiIndex) else list(data.columns)
    if isinstance(data, Mapping):
        return list(data)
    if nw.dependencies.is_pyarrow_table(data):
        return list(data.column_names)
    eager = nw.from_native(data, eager_only=True, pass_through=True)
    return list(eager.columns) if isinstance(eager, nw.DataFrame) else None


def clean_columns(
    frame: pd.DataFrame,
    columns: Sequence[str],
    *,
    calculated: frozenset[str] = frozenset(),
    labels: frozenset[str] = frozenset(),
    numeric: Collection[str] = (),
    like: pd.DataFrame | None = None,
    library: Library = PANDAS,
) -> pd.DataFrame:
    """Bring columns to the kinds that the models know: float, int, bool, categorical.

    Parameters
    ----------
    frame : pandas.DataFrame
    columns : sequence of str
        The columns to take.
    calculated : frozenset of str
        Those that a formula calculates with: integers and booleans among them become floats, which do not overflow.
    labels : frozenset of str
        Those whose values are labels, as in `C(x)`, also where they are text that reads as numbers.
    numeric : collection of str
        Those that must be numbers, such as the response.
    like : pandas.DataFrame, optional
        Cleaned data of the fit; each column must be of the same kind.
    library : Library
        What holds the user's data, for messages.

    Raises
    ------
    DataError
        If a column is absent, has missing values, or cannot be used; the message names it.
    """
    require_columns(frame, columns)
    cleaned = {}
    for name in columns:
        known = None if like is None else like[name]
        were_labels = known is not None and is_categorical(known)
        is_label = name in labels or known is not None
        cleaned[name] = as_predictor(frame[name], name, labels=is_label, numeric=name in numeric, library=library)
        if is_categorical(cleaned[name]) and not is_label and name not in numeric:
            warn_of_identifiers(cleaned[name].dtype, name, len(frame))
        if name in calculated and cleaned[name].dtype.kind in "ib":
            cleaned[name] = cleaned[name].astype(float)
        if known is not None and is_categorical(cleaned[name]) != were_labels:
            raise _another_kind(cleaned[name], known, name, library)
    # Columns are shared with the caller's frame; pandas copies one when somebody writes to it.
    return pd.DataFrame(cleaned, index=frame.index, copy=False)


def clean_group(frame: pd.DataFrame, name: str, library: Library = PANDAS) -> pd.Series:
    """Give the grouping column as labels that compare alike in the fit and in new data.

    Raises
    ------
    DataError
        If it is absent, has missing values, or holds what cannot be labels, such as fractions.
    """
    require_columns(frame, [name])
    return as_labels(frame[name], name, library)


def require_columns(frame: pd.DataFrame, names: Iterable[str]) -> None:
    """Refuse a frame without some columns.

    Raises
    ------
    DataError
        Naming the first that is absent, and the columns that are there.
    """
    for name in names:
        if name not in frame.columns:
            raise DataError(f"There is no column '{name}' in the data; its columns are: {listed(frame.columns)}.")


def _another_kind(here: pd.Series, known: pd.Series, name: str, library: Library) -> DataError:
    example, remedy = "", ""
    if is_categorical(here) and len(here):
        example = f" (it holds values such as {here.iloc[0]!r:.40})"
        reading = reading_of([str(value) for value in here.cat.categories], len(here))
        remedy = f" {library.remedy(name, reading)}" if reading is not None else ""
    return DataError(
        f"Column '{name}' is {kind_of_predictor(here)} here, but was {kind_of_predictor(known)} when the model was "
        f"made{example}; convert it{remedy}."
    )


def _refuse_repeated(repeated: list[Any], columns: Collection[str] | None) -> None:
    """Refuse names that stand for two columns, if they are wanted."""
    wanted = [name for name in repeated if columns is None or name in columns]
    if wanted:
        raise DataError(f"The column name {quoted(wanted[0])} occurs more than once in `data`; rename one.")


def _to_pandas(data: Any, columns: Collection[str] | None) -> pd.DataFrame:
    if nw.dependencies.is_pyarrow_table(data):
        # narwhals takes no table with a name that repeats, used or not.
        times = Counter(data.column_names)
        _refuse_repeated([name for name, count in times.items() if count > 1], columns)
        data = data.select([k for k, name in enumerate(data.column_names) if times[name] == 1])
    eager = nw.from_native(data, eager_only=True, pass_through=True)
    if not isinstance(eager, nw.DataFrame):
        refuse_other(data)
    wanted = eager.columns if columns is None else [name for name in columns if name in eager.columns]
    require_columns(pd.DataFrame(columns=eager.columns), columns if columns is not None else [])
    try:
        return eager.select(wanted).to_pandas()
    except ImportError as err:
        raise DataError(
            f"A {type(data).__module__.split('.')[0]} data frame needs the package 'pyarrow', which is not "
            "installed: pip install 'stanhier[parquet]'"
        ) from err


def as_column(name: Any, values: Any) -> pd.Series:
    """Take what stands for a column, of whatever kind, without copying what need not be.

    Raises
    ------
    DataError
        If it cannot be one.
    """
    return _series(name, _column(name, values))


def _column(name: Any, values: Any) -> Any:
    """Take what stands for a column in a mapping; what is missing in a masked array is missing here."""
    if isinstance(values, pd.Series):
        return values.reset_index(drop=True)
    if isinstance(values, pd.Index | pd.Categorical | pd.api.extensions.ExtensionArray):
        return values
    if isinstance(values, np.ma.MaskedArray) and np.ma.getmaskarray(values).any():
        objects = np.array(np.ma.getdata(values), dtype=object)
        objects[np.ma.getmaskarray(values)] = None
        return _column(name, objects)
    if isinstance(values, list | tuple):
        nested = [value for value in values if isinstance(value, list | tuple | np.ndarray)]
        if nested:
            raise DataError(
                f"'{name}' must be one-dimensional; its items are sequences such as {quoted(nested[0], 60)}."
            )
        # pandas keeps a mixture as it is, where numpy would make text of it.
        return _series(name, values) if len(values) else np.zeros(0)
    try:
        array = np.asarray(values)
    except Exception as err:  # whatever an object's own conversion raises
        raise DataError(f"'{name}' cannot be made an array ({type(err).__name__}: {err}).") from err
    if array.ndim == 0:
        example = f", such as [{values!r:.40}]" if pd.api.types.is_scalar(values) else ""
        raise DataError(f"'{name}' is of type {type(values).__name__}; give a list with a value for each row{example}.")
    if array.ndim != 1:
        raise DataError(f"'{name}' must be one-dimensional; it has shape {array.shape}. Give each column a name.")
    return array if array.dtype.kind in "biufc" else _series(name, array)


def _series(name: Any, values: Any) -> pd.Series:
    try:
        return pd.Series(values, copy=False)
    except Exception as err:  # text that cannot be written as UTF-8, and whatever else pandas has no column for
        raise DataError(f"'{name}' cannot be made a column ({type(err).__name__}: {err}).") from err


def _refuse_misaligned(indexes: dict[Any, pd.Index]) -> None:
    """Refuse Series whose rows have other labels: by position they may not belong together."""
    first = next(iter(indexes), None)
    for name, index in indexes.items():
        if len(index) == len(indexes[first]) and not index.equals(indexes[first]):
            raise DataError(
                f"The Series '{first}' and '{name}' in `data` have different row labels, so their rows may not belong "
                "together; give a DataFrame, or arrays with .to_numpy() if the order is right."
            )
