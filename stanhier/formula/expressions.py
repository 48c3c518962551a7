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

from stanhier.basics.errors import FormulaError
from stanhier.basics.words import quoted, shortened
from stanhier.formula.aliases import shown, with_aliases
from stanhier.formula.allowed import FUNCTIONS, TreeReader
from stanhier.formula.bases import RefusedError
from stanhier.formula.elementary import ELEMENTARY
from stanhier.formula.formulaic_parts import BUILT_IN
from stanhier.formula.habits import BACKTICKS
from stanhier.formula.reading import LONGEST_EXPRESSION

__all__ = ["ROW_BY_ROW", "Expression", "checked_context", "read_expression"]

ROW_BY_ROW = frozenset(["I", *ELEMENTARY])
"""Functions by name whose value in a row depends on that row alone."""


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
        Names that it calls: `sqrt`, `np` for `np.sqrt`, or a function of the user's own.
    categories : tuple of str
        What stands in each `C(...)`, as Python under names that it can read.
    width : int
        Columns that it makes at most, where it makes no categories.
    n_constants : int
        Numbers and texts in it: no list of levels or contrasts is longer.
    """

    columns: frozenset[str]
    labels: frozenset[str]
    functions: frozenset[str]
    categories: tuple[str, ...] = ()
    width: int = 1
    n_constants: int = 0

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
    said = f"{quoted(formula)}: {quoted(shown(expression))}"
    if len(expression) > LONGEST_EXPRESSION:
        raise FormulaError(f"{said} of {len(expression):,} characters is too long for a formula; make a column.")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", SyntaxWarning)
            # No backtick is left outside of text, and none is allowed in it: what is checked is what is evaluated.
            tree = ast.parse(with_aliases(expression), mode="eval").body
    except (SyntaxError, ValueError, IndexError, MemoryError, RecursionError) as err:
        why = err.msg if isinstance(err, SyntaxError) else str(err)
        raise FormulaError(f"{said} is not an expression: {shortened(why)}. {BACKTICKS}") from None
    own_names = frozenset(own) if own is not None else frozenset()
    reader = TreeReader(own_names)
    try:
        reader.check(tree, wide=True)
    except (RefusedError, RecursionError) as err:
        why = str(err) if isinstance(err, RefusedError) else "is nested too deeply"
        raise FormulaError(
            f"{said} {shown(why)}. A formula may use columns, numbers, arithmetic, comparisons, and the "
            f"functions {shortened(', '.join(sorted(FUNCTIONS | own_names)), 500)}, log, sqrt, abs and the like; make "
            'a column for anything else, or give a function of your own with context={"name": function}.'
        ) from None
    return Expression(
        columns=frozenset(map(_column, reader.columns)),
        labels=frozenset(map(_column, reader.labels)),
        functions=frozenset(reader.functions),
        categories=tuple(reader.categories),
        width=reader.width,
        n_constants=sum(isinstance(node, ast.Constant) for node in ast.walk(tree)),
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
                f"`context` has the name {quoted(name)}, which a formula cannot call: give a Python name that is no "
                "keyword and does not begin with '_'."
            )
        if name in BUILT_IN:
            raise FormulaError(
                f"`context` has '{name}', which is a built-in function of formulas; choose another name."
            )
        if not callable(function):
            raise FormulaError(
                f"`context` has '{name}', which is no function but {type(function).__name__}; values that a formula "
                "needs belong into a column of the data."
            )
    return dict(context)


def _column(name: str) -> str:
    """Give the column that a name in Python stands for."""
    column = shown(name)
    return column if column == name else column[1:-1]
