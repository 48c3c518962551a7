"""What a file of a fit may hold, looked at before any of it is read: numbers and text, of a size that fits the file."""

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from stanhier.basics.words import quoted
from stanhier.engines.draws import Draws
from stanhier.engines.engine import Coordinates

if TYPE_CHECKING:
    import h5py

__all__ = ["check_contents", "check_draws"]

MOST_COMPRESSED = 1100
"""HDF5's deflate makes nothing smaller than by about this factor."""

_METHODS = ("nuts", "laplace", "pathfinder", "variational")
_STATISTICS = {"nuts": {"diverging", "tree_depth", "energy"}}


def check_contents(path: Path) -> None:
    """Refuse a file with anything in it that a fit does not need.

    Parameters
    ----------
    path : Path

    Raises
    ------
    ValueError
        If it refers to other files, holds something else than numbers and text, or would fill more memory than it can
        have been made from.
    """
    import h5py

    room = MOST_COMPRESSED * path.stat().st_size
    with h5py.File(path, "r") as file:
        for dataset in _datasets(file):
            kind = dataset.dtype
            if kind.kind not in "iufb" and kind.kind != "S" and h5py.check_string_dtype(kind) is None:
                raise ValueError(f"{dataset.name} holds {kind} instead of numbers or text")
            if dataset.external or dataset.is_virtual:
                raise ValueError(f"{dataset.name} has its values in other files")
            room -= dataset.nbytes
            if room < 0:
                raise ValueError(f"{dataset.name} of shape {dataset.shape} is larger than the file can hold")


def check_draws(draws: Draws, coordinates: Coordinates) -> None:
    """Refuse draws that are not those of a model.

    Parameters
    ----------
    draws : Draws
        As they were read.
    coordinates : Coordinates
        Of the model's engine.

    Raises
    ------
    ValueError
        If a shape, a type or a value is not what sampling gives.
    """
    layout = coordinates.layout
    if set(draws.values) != set(layout):
        raise ValueError(f"draws of {', '.join(draws.values)} instead of {', '.join(layout)}")
    leading = {values.shape[:2] for values in (*draws.values.values(), *draws.statistics.values())}
    if len(leading) != 1 or len(next(iter(leading))) != 2 or 0 in next(iter(leading)):
        raise ValueError(f"draws of shapes {leading}")
    shapes = {**layout, **dict.fromkeys(draws.statistics, ())}
    for name, values in {**draws.values, **draws.statistics}.items():
        if values.dtype.kind not in "iufb" or values.shape[2:] != shapes[name]:
            raise ValueError(f"{name} is {values.dtype} of shape {values.shape}")
    for name, values in draws.values.items():
        if values.dtype.kind != "f" or not np.isfinite(values).all():
            raise ValueError(f"draws of {name} that are not finite")
        if name in coordinates.positive and not (values >= 0).all():
            raise ValueError(f"draws of {name} that are negative")
    if draws.method not in _METHODS or _STATISTICS.get(draws.method, {"diverging"}) - set(draws.statistics):
        raise ValueError(f"method {quoted(draws.method)} with the statistics {', '.join(draws.statistics)}")
    kinds = {"seed": (int,), "max_treedepth": (int,), "cmdstan": (str,), "pareto_k": (float, int, type(None))}
    for name, allowed in kinds.items():
        if type(getattr(draws, name)) not in allowed:
            raise ValueError(f"{name} is {quoted(getattr(draws, name))}")
    if draws.seed < 0 or (draws.pareto_k is None) != (draws.method == "nuts"):
        raise ValueError(f"seed {draws.seed}, pareto_k {draws.pareto_k}")


def _datasets(group: "h5py.Group") -> "list[h5py.Dataset]":
    """List the datasets below a group, and refuse links, which may lead out of the file."""
    import h5py

    found: list[h5py.Dataset] = []
    for name in group:
        link = group.get(name, getlink=True)
        if not isinstance(link, h5py.HardLink):
            raise ValueError(f"{group.name}/{name} is a link")
        item = group[name]
        if isinstance(item, h5py.Group):
            found += _datasets(item)
        elif isinstance(item, h5py.Dataset):
            found.append(item)
        else:
            raise ValueError(f"{group.name}/{name} is neither data nor a group")
    return found
