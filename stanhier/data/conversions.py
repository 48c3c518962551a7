"""What a proposed conversion makes of a column's own values, so that none is proposed that gives wrong numbers."""

import re
from collections.abc import Sequence
from datetime import datetime

from stanhier.data.numerals import NUMERAL, negative_in_accounts, plain_signs, value_of, without_sign

__all__ = ["form_of_dates", "special_in_numbers", "special_in_times"]

_FIRST_NUMBER = re.compile(r"-?[0-9.]+")
"""What every library extracts."""
_POWER = re.compile(r"(?<=[^\W\d_])\^?-?[23]\b")
"""The digits of a unit: m2, kg/m^2."""
_FACTORS = frozenset(["k", "K", "M", "B", "G", "T", "bn", "million", "thousand"])
_HALF_DAY = re.compile(r"[ap]\.?\s?m\.?", re.IGNORECASE)
_FRACTION = re.compile(r"(?:\d+\s+)?\d+\s*/\s*\d+")
_MANY_LOST, _SHARE_LOST = 3, 0.05
"""So many values with numbers in them are no accident, such as those below a limit: none may get lost."""
_FORMS = ("%Y-%m-%d", "%Y/%m/%d", "%Y.%m.%d", *(f"%{a}{s}%{b}{s}%Y" for s in "/.-" for a, b in ("dm", "md")))


def special_in_numbers(how: str, read: Sequence[str], odd: Sequence[str], replaced: Sequence[tuple[str, str]]) -> str:
    """Say what a plain conversion would get wrong; empty if it gives the number that each value stands for.

    Parameters
    ----------
    how : str
        "number" or "measure", as in `Reading`.
    read, odd : sequence of str
        The values that read as numbers, and those that do not and would be missing.
    replaced : sequence of pairs of str
        What is replaced before.
    """
    for value in (*read, *odd):
        written = negative_in_accounts(value)
        if written:
            return f"{written} make {value!r:.40} negative"
    if how == "measure":
        special = _special_in_units(read)
        if special:
            return special
    for value in read:
        meant = value_of(value)
        if meant is None or _made_of(value, how, replaced) != meant:
            return f"{value!r:.40} needs more than its signs replaced"
    for value in odd:
        if _made_of(value, how, replaced) is not None:
            return f"{value!r:.40} would become a number too"
        special = _another_number(value)
        if special:
            return special
        if not value.isascii() and NUMERAL.fullmatch(plain_signs(value)):
            return f"{value!r:.40} is written with other digits"
    lost = [value for value in odd if value_of(value) is not None]
    if len(lost) >= max(_MANY_LOST, _SHARE_LOST * len(read)):
        return f"{lost[0]!r:.40} and {len(lost) - 1} more, which have numbers too, would be missing otherwise"
    return ""


def form_of_dates(read: Sequence[str]) -> str:
    """Give the format of dates, in the codes of `strftime`; empty if there are several, or it cannot be told."""
    fitting = [form for form in _FORMS if all(_has_form(value, form) for value in read)]
    return fitting[0] if len(fitting) == 1 else ""


def special_in_times(how: str, read: Sequence[str]) -> str:
    """Say why times cannot be read as they are; empty if all are written alike, within a day of 24 hours."""
    if any(_HALF_DAY.search(value) for value in read):
        return "AM and PM are halves of the day"
    form = "%H:%M" if how == "clock" else "%H:%M:%S"
    return "" if all(_has_form(value, form) for value in read) else "they are written in several ways, or exceed a day"


def _has_form(value: str, form: str) -> bool:
    if not value.isascii() or value != value.strip():
        return False
    try:
        datetime.strptime(value, form)
    except ValueError:
        return False
    return True


def _parts(value: str) -> tuple[str, str, str]:
    """Take a value apart: the sign before its number, the number with all behind it, and what is behind it."""
    sign, rest = without_sign(plain_signs(value))
    number = NUMERAL.match(rest)
    return sign, rest, "" if number is None else rest[number.end() :].strip()


def _another_number(value: str) -> str:
    """Say why a value stands for another number than its digits; empty if it does not."""
    _, rest, unit = _parts(value)
    if _FRACTION.fullmatch(rest):
        return f"{value!r:.40} is a fraction"
    if _HALF_DAY.fullmatch(unit):
        return "AM and PM are halves of the day"
    return f"{unit!r} in {value!r:.40} is a factor" if unit in _FACTORS else ""


def _special_in_units(read: Sequence[str]) -> str:
    """Say what units and signs make of the numbers before them."""
    units = set()
    for value in read:
        special = _another_number(value)
        if special:
            return special
        sign, _, unit = _parts(value)
        if sign[:1] in ("<", ">", "≤", "≥") or unit == "+":
            return f"{value!r:.40} is a limit"
        if re.search(r"\d", _POWER.sub("", unit)):
            return f"{value!r:.40} has several numbers"
        units.add((sign.lstrip("-(~≈ "), "" if unit == "*" else unit))
    if len(units) > 1:
        listed = ", ".join(repr(f"{sign}{unit}") if sign or unit else "none" for sign, unit in sorted(units)[:4])
        return f"the units differ: {listed}"
    return ""


def _made_of(value: str, how: str, replaced: Sequence[tuple[str, str]]) -> float | None:
    """Do what the conversion does to one value."""
    for old, new in replaced:
        value = value.replace(old, new)
    if how == "measure":
        found = _FIRST_NUMBER.search(value)
        value = "" if found is None else found[0]
    if not value.isascii() or "_" in value:
        return None
    try:
        made = float(value)
    except ValueError:
        return None
    return None if made != made else made
