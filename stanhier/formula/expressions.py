"""Python inside formulas, such as `log(x)`: read as a syntax tree, checked against a closed list, never trusted.

A formula may come from a stranger, and formulaic evaluates the Python in it. So only columns, numbers, text options,
arithmetic, comparisons and the functions listed here get through; everything else is refused before it is evaluated.
"""

import ast
import keyword
import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from formulaic.transforms import TRANSFORMS
from formulaic.utils.code import sanitize_variable_names

from stanhier.basics.errors import FormulaError

__all__ = ["FUNCTIONS", "NUMPY_FUNCTIONS", "Expression", "checked_context", "read_expression"]

FUNCTIONS = frozenset(
    "C I Treatment Poly Sum Helmert Diff bs cc center cr cs exp exp2 log log10 log2 poly scale standardize".split()
)
"""Functions that a formula may call by name: formulaic's transforms and contrasts."""

NUMPY_FUNCTIONS = frozenset(
    "abs arcsinh cbrt ceil cos cosh exp exp2 expm1 floor hypot log log10 log1p log2 maximum minimum power rint sign "
    "sin sinh sqrt square tan tanh where".split()
)
"""Functions that a formula may call as `np.name`; all of them work row by row."""

ROW_BY_ROW = frozenset("I exp exp2 log log10 log2".split())
"""Those of `FUNCTIONS` whose value in a row depends on that row alone."""

CONTRASTS = frozenset("treatment sum helmert diff poly custom".split())

_ARITHMETIC = (ast.Add, ast.Sub, ast.Mult, ast.Div, ast.FloorDiv, ast.Mod, ast.Pow, ast.UAdd, ast.USub)
_COMPARISONS = (ast.Eq, ast.NotEq, ast.Lt, ast.LtE, ast.Gt, ast.GtE)
_GREATEST_POWER = 100
_LONGEST = 1000
_BASES = frozenset("bs cc cr cs poly".split())
_GREATEST_BASIS = 100


@dataclass(frozen=True)
class Expression:
    """What an expression that a formula may hold is made of.

    Attributes
    ----------
    columns : frozenset of str
        Columns that it uses.
    labels : frozenset of str
        Those of them that stand in `C(...)`, so that their values are labels and not numbers.
    functions : frozenset of str
        Names that it calls: `log`, `np` for `np.log`, or a function of the user's own.
    """

    columns: frozenset[str]
    labels: frozenset[str]
    functions: frozenset[str]

    @property
    def is_row_by_row(self) -> bool:
        """Whether a row of the data is enough to know the value there."""
        return self.functions <= ROW_BY_ROW | {"np"}


def read_expression(expression: str, formula: str, own: Mapping[str, Any] | None = None) -> Expression:
    """Read a Python expression of a formula, and refuse what a formula may not do.

    Parameters
    ----------
    expression : str
        One factor, for example "log(`my column`)".
    formula : str
        The whole formula, for messages.
    own : mapping, optional
        The user's own functions, by name.

    Returns
    -------
    Expression

    Raises
    ------
    FormulaError
        If the expression is not Python, or holds anything but columns, numbers, text options, arithmetic, comparisons
        and calls of the functions listed in this module and of the user's own.
    """
    if len(expression) > _LONGEST:
        raise FormulaError(f"An expression of {len(expression)} characters is too long for a formula; make a column.")
    aliases: dict[str, str] = {}
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", SyntaxWarning)
            # Backticks and quotation marks nest in formulaic's own way: what is checked must be what it evaluates.
            tree = ast.parse(sanitize_variable_names(expression, {}, aliases), mode="eval").body
    except (SyntaxError, ValueError, IndexError, MemoryError, RecursionError) as err:
        raise FormulaError(f"{formula!r}: {expression!r} is not an expression: {err}.") from err
    own_names = frozenset(own) if own is not None else frozenset()
    reader = _Reader(own_names)
    try:
        reader.check(tree)
    except _RefusedError as err:
        raise FormulaError(
            f"{formula!r}: {expression!r} {err}. A formula may use columns, numbers, arithmetic, comparisons, and the "
            f"functions {', '.join(sorted(FUNCTIONS | own_names))}, np.log, np.sqrt and the like; make a column for "
            'anything else, or give a function of your own with context={"name": function}.'
        ) from err
    return Expression(
        columns=frozenset(aliases.get(name, name) for name in reader.columns),
        labels=frozenset(aliases.get(name, name) for name in reader.labels),
        functions=frozenset(reader.functions),
    )


