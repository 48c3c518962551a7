"""Calls that make several columns: how many, known from the text alone, before anything is calculated."""

import ast
from typing import Any

from stanhier.basics.words import quoted
from stanhier.formula.aliases import shown
from stanhier.formula.habits import advice_for_name

__all__ = ["BASES", "RefusedError", "arguments_of", "folded", "width_of"]

BASES = {
    "poly": ("x", "degree", "raw"),
    "bs": (
        "x",
        "df",
        "knots",
        "degree",
        "include_intercept",
        "lower_bound",
        "upper_bound",
        "extrapolation",
    ),
    **dict.fromkeys(
        ("cc", "cr", "cs"),
        ("x", "df", "knots", "lower_bound", "upper_bound", "constraints", "cyclic", "extrapolation"),
    ),
}
"""Functions that make several columns of one, and their arguments in order."""

_GREATEST = 100
_LARGEST = 1e15


class RefusedError(Exception):
    """Part of a message: what in an expression is not allowed."""


def arguments_of(name: str, node: ast.Call) -> dict[str, ast.expr]:
    """Give the arguments of a call of one of `BASES` by their names, wherever they stand."""
    by_place = dict(zip(BASES[name], node.args, strict=False))
    return by_place | {str(keyword.arg): keyword.value for keyword in node.keywords}


def width_of(name: str, node: ast.Call) -> int:
    """Count the columns that a call of `poly`, `bs`, `cc`, `cr` or `cs` makes, at most.

    Parameters
    ----------
    name : str
        Of the function.
    node : ast.Call

    Raises
    ------
    RefusedError
        If it makes more than a hundred, or as many as a column says.
    """
    given = arguments_of(name, node)
    for argument, value in given.items():
        column = next((part.id for part in _names(value) if isinstance(part, ast.Name) and part.id != "np"), None)
        if column is not None and argument != "x":
            advice = advice_for_name(column) or "it takes numbers and texts as they are"
            raise RefusedError(f"gives {name} the column {quoted(shown(column))} for '{argument}': {advice}")
    sizes = {argument: _size(name, argument, given.get(argument)) for argument in ("degree", "df")}
    knots = _number_of_knots(name, given.get("knots"))
    if name in ("cr", "cs") and sizes["df"] is not None:
        least = 3 if "constraints" not in given else 2
        if sizes["df"] < least:
            raise RefusedError(
                f"gives {name} {sizes['df']} for 'df', which must be at least {least}: with fewer there is no knot "
                "between the ends, and a straight line is the column itself"
            )
    if name == "poly":
        return max(sizes["degree"] or 1, 1)
    return max(sizes["df"] or 0, knots) + (sizes["degree"] or 3) + 1


def folded(node: ast.expr) -> Any:
    """Calculate with the numbers of an expression, None if there is anything else in it.

    Raises
    ------
    RefusedError
        If a number in it is too large, or divided by zero.
    """
    match node:
        case ast.Constant(value=bool() | int() | float() as number):
            return _bounded(number)
        case ast.UnaryOp(op=ast.UAdd() | ast.USub(), operand=operand):
            number = folded(operand)
            return None if number is None else -number if isinstance(node.op, ast.USub) else number
        case ast.Call(func=ast.Name(id="I"), args=[inner], keywords=[]):
            return folded(inner)
        case ast.BinOp():
            left, right = folded(node.left), folded(node.right)
            return None if left is None or right is None else _bounded(_calculated(node.op, left, right))
    return None


def _names(node: ast.expr) -> list[ast.AST]:
    called = {id(call.func) for call in ast.walk(node) if isinstance(call, ast.Call)}
    return [part for part in ast.walk(node) if id(part) not in called]


def _calculated(op: ast.operator, left: float, right: float) -> Any:
    try:
        match op:
            case ast.Add():
                return left + right
            case ast.Sub():
                return left - right
            case ast.Mult():
                return left * right
            case ast.Div():
                return left / right
            case ast.FloorDiv():
                return left // right
            case ast.Mod():
                return left % right
    except ArithmeticError as err:
        raise RefusedError(f"cannot be calculated ({err})") from None
    return None


def _bounded(number: float | None) -> float | None:
    if number is not None and abs(number) > _LARGEST:
        raise RefusedError(f"holds a number of more than {_LARGEST:g}")
    return number


def _size(name: str, argument: str, node: ast.expr | None) -> int | None:
    if node is None or (isinstance(node, ast.Constant) and node.value is None):
        return None
    number = folded(node)
    if number is None:
        raise RefusedError(f"must give {name} a number for '{argument}', such as {argument}=4")
    if isinstance(number, bool):
        raise RefusedError(f"gives {name} {number} for '{argument}', which must be a whole number, such as 4")
    if abs(number) > _GREATEST:
        raise RefusedError(f"asks {name} for {number:g} columns, which is too many: at most {_GREATEST}")
    if number != int(number) or number < (1 if name == "poly" else 0):
        raise RefusedError(f"gives {name} {number:g} for '{argument}', which must be a whole number, such as 4")
    return int(number)


def _number_of_knots(name: str, node: ast.expr | None) -> int:
    number = 0 if node is None else sum(isinstance(part, ast.Constant) for part in ast.walk(node))
    if number > _GREATEST:
        raise RefusedError(f"gives {name} {number} knots, which is too many: at most {_GREATEST}")
    return number
