"""Rows of a data frame to predictors, by what formulaic has learnt."""

import re
import warnings
from typing import Any

import numpy as np
import pandas as pd
from formulaic import ModelSpec
from formulaic.errors import DataMismatchWarning, FormulaicError

from stanhier.basics.errors import DataError, FormulaError
from stanhier.basics.likely import nearly_same
from stanhier.basics.words import quoted, shortened, some_of
from stanhier.data.kinds import is_categorical
from stanhier.design.absent import refuse_nul
from stanhier.design.few_values import refuse_few_values
from stanhier.design.sizes import refuse_many_columns
from stanhier.design.whole_columns import refuse_beyond, with_alias_columns
from stanhier.formula.aliases import shown
from stanhier.formula.elementary import ELEMENTARY
from stanhier.formula.formulaic_parts import categories_of, is_column, name_of, python_of
from stanhier.formula.parse import ParsedFormula
from stanhier.formula.reading import plain_words

__all__ = ["evaluate", "learn_spec", "plain_columns", "predictor_names", "without_intercept"]


def predictor_names(spec: ModelSpec) -> tuple[str, ...]:
    """Give the names of the columns of a design, without the intercept.

    Raises
    ------
    DataError
        If two are the same: a column called `a:b` beside the interaction of `a` and `b`; or if a term has none.
    """
    for term, positions in spec.term_indices.items():
        if not positions:
            raise DataError(
                f"Predictor '{shortened(name_of(term))}' has a single category, or no values at all; leave it out of "
                "the formula."
            )
    names = tuple(shown(str(name)) for name in spec.column_names if name != "Intercept")
    if len(set(names)) < len(names):
        twice = next(name for name in names if names.count(name) > 1)
        raise DataError(f"Two predictors would be called '{shortened(twice)}'; rename a column.")
    return names


def plain_columns(spec: ModelSpec, frame: pd.DataFrame) -> list[np.ndarray] | None:
    """Give the columns of one side of a formula where each is just a numeric column of the frame; None otherwise."""
    columns = []
    for name, term in zip(spec.column_names, spec.terms, strict=False):
        if name == "Intercept":
            continue
        if not is_column(term) or name != str(term) or name not in frame.columns:
            return None
        column = frame[name]
        if column.dtype.kind not in "iufb":
            return None
        columns.append(column.to_numpy())
    return columns if len(spec.column_names) == len(spec.terms) else None


def learn_spec(side: Any, frame: pd.DataFrame, formula: ParsedFormula, *, are_all: bool = True) -> ModelSpec:
    """Let formulaic learn from rows how one side of a formula is encoded.

    Parameters
    ----------
    side : formulaic.SimpleFormula
        The left or the right of `formula.common`.
    frame : pandas.DataFrame
        Cleaned columns; one row is enough where each expression works row by row.
    formula : ParsedFormula
    are_all : bool
        Whether the rows are those of the user, and not examples of them.

    Raises
    ------
    DataError
        If it would have more columns than can be estimated.
    FormulaError
        If it cannot be evaluated.
    """
    for name, column in frame.items():
        if is_categorical(column):
            refuse_nul(column.cat.categories, str(name))
    refuse_many_columns(side, frame, formula)
    if are_all and not formula.is_row_by_row:
        refuse_few_values(python_of(side), with_alias_columns(frame, formula), formula)
    spec: ModelSpec = evaluate(side, frame, formula, are_all=are_all).model_spec
    return spec


def evaluate(spec: Any, frame: pd.DataFrame, formula: ParsedFormula, *, are_all: bool = True) -> Any:
    """Let formulaic evaluate a formula or model spec; nothing of its own reaches the user.

    The rows are all that there are, or else a block of them: their numbers mean nothing to the user then.
    """
    seen = with_alias_columns(frame, formula)
    refuse_beyond(spec, seen, formula, are_all=are_all)
    said = quoted(formula.text)
    try:
        with warnings.catch_warnings(), np.errstate(all="ignore"):
            warnings.simplefilter("ignore")
            warnings.simplefilter("error", DataMismatchWarning)
            # The caller's variables are out of reach: a formula means the same everywhere.
            # A function of the user's own gets a copy, which it may change.
            matrix = spec.get_model_matrix(
                seen.copy() if formula.context else seen,
                context={**ELEMENTARY, **formula.context},
                na_action="ignore",
                output="pandas",
            )
    except DataMismatchWarning as err:
        unseen = re.search(r"\{(.*)\}", re.sub(r"np\.\w+\(([^()]*)\)", r"\1", str(err)), re.DOTALL)
        if not isinstance(spec, ModelSpec):
            raise FormulaError(
                f"{said}: a column has values that are not among the levels that C(...) is given"
                f"{'' if unseen is None else f': {shortened(unseen[1])}'}; give it all levels, or leave such rows out."
            ) from None
        which, levels = _with_unseen(spec, seen, str(err))
        raise DataError(
            f"{said}: {which} has values that the model has not seen"
            f"{'' if unseen is None else f': {shortened(unseen[1])}'}{levels}; leave such rows out, or fit the model "
            "again with some."
        ) from None
    except FormulaicError as err:
        # What a function of the user's own raised has a traceback that tells more.
        own = err.__cause__ if formula.context else None
        raise FormulaError(f"{said} cannot be evaluated: {plain_words(err)}") from own
    except Exception as err:  # noqa: BLE001 - a formula that fits no data makes formulaic stumble in many ways
        if isinstance(err, TypeError) and "string" in str(err):
            raise FormulaError(
                f"{said} cannot be evaluated: a call in it gives text; write C(...) around it, which makes categories."
            ) from None
        raise FormulaError(f"{said} cannot be evaluated: {type(err).__name__}: {plain_words(err)}") from None
    for name, column in matrix.items():
        if column.dtype.kind not in "iufb":
            raise FormulaError(
                f"{said}: '{shortened(shown(str(name)))}' must be real numbers; it became {column.dtype}."
            )
    if len(matrix) != len(frame):
        raise FormulaError(f"{said} gives {len(matrix)} rows for {len(frame)} rows of data.")
    return matrix


def _with_unseen(spec: ModelSpec, seen: pd.DataFrame, warned: str) -> tuple[str, str]:
    """Say which categorical predictor has the values that formulaic warns of, and which levels it knows."""
    for expression, names, known in categories_of(spec):
        columns = [name for name in names if name in seen.columns]
        if len(columns) != 1:
            continue
        new = [value for value in seen[columns[0]].unique() if value not in known]
        # What formulaic names is of another predictor where these are not among it.
        if new and all(repr(value) in warned or str(value) in warned for value in new):
            own = np.asarray(known, dtype=object).tolist()
            levels = f"; its levels are {some_of([quoted(level, 60) for level in own], 10)}{nearly_same(new, own)}"
            return f"the categorical predictor '{shortened(shown(expression))}'", levels
    return "a categorical predictor", ""


def without_intercept(matrix: pd.DataFrame) -> np.ndarray:
    """Give the columns of a matrix of formulaic's but the constant one, shape (N, K)."""
    kept = [c for c in matrix.columns if c != "Intercept"]
    return np.ascontiguousarray(matrix[kept].to_numpy(dtype=float)).reshape(len(matrix), len(kept))
