"""Columns of data frames as arrays with a few texts, and back: numbers as they are, all else as codes of labels."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from stanhier.storage.labels import labels_from_json, labels_to_json

__all__ = ["SAID", "StoredArray", "restored_column", "stored_column"]

SAID = ("number", "labels", "categorical")
"""What texts say of a column: the type of its numbers, or its labels, and whether these are categories in an order."""


@dataclass(frozen=True)
class StoredArray:
    """Numbers, with what is said of them in text."""

    values: np.ndarray
    said: dict[str, str]


def stored_column(column: pd.Series, name: str, *, as_categories: bool = True) -> tuple[np.ndarray, dict[str, str]]:
    """Give the numbers of a column, and what is to be said of them.

    Parameters
    ----------
    column : pandas.Series
    name : str
        Of the column, for the error.
    as_categories : bool
        Whether categories are to come back as such, or as their labels.

    Raises
    ------
    StanhierError
        If its labels are of a type that a file cannot hold.
    """
    if isinstance(column.dtype, pd.CategoricalDtype):
        said = {"labels": labels_to_json(column.cat.categories, name)}
        if as_categories:
            said["categorical"] = "ordered" if column.cat.ordered else "unordered"
        return column.cat.codes.to_numpy(), said
    if isinstance(column.dtype, np.dtype) and column.dtype.kind in "iufb":
        return column.to_numpy(), {"number": str(column.dtype)}
    codes, labels = pd.factorize(column)
    return codes, {"labels": labels_to_json(pd.Index(labels), name)}


def restored_column(stored: StoredArray, key: str, *, missing: bool = False) -> Any:
    """Give back what `stored_column` took apart.

    Parameters
    ----------
    stored : StoredArray
    key : str
        Its name in the file, for the error.
    missing : bool
        Whether labels may be missing; numbers and categories may be, as far as this goes.

    Raises
    ------
    ValueError, KeyError, TypeError, IndexError
        If it is something else.
    """
    values, said = stored.values, stored.said
    if values.ndim != 1:
        raise ValueError(f"{key} of shape {values.shape}")
    if "labels" not in said:
        number = np.dtype(said["number"]) if len(said["number"]) <= 20 else np.dtype(object)
        if number.kind not in "iufb" or values.dtype.kind not in ("i" if number.kind == "b" else number.kind):
            raise ValueError(f"{key} holds {values.dtype} for {number}")
        return values.astype(number)
    labels = labels_from_json(said["labels"])
    if values.dtype.kind not in "iu":
        raise ValueError(f"{key} holds {values.dtype} instead of codes")
    if "categorical" in said:
        return pd.Categorical.from_codes(values, categories=labels, ordered=said["categorical"] == "ordered")
    lowest = values.min(initial=0)
    if lowest < (-1 if missing else 0):
        raise ValueError(f"code {lowest} in {key}")
    # Without need none is filled in: intervals of whole numbers cannot be missing in pandas before 3.0.
    return labels.take(values, allow_fill=True, fill_value=np.nan) if lowest < 0 else labels[values]
