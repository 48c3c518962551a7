"""Formulaic's parser, held to formulas of a size that a person would write: `(a + b)**50` must not take for ever.

Whatever is bounded is bounded before it is made: characters, nesting, signs, calls, and terms where sets of them are
multiplied.
"""

import re
from math import prod
from typing import Any

from formulaic.errors import FormulaicError
from formulaic.formula import SimpleFormula, StructuredFormula

from stanhier.basics.errors import FormulaError
from stanhier.basics.words import quoted, shortened
from stanhier.formula.aliases import shown, with_aliases
from stanhier.formula.formulaic_parts import constants_of, name_of, numbers_of, parsed_with, tokens_of
from stanhier.formula.group_terms import without_quoted
from stanhier.formula.habits import BACKTICKS, advice_for_bar, advice_for_call, advice_for_text

__all__ = ["LONGEST", "LONGEST_EXPRESSION", "MOST_CALLS", "plain_words", "read_terms", "refuse_long"]

LONGEST = 100_000
"""Characters of a formula at most."""

LONGEST_EXPRESSION = 1000
"""Characters of a call in it at most."""

MOST_CALLS = 300
"""Different calls in it at most."""

_ANSI = re.compile("\x1b\\[[0-9;]*m|[⧛⧚]")
_MOST_TOKENS = 10_000
_MOST_TERMS = 20_000
_STEPS_PER_TERM = 3
_GREATEST_ORDER = 20
_NUMBERS = "numbers other than 0 and 1 stand in calculations alone, as in I(2 * x)"
_NO_ZERO = "a 0 stands in sums alone, as in y ~ 0 + x, where it takes away the intercept"
_BINDS = re.compile(r"(?<!\*)[*:/](?!\*)|\bin\b")


def refuse_long(text: str) -> None:
    """Refuse a formula of more characters than can be looked at in no time.

    Raises
    ------
    FormulaError
    """
    if len(text) > LONGEST:
        raise FormulaError(
            f"A formula of {len(text):,} characters is too long; it may have {LONGEST:,}: {quoted(text, 60)}."
        )


def read_terms(common: str, formula: str, *, most_terms: int = _MOST_TERMS) -> StructuredFormula | SimpleFormula:
    """Let formulaic read the common part of a formula, or the effects of a grouping term.

    Parameters
    ----------
    common : str
        Without grouping terms.
    formula : str
        The whole formula, for messages.
    most_terms : int
        That products and powers in it may multiply out to.

    Returns
    -------
    formulaic.Formula
        Its expressions have names that Python can read, as `with_aliases` makes them.

    Raises
    ------
    FormulaError
        If it cannot be read, or is too large.
    """
    said = quoted(formula)
    try:
        return parsed_with(_Bounds(most_terms), _with_aliases(common))
    except _RefusedError as err:
        raise FormulaError(f"{said}: {err}.") from None
    except SyntaxError as err:
        called = re.match(r"\s*([\w.]+)\s*\(", str(err.text))
        known = None if called is None else advice_for_call(called[1])
        advice = f"Here {known}." if known else advice_for_text(common) or f"{BACKTICKS} A call is f(x, n=3)."
        what = quoted(shown(str(err.text).strip()))
        raise FormulaError(f"{said} cannot be read: {what} is not an expression. {advice}") from None
    except FormulaicError as err:
        raise FormulaError(f"{said} cannot be read: {_why(err, common)}") from None
    except RecursionError:
        raise FormulaError(f"{said} cannot be read: a call in it has too many signs; make a column of it.") from None
    except Exception as err:  # noqa: BLE001 - text that is no formula makes formulaic stumble in more ways than it says
        raise FormulaError(f"{said} cannot be read as a formula ({type(err).__name__}).") from None


def plain_words(err: Exception) -> str:
    """Give formulaic's message on one line, without its colours, with the user's names and not at any length."""
    return shortened(shown(" ".join(_ANSI.sub("", str(err)).split())), 400)


class _RefusedError(Exception):
    """Part of a message: what in the formula is not allowed."""


def _with_aliases(common: str) -> str:
    """Check the size of a formula by its parts, and give it with names in calls that Python can read."""
    written, end, calls = [], 0, set()
    last = ("", "")
    for n, (kind, token, start, stop) in enumerate(tokens_of(common)):
        if ("value", "0") in (last, (kind, token)) and any(
            one == "operator" and _BINDS.search(sign) for one, sign in (last, (kind, token))
        ):
            raise _RefusedError(_NO_ZERO)
        last = kind, token
        if n >= _MOST_TOKENS:
            raise _RefusedError(f"it has more than {_MOST_TOKENS:,} names and signs; make columns of some of it")
        if kind == "operator" and "|" in token and "~" in without_quoted(common[start:]):
            raise _RefusedError(advice_for_bar(without_quoted(common[: stop + 30])))
        if kind == "operator" and "|" in token:
            raise _RefusedError(
                "a bar stands within parentheses, as in (1 | g) for an intercept and (1 + x | g) for an intercept and "
                "a slope that vary by g; beside them write one response, one '~' and one set of predictors"
            )
        if kind == "operator" and "%" in common[start:stop] and token.strip() != "in":
            raise _RefusedError("of signs between per cents there is a %in% b alone; an interaction is a:b")
        if kind != "python":
            continue
        if len(token) > LONGEST_EXPRESSION:
            raise _RefusedError(f"{quoted(token, 60)} of {len(token):,} characters is too long; make a column")
        calls.add(token)
        if len(calls) > MOST_CALLS:
            raise _RefusedError(f"it has more than {MOST_CALLS} different calls; make columns of some of them")
        try:
            replaced = with_aliases(token)
        except ValueError as err:
            raise _RefusedError(f"in {quoted(token)} {err}") from None
        start += not common.startswith(token, start)  # behind a brace, where it stands in braces
        if not common.startswith(token, start):
            raise _RefusedError(f"{quoted(token)} is not an expression")
        written += [common[end:start], replaced]
        end = start + len(token)
    return "".join([*written, common[end:]])


