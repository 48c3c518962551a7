"""The left-hand side of a formula: a number for each row, or one of two categories."""

from typing import Any

import numpy as np
import pandas as pd

from stanhier.basics.errors import DataError
from stanhier.basics.words import listed, quoted
from stanhier.data.kinds import is_categorical, refuse_infinite
from stanhier.design.encoding import evaluate
from stanhier.families.family import Family
from stanhier.formula.parse import ParsedFormula

__all__ = ["categories_of", "events", "response_of"]


def response_of(formula: ParsedFormula, frame: pd.DataFrame, categories: tuple[Any, Any] | None) -> np.ndarray:
    """Evaluate the left-hand side, shape (N,).

    Parameters
    ----------
    formula : ParsedFormula
    frame : pandas.DataFrame
        Cleaned columns.
    categories : (object, object) or None
        As `categories_of` gives them.

    Raises
    ------
    DataError
        If it is not one column of finite numbers, or of two categories.
    """
    if categories is not None:
        assert formula.response_column is not None
        return events(frame[formula.response_column], categories, formula.response)
    if formula.response_column is not None and frame[formula.response_column].dtype.kind == "f":
        return frame[formula.response_column].to_numpy()
    matrix = evaluate(formula.common.lhs, frame, formula)
    if matrix.shape[1] != 1 or (formula.response_column is not None and is_categorical(frame[formula.response_column])):
        raise DataError(
            f"The response '{formula.response}' is not one numeric column; categories and several columns cannot be "
            f"modelled (it became {', '.join(map(str, matrix.columns[:5]))}). Two categories are of "
            'family="bernoulli".'
        )
    return refuse_infinite(np.ascontiguousarray(matrix.to_numpy(dtype=float)[:, 0]), formula.response)


def categories_of(formula: ParsedFormula, frame: pd.DataFrame, family: Family) -> tuple[Any, Any] | None:
    """Give the two categories of a response that is no number, sorted; None where it is one, or calculated.

    Raises
    ------
    DataError
        If there are more than two, or one alone.
    """
    column = None if formula.response_column is None else frame[formula.response_column]
    if column is None or not family.takes_categories or not is_categorical(column):
        return None
    names = list(column.cat.categories)
    if len(names) == 2:
        return names[0], names[1]
    if len(names) == 1:
        raise DataError(
            f"The response '{formula.response}' has the one category {quoted(names[0])}, which does not tell whether "
            "it is the event; give numbers, 1 for the event and 0 for its absence."
        )
    raise DataError(
        f"The response '{formula.response}' has {len(names):,} categories ({listed(names, 5)}), and "
        f'family="{family.name}" takes two; put them together into two, as in {formula.response} == {names[-1]!r}.'
    )


def events(column: pd.Series, categories: tuple[Any, Any], name: str) -> np.ndarray:
    """Give 1 for the second category and 0 for the first, shape (N,).

    Raises
    ------
    DataError
        If there is another one.
    """
    labels = column.astype(object)
    is_event = (labels == categories[1]).to_numpy(dtype=bool)
    other = ~is_event & (labels != categories[0]).to_numpy(dtype=bool)
    if other.any():
        row = int(np.flatnonzero(other)[0])
        raise DataError(
            f"The response '{name}' is {quoted(labels.iloc[row])} in row {row}; the model knows {categories[0]!r} and "
            f"{categories[1]!r}."
        )
    return np.asarray(is_event, dtype=float)
