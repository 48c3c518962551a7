"""Formula and data frame to design: response, predictors, group codes, and the same encoding for new data."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd
from formulaic import ModelSpec

from stanhier.basics.errors import DataError, FormulaError
from stanhier.data.codes import codes_of_integers
from stanhier.data.frames import as_frame, clean_columns, clean_group, error_array, positive_numbers, require_columns
from stanhier.data.kinds import is_categorical, kind_of_labels, refuse_infinite
from stanhier.data.libraries import library_of
from stanhier.data.missing import refuse_missing
from stanhier.design.encoding import EncodedRows, RowEncoder, evaluate, predictor_matrix, predictor_names
from stanhier.engines.gaussian.compression import Compressed, compress
from stanhier.formula.parse import ParsedFormula

__all__ = ["Design", "Grouping", "NewRows", "build_design"]


@dataclass(frozen=True)
class Grouping:
    """The grouping factor: labels become codes once, and stay as coordinates.

    Attributes
    ----------
    name : str
        The grouping column.
    levels : pandas.Index, length J
        Labels, sorted (a categorical keeps its own order); only those that occur.
    codes : numpy.ndarray of int, shape (N,)
        For each row the position of its level.
    """

    name: str
    levels: pd.Index
    codes: np.ndarray


@dataclass(frozen=True)
class NewRows:
    """New data, encoded as the data of the fit were.

    Attributes
    ----------
    X : numpy.ndarray, shape (N, K)
        Predictors, no intercept column.
    codes : numpy.ndarray of int, shape (N,), or None
        Positions of the groups; J and beyond are new groups, in the order of `new_levels`.
    new_levels : pandas.Index
        Groups that the fit has not seen.
    se : numpy.ndarray, shape (N,), or None
        Standard errors, where the model has them and the new data name them.
    index : pandas.Index
        Row labels of the new data.
    """

    X: np.ndarray
    codes: np.ndarray | None
    new_levels: pd.Index
    se: np.ndarray | None
    index: pd.Index


@dataclass(frozen=True)
class Design:
    """What a model knows of its data.

    Attributes
    ----------
    formula : ParsedFormula
    frame : pandas.DataFrame
        The columns that the model uses, cleaned: numbers, booleans and categoricals without missing values.
    y : numpy.ndarray, shape (N,)
        Response.
    predictors : tuple of str, length K
        Names of the columns of X.
    group : Grouping or None
    se : numpy.ndarray, shape (N,), or None
        Known standard error of each observation.
    se_name : str or None
        The column that holds them, if it is one.
    spec : formulaic.ModelSpec
        What formulaic has learnt from the data, so that new data are encoded alike.
    """

    formula: ParsedFormula
    frame: pd.DataFrame
    y: np.ndarray
    predictors: tuple[str, ...]
    group: Grouping | None
    se: np.ndarray | None
    se_name: str | None
    spec: ModelSpec

    @property
    def n_rows(self) -> int:
        """Number of rows, N."""
        return len(self.y)

    @property
    def n_columns(self) -> int:
        """Number of predictors and the response, K + 1."""
        return len(self.predictors) + 1

    @property
    def in_memory(self) -> bool:
        """Whether the rows themselves are here: `frame`, `y`, `X`, `se` and the codes of the groups."""
        return True

    @property
    def has_errors(self) -> bool:
        """Whether the standard error of each observation is known."""
        return self.se is not None

    @property
    def kinds(self) -> pd.DataFrame:
        """The columns of the model: any number of rows, but the kinds and levels of the data of the fit."""
        return self.frame

    @cached_property
    def response_spec(self) -> ModelSpec:
        """What formulaic has learnt for the response."""
        spec: ModelSpec = evaluate(self.formula.common.lhs, self.frame, self.formula).model_spec
        return spec

    def compress(self) -> Compressed:
        """Give the sufficient statistics of the rows."""
        weights = None if self.se is None else self.se**-2.0
        if self.group is not None:
            return compress(self, weights=weights, codes=self.group.codes, n_groups=len(self.group.levels))
        return compress(self, weights=weights, n_groups=int(self.formula.has_intercept))

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

    def encode(self, data: pd.DataFrame | Mapping[str, Any], *, with_groups: bool = True) -> NewRows:
        """Encode new data as those of the fit.

        Parameters
        ----------
        data : pandas.DataFrame or mapping of arrays
            Needs the predictors and the grouping column; the response is not looked at.
        with_groups : bool
            Whether the grouping column is looked at.

        Returns
        -------
        NewRows

        Raises
        ------
        DataError
            If a column is missing, has missing values, another kind than in the fit, or an unknown category.
        """
        frame, library = as_frame(data), library_of(data)
        group = [self.group.name] if self.group is not None and with_groups else []
        require_columns(frame, [*self.formula.predictor_columns, *group])
        se_name = [self.se_name] if self.se_name is not None else []
        refuse_missing(frame, [*self.formula.predictor_columns, *group, *se_name], library)
        clean = clean_columns(
            frame,
            self.formula.predictor_columns,
            calculated=self.formula.calculated,
            like=self.kinds,
            library=library,
        )
        X = predictor_matrix(self.spec, clean, self.formula)
        codes, new_levels = None, pd.Index([])
        if self.group is not None and with_groups:
            labels = clean_group(frame, self.group.name, library)
            _refuse_other_kind(labels, self.group)
            codes = np.asarray(self.group.levels.get_indexer(pd.Index(labels)))
            unseen = codes < 0
            if unseen.any():
                new_codes, new_levels = pd.factorize(labels[unseen], sort=True)
                codes[unseen] = len(self.group.levels) + new_codes
        se = None
        if self.se_name is not None and self.se_name in frame.columns:
            se = positive_numbers(frame, self.se_name)
        return NewRows(X, codes, new_levels, se, frame.index)

    def encode_response(self, data: pd.DataFrame | Mapping[str, Any]) -> np.ndarray:
        """Give the response of new data as the model would see it, shape (N,).

        Raises
        ------
        DataError
            If a column is missing, has missing values or is of another kind than in the fit.
        """
        frame, library = as_frame(data), library_of(data)
        require_columns(frame, self.formula.columns)
        refuse_missing(frame, self.formula.columns, library)
        clean = clean_columns(
            frame, self.formula.columns, calculated=self.formula.calculated, like=self.kinds, library=library
        )
        # What a transformation of the response learned from the rows of the fit holds for new rows too.
        matrix = evaluate(self.response_spec, clean, self.formula)
        return refuse_infinite(matrix.to_numpy(dtype=float)[:, 0], self.formula.response)


def build_design(
    formula: ParsedFormula, data: pd.DataFrame | Mapping[str, Any], *, se: str | Any | None = None
) -> Design:
    """Build the design of a model.

    Parameters
    ----------
    formula : ParsedFormula
    data : pandas.DataFrame or mapping of arrays
    se : str or array of shape (N,), optional
        Known standard errors: a column of `data`, or their values.

    Returns
    -------
    Design

    Raises
    ------
    DataError
        If a column is missing, empty, of a kind that cannot be used, or has missing or infinite values.
    FormulaError
        If formulaic cannot evaluate the formula on these data.
    """
    wanted = list(dict.fromkeys([*formula.columns, *(n for n in (formula.group, se) if isinstance(n, str))]))
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
        group = Grouping(formula.group, pd.Index(levels), codes)
        clean = _with_column(clean, formula.group, labels)
    se_name = se if isinstance(se, str) else None
    se_values = None
    if se_name is not None:
        se_values = positive_numbers(frame, se_name)
        clean = _with_column(clean, se_name, se_values)
    elif se is not None:
        se_values = error_array(se, len(frame))
    return Design(
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
    spec: ModelSpec = evaluate(formula.common.rhs, some, formula).model_spec
    return spec


def _refuse_other_kind(labels: pd.Series, group: Grouping) -> None:
    here, before = kind_of_labels(pd.Index(labels)), kind_of_labels(group.levels)
    if len(labels) and here != before:
        raise DataError(
            f"Column '{group.name}' holds {here} here (such as {labels.iloc[0]!s:.40}), but held {before} (such as "
            f"{group.levels[0]!s:.40}) when the model was made, so that no group would be known; convert it."
        )


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
                f"{formula.text!r}: {together.columns[~same][0]!r} gives the same row another value when fewer rows "
                "are there, so it would mean something else for new data. Functions in `context` must work row by row; "
                "what they learn from the data they must keep, with formulaic's @stateful_transform."
            )
