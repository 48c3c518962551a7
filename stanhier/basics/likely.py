"""What was likely meant by a name or a label that is not there."""

from collections.abc import Iterable, Sequence
from difflib import get_close_matches
from typing import Any

from stanhier.basics.words import quoted

__all__ = ["meant_factor", "nearly_same"]


def meant_factor(given: Any, names: Sequence[str]) -> str:
    """Say which factor was likely meant, as a sentence after a blank; nothing where none comes to mind.

    Parameters
    ----------
    given : object
        What is no factor.
    names : sequence of str
        The factors: "school", or "school:class" of classes in schools.
    """
    folded = {name.casefold(): name for name in reversed(names)}
    text = str(given).casefold().replace("/", ":").replace(" ", "")
    combined = [name for name in names if text in name.casefold().split(":")]
    close = combined or [folded[one] for one in get_close_matches(text, folded, n=1)]
    return f" Did you mean {quoted(close[0])}?" if close else ""


def nearly_same(new: Iterable[Any], known: Iterable[Any]) -> str:
    """Say which text is a known one but for blanks and capitals, after a blank and in parentheses; else nothing.

    Parameters
    ----------
    new, known : iterable
        Labels, the first that is text and has such a twin is told.
    """
    twins = {_plain(label): label for label in known if isinstance(label, str)}
    for label in new:
        if isinstance(label, str) and (twin := twins.get(_plain(label))) not in (None, label):
            return f" ({quoted(label, 60)} and {quoted(twin, 60)} differ in blanks or capitals alone)"
    return ""


def _plain(text: str) -> str:
    return " ".join(text.split()).casefold()
