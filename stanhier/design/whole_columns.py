"""What an expression of a formula needs to know of its whole column, before any block of it can be encoded.

`C(x)` needs the levels, `center`, `scale` and `standardize` need mean and squares: both merge exactly over blocks.
Splines with knots from quantiles, orthogonal polynomials and functions of the user's own need the column as a whole:
they are refused, never worked out block by block.
"""

import ast
import inspect
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from formulaic import ModelSpec

from stanhier.basics.errors import DataError, FormulaError
from stanhier.basics.words import quoted, shortened
from stanhier.design.moments import Moments, moments_of
from stanhier.formula.aliases import alias_of, shown
from stanhier.formula.bases import BASES, folded
from stanhier.formula.expressions import ROW_BY_ROW
from stanhier.formula.formulaic_parts import call_text, evaluate_expression, signature_of, state_of
from stanhier.formula.parse import ParsedFormula

__all__ = ["WholeColumn", "put_moments", "refuse_beyond", "whole_columns", "with_alias_columns"]

_CONTRASTS = frozenset("Treatment Poly Sum Helmert Diff".split())
_SCALING = frozenset("center scale standardize".split())
_SPLINES = frozenset("bs cc cr cs".split())


@dataclass(frozen=True)
class WholeColumn:
    """One call in a formula that needs to know of its whole column.

    Attributes
    ----------
    call : str
        As a user reads it.
    key : str
        As formulaic writes it, by which it keeps what it has learnt.
    function : str
    argument : str
        The expression whose levels or moments are needed, with names that Python can read; it works row by row.
    options : tuple of (str, object)
        Other arguments of the call, defaults included.
    """

    call: str
    key: str
    function: str
    argument: str
    options: tuple[tuple[str, Any], ...]

    @property
    def needs_levels(self) -> bool:
        """Whether it needs the levels of its column, and not the moments."""
        return self.function == "C"

    def values(self, frame: pd.DataFrame) -> pd.Series:
        """Evaluate the argument on some rows."""
        columns = {alias_of(str(name)): column for name, column in frame.items()}
        return evaluate_expression(self.argument, columns, {}, frame.index)

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
    for expression in formula.expressions:
        for node in ast.walk(ast.parse(expression, mode="eval")):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
                learnable = _read_call(node, node.func.id, quoted(formula.text))
                if learnable is not None:
                    found[learnable.call] = learnable
    return tuple(found.values())


def with_alias_columns(frame: pd.DataFrame, formula: ParsedFormula) -> pd.DataFrame:
    """Add the columns that expressions call by other names, because Python cannot read their own; copies nothing."""
    used = frozenset[str]().union(*(expression.columns for expression in formula.expressions.values()))
    aliases = {alias_of(name): frame[name] for name in sorted(used) if alias_of(name) != name and name in frame.columns}
    columns: dict[Any, pd.Series] = {**dict(frame.items()), **aliases}
    return pd.DataFrame(columns, index=frame.index, copy=False) if aliases else frame


def refuse_beyond(spec: Any, frame: pd.DataFrame, formula: ParsedFormula, *, are_all: bool = True) -> None:
    """Refuse rows where a spline ends before them.

    Parameters
    ----------
    spec : formulaic.ModelSpec or object
        As learnt from the data of the fit; anything else before that, where the text alone says where splines end.
    frame : pandas.DataFrame
        Cleaned columns, also by their names for Python.
    formula : ParsedFormula
    are_all : bool
        Whether the frame holds all rows, so that their numbers are those that the user knows.

    Raises
    ------
    DataError
        Naming the first row, its value, and where the spline begins and ends.
    """
    for expression, parts in formula.expressions.items():
        if parts.functions.isdisjoint(_SPLINES):
            continue
        for node in ast.walk(ast.parse(expression, mode="eval")):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in _SPLINES:
                ends = _ends(node, node.func.id, spec)
                if ends is not None:
                    _refuse_beyond(node, *ends, frame, formula, are_all=are_all)


def _ends(node: ast.Call, name: str, spec: Any) -> tuple[float, float] | None:
    """Say where a spline ends; None if it goes on."""
    given = dict(zip(BASES[name], node.args, strict=False))
    given |= {str(keyword.arg): keyword.value for keyword in node.keywords}
    beyond = given.get("extrapolation")
    if name != "bs" if beyond is None else not (isinstance(beyond, ast.Constant) and beyond.value == "raise"):
        return None
    state = (state_of(spec, call_text(node)) if isinstance(spec, ModelSpec) else None) or {}
    lower, upper = (
        state[side] if side in state else folded(given[side]) if side in given else None
        for side in ("lower_bound", "upper_bound")
    )
    return float(-np.inf if lower is None else lower), float(np.inf if upper is None else upper)


