"""Text that reads as numbers, dates or measures, told from labels that have digits.

A column of numbers becomes text by one cell that is none (`T`, `<0.5`, `2.3 or 2.4`), by decimal commas, separators of
thousands, units and signs. As categories it would have one coefficient for each value. Labels have digits too: doses,
bands of age, codes. They are few, with many rows each; or they differ in more than in a number.
"""

import math
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from stanhier.data.conversions import form_of_dates, special_in_numbers, special_in_times
from stanhier.data.numerals import (
    NUMERAL,
    negative_in_accounts,
    notation,
    plain_signs,
    replacements_in,
    without_sign,
)

__all__ = ["Reading", "reading_of"]

_BLANK = frozenset(
    ["", "-", "--", "–", "—", ".", "?", "na", "n/a", "n.a.", "#n/a", "<na>", "nan", "none", "null", "missing"]
)
"""What files say, in small letters, where a number is missing."""
_FEW_LABELS = 12
"""So many labels may read as dates or measures if there are two rows or more for each."""
_FEW_NUMBERS = 5
"""So many may be plain numbers among them, such as 0, 1, 2 and `3+`."""
_ROWS_OF_PERIODS = 5
"""Quarters and seasons that have so many rows each may be labels, however many they are."""
_ENOUGH_DECIMALS = 0.4
"""Of so many values with decimals, the others are what is odd, even if they are more."""
_MOST = 2000
"""Values that are looked at; of more, as many at even distances."""

_BETWEEN = re.compile(r"[-–—:.,;_&]|\+\s*\d|/\s*\D|(?:to|bis|or|and|x)\b|[xq]\s*\d|(?:st|nd|rd|th)\b", re.IGNORECASE)
"""What makes a range, a list, a code or an ordinal of the number before it."""
_MAGNITUDES = frozenset("kKMBGTmgsh")
_POWER_OF_TEN = re.compile(r"[x*×·]\s?10\^\s?[-+]?\d", re.IGNORECASE)

_MONTH = (
    r"(?:jan(?:uary)?|feb(?:ruary)?|mar(?:ch)?|apr(?:il)?|may|june?|july?|aug(?:ust)?|sept?(?:ember)?|oct(?:ober)?"
    r"|nov(?:ember)?|dec(?:ember)?)\.?"
)
_DAY, _YEAR = r"(?:0?[1-9]|[12]\d|3[01])", r"(?:1[5-9]|20|21)\d\d"
_NUMBER_OF_MONTH = r"(?:0?[1-9]|1[0-2])"
_CLOCK = r"\d{1,2}:[0-5]\d(?::[0-5]\d(?:\.\d+)?)?(?:\s?[ap]\.?m\.?)?"
_DATES = re.compile(
    rf"(?:[a-z]{{3,9}},?\s+)?(?:"
    rf"{_YEAR}(?P<a>[-/.]){_NUMBER_OF_MONTH}(?P=a){_DAY}"  # 2024-01-31
    rf"|{_DAY}(?P<b>[-/.]){_NUMBER_OF_MONTH}(?P=b)(?:{_YEAR}|\d\d)"  # 31/01/2024
    rf"|{_NUMBER_OF_MONTH}(?P<c>[-/.]){_DAY}(?P=c)(?:{_YEAR}|\d\d)"  # 01/31/2024
    rf"|{_YEAR}[-/](?:0[1-9]|1[0-2])|(?:0?[1-9]|1[0-2])/{_YEAR}|{_YEAR}m(?:0?[1-9]|1[0-2])"  # 2024-01, 01/2024, 2024M01
    rf"|{_YEAR}-?w\d\d(?:-?\d)?"  # 2024-W05
    rf"|{_DAY}[-\s.]*{_MONTH}(?:[-,\s]+(?:{_YEAR}|\d\d))?"  # 31 Jan 2024
    rf"|{_DAY}\.?\s(?:de\s)?[^\W\d]{{3,10}}\.?\s(?:de\s)?{_YEAR}|{_YEAR}年\d\d?月\d\d?日"  # 31. Januar 2024
    rf"|{_MONTH}[-\s]+{_DAY}(?:st|nd|rd|th)?(?:,?\s+{_YEAR})?"  # January 31, 2024
    rf"|{_MONTH}[-,\s]+(?:{_YEAR}|\d\d)|{_YEAR}[-\s]{_MONTH}(?:[-\s]{_DAY})?"  # Jan 2024
    rf")(?:(?:,?\s+|t){_CLOCK}(?:\s?(?:z|utc|[-+]\d\d:?\d\d))?)?",
    re.IGNORECASE,
)
_SEASON = re.compile(r"(\d{4})[-/](\d\d)")
_CODE = re.compile(r"\s*[A-Z]{1,4}-?\d")
"""What codes begin with, such as those of diseases, of which others are numbers with a point."""
_QUARTER = re.compile(rf"{_YEAR}[-\s/.]?(?:q[1-4]|[hs][12])|(?:q[1-4]|[hs][12])[-\s/.]?{_YEAR}", re.IGNORECASE)
_TIME = re.compile(_CLOCK, re.IGNORECASE)


