"""A verdict as notebooks and reports show it: a sentence, what is wrong, and in small print what it rests on."""

from collections.abc import Iterable, Sequence
from html import escape

__all__ = ["verdict_html"]

_FINE, _WRONG = "#2e7d32", "#c62828"


def verdict_html(verdict: str, problems: Sequence[str], small: Iterable[str]) -> str:
    """Give a piece of HTML, in which every text is escaped.

    Parameters
    ----------
    verdict : str
    problems : sequence of str
        What is wrong; none is fine.
    small : iterable of str
        Lines of small print.
    """
    items = "".join(f"<li>{escape(problem)}</li>" for problem in problems)
    listed = f'<ul style="margin: .3em 0">{items}</ul>' if items else ""
    rest = "".join(f"<div><small>{escape(line)}</small></div>" for line in small)
    bar = f"4px solid {_WRONG if problems else _FINE}"
    return (
        f'<div style="border-left: {bar}; padding: .2em 0 .2em 1em; margin: .8em 0">'
        f"<strong>{escape(verdict)}</strong>{listed}{rest}</div>"
    )
