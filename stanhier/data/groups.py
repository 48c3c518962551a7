"""Rows by the labels of one or several columns, and names for such groups: the same from every source."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

import numpy as np
import pandas as pd

from stanhier.data.frames import clean_group
from stanhier.data.libraries import PANDAS, Library

__all__ = ["RowGroups", "group_name", "groups_of"]


@dataclass(frozen=True)
class RowGroups:
    """Groups of rows.

    Attributes
    ----------
    names : list of str, length J
        As `group_name` gives them.
    labels : list of tuple, length J
        Labels of each group, one for each column, sorted (a categorical keeps its own order).
    codes : numpy.ndarray of int, shape (N,)
        For each row the position of its group.
    """

    names: list[str]
    labels: list[tuple[Any, ...]]
    codes: np.ndarray

    def rows(self) -> list[np.ndarray]:
        """Give the positions of each group's rows, in their order."""
        order = np.argsort(self.codes, kind="stable")
        return np.split(order, np.searchsorted(self.codes[order], np.arange(1, len(self.names))))


def groups_of(frame: pd.DataFrame, by: Sequence[str], library: Library = PANDAS) -> RowGroups:
    """Group the rows of a frame.

    Parameters
    ----------
    frame : pandas.DataFrame
        With at least one row.
    by : sequence of str
        The columns whose labels tell groups apart.
    library : Library
        What holds the user's data, for messages.

    Returns
    -------
    RowGroups

    Raises
    ------
    DataError
        If a column is absent, has missing values, or holds what cannot be labels, such as fractions.
    """
    table = pd.DataFrame({k: clean_group(frame, name, library).reset_index(drop=True) for k, name in enumerate(by)})
    codes = table.groupby(list(table.columns), sort=True, observed=True).ngroup().to_numpy()
    _, first = np.unique(codes, return_index=True)
    labels = list(table.iloc[first].itertuples(index=False, name=None))
    return RowGroups([group_name(one) for one in labels], labels, codes)


def group_name(labels: object) -> str:
    """Name a group by its labels.

    Parameters
    ----------
    labels : object
        The label of a group; a tuple of labels where several columns tell groups apart.

    Returns
    -------
    str
        A label as text; a day without its hour. Several are joined with a comma and a blank, `"Ulm, 3"`; those with a
        comma of their own, or that begin with a quotation mark, stand in quotation marks, so that no two groups have
        the same name.
    """
    if not isinstance(labels, tuple):
        return _text(labels)
    texts = [_text(label) for label in labels]
    if len(texts) == 1:
        return texts[0]
    return ", ".join(repr(text) if "," in text or text.startswith(("'", '"')) else text for text in texts)


def _text(label: object) -> str:
    if isinstance(label, date | np.datetime64):
        text = str(pd.Timestamp(label))
        return text.removesuffix(" 00:00:00")
    if isinstance(label, float) and label.is_integer():
        return str(int(label))  # as groups have it
    return str(label)