def _refuse_beyond(
    node: ast.Call, lower: float, upper: float, frame: pd.DataFrame, formula: ParsedFormula, *, are_all: bool
) -> None:
    argument = [*node.args[:1], *(keyword.value for keyword in node.keywords if keyword.arg == "x")]
    columns = {str(column): values for column, values in frame.items()}
    try:
        series = evaluate_expression(ast.unparse(argument[0]), columns, formula.context, frame.index)
        values = series.to_numpy(dtype=float)
    except Exception:  # noqa: BLE001 - formulaic meets the same, and says what it is
        return
    outside = np.flatnonzero((values < lower) | (values > upper))
    if len(outside):
        call, value = shown(call_text(node)), f"{values[outside[0]]:g}"
        where = f"the first is row {outside[0]} (value {value})" if are_all else f"such as {value}"
        span = f"goes from {lower:g} to {upper:g}"
        if not np.isfinite(upper):
            span = f"begins at {lower:g}"
        elif not np.isfinite(lower):
            span = f"ends at {upper:g}"
        raise DataError(
            f"'{shortened(call)}' {span}; {len(outside)} of {len(frame)} rows "
            f"{'' if are_all else 'of a block '}lie beyond, {where}. Leave such rows out, or say in the formula how it "
            f"goes on, with {call.partition('(')[0]}(..., extrapolation='extend') or 'clip'."
        )


def put_moments(spec: ModelSpec, whole: WholeColumn, moments: Moments) -> None:
    """Put what the whole column has shown into formulaic's state of a `center`, `scale` or `standardize`."""
    state, options = state_of(spec, whole.key), dict(whole.options)
    if state is None:
        return
    mean = float(moments.reference[0] + moments.mean[0])
    if options["center"] is True:
        state["center"] = np.float64(mean)
    if options["scale"] is True:
        # Squares around the centre, as formulaic has them: around 0 where nothing is subtracted.
        away = mean - (0.0 if state["center"] is None else float(state["center"]))
        squares = moments.squares[0] + moments.n * away**2
        state["scale"] = np.sqrt(squares / (moments.n - state["ddof"]))


def _read_call(node: ast.Call, name: str, said: str) -> WholeColumn | None:
    call = shown(call_text(node))
    given = {keyword.arg: keyword.value for keyword in node.keywords}
    if name in ROW_BY_ROW or name in _CONTRASTS:
        return None
    if name == "poly" and (_is(given.get("raw"), value=True) or (len(node.args) > 2 and _is(node.args[2], value=True))):
        return None
    if name in _SPLINES and {"knots", "lower_bound", "upper_bound"} <= given.keys() and "constraints" not in given:
        return None
    if name not in _SCALING and name != "C":
        raise FormulaError(f"{said}: {_why_refused(name, shortened(call))}")
    if not node.args:
        raise FormulaError(f"{said}: {quoted(call)}: write the column as the first argument, without a name.")
    argument = node.args[0]
    for inner in ast.walk(argument):
        if isinstance(inner, ast.Call) and isinstance(inner.func, ast.Name) and inner.func.id not in ROW_BY_ROW:
            raise FormulaError(
                f"{said}: {quoted(call)} needs '{shortened(shown(call_text(inner)))}' of all rows first, and rows that "
                "are not in memory "
                "are gone over once for what a formula needs; make a column of one of them in the query."
            )
    return WholeColumn(
        call=call,
        key=call_text(node),
        function=name,
        argument=ast.unparse(argument),
        options=() if name == "C" else tuple(_scaling_options(name, node, call, said).items()),
    )


def _scaling_options(name: str, node: ast.Call, call: str, said: str) -> dict[str, Any]:
    """Read what `center`, `scale` or `standardize` is asked to do: whether to centre and whether to scale."""
    if name == "center":
        return {"center": True, "scale": False}
    try:
        others = [ast.literal_eval(argument) for argument in node.args[1:]]
        named = {str(keyword.arg): ast.literal_eval(keyword.value) for keyword in node.keywords}
        bound = inspect.signature(signature_of(name)).bind(None, *others, **named)
    except (TypeError, ValueError) as err:
        raise FormulaError(f"{said}: {quoted(call)} is not a call of {name} with numbers or True and False.") from err
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
