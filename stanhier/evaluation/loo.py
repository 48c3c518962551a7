"""Leave-one-out cross-validation by row or by group, from densities in closed form and ArviZ's smoothed weights.

References
----------
Vehtari, Gelman & Gabry (2017), Practical Bayesian model evaluation using leave-one-out cross-validation,
doi:10.1007/s11222-016-9696-4.
Vehtari, Simpson, Gelman, Yao & Gabry (2024), Pareto smoothed importance sampling, JMLR 25(72): the threshold of k.
Merkle, Furr & Rabe-Hesketh (2019), doi:10.1007/s11336-019-09679-0: conditional and marginal versions.
"""

from concurrent.futures import Executor
from typing import Any, Unpack

import numpy as np

from stanhier.basics.arguments import in_our_words
from stanhier.basics.arviz_arrays import array_stats
from stanhier.basics.errors import StanhierError
from stanhier.basics.progress import counted
from stanhier.basics.warned import warn
from stanhier.basics.words import quoted
from stanhier.engines.engine import log_mean_exp
from stanhier.engines.regression import Regression
from stanhier.evaluation.left_out import LeftOut, left_out
from stanhier.evaluation.loo_result import loo_result, worst_of
from stanhier.evaluation.refits import refit_arguments, refits, warn_of_integration
from stanhier.posterior.diagnostics import SamplingWarning
from stanhier.posterior.fitted import Fitted
from stanhier.posterior.weights import SAME_WEIGHTS, check_enough, good_k, relative_efficiency
from stanhier.stan.keyword_types import SampleKeywords
from stanhier.stan.keywords import check_keywords
from stanhier.stan.nuts import NOT_FOR_USERS, somebody_is_looking

__all__ = ["loo"]


@in_our_words()
def loo(
    fit: Fitted[Regression],
    *,
    by: Any = "row",
    refit: bool = False,
    executor: Executor | None = None,
    **kwargs: Unpack[SampleKeywords],
) -> Any:
    """Estimate how well the model predicts what it has not seen, leaving out one row or one group at a time.

    Of Gaussian responses group effects are integrated out in closed form: leaving out a row, its group's other rows
    inform its effect; leaving out a group, its effect comes from the population. Of other families a row is left out
    given the effects that were drawn; those of a group that is left out are integrated out by quadrature, three or more
    of them at once by importance sampling.

    Parameters
    ----------
    by : "row", "group", name of a factor, or array of shape (N,)
        What is left out: rows, groups of the only factor or of the one that is named, or, where the model itself has no
        groups, of rows with the same label.
    refit : bool
        Whether to sample again without each row or group for which weighted draws are unreliable (Pareto k), and to
        take its density from that fit, with the priors and their numbers of this one.
    executor : concurrent.futures.Executor, optional
        Where refits are sampled, as for `kfold`.
    **kwargs
        Of refits, as for `Model.sample`; by default as many chains and draws as this fit has, and its seed.

    Returns
    -------
    arviz_stats.utils.ELPDDataLOO
        Prints as a table; `elpd`, `se`, `p`, pointwise `elpd_i` and `pareto_k`, which is 0 of what was refitted.
        `worst` is a table of the rows or groups of the highest Pareto k, by their labels in the data, `n_refitted` how
        many were sampled again without. `integration_k` is Pareto k of importance sampling of effects, nan where there
        was none: the median of those of 50 draws, evenly spaced.

    Raises
    ------
    StanhierError
        If `by` is something else, there are fewer than 25 draws, or a keyword is not one of `Model.sample`.
    PriorError
        If flat priors leave no posterior for a refit.

    Warns
    -----
    SamplingWarning
        If an estimate is unreliable (Pareto k of the weights of the draws, or of importance sampling of effects), of
        which rows or groups, with what to do about it; or if the draws of a refit cannot be trusted.

    References
    ----------
    Vehtari, Gelman & Gabry (2017), doi:10.1007/s11222-016-9696-4.
    Merkle, Furr & Rabe-Hesketh (2019), doi:10.1007/s11336-019-09679-0.
    """
    import xarray as xr

    check_keywords("loo", kwargs, theirs="sample", hidden=NOT_FOR_USERS, own=("by", "refit", "executor"))
    if not isinstance(refit, bool):
        raise StanhierError(f"loo(refit={quoted(refit)}): 'refit' must be True or False.")
    if not refit and (kwargs or executor is not None):
        first = next(iter(kwargs), "executor")
        raise StanhierError(f"loo({first}=...) is about sampling again, which takes refit=True.")
    out = left_out(fit, by, "loo")
    n, n_samples = len(out.coordinate), fit.draws.n_draws
    check_enough(n_samples, "loo")
    limit = good_k(n_samples)
    elpd, k, in_sample, integration_k = _weighted(fit, out)
    is_high = ~(k <= limit)
    worst_k, doubtful = k.copy(), bool(is_high.any())
    if refit:
        again = _refitted(fit, out, np.flatnonzero(is_high), kwargs, executor)
        elpd[is_high], k[is_high], doubtful = again[0], 0.0, again[1]
    elif doubtful:
        _warn(out, is_high, k, limit)
    doubtful |= warn_of_integration("loo()", integration_k, out)

    def pointwise(name: str, values: np.ndarray) -> Any:
        return xr.DataArray(values, coords=[out.coordinate], name=name)

    return loo_result(
        elpd=float(elpd.sum()),
        se=float(np.sqrt(n * elpd.var(ddof=1)) if n > 1 else np.nan),
        p=float((in_sample - elpd).sum()),
        n_samples=n_samples,
        n_data_points=n,
        scale="log",
        warning=doubtful,
        good_k=limit,
        elpd_i=pointwise("elpd_i", elpd),
        pareto_k=pointwise("pareto_k", k),
        p_loo_i=pointwise("p_loo_i", in_sample - elpd),
        worst=worst_of(out, worst_k, elpd, is_high & refit, limit),
        n_refitted=int(is_high.sum()) if refit else 0,
        integration_k=pointwise("integration_k", integration_k),
        noun=out.noun,
    )