class _Bounds:
    """Looks at the sizes of sets of terms before they are combined."""

    def __init__(self, most_terms: int) -> None:
        self._steps = 0
        self._most_terms = most_terms

    def __call__(self, symbol: str, sides: tuple[Any, ...]) -> None:
        sizes = [len(side) for side in sides]
        scaled = () if symbol == "+" else sides[-1:] if symbol == "-" else sides[:1] if symbol in ("**", "^") else sides
        if any(number != "1" for side in scaled for term in side for number in numbers_of(term)):
            raise _RefusedError(_NUMBERS)
        if symbol == "-":
            self._count(sizes[0] // 20)
            _check_difference(sides[0] if len(sides) == 2 else (), sides[-1])
            return
        if len(sides) < 2 or symbol == "+":
            return
        if symbol in ("**", "^"):
            power = _check_power(*sides)
            self._check_size(sizes[0] ** power)
            self._count(sizes[0] ** power * power)
            order = power * max((len(term.factors) for term in sides[0]), default=0)
            order = min(order, sum(len(term.factors) for term in sides[0]))
        else:
            self._check_size(prod(sizes))
            orders = [[len(term.factors) for term in side] for side in sides]
            nesting = sum(orders[0 if symbol == "/" else -1]) if symbol in ("/", "in") else 0
            order = max(nesting, sum(max(side, default=0) for side in orders))
            self._count(prod(sizes) * (1 + order // 4) + sum(sizes) // 20)
        if order > _GREATEST_ORDER:
            raise _RefusedError(
                f"an interaction of more than {_GREATEST_ORDER} columns cannot be estimated; multiply fewer"
            )

    def _count(self, steps: int) -> None:
        self._steps += steps
        if self._steps > _STEPS_PER_TERM * self._most_terms:
            self._check_size(self._most_terms + 1)

    def _check_size(self, n_terms: int) -> None:
        if n_terms > self._most_terms:
            raise _RefusedError(
                f"it multiplies out to more than {self._most_terms:,} terms, or to fewer in too many steps; write "
                "fewer interactions"
            )


def _check_difference(left: Any, right: Any) -> None:
    absent = next((name_of(term) for term in right if term not in left and not constants_of(term)), None)
    if absent is not None:
        first = name_of(list(left)[-1]) if left and not constants_of(list(left)[-1]) else "a"
        raise _RefusedError(
            f"'- {shortened(absent)}' takes away a term that is not there. A difference of columns is I(a - b), and a "
            f"column with a dash in its name stands in backticks, such as `{shortened(first)}-{shortened(absent)}`"
        )


def _check_power(base: Any, power: Any) -> int:
    if len(base) == 1:
        name = shortened(name_of(next(iter(base))))
        raise _RefusedError(
            f"a power of terms, as in (a + b)**2, stands for their interactions and would leave '{name}' as it is; "
            f"write I({name}**2) for its square"
        )
    exponent = str(next(iter(power), ""))
    if not exponent.isdecimal() or not 1 <= int(exponent[:4]) <= 100:
        raise _RefusedError("the power of a sum of terms must be an integer from 1 to 100")
    return int(exponent)


def _why(err: FormulaicError, common: str) -> str:
    """Say what formulaic did not like, in our words where there are some."""
    said = str(err)
    if "`.` operator" in said:
        return "'.' for all other columns is not supported; name the columns."
    advice = advice_for_text(common)
    if advice is not None:
        return advice
    if "Numeric literals" in said:
        return f"{_NUMBERS}."
    if "different numerical scaling" in said:
        return "a 1 stands in sums alone, where it is the intercept; a product with 1 is the term itself."
    unclosed = re.search(r"quote context was closed. Expected: (.)", said)
    if unclosed is not None:
        what = "a parenthesis or bracket" if unclosed[1] in ")]}" else f"the sign {unclosed[1]}"
        return f"{what} is never closed."
    operator = re.search(r"Operator `(.+?)` has", said)
    if operator is not None:
        return f"'{shortened(operator[1], 40)}' misses a term, or stands in a wrong place."
    if "Missing operator" in said:
        return f"two names stand side by side with no sign between. {BACKTICKS} ({plain_words(err)})"
    called = re.search(r"Unexpected character .* following token `(.*)`", said)
    if called is not None and (known := advice_for_call(called[1])) is not None:
        return known
    return plain_words(err)
