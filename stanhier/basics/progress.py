"""The bar that shows how far something long is."""

import warnings
from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tqdm import tqdm

__all__ = ["PATIENCE", "counted", "progress_bar"]

PATIENCE = 3.0
"""Seconds after which somebody who looks wants to know how far things are."""


def progress_bar(total: int | None, unit: str = "fit", *, shown: bool = True, after: float = 0.0) -> "tqdm[Any]":
    """Make a bar.

    Parameters
    ----------
    total : int or None
        How many things there are, if that is known.
    unit : str
        What they are called.
    shown : bool
        Whether there is anything to be seen of it.
    after : float
        Seconds after which it is seen.
    """
    with warnings.catch_warnings():
        # Without ipywidgets a notebook's bar is text, which does as well.
        warnings.filterwarnings("ignore", message="IProgress not found")
        from tqdm.auto import tqdm
    return tqdm(total=total, unit=unit, desc="stanhier", disable=not shown, delay=after)


def counted[T](
    things: Iterable[T], size: Callable[[T], int], unit: str, *, total: int | None = None, shown: bool
) -> Iterator[T]:
    """Give things one by one, with a bar where that takes long.

    Parameters
    ----------
    things : iterable
    size : callable
        How many units a thing is.
    unit, total, shown
        As for `progress_bar`.
    """
    with progress_bar(total, unit, shown=shown, after=PATIENCE) as bar:
        for one in things:
            yield one
            bar.update(size(one))
