"""The data of a textbook program: the rows themselves."""

from collections.abc import Sequence
from typing import Any, Protocol

import numpy as np

from stanhier.engines.multilevel.given import CodedRows
from stanhier.engines.textbook.description import Description
from stanhier.engines.textbook.names import names_of
from stanhier.families.noise import RowNoise

__all__ = ["ProgramRows", "program_data"]


class ProgramRows(Protocol):
    """Rows in memory; what they have beside the formula is None where they have it not, of shape (N,) elsewhere."""

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
    def row_noise(self) -> RowNoise | None:
        """How the noise of rows differs."""

    @property
    def offset(self) -> np.ndarray | None:
        """What the linear predictor has added."""

    @property
    def trials(self) -> np.ndarray | None:
        """Numbers of trials."""


def program_data(description: Description, rows: ProgramRows) -> dict[str, Any]:
    """Give the data of the program that `render` writes of the same description.

    Returns
    -------
    dict
        Keys are the names in the program's data block.
    """
    n_predictors = len(description.predictors)
    y = rows.y.astype(int) if description.family.is_discrete else rows.y
    data: dict[str, Any] = {"N": len(rows.y), "y": y}
    if rows.trials is not None:
        data["trials"] = rows.trials.astype(int)
    if rows.offset is not None:
        data["shift"] = rows.offset
    if n_predictors:
        data |= {"K": n_predictors, "X": rows.matrix[:, :n_predictors]}
    if description.extra_effects:
        data |= {"E": len(description.extra_effects), "Z": rows.matrix[:, n_predictors:]}
    for term, names, grouping in zip(description.terms, names_of(description).terms, rows.groupings, strict=True):
        data |= {names.size: term.shape.n_levels, names.codes: grouping.codes + 1}
    if rows.row_noise is not None:
        data[rows.row_noise.argument] = rows.row_noise.values
    if description.noise.fixed is not None:
        data["sigma"] = description.noise.fixed
    return data
