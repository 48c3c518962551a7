"""The model sampled again without some of its rows, and the densities of these: exact given the draws."""

from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Executor
from contextlib import closing
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from stanhier.basics.errors import PriorError
from stanhier.basics.progress import progress_bar
from stanhier.basics.warned import warn
from stanhier.engines.draws import Draws
from stanhier.engines.engine import INTEGRATION_POINTS, log_mean_exp
from stanhier.engines.propriety import refuse_untold_sds
from stanhier.engines.regression import Regression
from stanhier.evaluation.left_out import LeftOut
from stanhier.posterior.diagnostics import SamplingWarning
from stanhier.posterior.fitted import Fitted
from stanhier.posterior.sampling import SamplingTask, sample_and_diagnose
from stanhier.posterior.weights import good_k
from stanhier.stan.crews import OwnThreads, crew_of
from stanhier.stan.nuts import somebody_is_looking
from stanhier.stan.tasks import results_of

__all__ = ["Refit", "refit_arguments", "refits", "warn_of_integration"]


@dataclass(frozen=True)
class Refit:
    """What a fit without some rows says of them.

    Attributes
    ----------
    held_out : numpy.ndarray of int, shape (m,)
        Which of the sets of rows that can be left out were.
    elpd : numpy.ndarray, shape (m,)
        Their log predictive densities.
    integration_k : numpy.ndarray, shape (m,)
        Pareto k of the importance sampling by which effects were integrated out; nan where there was none.
    is_fine : bool
        Whether the draws can be trusted.
    """

    held_out: np.ndarray
    elpd: np.ndarray
    integration_k: np.ndarray
    is_fine: bool


def refit_arguments(fit: Fitted[Regression], keywords: Mapping[str, Any]) -> dict[str, Any]:
    """Give keywords of `Model.sample` for fits like this one, where the user's say nothing else."""
    draws = fit.draws
    own: dict[str, Any] = {"chains": draws.shape[0], "iter_sampling": draws.shape[1]}
    if draws.method == "nuts" and draws.max_treedepth:
        own["max_treedepth"] = draws.max_treedepth
    return {**(own if draws.method == "nuts" else {}), **keywords}


def refits(
    fit: Fitted[Regression],
    out: LeftOut,
    folds: Sequence[np.ndarray],
    seeds: Sequence[int],
    arguments: Mapping[str, Any],
    executor: Executor | None,
) -> Iterator[Refit]:
    """Sample again without each fold, several at a time, with the priors and their numbers of this fit.

    Parameters
    ----------
    fit : Fitted
    out : LeftOut
    folds : sequence of numpy.ndarray of int
        Positions of the sets of rows that are left out together.
    seeds : sequence of int
        Of each fold's sampling.
    arguments : mapping
        Of `Model.sample` otherwise.
    executor : concurrent.futures.Executor, optional
        Where the folds are sampled.

    Yields
    ------
    Refit
        In the order in which they are done.

    Raises
    ------
    PriorError
        If flat priors leave no posterior without some fold.
    """
    design = fit.model.rows
    looked_at = arguments.get("show_progress")
    shown = somebody_is_looking() if looked_at is None else looked_at
    keywords = {name: value for name, value in arguments.items() if name != "show_progress"}

    def tasks() -> Iterator[tuple[tuple[np.ndarray, Regression, list[np.ndarray]], SamplingTask]]:
        for fold, seed in zip(folds, seeds, strict=True):
            train, known = _without(fit.model, np.isin(out.codes, fold))
            yield (fold, train, known), SamplingTask.of(train, {**keywords, "seed": seed})

    found = results_of(sample_and_diagnose, tasks(), crew_of(executor, own=OwnThreads))
    with progress_bar(len(folds), shown=bool(shown)) as bar, closing(found):
        for (fold, train, known), (draws, diagnosis) in found:
            elpd, k = _held_out(out, design.take(np.isin(out.codes, fold)), fold, train, known, draws)
            bar.update()
            yield Refit(fold, elpd, k, diagnosis.ok)


def warn_of_integration(where: str, k: np.ndarray, out: LeftOut) -> bool:
    """Say of which sets of rows the effects cannot be integrated out reliably, if there are any.

    Parameters
    ----------
    where : str
        The method that is called.
    k : numpy.ndarray, shape (n,)
        Pareto k of the importance sampling of each; nan where there was none.
    out : LeftOut

    Returns
    -------
    bool
        Whether there are.

    Warns
    -----
    SamplingWarning
    """
    limit = good_k(INTEGRATION_POINTS)
    high = np.flatnonzero(k > limit)
    if not len(high):
        return False
    of_them = f"{len(high):,} of {len(k):,} {out.noun}"
    warn(
        f"{where}: the effects of {of_them} that are left out are too many, or too unlike normal ones, to be "
        f"integrated out by {INTEGRATION_POINTS} points of importance sampling: its own Pareto k is above {limit:.2f} "
        f"({out.worst_of(k, high)}), so the densities of these {out.noun} are uncertain, however the "
        "draws were weighted. Leave out fewer effects at once: rows, or the groups of an inner factor.",
        SamplingWarning,
    )
    return True


def _without(model: Regression, out: np.ndarray) -> tuple[Regression, list[np.ndarray]]:
    """Give the model on the rows that are kept, and for each factor the position of each group there, -1 if it is not.

    Groups of which no row is left are not there.

    Raises
    ------
    PriorError
        If flat priors leave no posterior of these rows.
    """
    kept = model.rows.take(~out)
    present = [grouping.present() for grouping in kept.groupings]
    train = kept.grouped_by([grouping for grouping, _ in present])
    try:
        refuse_untold_sds(train, model.chosen)
    except PriorError as err:
        raise PriorError(
            f"Without {int(out.sum()):,} of its {len(out):,} rows the model has no posterior. {err}"
        ) from err
    return model.on_rows(train), [known for _, known in present]


def _held_out(
    out: LeftOut, rows: Any, fold: np.ndarray, train: Regression, known: list[np.ndarray], draws: Draws
) -> tuple[np.ndarray, np.ndarray]:
    """Give the log densities of a fold's sets of rows, shape (m,), and Pareto k of integrating effects out."""
    if out.are_rows:
        positions = [levels[one.codes] for levels, one in zip(known, rows.groupings, strict=True)]
        return train.engine.held_out_densities(rows, positions, draws), np.full(len(fold), np.nan)
    codes = pd.Index(fold).get_indexer(out.codes[np.isin(out.codes, fold)])
    found = np.empty(len(fold))
    for part, density, _ in train.engine.set_densities(rows, codes, len(fold), draws, known=known):
        found[part] = log_mean_exp(density)
    return found, train.engine.integration_k(rows, codes, len(fold), draws, known=known)
