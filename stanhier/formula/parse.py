"""Formulas: the common part, which formulaic reads, and lme4's grouping term `(1 | g)`."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from formulaic.formula import SimpleFormula, StructuredFormula
from formulaic.parser.types import Factor

from stanhier.basics.errors import FormulaError
from stanhier.formula.expressions import Expression, checked_context, read_expression
from stanhier.formula.reading import is_column, read_terms

__all__ = ["ParsedFormula", "parse"]

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
    response_column : str or None
        The same where it is a column as it stands, and not calculated.
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
    labels : frozenset of str
        Columns that stand in `C(...)`, so that their values are labels.
    context : dict of functions by name
        The user's own, which the formula may call; it counts as not row by row where it does.
    """

    text: str
    common: StructuredFormula
    response: str
    response_column: str | None
    group: str | None
    has_intercept: bool
    columns: tuple[str, ...]
    predictor_columns: tuple[str, ...]
    is_row_by_row: bool
    calculated: frozenset[str]
    labels: frozenset[str]
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
    try:
        text.encode()
    except UnicodeEncodeError as err:
        raise FormulaError(f"{text!r} holds half a character, which is not valid Unicode; rename the column.") from err
    own = checked_context(context)
    plain = _without_quoted(text)
    if plain.count("~") != 1 or not all(side.strip() for side in plain.split("~")):
        raise FormulaError(
            f'{text!r}: a formula has a response, one \'~\' and predictors, for example "y ~ x" or "y ~ 1".'
        )
    common_text, terms = _split_grouping(text)
    group = _grouping_column(text, terms)
    nameless = re.search(r"`\s*[\d.]*\s*`", common_text)
    if nameless is not None:
        what = "reads as a number" if nameless[0].strip("` ") else "is no name"
        raise FormulaError(f"{text!r}: {nameless[0]} {what} in formulas; rename the column.")
    formula = read_terms(common_text, text)
    lhs, rhs = (getattr(formula, side, None) for side in ("lhs", "rhs"))
    if not isinstance(lhs, SimpleFormula) or not isinstance(rhs, SimpleFormula):
        raise FormulaError(f"{text!r}: write one response, one '~' and one set of predictors.")
    response, predictors = (_Side.of(side, text, own) for side in (lhs, rhs))
    if len(lhs) != 1 or len(lhs[0].factors) != 1 or not response.columns:
        written = ", ".join(str(term) for term in lhs) or "none"
        raise FormulaError(f"{text!r}: the left of '~' must be one response; its terms are: {written}.")
    if response.labels:
        raise FormulaError(f"{text!r}: the response must be numbers; C(...) makes categories of it.")
    response_column = str(lhs[0]) if is_column(lhs[0]) else None
    _refuse_clashes(response, predictors, response_column, group, text)
    called = frozenset[str]().union(*(e.functions for e in (*response.expressions, *predictors.expressions)))
    return ParsedFormula(
        text=text,
        common=formula,
        response=str(lhs[0]),
        response_column=response_column,
        group=group,
        has_intercept=any(str(term) == "1" and not is_column(term) for term in rhs),
        columns=tuple(sorted(response.columns | predictors.columns)),
        predictor_columns=tuple(sorted(predictors.columns)),
        is_row_by_row=all(expression.is_row_by_row for expression in predictors.expressions),
        calculated=response.calculated | predictors.calculated,
        labels=response.labels | predictors.labels,
        context={name: own[name] for name in sorted(own) if name in called},
    )


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
    def labels(self) -> frozenset[str]:
        return frozenset[str]().union(*(expression.labels for expression in self.expressions))

    @property
    def calculated(self) -> frozenset[str]:
        return frozenset[str]().union(*(expression.columns for expression in self.expressions)) - self.labels


