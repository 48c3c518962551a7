"""What is chosen of a posterior: parameters by name, numbers by label."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any

import numpy as np

from stanhier.basics.errors import StanhierError
from stanhier.basics.words import quoted

__all__ = ["labelled_part", "names_given"]


def names_given(var_names: Any, known: Sequence[str], where: str) -> list[Any]:
    """Give what may be names of parameters as a list, from one or several.

    Parameters
    ----------
    var_names : str or sequence of str
    known : sequence of str
        What they can be, for the message.
    where : str
        The method that is called, for the message.

    Raises
    ------
    StanhierError
        If it is neither a text nor a sequence, or an empty one.
    """
    if isinstance(var_names, str):
        return [var_names]
    if not isinstance(var_names, Sequence) or not var_names:
        raise StanhierError(
            f"{where}(var_names={quoted(var_names)}): 'var_names' must be a name or a list of names: "
            f"{', '.join(known)}."
        )
    return list(var_names)


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
