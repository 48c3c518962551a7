"""Python inside formulas, such as `log(x)`: read as a syntax tree, checked against a closed list, never trusted.

A formula may come from a stranger, and formulaic evaluates the Python in it. So only columns, numbers, text options,
arithmetic, comparisons and the functions listed here get through; everything else is refused before it is evaluated.
"""

import ast
import re

from stanhier.errors import FormulaError

__all__ = ["FUNCTIONS", "NUMPY_FUNCTIONS", "columns_of", "is_row_by_row"]

FUNCTIONS = frozenset(
    "C I Treatment Poly Sum Helmert Diff bs cc center cr cs exp exp10 exp2 log log10 log2 poly scale "
    "standardize".split()
)
"""Functions that a formula may call by name: formulaic's transforms and contrasts."""

NUMPY_FUNCTIONS = frozenset(
    "abs arcsinh cbrt ceil cos cosh exp exp2 expm1 floor hypot log log10 log1p log2 maximum minimum power rint sign "
    "sin sinh sqrt square tan tanh where".split()
)
"""Functions that a formula may call as `np.name`; all of them work row by row."""

ROW_BY_ROW = frozenset("I exp exp10 exp2 log log10 log2".split())
"""Those of `FUNCTIONS` whose value in a row depends on that row alone."""

CONTRASTS = frozenset("treatment sum helmert diff poly custom".split())

_ARITHMETIC = (ast.Add, ast.Sub, ast.Mult, ast.Div, ast.FloorDiv, ast.Mod, ast.Pow, ast.UAdd, ast.USub)
_COMPARISONS = (ast.Eq, ast.NotEq, ast.Lt, ast.LtE, ast.Gt, ast.GtE)
_GREATEST_POWER = 100
_LONGEST = 1000


def columns_of(expression: str, formula: str) -> set[str]:
    """Find the columns in a Python expression of a formula, and refuse what a formula may not do.

    Parameters
    ----------
    expression : str
        One factor, for example "log(`my column`)".
    formula : str
        The whole formula, for messages.

    Returns
    -------
    set of str

    Raises
    ------
    FormulaError
        If the expression is not Python, or holds anything but columns, numbers, text options, arithmetic, comparisons
        and calls of the functions listed in this module.
    """
    if len(expression) > _LONGEST:
        raise FormulaError(f"An expression of {len(expression)} characters is too long for a formula; make a column.")
    quoted: dict[str, str] = {}

    def alias(match: re.Match[str]) -> str:
        name = f"_quoted_{len(quoted)}_"
        quoted[name] = match[1]
        return name

    source = re.sub(r"`([^`]+)`", alias, expression)
    try:
        tree = ast.parse(source, mode="eval").body
    except (SyntaxError, ValueError, RecursionError) as err:
        raise FormulaError(f"{formula!r}: {expression!r} is not an expression: {err}.") from err
    columns: set[str] = set()
    try:
        _check(tree, columns)
    except _RefusedError as err:
        raise FormulaError(
            f"{formula!r}: {expression!r} {err}. A formula may use columns, numbers, arithmetic, comparisons, and the "
            f"functions {', '.join(sorted(FUNCTIONS))}, np.log, np.sqrt and the like; make a column for anything else."
        ) from err
    return {quoted.get(name, name) for name in columns}


def is_row_by_row(expression: str) -> bool:
    """Tell whether an expression that `columns_of` lets through needs no more than a row to know its value there."""
    tree = ast.parse(re.sub(r"`[^`]+`", "_quoted_", expression), mode="eval")
    called = [node.func for node in ast.walk(tree) if isinstance(node, ast.Call)]
    return all(isinstance(f, ast.Attribute) or (isinstance(f, ast.Name) and f.id in ROW_BY_ROW) for f in called)


class _RefusedError(Exception):
    """Part of a message: what in the expression is not allowed."""


def _check(node: ast.expr, columns: set[str]) -> None:
    match node:
        case ast.Name():
            if node.id.startswith("__"):
                raise _RefusedError(f"uses {node.id!r}, which no formula may")
            columns.add(node.id)
        case ast.Constant():
            if not isinstance(node.value, int | float | str | type(None)):
                raise _RefusedError(f"holds {node.value!r}, which is no number or text")
        case ast.BinOp():
            _check_arithmetic(node, columns)
        case ast.UnaryOp(op=ast.UAdd() | ast.USub()):
            _check_operand(node.operand, columns)
        case ast.Compare():
            if not all(isinstance(op, _COMPARISONS) for op in node.ops):
                raise _RefusedError("compares by other than ==, !=, <, <=, > or >=")
            for part in (node.left, *node.comparators):
                _check(part, columns)
        case ast.List() | ast.Tuple():
            for part in node.elts:
                _check(part, columns)
        case ast.Call():
            _check_function(node.func)
            for part in (*node.args, *(keyword.value for keyword in node.keywords)):
                _check(part, columns)
            if any(keyword.arg is None for keyword in node.keywords):
                raise _RefusedError("unpacks arguments with **")
        case ast.Attribute():
            raise _RefusedError(f"takes the attribute '.{node.attr}'")
        case _:
            raise _RefusedError(f"holds Python that no formula may ({type(node).__name__})")


def _check_arithmetic(node: ast.BinOp, columns: set[str]) -> None:
    if not isinstance(node.op, _ARITHMETIC):
        raise _RefusedError(f"uses the operator {type(node.op).__name__}")
    _check_operand(node.left, columns)
    _check_operand(node.right, columns)
    if isinstance(node.op, ast.Pow):
        # Whole-number powers of constants could take for ever.
        power = node.right.operand if isinstance(node.right, ast.UnaryOp) else node.right
        if not isinstance(power, ast.Constant) or not isinstance(power.value, int | float):
            raise _RefusedError("raises to a power that is not a number")
        if abs(power.value) > _GREATEST_POWER:
            raise _RefusedError(f"raises to the power {power.value}")
        if not any(isinstance(part, ast.Name) for part in ast.walk(node.left)):
            raise _RefusedError("raises a number to a power: write the result")


def _check_operand(node: ast.expr, columns: set[str]) -> None:
    if isinstance(node, ast.Constant) and not isinstance(node.value, int | float):
        raise _RefusedError(f"calculates with {node.value!r}")
    if isinstance(node, ast.List | ast.Tuple):
        raise _RefusedError("calculates with a list")
    _check(node, columns)


def _check_function(node: ast.expr) -> None:
    match node:
        case ast.Name() if node.id in FUNCTIONS:
            return
        case ast.Attribute(value=ast.Name(id="np")) if node.attr in NUMPY_FUNCTIONS:
            return
        case ast.Attribute(value=ast.Name(id="contr")) if node.attr in CONTRASTS:
            return
    raise _RefusedError(f"calls {ast.unparse(node)!r}, which is not among the functions that it may")
