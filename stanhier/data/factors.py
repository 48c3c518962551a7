"""Labels of grouping factors: one column, or combinations of several."""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from stanhier.basics.errors import DataError
from stanhier.basics.words import quoted
from stanhier.data.codes import codes_of, codes_of_integers
from stanhier.data.frames import clean_group
from stanhier.data.groups import group_name, groups_of
from stanhier.data.libraries import PANDAS, Library

__all__ = ["factor_codes", "names_in_order"]

_BETWEEN = "\x1f"
"""Between labels of a combination whose name is still to be made: the separator of units."""


def factor_codes(
    frame: pd.DataFrame, factors: Sequence[str], library: Library = PANDAS, *, sort: bool = True
) -> tuple[np.ndarray, pd.Index]:
    """Code the rows of a frame by a factor.

    Parameters
    ----------
    frame : pandas.DataFrame
        With at least one row.
    factors : sequence of str
        The columns whose labels, together, tell groups apart.
    library : Library
        What holds the user's data, for messages.
    sort : bool
        Whether the labels must be in order. If not, those of several columns are for `names_in_order`.

    Returns
    -------
    codes : numpy.ndarray of int, shape (N,)
        For each row the position of its level.
    levels : pandas.Index
        The labels that occur, sorted (a categorical keeps its own order); of several columns text such as "north:3", as
        `names_in_order` sorts it.

    Raises
    ------
    DataError
        If a column is absent, has missing values, or holds what cannot be labels, such as fractions; if two
        combinations read alike.
    """
    if len(factors) == 1:
        labels = clean_group(frame, factors[0], library)
        if sort:
            return codes_of(labels)
        codes, levels = codes_of_integers(labels) or pd.factorize(labels)
        return codes, pd.Index(levels)
    groups = groups_of(frame, factors, library)
    joined = pd.Index([_BETWEEN.join(map(group_name, labels)) for labels in groups.labels], dtype=object)
    if not sort:
        return groups.codes, joined
    order, names = names_in_order(joined, factors)
    places = np.empty(len(order), dtype=int)
    places[order] = np.arange(len(order))
    return places[groups.codes], names


def names_in_order(joined: pd.Index, factors: Sequence[str]) -> tuple[np.ndarray, pd.Index]:
    """Name combinations of labels, and sort them: the same wherever their rows are.

    Parameters
    ----------
    joined : pandas.Index of str, length J
        As `factor_codes` gives them where it does not sort.
    factors : sequence of str
        The columns.

    Returns
    -------
    order : numpy.ndarray of int, shape (J,)
        Positions of the combinations in their order: by the first label, then the second; integers by value, other
        labels as text.
    names : pandas.Index of str
        Such as "north:3", in that order.

    Raises
    ------
    DataError
        If two combinations read alike.
    """
    names = pd.Index([name.replace(_BETWEEN, ":") for name in joined])
    if not names.is_unique:
        twice = names[names.duplicated()][0]
        raise DataError(
            f"Two combinations of {' and '.join(f"'{name}'" for name in factors)} are both called {quoted(twice)}; "
            "take the colons out of their labels."
        )
    columns = zip(*(name.split(_BETWEEN) for name in joined), strict=True)
    order = np.lexsort([_ranks(column) for column in columns][::-1])
    return order, names[order]


def _ranks(labels: tuple[str, ...]) -> np.ndarray:
    """Rank labels, alike ones alike."""
    if all(label.removeprefix("-").isdecimal() for label in labels):
        return np.unique(np.array([int(label) for label in labels], dtype=object), return_inverse=True)[1]
    return pd.factorize(np.array(labels, dtype=object), sort=True)[0]
