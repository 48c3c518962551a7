"""Formula and data frame to a design whose rows are in memory: response, predictors and group codes."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, Self

import numpy as np
import pandas as pd
from formulaic import ModelSpec

from stanhier.basics.errors import DataError, FormulaError
from stanhier.basics.words import quoted
from stanhier.data.codes import codes_of_integers
from stanhier.data.frames import (
    as_frame,
    clean_columns,
    clean_group,
    column_names,
    require_columns,
)
from stanhier.data.kinds import is_categorical, refuse_infinite
from stanhier.data.libraries import library_of
from stanhier.data.missing import refuse_missing
from stanhier.data.standard_errors import error_array, positive_numbers
from stanhier.design.absent import refuse_absent
from stanhier.design.blocks import Reducer, precision_weights
from stanhier.design.design import Design, Grouping
from stanhier.design.encoding import EncodedRows, RowEncoder, evaluate, learn_spec, predictor_matrix, predictor_names
from stanhier.formula.parse import ParsedFormula

__all__ = ["InMemoryDesign", "RowGrouping", "build_design"]


@dataclass(frozen=True)
class RowGrouping(Grouping):
    """The grouping factor of rows.

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


@dataclass(frozen=True, kw_only=True)
class InMemoryDesign(Design):
    """What a model knows of its data, and the rows themselves.

    Attributes
    ----------
    frame : pandas.DataFrame
        The columns that the model uses, cleaned: numbers, booleans and categoricals without missing values.
    y : numpy.ndarray, shape (N,)
        Response.
    group : RowGrouping or None
    se : numpy.ndarray, shape (N,), or None
        Known standard error of each observation.
    """

    frame: pd.DataFrame
    y: np.ndarray
    group: RowGrouping | None
    se: np.ndarray | None

    @property
    def n_rows(self) -> int:
        """Number of rows, N."""
        return len(self.y)

    @property
    def n_columns(self) -> int:
        """Number of predictors and the response, K + 1."""
        return len(self.predictors) + 1

    @property
    def kinds(self) -> pd.DataFrame:
        """The columns of the model."""
        return self.frame

    @cached_property
    def response_spec(self) -> ModelSpec:
        """What formulaic has learnt for the response."""
        return learn_spec(self.formula.common.lhs, self.frame, self.formula)

    @property
    def grouping(self) -> RowGrouping:
        """The grouping factor, of a model that has one."""
        assert self.group is not None
        return self.group

    @property
    def codes(self) -> np.ndarray | None:
        """The group of each row, shape (N,); None without groups."""
        return None if self.group is None else self.group.codes

    @property
    def weights(self) -> np.ndarray | None:
        """Precision weights, shape (N,), where standard errors are known."""
        return None if self.se is None else precision_weights(self.se)

    def reduce[P, R](self, reducer: Reducer[P, R]) -> R:
        """Give what an engine makes of the rows."""
        n_groups = int(self.formula.has_intercept) if self.group is None else len(self.group.levels)
        piece = reducer.piece(self, weights=self.weights, codes=self.codes, n_groups=n_groups)
        return reducer.total(piece)

    def take(self, chosen: np.ndarray) -> Self:
        """Give the design of some rows, by a mask or by positions; groups keep their codes."""
        group = self.group
        return replace(
            self,
            frame=self.frame[chosen] if chosen.dtype == bool else self.frame.iloc[chosen],
            y=self.y[chosen],
            group=None if group is None else replace(group, codes=group.codes[chosen]),
            se=None if self.se is None else self.se[chosen],
        )

    def grouped_by(self, levels: pd.Index, codes: np.ndarray) -> Self:
        """Give the design with other codes of the same grouping column."""
        return replace(self, group=RowGrouping(self.grouping.name, levels, codes))

    @cached_property
    def X(self) -> np.ndarray:  # noqa: N802
        """Predictors, shape (N, K), no intercept column. Made when first asked for: models go by blocks."""
        X = np.empty((self.n_rows, len(self.predictors)))
        for rows, block in self.blocks(_BLOCK_ROWS):
            X[rows] = block[:, :-1]
        return X

    def blocks(self, size: int) -> Iterator[tuple[slice, np.ndarray]]:
        """Give the design block by block, so that it is never in memory as a whole.

        Parameters
        ----------
        size : int
            Rows of a block, at most.

        Yields
        ------
        slice, numpy.ndarray of shape (rows, K + 1)
            Columns [x_1 .. x_K, y]. The array is used again for the next block.

        Raises
        ------
        DataError
            If a predictor is not finite.
        """
        encoder = RowEncoder(self.spec, self.frame, self.formula)
        for rows, block in EncodedRows(encoder, self.y, len(self.predictors)).blocks(size):
            if not encoder.is_plain and not np.isfinite(block[:, :-1].sum()):
                predictor_matrix(self.spec, self.frame, self.formula)  # names the column and counts its rows
            yield rows, block