def checked_context(context: Any) -> dict[str, Callable[..., Any]]:
    """Check the functions that a user adds to what formulas may call.

    Parameters
    ----------
    context : mapping of callables by name, or None

    Returns
    -------
    dict
        A copy; empty for None.

    Raises
    ------
    FormulaError
        If it is no mapping, a name is not one that a formula could call or is that of a built-in function, or a value
        cannot be called.
    """
    if context is None:
        return {}
    if not isinstance(context, Mapping):
        raise FormulaError(f'`context` must be a dict of functions, {{"f": f}}, not {type(context).__name__}.')
    for name, function in context.items():
        if not isinstance(name, str) or not name.isidentifier() or keyword.iskeyword(name) or name.startswith("_"):
            raise FormulaError(
                f"`context` has the name {name!r}, which a formula cannot call: give a Python name that is no keyword "
                "and does not begin with '_'."
            )
        if name in TRANSFORMS or name in FUNCTIONS:
            raise FormulaError(
                f"`context` has '{name}', which is a built-in function of formulas; choose another name."
            )
        if not callable(function):
            raise FormulaError(
                f"`context` has '{name}', which is no function but {type(function).__name__}; values that a formula "
                "needs belong into a column of the data."
            )
    return dict(context)


class _RefusedError(Exception):
    """Part of a message: what in the expression is not allowed."""


class _Reader:
    """Walks a syntax tree, lets through what is allowed, and notes what it is made of."""

    def __init__(self, own: frozenset[str]) -> None:
        self._own = own
        self.columns: set[str] = set()
        self.labels: set[str] = set()
        self.functions: set[str] = set()

    def check(self, node: ast.expr) -> None:
        match node:
            case ast.Name():
                if node.id.startswith("__"):
                    raise _RefusedError(f"uses {node.id!r}, which no formula may")
                self.columns.add(node.id)
            case ast.Constant():
                _check_constant(node.value)
            case ast.BinOp():
                self._check_arithmetic(node)
            case ast.UnaryOp(op=ast.UAdd() | ast.USub()):
                self._check_operand(node.operand)
            case ast.Compare():
                if not all(isinstance(op, _COMPARISONS) for op in node.ops):
                    raise _RefusedError("compares by other than ==, !=, <, <=, > or >=")
                for part in (node.left, *node.comparators):
                    self.check(part)
            case ast.List() | ast.Tuple():
                for part in node.elts:
                    self.check(part)
            case ast.Call():
                self._check_call(node)
            case ast.Attribute():
                raise _RefusedError(f"takes the attribute '.{node.attr}'")
            case _:
                raise _RefusedError(f"holds Python that no formula may ({type(node).__name__})")

    def _check_arithmetic(self, node: ast.BinOp) -> None:
        if not isinstance(node.op, _ARITHMETIC):
            raise _RefusedError(f"uses the operator {type(node.op).__name__}")
        self._check_operand(node.left)
        self._check_operand(node.right)
        if isinstance(node.op, ast.Pow):
            # Whole-number powers of constants could take for ever.
            power = node.right.operand if isinstance(node.right, ast.UnaryOp) else node.right
            if not isinstance(power, ast.Constant) or not isinstance(power.value, int | float):
                raise _RefusedError("raises to a power that is not a number")
            if abs(power.value) > _GREATEST_POWER:
                raise _RefusedError(f"raises to the power {power.value}")
            if not any(isinstance(part, ast.Name) for part in ast.walk(node.left)):
                raise _RefusedError("raises a number to a power: write the result")

    def _check_operand(self, node: ast.expr) -> None:
        if isinstance(node, ast.Constant) and not isinstance(node.value, int | float):
            raise _RefusedError(f"calculates with {node.value!r}")
        if isinstance(node, ast.List | ast.Tuple):
            raise _RefusedError("calculates with a list")
        self.check(node)

    def _check_call(self, node: ast.Call) -> None:
        match node.func:
            case ast.Name(id=name) if name in FUNCTIONS or name in self._own:
                self.functions.add(name)
            case ast.Attribute(value=ast.Name(id="np")) if node.func.attr in NUMPY_FUNCTIONS:
                self.functions.add("np")
            case ast.Attribute(value=ast.Name(id="contr")) if node.func.attr in CONTRASTS:
                self.functions.add("contr")
            case _:
                raise _RefusedError(f"calls {ast.unparse(node.func)!r}, which is not among the functions that it may")
        if any(keyword.arg is None for keyword in node.keywords):
            raise _RefusedError("unpacks arguments with **")
        arguments = [*node.args, *(keyword.value for keyword in node.keywords)]
        for part in arguments:
            self.check(part)
            size = part.value if isinstance(part, ast.Constant) and isinstance(part.value, int | float) else 0
            if isinstance(node.func, ast.Name) and node.func.id in _BASES and size > _GREATEST_BASIS:
                raise _RefusedError(f"asks {node.func.id} for {size} columns, which is too many")
        match node:
            case ast.Call(func=ast.Name(id="C"), args=[ast.Name(id=column), *_]):
                self.labels.add(column)


def _check_constant(value: Any) -> None:
    if not isinstance(value, int | float | str | type(None)):
        raise _RefusedError(f"holds {value!r}, which is no number or text")
    # formulaic pastes such text into Python again, where it must not end before its end.
    if isinstance(value, str) and (not value.isprintable() or any(mark in value for mark in "'\"\\`")):
        raise _RefusedError(f"holds the text {value!r}, with quotation marks, backslashes or unprintable characters")
