"""The part of a posterior that has some labels."""

from collections.abc import Collection, Mapping
from typing import Any

import numpy as np

from stanhier.basics.errors import StanhierError
from stanhier.basics.words import quoted

__all__ = ["labelled_part"]


def labelled_part(posterior: Any, coords: Any, dims: Collection[str], *, where: str, there_are: str) -> Any:
    """Give what has these labels; all of it for None.

    Parameters
    ----------
    posterior : xarray.Dataset
    coords : mapping or None
        Labels by dimension, as the user gives them.
    dims : collection of str
        Dimensions that may be chosen from.
    where : str
        The method that is called, for messages.
    there_are : str
        What to say of the dimensions that there are.

    Raises
    ------
    StanhierError
        If a dimension or label is none that there is.
    """
    if coords is None:
        return posterior
    if not isinstance(coords, Mapping):
        raise StanhierError(
            f"{where}(coords={quoted(coords)}): 'coords' must be a dict of labels by dimension, such as "
            '{"subject": ["308", "309"]}.'
        )
    for dim in coords:
        if dim not in dims:
            raise StanhierError(f"{where}(coords=...): there is no dimension {quoted(dim)}; {there_are}.")
    try:
        return posterior.sel({dim: np.atleast_1d(np.asarray(labels)) for dim, labels in coords.items()})
    except (KeyError, TypeError, ValueError) as err:
        raise StanhierError(f"{where}(coords={quoted(coords)}): there is no such label ({err}).") from err
