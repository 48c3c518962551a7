"""Log densities of the priors at the draws: what ArviZ's power scaling takes."""

from typing import TYPE_CHECKING, Any

import numpy as np

from stanhier.engines.draws import Draws
from stanhier.engines.parameters import Parameter, Role
from stanhier.engines.regression import Regression
from stanhier.posterior.labelled import chain_draw
from stanhier.priors.correlations import LKJ
from stanhier.priors.densities import distribution
from stanhier.priors.distributions import Prior

if TYPE_CHECKING:
    import xarray as xr

__all__ = ["lack_of_log_prior", "log_prior", "where_priors_hold"]


def log_prior(model: Regression, draws: Draws) -> "xr.Dataset":
    """Give the log density of each parameter's prior at each draw.

    Of the parameters as the posterior has them: a standard deviation, not its logarithm; a prior at the mean of the
    predictors at the intercept there, alpha + mean(x) beta. Effects of groups have none: their density given the
    standard deviations is part of the likelihood, out of which they are integrated.

    Parameters
    ----------
    model : Regression
    draws : Draws

    Returns
    -------
    xarray.Dataset
        A variable for each parameter with a proper prior, with the dimensions that it has in the posterior; of the
        correlations of a factor one number. A flat prior beside others in it is 0.
    """
    import xarray as xr

    values = model.engine.coordinates.population(draws)
    variables: dict[str, Any] = {}
    coords: dict[str, Any] = chain_draw(draws)
    for parameter in model.chosen.parameters:
        priors = model.chosen.by_name[parameter.name]
        if not any(prior.is_proper for prior in priors):
            continue
        if parameter.role is Role.GROUP_COR:
            variables[parameter.name] = ("chain", "draw"), _of_correlations(parameter, priors, values[parameter.name])
            continue
        at = where_priors_hold(model, parameter, values)
        found = [_log_density(prior, at[..., k]) for k, prior in enumerate(priors)]
        whole = np.stack(found, axis=-1).reshape(*draws.shape, *parameter.shape)
        variables[parameter.name] = ("chain", "draw", *parameter.dims), whole
        coords |= {dim: list(labels) for dim, labels in zip(parameter.dims, parameter.coords, strict=True)}
    return xr.Dataset(variables, coords=coords)


def lack_of_log_prior(model: Regression) -> str | None:
    """Say why there is no prior to take the density of, if there is none."""
    every = [prior for priors in model.chosen.by_name.values() for prior in priors]
    if any(prior.is_proper for prior in every):
        return None
    return "every prior is flat, and scaling its density changes nothing."


def where_priors_hold(model: Regression, parameter: Parameter, values: dict[str, np.ndarray]) -> np.ndarray:
    """Give the numbers of a parameter where their priors hold: an intercept with a centred one at its centre.

    Parameters
    ----------
    model : Regression
    parameter : Parameter
        No correlations, whose priors are of matrices.
    values : dict of numpy.ndarray, shape (chains, draws, ...)
        Of the parameters that all groups share, as the posterior has them.

    Returns
    -------
    numpy.ndarray, shape (chains, draws, size)
    """
    at = parameter.scalars(values[parameter.name])
    prior, slopes = model.chosen.intercept, model.parameters.of(Role.SLOPES)
    if parameter.role is not Role.INTERCEPT or prior is None or not prior.centered or slopes is None:
        return at
    return np.asarray(at + (values[slopes.name] @ model.engine.prior_centre)[..., None])


def _log_density(prior: Prior, at: np.ndarray) -> np.ndarray:
    return np.asarray(distribution(prior).logpdf(at)) if prior.is_proper else np.zeros(at.shape)


def _of_correlations(parameter: Parameter, priors: tuple[Prior, ...], matrices: np.ndarray) -> np.ndarray:
    """Sum the log densities of the blocks of two effects and more."""
    total, given, start = np.zeros(matrices.shape[:-2]), iter(priors), 0
    for width in parameter.blocks:
        block = slice(start, start + width)
        if width > 1:
            prior = next(given)
            assert isinstance(prior, LKJ)
            total = total + prior.log_density(matrices[..., block, block])
        start += width
    return total
