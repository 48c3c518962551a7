"""Numbers as people write them: their signs, separators and digits, and the value that is meant."""

import re
import unicodedata
from collections.abc import Sequence

__all__ = [
    "NUMERAL",
    "negative_in_accounts",
    "notation",
    "plain_signs",
    "replacements_in",
    "value_of",
    "without_sign",
]

_THOUSANDS = (
    r"[1-9]\d{0,2}(?:(?P<sep>[,' _])\d{3}(?:(?P=sep)\d{3})*(?:\.\d+)?|(?:\.\d{3}){2,})"
    r"|[1-9]\d?(?P<lakhs>(?:,\d\d)+,\d{3})(?:\.\d+)?"  # 1,23,456.5, as in India
)
_COMMA = r"(?:\d+,\d+|[1-9]\d{0,2}(?:[. ']\d{3})+,\d+)(?:[eE][-+]?\d+)?"
_PLAIN = r"(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?"
NUMERAL = re.compile(
    rf"=?(?:[-+]\s?)?(?:(?P<thousands>{_THOUSANDS})|(?P<comma>{_COMMA})|(?P<plain>{_PLAIN}))(?!\d|[.,]\d)"
)
_CURRENCY = (
    r"(?:[A-Z]{1,2}\$|[$€£¥₹₩₽]|[A-Z]{3} |(?:kr|Kč|Rs|Fr|zł)\.? |(?:USD|EUR|GBP|CHF|JPY|INR|CNY|SEK|NOK|DKK)(?=[-\d]))"
)
_BEFORE = re.compile(rf"(?:[<>≤≥≈~]=?|(?:-\s*(?={_CURRENCY}))?{_CURRENCY})\s*|\(")
_IN_BRACKETS = re.compile(rf"{_CURRENCY}?\s*\(\s*{_CURRENCY}?\s*(?P<number>[^()]*?\d)\s*\)\s*[^\d()]*")
_MINUS_BEHIND = re.compile(rf"{_CURRENCY}?\s*(?P<number>(?=\d*[.,]\d|\d{{3}})[\d.,]*\d)-")
"""`4.05-`; but not `2-`, which is a mark of schools."""
_QUOTED = re.compile(r"""(?:="|"|'(?=[^"]*$))(?P<inner>[^"']+)["']?""")
_SIGNS = str.maketrans({"\N{MINUS SIGN}": "-", "\N{EN DASH}": "-", "’": "'", "\N{PRIME}": "'"})


def plain_signs(value: str) -> str:
    """Write the signs of a number as programs do: the minus, apostrophes, letters and digits of full width.

    Quotation marks around it are taken away.
    """
    text = unicodedata.normalize("NFKC", value).strip().translate(_SIGNS)
    quoted = _QUOTED.fullmatch(text)
    return text if quoted is None else quoted["inner"].strip()


def without_sign(text: str) -> tuple[str, str]:
    """Take away what stands before a number: a currency, an inequality."""
    before = _BEFORE.match(text)
    return ("", text) if before is None else (before[0].strip(), text[before.end() :])


def notation(number: re.Match[str]) -> str:
    """Name the notation of a number that was found: thousands, comma or plain."""
    return next(name for name in ("thousands", "comma", "plain") if number[name] is not None)


def value_of(text: str) -> float | None:
    """Give the number that text stands for, with whatever units or signs around it; None if it begins with none.

    Brackets around a number, and a minus behind it, make it negative, as in accounts.
    """
    text = plain_signs(text)
    for negative in (_IN_BRACKETS, _MINUS_BEHIND):
        match = negative.fullmatch(text)
        if match is not None:
            inner = value_of(match["number"])
            return None if inner is None else -abs(inner)
    sign, rest = without_sign(text)
    number = NUMERAL.match(rest)
    if number is None:
        return _float(rest)
    kind, digits = notation(number), re.sub(r"^=?([-+]?)\s*", r"\1", number[0])
    if kind == "thousands":
        digits = digits.replace(number["sep"] or ("," if number["lakhs"] else "."), "")
    elif kind == "comma":
        whole, _, decimals = digits.rpartition(",")
        digits = f"{re.sub(r'[. ]|\N{APOSTROPHE}', '', whole)}.{decimals}"
    value = _float(digits)
    return -value if value is not None and sign.startswith("-") else value


def negative_in_accounts(text: str) -> str:
    """Say what makes a number negative other than a minus before it: brackets, or a minus behind."""
    text = plain_signs(text)
    if _IN_BRACKETS.fullmatch(text):
        return "brackets"
    return "minus signs behind" if _MINUS_BEHIND.fullmatch(text) else ""


def replacements_in(values: Sequence[str]) -> tuple[tuple[str, str], ...]:
    """Tell what has to be replaced in values before their numbers read as such: each sign as it is written there."""
    numbers = [NUMERAL.match(without_sign(plain_signs(value))[1]) for value in values]
    found = [number for number in numbers if number is not None]
    has_comma = any(number["comma"] is not None for number in found)
    grouped = [number[0] for number in found if number["thousands"] is not None]
    grouped += [number[0].rpartition(",")[0] for number in found if number["comma"] is not None]
    separators = set("".join(grouped)) & (
        set(". '_")
        if has_comma
        else {n["sep"] or ("," if n["lakhs"] else ".") for n in found if n["thousands"] is not None}
    )
    signs = sorted(set("".join(values)))
    taken = [(sign, "") for sign in signs if plain_signs(f"0{sign}0")[1:-1] in separators]
    minus = [(dash, "-") for dash in ("\N{MINUS SIGN}", "\N{EN DASH}") if dash in signs]
    around = [(sign, "") for sign in signs if sign.isspace() and any(v != v.strip(sign) for v in values)]
    taken += [pair for pair in around if pair not in taken]
    equals = [("=", "")] if any(number[0].startswith("=") for number in found) else []
    return (*taken, *([(",", ".")] if has_comma else []), *minus, *equals)


def _float(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None
