"""Labelled draws: the xarray groups in which ArviZ takes a posterior."""

from contextlib import suppress
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from stanhier.engines.draws import Draws
from stanhier.engines.parameters import Role
from stanhier.engines.regression import Regression

if TYPE_CHECKING:
    import xarray as xr

__all__ = ["MAX_VALUES", "chain_draw", "effects_array", "groups", "observed", "plain_labels", "posterior"]

MAX_VALUES = 20_000_000
"""Values of draws that are kept or given back at once, at most (160 MB): draws times groups, draws times rows."""
_LARGE = 100_000_000


def posterior(model: Regression, draws: Draws, *, effects: bool = True) -> "xr.Dataset":
    """Build the posterior with the user's labels as coordinates.

    Parameters
    ----------
    model : Regression
    draws : Draws
    effects : bool
        Whether to draw the group effects, if there is room for them.

    Returns
    -------
    xarray.Dataset
        A variable for each parameter of the model.
    """
    import xarray as xr

    values = model.engine.coordinates.population(draws)
    variables: dict[str, Any] = {}
    coords: dict[str, Any] = chain_draw(draws)
    for parameter in model.parameters.without_effects():
        dims = ("chain", "draw") if parameter.dim is None else ("chain", "draw", parameter.dim)
        variables[parameter.name] = (dims, values[parameter.name])
        if parameter.labels is not None:
            coords[str(parameter.dim)] = list(parameter.labels)
    dataset = xr.Dataset(variables, coords=coords)
    own = model.parameters.effects
    if effects and own is not None and draws.n_draws * own.size <= MAX_VALUES:
        dataset[own.name] = effects_array(model, draws, np.arange(own.size))
    return dataset


def chain_draw(draws: Draws) -> dict[str, np.ndarray]:
    """Give the coordinates chain and draw."""
    chains, n_draws = draws.shape
    return {"chain": np.arange(chains), "draw": np.arange(n_draws)}


def effects_array(model: Regression, draws: Draws, groups: np.ndarray) -> "xr.DataArray":
    """Draw the intercepts of the groups asked for, shape (chain, draw, group)."""
    import xarray as xr

    own, mean = model.parameters.effects, model.parameters.of(Role.INTERCEPT)
    assert own is not None
    assert own.labels is not None
    assert mean is not None
    population = model.engine.coordinates.population(draws)[mean.name]
    effects = model.engine.effects(draws, groups)
    return xr.DataArray(
        population[:, :, None] + effects.reshape(*draws.shape, len(groups)),
        dims=("chain", "draw", own.dim),
        coords={**chain_draw(draws), own.dim: plain_labels(own.labels[groups])},
        name=own.name,
    )


def groups(model: Regression, draws: Draws, posterior_group: "xr.Dataset") -> "dict[str, xr.Dataset]":
    """Build the groups of the tree that ArviZ takes: posterior, sample_stats, observed_data, constant_data.

    The last two hold rows, and are not there where these are not in memory.
    """
    import xarray as xr

    chains_and_draws = {"chain": posterior_group["chain"], "draw": posterior_group["draw"]}
    statistics = xr.Dataset({k: (("chain", "draw"), v) for k, v in draws.statistics.items()}, coords=chains_and_draws)
    made: dict[str, xr.Dataset] = {"posterior": posterior_group, "sample_stats": statistics}
    if model.in_memory is not None:
        made |= {"observed_data": observed(model), "constant_data": _constant(model)}
    return made


def _constant(model: Regression) -> "xr.Dataset":
    """Give what the rows hold beside the response."""
    import xarray as xr

    design = model.rows
    rows = np.arange(design.n_rows)
    constant: dict[str, Any] = {}
    coords: dict[str, Any] = {"row": rows}
    if design.predictors:
        constant["X"] = (("row", "predictor"), design.X)
        coords["predictor"] = list(design.predictors)
    if design.group is not None:
        constant["group"] = ("row", design.group.codes)
    if design.se is not None:
        constant["se"] = ("row", design.se)
    return xr.Dataset(constant, coords=coords)


def observed(model: Regression) -> "xr.Dataset":
    """Give the response as the group observed_data."""
    import xarray as xr

    return xr.Dataset({"y": ("row", model.rows.y)}, coords={"row": np.arange(model.design.n_rows)})


def plain_labels(levels: pd.Index) -> np.ndarray:
    """Labels as an array that xarray and netCDF hold: integers, truth values and dates, anything else as text."""
    if isinstance(levels, pd.CategoricalIndex):
        levels = levels.astype(levels.categories.dtype)
    if levels.dtype.kind in "iub":
        return levels.to_numpy()
    if isinstance(levels, pd.DatetimeIndex) and levels.tz is None:
        with suppress(pd.errors.OutOfBoundsDatetime):  # readers of netCDF hold dates from 1678 to 2261
            exact = levels.as_unit("ns")
            seconds = exact.as_unit("s")  # reads better in tables
            return (seconds if seconds.equals(exact) else exact).to_numpy()
    texts = [str(level) for level in levels]
    # In an array of texts each takes as much room as the longest.
    is_large = 4 * len(texts) * max(map(len, texts), default=0) > _LARGE
    return np.array(texts, dtype=object if is_large else None)
