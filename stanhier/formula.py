"""Formulas: the common part, which formulaic reads, and lme4's grouping term `(1 | g)`."""

import re
import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from formulaic import Formula
from formulaic.errors import FormulaicError
from formulaic.formula import SimpleFormula, StructuredFormula
from formulaic.parser.types import Factor

from stanhier.errors import FormulaError
from stanhier.expressions import Expression, checked_context, read_expression

__all__ = ["ParsedFormula", "parse"]

_ANSI = re.compile("\x1b\\[[0-9;]*m|[⧛⧚]")
_NAME = re.compile(r"`(?P<quoted>[^`]+)`|(?P<plain>[^\W\d]\w*(?:\.\w+)*)")


@dataclass(frozen=True)
class ParsedFormula:
    """A formula taken apart.

    Attributes
    ----------
    text : str
        The formula as the user wrote it.
    common : formulaic.Formula
        Response and predictors, without the grouping term.
    response : str
        The left-hand side.
    group : str or None
        The grouping column.
    has_intercept : bool
        False after `0 +` or `- 1`.
    columns : tuple of str
        Columns that the common part uses, sorted.
    predictor_columns : tuple of str
        Those of them that its right-hand side uses.
    is_row_by_row : bool
        Whether a row of the design depends on that row of the data alone: no `center(x)`, `C(x)` or the like.
    calculated : frozenset of str
        Columns that Python expressions calculate with, so that they must be floats: integers overflow.
    context : dict of functions by name
        The user's own, which the formula may call; it counts as not row by row where it does.
    """

    text: str
    common: StructuredFormula
    response: str
    group: str | None
    has_intercept: bool
    columns: tuple[str, ...]
    predictor_columns: tuple[str, ...]
    is_row_by_row: bool
    calculated: frozenset[str]
    context: dict[str, Callable[..., Any]]


def parse(text: str, context: Mapping[str, Callable[..., Any]] | None = None) -> ParsedFormula:
    """Take a formula apart.

    Parameters
    ----------
    text : str
        For example `"log_radon ~ floor + (1 | county)"`.
    context : mapping of functions by name, optional
        The user's own functions.

    Returns
    -------
    ParsedFormula

    Raises
    ------
    FormulaError
        If the text is not a formula with one response, has a grouping term other than one `(1 | g)`, or `context` holds
        anything but functions with names of their own.
    """
    if not isinstance(text, str):
        raise FormulaError(f'The formula must be a string such as "y ~ x", not {type(text).__name__}.')
    if text.count("~") != 1 or not all(side.strip() for side in text.split("~")):
        raise FormulaError(
            f'{text!r}: a formula has a response, one \'~\' and predictors, for example "y ~ x" or "y ~ 1".'
        )
    own = checked_context(context)
    common_text, terms = _split_grouping(text)
    group = _grouping_column(text, terms)
    formula = _read(common_text, text)
    lhs, rhs = (getattr(formula, side, None) for side in ("lhs", "rhs"))
    if not isinstance(lhs, SimpleFormula) or not isinstance(rhs, SimpleFormula):
        raise FormulaError(f"{text!r}: write one response, one '~' and one set of predictors.")
    if len(lhs) != 1:
        raise FormulaError(f"{text!r}: the left of '~' must be one response; it has {len(lhs)} terms.")
    response, predictors = (_Side.of(side, text, own) for side in (lhs, rhs))
    _refuse_two_meanings(response, predictors, text)
    called = frozenset[str]().union(*(e.functions for e in (*response.expressions, *predictors.expressions)))
    return ParsedFormula(
        text=text,
        common=formula,
        response=str(lhs[0]),
        group=group,
        has_intercept=any(str(term) == "1" for term in rhs),
        columns=tuple(sorted(response.columns | predictors.columns)),
        predictor_columns=tuple(sorted(predictors.columns)),
        is_row_by_row=all(expression.is_row_by_row for expression in predictors.expressions),
        calculated=response.calculated | predictors.calculated,
        context={name: own[name] for name in sorted(own) if name in called},
    )


def plain_words(err: Exception) -> str:
    """Give formulaic's message on one line, without its colours."""
    return " ".join(_ANSI.sub("", str(err)).split())


