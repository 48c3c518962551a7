"""Bases of several columns beside the values they are made of: too few of these, or knots where there are none."""

import ast
from typing import Any

import numpy as np
import pandas as pd

from stanhier.basics.errors import DataError
from stanhier.basics.words import quoted, shortened
from stanhier.formula.aliases import shown
from stanhier.formula.bases import BASES, arguments_of, folded
from stanhier.formula.formulaic_parts import call_text, evaluate_expression
from stanhier.formula.parse import ParsedFormula

__all__ = ["refuse_few_values"]

_SAME = 1e-10
"""Values closer to each other than this part of their range are one for a basis."""


def refuse_few_values(expressions: tuple[str, ...], frame: pd.DataFrame, formula: ParsedFormula) -> None:
    """Refuse bases that the values of a column do not determine.

    A polynomial through all values has norm 0, so that orthogonal ones of that degree and beyond are rounding errors,
    which grow without bounds between the values.

    Parameters
    ----------
    expressions : tuple of str
        Python expressions of one side of the formula.
    frame : pandas.DataFrame
        All rows, also by their names for Python.
    formula : ParsedFormula

    Raises
    ------
    DataError
        If a basis has more columns than its argument has different values, or a knot of `bs` lies outside of these.
    """
    columns = {str(name): values for name, values in frame.items()}
    for expression in expressions:
        for node in ast.walk(ast.parse(expression, mode="eval")):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in BASES:
                given = arguments_of(node.func.id, node)
                values = _values(given, columns, formula, frame.index)
                if values is not None:
                    _refuse_knots_outside(node, given, values, formula)
                    _refuse_few(node, given, values, formula)


def _values(
    given: dict[str, ast.expr], columns: dict[str, Any], formula: ParsedFormula, index: pd.Index
) -> np.ndarray | None:
    """Give the finite values that a basis is made of, sorted; None where formulaic will say what is wrong with them."""
    if "x" not in given:
        return None
    try:
        series = evaluate_expression(ast.unparse(given["x"]), columns, formula.context, index)
        values = np.unique(series.to_numpy(dtype=float))
    except Exception:  # noqa: BLE001 - formulaic meets the same, and says what it is
        return None
    values = values[np.isfinite(values)]
    return values if len(values) else None


def _refuse_few(node: ast.Call, given: dict[str, ast.expr], values: np.ndarray, formula: ParsedFormula) -> None:
    if {"knots", "lower_bound", "upper_bound"} <= given.keys():
        return  # all that it is stands in the formula, and nothing is learnt from the values
    name = ast.unparse(node.func)
    needed = _needed(name, given)
    n_different = 1 + int(np.sum(np.diff(values) > _SAME * (values[-1] - values[0])))
    if n_different >= needed:
        return
    what = shortened(shown(ast.unparse(given["x"])))
    option = "degree" if name == "poly" else "df"
    remedy = f"Give it a lower {option}" if "knots" not in given else "Give it fewer knots"
    raise DataError(
        f"{quoted(formula.text)}: '{shortened(shown(call_text(node)))}': {name} needs more than {needed - 1} different "
        f"values of {what}; it has {n_different}. {remedy}, or write C({what}) for an effect of each value."
    )


def _needed(name: str, given: dict[str, ast.expr]) -> int:
    """Count the dimensions of a basis together with the constant, each of which takes a value of its own."""
    size = {argument: _number(given.get(argument)) for argument in ("degree", "df")}
    knots = _knots(given)
    if name == "poly":
        raw = given.get("raw")
        is_raw = isinstance(raw, ast.Constant) and raw.value is True
        return 0 if is_raw else int(size["degree"] or 1) + 1
    if name == "bs":
        with_constant = given.get("include_intercept")
        spans = isinstance(with_constant, ast.Constant) and with_constant.value is True
        degree = 3 if size["degree"] is None else size["degree"]
        return int(size["df"] + (not spans) if size["df"] else len(knots) + degree + 1)
    constraints = given.get("constraints")
    free = constraints is None or (isinstance(constraints, ast.Constant) and constraints.value is None)
    return int(size["df"] + (not free) if size["df"] else len(knots) + (1 if name == "cc" else 2))


def _refuse_knots_outside(
    node: ast.Call, given: dict[str, ast.expr], values: np.ndarray, formula: ParsedFormula
) -> None:
    if ast.unparse(node.func) != "bs":
        return
    lower, upper = (_number(given.get(side)) for side in ("lower_bound", "upper_bound"))
    first, last = float(values[0]), float(values[-1])
    outside = [
        knot
        for knot in _knots(given)
        if not (first if lower is None else lower) <= knot <= (last if upper is None else upper)
    ]
    if outside:
        raise DataError(
            f"{quoted(formula.text)}: '{shortened(shown(call_text(node)))}': the knot {outside[0]:g} lies outside the "
            f"data, which go from {first:g} to {last:g}, or outside of lower_bound and upper_bound where these are "
            "given; give knots between them, or bounds beyond."
        )


def _knots(given: dict[str, ast.expr]) -> list[float]:
    node = given.get("knots")
    numbers = [_number(part) for part in node.elts] if isinstance(node, ast.List | ast.Tuple) else []
    return [number for number in numbers if number is not None]


def _number(node: ast.expr | None) -> float | None:
    return None if node is None else folded(node)
