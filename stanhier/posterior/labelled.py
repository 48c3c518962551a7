"""Labelled draws: the xarray groups in which ArviZ takes a posterior."""

from contextlib import suppress
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from stanhier.engines.draws import Draws
from stanhier.engines.parameters import Parameter, Role, dimension
from stanhier.engines.regression import Regression
from stanhier.posterior.large_effects import said_of_large, telling

if TYPE_CHECKING:
    import xarray as xr

__all__ = [
    "MAX_VALUES",
    "as_responses",
    "chain_draw",
    "effects_array",
    "groups",
    "labelled_effects",
    "observed",
    "plain_labels",
    "posterior",
]

MAX_VALUES = 20_000_000
"""Values of draws that are kept or given back at once, at most (160 MB): draws times groups, draws times rows."""
_LARGE = 100_000_000
_MOST_COUNTED = 2.0**53
"""Counts that the tree has at most: beyond it not all integers are numbers of double precision."""


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
        A variable for each parameter of the model; of effects that are left out it says how they are had.
    """
    import xarray as xr

    values = model.engine.coordinates.population(draws)
    variables: dict[str, Any] = {}
    coords: dict[str, Any] = chain_draw(draws)
    for parameter in model.parameters.without_effects():
        variables[parameter.name] = (("chain", "draw", *parameter.dims), values[parameter.name])
        coords |= {dim: list(labels) for dim, labels in zip(parameter.dims, parameter.coords, strict=True)}
    dataset = xr.Dataset(variables, coords=coords)
    left_out: dict[str, str] = {}
    for own in model.parameters.all_of(Role.EFFECTS) if effects else []:
        if draws.n_draws * own.size <= MAX_VALUES:
            dataset[own.name] = effects_array(model, draws, own, np.arange(len(own.coords[0])))
        else:
            left_out[own.name] = said_of_large(own, draws.n_draws, MAX_VALUES)
    # ArviZ's own tables take the order of dimensions from the variable that has them first: were that `sd[effect]`,
    # labels of effects[group, effect] would stand beside each other's numbers.
    first = [own.name for own in model.parameters.all_of(Role.EFFECTS) if len(own.dims) > 1 and own.name in dataset]
    ordered = dataset[[*first, *(name for name in dataset.data_vars if name not in first)]]
    return telling(ordered, left_out) if left_out else ordered


def chain_draw(draws: Draws) -> dict[str, np.ndarray]:
    """Give the coordinates chain and draw."""
    chains, n_draws = draws.shape
    return {"chain": np.arange(chains), "draw": np.arange(n_draws)}


def effects_array(model: Regression, draws: Draws, own: Parameter, groups: np.ndarray) -> "xr.DataArray":
    """Draw what the groups of a factor have of their own.

    Parameters
    ----------
    model : Regression
    draws : Draws
    own : Parameter
        The effects of the factor.
    groups : numpy.ndarray of int, shape (G,)
        Positions of the groups asked for.

    Returns
    -------
    xarray.DataArray
        As `labelled_effects` gives it.
    """
    return labelled_effects(model, draws, own, model.engine.effects(draws, own.term or 0, groups), groups)


def labelled_effects(
    model: Regression, draws: Draws, own: Parameter, effects: np.ndarray, groups: np.ndarray | None = None
) -> "xr.DataArray":
    """Label draws of the effects of groups, shape (S, G, q): all groups, unless some are chosen by their positions.

    Returns
    -------
    xarray.DataArray
        Of shape (chain, draw, group) the groups' intercepts, where these are a parameter themselves; else of shape
        (chain, draw, group, effect) their deviations from the population.
    """
    import xarray as xr

    values = effects.reshape(*draws.shape, *effects.shape[1:])
    mean = model.parameters.of(Role.INTERCEPT)
    if len(own.dims) == 1:
        assert mean is not None
        values = model.engine.coordinates.population(draws)[mean.name][:, :, None] + values[..., 0]
    levels = own.coords[0] if groups is None else own.coords[0][groups]
    coords: dict[str, Any] = {**chain_draw(draws), own.dims[0]: plain_labels(levels)}
    coords |= {dim: list(labels) for dim, labels in zip(own.dims[1:], own.coords[1:], strict=True)}
    return xr.DataArray(values, dims=("chain", "draw", *own.dims), coords=coords, name=own.name)


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
    for grouping in design.groupings:
        name = "group" if len(design.groupings) == 1 else f"group_{dimension(grouping.name)}"
        constant[name] = ("row", grouping.codes)
    noise = design.row_noise
    by_row = [] if noise is None else [(noise.argument, noise.values)]
    for name, values in (*by_row, ("offset", design.whole_offset), ("trials", design.trials)):
        if values is not None:
            constant[name] = ("row", values)
    return xr.Dataset(constant, coords=coords)


def observed(model: Regression) -> "xr.Dataset":
    """Give the response as the group observed_data."""
    import xarray as xr

    return xr.Dataset(
        {"y": ("row", as_responses(model, model.rows.observed))}, coords={"row": np.arange(model.design.n_rows)}
    )


def as_responses(model: Regression, values: np.ndarray) -> np.ndarray:
    """Give responses of a discrete family as integers, by which ArviZ tells them from measurements."""
    return np.minimum(values, _MOST_COUNTED).astype(np.int64) if model.family.is_discrete else values


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
