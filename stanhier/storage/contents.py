"""What a file of a fit may hold, looked at before any of it is read: numbers and text, of a size that fits the file."""

from pathlib import Path

import h5py
import numpy as np

from stanhier.basics.words import quoted
from stanhier.engines.draws import Draws

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


def check_draws(draws: Draws, n_locations: int, *, grouped: bool) -> None:
    """Refuse draws that are not those of a model.

    Parameters
    ----------
    draws : Draws
        As they were read.
    n_locations : int
        The model's number of intercept and slopes.
    grouped : bool

    Raises
    ------
    ValueError
        If a shape, a type or a value is not what sampling gives.
    """
    arrays = {"sigma": draws.sigma, **draws.statistics}
    if (draws.sigma_alpha is not None) != grouped:
        raise ValueError("sigma_alpha does not belong to the model, or is missing")
    if draws.sigma_alpha is not None:
        arrays["sigma_alpha"] = draws.sigma_alpha
    if draws.sigma.ndim != 2 or 0 in draws.sigma.shape or draws.location.shape != (*draws.sigma.shape, n_locations):
        raise ValueError(f"draws of shapes {draws.location.shape} and {draws.sigma.shape}")
    for name, values in {"location": draws.location, **arrays}.items():
        if values.dtype.kind not in "iufb" or (name != "location" and values.shape != draws.sigma.shape):
            raise ValueError(f"{name} is {values.dtype} of shape {values.shape}")
    if not np.isfinite(draws.location).all():
        raise ValueError("draws that are not finite")
    for name in {"sigma", "sigma_alpha"} & set(arrays):
        if not (np.isfinite(arrays[name]).all() and (arrays[name] >= 0).all()):
            raise ValueError(f"draws of {name} that are negative or not finite")
    if draws.method not in _METHODS or _STATISTICS.get(draws.method, {"diverging"}) - set(draws.statistics):
        raise ValueError(f"method {quoted(draws.method)} with the statistics {', '.join(draws.statistics)}")
    kinds = {"seed": (int,), "max_treedepth": (int,), "cmdstan": (str,), "pareto_k": (float, int, type(None))}
    for name, allowed in kinds.items():
        if type(getattr(draws, name)) not in allowed:
            raise ValueError(f"{name} is {quoted(getattr(draws, name))}")
    if draws.seed < 0 or (draws.pareto_k is None) != (draws.method == "nuts"):
        raise ValueError(f"seed {draws.seed}, pareto_k {draws.pareto_k}")


def _datasets(group: h5py.Group) -> list[h5py.Dataset]:
    """List the datasets below a group, and refuse links, which may lead out of the file."""
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
