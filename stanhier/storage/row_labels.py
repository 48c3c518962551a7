"""The user's labels of rows as arrays and back, level by level: each is a column like those of the data."""

import json
from typing import TYPE_CHECKING, Any

import pandas as pd

from stanhier.basics.errors import StanhierError
from stanhier.basics.warned import warn
from stanhier.basics.words import quoted
from stanhier.storage.columns import StoredArray, restored_column, stored_column

if TYPE_CHECKING:
    import xarray as xr

__all__ = ["from_arrays", "to_dataset"]


def to_dataset(index: pd.Index) -> "xr.Dataset | None":
    """Give the labels of rows; None where these are numbered from 0, and there is nothing to keep.

    Parameters
    ----------
    index : pandas.Index
        Of the rows, of one level or more.

    Warns
    -----
    UserWarning
        If labels are of a type that a file cannot hold: they are kept as text.
    """
    import xarray as xr

    numbered = pd.RangeIndex(len(index))
    if index.dtype == numbered.dtype and index.equals(numbered) and index.name is None:
        return None
    variables: dict[str, Any] = {}
    for k, name in enumerate(index.names):
        values, said = _stored_level(pd.Series(index.get_level_values(k)).reset_index(drop=True))
        if name is not None:
            said["name"] = json.dumps(name if isinstance(name, str | int | float) else str(name))
        variables[f"level_{k}"] = ("row", values, said)
    return xr.Dataset(variables)


def from_arrays(stored: dict[str, StoredArray], n_rows: int) -> pd.Index:
    """Read what `to_dataset` gave.

    Raises
    ------
    ValueError, KeyError, TypeError, IndexError
        If it is something else, or of another number of rows.
    """
    levels: list[pd.Index] = []
    names: list[Any] = []
    for k in range(len(stored)):
        one = stored[f"level_{k}"]
        if len(one.values) != n_rows:
            raise ValueError(f"{len(one.values)} labels of {n_rows} rows")
        levels.append(pd.Index(restored_column(one, f"level_{k}", missing=True)))
        names.append(_name_from(one.said.get("name", "null")))
    if len(levels) == 1:
        (labels,), (name,) = levels, names
        labels.name = name
        return labels
    return pd.MultiIndex.from_arrays(levels, names=names)


def _stored_level(labels: pd.Series) -> tuple[Any, dict[str, str]]:
    try:
        return stored_column(labels, "index")
    except StanhierError:
        known = labels.dropna()
        example = known.iloc[0]
        warn(
            f"The file keeps the labels of the rows as text: a file cannot hold labels such as {quoted(example)}, of "
            f"type {type(example).__name__}.",
            UserWarning,
        )
        return stored_column(known.map(str).reindex(labels.index).astype(object), "index")


def _name_from(text: str) -> Any:
    name = json.loads(text)
    if not isinstance(name, str | int | float | None):
        raise ValueError(f"a name of type {type(name).__name__}")
    return name
