"""Group terms as lme4 writes them, `(effects | factors)`: cut out of a formula before formulaic reads the rest."""

import re
from dataclasses import dataclass

from stanhier.basics.errors import FormulaError
from stanhier.basics.words import quoted, shortened

__all__ = ["MOST_FACTORS", "GroupTerm", "split_group_terms", "without_backticked", "without_quoted"]

MOST_FACTORS = 20
"""Grouping factors of a formula at most, and columns that one of them combines."""

_QUOTED = re.compile(r"`[^`]*`|'[^']*'|\"[^\"]*\"")
_NAME = re.compile(r"`[^`]*`|[^\W\d][\w.]*")
_DEEPEST = 50
_OPENING = {")": "(", "]": "[", "}": "{"}


@dataclass(frozen=True)
class GroupTerm:
    """One `(effects | factors)`.

    Attributes
    ----------
    text : str
        What stands between the parentheses.
    effects : str
        The left of the bar: what varies, "1" for the intercept.
    factors : str
        The right of the bar: by which groups.
    correlated : bool
        False after two bars, `(effects || factors)`, which leave the effects of a group uncorrelated.
    """

    text: str
    effects: str
    factors: str
    correlated: bool


def without_quoted(text: str) -> str:
    """Blank out what is in backticks or quotation marks, so that positions stay and signs in names do not count."""
    return _QUOTED.sub(lambda match: match[0][0] + "x" * (len(match[0]) - 2) + match[0][0], text)


def without_backticked(text: str) -> str:
    """Leave out what is in backticks."""
    return re.sub(r"`[^`]*`", "``", text)


def split_group_terms(text: str) -> tuple[str, tuple[GroupTerm, ...]]:
    """Cut the group terms out of a formula.

    Parameters
    ----------
    text : str
        The whole formula.

    Returns
    -------
    str, tuple of GroupTerm
        What is left, for formulaic, and the terms in their order.

    Raises
    ------
    FormulaError
        If parentheses do not match or are too many within each other; if a term stands on the left of '~', within
        another one, is not added to the others with '+', or has not one bar; if parentheses hold a name alone.
    """
    plain = without_quoted(text)
    spans, pairs = _spans(plain, text)
    _refuse_without_bar(text, plain, pairs)
    if len(spans) > MOST_FACTORS:
        raise FormulaError(f"{quoted(text)} has {len(spans):,} grouping terms, and {MOST_FACTORS} are the most.")
    common, end = "", 0
    for start, stop in spans:
        if "~" in plain[stop:]:
            raise FormulaError(
                f"{quoted(text)}: the grouping term {shortened(text[start:stop])} belongs to the right of '~'."
            )
        term = text[start:stop]
        start, stop = _with_own_parentheses(plain, start, stop)
        why = _why_not_added(plain, pairs, start, stop)
        if why is not None:
            said = shortened(term)
            raise FormulaError(
                f"{quoted(text)}: the grouping term {said} can only be added to all other terms with '+', and {why}; "
                f"write it last, y ~ ... + {said}, with the other terms before it."
            )
        # `y ~ (1 | g) + x` keeps `x`; `y ~ (1 | g)` alone has the intercept that `1` stands for.
        common, end = (common + text[end:start]).rstrip().removesuffix("+").rstrip(), stop
        if common.endswith(("~", "(")):
            after = text[stop:].lstrip()
            end = len(text) - len(after.removeprefix("+"))
            if after.removeprefix("+").lstrip()[:1] in ("", ")"):
                common += "1"
    return common + text[end:], tuple(_group_term(text, start, stop) for start, stop in spans)


def _spans(plain: str, text: str) -> tuple[list[tuple[int, int]], list[tuple[int, int]]]:
    """Find in one pass where pairs of parentheses start and end, the inner ones first.

    Those with a bar directly in them come first, then all.
    """
    spans: list[tuple[int, int]] = []
    pairs: list[tuple[int, int]] = []
    open_at: list[tuple[int, str, bool]] = []
    barred: set[int] = set()
    calls, last = 0, ""
    for position, sign in enumerate(plain):
        if sign in "([{":
            is_call = sign == "{" or re.match(r"[\w`.]", last) is not None
            open_at.append((position, sign, is_call))
            calls += is_call
            if len(open_at) > _DEEPEST:
                raise FormulaError(f"{quoted(text)}: parentheses stand more than {_DEEPEST} deep within each other.")
        elif sign == "|" and open_at and open_at[-1][1] == "(" and not calls:
            barred.add(open_at[-1][0])
        elif sign in ")]}":
            if not open_at or open_at[-1][1] != _OPENING[sign]:
                what = "parenthesis" if sign == ")" else f"'{sign}'"
                raise FormulaError(f"{quoted(text)}: the {what} at position {position + 1} was never opened.")
            start, _, is_call = open_at.pop()
            calls -= is_call
            if sign == ")":
                pairs.append((start, position + 1))
            if start in barred:
                if spans and spans[-1][0] > start:
                    raise FormulaError(f"{quoted(text)}: a grouping term stands within another one.")
                spans.append((start, position + 1))
        if not sign.isspace():
            last = sign
    if open_at:
        position, sign, _ = open_at[-1]
        what = "parenthesis" if sign == "(" else f"'{sign}'"
        raise FormulaError(f"{quoted(text)}: the {what} at position {position + 1} is never closed.")
    return spans, pairs


