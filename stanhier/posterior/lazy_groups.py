"""The groups that ArviZ needs beside the posterior, made of a fit when they are asked for."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from stanhier.engines.draws import Draws
from stanhier.engines.regression import Regression
from stanhier.posterior import predictive
from stanhier.posterior.joint_likelihood import joint_log_likelihood, with_joint
from stanhier.posterior.labelled import MAX_VALUES, chain_draw
from stanhier.posterior.lazy_tree import Recipe
from stanhier.posterior.log_prior import lack_of_log_prior, log_prior

if TYPE_CHECKING:
    import xarray as xr

__all__ = ["RECIPES"]

_PRIOR_DRAWS = 1000


def _log_likelihood(model: Regression, draws: Draws) -> "xr.Dataset":
    """Log densities of rows given the other rows of their group, its effect integrated out: those that `loo` takes."""
    import xarray as xr

    design = model.rows
    values = np.empty((draws.n_draws, design.n_rows))
    for rows, left_out, _ in model.engine.row_densities(design, draws):
        values[:, rows] = left_out
    return xr.Dataset(
        {"y": (("chain", "draw", "row"), values.reshape(*draws.shape, design.n_rows))},
        coords={**chain_draw(draws), "row": np.arange(design.n_rows)},
    )


def _node_of_rows(model: Regression, draws: Draws, rows: "xr.Dataset") -> "xr.DataTree":
    """Give the densities of rows a way to their sum where it is not the log likelihood: of Gaussian groups."""
    import xarray as xr

    if model.family.is_gaussian and model.design.groupings:
        return with_joint(rows, lambda: joint_log_likelihood(model, draws))
    return xr.DataTree(rows, name="log_likelihood")


def _prior(model: Regression, draws: Draws) -> "xr.Dataset":
    return predictive.prior_group(model, _PRIOR_DRAWS, draws.seed)


def _prior_predictive(model: Regression, draws: Draws) -> "xr.Dataset":
    return predictive.prior_predictive_group(model, _PRIOR_DRAWS, draws.seed)


def _posterior_predictive(model: Regression, draws: Draws) -> "xr.Dataset":
    return predictive.posterior_predictive_group(model, draws, seed=draws.seed)


def _lack_of_rows(model: Regression, draws: Draws) -> str | None:  # noqa: ARG001
    if model.in_memory is None:
        return "it is about the rows of the model, which are not in memory: they were compressed as they came."
    return None


def _lack_of_room(model: Regression, draws: Draws) -> str | None:
    if model.in_memory is not None and draws.n_draws * model.design.n_rows > MAX_VALUES:
        return (
            f"{draws.n_draws:,} draws of {model.design.n_rows:,} rows are more than fit comfortably in memory; "
            "fit.loo() goes through the rows block by block, and fit.posterior_predictive() keeps fewer draws."
        )
    return _lack_of_rows(model, draws)


def _lack_of_log_prior(model: Regression, draws: Draws) -> str | None:  # noqa: ARG001
    return lack_of_log_prior(model)


def _lack_of_prior(model: Regression, draws: Draws) -> str | None:  # noqa: ARG001
    return predictive.lack_of_prior(model)


def _lack_of_prior_or_rows(model: Regression, draws: Draws) -> str | None:
    return _lack_of_rows(model, draws) or predictive.lack_of_prior(model)


RECIPES: Mapping[str, Recipe] = {
    "log_likelihood": Recipe(_lack_of_room, _log_likelihood, _node_of_rows),
    "log_prior": Recipe(_lack_of_log_prior, log_prior),
    "posterior_predictive": Recipe(_lack_of_room, _posterior_predictive),
    "prior": Recipe(_lack_of_prior, _prior),
    "prior_predictive": Recipe(_lack_of_prior_or_rows, _prior_predictive),
}
