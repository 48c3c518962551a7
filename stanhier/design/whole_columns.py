"""What an expression of a formula needs to know of its whole column, before any block of it can be encoded.

`C(x)` needs the levels, `center`, `scale` and `standardize` need mean and squares: both merge exactly over blocks.
Splines with knots from quantiles, orthogonal polynomials and functions of the user's own need the column as a whole:
they are refused, never worked out block by block.
"""

import ast
import inspect
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from formulaic import ModelSpec
from formulaic.formula import SimpleFormula
from formulaic.parser.types import Factor
from formulaic.transforms import TRANSFORMS
from formulaic.utils.code import format_expr, sanitize_variable_names
from formulaic.utils.stateful_transforms import stateful_eval

from stanhier.basics.errors import FormulaError
from stanhier.design.moments import Moments, moments_of
from stanhier.formula.expressions import ROW_BY_ROW
from stanhier.formula.parse import ParsedFormula

__all__ = ["WholeColumn", "put_moments", "whole_columns"]

_CONTRASTS = frozenset("Treatment Poly Sum Helmert Diff".split())
_SCALING = frozenset("center scale standardize".split())
_SPLINES = frozenset("bs cc cr cs".split())


@dataclass(frozen=True)
class WholeColumn:
    """One call in a formula that needs to know of its whole column.

    Attributes
    ----------
    call : str
        As formulaic writes it, by which it keeps what it has learnt.
    function : str
    argument : str
        The expression whose levels or moments are needed; it works row by row.
    aliases : tuple of (str, str)
        Names in `argument` and the columns for which they stand.
    options : tuple of (str, object)
        Other arguments of the call, defaults included.
    """

    call: str
    function: str
    argument: str
    aliases: tuple[tuple[str, str], ...]
    options: tuple[tuple[str, Any], ...]

    @property
    def needs_levels(self) -> bool:
        """Whether it needs the levels of its column, and not the moments."""
        return self.function == "C"

    def values(self, frame: pd.DataFrame) -> pd.Series:
        """Evaluate the argument on some rows."""
        columns = dict(frame.items()) | {alias: frame[column] for alias, column in self.aliases}
        with np.errstate(all="ignore"):
            values = stateful_eval(self.argument, {**TRANSFORMS, **columns}, None, None, None)
        return pd.Series(values, index=frame.index)

    def moments(self, frame: pd.DataFrame) -> Moments | None:
        """Give the moments of the argument over the rows where it is finite; None if it is so nowhere."""
        values = self.values(frame).to_numpy(dtype=float, na_value=np.nan)
        finite = values[np.isfinite(values)]
        return moments_of(finite[:, None]) if len(finite) else None


def whole_columns(formula: ParsedFormula) -> tuple[WholeColumn, ...]:
    """Find the calls of a formula that need to know of their whole column.

    Raises
    ------
    FormulaError
        If one needs more than can be learnt block by block.
    """
    found: dict[str, WholeColumn] = {}
    for expression in _python_expressions(formula):
        aliases: dict[str, str] = {}
        tree = ast.parse(sanitize_variable_names(expression, {}, aliases), mode="eval")
        for node in ast.walk(tree):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
                learnable = _read_call(node, node.func.id, formula.text, aliases)
                if learnable is not None:
                    found[learnable.call] = learnable
    return tuple(found.values())


def put_moments(spec: ModelSpec, whole: WholeColumn, moments: Moments) -> None:
    """Put what the whole column has shown into formulaic's state of a `center`, `scale` or `standardize`."""
    if whole.call not in spec.transform_state:
        return
    state, options = spec.transform_state[whole.call], dict(whole.options)
    mean = float(moments.reference[0] + moments.mean[0])
    if options["center"] is True:
        state["center"] = np.float64(mean)
    if options["scale"] is True:
        # Squares around the centre, as formulaic has them: around 0 where nothing is subtracted.
        away = mean - (0.0 if state["center"] is None else float(state["center"]))
        squares = moments.squares[0] + moments.n * away**2
        state["scale"] = np.sqrt(squares / (moments.n - state["ddof"]))


def _python_expressions(formula: ParsedFormula) -> Iterator[str]:
    for side in (formula.common.lhs, formula.common.rhs):
        assert isinstance(side, SimpleFormula)
        for term in side:
            yield from (str(f.expr) for f in term.factors if f.eval_method == Factor.EvalMethod.PYTHON)


def _read_call(node: ast.Call, name: str, text: str, aliases: dict[str, str]) -> WholeColumn | None:
    call = format_expr(node)
    given = {keyword.arg: keyword.value for keyword in node.keywords}
    if name in ROW_BY_ROW or name in _CONTRASTS:
        return None
    if name == "poly" and (_is(given.get("raw"), value=True) or (len(node.args) > 2 and _is(node.args[2], value=True))):
        return None
    if name in _SPLINES and {"knots", "lower_bound", "upper_bound"} <= given.keys() and "constraints" not in given:
        return None
    if name not in _SCALING and name != "C":
        raise FormulaError(f"{text!r}: {_why_refused(name, call)}")
    if not node.args:
        raise FormulaError(f"{text!r}: {call!r}: write the column as the first argument, without a name.")
    argument = node.args[0]
    for inner in ast.walk(argument):
        if isinstance(inner, ast.Call) and isinstance(inner.func, ast.Name) and inner.func.id not in ROW_BY_ROW:
            raise FormulaError(
                f"{text!r}: {call!r} needs '{format_expr(inner)}' of all rows first, and rows that are not in memory "
                "are gone over once for what a formula needs; make a column of one of them in the query."
            )
    return WholeColumn(
        call=call,
        function=name,
        argument=ast.unparse(argument),
        aliases=tuple((a, c) for a, c in aliases.items() if a != c),
        options=() if name == "C" else tuple(_scaling_options(name, node, call, text).items()),
    )


def _scaling_options(name: str, node: ast.Call, call: str, text: str) -> dict[str, Any]:
    """Read what `center`, `scale` or `standardize` is asked to do: whether to centre and whether to scale."""
    if name == "center":
        return {"center": True, "scale": False}
    try:
        others = [ast.literal_eval(argument) for argument in node.args[1:]]
        named = {str(keyword.arg): ast.literal_eval(keyword.value) for keyword in node.keywords}
        bound = inspect.signature(TRANSFORMS[name]).bind(None, *others, **named)
    except (TypeError, ValueError) as err:
        raise FormulaError(f"{text!r}: {call!r} is not a call of {name} with numbers or True and False.") from err
    bound.apply_defaults()
    arguments = bound.arguments
    return {"center": arguments["center"], "scale": arguments["scale" if name == "scale" else "rescale"]}


def _is(node: ast.expr | None, *, value: bool) -> bool:
    return isinstance(node, ast.Constant) and node.value is value


def _why_refused(name: str, call: str) -> str:
    remedy = "Make the column in the query, or read the rows into a data frame."
    if name in _SPLINES:
        return (
            f"'{call}' takes its knots or bounds from the whole column, which is not in memory; "
            f"give {name} knots=, lower_bound= and upper_bound=, without constraints=. {remedy}"
        )
    if name == "poly":
        return (
            f"'{call}' makes powers orthogonal over the whole column, which is not in memory; "
            f"write poly(..., raw=True) for plain powers. {remedy}"
        )
    return (
        f"'{call}' is a function of your own, which may need the whole column, and the rows are not in memory. {remedy}"
    )