def _refuse_without_bar(text: str, plain: str, pairs: list[tuple[int, int]]) -> None:
    """Refuse a name alone in parentheses, `(g)`, among the terms of the sum: the bar of `(1 | g)` was forgotten."""
    end = 0  # of the pair that holds those to come
    for start, stop in sorted(pairs):
        if start < end:
            continue
        end = stop
        name = text[start + 1 : stop - 1].strip()
        is_term = plain[:start].rstrip().endswith(("~", "+")) and _why_not_between_signs(plain, start, stop) is None
        if is_term and _NAME.fullmatch(name):
            said = shortened(name)
            raise FormulaError(
                f"{quoted(text)}: ({said}) has no bar; write (1 | {said}) for an intercept that varies by {said}, and "
                f"{said} without parentheses for a predictor."
            )


def _with_own_parentheses(plain: str, start: int, stop: int) -> tuple[int, int]:
    """Take in the parentheses that stand around a term alone, as in `((1 | g))`."""
    while plain[:start].rstrip().endswith("(") and plain[stop:].lstrip().startswith(")"):
        start, stop = plain[:start].rindex("("), plain.index(")", stop) + 1
    return start, stop


def _why_not_added(plain: str, pairs: list[tuple[int, int]], start: int, stop: int) -> str | None:
    """Say why a part of a formula is no term of its sum, None if it is one.

    Where it is cut out, what stands around it would join its neighbours.
    """
    why = _why_not_between_signs(plain, start, stop)
    if why is not None:
        return why
    for first, last in pairs:
        if first < start and stop < last:
            why = _why_not_between_signs(plain, first, last)
            if why is not None:
                return f"it stands within parentheses, and {why.replace(' it ', ' them ')}"
    return None


def _why_not_between_signs(plain: str, start: int, stop: int) -> str | None:
    """Say what stands beside a part of a formula and binds it closer than a sum does."""
    before, after = plain[:start].rstrip(), plain[stop:].lstrip()
    left, right = before.rstrip("+ \t\r\n"), after.lstrip("+ \t\r\n")
    if not before.endswith(("~", "+", "(")):
        return f"before it stands {_beside(before[-1:])}"
    if re.search(r"[^\w.`'\")\]}~(]$|(?<!\w)in$", left[-3:]):
        return f"before it stands {_beside(left[-1:])}"
    if after and not after.startswith(("+", "-", ")")):
        return f"after it stands {_beside(after[:1])}"
    if after.startswith("+") and right[:1] in ("", ")", "*", "/", ":", "^", "%"):
        return "the '+' after it adds nothing"
    if before.endswith("+") and left.endswith("(") and right.startswith(")"):
        return "it stands within parentheses of its own"
    return None


def _beside(sign: str) -> str:
    return "another term" if re.match(r"[\w.`'\"()\[\]{}]", sign) else f"'{sign}'"


def _group_term(text: str, start: int, stop: int) -> GroupTerm:
    inner = text[start + 1 : stop - 1]
    bars = [position for position, sign in enumerate(without_quoted(inner)) if sign == "|"]
    if len(bars) > 2 or (len(bars) == 2 and bars[1] != bars[0] + 1):
        raise FormulaError(
            f"{quoted(text)}: ({shortened(inner.strip())}) has {len(bars)} bars; a grouping term has one, (1 | g), or "
            "two side by side, (1 + x || g), for effects without correlations. Further groups are terms of their own, "
            "(1 | g) + (1 | h)."
        )
    return GroupTerm(
        text=inner.strip(),
        effects=inner[: bars[0]].strip(),
        factors=inner[bars[-1] + 1 :].strip(),
        correlated=len(bars) == 1,
    )
