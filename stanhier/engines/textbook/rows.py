"""The data of a textbook program: the rows themselves."""

from collections.abc import Sequence
from typing import Any, Protocol

import numpy as np

from stanhier.engines.multilevel.given import CodedRows
from stanhier.engines.textbook.description import Description
from stanhier.engines.textbook.names import names_of

__all__ = ["ProgramRows", "program_data"]


class ProgramRows(Protocol):
    """Rows in memory."""

    @property
    def matrix(self) -> np.ndarray:
        """Predictors, then columns that vary by group and are no predictors, shape (N, K + E); no intercept column."""

    @property
    def y(self) -> np.ndarray:
        """Response, shape (N,)."""

    @property
    def groupings(self) -> Sequence[CodedRows]:
        """The grouping factors."""

    @property
    def se(self) -> np.ndarray | None:
        """Known standard errors, shape (N,)."""


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
        data |= {"K": n_predictors, "X": rows.matrix[:, :n_predictors]}
    if description.extra_effects:
        data |= {"E": len(description.extra_effects), "Z": rows.matrix[:, n_predictors:]}
    for term, names, grouping in zip(description.terms, names_of(description).terms, rows.groupings, strict=True):
        data |= {names.size: term.shape.n_levels, names.codes: grouping.codes + 1}
    if rows.se is not None:
        data["se"] = rows.se
    elif description.noise.fixed is not None:
        data["sigma"] = description.noise.fixed
    return data
