"""The bar that shows how many fits are done."""

import warnings
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tqdm import tqdm

__all__ = ["progress_bar"]


def progress_bar(total: int | None, *, shown: bool = True) -> "tqdm[Any]":
    """Show a bar, of so many fits if their number is known.

    Parameters
    ----------
    total : int or None
    shown : bool
        Whether there is anything to be seen of it.
    """
    with warnings.catch_warnings():
        # Without ipywidgets a notebook's bar is text, which does as well.
        warnings.filterwarnings("ignore", message="IProgress not found")
        from tqdm.auto import tqdm
    return tqdm(total=total, unit="fit", desc="stanhier", disable=not shown)
