"""The data of a textbook program: the rows themselves."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from stanhier.design.in_memory import InMemoryDesign
from stanhier.engines.textbook.description import Description
from stanhier.engines.textbook.names import names_of

__all__ = ["ProgramRows", "program_data", "rows_of"]


@dataclass(frozen=True)
class ProgramRows:
    """Rows in memory.

    Attributes
    ----------
    columns : numpy.ndarray, shape (N, K + E)
        Predictors, then columns that vary by group and are no predictors; no intercept column.
    y : numpy.ndarray, shape (N,)
    codes : sequence of numpy.ndarray of int, shape (N,)
        For each term the position of each row's level.
    se : numpy.ndarray, shape (N,), or None
        Known standard errors.
    """

    columns: np.ndarray
    y: np.ndarray
    codes: Sequence[np.ndarray]
    se: np.ndarray | None


def rows_of(design: InMemoryDesign) -> ProgramRows:
    """Take the rows out of a design."""
    return ProgramRows(design.X, design.y, () if design.group is None else (design.group.codes,), design.se)


def program_data(description: Description, rows: ProgramRows) -> dict[str, Any]:
    """Give the data of the program that `render` writes of the same description.

    Returns
    -------
    dict
        Keys are the names in the program's data block.
    """
    n_predictors = len(description.predictors)
    data: dict[str, Any] = {"N": len(rows.y), "y": rows.y}
    if n_predictors:
        data |= {"K": n_predictors, "X": rows.columns[:, :n_predictors]}
    if description.extra_effects:
        data |= {"E": len(description.extra_effects), "Z": rows.columns[:, n_predictors:]}
    for term, names, codes in zip(description.terms, names_of(description).terms, rows.codes, strict=True):
        data |= {names.size: term.shape.n_levels, names.codes: codes + 1}
    if rows.se is not None:
        data["se"] = rows.se
    elif description.noise.fixed is not None:
        data["sigma"] = description.noise.fixed
    return data