def _weighted(fit: Fitted[Regression], out: LeftOut) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Give of each set of rows elpd, its Pareto k, its log density given itself, and Pareto k of its integration."""
    model, draws, n = fit.model, fit.draws, len(out.coordinate)
    r_eff = relative_efficiency(model, draws)
    elpd, k, in_sample = np.empty(n), np.empty(n), np.empty(n)
    unit, looked_at = out.noun.removesuffix("s"), somebody_is_looking()
    blocks = counted(out.densities(model, draws), lambda one: one[1].shape[1], unit, total=n, shown=looked_at)
    for part, without, all_in in blocks:
        elpd[part], k[part] = _smoothed(without, r_eff)
        in_sample[part] = log_mean_exp(all_in)
    if out.are_rows:
        return elpd, k, in_sample, np.full(n, np.nan)
    return elpd, k, in_sample, model.engine.integration_k(model.rows, out.codes, n, draws)


def _refitted(
    fit: Fitted[Regression], out: LeftOut, high: np.ndarray, keywords: SampleKeywords, executor: Executor | None
) -> tuple[np.ndarray, bool]:
    """Give the densities of sets of rows, each from a fit without it, and whether any of these cannot be trusted."""
    found, unreliable = np.empty(len(high)), 0
    arguments = refit_arguments(fit, {"seed": fit.draws.seed, **keywords})
    seeds = [arguments.pop("seed")] * len(high)
    for one in refits(fit, out, list(high[:, None]), seeds, arguments, executor):
        found[high == one.held_out[0]] = one.elpd
        unreliable += not one.is_fine
    if unreliable:
        warn(
            f"In {unreliable} of {len(high)} refits the draws have problems such as too few effective ones; ask for "
            "more with loo(refit=True, iter_sampling=...).",
            SamplingWarning,
        )
    return found, unreliable > 0


def _smoothed(left_out: np.ndarray, r_eff: float) -> tuple[np.ndarray, np.ndarray]:
    """Give elpd and Pareto k, shape (n,), from log densities of points that are left out, (S, n)."""
    # Weights that are all the same, as of rows with huge standard errors, have no tail to smooth.
    with np.errstate(invalid="ignore"):
        same = np.ptp(left_out, axis=0) <= SAME_WEIGHTS
    elpd, k = np.empty(len(same)), np.zeros(len(same))
    elpd[same] = left_out[:, same].mean(axis=0)
    if not same.all():
        # Fitting the tail of hopeless weights overflows; their k tells.
        with np.errstate(all="ignore"):
            found = array_stats().loo(left_out[None][:, :, ~same], chain_axis=0, draw_axis=1, r_eff=r_eff)
        elpd[~same], k[~same] = found[:2]
    return elpd, k


def _warn(out: LeftOut, is_high: np.ndarray, k: np.ndarray, limit: float) -> None:
    n, high = len(k), int(is_high.sum())
    by = "..." if out.asked is None else f'"{out.asked}"'
    again = "refit=True" if out.asked == "row" else f"by={by}, refit=True"
    warn(
        f"Leave-one-out is unreliable for {high:,} of {n:,} {out.noun}: their Pareto k is above {limit:.2f} "
        f"({out.worst_of(k, np.flatnonzero(is_high))}), so leaving one out changes the posterior too much for weighted "
        f"draws. fit.loo({again}) samples again without each of them; fit.kfold(by={by}, k={min(n, 10)}) samples again "
        "without each fold.",
        SamplingWarning,
    )
