"""What draws in a file of a fit may be."""

import numpy as np

from stanhier.basics.words import quoted
from stanhier.engines.draws import Draws
from stanhier.engines.engine import Coordinates

__all__ = ["check_draws"]

CORRELATIONS = "cor"
"""The array of correlations, where a model has any."""
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
        if name == CORRELATIONS and not (np.abs(values) <= 1).all():
            raise ValueError(f"draws of {name} that are beyond 1")
    unknown, missing = set(draws.statistics) - _ALL_STATISTICS, _STATISTICS.get(draws.method, {"diverging"})
    if draws.method not in _METHODS or unknown or missing - set(draws.statistics):
        raise ValueError(f"method {quoted(draws.method)} with the statistics {', '.join(draws.statistics)}")
    if (draws.pareto_k is None) != (draws.method == "nuts"):
        raise ValueError(f"method {quoted(draws.method)} with pareto_k {draws.pareto_k}")
