"""The right of the bar in `(effects | factors)`: columns, combinations `a:b`, and nesting `a / b`, which is a + a:b."""

import re
from collections.abc import Iterator
from itertools import combinations

from stanhier.basics.errors import FormulaError
from stanhier.basics.words import quoted, shortened
from stanhier.formula.group_terms import MOST_FACTORS, GroupTerm, without_quoted
from stanhier.formula.habits import advice_for_grouping

__all__ = ["expanded_factors", "factor_name"]

_NAME = re.compile(r"`(?P<quoted>[^`]+)`|(?P<plain>[^\W\d]\w*(?:\.\w+)*)")
_BACKTICKS = "A name with blanks, dashes or other signs in it stands in backticks: (1 | `my group`)"
_ADVICE = {
    r"^$": "; write (1 | a / b) for (1 | a) + (1 | a:b), and (1 | a:b) for groups of combinations",
    r"^[('\"{[]|\)$": "; write names with ':' and '/' alone, without parentheses or quotation marks: (1 | a:b)",
    r"\bin\b": "; groups of a within those of b are combinations: (1 | a:b)",
    r"[-+*^%&]": f"; groups are combined by ':' and '/' alone. {_BACKTICKS}",
    r"": f". {_BACKTICKS}",
}


def factor_name(factors: tuple[str, ...]) -> str:
    """Give the name of the factor that some columns make together, such as "a:b"."""
    return ":".join(factors)


def expanded_factors(term: GroupTerm, formula: str) -> tuple[tuple[str, ...], ...]:
    """Give the grouping factors of a term, each as the columns that it combines.

    Parameters
    ----------
    term : GroupTerm
    formula : str
        The whole formula, for messages.

    Returns
    -------
    tuple of tuples of str
        One for `g` and for `a:b`; for `a / b / c` those of `a`, `a:b` and `a:b:c`.

    Raises
    ------
    FormulaError
        If anything but names of columns, ':' and '/' stands there, a name stands there twice, or they are too many.
    """
    said = f"{quoted(formula)}: ({shortened(term.text)})"
    if not term.factors:
        raise FormulaError(f"{said} names no groups; write the column of the groups behind the bar, (1 | g).")
    steps = [list(_split(part, ":")) for part in _split(term.factors, "/")]
    if sum(map(len, steps)) > MOST_FACTORS:
        raise FormulaError(
            f"{said} combines {sum(map(len, steps)):,} columns, and {MOST_FACTORS} are the most; group by fewer."
        )
    columns: tuple[str, ...] = ()
    expanded = []
    for step in steps:
        for written in step:
            match = _NAME.fullmatch(written)
            if match is None:
                raise FormulaError(f"{said}: {_why_no_name(written, term)}.")
            name = match["quoted"] or match["plain"]
            if name in columns:
                raise FormulaError(
                    f"{said} names the column '{shortened(name)}' twice: groups of one column within themselves are "
                    "the same groups; leave one of them out."
                )
            columns = (*columns, name)
        expanded.append(columns)
    return tuple(expanded)


def _split(text: str, sign: str) -> Iterator[str]:
    """Split text at a sign outside of backticks and quotation marks."""
    start = 0
    for match in re.finditer(re.escape(sign), without_quoted(text)):
        yield text[start : match.start()].strip()
        start = match.end()
    yield text[start:].strip()


def _why_no_name(written: str, term: GroupTerm) -> str:
    """Say what stands where the name of a column of groups should, and what to write for it."""
    plain = without_quoted(term.factors)
    for sign in "+*":
        terms = _instead(term, sign) if sign in plain and "(" not in plain else None
        if terms is not None:
            what = "crossed groups are terms of their own" if sign == "+" else "a product of groups is written out"
            return f"{what}; write {terms}"
    what = quoted(written) if written else "nothing"
    return f"{what} stands where the name of a column of groups should{_advice(written)}"


def _advice(written: str) -> str:
    """Say what to write, behind what is wrong."""
    called = re.match(r"([\w.]+)\s*\(", written)
    if called is not None:
        return f"; {advice_for_grouping(called[1])}"
    if re.match(r"[\d.]", written):
        name = shortened(written, 40)
        return f"; a number is none. A column whose name begins like one stands in backticks: (1 | `{name}`)"
    return next(advice for pattern, advice in _ADVICE.items() if re.search(pattern, written))


def _instead(term: GroupTerm, sign: str) -> str | None:
    """Give the terms that `a + b` or `a * b` is written as, None if there is more than names in it."""
    parts = list(_split(term.factors, sign))
    names = [name for part in parts for name in (re.split("[:/]", without_quoted(part)) if sign == "+" else [part])]
    if not 1 < len(parts) <= (5 if sign == "+" else 3) or not all(_NAME.fullmatch(name.strip()) for name in names):
        return None
    if sign == "*":
        parts = [":".join(some) for n in range(1, len(parts) + 1) for some in combinations(parts, n)]
    bar = "|" if term.correlated else "||"
    return shortened(" + ".join(f"({shortened(term.effects, 60)} {bar} {part})" for part in parts), 400)
