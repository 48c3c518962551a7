"""Labels as text and back, so that a file gives the same groups and categories: nothing is pickled."""

import json
import re
from typing import Any

import numpy as np
import pandas as pd

from stanhier.basics.errors import StanhierError
from stanhier.basics.words import quoted

__all__ = ["labels_from_json", "labels_to_json"]

_TIMES = re.compile(r"[mM]8\[(s|ms|us|ns)\]")
_ZONE = re.compile(r"(?!dateutil)[A-Za-z0-9_+-]+([/:][A-Za-z0-9_+-]+)*")
"""Names of time zones, which are no paths of files: pandas opens those."""
_KIND = r"object|str|string|large_string|bool|boolean|double|(u?int|UInt|Int)(8|16|32|64)|[fF]loat(16|32|64)"
_OTHERS = re.compile(rf"({_KIND})(\[(python|pyarrow|pyarrow_numpy)\])?")


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
    """Read what `labels_to_json` wrote.

    Raises
    ------
    ValueError, KeyError, TypeError
        If it is something else.
    """
    record = json.loads(text)
    if record["dtype"] == "interval":
        ends = (_index(record["left"]), _index(record["right"]))
        return pd.IntervalIndex.from_arrays(*ends, closed=record["closed"])
    return _index(record)


def _record(labels: pd.Index, column: str) -> dict[str, Any]:
    if isinstance(labels, pd.CategoricalIndex):
        return _record(pd.Index(labels.categories)[labels.codes], column)
    if isinstance(labels, pd.IntervalIndex):
        ends = {"left": _record(labels.left, column), "right": _record(labels.right, column)}
        return {"dtype": "interval", "closed": labels.closed, **ends}
    if isinstance(labels, pd.DatetimeIndex | pd.TimedeltaIndex):
        zone = str(labels.tz) if isinstance(labels, pd.DatetimeIndex) and labels.tz is not None else None
        if zone is not None and not _ZONE.fullmatch(zone):
            raise StanhierError(
                f"The fit cannot be saved: column '{column}' has dates in the time zone {zone}, which a file cannot "
                "hold; bring them to one with a name before fitting, as in .dt.tz_convert('Europe/Vienna')."
            )
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
    dtype, values = record["dtype"], record["values"]
    kinds = set(map(type, values))
    labels: pd.Index
    if "zone" in record:
        zone = record["zone"]
        if not _TIMES.fullmatch(dtype) or kinds - {int} or not (zone is None or _ZONE.fullmatch(zone)):
            raise ValueError(f"labels of type {str(dtype)[:40]} in the zone {str(zone)[:40]}")
        labels = pd.Index(np.array(values, dtype="i8").view(dtype))
        if zone is not None:
            labels = pd.DatetimeIndex(labels).tz_localize("UTC").tz_convert(zone)
    elif not _OTHERS.fullmatch(dtype) or kinds - {str, int, float, bool}:
        raise ValueError(f"labels of type {str(dtype)[:40]}")
    else:
        labels = pd.Index(values, dtype=dtype)
    if labels.hasnans:
        raise ValueError("labels that are missing")
    return labels
