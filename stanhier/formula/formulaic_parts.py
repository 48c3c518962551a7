"""All that the package uses of formulaic beyond its documented interface, in one place.

These parts may change with any version: the parser and its operators, the tokens, what a model spec keeps of its
transforms, and the evaluation of expressions.
"""

import ast
import warnings
from collections.abc import Callable, Iterator, Mapping, MutableMapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from formulaic import Formula, ModelSpec
from formulaic.formula import SimpleFormula, StructuredFormula
from formulaic.parser import DefaultFormulaParser, DefaultOperatorResolver
from formulaic.parser.algos.tokenize import tokenize
from formulaic.parser.types import Factor, Operator, OrderedSet, Term
from formulaic.transforms import TRANSFORMS
from formulaic.utils.code import format_expr
from formulaic.utils.stateful_transforms import stateful_eval

from stanhier.basics.words import in_formula
from stanhier.formula.aliases import shown
from stanhier.formula.elementary import ELEMENTARY

__all__ = [
    "BUILT_IN",
    "call_text",
    "categories_of",
    "columns_of_terms",
    "constants_of",
    "evaluate_expression",
    "is_column",
    "looked_up",
    "name_of",
    "numbers_of",
    "parsed_with",
    "parts_of",
    "python_of",
    "ratio_of",
    "signature_of",
    "state_of",
    "text_of",
    "tokens_of",
]

BUILT_IN: Mapping[str, Any] = {**TRANSFORMS, **ELEMENTARY}
"""What is known by name in an expression: formulaic's transforms, and ours."""

Check = Callable[[str, tuple[Any, ...]], None]


def tokens_of(text: str) -> Iterator[tuple[str, str, int, int]]:
    """Take a formula apart as formulaic does.

    Yields
    ------
    str, str, int, int
        What a token is ("context", "operator", "name", "value" or "python"), its text, and where that begins and ends.

    Raises
    ------
    formulaic.errors.FormulaSyntaxError
        If a quotation mark or the parenthesis of a call is never closed.
    """
    for token in tokenize(text):
        start, last = token.source_start, token.source_end
        assert token.kind is not None
        assert start is not None
        assert last is not None
        yield token.kind.value, token.token, start, last + 1


