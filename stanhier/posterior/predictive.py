"""Prior and posterior predictive draws as the groups in which ArviZ takes them."""

import secrets
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from stanhier.basics.arguments import check_seed, checked_count, in_our_words
from stanhier.basics.errors import PriorError, StanhierError
from stanhier.design.design import NewRows
from stanhier.engines.draws import Draws
from stanhier.engines.regression import Regression
from stanhier.posterior import labelled
from stanhier.posterior.fitted import Fitted
from stanhier.posterior.labelled import MAX_VALUES
from stanhier.posterior.prediction import collect

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
    chosen_seed = secrets.randbelow(2**31) if seed is None else int(seed)
    lack = lack_of_prior(model)
    if lack is not None:
        raise PriorError(f"sample_prior(): {lack}")
    return xr.DataTree.from_dict(
        {
            "prior": prior_group(model, draws, chosen_seed),
            "prior_predictive": prior_predictive_group(model, draws, chosen_seed),
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
    design, own = model.design, model.parameters.effects
    prior_draws = _draw(model, draws, seed)
    prior = labelled.posterior(model, prior_draws, effects=False)
    if own is None or draws * own.size > MAX_VALUES:
        return prior
    assert own.labels is not None
    at_zero = _as_new_groups(model, np.zeros((own.size, len(design.predictors))), np.arange(own.size), None)
    effects = collect(model, prior_draws, at_zero, kind="mean", new_groups="sample", seed=seed)
    prior = prior.assign_coords({own.dim: labelled.plain_labels(own.labels)})
    prior[own.name] = (("chain", "draw", own.dim), effects[None])
    return prior


def prior_predictive_group(model: Regression, draws: int, seed: int) -> "xr.Dataset":
    """Draw data from the model with the draws of `prior_group`, or with the first of them that there is room for."""
    design = model.rows
    keep = np.arange(max(1, min(draws, MAX_VALUES // design.n_rows)))
    rows = _as_new_groups(model, design.X, design.codes, design.se)
    values = collect(model, _draw(model, draws, seed), rows, kind="response", new_groups="sample", seed=seed, keep=keep)
    return _replicates(values[None], keep)


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
    check_seed(seed)
    group = posterior_predictive_group(fit.model, fit.draws, draws, seed=fit.draws.seed if seed is None else int(seed))
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
    chosen = np.linspace(0, n_draws - 1, per_chain).round().astype(int) if per_chain > 1 else np.array([n_draws - 1])
    keep = (np.arange(chains)[:, None] * n_draws + chosen).ravel()
    rows = NewRows(design.X, design.codes, pd.Index([]), design.se, design.frame.index)
    values = collect(model, posterior, rows, kind="response", new_groups="error", seed=seed, keep=keep)
    return _replicates(values.reshape(chains, per_chain, design.n_rows), chosen)


def _as_new_groups(model: Regression, X: np.ndarray, codes: np.ndarray | None, se: np.ndarray | None) -> NewRows:
    """Rows whose groups count as unseen, so that their effects come from the population."""
    grouping = model.design.group
    if grouping is None:
        return NewRows(X, None, pd.Index([]), se, pd.RangeIndex(len(X)))
    assert codes is not None
    positions = len(grouping.levels) + codes.astype(np.int64)
    return NewRows(X, positions, grouping.levels, se, pd.RangeIndex(len(X)))


def _replicates(values: np.ndarray, chosen: np.ndarray) -> "xr.Dataset":
    import xarray as xr

    coords = {"chain": np.arange(len(values)), "draw": chosen, "row": np.arange(values.shape[-1])}
    return xr.Dataset({"y": (("chain", "draw", "row"), values)}, coords=coords)


def _draw(model: Regression, size: int, seed: int) -> Draws:
    """Draw every parameter but the group effects, in the coordinates of `Draws`: one chain."""
    rng = np.random.default_rng([seed, 0x70])
    return Draws(
        model.engine.values_of(model.chosen.draws(rng, size)), statistics={}, seed=seed, max_treedepth=0, cmdstan=""
    )
