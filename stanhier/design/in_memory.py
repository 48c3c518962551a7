"""Formula and data frame to a design whose rows are in memory: response, predictors and group codes."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, Self

import numpy as np
import pandas as pd
from formulaic import ModelSpec

from stanhier.basics.errors import DataError, FormulaError
from stanhier.basics.words import quoted
from stanhier.data.factors import factor_codes
from stanhier.data.frames import (
    as_frame,
    clean_columns,
    clean_group,
    column_names,
    require_columns,
)
from stanhier.data.libraries import library_of
from stanhier.data.missing import refuse_missing
from stanhier.data.row_numbers import given_numbers, refuse_not_counts, trials_constant
from stanhier.data.standard_errors import error_array, positive_numbers
from stanhier.design.absent import refuse_absent
from stanhier.design.blocks import Reducer, RowGroups, precision_weights
from stanhier.design.columns import Columns, columns_of
from stanhier.design.design import Design, Grouping, NewGroups, NewRows
from stanhier.design.encoding import evaluate, learn_spec
from stanhier.design.response import categories_of, response_of
from stanhier.design.rows import EncodedRows, RowEncoder, column_matrix
from stanhier.families.family import Family
from stanhier.families.known import GAUSSIAN
from stanhier.formula.parse import ParsedFormula

__all__ = ["InMemoryDesign", "RowGrouping", "build_design"]


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
    se : numpy.ndarray, shape (N,), or None
        Known standard error of each observation.
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
    se: np.ndarray | None
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
        """Precision weights, shape (N,), where standard errors are known."""
        return None if self.se is None else precision_weights(self.se)

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
            **{name: values[chosen] for name, values in self._beside.items()},
        )

    @property
    def _beside(self) -> dict[str, np.ndarray]:
        """What each row has beside the formula, by the names of the fields."""
        names = ("se", "subtracted", "offset", "trials")
        return {name: getattr(self, name) for name in names if getattr(self, name) is not None}

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

    @property
    def X(self) -> np.ndarray:  # noqa: N802
        """Predictors of the population, shape (N, K)."""
        return self.matrix[:, : len(self.predictors)]

    def effect_matrix(self, term: int) -> np.ndarray:
        """Give what the effects of a factor are multiplied by, shape (N, q)."""
        return self.groupings[term].effect_matrix(self.matrix)

    @property
    def as_new(self) -> NewRows:
        """The rows as new data."""
        groups = tuple(NewGroups(grouping.codes, pd.Index([])) for grouping in self.groupings)
        n_predictors, index = len(self.predictors), self.frame.index
        return NewRows(self.matrix, n_predictors, groups, self.se, index, self.whole_offset, self.trials)

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


def build_design(
    formula: ParsedFormula,
    data: pd.DataFrame | Mapping[str, Any],
    *,
    se: str | Any | None = None,
    family: Family = GAUSSIAN,
    offset: str | Any | None = None,
    trials: str | int | Any | None = None,
) -> InMemoryDesign:
    """Build the design of a model.

    Parameters
    ----------
    formula : ParsedFormula
    data : pandas.DataFrame or mapping of arrays
    se : str or array of shape (N,), optional
        Known standard errors: a column of `data`, or their values.
    family : Family
    offset : str or array of shape (N,), optional
        What is added to the linear predictor.
    trials : str, int or array of shape (N,), optional
        Numbers of trials.

    Returns
    -------
    InMemoryDesign

    Raises
    ------
    DataError
        If a column is missing, empty, of a kind that cannot be used, or has missing or infinite values; if the
        response does not suit the family.
    FormulaError
        If formulaic cannot evaluate the formula on these data.
    """
    beside = [name for name in (se, offset, trials) if isinstance(name, str)]
    wanted = list(dict.fromkeys([*formula.columns, *formula.factor_columns, *beside]))
    refuse_absent(wanted, column_names(data), formula, "the data")
    frame = as_frame(data, wanted)
    if len(frame) == 0:
        raise DataError("`data` has no rows.")
    for name in formula.context:
        if name in frame.columns:
            raise DataError(f"Column '{name}' has the name of a function in `context`; rename one of them.")
    library = library_of(data)
    response = frozenset({formula.response_column} - {None})
    require_columns(frame, wanted)
    refuse_missing(frame, wanted, library)
    clean = clean_columns(
        frame,
        formula.columns,
        calculated=formula.calculated,
        labels=formula.labels | (response if family.takes_categories else frozenset()),
        numeric=response,
        library=library,
    )
    categories = categories_of(formula, clean, family)
    y = response_of(formula, clean, categories)
    constant = trials_constant(trials)
    sizes = given_numbers("trials", trials, frame) if constant is None else np.full(len(frame), float(constant))
    if sizes is not None:
        refuse_not_counts(sizes, f"Column '{trials}'" if isinstance(trials, str) else "`trials`")
    family.check(y, formula.response, sizes)
    shift = given_numbers("offset", offset, frame)
    subtracts = shift is not None and family.link == "identity"
    columns, effects = columns_of(formula, clean)
    _check_own_functions(formula, columns, clean)
    groupings = []
    for one in effects:
        codes, levels = factor_codes(frame, one.factors, library)
        groupings.append(RowGrouping(one.factors, one.effects, one.columns, one.blocks, levels, codes))
    for name in formula.factor_columns:
        clean = _with_column(clean, name, clean_group(frame, name, library))
    se_name = se if isinstance(se, str) else None
    se_values = None
    if se_name is not None:
        se_values = positive_numbers(frame, se_name)
        clean = _with_column(clean, se_name, se_values)
    elif se is not None:
        se_values = error_array(se, len(frame))
    for given, values in ((offset, shift), (trials, sizes)):
        clean = _with_column(clean, given, values) if isinstance(given, str) else clean
    return InMemoryDesign(
        formula=formula,
        frame=clean,
        y=y - shift if shift is not None and subtracts else y,
        columns=columns,
        groupings=tuple(groupings),
        se=se_values,
        se_name=se_name,
        family=family,
        has_offset=shift is not None,
        offset_name=offset if isinstance(offset, str) else None,
        trials_name=trials if isinstance(trials, str) else None,
        trials_constant=constant,
        categories=categories,
        subtracted=shift if subtracts else None,
        offset=None if subtracts else shift,
        trials=sizes,
    )


_BLOCK_ROWS = 1 << 16


def _with_column(frame: pd.DataFrame, name: str, values: Any) -> pd.DataFrame:
    """Add a column without copying the others; one that the formula calculates with stays as it is cleaned for that."""
    if name in frame.columns:
        return frame
    return pd.DataFrame({**dict(frame.items()), name: values}, index=frame.index, copy=False)


def _check_own_functions(formula: ParsedFormula, columns: Columns, frame: pd.DataFrame) -> None:
    """Refuse functions of the user's own that give rows other values in other company: predictions would be wrong."""
    if not formula.context or len(frame) < 2:
        return
    half = slice(len(frame) // 2, None)
    for side in (*columns.specs, evaluate(formula.common.lhs, frame, formula).model_spec):
        alone, together = (evaluate(side, rows, formula) for rows in (frame.iloc[half], frame))
        expected = together.to_numpy(dtype=float)[half]
        same = np.isclose(alone.to_numpy(dtype=float), expected, rtol=1e-8, atol=0, equal_nan=True).all(axis=0)
        if not same.all():
            raise FormulaError(
                f"{quoted(formula.text)}: {quoted(together.columns[~same][0])} gives the same row another value when "
                "fewer rows are there, so it would mean something else for new data. Functions in `context` must work "
                "row by row; what they learn from the data they must keep, with formulaic's @stateful_transform."
            )
