"""Formula and data frame to a design whose rows are in memory."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

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
from stanhier.data.row_numbers import given_numbers, refuse_calculation, refuse_not_counts, trials_constant
from stanhier.data.standard_errors import error_array, positive_numbers
from stanhier.design.absent import refuse_absent
from stanhier.design.columns import Columns, columns_of
from stanhier.design.encoding import evaluate
from stanhier.design.in_memory import InMemoryDesign, RowGrouping
from stanhier.design.response import categories_of, response_of
from stanhier.families.family import Family
from stanhier.families.known import GAUSSIAN
from stanhier.formula.parse import ParsedFormula

__all__ = ["build_design"]


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
    names = column_names(data)
    for argument, value in {"se": se, "offset": offset, "trials": trials}.items():
        refuse_calculation(argument, value, names)
    beside = [name for name in (se, offset, trials) if isinstance(name, str)]
    wanted = list(dict.fromkeys([*formula.columns, *formula.factor_columns, *beside]))
    refuse_absent(wanted, names, formula, "the data")
    frame = as_frame(data, wanted)
    if len(frame) == 0:
        raise DataError("`data` has no rows.")
    for name in formula.context:
        if name in frame.columns:
            raise DataError(f"Column '{name}' has the name of a function in `context`; rename one of them.")
    library = library_of(data)
    response = frozenset([] if formula.response_column is None else [formula.response_column])
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
