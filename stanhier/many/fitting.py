"""Many models at once: one for each product, clinic, bootstrap sample or simulation."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import Executor
from os import PathLike
from typing import Any, Literal, Unpack, overload

import numpy as np

from stanhier.basics.arguments import in_our_words
from stanhier.basics.errors import DataError, StanhierError
from stanhier.basics.words import quoted
from stanhier.data.groups import group_name
from stanhier.families.family import Family
from stanhier.many.asked import AskedModels, Maker
from stanhier.many.fits import ManyFits
from stanhier.many.folder import FitFolder
from stanhier.many.grouped import models_by_group
from stanhier.many.outcomes import outcomes_of
from stanhier.model import Model
from stanhier.stan.crews import OwnProcesses, crew_of
from stanhier.stan.keyword_types import SampleKeywords
from stanhier.stan.keywords import check_keywords
from stanhier.stan.nuts import NOT_FOR_USERS, somebody_is_looking

__all__ = ["fit_many"]

_SETTLED = {
    "output_dir": "fits of the same second would write the same files",
    "show_progress": "it shows its own progress, with progress=",
    "show_console": "chains of several fits would speak at once",
}

_WITH_FORMULA = ("data", "by", "family", "priors", "sigma", "se", "weights", "trials", "offset", "missing", "context")
_OWN_KEYWORDS = (*_WITH_FORMULA, "executor", "folder", "progress", "keep_finished")


@overload
def fit_many(
    models: Mapping[Any, Model | Maker],
    *,
    executor: Executor | None = None,
    folder: str | PathLike[str] | None = None,
    progress: bool | None = None,
    **sample_keywords: Unpack[SampleKeywords],
) -> ManyFits: ...


@overload
def fit_many(
    models: Iterable[tuple[Any, Model | Maker]],
    *,
    executor: Executor | None = None,
    folder: str | PathLike[str] | None = None,
    progress: bool | None = None,
    **sample_keywords: Unpack[SampleKeywords],
) -> ManyFits: ...


@overload
def fit_many(
    formula: str,
    /,
    data: Any,
    *,
    by: str | Sequence[str],
    family: str | Family = "gaussian",
    priors: Mapping[str, Any] | None = None,
    sigma: float | None = None,
    se: str | Any | None = None,
    weights: str | Any | None = None,
    trials: str | int | None = None,
    offset: str | None = None,
    missing: Literal["error", "drop"] = "error",
    context: Mapping[str, Callable[..., Any]] | None = None,
    executor: Executor | None = None,
    folder: str | PathLike[str] | None = None,
    progress: bool | None = None,
    **sample_keywords: Unpack[SampleKeywords],
) -> ManyFits: ...


@in_our_words()
def fit_many(
    models: str | Mapping[Any, Model | Maker] | Iterable[tuple[Any, Model | Maker]] | None = None,
    data: Any = None,
    *,
    by: str | Sequence[str] | None = None,
    family: str | Family = "gaussian",
    priors: Mapping[str, Any] | None = None,
    sigma: float | None = None,
    se: str | Any | None = None,
    weights: str | Any | None = None,
    trials: str | int | None = None,
    offset: str | None = None,
    missing: Literal["error", "drop"] = "error",
    context: Mapping[str, Callable[..., Any]] | None = None,
    executor: Executor | None = None,
    folder: str | PathLike[str] | None = None,
    progress: bool | None = None,
    **sample_keywords: Unpack[SampleKeywords],
) -> ManyFits:
    """Sample many models, as many at a time as there are processors; the chains of each take turns.

    There are two ways to call it: `fit_many(formula, data, by=...)` makes one model of a formula for each group of
    rows; `fit_many(models)` takes any models by name.

    Parameters
    ----------
    models : str, mapping of models, or iterable of pairs of name and model
        A formula: with one intercept that varies the models are `VaryingIntercept`, without grouping terms
        `LinearRegression`, and with any others `Model`. Or the models themselves, by name; names are taken as text. In
        the place of a model may stand a function without arguments that makes it. A generator is asked for the next
        model when there is room for it, so that they need not all be in memory; where it raises, nothing more can be
        asked of it, so functions are safer.
    data : data frame, mapping of arrays, path or lazy frame
        With a formula: the rows of all models, as `LinearRegression` takes them. Rows that are not in memory are gone
        over to count those of each group, and then to fetch some groups at a time, as many as there is room for; their
        models are like those of any rows that are not in memory.
    by : str or sequence of str
        With a formula: one model for the rows of each label in this column, or of each combination of labels in
        several. The names of the models are the labels as text, in their order; those of several columns are joined
        with a comma and a blank, as in `"Ulm, 3"` (a label with a comma of its own, or that begins with a quotation
        mark, stands in quotation marks), and are also found by a tuple: `fits["Ulm", 3]`.
    family, priors, sigma, se, weights, trials, offset, missing, context
        With a formula: as for its class of models, the same for every model; models of another family than the Gaussian
        are `Model`, and `trials` and `offset` are columns (`trials` may be one number). Default priors are scaled by
        the rows of each. With `missing="drop"` the model of each fit says what it leaves out; one of which no row is
        left is among the `failures`.
    executor : concurrent.futures.Executor, optional
        Where the models are sampled: by default processes on this machine, one for each processor; of a Dask client
        `client.get_executor()`. Draws do not depend on it.
    folder : path, optional
        Keeps the fits as netCDF files instead of in memory. Models that are there already, with the same formula, rows,
        priors and keywords, are not sampled again; all others are, and take the place of what is there.
    progress : bool, optional
        Whether to show a bar; by default in a terminal or a notebook.
    **sample_keywords
        As for `Model.sample`. Each model gets a seed of its own, made of `seed` and its name.

    Returns
    -------
    ManyFits
        Nothing has been fitted yet: it works while you iterate over it for name and fit, and does the rest when you
        call its `collect()` or ask for anything else. A model that cannot be made or sampled stops no other;
        `.failures` says which and why. Where a generator of models raises, those before are finished and kept, and the
        error names the last of them.

    Raises
    ------
    StanhierError
        If an argument has a value that it cannot have, or goes with the other way to call; if two models have the same
        name, the folder cannot be written or another process fits into it.
    FormulaError, DataError, PriorError
        If the formula, the columns or the priors are wrong for every group.
    CmdStanError
        If there is no CmdStan and none can be built.

    Warns
    -----
    SamplingWarning
        One for all, at the end: which models failed, and which fits cannot be trusted; later, that the run ended early.

    Examples
    --------
    >>> fits = sh.fit_many("y ~ dose", data, by="clinic", folder="clinics", seed=1)
    >>> for name, fit in fits:
    ...     print(name, fit.summary())
    >>> fits.summary()
    >>> halves = ((k, functools.partial(sh.LinearRegression, "y ~ dose", data.sample(frac=0.5))) for k in range(100))
    >>> sh.fit_many(halves, seed=1).failures
    """
    if models is None:
        raise StanhierError(
            "fit_many() needs a formula, by its place, with data and by=: fit_many(formula, data, by=...); or models "
            "by name: fit_many(models)."
        )
    for name, reason in _SETTLED.items():
        if name in sample_keywords:
            raise StanhierError(f"fit_many() does not take '{name}': {reason}.")
    given = {name: value for name, value in sample_keywords.items() if name != "keep_finished"}
    check_keywords("fit_many", given, theirs="sample", hidden={*NOT_FOR_USERS, *_SETTLED}, own=_OWN_KEYWORDS)
    seed = sample_keywords.pop("seed", None)
    if seed is not None and not isinstance(seed, int | np.integer):
        raise StanhierError(
            f"fit_many(seed={quoted(seed)}): give one number; every model gets seeds of its own from it."
        )
    arguments: dict[str, Any] = {"priors": priors, "sigma": sigma, "context": context}
    arguments |= {"se": se, "weights": weights, "trials": trials, "offset": offset}
    with_formula = {"data": data, "by": by, **arguments, "family": None if family == "gaussian" else family}
    with_formula["missing"] = None if missing == "error" else missing
    if isinstance(models, str):
        for name in ("data", "by"):
            if with_formula[name] is None:
                raise StanhierError(
                    f"fit_many({quoted(models)}) has no `{name}`: a formula goes with the rows of all models and the "
                    "column that tells these apart, fit_many(formula, data, by=...)."
                )
        _refuse_arrays(trials, offset)
        grouped = models_by_group(models, data, by, family=family, missing=missing, **arguments)
        asked = AskedModels(grouped, group_name)
    else:
        for name, value in with_formula.items():
            if value is not None:
                raise StanhierError(
                    f"fit_many() takes `{name}` with a formula alone, fit_many(formula, data, by=...); models that are "
                    "given have their rows and priors already."
                )
        asked = AskedModels(models)
    kept = None if folder is None else FitFolder(folder)
    crew = crew_of(executor, own=OwnProcesses)
    return ManyFits(
        outcomes_of(asked, crew, kept, sample_keywords, seed),
        folder=kept,
        models=asked,
        progress=somebody_is_looking() if progress is None else progress,
    )


def _refuse_arrays(trials: Any, offset: Any) -> None:
    for name, given in (("trials", trials), ("offset", offset)):
        if given is not None and not isinstance(given, str | int):
            raise DataError(f"`{name}` must be the name of a column of `data` where there is a model for each group.")
