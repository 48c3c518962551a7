"""Formulas: the common part, which formulaic reads, and lme4's grouping terms such as `(1 + x | g)`."""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from formulaic.formula import SimpleFormula, StructuredFormula

from stanhier.basics.errors import FormulaError
from stanhier.basics.words import listed, quoted, shortened
from stanhier.formula.aliases import shown
from stanhier.formula.expressions import Expression, checked_context, read_expression
from stanhier.formula.formulaic_parts import is_column, looked_up, name_of, python_of, ratio_of
from stanhier.formula.group_terms import split_group_terms, without_quoted
from stanhier.formula.reading import MOST_CALLS, read_terms, refuse_long
from stanhier.formula.varying import VaryingTerm, factor_columns, varying_terms

__all__ = ["ParsedFormula", "parse"]


@dataclass(frozen=True)
class ParsedFormula:
    """A formula taken apart.

    Attributes
    ----------
    text : str
        The formula as the user wrote it.
    common : formulaic.Formula
        Response and predictors, without the grouping terms.
    response : str
        The left-hand side.
    response_column : str or None
        The same where it is a column as it stands, and not calculated.
    terms : tuple of VaryingTerm
        What varies by groups, in the order written.
    has_intercept : bool
        Whether the common part has one: False after `0 +` or `- 1`.
    columns : tuple of str
        Columns that the response, the predictors and the effects of the terms use, sorted.
    predictor_columns : tuple of str
        Those of them that the predictors and the effects use.
    population_columns : tuple of str
        Those of them that the predictors use.
    is_row_by_row : bool
        Whether a row of the design depends on that row of the data alone: no `center(x)`, `C(x)` or the like.
    calculated : frozenset of str
        Columns that Python expressions calculate with, so that they must be floats: integers overflow.
    labels : frozenset of str
        Columns that stand in `C(...)`, so that their values are labels.
    expressions : dict of Expression by text
        What the Python expressions in it are made of, by their texts as formulaic has them.
    context : dict of functions by name
        The user's own, which the formula may call; it counts as not row by row where it does.
    """

    text: str
    common: StructuredFormula
    response: str
    response_column: str | None
    terms: tuple[VaryingTerm, ...]
    has_intercept: bool
    columns: tuple[str, ...]
    predictor_columns: tuple[str, ...]
    population_columns: tuple[str, ...]
    is_row_by_row: bool
    calculated: frozenset[str]
    labels: frozenset[str]
    expressions: dict[str, Expression]
    context: dict[str, Callable[..., Any]]

    @property
    def group(self) -> str | None:
        """The grouping column, where an intercept that varies by one column is all that varies."""
        match self.terms:
            case (VaryingTerm(factors=(column,), is_intercept=True),):
                return column
        return None

    @property
    def factor_columns(self) -> tuple[str, ...]:
        """The columns of all groups in their order, each once."""
        return factor_columns(self.terms)


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
        If the text is not a formula with one response, has a grouping term that cannot be read or says something
        twice, or `context` holds anything but functions with names of their own.
    """
    if not isinstance(text, str):
        raise FormulaError(f'The formula must be a string such as "y ~ x", not {type(text).__name__}.')
    refuse_long(text)
    said = quoted(text)
    _refuse_signs(text)
    own = checked_context(context)
    plain = without_quoted(text)
    if plain.count("~") != 1 or not all(side.strip() for side in plain.split("~")):
        raise FormulaError(
            f'{said}: a formula has a response, one \'~\' and predictors, for example "y ~ x" or "y ~ 1".'
        )
    common_text, group_terms = split_group_terms(text)
    for part in (common_text, *(term.effects for term in group_terms)):
        _refuse_nameless(part, said)
    terms = varying_terms(group_terms, text)
    formula = read_terms(common_text, text)
    lhs, rhs = (getattr(formula, side, None) for side in ("lhs", "rhs"))
    if not isinstance(lhs, SimpleFormula) or not isinstance(rhs, SimpleFormula):
        raise FormulaError(f"{said}: write one response, one '~' and one set of predictors.")
    effects = tuple({id(term.effects): term.effects for term in terms}.values())
    _refuse_many_calls((lhs, rhs, *effects), said)
    response, *rights = (_Side.of(side, text, own) for side in (lhs, rhs, *effects))
    predictors = _Side.together(rights)
    _refuse_other_responses(lhs, response, said)
    response_column = name_of(lhs[0]) if is_column(lhs[0]) else None
    _refuse_clashes(response, predictors, response_column, factor_columns(terms), said)
    expressions = response.expressions | predictors.expressions
    called = frozenset[str]().union(*(expression.functions for expression in expressions.values()))
    return ParsedFormula(
        text=text,
        common=formula,
        response=name_of(lhs[0]),
        response_column=response_column,
        terms=terms,
        has_intercept=any(str(term) == "1" and not is_column(term) for term in rhs),
        columns=tuple(sorted(response.columns | predictors.columns)),
        predictor_columns=tuple(sorted(predictors.columns)),
        population_columns=tuple(sorted(rights[0].columns)),
        is_row_by_row=all(expression.is_row_by_row for expression in predictors.expressions.values()),
        calculated=response.calculated | predictors.calculated,
        labels=response.labels | predictors.labels,
        expressions=expressions,
        context={name: own[name] for name in sorted(own) if name in called},
    )


@dataclass(frozen=True)
class _Side:
    """One side of a formula: the columns that stand there by themselves, and the Python expressions by their text."""

    plain: frozenset[str]
    expressions: dict[str, Expression]

    @classmethod
    def of(cls, side: SimpleFormula, text: str, own: Mapping[str, Any]) -> "_Side":
        expressions = python_of(side)
        quoting = next((expression for expression in expressions if "`" in expression), None)
        if quoting is not None:  # all names in backticks have been replaced, and formulaic would take it otherwise
            raise FormulaError(f"{quoted(text)}: {quoted(quoting)} has a backtick within text.")
        return cls(
            plain=looked_up(side),
            expressions={expression: read_expression(expression, text, own) for expression in expressions},
        )

    @classmethod
    def together(cls, sides: Sequence["_Side"]) -> "_Side":
        return cls(
            plain=frozenset[str]().union(*(side.plain for side in sides)),
            expressions={text: expression for side in sides for text, expression in side.expressions.items()},
        )

    @property
    def columns(self) -> frozenset[str]:
        return self.plain.union(*(expression.columns for expression in self.expressions.values()))

    @property
    def labels(self) -> frozenset[str]:
        return frozenset[str]().union(*(expression.labels for expression in self.expressions.values()))

    @property
    def calculated(self) -> frozenset[str]:
        return frozenset[str]().union(*(expression.columns for expression in self.expressions.values())) - self.labels


def _refuse_signs(text: str) -> None:
    """Refuse what no file and no other program takes for a name."""
    try:
        text.encode()
    except UnicodeEncodeError:
        raise FormulaError(
            f"{quoted(text)} holds half a character, which is not valid Unicode; rename the column."
        ) from None
    if shown(text) != text:
        raise FormulaError(f"{quoted(text)} has a name that begins with '_quoted_', which is kept; rename the column.")
    if "\0" in text:
        raise FormulaError(f"{quoted(text)} holds the character NUL, which no file takes in a name; rename the column.")


def _refuse_nameless(part: str, said: str) -> None:
    """Refuse names in backticks that formulaic would take for numbers, or for nothing."""
    nameless = re.search(r"`\s*[\d.]*\s*`", part)
    if nameless is not None:
        what = "reads as a number" if nameless[0].strip("` ") else "is no name"
        raise FormulaError(f"{said}: {shortened(nameless[0])} {what} in formulas; rename the column.")


def _refuse_many_calls(sides: Sequence[SimpleFormula], said: str) -> None:
    """Refuse more calls in all terms together than one part of a formula may have."""
    if len(frozenset[str]().union(*map(python_of, sides))) > MOST_CALLS:
        raise FormulaError(f"{said}: it has more than {MOST_CALLS} different calls; make columns of some of them.")


def _refuse_other_responses(lhs: SimpleFormula, response: _Side, said: str) -> None:
    """Refuse what is not one response made of numbers."""
    if len(lhs) != 1 or len(lhs[0].factors) != 1 or not response.columns:
        written = shortened(", ".join(name_of(term) for term in lhs) or "none")
        ratio, advice = ratio_of(list(lhs)), ""
        if ratio is not None:
            advice = (
                f" A ratio of measurements is I({ratio}); counts stay counts, beside them the logarithm of what they "
                "are out of as offset=, or numbers of trials as trials=."
            )
        raise FormulaError(f"{said}: the left of '~' must be one response; its terms are: {written}.{advice}")
    if response.labels:
        raise FormulaError(f"{said}: the response must be numbers; C(...) makes categories of it.")


def _refuse_clashes(
    response: _Side, predictors: _Side, response_column: str | None, factors: tuple[str, ...], said: str
) -> None:
    """Refuse names that mean two things at once."""
    columns = (response.columns | predictors.columns).union(factors)
    for expression in (*response.expressions.values(), *predictors.expressions.values()):
        for name in sorted(expression.functions & columns):
            raise FormulaError(f"{said}: '{name}' is a function and a column here; rename the column.")
    if "Intercept" in predictors.columns:
        raise FormulaError(f"{said}: a predictor cannot be called 'Intercept'; rename the column.")
    # A change from where it began may well depend on that: `I(after - before) ~ before` leaves `after` to the left.
    if response.columns <= predictors.columns.union(factors):
        names = listed(sorted(response.columns), 5)
        what = (
            f"'{shortened(response_column)}'" if response_column is not None else f"is calculated from {names}, which"
        )
        raise FormulaError(f"{said}: the response {what} cannot be on the right of '~' as well.")
