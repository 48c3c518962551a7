"""Group terms as lme4 writes them, `(effects | factors)`: cut out of a formula before formulaic reads the rest."""

import re
from dataclasses import dataclass

from stanhier.basics.errors import FormulaError
from stanhier.basics.words import quoted, shortened

__all__ = ["GroupTerm", "grouping_column", "split_group_terms", "without_backticked", "without_quoted"]

_NAME = re.compile(r"`(?P<quoted>[^`]+)`|(?P<plain>[^\W\d]\w*(?:\.\w+)*)")
_QUOTED = re.compile(r"`[^`]*`|'[^']*'|\"[^\"]*\"")
_DEEPEST = 50
_MOST_TERMS = 50
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
        False after two bars, `(effects || factors)`.
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
        another one, is not added to the others with '+', or has not one bar.
    """
    plain = without_quoted(text)
    spans, pairs = _spans(plain, text)
    if len(spans) > _MOST_TERMS:
        raise FormulaError(f"{quoted(text)} has {len(spans):,} grouping terms; one is supported so far.")
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


def grouping_column(text: str, terms: tuple[GroupTerm, ...]) -> str | None:
    """Give the grouping column of a formula with one varying intercept, which is what the models have so far.

    Parameters
    ----------
    text : str
        The formula, for messages.
    terms : tuple of GroupTerm

    Raises
    ------
    FormulaError
        If there are several terms, something else than the intercept varies, or the groups are not one column.
    """
    if not terms:
        return None
    said = quoted(text)
    if len(terms) > 1:
        named = ", ".join(f"({shortened(term.text.strip(), 40)})" for term in terms[:5])
        raise FormulaError(f"{said} has {len(terms)} grouping terms, {named}; one is supported so far.")
    term = terms[0]
    if not term.correlated:
        raise FormulaError(f"{said}: write the grouping term as (1 | g), with a single bar.")
    if term.effects != "1":
        raise FormulaError(
            f"{said}: ({shortened(term.text.strip())}) asks for varying slopes or no varying intercept; "
            "(1 | g) is what is supported so far."
        )
    match = _NAME.fullmatch(term.factors)
    if match is None:
        raise FormulaError(f"{said}: {quoted(term.factors)} is not the name of one column. {_why(term.factors)}")
    return match["quoted"] or match["plain"]


def _why(factors: str) -> str:
    """Say what a grouping by something else than a column would be, and what there is instead."""
    plain = without_quoted(factors)
    lost = (
        "A column that names the combination, data['a_b'] = data['a'].astype(str) + ':' + data['b'].astype(str), can "
        "be grouped by, as (1 | a_b), but"
    )
    if "(" in plain:
        return "Groups are the values of a column as they are, numbers or text: (1 | g)."
    if "/" in plain:
        return (
            "Nested groups (1 | a / b), which stand for (1 | a) + (1 | a:b), are not supported so far: there is one "
            f"grouping column. {lost} then the model does not know which groups are of one `a`: there is no standard "
            "deviation between the groups of `a`, no estimate of one of them, and a new b in a known a is predicted as "
            "if nothing were known of that a."
        )
    if "*" in plain or "+" in plain:
        return (
            "Crossed groups, (1 | a) + (1 | b), are not supported so far: there is one grouping column. "
            f"{lost} this is another model: no intercepts and standard deviations of `a` and of `b`, and each "
            "combination is a group of its own. One of them can be a predictor instead, C(b), without pooling."
        )
    if ":" in plain:
        return (
            "Groups that are combinations, (1 | a:b), are not supported so far. A column that names them is the same: "
            "data['a_b'] = data['a'].astype(str) + ':' + data['b'].astype(str), and (1 | a_b)."
        )
    return "A name with blanks, dashes or other signs in it stands in backticks: (1 | `my group`)."


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
    plain = without_quoted(inner)
    bars = [position for position, sign in enumerate(plain) if sign == "|"]
    if len(bars) > 2 or (len(bars) == 2 and bars[1] != bars[0] + 1):
        raise FormulaError(f"{quoted(text)}: write the grouping term as (1 | g), with a single bar.")
    return GroupTerm(
        text=inner,
        effects=inner[: bars[0]].strip(),
        factors=inner[bars[-1] + 1 :].strip(),
        correlated=len(bars) == 1,
    )
