"""How many columns a design would have, counted from the formula and the levels of the data before any is made."""

from itertools import combinations
from math import prod
from typing import Any

import pandas as pd

from stanhier.basics.errors import DataError
from stanhier.basics.words import in_formula, quoted, shortened
from stanhier.data.kinds import is_categorical
from stanhier.formula.aliases import alias_of, shown
from stanhier.formula.expressions import Expression
from stanhier.formula.formulaic_parts import columns_of_terms, evaluate_expression
from stanhier.formula.parse import ParsedFormula

__all__ = ["MOST_COLUMNS", "group_instead", "refuse_many_columns"]

MOST_COLUMNS = 800
"""Columns at most that a formula makes of others: levels, splines, interactions.

The cost grows with their cube, and the search for the mode of the scales pays for a Cholesky factor up to some eighty
times: with 2,000 rows in groups a model of 800 columns is made in 2 to 3 seconds of one processor. Other engines than
the Gaussian one take longer.
"""

_MOST_CELLS = 250_000_000
_MOST_CATEGORIES = 7


def refuse_many_columns(side: Any, frame: pd.DataFrame, formula: ParsedFormula) -> None:
    """Refuse a side of a formula that makes too many columns.

    Columns of numbers that stand by themselves are not counted: the data have them already.

    Parameters
    ----------
    side : formulaic.SimpleFormula
    frame : pandas.DataFrame
        Cleaned columns, at least one row; categories with their levels.
    formula : ParsedFormula

    Raises
    ------
    DataError
        If there would be more than `MOST_COLUMNS`, or more numbers than fit into memory.
    """
    sizes: dict[str, tuple[int, bool]] = {}
    spanned: set[tuple[frozenset[str], frozenset[str]]] = set()
    total, widest, most = 0, "", 0
    for factors in columns_of_terms(side):
        if not factors:
            spanned.add((frozenset(), frozenset()))
            continue
        for text, is_python in factors:
            if text not in sizes:
                parts = formula.expressions[text] if is_python else None
                sizes[text] = _column(frame[text]) if parts is None else _expression(parts, frame, formula)
        numeric = frozenset(text for text, _ in factors if not sizes[text][1])
        categorical = [text for text, _ in factors if sizes[text][1]]
        if len(categorical) > _MOST_CATEGORIES:
            raise DataError(
                f"{quoted(formula.text)}: an interaction of {len(categorical)} categories, more than "
                f"{_MOST_CATEGORIES}, cannot be estimated; cross fewer of them."
            )
        if len(factors) == 1 and len(numeric) == 1 and sizes[factors[0][0]][0] == 1 and not factors[0][1]:
            continue
        here = _new_columns(numeric, categorical, sizes, spanned)
        total += here
        if here > most:
            most, widest = here, ":".join(text for text, _ in factors)
        if total > MOST_COLUMNS or total * len(frame) > _MOST_CELLS:
            _refuse(total, widest, sizes, frame, formula)


def _new_columns(
    numeric: frozenset[str],
    categorical: list[str],
    sizes: dict[str, tuple[int, bool]],
    spanned: set[tuple[frozenset[str], frozenset[str]]],
) -> int:
    """Count what a term adds to the terms before it: each set of its categories, less one level each, once."""
    count = 0
    for size in range(len(categorical) + 1):
        for some in combinations(categorical, size):
            key = (numeric, frozenset(some))
            if key not in spanned:
                spanned.add(key)
                count += prod(max(sizes[name][0] - 1, 1) for name in some)
    return count * prod(sizes[name][0] for name in numeric)


def _column(column: pd.Series) -> tuple[int, bool]:
    """Give the levels of a column, or 1 for numbers, and whether it has levels."""
    return (len(column.cat.categories), True) if is_categorical(column) else (1, False)


def _expression(parts: Expression, frame: pd.DataFrame, formula: ParsedFormula) -> tuple[int, bool]:
    """Give how many levels or columns an expression has, at most, and whether they are levels."""
    if parts.categories:
        levels = max(_levels(argument, frame, formula) for argument in parts.categories)
        return max(levels, parts.n_constants), True
    passed_on = [_column(frame[name])[0] for name in parts.columns if is_categorical(frame[name])]
    return (max(passed_on), True) if passed_on else (parts.width, False)


def _levels(argument: str, frame: pd.DataFrame, formula: ParsedFormula) -> int:
    columns = {alias_of(str(name)): column for name, column in frame.items()}
    column = columns.get(argument)
    if column is not None and is_categorical(column):
        return len(column.cat.categories)
    if column is None:
        try:
            column = evaluate_expression(argument, columns, formula.context, frame.index)
        except Exception:  # noqa: BLE001 - formulaic meets the same, and says what it is
            return 1
    return int(column.nunique())


def group_instead(column: str, n_levels: int) -> str:
    """Say that a column of many levels is meant as a grouping term."""
    name = shortened(in_formula(column), 60)
    return (
        f"{quoted(column, 60)} has {n_levels:,} levels; as a grouping term, (1 | {name}), it costs one number a row "
        "instead of a column for each level, and levels with few rows borrow from the others"
    )


def _refuse(
    total: int, widest: str, sizes: dict[str, tuple[int, bool]], frame: pd.DataFrame, formula: ParsedFormula
) -> None:
    named = [f"{shortened(shown(name), 60)} has {size:,}" for name, (size, _) in sizes.items() if size > 1]
    counts = f" ({', '.join(named[:5])})" if named else ""
    what = f"at least {total:,} columns, and {MOST_COLUMNS:,} are the most"
    if total <= MOST_COLUMNS:
        what = f"{total:,} columns of {len(frame):,} rows all at once, which do not fit into memory"
    raise DataError(
        f"{quoted(formula.text)} makes {what}{counts}; most of them come from '{shortened(shown(widest))}'. "
        f"{_remedy(sizes, formula)}; or multiply fewer."
    )


def _remedy(sizes: dict[str, tuple[int, bool]], formula: ParsedFormula) -> str:
    """Say what to write for the column that has most levels."""
    levels = {name: size for name, (size, is_labels) in sizes.items() if is_labels}
    if levels:
        name, size = max(levels.items(), key=lambda one: one[1])
        columns = formula.expressions[name].columns if name in formula.expressions else {name}
        if len(columns) == 1 and size > 1:
            (column,) = columns
            return group_instead(column, size)
    return "Use a column of many levels as a grouping term, (1 | g), or as a number, instead of as categories"