def parsed_with(check: Check, text: str) -> StructuredFormula | SimpleFormula:
    """Let formulaic's parser read a formula, with a look at every operator before it is carried out.

    Parameters
    ----------
    check : callable
        Gets the operator, and the sets of terms on its sides; may raise.
    text : str
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", SyntaxWarning)
        return Formula(text, _parser=DefaultFormulaParser(operator_resolver=_CheckedOperators(check)))


def python_of(side: SimpleFormula) -> tuple[str, ...]:
    """Give the Python expressions of one side of a formula, each once, sorted."""
    return tuple(sorted(_expressions(side, Factor.EvalMethod.PYTHON)))


def looked_up(side: SimpleFormula) -> frozenset[str]:
    """Give the columns that stand by themselves on one side of a formula."""
    return frozenset(_expressions(side, Factor.EvalMethod.LOOKUP))


def constants_of(term: Term) -> bool:
    """Tell whether a term is a number alone, as the intercept is."""
    return all(factor.eval_method == Factor.EvalMethod.LITERAL for factor in term.factors)


def numbers_of(term: Term) -> tuple[str, ...]:
    """Give the numbers in a term, which would scale it; that of the intercept is "1"."""
    return tuple(str(factor.expr) for factor in term.factors if factor.eval_method == Factor.EvalMethod.LITERAL)


def columns_of_terms(side: SimpleFormula) -> Iterator[tuple[tuple[str, bool], ...]]:
    """Give for each term the columns and expressions that it multiplies, and whether each is an expression."""
    for term in side:
        yield tuple(
            (str(factor.expr), factor.eval_method == Factor.EvalMethod.PYTHON)
            for factor in term.factors
            if factor.eval_method != Factor.EvalMethod.LITERAL
        )


def is_column(term: Term) -> bool:
    """Tell whether a term is a column as it stands in the data."""
    return len(term.factors) == 1 and term.factors[0].eval_method == Factor.EvalMethod.LOOKUP


def name_of(term: Term) -> str:
    """Give a term as a user reads it; that of a column is the name of the column, whatever signs are in it."""
    return shown(":".join(str(factor.expr) for factor in term.factors))


def text_of(term: Term) -> str:
    """Give a term as it can be typed in a formula."""
    return ":".join(map(_typed, term.factors))


def ratio_of(terms: Sequence[Term]) -> str | None:
    """Give what `a / b` reads as a calculation, from the terms a and a:b that it stands for; None of other terms."""
    if [len(term.factors) for term in terms] != [1, 2] or terms[0].factors[0] not in terms[1].factors:
        return None
    (below,) = set(terms[1].factors) - set(terms[0].factors)
    return f"{text_of(terms[0])} / {_typed(below)}"


def categories_of(spec: ModelSpec) -> Iterator[tuple[str, set[str], list[Any]]]:
    """Give the categorical expressions of a spec, with the names in each and the levels that it has learnt."""
    names = {str(factor): {str(name) for name in used} for factor, used in spec.factor_variables.items()}
    for expression, (_, state) in spec.encoder_state.items():
        if "categories" in state:
            yield str(expression), names.get(str(expression), set()), list(state["categories"])


def _typed(factor: Factor) -> str:
    text = shown(str(factor.expr))
    if factor.eval_method == Factor.EvalMethod.LOOKUP:
        return in_formula(text)
    if factor.eval_method == Factor.EvalMethod.PYTHON and not _is_call(str(factor.expr)):
        return f"{{{text}}}"
    return text


def _is_call(expression: str) -> bool:
    return isinstance(ast.parse(expression, mode="eval").body, ast.Call)


def parts_of(term: Term) -> frozenset[str]:
    """Give what a term multiplies, in any order."""
    return frozenset(str(factor.expr) for factor in term.factors)


def call_text(node: ast.AST) -> str:
    """Give a call as formulaic writes it, which is the name under which it keeps what it has learnt there."""
    text: str = format_expr(node)
    return text


def signature_of(name: str) -> Callable[..., Any]:
    """Give the function behind a name."""
    function: Callable[..., Any] = TRANSFORMS[name]
    return function


def state_of(spec: ModelSpec, call: str) -> MutableMapping[str, Any] | None:
    """Give what a call has learnt from the data of the fit, to be read and changed; None if the spec has no such call.

    Parameters
    ----------
    spec : formulaic.ModelSpec
    call : str
        As `call_text` gives it.
    """
    state: MutableMapping[str, Any] | None = spec.transform_state.get(call)
    return state


def evaluate_expression(
    expression: str, columns: Mapping[str, Any], context: Mapping[str, Any], index: pd.Index
) -> pd.Series:
    """Evaluate an expression that has been checked on some rows, as if they were all.

    Parameters
    ----------
    expression : str
    columns : mapping
        Columns by the names that the expression has for them.
    context : mapping
        Functions of the user's own.
    index : pandas.Index
        Of the rows.
    """
    with np.errstate(all="ignore"):
        values = stateful_eval(expression, {**BUILT_IN, **context, **columns}, None, None, None)
    return pd.Series(getattr(values, "__wrapped__", values), index=index)


def _expressions(side: SimpleFormula, method: Factor.EvalMethod) -> set[str]:
    return {str(factor.expr) for term in side for factor in term.factors if factor.eval_method == method}


class _CheckedOperators(DefaultOperatorResolver):  # type: ignore[misc]
    """Formulaic's operators, which ask before they work."""

    def __init__(self, check: Check) -> None:
        super().__init__()
        self._check = check

    @property
    def operators(self) -> list[Operator]:
        return [self._checked(operator) for operator in super().operators]

    def _checked(self, operator: Operator) -> Operator:
        if operator.symbol not in ("+", "-", "*", "/", ":", "in", "**", "^"):
            return operator

        def to_terms(*sides: Any) -> Any:
            self._check(operator.symbol, sides)
            both = len(sides) == 2 and all(isinstance(side, OrderedSet) for side in sides)
            if both and operator.symbol == "+":
                # A sum of thousands of columns would be copied at each of its signs; no set here is used twice.
                sides[0].values.update(sides[1].values)
                return sides[0]
            return operator.to_terms(*sides)

        return Operator(
            operator.symbol,
            arity=operator.arity,
            precedence=operator.precedence,
            associativity=operator.associativity,
            fixity=operator.fixity,
            to_terms=to_terms,
        )
