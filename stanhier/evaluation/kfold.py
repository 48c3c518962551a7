"""K-fold cross-validation: the model sampled again without each fold, and the exact densities of what was held out."""

from collections.abc import Iterator, Mapping
from concurrent.futures import Executor
from dataclasses import replace
from numbers import Integral
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import xarray as xr

from stanhier.basics.errors import StanhierError
from stanhier.basics.warned import warn
from stanhier.basics.words import quoted
from stanhier.design.in_memory import Grouping
from stanhier.engines.draws import Draws
from stanhier.engines.gaussian.likelihood import (
    group_blocks,
    held_out_rows_log_density,
    label_blocks,
    log_mean_exp,
    row_blocks,
)
from stanhier.evaluation.loo import check_by, labels_of
from stanhier.posterior import labelled as datasets
from stanhier.posterior.diagnostics import SamplingWarning
from stanhier.posterior.prediction import check_seed
from stanhier.posterior.sampling import SamplingTask, sample_and_diagnose
from stanhier.stan.crews import OwnThreads, crew_of
from stanhier.stan.tasks import results_of

if TYPE_CHECKING:
    from stanhier.design.in_memory import Design
    from stanhier.fit import Fit
    from stanhier.models import Model

__all__ = ["kfold"]


def kfold(
    fit: "Fit", by: Any, k: int, *, seed: int | None, executor: Executor | None, keywords: Mapping[str, Any]
) -> Any:
    """Cross-validate by sampling again; see `Fit.kfold`."""
    from arviz_stats.utils import ELPDDataLOOKFold

    check_by(fit, by, "kfold")
    check_seed(seed)
    design = fit.model.design
    rows = isinstance(by, str) and by == "row"
    if rows:
        codes, coordinate = np.arange(design.n_rows), pd.RangeIndex(design.n_rows, name="row")
    else:
        codes, labels, name = labels_of(fit, by)
        coordinate = pd.Index(datasets.plain_labels(labels), name=name)
    n = len(coordinate)
    if isinstance(k, bool) or not isinstance(k, Integral) or not 2 <= int(k) <= n:
        raise StanhierError(
            f"kfold(k={quoted(k)}): 'k' must be an integer from 2 to {n}, the number of {coordinate.name}s."
        )
    chosen_seed = fit.draws.seed if seed is None else int(seed)
    fold_of = np.random.default_rng([chosen_seed, 0x6B]).permutation(np.arange(n) % int(k))
    arguments = {"chains": fit.draws.shape[0], "iter_sampling": fit.draws.shape[1], **keywords}

    def tasks() -> Iterator[tuple[tuple[int, "Model", np.ndarray | None], SamplingTask]]:
        for fold in range(int(k)):
            train, train_groups = _without(fit.model, fold_of[codes] == fold)
            task = SamplingTask.of(train, {**arguments, "seed": (chosen_seed + 1 + fold) % 2**32})
            yield (fold, train, train_groups), task

    def held_out_density(fold: int, train: "Model", train_groups: np.ndarray | None, draws: Draws) -> np.ndarray:
        out = _rows_of(design, fold_of[codes] == fold)
        if rows:
            positions = None
            if train_groups is not None:
                assert out.group is not None
                positions = train_groups[out.group.codes]
            return held_out_rows_log_density(out, positions, train.compressed, draws)
        local, present = pd.factorize(codes[fold_of[codes] == fold], sort=True)
        origin = train.compressed.origin
        if out.group is None:
            blocks = label_blocks(out, local, len(present), origin, draws)
        else:
            out = replace(out, group=Grouping(out.group.name, out.group.levels[present], local))
            blocks = group_blocks(out, origin, draws)
        return np.concatenate([log_mean_exp(density) for _, density, _ in blocks])

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
        n_samples=len(fit.draws.flat_sigma),
        n_data_points=n,
        scale="log",
        warning=unreliable > 0,
        good_k=None,
        elpd_i=xr.DataArray(elpd, coords=[coordinate], name="elpd_i"),
        n_folds=int(k),
        p_kfold_i=xr.DataArray(p, coords=[coordinate], name="p_kfold_i"),
    )


def _without(model: "Model", out: np.ndarray) -> tuple["Model", np.ndarray | None]:
    """Give the model on the rows that are kept, and the position of each group there, -1 where no row of it is left."""
    kept = _rows_of(model.design, ~out)
    if kept.group is None:
        return model.on_rows(kept), None
    present, codes = np.unique(kept.group.codes, return_inverse=True)
    positions = np.full(len(kept.group.levels), -1)
    positions[present] = np.arange(len(present))
    return model.on_rows(replace(kept, group=Grouping(kept.group.name, kept.group.levels[present], codes))), positions


def _rows_of(design: "Design", chosen: np.ndarray) -> "Design":
    group = design.group
    return replace(
        design,
        frame=design.frame[chosen],
        y=design.y[chosen],
        group=None if group is None else replace(group, codes=group.codes[chosen]),
        se=None if design.se is None else design.se[chosen],
    )


def _in_sample(fit: "Fit", codes: np.ndarray, n: int, *, rows: bool) -> np.ndarray:
    """Log posterior mean densities of what the fit has seen: with these, effective numbers of parameters."""
    design, compressed = fit.model.design, fit.model.compressed
    if rows:
        blocks = row_blocks(design, compressed, fit.draws)
    elif design.group is not None:
        blocks = group_blocks(design, compressed.origin, fit.draws)
    else:
        blocks = label_blocks(design, codes, n, compressed.origin, fit.draws)
    return np.concatenate([log_mean_exp(all_in) for _, _, all_in in blocks])
