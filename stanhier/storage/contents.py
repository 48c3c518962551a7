"""What draws and compressed rows in a file of a fit may be."""

from typing import TYPE_CHECKING

import numpy as np

from stanhier.engines.draws import Draws
from stanhier.engines.engine import Coordinates

if TYPE_CHECKING:
    import xarray as xr

__all__ = ["check_compressed", "check_draws"]

_METHODS = ("nuts", "laplace", "pathfinder", "variational")
_STATISTICS = {"nuts": {"diverging", "tree_depth", "energy"}}
_ALL_STATISTICS = _STATISTICS["nuts"] | {"lp", "acceptance_rate", "step_size", "n_steps", "reached_max_treedepth"}


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
        if values.dtype != np.float64 or not np.isfinite(values).all():
            raise ValueError(f"draws of {name} that are not finite")
        if name in coordinates.positive and not (values >= 0).all():
            raise ValueError(f"draws of {name} that are negative")
    unknown, missing = set(draws.statistics) - _ALL_STATISTICS, _STATISTICS.get(draws.method, {"diverging"})
    if draws.method not in _METHODS or unknown or missing - set(draws.statistics):
        raise ValueError(f"method {draws.method!r} with the statistics {', '.join(draws.statistics)}")
    if (draws.pareto_k is None) != (draws.method == "nuts"):
        raise ValueError(f"method {draws.method!r} with pareto_k {draws.pareto_k}")


def check_compressed(stored: "xr.Dataset") -> None:
    """Refuse sufficient statistics that are not those of any rows.

    Parameters
    ----------
    stored : xarray.Dataset
        As `storage.streamed` takes it.

    Raises
    ------
    ValueError
        If a shape, a type or a value is not what compressing gives.
    """
    n_columns, n_groups = stored["mean"].size, stored["weights"].size
    shapes = {
        **dict.fromkeys(("mean", "sd", "origin"), (n_columns,)),
        "within": (n_columns, n_columns),
        "weights": (n_groups,),
        "means": (n_groups, n_columns),
    }
    if set(shapes) != {str(name) for name in stored} - {"labels"}:
        raise ValueError(f"compressed rows of {', '.join(map(str, stored))}")
    for name, shape in shapes.items():
        values = stored[name].to_numpy()
        if values.dtype != np.float64 or values.shape != shape or not np.isfinite(values).all():
            raise ValueError(f"{name} of the rows is {values.dtype} of shape {values.shape}, or not finite")
    n_rows = stored.attrs["n_rows"]
    if (
        not isinstance(n_rows, np.integer)
        or not 1 <= n_groups <= n_rows
        or not np.isfinite(stored.attrs["log_weights"])
    ):
        raise ValueError(f"{n_rows} rows in {n_groups} groups")
    if (stored["sd"] < 0).any() or (stored["weights"] <= 0).any():
        raise ValueError("negative deviations or weights")
