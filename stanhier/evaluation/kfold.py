"""K-fold cross-validation: the model sampled again without each fold, and the exact densities of what was held out."""

from collections.abc import Iterator
from concurrent.futures import Executor
from numbers import Integral
from typing import Any, Unpack

import numpy as np
import pandas as pd

from stanhier.basics.arguments import in_our_words
from stanhier.basics.errors import StanhierError
from stanhier.basics.warned import warn
from stanhier.basics.words import quoted
from stanhier.engines.draws import Draws
from stanhier.engines.engine import log_mean_exp
from stanhier.engines.regression import Regression
from stanhier.evaluation.loo import check_by, labels_of
from stanhier.posterior import labelled
from stanhier.posterior.diagnostics import SamplingWarning
from stanhier.posterior.fitted import Fitted
from stanhier.posterior.prediction import chosen_seed
from stanhier.posterior.sampling import SamplingTask, sample_and_diagnose
from stanhier.stan.crews import OwnThreads, crew_of
from stanhier.stan.keyword_types import RefitKeywords
from stanhier.stan.keywords import check_keywords
from stanhier.stan.nuts import NOT_FOR_USERS
from stanhier.stan.tasks import results_of

__all__ = ["kfold"]


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

    Warns
    -----
    SamplingWarning
        If the draws of a fold cannot be trusted.
    """
    import xarray as xr
    from arviz_stats.utils import ELPDDataLOOKFold

    check_by(fit, by, "kfold")
    seed = chosen_seed(fit, seed)
    check_keywords("kfold", kwargs, theirs="sample", hidden=NOT_FOR_USERS, own=("by", "k", "executor"))
    design = fit.model.rows
    rows = isinstance(by, str) and by == "row"
    if rows:
        codes, coordinate = np.arange(design.n_rows), pd.RangeIndex(design.n_rows, name="row")
    else:
        codes, labels, name = labels_of(fit, by)
        coordinate = pd.Index(labelled.plain_labels(labels), name=name)
    n = len(coordinate)
    if isinstance(k, bool) or not isinstance(k, Integral) or not 2 <= int(k) <= n:
        raise StanhierError(
            f"kfold(k={quoted(k)}): 'k' must be an integer from 2 to {n}, the number of {coordinate.name}s."
        )
    fold_of = np.random.default_rng([seed, 0x6B]).permutation(np.arange(n) % int(k))
    arguments: dict[str, Any] = {"chains": fit.draws.shape[0], "iter_sampling": fit.draws.shape[1], **kwargs}

    def tasks() -> Iterator[tuple[tuple[int, Regression, list[np.ndarray]], SamplingTask]]:
        for fold in range(int(k)):
            train, train_groups = _without(fit.model, fold_of[codes] == fold)
            task = SamplingTask.of(train, {**arguments, "seed": (seed + 1 + fold) % 2**32})
            yield (fold, train, train_groups), task

    def held_out_density(fold: int, train: Regression, train_groups: list[np.ndarray], draws: Draws) -> np.ndarray:
        out = design.take(fold_of[codes] == fold)
        if rows:
            positions = [known[one.codes] for known, one in zip(train_groups, out.groupings, strict=True)]
            return train.engine.held_out_densities(out, positions, draws)
        local, present = pd.factorize(codes[fold_of[codes] == fold], sort=True)
        blocks = train.engine.set_densities(out, local, len(present), draws, known=train_groups)
        found = np.empty(len(present))
        for part, density, _ in blocks:
            found[part] = log_mean_exp(density)
        return found

    elpd, unreliable = np.empty(n), 0
    for (fold, train, train_groups), (draws, diagnosis) in results_of(
        sample_and_diagnose, tasks(), crew_of(executor, own=OwnThreads)
    ):
        elpd[fold_of == fold] = held_out_density(fold, train, train_groups, draws)
        unreliable += not diagnosis.ok
    if unreliable:
        warn(
            f"In {unreliable} of {k} folds the draws have problems such as too few effective ones; ask for more with "
            "kfold(..., iter_sampling=...).",
            SamplingWarning,
        )
    p = _in_sample(fit, codes, n, rows=rows) - elpd
    return ELPDDataLOOKFold(
        elpd=float(elpd.sum()),
        se=float(np.sqrt(n * elpd.var(ddof=1))),
        p=float(p.sum()),
        n_samples=fit.draws.n_draws,
        n_data_points=n,
        scale="log",
        warning=unreliable > 0,
        good_k=None,
        elpd_i=xr.DataArray(elpd, coords=[coordinate], name="elpd_i", attrs={"folds": fold_of}),
        n_folds=int(k),
        p_kfold_i=xr.DataArray(p, coords=[coordinate], name="p_kfold_i"),
    )


def _without(model: Regression, out: np.ndarray) -> tuple[Regression, list[np.ndarray]]:
    """Give the model on the rows that are kept, and for each factor the position of each group there, -1 if it is not.

    Groups of which no row is left are not there.
    """
    kept = model.rows.take(~out)
    present = [grouping.present() for grouping in kept.groupings]
    return model.on_rows(kept.grouped_by([grouping for grouping, _ in present])), [known for _, known in present]


def _in_sample(fit: Fitted[Regression], codes: np.ndarray, n: int, *, rows: bool) -> np.ndarray:
    """Log posterior mean densities of what the fit has seen: with these, effective numbers of parameters."""
    design, engine = fit.model.rows, fit.model.engine
    draws = fit.draws
    blocks = engine.row_densities(design, draws) if rows else engine.set_densities(design, codes, n, draws)
    density = np.empty(n)
    for part, _, all_in in blocks:
        density[part] = log_mean_exp(all_in)
    return density
