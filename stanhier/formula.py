"""Formulas: the common part, which formulaic reads, and lme4's grouping term `(1 | g)`."""

import re
from dataclasses import dataclass

from formulaic import Formula
from formulaic.errors import FormulaicError
from formulaic.formula import SimpleFormula, StructuredFormula
from formulaic.parser.types import Factor

from stanhier.errors import FormulaError
from stanhier.expressions import columns_of, is_row_by_row

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
    """

    text: str
    common: StructuredFormula
    response: str
    group: str | None
    has_intercept: bool
    columns: tuple[str, ...]
    predictor_columns: tuple[str, ...]
    is_row_by_row: bool


def parse(text: str) -> ParsedFormula:
    """Take a formula apart.

    Parameters
    ----------
    text : str
        For example `"log_radon ~ floor + (1 | county)"`.

    Returns
    -------
    ParsedFormula

    Raises
    ------
    FormulaError
        If the text is not a formula with one response, or has a grouping term other than one `(1 | g)`.
    """
    if not isinstance(text, str):
        raise FormulaError(f'The formula must be a string such as "y ~ x", not {type(text).__name__}.')
    if text.count("~") != 1 or not all(side.strip() for side in text.split("~")):
        raise FormulaError(
            f'{text!r}: a formula has a response, one \'~\' and predictors, for example "y ~ x" or "y ~ 1".'
        )
    common_text, terms = _split_grouping(text)
    group = _grouping_column(text, terms)
    try:
        formula = Formula(common_text)
    except FormulaicError as err:
        raise FormulaError(f"{text!r} cannot be read: {plain_words(err)}") from err
    lhs, rhs = (getattr(formula, side, None) for side in ("lhs", "rhs"))
    if not isinstance(lhs, SimpleFormula) or not isinstance(rhs, SimpleFormula):
        raise FormulaError(f"{text!r}: write one response, one '~' and one set of predictors.")
    if len(lhs) != 1:
        raise FormulaError(f"{text!r}: the left of '~' must be one response; it has {len(lhs)} terms.")
    return ParsedFormula(
        text=text,
        common=formula,
        response=str(lhs[0]),
        group=group,
        has_intercept=any(str(term) == "1" for term in rhs),
        columns=tuple(sorted(_columns(lhs, text) | _columns(rhs, text))),
        predictor_columns=tuple(sorted(_columns(rhs, text))),
        is_row_by_row=all(is_row_by_row(str(factor.expr)) for factor in _python_factors(rhs)),
    )


def plain_words(err: Exception) -> str:
    """Give formulaic's message on one line, without its colours."""
    return " ".join(_ANSI.sub("", str(err)).split())


def _python_factors(side: SimpleFormula) -> list[Factor]:
    return [f for term in side for f in term.factors if f.eval_method == Factor.EvalMethod.PYTHON]


def _columns(side: SimpleFormula, text: str) -> set[str]:
    """Find the columns of one side; this also refuses Python that a formula may not hold."""
    columns: set[str] = set()
    for term in side:
        for factor in term.factors:
            if factor.eval_method == Factor.EvalMethod.LOOKUP:
                columns.add(str(factor.expr))
            elif factor.eval_method == Factor.EvalMethod.PYTHON:
                columns |= columns_of(str(factor.expr), text)
    return columns


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
