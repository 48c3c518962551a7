"""Prior and posterior predictive draws as the groups in which ArviZ takes them."""

import secrets
from numbers import Integral
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import xarray as xr

from stanhier.basics.errors import PriorError, StanhierError
from stanhier.basics.words import quoted
from stanhier.design.in_memory import NewRows
from stanhier.engines.draws import Draws
from stanhier.posterior import labelled as datasets
from stanhier.posterior.prediction import MAX_VALUES, check_seed, collect
from stanhier.priors.distributions import Prior

if TYPE_CHECKING:
    from stanhier.fit import Fit
    from stanhier.models import Model

__all__ = ["posterior_predictive", "sample_prior"]


def sample_prior(model: "Model", draws: int, *, seed: int | None) -> xr.DataTree:
    """Draw from the prior; see `Model.sample_prior`."""
    _check_draws("sample_prior", draws)
    check_seed(seed)
    chosen_seed = secrets.randbelow(2**31) if seed is None else int(seed)
    flat = [name for name, prior in _named(model.priors).items() if not prior.is_proper]
    if flat:
        raise PriorError(
            f"sample_prior(): the prior of {', '.join(flat)} is flat, which is no distribution to draw from; "
            "give proper priors, for example Normal(0, 10) for coefficients and HalfNormal(5) for scales."
        )
    prior_draws = _draw(model, int(draws), chosen_seed)
    design = model.design
    prior = datasets.posterior(model, prior_draws, effects=False)
    if design.group is not None and draws * len(design.group.levels) <= datasets.MAX_EFFECTS:
        at_zero = _as_new_groups(model, np.zeros((len(design.group.levels), design.X.shape[1])), None)
        dimension = datasets.group_dimension(design.group.name)
        alpha = collect(model, prior_draws, at_zero, kind="mean", new_groups="sample", seed=chosen_seed)
        prior = prior.assign_coords({dimension: datasets.plain_labels(design.group.levels)})
        prior["alpha"] = (("chain", "draw", dimension), alpha[None])
    keep = np.arange(max(1, min(int(draws), MAX_VALUES // design.n_rows)))
    rows = _as_new_groups(model, design.X, None if design.group is None else design.group.codes)
    values = collect(model, prior_draws, rows, kind="response", new_groups="sample", seed=chosen_seed, keep=keep)
    return xr.DataTree.from_dict(
        {
            "prior": prior,
            "prior_predictive": _replicates(values[None], keep),
            "observed_data": datasets.observed(model),
        }
    )


def posterior_predictive(fit: "Fit", draws: int | None, *, seed: int | None) -> xr.Dataset:
    """Draw replicated data; see `Fit.posterior_predictive`."""
    check_seed(seed)
    design = fit.model.design
    chains, n_draws = fit.draws.shape
    if draws is None:
        per_chain = max(1, min(n_draws, MAX_VALUES // (chains * design.n_rows)))
    else:
        _check_draws("posterior_predictive", draws)
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
    codes = None if design.group is None else design.group.codes
    rows = NewRows(design.X, codes, pd.Index([]), design.se, design.frame.index)
    values = collect(
        fit.model,
        fit.draws,
        rows,
        kind="response",
        new_groups="error",
        seed=fit.draws.seed if seed is None else int(seed),
        keep=keep,
    )
    return _replicates(values.reshape(chains, per_chain, design.n_rows), chosen)


def _as_new_groups(model: "Model", X: np.ndarray, codes: np.ndarray | None) -> NewRows:
    """Rows whose groups count as unseen, so that their effects come from the population; one group each by default."""
    grouping = model.design.group
    if grouping is None:
        return NewRows(X, None, pd.Index([]), model.design.se, pd.RangeIndex(len(X)))
    positions = np.arange(len(X)) if codes is None else codes.astype(np.int64)
    return NewRows(X, len(grouping.levels) + positions, grouping.levels, model.design.se, pd.RangeIndex(len(X)))


def _replicates(values: np.ndarray, chosen: np.ndarray) -> xr.Dataset:
    coords = {"chain": np.arange(len(values)), "draw": chosen, "row": np.arange(values.shape[-1])}
    return xr.Dataset({"y": (("chain", "draw", "row"), values)}, coords=coords)


def _draw(model: "Model", size: int, seed: int) -> Draws:
    """Draw every parameter but the group effects, in the coordinates of `Draws`: one chain."""
    rng = np.random.default_rng([seed, 0x70])
    named = _named(model.priors)
    drawn = {name: prior.rvs(rng, size) for name, prior in named.items()}
    location_names = [name for name in drawn if name not in ("sigma", "sigma_alpha")]
    theta = np.column_stack([np.empty((size, 0)), *(drawn[name] for name in location_names)])
    priors = model.location_priors
    location = np.linalg.solve(priors.transform, (theta - priors.offset).T).T if location_names else theta
    sigma = drawn["sigma"] if "sigma" in drawn else np.full(size, model.sigma)
    return Draws(
        location=location[None],
        sigma=sigma[None],
        sigma_alpha=drawn["sigma_alpha"][None] if "sigma_alpha" in drawn else None,
        statistics={},
        seed=seed,
        max_treedepth=0,
        cmdstan="",
    )


def _named(priors: dict[str, Any]) -> dict[str, Prior]:
    """Priors by the name of each single parameter."""
    named: dict[str, Prior] = {}
    for name, prior in priors.items():
        if isinstance(prior, dict):
            named |= {f"{name}[{predictor}]": one for predictor, one in prior.items()}
        else:
            named[name] = prior
    return named


def _check_draws(method: str, draws: Any) -> None:
    if isinstance(draws, bool) or not isinstance(draws, Integral) or int(draws) < 1:
        raise StanhierError(f"{method}(draws={quoted(draws)}): 'draws' must be an integer of at least 1.")
