"""Names and errors as messages have them."""

from collections.abc import Iterable

from stanhier.basics.errors import StanhierError

__all__ = ["described", "listed"]

LISTED = 5


def described(error: BaseException) -> str:
    """Say what went wrong; of errors that are not ours the words alone may say nothing."""
    return str(error) if isinstance(error, StanhierError) else f"{type(error).__name__}: {error}".removesuffix(": ")


def listed(names: Iterable[str]) -> str:
    """List the first names, and say how many more there are."""
    every = [repr(name) for name in names]
    return ", ".join(every[:LISTED]) + (f" and {len(every) - LISTED:,} more" if len(every) > LISTED else "")
