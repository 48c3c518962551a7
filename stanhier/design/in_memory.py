"""Formula and data frame to a design whose rows are in memory: response, predictors and group codes."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Self

import numpy as np
import pandas as pd
from formulaic import ModelSpec

from stanhier.basics.errors import DataError
from stanhier.design.blocks import Reducer, RowGroups
from stanhier.design.column_moments import ColumnMoments
from stanhier.design.design import Design
from stanhier.design.encoding import learn_spec
from stanhier.design.groupings import Grouping, NewGroups
from stanhier.design.new_rows import NewRows
from stanhier.design.rows import EncodedRows, RowEncoder, column_matrix

__all__ = ["InMemoryDesign", "RowGrouping", "lies_within", "rows_of"]

_BLOCK_ROWS = 1 << 16


@dataclass(frozen=True)
class RowGrouping(Grouping):
    """A grouping factor of rows.

    Attributes
    ----------
    codes : numpy.ndarray of int, shape (N,)
        For each row the position of its level.
    """

    codes: np.ndarray

    @property
    def sizes(self) -> np.ndarray:
        """Number of rows of each group, shape (J,)."""
        return np.bincount(self.codes, minlength=len(self.levels))

    @property
    def row_groups(self) -> RowGroups:
        """The groups as a reducer takes them."""
        return RowGroups(self.codes, len(self.levels), None, self.columns, self.blocks)

    def present(self) -> tuple[Self, np.ndarray]:
        """Give the groups that have rows, and the position of each group among them, -1 of one without."""
        present, codes = np.unique(self.codes, return_inverse=True)
        positions = np.full(len(self.levels), -1)
        positions[present] = np.arange(len(present))
        return replace(self, levels=self.levels[present], codes=codes), positions


@dataclass(frozen=True, kw_only=True)
class InMemoryDesign(Design):
    """What a model knows of its data, and the rows themselves.

    Attributes
    ----------
    frame : pandas.DataFrame
        The columns that the model uses, cleaned: numbers, booleans and categoricals without missing values.
    y : numpy.ndarray, shape (N,)
        Response as engines take it: less the offset where the link is the identity.
    groupings : tuple of RowGrouping
    subtracted : numpy.ndarray, shape (N,), or None
        An offset that `y` is less of.
    offset : numpy.ndarray, shape (N,), or None
        An offset that is still to be added to the linear predictor: that of a link which is not the identity.
    trials : numpy.ndarray, shape (N,), or None
        Numbers of trials.
    """

    frame: pd.DataFrame
    y: np.ndarray
    groupings: tuple[RowGrouping, ...]
    subtracted: np.ndarray | None = None
    offset: np.ndarray | None = None
    trials: np.ndarray | None = None

    @property
    def n_rows(self) -> int:
        """Number of rows, N."""
        return len(self.y)

    @property
    def observed(self) -> np.ndarray:
        """The response as it was observed, shape (N,)."""
        return self.y if self.subtracted is None else self.y + self.subtracted

    def with_observed(self, response: np.ndarray) -> Self:
        """Give the design of the same rows with another response, shape (N,)."""
        return replace(self, y=response if self.subtracted is None else response - self.subtracted)

    @property
    def whole_offset(self) -> np.ndarray | None:
        """The offset as the user gave it, shape (N,), subtracted already or not; None where there is none."""
        return self.subtracted if self.subtracted is not None else self.offset

    @property
    def n_columns(self) -> int:
        """Number of columns and the response, K + E + 1."""
        return self.columns.n_columns + 1

    @property
    def n_extra(self) -> int:
        """Number of columns of effects that are no predictors of the population, E."""
        return len(self.columns.extra)

    @property
    def kinds(self) -> pd.DataFrame:
        """The columns of the model."""
        return self.frame

    @cached_property
    def response_spec(self) -> ModelSpec:
        """What formulaic has learnt for the response."""
        return learn_spec(self.formula.common.lhs, self.frame, self.formula)

    @property
    def group(self) -> RowGrouping | None:
        """The factor of a model with nothing but one varying intercept; None of any other."""
        return self.groupings[0] if self.formula.group is not None else None

    @property
    def weights(self) -> np.ndarray | None:
        """Precision weights, shape (N,), where the noise of rows differs."""
        return None if self.row_noise is None else self.row_noise.weights

    def reduce[P, R](self, reducer: Reducer[P, R]) -> R:
        """Give what an engine makes of the rows."""
        groups = [grouping.row_groups for grouping in self.groupings]
        return reducer.total(reducer.piece(self, weights=self.weights, groups=groups))

    def take(self, chosen: np.ndarray) -> Self:
        """Give the design of some rows, by a mask or by positions; groups keep their codes."""
        return replace(
            self,
            frame=self.frame[chosen] if chosen.dtype == bool else self.frame.iloc[chosen],
            y=self.y[chosen],
            groupings=tuple(replace(grouping, codes=grouping.codes[chosen]) for grouping in self.groupings),
            row_noise=None if self.row_noise is None else self.row_noise.take(chosen),
            **{name: values[chosen] for name, values in self._beside.items()},
        )

    @property
    def _beside(self) -> dict[str, np.ndarray]:
        """What each row has beside the formula, by the names of the fields."""
        names = ("subtracted", "offset", "trials")
        return {name: getattr(self, name) for name in names if getattr(self, name) is not None}

    def levels_above(self, term: int, other: int) -> np.ndarray | None:
        """Find in which level of another factor the rows of each of a factor's lie, shape (J,); None if in several."""
        codes, coarser = self.groupings[term].codes, self.groupings[other].codes
        found = np.zeros(len(self.groupings[term].levels), dtype=coarser.dtype)
        found[codes] = coarser
        return found if (found[codes] == coarser).all() else None

    def grouped_by(self, groupings: Sequence[RowGrouping]) -> Self:
        """Give the design with other levels and codes of the same factors."""
        return replace(self, groupings=tuple(groupings))

    @cached_property
    def matrix(self) -> np.ndarray:
        """All columns, shape (N, K + E), no intercept column. Made when first asked for: models go by blocks."""
        matrix = np.empty((self.n_rows, self.columns.n_columns))
        for rows, block in self.blocks(_BLOCK_ROWS):
            matrix[rows] = block[:, :-1]
        return matrix

    @cached_property
    def moments(self) -> ColumnMoments:
        """Means and standard deviations of the columns of [X E y]."""
        return ColumnMoments.of(self.matrix, self.y, self.weights)

    @property
    def X(self) -> np.ndarray:  # noqa: N802
        """Predictors of the population, shape (N, K)."""
        return self.matrix[:, : len(self.predictors)]

    def effect_matrix(self, term: int, positions: np.ndarray | None = None) -> np.ndarray:
        """Give what the effects of a factor are multiplied by, shape (N, q), or (n, q) in n rows by their positions."""
        return self.groupings[term].effect_matrix(self.matrix, positions)

    @property
    def as_new(self) -> NewRows:
        """The rows as new data."""
        groups = tuple(NewGroups(grouping.codes, pd.Index([])) for grouping in self.groupings)
        n_predictors, index = len(self.predictors), self.frame.index
        return NewRows(self.matrix, n_predictors, groups, self.row_noise, index, self.whole_offset, self.trials)

    def blocks(self, size: int) -> Iterator[tuple[slice, np.ndarray]]:
        """Give the design block by block, so that it is never in memory as a whole.

        Parameters
        ----------
        size : int
            Rows of a block, at most.

        Yields
        ------
        slice, numpy.ndarray of shape (rows, K + E + 1)
            Columns [x_1 .. x_K, e_1 .. e_E, y]. The array is used again for the next block.

        Raises
        ------
        DataError
            If a column is not finite.
        """
        encoder = RowEncoder(self.columns, self.frame, self.formula)
        for rows, block in EncodedRows(encoder, self.y, self.columns).blocks(size):
            if not encoder.is_plain and not np.isfinite(block[:, :-1].sum()):
                column_matrix(self.columns, self.frame, self.formula)  # names the column and counts its rows
            yield rows, block


def lies_within(inner: np.ndarray, outer: np.ndarray) -> bool:
    """Whether all rows of each value of `inner`, whole numbers from 0, have the same value of `outer`, shape (N,)."""
    first = np.zeros(inner.max(initial=0) + 1, dtype=outer.dtype)
    first[inner] = outer
    return bool((first[inner] == outer).all())


def rows_of(design: InMemoryDesign | None) -> InMemoryDesign:
    """Give a design with its rows, where they are in memory.

    Raises
    ------
    DataError
        If there is none.
    """
    if design is None:
        raise DataError(
            "This step needs the rows of the model one by one, and they are not in memory: they were compressed as "
            "they came. predict(new) takes the rows of any data frame, path or lazy frame; for this step, read as many "
            "rows as fit into memory into a data frame, and make the model of them."
        )
    return design
