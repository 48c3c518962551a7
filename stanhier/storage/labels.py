"""Labels as text and back, so that a file gives the same groups and categories: nothing is pickled."""

import json
from typing import Any

import numpy as np
import pandas as pd

from stanhier.basics.errors import StanhierError
from stanhier.basics.words import quoted

__all__ = ["labels_from_json", "labels_to_json"]


def labels_to_json(labels: pd.Index, column: str) -> str:
    """Write labels with their type.

    Parameters
    ----------
    labels : pandas.Index
        Text, numbers, booleans, dates, durations or intervals.
    column : str
        Their column, for the error.

    Raises
    ------
    StanhierError
        If they are of a type that a file cannot hold.
    """
    return json.dumps(_record(labels, column))


def labels_from_json(text: str) -> pd.Index:
    """Read what `labels_to_json` wrote."""
    return _index(json.loads(text))


def _record(labels: pd.Index, column: str) -> dict[str, Any]:
    if isinstance(labels, pd.CategoricalIndex):
        return _record(pd.Index(labels.categories)[labels.codes], column)
    if isinstance(labels, pd.IntervalIndex):
        ends = {"left": _record(labels.left, column), "right": _record(labels.right, column)}
        return {"dtype": "interval", "closed": labels.closed, **ends}
    if isinstance(labels, pd.DatetimeIndex | pd.TimedeltaIndex):
        zone = str(labels.tz) if isinstance(labels, pd.DatetimeIndex) and labels.tz is not None else None
        return {"dtype": f"{labels.dtype.kind}8[{labels.unit}]", "values": labels.asi8.tolist(), "zone": zone}
    values = [value.item() if isinstance(value, np.generic) else value for value in labels]
    for value in values:
        if not isinstance(value, str | int | float | bool):
            raise StanhierError(
                f"The fit cannot be saved: column '{column}' has labels of type {type(value).__name__} (such as "
                f"{quoted(value)}), which a file cannot hold; make them text before fitting."
            )
    return {"dtype": str(labels.dtype), "values": values}


def _index(record: dict[str, Any]) -> pd.Index:
    dtype = record["dtype"]
    if dtype == "interval":
        return pd.IntervalIndex.from_arrays(_index(record["left"]), _index(record["right"]), closed=record["closed"])
    labels: pd.Index
    if "zone" in record:
        labels = pd.Index(np.array(record["values"], dtype="i8").view(dtype))
        if record["zone"] is not None:
            labels = pd.DatetimeIndex(labels).tz_localize("UTC").tz_convert(record["zone"])
    else:
        labels = pd.Index(record["values"], dtype=dtype)
    return labels