def build_design(
    formula: ParsedFormula, data: pd.DataFrame | Mapping[str, Any], *, se: str | Any | None = None
) -> InMemoryDesign:
    """Build the design of a model.

    Parameters
    ----------
    formula : ParsedFormula
    data : pandas.DataFrame or mapping of arrays
    se : str or array of shape (N,), optional
        Known standard errors: a column of `data`, or their values.

    Returns
    -------
    InMemoryDesign

    Raises
    ------
    DataError
        If a column is missing, empty, of a kind that cannot be used, or has missing or infinite values.
    FormulaError
        If formulaic cannot evaluate the formula on these data.
    """
    wanted = list(dict.fromkeys([*formula.columns, *(n for n in (formula.group, se) if isinstance(n, str))]))
    refuse_absent(wanted, column_names(data), formula, "the data")
    frame = as_frame(data, wanted)
    if len(frame) == 0:
        raise DataError("`data` has no rows.")
    for name in formula.context:
        if name in frame.columns:
            raise DataError(f"Column '{name}' has the name of a function in `context`; rename one of them.")
    library = library_of(data)
    require_columns(frame, wanted)
    refuse_missing(frame, wanted, library)
    clean = clean_columns(
        frame,
        formula.columns,
        calculated=formula.calculated,
        labels=formula.labels,
        numeric=(formula.response_column,) if formula.response_column is not None else (),
        library=library,
    )
    y = _response(formula, clean)
    spec = _learn(formula, clean)
    _check_own_functions(formula, spec, clean)
    group = None
    if formula.group is not None:
        labels = clean_group(frame, formula.group, library)
        codes, levels = codes_of_integers(labels) or pd.factorize(labels, sort=True)
        group = RowGrouping(formula.group, pd.Index(levels), codes)
        clean = _with_column(clean, formula.group, labels)
    se_name = se if isinstance(se, str) else None
    se_values = None
    if se_name is not None:
        se_values = positive_numbers(frame, se_name)
        clean = _with_column(clean, se_name, se_values)
    elif se is not None:
        se_values = error_array(se, len(frame))
    return InMemoryDesign(
        formula=formula,
        frame=clean,
        y=y,
        predictors=predictor_names(spec),
        group=group,
        se=se_values,
        se_name=se_name,
        spec=spec,
    )


_BLOCK_ROWS = 1 << 16


def _with_column(frame: pd.DataFrame, name: str, values: Any) -> pd.DataFrame:
    """Add a column without copying the others; one that the formula calculates with stays as it is cleaned for that."""
    if name in frame.columns:
        return frame
    return pd.DataFrame({**dict(frame.items()), name: values}, index=frame.index, copy=False)


def _response(formula: ParsedFormula, frame: pd.DataFrame) -> np.ndarray:
    """Evaluate the left-hand side, shape (N,)."""
    if formula.response_column is not None and frame[formula.response_column].dtype.kind == "f":
        return frame[formula.response_column].to_numpy()
    matrix = evaluate(formula.common.lhs, frame, formula)
    if matrix.shape[1] != 1 or (formula.response_column is not None and is_categorical(frame[formula.response_column])):
        raise DataError(
            f"The response '{formula.response}' is not one numeric column; categories and several columns cannot be "
            f"modelled (it became {', '.join(map(str, matrix.columns[:5]))})."
        )
    return refuse_infinite(np.ascontiguousarray(matrix.to_numpy(dtype=float)[:, 0]), formula.response)


def _learn(formula: ParsedFormula, frame: pd.DataFrame) -> ModelSpec:
    """Let formulaic learn the encoding of the right-hand side.

    Where every expression works row by row, a single row tells it all: categoricals carry their levels in their type.
    """
    some = frame.iloc[:1] if formula.is_row_by_row else frame
    return learn_spec(formula.common.rhs, some, formula)


def _check_own_functions(formula: ParsedFormula, spec: ModelSpec, frame: pd.DataFrame) -> None:
    """Refuse functions of the user's own that give rows other values in other company: predictions would be wrong."""
    if not formula.context or len(frame) < 2:
        return
    half = slice(len(frame) // 2, None)
    for side in (spec, evaluate(formula.common.lhs, frame, formula).model_spec):
        alone, together = (evaluate(side, rows, formula) for rows in (frame.iloc[half], frame))
        expected = together.to_numpy(dtype=float)[half]
        same = np.isclose(alone.to_numpy(dtype=float), expected, rtol=1e-8, atol=0, equal_nan=True).all(axis=0)
        if not same.all():
            raise FormulaError(
                f"{quoted(formula.text)}: {quoted(together.columns[~same][0])} gives the same row another value when "
                "fewer rows are there, so it would mean something else for new data. Functions in `context` must work "
                "row by row; what they learn from the data they must keep, with formulaic's @stateful_transform."
            )
