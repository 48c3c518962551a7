"""The variables of a program in a table of draws, by name and with their own shape."""

import re
from collections.abc import Sequence

import numpy as np

__all__ = ["named_variables"]

_COLUMN = re.compile(r"([A-Za-z]\w*?)(?:\[([\d,]+)\])?")


def named_variables(draws: np.ndarray, names: Sequence[str]) -> dict[str, np.ndarray]:
    """Give the variables of a table whose columns are their entries, the first index running fastest.

    Parameters
    ----------
    draws : numpy.ndarray, shape (chains, draws, columns)
    names : sequence of str
        Of the columns: `sigma`, `beta[2]`, `effect[3,1]`. What ends with two underscores is the sampler's.

    Returns
    -------
    dict of numpy.ndarray, shape (chains, draws) + that of the variable
        Views of the table.
    """
    first: dict[str, int] = {}
    last: dict[str, tuple[int, tuple[int, ...]]] = {}
    for k, column in enumerate(names):
        found = _COLUMN.fullmatch(column)
        if found is None or found[1].endswith("__"):
            continue
        first.setdefault(found[1], k)
        last[found[1]] = k, tuple(int(index) for index in found[2].split(",")) if found[2] else ()
    variables = {}
    for name, (end, shape) in last.items():
        part = draws[:, :, first[name] : end + 1].reshape(*draws.shape[:2], *reversed(shape))
        variables[name] = part.transpose(0, 1, *reversed(range(2, part.ndim)))
    return variables
