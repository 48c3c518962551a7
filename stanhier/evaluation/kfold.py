"""K-fold cross-validation: the model sampled again without each fold, and the exact densities of what was held out."""

from concurrent.futures import Executor
from numbers import Integral
from typing import Any, Unpack

import numpy as np

from stanhier.basics.arguments import in_our_words
from stanhier.basics.errors import StanhierError
from stanhier.basics.warned import warn
from stanhier.basics.words import quoted
from stanhier.engines.engine import log_mean_exp
from stanhier.engines.regression import Regression
from stanhier.evaluation.left_out import LeftOut, left_out
from stanhier.evaluation.refits import refit_arguments, refits, warn_of_integration
from stanhier.posterior.diagnostics import SamplingWarning
from stanhier.posterior.fitted import Fitted
from stanhier.posterior.prediction import chosen_seed
from stanhier.stan.keyword_types import RefitKeywords
from stanhier.stan.keywords import check_keywords
from stanhier.stan.nuts import NOT_FOR_USERS

__all__ = ["kfold"]

_HABITS = dict.fromkeys(("K", "folds", "n_folds", "nfolds", "n_splits", "cv"), "k")


@in_our_words()
def kfold(
    fit: Fitted[Regression],
    *,
    by: Any = "row",
    k: int = 10,
    seed: int | None = None,
    executor: Executor | None = None,
    **kwargs: Unpack[RefitKeywords],
) -> Any:
    """Cross-validate by sampling again without each of `k` folds, several at a time.

    Each refit has this fit's priors with their numbers, so that with as many folds as rows or groups this is what
    `loo` estimates; densities of what was held out are exact given the draws.

    Parameters
    ----------
    by : "row", "group", name of a factor, or array of shape (N,)
        What stays together in a fold, as for `loo`.
    k : int
        Number of folds.
    seed : int, optional
        Of the folds and of sampling; the fit's own by default.
    executor : concurrent.futures.Executor, optional
        Where the folds are sampled, as for `fit_many`; threads here by default, since Stan runs in processes of its
        own. The result is the same everywhere.
    **kwargs
        As for `Model.sample`; by default as many chains and draws as this fit has.

    Returns
    -------
    arviz_stats.utils.ELPDDataLOOKFold
        `elpd`, `se`, `p`, pointwise `elpd_i`; `compare` takes it in place of a fit. The numbers of the folds are in
        `elpd_i.attrs["folds"]`.

    Raises
    ------
    StanhierError
        If `by` or `k` is something else, or a keyword is not one of `Model.sample`.
    PriorError
        If flat priors leave no posterior where a fold is left out.

    Warns
    -----
    SamplingWarning
        If the draws of a fold cannot be trusted, or effects of groups cannot be integrated out reliably.
    """
    import xarray as xr
    from arviz_stats.utils import ELPDDataLOOKFold

    out = left_out(fit, by, "kfold")
    seed = chosen_seed(fit, seed)
    own = ("by", "k", "executor")
    check_keywords("kfold", kwargs, theirs="sample", hidden=NOT_FOR_USERS, own=own, habits=_HABITS)
    n = len(out.coordinate)
    if isinstance(k, bool) or not isinstance(k, Integral) or not 2 <= int(k) <= n:
        raise StanhierError(
            f"kfold(k={quoted(k)}): 'k' must be an integer from 2 to {n}, the number of {out.coordinate.name}s."
        )
    fold_of = np.random.default_rng([seed, 0x6B]).permutation(np.arange(n) % int(k))
    folds = [np.flatnonzero(fold_of == fold) for fold in range(int(k))]
    seeds = [(seed + 1 + fold) % 2**32 for fold in range(int(k))]
    elpd, integration_k, unreliable = np.empty(n), np.empty(n), 0
    for one in refits(fit, out, folds, seeds, refit_arguments(fit, kwargs), executor):
        elpd[one.held_out], integration_k[one.held_out] = one.elpd, one.integration_k
        unreliable += not one.is_fine
    if unreliable:
        warn(
            f"In {unreliable} of {k} folds the draws have problems such as too few effective ones; ask for more with "
            "kfold(..., iter_sampling=...).",
            SamplingWarning,
        )
    uncertain = warn_of_integration("kfold()", integration_k, out)
    p = _in_sample(fit, out) - elpd
    return ELPDDataLOOKFold(
        elpd=float(elpd.sum()),
        se=float(np.sqrt(n * elpd.var(ddof=1))),
        p=float(p.sum()),
        n_samples=fit.draws.n_draws,
        n_data_points=n,
        scale="log",
        warning=unreliable > 0 or uncertain,
        good_k=None,
        elpd_i=xr.DataArray(elpd, coords=[out.coordinate], name="elpd_i", attrs={"folds": fold_of}),
        n_folds=int(k),
        p_kfold_i=xr.DataArray(p, coords=[out.coordinate], name="p_kfold_i"),
    )


def _in_sample(fit: Fitted[Regression], out: LeftOut) -> np.ndarray:
    """Log posterior mean densities of what the fit has seen: with these, effective numbers of parameters."""
    density = np.empty(len(out.coordinate))
    for part, _, all_in in out.densities(fit.model, fit.draws):
        density[part] = log_mean_exp(all_in)
    return density
