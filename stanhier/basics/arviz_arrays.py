"""ArviZ's statistics of plain arrays, imported when they are first needed: with their package it takes a second."""

from functools import cache
from typing import Any

__all__ = ["array_stats"]


@cache
def array_stats() -> Any:
    """Give ArviZ's functions of arrays, which it has no types for."""
    from arviz_stats.base.array import array_stats as untyped

    return untyped
