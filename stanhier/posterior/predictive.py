"""Prior and posterior predictive draws as the groups in which ArviZ takes them."""

import secrets
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from stanhier.basics.arguments import check_seed, checked_count, in_our_words
from stanhier.basics.errors import PriorError, StanhierError
from stanhier.basics.spacing import evenly
from stanhier.design.groupings import NewGroups
from stanhier.engines.draws import Draws
from stanhier.engines.parameters import Parameter, Role
from stanhier.engines.regression import Regression
from stanhier.posterior import labelled
from stanhier.posterior.fitted import Fitted
from stanhier.posterior.labelled import MAX_VALUES
from stanhier.posterior.prediction import chosen_seed
from stanhier.posterior.row_draws import drawn_effects, row_draws

if TYPE_CHECKING:
    import xarray as xr

__all__ = [
    "lack_of_prior",
    "posterior_predictive",
    "posterior_predictive_group",
    "prior_group",
    "prior_predictive_group",
    "sample_prior",
]


@in_our_words(called_on="model")
def sample_prior(model: Regression, draws: int = 1000, *, seed: int | None = None) -> "xr.DataTree":
    """Draw from the prior, and data from the model with those draws.

    Parameters
    ----------
    draws : int
        Number of draws.
    seed : int, optional
        Repeats the same draws.

    Returns
    -------
    xarray.DataTree
        Groups prior, prior_predictive (where draws times rows exceed 20 million values, of the first draws) and
        observed_data. Group effects are drawn from their population.

    Raises
    ------
    PriorError
        If a prior is flat, which has no draws; names every such parameter.
    StanhierError
        If an argument has a value that it cannot have.
    """
    import xarray as xr

    draws = int(checked_count(draws, "draws", "sample_prior"))
    check_seed(seed)
    seed = secrets.randbelow(2**31) if seed is None else int(seed)
    lack = lack_of_prior(model)
    if lack is not None:
        raise PriorError(f"sample_prior(): {lack}")
    return xr.DataTree.from_dict(
        {
            "prior": prior_group(model, draws, seed),
            "prior_predictive": prior_predictive_group(model, draws, seed),
            "observed_data": labelled.observed(model),
        }
    )


def lack_of_prior(model: Regression) -> str | None:
    """Say why the priors of a model cannot be drawn from, if they cannot."""
    flat = [name for name, prior in model.chosen.by_scalar.items() if not prior.is_proper]
    if not flat:
        return None
    return (
        f"the prior of {', '.join(flat)} is flat, which is no distribution to draw from; "
        "give proper priors, for example Normal(0, 10) for coefficients and HalfNormal(5) for scales."
    )


def prior_group(model: Regression, draws: int, seed: int) -> "xr.Dataset":
    """Draw the parameters from proper priors, and the group effects, if there is room, from their population."""
    prior_draws = _draw(model, draws, seed)
    prior = labelled.posterior(model, prior_draws, effects=False)
    for own in model.parameters.all_of(Role.EFFECTS):
        if draws * own.size <= MAX_VALUES:
            prior = prior.assign({own.name: _prior_effects(model, own, prior_draws, seed)})
    return prior


def prior_predictive_group(model: Regression, draws: int, seed: int) -> "xr.Dataset":
    """Draw data from the model with the draws of `prior_group`, or with the first of them that there is room for."""
    design = model.rows
    keep = np.arange(max(1, min(draws, MAX_VALUES // design.n_rows)))
    groups = tuple(
        NewGroups(len(grouping.levels) + grouping.codes.astype(np.int64), grouping.levels)
        for grouping in design.groupings
    )
    rows = replace(design.as_new, groups=groups)  # as unseen groups, so that their effects come from the population
    prior = _draw(model, draws, seed)
    replicated = row_draws(model, prior, rows, kind="response", new_groups="sample", seed=seed, keep=keep)
    return _replicates(model, replicated.collected()[None], keep)


@in_our_words()
def posterior_predictive(
    fit: Fitted[Regression], draws: int | None = None, *, seed: int | None = None
) -> "xr.DataTree":
    """Draw replicated data for the rows of the fit, and add them to `idata`.

    Parameters
    ----------
    draws : int, optional
        Number of draws, spread evenly over the chains and along them (rounded up to the same number per chain);
        by default all of them, or as many as stay below 20 million values.
    seed : int, optional
        Of the noise; the fit's own by default.

    Returns
    -------
    xarray.DataTree
        `idata`, with the group posterior_predictive: `y` with dimensions chain, draw, row.

    Raises
    ------
    StanhierError
        If there are not that many draws, or draws times rows exceed 20 million values.
    """
    group = posterior_predictive_group(fit.model, fit.draws, draws, seed=chosen_seed(fit, seed))
    return fit.add_groups({"posterior_predictive": group})


def posterior_predictive_group(
    model: Regression, posterior: Draws, draws: int | None = None, *, seed: int
) -> "xr.Dataset":
    """Draw what `posterior_predictive` adds."""
    design = model.rows
    chains, n_draws = posterior.shape
    if draws is None:
        per_chain = max(1, min(n_draws, MAX_VALUES // (chains * design.n_rows)))
    else:
        draws = checked_count(draws, "draws", "posterior_predictive")
        per_chain = -(-int(draws) // chains)
        if per_chain > n_draws:
            raise StanhierError(f"posterior_predictive(draws={draws}): the fit has {chains * n_draws} draws.")
        if per_chain * chains * design.n_rows > MAX_VALUES:
            raise StanhierError(
                f"posterior_predictive(draws={draws}): {draws} draws of {design.n_rows:,} rows are more than fit "
                f"comfortably in memory; ask for at most {max(1, MAX_VALUES // design.n_rows):,}."
            )
    chosen = evenly(n_draws, per_chain) if per_chain > 1 else np.array([n_draws - 1])
    keep = (np.arange(chains)[:, None] * n_draws + chosen).ravel()
    replicated = row_draws(model, posterior, design.as_new, kind="response", new_groups="error", seed=seed, keep=keep)
    return _replicates(model, replicated.collected().reshape(chains, per_chain, design.n_rows), chosen)


def _prior_effects(model: Regression, own: Parameter, draws: Draws, seed: int) -> "xr.DataArray":
    """Draw what the groups of a factor have of their own, from their population."""
    term, levels = own.term or 0, own.coords[0]
    new = NewGroups(len(levels) + np.arange(len(levels)), levels)
    return labelled.labelled_effects(model, draws, own, drawn_effects(model, draws, term, new.codes, new, seed))


def _replicates(model: Regression, values: np.ndarray, chosen: np.ndarray) -> "xr.Dataset":
    import xarray as xr

    coords = {"chain": np.arange(len(values)), "draw": chosen, "row": np.arange(values.shape[-1])}
    return xr.Dataset({"y": (("chain", "draw", "row"), labelled.as_responses(model, values))}, coords=coords)


def _draw(model: Regression, size: int, seed: int) -> Draws:
    """Draw every parameter but the group effects, in the coordinates of `Draws`: one chain."""
    rng = np.random.default_rng([seed, 0x70])
    values = model.engine.values_of(model.chosen.draws(rng, size))
    return Draws(values, statistics={}, seed=seed, max_treedepth=0, cmdstan="")
