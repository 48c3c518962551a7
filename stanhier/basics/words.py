"""What users and files hold, quoted in messages: never at full length, since some of it is there to flood a screen."""

import re
from collections.abc import Iterable, Sequence
from typing import Any

__all__ = ["bytes_in_words", "first_line", "in_formula", "listed", "quoted", "shortened", "some_of"]

_MOST = 200


def shortened(text: str, most: int = _MOST) -> str:
    """Give a text, or its beginning and its end around an ellipsis with what is left out.

    Parameters
    ----------
    text : str
    most : int
        Characters of it that are kept.
    """
    if len(text) <= most:
        return text
    start = most * 2 // 3
    return f"{text[:start]} … ({len(text) - most:,} characters) … {text[len(text) - (most - start) :]}"


def quoted(value: Any, most: int = _MOST) -> str:
    """Give `repr(value)` for a message, shortened.

    Parameters
    ----------
    value : object
        Whatever a user or a file gave.
    most : int
        Characters of it that are kept.
    """
    if isinstance(value, str):
        return repr(shortened(value, most))
    if isinstance(value, list | tuple | set | frozenset | dict) and len(value) > most:
        return f"{type(value).__name__} of {len(value):,} items"
    try:
        return shortened(repr(value), most)
    except Exception as err:  # noqa: BLE001 - a message must not depend on whether an object can describe itself
        return f"<{type(value).__name__} whose repr() raises {type(err).__name__}>"


def first_line(value: Any) -> str:
    """Give the first line of what `quoted` gives, of values that print as a table."""
    return quoted(value).partition("\n")[0]


def bytes_in_words(size: float) -> str:
    """Give an amount of memory, in bytes, to two digits: "0.35 MB", "480 MB", "3.2 GB"."""
    value, unit = (size / 1e9, "GB") if size >= 1e9 else (size / 1e6, "MB")
    return f"{float(f'{value:.2g}'):,g} {unit}"


def in_formula(name: str) -> str:
    """Give a column's name as a formula has it: in backticks, where it has other signs than letters and digits."""
    return name if re.fullmatch(r"[^\W\d]\w*(\.\w+)*", name) else f"`{name}`"


def listed(names: Iterable[Any], most: int = 20) -> str:
    """Give names between quotation marks, the first of them where there are many.

    Parameters
    ----------
    names : iterable
    most : int
        How many are named.
    """
    return some_of([quoted(str(name), 60) for name in names], most)


def some_of(texts: Sequence[str], most: int = 5) -> str:
    """Give texts with commas between them, the first of them where there are many, and how many more there are."""
    some = ", ".join(texts[:most])
    return some if len(texts) <= most else f"{some} and {len(texts) - most:,} more"
