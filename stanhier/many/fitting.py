"""Many models at once: one for each product, clinic, bootstrap sample or simulation."""

from collections.abc import Iterable, Mapping
from concurrent.futures import Executor
from os import PathLike
from typing import Any, Unpack

import numpy as np

from stanhier.basics.arguments import in_our_words
from stanhier.basics.errors import StanhierError
from stanhier.basics.words import quoted
from stanhier.many.asked import AskedModels, Maker
from stanhier.many.fits import ManyFits
from stanhier.many.folder import FitFolder
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

_OWN_KEYWORDS = ("executor", "folder", "progress")


@in_our_words()
def fit_many(
    models: Mapping[Any, Model | Maker] | Iterable[tuple[Any, Model | Maker]],
    *,
    executor: Executor | None = None,
    folder: str | PathLike[str] | None = None,
    progress: bool | None = None,
    **sample_keywords: Unpack[SampleKeywords],
) -> ManyFits:
    """Sample many models, as many at a time as there are processors; the chains of each take turns.

    Parameters
    ----------
    models : mapping of models, or iterable of pairs of name and model
        A generator is asked for the next model when there is room for it, so that they need not all be in memory.
        Names are taken as text.
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
        call its `collect()` or ask for anything else. A model that fails stops no other; `.failures` says which and
        why.

    Raises
    ------
    StanhierError
        If an argument has a value that it cannot have, two models have the same name, the folder cannot be written or
        another process fits into it.
    CmdStanError
        If there is no CmdStan and none can be built.

    Warns
    -----
    SamplingWarning
        One for all, at the end: which models failed, and which fits cannot be trusted.

    Examples
    --------
    >>> models = ((clinic, sh.LinearRegression("y ~ dose", rows)) for clinic, rows in data.groupby("clinic"))
    >>> for name, fit in (fits := sh.fit_many(models, folder="clinics", seed=1)):
    ...     print(name, fit.summary())
    >>> fits.summary()
    """
    asked = AskedModels(models)
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
    kept = None if folder is None else FitFolder(folder)
    crew = crew_of(executor, own=OwnProcesses)
    return ManyFits(
        outcomes_of(asked, crew, kept, sample_keywords, seed),
        folder=kept,
        models=asked,
        progress=somebody_is_looking() if progress is None else progress,
    )
