"""Formulaic's parser, held to formulas of a size that a person would write: `(a + b)**50` must not take for ever."""

import re
import warnings
from collections.abc import Callable
from math import prod
from typing import Any

from formulaic import Formula
from formulaic.errors import FormulaicError
from formulaic.formula import SimpleFormula, StructuredFormula
from formulaic.parser import DefaultFormulaParser, DefaultOperatorResolver
from formulaic.parser.types import Factor, Operator, Term

from stanhier.basics.errors import FormulaError

__all__ = ["is_column", "plain_words", "read_terms"]

_ANSI = re.compile("\x1b\\[[0-9;]*m|[⧛⧚]")
_LONGEST = 100_000
_MOST_TERMS = 20_000


def read_terms(common: str, formula: str) -> StructuredFormula | SimpleFormula:
    """Let formulaic read the common part of a formula.

    Parameters
    ----------
    common : str
        Without grouping terms.
    formula : str
        The whole formula, for messages.

    Raises
    ------
    FormulaError
        If it cannot be read, or is too large.
    """
    if len(common) > _LONGEST:
        raise FormulaError(f"A formula of {len(common):,} characters is too long; it may have {_LONGEST:,}.")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", SyntaxWarning)
            return Formula(common, _parser=DefaultFormulaParser(operator_resolver=_BoundedOperators()))
    except _RefusedError as err:
        raise FormulaError(f"{formula!r}: {err}.") from err
    except FormulaicError as err:
        if "`.` operator" in str(err):
            raise FormulaError(f"{formula!r}: '.' for all other columns is not supported; name the columns.") from err
        operator = re.search(r"Operator `(.+?)`", str(err))
        what = plain_words(err) if operator is None else f"'{operator[1]}' misses a term, or stands in a wrong place."
        raise FormulaError(f"{formula!r} cannot be read: {what}") from err
    except SyntaxError as err:
        raise FormulaError(
            f"{formula!r} cannot be read: {str(err.text).strip()!r} is not an expression. A column called like a "
            "Python keyword must be renamed to be calculated with."
        ) from err
    except Exception as err:  # text that is no formula makes formulaic stumble in more ways than it says
        raise FormulaError(f"{formula!r} cannot be read as a formula ({type(err).__name__}).") from err


def is_column(term: Term) -> bool:
    """Tell whether a term is a column as it stands in the data."""
    return len(term.factors) == 1 and term.factors[0].eval_method == Factor.EvalMethod.LOOKUP


def plain_words(err: Exception) -> str:
    """Give formulaic's message on one line, without its colours."""
    return " ".join(_ANSI.sub("", str(err)).split())


class _RefusedError(Exception):
    """Part of a message: what in the formula is not allowed."""


class _BoundedOperators(DefaultOperatorResolver):  # type: ignore[misc]
    """Formulaic's operators; those that multiply sets of terms look at their sizes first."""

    @property
    def operators(self) -> list[Operator]:
        return [_bounded(operator) for operator in super().operators]


def _bounded(operator: Operator) -> Operator:
    if operator.symbol in ("**", "^"):
        return _with_check(operator, _check_power)
    if operator.symbol in ("*", ":", "/", "in"):
        return _with_check(operator, lambda *sides: _check_size(prod(len(side) for side in sides)))
    return operator


def _with_check(operator: Operator, check: Callable[..., None]) -> Operator:
    def to_terms(*sides: Any) -> Any:
        check(*sides)
        return operator.to_terms(*sides)

    return Operator(
        operator.symbol,
        arity=operator.arity,
        precedence=operator.precedence,
        associativity=operator.associativity,
        fixity=operator.fixity,
        to_terms=to_terms,
    )


def _check_power(base: Any, power: Any) -> None:
    if len(base) == 1:
        name = str(next(iter(base)))
        raise _RefusedError(
            f"a power of terms, as in (a + b)**2, stands for their interactions and would leave '{name}' as it is; "
            f"write I({name}**2) for its square"
        )
    exponent = str(next(iter(power), ""))
    if not exponent.isdecimal() or not 1 <= int(exponent[:4]) <= 100:
        raise _RefusedError("the power of a sum of terms must be an integer from 1 to 100")
    _check_size(len(base) ** int(exponent))


def _check_size(n_terms: int) -> None:
    if n_terms > _MOST_TERMS:
        raise _RefusedError(f"it multiplies out to more than {_MOST_TERMS:,} terms; write fewer interactions")