def _read(common_text: str, text: str) -> StructuredFormula | SimpleFormula:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", SyntaxWarning)
            return Formula(common_text)
    except FormulaicError as err:
        raise FormulaError(f"{text!r} cannot be read: {plain_words(err)}") from err
    except Exception as err:  # formulaic parses text that is no formula with whatever comes of it
        raise FormulaError(f"{text!r} cannot be read as a formula ({type(err).__name__}).") from err


@dataclass(frozen=True)
class _Side:
    """One side of a formula: the columns that stand there by themselves, and the Python expressions."""

    plain: frozenset[str]
    expressions: tuple[Expression, ...]

    @classmethod
    def of(cls, side: SimpleFormula, text: str, own: Mapping[str, Any]) -> "_Side":
        factors = [factor for term in side for factor in term.factors]
        python = {str(f.expr) for f in factors if f.eval_method == Factor.EvalMethod.PYTHON}
        return cls(
            plain=frozenset(str(f.expr) for f in factors if f.eval_method == Factor.EvalMethod.LOOKUP),
            expressions=tuple(read_expression(expression, text, own) for expression in sorted(python)),
        )

    @property
    def columns(self) -> frozenset[str]:
        return self.plain.union(*(expression.columns for expression in self.expressions))

    @property
    def calculated(self) -> frozenset[str]:
        labels = frozenset[str]().union(*(expression.labels for expression in self.expressions))
        return frozenset[str]().union(*(expression.columns for expression in self.expressions)) - labels


def _refuse_two_meanings(response: _Side, predictors: _Side, text: str) -> None:
    columns = response.columns | predictors.columns
    for expression in (*response.expressions, *predictors.expressions):
        for name in sorted(expression.functions & columns):
            raise FormulaError(f"{text!r}: '{name}' is a function and a column here; rename the column.")


def _split_grouping(text: str) -> tuple[str, list[str]]:
    """Cut the `( ... | ...)` terms out of a formula: what is left, and their inner texts."""
    terms: list[str] = []
    kept: list[str] = []
    position = 0
    while (start := _next_open_parenthesis(text, position)) >= 0:
        end = _matching_parenthesis(text, start)
        inner = text[start + 1 : end]
        before = text[position:start]
        is_call = re.search(r"[\w`]\s*$", text[:start]) is not None
        if "|" in inner and not is_call:
            terms.append(inner)
            before = re.sub(r"\+\s*$", "", before)
            rest = text[end + 1 :]
            if re.search(r"~\s*$", before):
                # `y ~ (1 | g) + x` keeps `x`; `y ~ (1 | g)` alone has the intercept that `1` stands for.
                joined = re.sub(r"^\s*\+", "", rest)
                skipped = len(rest) - len(joined)
                kept.append(before if joined.strip() else before + "1")
                position = end + 1 + skipped
                continue
            kept.append(before)
        else:
            kept.append(text[position : end + 1])
        position = end + 1
    kept.append(text[position:])
    return "".join(kept), terms


def _next_open_parenthesis(text: str, position: int) -> int:
    quoted = False
    for i in range(position, len(text)):
        if text[i] == "`":
            quoted = not quoted
        elif text[i] == "(" and not quoted:
            return i
    return -1


def _matching_parenthesis(text: str, start: int) -> int:
    depth, quoted = 0, False
    for i in range(start, len(text)):
        if text[i] == "`":
            quoted = not quoted
        elif not quoted and text[i] in "()":
            depth += 1 if text[i] == "(" else -1
            if depth == 0:
                return i
    raise FormulaError(f"{text!r}: the parenthesis at position {start + 1} is never closed.")


def _grouping_column(text: str, terms: list[str]) -> str | None:
    if not terms:
        return None
    if len(terms) > 1:
        listed = ", ".join(f"({t.strip()})" for t in terms)
        raise FormulaError(f"{text!r} has {len(terms)} grouping terms, {listed}; one is supported so far.")
    left, *right = terms[0].split("|")
    if len(right) != 1:
        raise FormulaError(f"{text!r}: write the grouping term as (1 | g), with a single bar.")
    if left.strip() != "1":
        raise FormulaError(
            f"{text!r}: ({terms[0].strip()}) asks for varying slopes or no varying intercept; "
            "(1 | g) is what is supported so far."
        )
    match = _NAME.fullmatch(right[0].strip())
    if match is None:
        raise FormulaError(
            f"{text!r}: {right[0].strip()!r} is not the name of one column. For nested or crossed groups make a column "
            "that names the combination, and group by that; quote unusual names with `backticks`."
        )
    return match["quoted"] or match["plain"]
