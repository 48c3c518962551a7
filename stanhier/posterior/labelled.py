"""Labelled draws: the xarray groups in which ArviZ takes a posterior."""

from contextlib import suppress
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import xarray as xr

from stanhier.engines.gaussian.effects import draw_effects

if TYPE_CHECKING:
    from stanhier.engines.draws import Draws
    from stanhier.models import Model

__all__ = [
    "MAX_EFFECTS",
    "effects_array",
    "group_dimension",
    "intercept",
    "location_names",
    "observed",
    "plain_labels",
    "posterior",
    "tree",
]

MAX_EFFECTS = 20_000_000
"""Draws times groups that the posterior holds at most (160 MB); beyond, group effects are given when asked for."""

_TAKEN = {"chain", "draw", "sample", "predictor", "row", "alpha", "mu_alpha", "sigma_alpha", "beta", "sigma"}


def group_dimension(name: str) -> str:
    """Give the grouping column's name as one that a dimension can have: not taken, and without a slash."""
    plain = name.replace("/", "_")
    return f"{plain}_group" if plain in _TAKEN else plain


def posterior(model: "Model", draws: "Draws", *, effects: bool = True) -> xr.Dataset:
    """Build the posterior with the user's labels as coordinates.

    Parameters
    ----------
    model : Model
    draws : Draws
    effects : bool
        Whether to draw the group effects, if there is room for them.

    Returns
    -------
    xarray.Dataset
        Variables `alpha` or `mu_alpha`, `sigma_alpha` and `alpha`, `beta`, `sigma`; as many as the model has.
    """
    design = model.design
    chains, n_draws = draws.shape
    has_intercept = draws.location.shape[-1] > len(design.predictors)
    slopes = draws.location[:, :, int(has_intercept) :]
    variables: dict[str, Any] = {}
    coords: dict[str, Any] = {"chain": np.arange(chains), "draw": np.arange(n_draws)}
    if has_intercept:
        variables["mu_alpha" if model.grouped else "alpha"] = (("chain", "draw"), intercept(model, draws))
    if draws.sigma_alpha is not None:
        variables["sigma_alpha"] = (("chain", "draw"), draws.sigma_alpha)
    if design.predictors:
        variables["beta"] = (("chain", "draw", "predictor"), slopes)
        coords["predictor"] = list(design.predictors)
    if model.sigma is None:
        variables["sigma"] = (("chain", "draw"), draws.sigma)
    dataset = xr.Dataset(variables, coords=coords)
    if effects and design.group is not None and chains * n_draws * len(design.group.levels) <= MAX_EFFECTS:
        dataset["alpha"] = effects_array(model, draws, dataset["mu_alpha"], np.arange(len(design.group.levels)))
    return dataset


def intercept(model: "Model", draws: "Draws") -> np.ndarray:
    """Give the intercept at x = 0, shape (chains, draws)."""
    origin = model.compressed.origin
    values: np.ndarray = draws.location[:, :, 0] + origin[-1] - draws.location[:, :, 1:] @ origin[:-1]
    return values


def location_names(model: "Model") -> tuple[str, ...]:
    """Name the location parameters that are sampled, length P: the intercept where there is one, then the slopes."""
    slopes = [f"beta[{predictor}]" for predictor in model.design.predictors]
    n_intercepts = len(model.whitening.location_hat) - len(slopes)
    return (*["mu_alpha" if model.grouped else "alpha"] * n_intercepts, *slopes)


def effects_array(model: "Model", draws: "Draws", mu_alpha: xr.DataArray, groups: np.ndarray) -> xr.DataArray:
    """Draw the intercepts of the groups asked for, shape (chain, draw, group)."""
    grouping = model.design.group
    assert grouping is not None
    effects = draw_effects(
        model.compressed, groups, draws.flat_location, draws.flat_sigma, draws.flat_sigma_alpha, seed=draws.seed
    )
    dimension = group_dimension(grouping.name)
    return xr.DataArray(
        mu_alpha.to_numpy()[:, :, None] + effects.reshape(*draws.shape, len(groups)),
        dims=("chain", "draw", dimension),
        coords={"chain": mu_alpha["chain"], "draw": mu_alpha["draw"], dimension: plain_labels(grouping.levels[groups])},
        name="alpha",
    )


def tree(model: "Model", draws: "Draws", posterior_group: xr.Dataset) -> xr.DataTree:
    """Build the tree of groups that ArviZ takes: posterior, sample_stats, observed_data, constant_data.

    The last two hold rows, and are not there where these are not in memory.
    """
    design = model.design
    chain_draw = {"chain": posterior_group["chain"], "draw": posterior_group["draw"]}
    statistics = xr.Dataset({k: (("chain", "draw"), v) for k, v in draws.statistics.items()}, coords=chain_draw)
    groups: dict[str, xr.Dataset] = {"posterior": posterior_group, "sample_stats": statistics}
    if design.in_memory:
        groups |= {"observed_data": observed(model), "constant_data": _constant(model)}
    return xr.DataTree.from_dict(groups)


def _constant(model: "Model") -> xr.Dataset:
    """Give what the rows hold beside the response."""
    design = model.design
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


def observed(model: "Model") -> xr.Dataset:
    """Give the response as the group observed_data."""
    return xr.Dataset({"y": ("row", model.design.y)}, coords={"row": np.arange(model.design.n_rows)})


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
    return np.array([str(level) for level in levels])
