"""Formula and data frame to a design whose rows are in memory."""

from collections.abc import Mapping
from typing import Any, Literal

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
from stanhier.data.missing import DROP_LEAVES_OUT, LeftOut, checked_missing, complete_rows, refuse_missing
from stanhier.data.row_numbers import (
    column_numbers,
    given_column,
    refuse_calculation,
    refuse_not_counts,
    refuse_not_positive,
    trials_constant,
)
from stanhier.design.absent import refuse_absent
from stanhier.design.columns import Columns, columns_of
from stanhier.design.encoding import evaluate
from stanhier.design.in_memory import InMemoryDesign, RowGrouping
from stanhier.design.response import categories_of, response_of
from stanhier.families.family import Family
from stanhier.families.known import GAUSSIAN
from stanhier.families.noise import RowNoise
from stanhier.formula.parse import ParsedFormula

__all__ = ["build_design"]


def build_design(
    formula: ParsedFormula,
    data: pd.DataFrame | Mapping[str, Any],
    *,
    se: str | Any | None = None,
    weights: str | Any | None = None,
    family: Family = GAUSSIAN,
    offset: str | Any | None = None,
    trials: str | int | Any | None = None,
    missing: str = "error",
) -> InMemoryDesign:
    """Build the design of a model.

    Parameters
    ----------
    formula : ParsedFormula
    data : pandas.DataFrame or mapping of arrays
    se : str or array of shape (N,), optional
        Known standard errors: a column of `data`, or their values.
    weights : str or array of shape (N,), optional
        Precision weights, instead of these.
    family : Family
    offset : str or array of shape (N,), optional
        What is added to the linear predictor.
    trials : str, int or array of shape (N,), optional
        Numbers of trials.
    missing : {"error", "drop"}
        Whether rows with missing values are an error or left out.

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
    drops = checked_missing(missing, "drop")
    names, given = column_names(data), {"se": se, "weights": weights, "offset": offset, "trials": trials}
    for argument, value in given.items():
        refuse_calculation(argument, value, names)
    beside = [name for name in given.values() if isinstance(name, str)]
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
    constant = trials_constant(trials)
    arrays = _arrays({**given, "trials": trials if constant is None else None}, frame, data)
    left_out = None
    if drops:
        frame, arrays, left_out = _complete(frame, wanted, arrays)
    else:
        refuse_missing(frame, wanted, library, beside=arrays, further=DROP_LEAVES_OUT)
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
    sizes = np.full(len(frame), float(constant)) if constant is not None else _numbers("trials", trials, frame, arrays)
    if sizes is not None:
        refuse_not_counts(sizes, f"Column '{trials}'" if isinstance(trials, str) else "`trials`")
    family.check(y, formula.response, sizes)
    shift = _numbers("offset", offset, frame, arrays)
    subtracts = shift is not None and family.link == "identity"
    columns, effects = columns_of(formula, clean)
    _check_own_functions(formula, columns, clean)
    groupings = []
    for one in effects:
        codes, levels = factor_codes(frame, one.factors, library)
        groupings.append(RowGrouping(one.factors, one.effects, one.columns, one.blocks, levels, codes))
    for name in formula.factor_columns:
        clean = _with_column(clean, name, clean_group(frame, name, library))
    noise = _row_noise("se", se, frame, arrays) or _row_noise("weights", weights, frame, arrays)
    in_columns: list[tuple[Any, Any]] = [(offset, shift), (trials, sizes)]
    if noise is not None:
        in_columns.insert(0, (noise.column, noise.values))
    for given_as, values in in_columns:
        clean = _with_column(clean, given_as, values) if isinstance(given_as, str) else clean
    return InMemoryDesign(
        formula=formula,
        frame=clean,
        y=y - shift if shift is not None and subtracts else y,
        columns=columns,
        groupings=tuple(groupings),
        row_noise=noise,
        family=family,
        has_offset=shift is not None,
        offset_name=offset if isinstance(offset, str) else None,
        trials_name=trials if isinstance(trials, str) else None,
        trials_constant=constant,
        categories=categories,
        subtracted=shift if subtracts else None,
        offset=None if subtracts else shift,
        trials=sizes,
        left_out=left_out,
    )


def _arrays(given: Mapping[str, Any], frame: pd.DataFrame, data: Any) -> dict[str, pd.Series]:
    """Give the arguments that came as arrays, as columns with a value for each row."""
    index = frame.index if isinstance(data, pd.DataFrame) else None
    columns = {argument: given_column(argument, value, len(frame), index) for argument, value in given.items()}
    return {argument: column for argument, column in columns.items() if column is not None}


def _complete(
    frame: pd.DataFrame, wanted: list[str], arrays: dict[str, pd.Series]
) -> tuple[pd.DataFrame, dict[str, pd.Series], LeftOut | None]:
    """Leave out the rows with missing values; what is said of them is None where there are none."""
    complete, left_out = complete_rows(frame, wanted, arrays)
    if complete.all():
        return frame, arrays, None
    if not complete.any():
        raise DataError(f"No row is without missing values: {left_out}.")
    return frame.loc[complete, wanted], {name: column[complete] for name, column in arrays.items()}, left_out


def _numbers(argument: str, given: Any, frame: pd.DataFrame, arrays: Mapping[str, pd.Series]) -> np.ndarray | None:
    """Give what an argument says of each row, shape (N,): a column of the data, or values; None where it says nothing.

    Raises
    ------
    DataError
        If these are no finite numbers.
    """
    if argument in arrays:
        return column_numbers(pd.DataFrame({argument: arrays[argument].array}), argument)
    return column_numbers(frame, given) if isinstance(given, str) else None


def _row_noise(
    argument: Literal["se", "weights"], given: Any, frame: pd.DataFrame, arrays: Mapping[str, pd.Series]
) -> RowNoise | None:
    """Give what standard errors or weights say of the rows; None where they are not given."""
    values = _numbers(argument, given, frame, arrays)
    if values is None:
        return None
    noise = RowNoise(argument, given if isinstance(given, str) else None, values)
    refuse_not_positive(values, f"`{argument}`" if noise.column is None else f"Column '{noise.column}'", noise.words)
    return noise


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
