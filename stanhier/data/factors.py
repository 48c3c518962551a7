"""Labels of grouping factors: one column, or combinations of several."""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from stanhier.basics.errors import DataError
from stanhier.basics.words import quoted
from stanhier.data.codes import codes_of_integers
from stanhier.data.frames import clean_group
from stanhier.data.groups import group_name, groups_of
from stanhier.data.libraries import PANDAS, Library

__all__ = ["factor_codes"]


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
        Whether the labels of one column must be in order.

    Returns
    -------
    codes : numpy.ndarray of int, shape (N,)
        For each row the position of its level.
    levels : pandas.Index
        The labels that occur, sorted (a categorical keeps its own order); of several columns text such as "north:3".

    Raises
    ------
    DataError
        If a column is absent, has missing values, or holds what cannot be labels, such as fractions; if two
        combinations read alike.
    """
    if len(factors) == 1:
        labels = clean_group(frame, factors[0], library)
        codes, levels = codes_of_integers(labels) or pd.factorize(labels, sort=sort)
        return codes, pd.Index(levels)
    groups = groups_of(frame, factors, library)
    names = pd.Index([":".join(map(group_name, labels)) for labels in groups.labels], dtype=object)
    if not names.is_unique:
        twice = names[names.duplicated()][0]
        raise DataError(
            f"Two combinations of {' and '.join(f"'{name}'" for name in factors)} are both called {quoted(twice)}; "
            "take the colons out of their labels."
        )
    return groups.codes, names
