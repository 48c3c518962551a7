"""The share of variance that is explained of rows which the model has not seen."""

import numpy as np

from stanhier.basics.arviz_arrays import array_stats
from stanhier.basics.errors import StanhierError
from stanhier.basics.warned import warn
from stanhier.engines.regression import Regression
from stanhier.evaluation.left_out import left_out
from stanhier.evaluation.variances import row_auxiliary
from stanhier.posterior.diagnostics import SamplingWarning
from stanhier.posterior.fitted import Fitted
from stanhier.posterior.labelled import MAX_VALUES
from stanhier.posterior.row_draws import row_draws
from stanhier.posterior.weights import check_enough, good_k, relative_efficiency, smoothed_weights

__all__ = ["loo_r2"]


def loo_r2(fit: Fitted[Regression]) -> np.ndarray:
    """Give draws of the leave-one-out R-squared, shape (S,): one less the variance of what is left over that of y.

    A row's mean is predicted by the draws weighted as if it had been left out, each with the effects that were drawn
    with it; weights of the rows are drawn from a Dirichlet distribution, the Bayesian bootstrap, by ArviZ's `loo_r2`.

    Raises
    ------
    StanhierError
        If there are fewer than 25 draws, or draws times rows exceed 20 million values.

    Warns
    -----
    SamplingWarning
        If weighted draws are unreliable for some rows.
    """
    model, draws, design = fit.model, fit.draws, fit.model.rows
    check_enough(draws.n_draws, "r2")
    if draws.n_draws * design.n_rows > MAX_VALUES:
        raise StanhierError(
            f"r2(loo=True) takes the {draws.n_draws:,} draws times the {design.n_rows:,} rows, which is more than fits "
            "comfortably in memory; with so many rows the others hardly differ from it."
        )
    rows, family = design.as_new, model.family
    r_eff, limit = relative_efficiency(model, draws), good_k(draws.n_draws)
    mean, k = np.empty(design.n_rows), np.zeros(design.n_rows)
    linear = row_draws(model, draws, rows, kind="linear", new_groups="error", seed=draws.seed)
    for part, eta in linear.blocks():
        trials = None if rows.trials is None else rows.trials[part]
        density = family.log_density(design.observed[part], eta, row_auxiliary(model, draws, rows, part), trials)
        weights, k[part] = smoothed_weights(density, r_eff)
        mean[part] = (weights * family.mean(eta)).sum(axis=0)
    high = np.flatnonzero(~(k <= limit))
    if len(high):
        worst = high[np.argmax(np.nan_to_num(k[high], nan=np.inf))]
        named = left_out(fit, "row", "r2").named(worst)
        warn(
            f"r2(loo=True) is unreliable for {len(high):,} of {design.n_rows:,} rows: their Pareto k is above "
            f"{limit:.2f} (highest {k[worst]:.2f}, {named}), so leaving one out changes the posterior too much for "
            "weighted draws, and R-squared may be less.",
            SamplingWarning,
        )
    observed = design.observed if rows.trials is None else design.observed / rows.trials
    found = array_stats().loo_r2(observed, mean, n_simulations=draws.n_draws, random_state=draws.seed)
    return np.asarray(found)
