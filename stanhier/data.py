"""Formula and data frame to design: response, predictors, group codes, and the same encoding for new data."""

import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from formulaic import ModelSpec
from formulaic.errors import DataMismatchWarning, FormulaicError

from stanhier.errors import DataError, FormulaError, StanhierError
from stanhier.formula import ParsedFormula, plain_words

__all__ = ["Design", "Grouping", "NewRows", "as_frame", "build_design"]


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
    X : numpy.ndarray, shape (N, K)
        Predictors, no intercept column.
    predictors : tuple of str, length K
        Names of the columns of X.
    group : Grouping or None
    se : numpy.ndarray, shape (N,), or None
        Known standard error of each observation.
    se_name : str or None
        The column that holds them, if it is one.
    """

    formula: ParsedFormula
    frame: pd.DataFrame
    y: np.ndarray
    X: np.ndarray
    predictors: tuple[str, ...]
    group: Grouping | None
    se: np.ndarray | None
    se_name: str | None
    spec: ModelSpec

    @property
    def n_rows(self) -> int:
        """Number of rows, N."""
        return len(self.y)

    def encode(self, data: pd.DataFrame | Mapping[str, Any]) -> NewRows:
        """Encode new data as those of the fit.

        Parameters
        ----------
        data : pandas.DataFrame or mapping of arrays
            Needs the predictors and the grouping column; the response is not looked at.

        Returns
        -------
        NewRows

        Raises
        ------
        DataError
            If a column is missing, has missing values, another kind than in the fit, or an unknown category.
        """
        frame = as_frame(data)
        clean = clean_columns(frame, list(self.formula.predictor_columns), like=self.frame)
        X = _matrix(self.spec, clean, self.formula.text)
        codes, new_levels = None, pd.Index([])
        if self.group is not None:
            labels = clean_group(frame, self.group.name)
            codes = np.asarray(self.group.levels.get_indexer(pd.Index(labels)))
            unseen = codes < 0
            if unseen.any():
                new_codes, new_levels = pd.factorize(labels[unseen], sort=True)
                codes[unseen] = len(self.group.levels) + new_codes
        se = None
        if self.se_name is not None and self.se_name in frame.columns:
            se = positive_numbers(frame, self.se_name)
        return NewRows(X, codes, new_levels, se, frame.index)


def as_frame(data: pd.DataFrame | Mapping[str, Any]) -> pd.DataFrame:
    """Take a data frame, or make one from a mapping of columns.

    Raises
    ------
    DataError
        If the argument is neither, its columns are of different lengths or names repeat.
    """
    if isinstance(data, pd.DataFrame):
        frame = data
    elif isinstance(data, Mapping):
        columns = {name: _column(name, values) for name, values in data.items()}
        lengths = {name: len(values) for name, values in columns.items()}
        if len(set(lengths.values())) > 1:
            listed = ", ".join(f"'{name}' {length}" for name, length in lengths.items())
            raise DataError(f"The columns of `data` have different lengths: {listed}.")
        frame = pd.DataFrame(columns)
    else:
        raise DataError(f"`data` must be a pandas DataFrame or a dict of arrays, not {type(data).__name__}.")
    repeated = frame.columns[frame.columns.duplicated()]
    if len(repeated):
        raise DataError(f"The column name {repeated[0]!r} occurs more than once in `data`; rename one.")
    return frame


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
    frame = as_frame(data)
    if len(frame) == 0:
        raise DataError("`data` has no rows.")
    clean = clean_columns(frame, list(formula.columns))
    matrices = _evaluate(formula.common, clean, formula.text)
    if matrices.lhs.shape[1] != 1:
        raise DataError(
            f"The response '{formula.response}' is not one numeric column (it became {list(matrices.lhs.columns)})."
        )
    names = [str(c) for c in matrices.rhs.columns]
    spec = matrices.rhs.model_spec
    group = None
    if formula.group is not None:
        labels = clean_group(frame, formula.group)
        codes, levels = pd.factorize(labels, sort=True)
        group = Grouping(formula.group, pd.Index(levels), codes)
        clean = clean.assign(**{formula.group: labels})
    se_values, se_name = _standard_errors(frame, se)
    design = Design(
        formula=formula,
        frame=clean if se_name is None else clean.assign(**{se_name: se_values}),
        y=_finite(np.ascontiguousarray(matrices.lhs.to_numpy(dtype=float)[:, 0]), formula.response),
        X=_without_intercept(matrices.rhs),
        predictors=tuple(n for n in names if n != "Intercept"),
        group=group,
        se=se_values,
        se_name=se_name,
        spec=spec,
    )
    for k, name in enumerate(design.predictors):
        _finite(design.X[:, k], name)
    return design


def clean_columns(frame: pd.DataFrame, columns: list[str], like: pd.DataFrame | None = None) -> pd.DataFrame:
    """Bring columns to the kinds that the models know: float, int, bool, categorical.

    Parameters
    ----------
    frame : pandas.DataFrame
    columns : list of str
        The columns to take.
    like : pandas.DataFrame, optional
        Cleaned data of the fit; each column must be of the same kind.

    Raises
    ------
    DataError
        If a column is absent, has missing values, or cannot be used; the message names it.
    """
    cleaned = {}
    for name in columns:
        _require(frame, name)
        cleaned[name] = _clean(frame[name], name)
        if like is not None and isinstance(cleaned[name].dtype, pd.CategoricalDtype) != isinstance(
            like[name].dtype, pd.CategoricalDtype
        ):
            raise DataError(
                f"Column '{name}' is {_kind(cleaned[name])} here, but was {_kind(like[name])} when the model was made."
            )
    return pd.DataFrame(cleaned, index=frame.index)


def clean_group(frame: pd.DataFrame, name: str) -> pd.Series:
    """Give the grouping column as labels that compare alike in the fit and in new data.

    Raises
    ------
    DataError
        If it is absent, has missing values, or holds fractions.
    """
    _require(frame, name)
    labels = frame[name]
    _refuse_missing(labels, name)
    if pd.api.types.is_float_dtype(labels.dtype):
        values = labels.to_numpy(dtype=float)
        if not (np.isfinite(values) & (values == np.round(values))).all():
            raise DataError(
                f"Grouping column '{name}' holds fractions (such as {values[values != np.round(values)][0]:g}); "
                "group by a label, an integer or a category."
            )
        return labels.astype("int64")
    if isinstance(labels.dtype, pd.CategoricalDtype):
        return labels.cat.remove_unused_categories()
    if pd.api.types.is_extension_array_dtype(labels.dtype) and pd.api.types.is_integer_dtype(labels.dtype):
        return labels.astype("int64")
    return labels


def positive_numbers(frame: pd.DataFrame, name: str) -> np.ndarray:
    """Give a column of positive finite numbers as floats, shape (N,).

    Raises
    ------
    DataError
        If it is absent, not numeric, has missing values or values that are not positive and finite.
    """
    _require(frame, name)
    column = _clean(frame[name], name)
    if isinstance(column.dtype, pd.CategoricalDtype):
        raise DataError(f"Column '{name}' must be numeric; it is {_kind(column)}.")
    return _positive(column.to_numpy(dtype=float), f"Column '{name}'")


def _standard_errors(frame: pd.DataFrame, se: Any) -> tuple[np.ndarray | None, str | None]:
    if se is None:
        return None, None
    if isinstance(se, str):
        return positive_numbers(frame, se), se
    values = _column("se", se)
    try:
        numeric = np.array(values, dtype=float)
    except (TypeError, ValueError) as err:
        raise DataError("`se` must be a column name or an array of numbers.") from err
    if len(numeric) != len(frame):
        raise DataError(f"`se` has {len(numeric)} values, but `data` has {len(frame)} rows.")
    return _positive(numeric, "`se`"), None


def _positive(values: np.ndarray, what: str) -> np.ndarray:
    bad = ~(np.isfinite(values) & (values > 0))
    if bad.any():
        row = int(np.flatnonzero(bad)[0])
        raise DataError(
            f"{what}: standard errors must be positive and finite; {int(bad.sum())} are not, "
            f"the first in row {row} (value {values[row]:g})."
        )
    return values


def _column(name: Any, values: Any) -> Any:
    if isinstance(values, pd.Series | pd.Index | pd.Categorical | pd.api.extensions.ExtensionArray):
        return values.reset_index(drop=True) if isinstance(values, pd.Series) else values
    array = np.asarray(values)
    if array.ndim != 1:
        raise DataError(f"'{name}' must be one-dimensional; it has shape {array.shape}.")
    return array


def _require(frame: pd.DataFrame, name: str) -> None:
    if name not in frame.columns:
        raise DataError(f"There is no column '{name}' in the data; its columns are: {_listed(frame.columns)}.")


def _listed(names: Any, most: int = 20) -> str:
    shown = ", ".join(f"'{n}'" for n in list(names)[:most])
    return shown if len(names) <= most else f"{shown}, ... ({len(names)} in all)"


def _refuse_missing(column: pd.Series, name: str) -> None:
    missing = int(column.isna().sum())
    if missing:
        raise DataError(
            f"Column '{name}' has {missing} missing {'value' if missing == 1 else 'values'} in {len(column)} rows; "
            f"drop those rows with data.dropna(subset=['{name}']) or fill them in."
        )


def _clean(column: pd.Series, name: str) -> pd.Series:
    _refuse_missing(column, name)
    dtype = column.dtype
    if isinstance(dtype, pd.CategoricalDtype):
        return column.cat.remove_unused_categories()
    if pd.api.types.is_bool_dtype(dtype):
        return column.astype(bool)
    if pd.api.types.is_complex_dtype(dtype):
        raise DataError(f"Column '{name}' holds complex numbers; take their real part or modulus.")
    if pd.api.types.is_integer_dtype(dtype):
        return column.astype("int64")
    if pd.api.types.is_float_dtype(dtype):
        numeric = column.astype(float)
        _finite(numeric.to_numpy(), name)
        return numeric
    if pd.api.types.is_datetime64_any_dtype(dtype) or pd.api.types.is_timedelta64_dtype(dtype):
        raise DataError(f"Column '{name}' holds {dtype}; turn it into numbers first, for example days since a date.")
    kinds = {type(v) for v in column}
    if kinds == {str}:
        return column.astype("category")
    if all(issubclass(k, int | float | np.number) and not issubclass(k, complex | np.complexfloating) for k in kinds):
        return _clean(column.infer_objects().astype(float), name)
    listed = ", ".join(sorted(k.__name__ for k in kinds))
    raise DataError(f"Column '{name}' (dtype {dtype}) mixes or holds values that cannot be used: {listed}.")


def _kind(column: pd.Series) -> str:
    return "categorical" if isinstance(column.dtype, pd.CategoricalDtype) else "numeric"


def _finite(values: np.ndarray, name: str) -> np.ndarray:
    bad = ~np.isfinite(values)
    if bad.any():
        row = int(np.flatnonzero(bad)[0])
        raise DataError(
            f"'{name}' is not finite in {int(bad.sum())} {'row' if bad.sum() == 1 else 'rows'}, "
            f"the first is row {row} (value {values[row]})."
        )
    return values


def _evaluate(spec: Any, frame: pd.DataFrame, text: str) -> Any:
    """Let formulaic evaluate a formula or model spec; nothing of its own reaches the user."""
    try:
        with warnings.catch_warnings(), np.errstate(all="ignore"):
            warnings.simplefilter("ignore")
            warnings.simplefilter("error", DataMismatchWarning)
            # An empty context keeps the caller's variables out of reach: a formula means the same everywhere.
            return spec.get_model_matrix(frame, context={}, na_action="ignore", output="pandas")
    except DataMismatchWarning as err:
        raise DataError(f"{text!r}: a categorical predictor has values that the model has not seen: {err}") from err
    except StanhierError:
        raise
    except FormulaicError as err:
        raise FormulaError(f"{text!r} cannot be evaluated: {plain_words(err)}") from err
    except Exception as err:
        raise FormulaError(f"{text!r} cannot be evaluated: {type(err).__name__}: {plain_words(err)}") from err


def _matrix(spec: ModelSpec, frame: pd.DataFrame, text: str) -> np.ndarray:
    if not spec.column_names:
        return np.empty((len(frame), 0))
    X = _without_intercept(_evaluate(spec, frame, text))
    for k, name in enumerate(n for n in spec.column_names if n != "Intercept"):
        _finite(X[:, k], name)
    return X


def _without_intercept(matrix: pd.DataFrame) -> np.ndarray:
    kept = [c for c in matrix.columns if c != "Intercept"]
    return np.ascontiguousarray(matrix[kept].to_numpy(dtype=float)).reshape(len(matrix), len(kept))