@dataclass(frozen=True)
class Reading:
    """What the values of a column of text were, most likely.

    Attributes
    ----------
    what : str
        "numbers", "numbers with units or signs", "dates" or "times".
    how : str
        What the conversion has to make: "number", "measure" (the number in the text), "date", "time" or "clock" (a time
        without seconds).
    replacements : tuple of pairs of str
        What has to be replaced before: decimal commas, separators of thousands.
    examples, odd : tuple of str
        Values that read so, and values that do not.
    form : str
        The format of dates, in the codes of `strftime`, if it can be told.
    special : str
        Why a plain conversion would give wrong numbers; empty if it gives the right ones.
    """

    what: str
    how: str
    replacements: tuple[tuple[str, str], ...]
    examples: tuple[str, ...]
    odd: tuple[str, ...]
    form: str = ""
    special: str = ""


def reading_of(values: Sequence[str], n_rows: int, *, chosen: bool = False) -> Reading | None:
    """Tell what text most likely stands for.

    Parameters
    ----------
    values : sequence of str
        The different values of a column.
    n_rows : int
    chosen : bool
        Whether the column was made one of categories before, so that a few numbers are meant as labels.

    Returns
    -------
    Reading or None
        None if they are labels.
    """
    values = [value for value in values if value.strip().lower() not in _BLANK]
    n_labels = len(values)
    if n_labels > _MOST:
        values = values[:: -(-n_labels // _MOST)]
    if not values:
        return None
    many_rows = n_rows >= 2 * n_labels
    few = n_labels <= _FEW_LABELS and (many_rows or n_labels <= _FEW_NUMBERS)
    kinds = {value: _kind(value) for value in values}
    numerals = [value for value, kind in kinds.items() if kind in ("plain", "comma", "thousands")]
    decimals = [value for value in numerals if re.search(r"\d[.,]\d", plain_signs(value))]
    coded = any(_CODE.match(value) for value in values)
    if 2 * len(numerals) > len(values) or (len(decimals) >= _ENOUGH_DECIMALS * len(values) and not coded):
        by_chance = n_labels <= _FEW_LABELS if chosen else len(numerals) < len(values) and len(numerals) <= _FEW_NUMBERS
        if by_chance and many_rows:
            return None
        return _reading("numbers", "number", numerals, values)
    for kind in ("date", "time"):
        of_kind = [value for value, its in kinds.items() if its == kind or (kind, its) == ("date", "period")]
        if 2 * len(of_kind) > len(values):
            if all(kinds[value] == "period" for value in of_kind) and n_rows >= _ROWS_OF_PERIODS * n_labels:
                return None
            clock = kind == "time" and all(value.count(":") == 1 for value in of_kind)
            return None if few else _reading(f"{kind}s", "clock" if clock else kind, of_kind, values)
    measures = [value for value, kind in kinds.items() if kind.startswith("measure")]
    if not few and 2 * (len(measures) + len(numerals)) > len(values) and _have_units([kinds[v] for v in measures]):
        others = [value for value in values if not kinds[value]]
        read = [*measures, *numerals]
        return _reading("numbers with units or signs", "measure", read, [*read, *others])
    return None


def _reading(what: str, how: str, read: Sequence[str], values: Sequence[str]) -> Reading:
    known = set(read)
    odd = tuple(value for value in values if value not in known)
    replacements: tuple[tuple[str, str], ...] = ()
    form = special = ""
    if how in ("number", "measure"):
        replacements = replacements_in(read)
        special = special_in_numbers(how, read, odd, replacements)
    elif how == "date":
        form = form_of_dates(read)
        special = "" if form else "give it their format, such as '%d/%m/%Y'"
        if any(_QUARTER.fullmatch(plain_signs(value)) for value in read):
            special = "take the first day of each quarter or half-year"
    else:
        special = special_in_times(how, read)
    return Reading(what, how, replacements, tuple(read[:2]), odd, form, special)


def _kind(value: str) -> str:
    """Say what one value reads as: a notation of numbers, date, time, a measure with its unit; empty if as none."""
    if len(value) > 60:
        return ""
    text = plain_signs(value)
    match = NUMERAL.fullmatch(text)
    if match is not None:
        return notation(match)
    if _reads_as_number(text) or negative_in_accounts(value).startswith("minus"):
        return "plain"
    season = _SEASON.fullmatch(text)
    if (season is not None and (int(season[1]) + 1) % 100 == int(season[2])) or _QUARTER.fullmatch(text):
        return "period"
    if _DATES.fullmatch(text):
        return "date"
    if _TIME.fullmatch(text):
        return "time"
    sign, rest = without_sign(text)
    number = NUMERAL.match(rest)
    if number is None:
        return "measure (" if negative_in_accounts(value) else ""
    unit = rest[number.end() :].strip()
    if _POWER_OF_TEN.match(unit):
        return "measure power of ten"
    if _BETWEEN.match(unit):
        return ""
    return f"measure {'' if sign in '<>≤≥≈~(' else sign}{re.sub(r'[0-9.,]+', '#', unit)}"


def _reads_as_number(text: str) -> bool:
    """Tell what else is read as a number: `inf` and the like."""
    try:
        return not math.isnan(float(text))
    except ValueError:
        return False


def _have_units(kinds: Sequence[str]) -> bool:
    """Tell units from what makes labels different: a unit is that of many values, or there are two or three."""
    units = Counter(kind.removeprefix("measure ") for kind in kinds)
    letters = {unit for unit in units if len(unit) == 1 and unit.isalpha()}
    if len(letters) > 1 and not letters <= _MAGNITUDES:  # 5a, 5b, 6a: classes, flats, seats
        return False
    return len(units) <= 3 or 2 * max(units.values()) > len(kinds)