def _refuse_clashes(
    response: _Side, predictors: _Side, response_column: str | None, group: str | None, text: str
) -> None:
    """Refuse names that mean two things at once."""
    columns = response.columns | predictors.columns
    for expression in (*response.expressions, *predictors.expressions):
        for name in sorted(expression.functions & columns):
            raise FormulaError(f"{text!r}: '{name}' is a function and a column here; rename the column.")
    if "Intercept" in predictors.columns:
        raise FormulaError(f"{text!r}: a predictor cannot be called 'Intercept'; rename the column.")
    if response_column is not None and (response_column in predictors.plain or response_column == group):
        raise FormulaError(f"{text!r}: the response '{response_column}' cannot be on the right of '~' as well.")


def _without_quoted(text: str) -> str:
    """Blank out what is in backticks or quotation marks, so that positions stay and signs in names do not count."""
    return re.sub(
        r"`[^`]*`|'[^']*'|\"[^\"]*\"", lambda match: match[0][0] + "x" * (len(match[0]) - 2) + match[0][0], text
    )


def _split_grouping(text: str) -> tuple[str, list[str]]:
    """Cut the `( ... | ...)` terms out of a formula: what is left, and their inner texts."""
    terms: list[str] = []
    while (found := _find_grouping(_without_quoted(text))) is not None:
        start, end = found
        before, after = text[:start], text[end:]
        if "~" in _without_quoted(after):
            raise FormulaError(f"{text!r}: the grouping term {text[start:end]} belongs to the right of '~'.")
        terms.append(text[start + 1 : end - 1])
        # `y ~ (1 | g) + x` keeps `x`; `y ~ (1 | g)` alone has the intercept that `1` stands for.
        opening = re.search(r"[~(]\s*$", before)
        before = re.sub(r"\+\s*$", "", before)
        if opening is not None:
            after = re.sub(r"^\s*\+", "", after)
            if re.match(r"\s*(\)|$)", after):
                before += "1"
        text = before + after
    return text, terms


def _find_grouping(plain: str) -> tuple[int, int] | None:
    """Find the first pair of parentheses with a bar directly in it: where it starts and ends."""
    open_at: list[tuple[int, bool]] = []
    barred: set[int] = set()
    for position, sign in enumerate(plain):
        if sign == "(":
            is_call = re.search(r"[\w`.]\s*$", plain[:position]) is not None
            open_at.append((position, is_call))
        elif sign == "|" and open_at and not any(is_call for _, is_call in open_at):
            barred.add(open_at[-1][0])
        elif sign == ")":
            if not open_at:
                raise FormulaError(f"{plain!r}: the parenthesis at position {position + 1} was never opened.")
            start, _ = open_at.pop()
            if start in barred:
                return start, position + 1
    if open_at:
        raise FormulaError(f"{plain!r}: the parenthesis at position {open_at[-1][0] + 1} is never closed.")
    return None


def _grouping_column(text: str, terms: list[str]) -> str | None:
    if not terms:
        return None
    if len(terms) > 1:
        listed = ", ".join(f"({t.strip()})" for t in terms)
        raise FormulaError(f"{text!r} has {len(terms)} grouping terms, {listed}; one is supported so far.")
    bars = [position for position, sign in enumerate(_without_quoted(terms[0])) if sign == "|"]
    if len(bars) != 1:
        raise FormulaError(f"{text!r}: write the grouping term as (1 | g), with a single bar.")
    left, right = terms[0][: bars[0]].strip(), terms[0][bars[0] + 1 :].strip()
    if left != "1":
        raise FormulaError(
            f"{text!r}: ({terms[0].strip()}) asks for varying slopes or no varying intercept; "
            "(1 | g) is what is supported so far."
        )
    match = _NAME.fullmatch(right)
    if match is None:
        raise FormulaError(
            f"{text!r}: {right!r} is not the name of one column. For nested or crossed groups make a column "
            "that names the combination, and group by that; quote unusual names with `backticks`."
        )
    return match["quoted"] or match["plain"]
