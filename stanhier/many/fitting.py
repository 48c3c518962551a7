"""Many models at once: one for each product, clinic, bootstrap sample or simulation."""

import pickle
import secrets
from collections.abc import Generator, Iterable, Iterator, Mapping, Sized
from concurrent.futures import Executor
from contextlib import ExitStack, closing
from dataclasses import dataclass, replace
from functools import cache
from hashlib import sha256
from os import PathLike
from typing import Any, Unpack

import numpy as np

from stanhier.basics.arguments import in_our_words
from stanhier.basics.errors import StanhierError
from stanhier.basics.words import quoted
from stanhier.engines.draws import Draws
from stanhier.fit import Fit
from stanhier.many.fits import ManyFits, SummedUp
from stanhier.many.folder import FitFolder, file_of, identity_of
from stanhier.model import Model
from stanhier.posterior.diagnostics import Diagnosis
from stanhier.posterior.parameter_table import ParameterTable
from stanhier.posterior.sampling import SamplingTask, sample_and_diagnose
from stanhier.stan.crews import Crew, OwnProcesses, crew_of
from stanhier.stan.keyword_types import SampleKeywords
from stanhier.stan.keywords import check_keywords
from stanhier.stan.nuts import NOT_FOR_USERS, somebody_is_looking
from stanhier.stan.program import Program
from stanhier.stan.tasks import run_tasks

__all__ = ["fit_many"]

MAX_ROWS = 100_000
"""Rows that travel to a worker, so that it writes the file of the fit; with more of them, this process does."""

_SETTLED = {
    "output_dir": "fits of the same second would write the same files",
    "show_progress": "it shows its own progress, with progress=",
    "show_console": "chains of several fits would speak at once",
}

_OWN_KEYWORDS = ("executor", "folder", "progress")


@in_our_words()
def fit_many(
    models: Mapping[Any, Model] | Iterable[tuple[Any, Model]],
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
    if isinstance(models, Mapping):
        pairs: Iterable[tuple[Any, Model]] = models.items()
    elif isinstance(models, Iterable):
        pairs = models
    else:
        raise StanhierError(
            f"fit_many() takes models by name, or pairs of name and model; not {type(models).__name__}."
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
    kept = None if folder is None else FitFolder(folder)
    crew = crew_of(executor, own=OwnProcesses)
    contexts: dict[str, Mapping[str, Any]] = {}
    outcomes = _outcomes(_checked(pairs, contexts), crew, kept, sample_keywords, seed)
    total = len(models) if isinstance(models, Sized) else None
    return ManyFits(
        outcomes,
        folder=kept,
        contexts=contexts,
        total=total,
        progress=somebody_is_looking() if progress is None else progress,
    )


@dataclass(frozen=True)
class _Task:
    sampling: SamplingTask
    model: bytes | None
    """The model with its rows, pickled, where the worker is to write the file."""
    identity: str


@dataclass(frozen=True)
class _Done:
    draws: Draws
    diagnosis: Diagnosis
    summed: SummedUp
    file: bytes | None


def _outcomes(
    pairs: Iterable[tuple[str, Model]],
    crew: Crew,
    folder: FitFolder | None,
    keywords: Mapping[str, Any],
    seed: int | None,
) -> Generator[tuple[str, Fit[Model] | None, SummedUp | Exception]]:
    root = secrets.randbits(64) if seed is None else seed

    def tasks() -> Iterator[tuple[tuple[str, Model, SummedUp | None], _Task | None]]:
        for name, model in pairs:
            identity, rows = "", None
            if folder is not None:
                identity = identity_of(model, {**keywords, "seed": seed})
                note = folder.note(name, identity)
                if note is not None:
                    yield (name, model, SummedUp.from_dict(note)), None
                    continue
                rows = _pickled(model)
            _compile_once(model.engine.program)
            sampling = SamplingTask.of(model, {**keywords, "seed": _seed_of(root, name)})
            yield (name, model, None), _Task(sampling, rows, identity)

    with ExitStack() as stack:
        if folder is not None:
            stack.enter_context(folder.alone())
        for (name, model, known), outcome in stack.enter_context(closing(run_tasks(_fit, tasks(), crew))):
            if outcome is None:
                assert known is not None
                yield name, None, known
            elif isinstance(outcome, Exception):
                yield name, None, outcome
            else:
                fit = Fit(model, outcome.draws, diagnosis=outcome.diagnosis)
                try:
                    file = outcome.file
                    if folder is not None and file is None:
                        identity = identity_of(model, {**keywords, "seed": seed})
                        file = file_of(fit, {"identity": identity, **outcome.summed.as_dict()})
                except StanhierError as err:
                    yield name, None, err
                    continue
                if folder is not None and file is not None:
                    folder.write(name, file)
                yield name, fit, outcome.summed


def _fit(task: _Task) -> _Done:
    """Do in a worker what can be done there, since the process that waits for all workers has no time to lose."""
    draws, diagnosis = sample_and_diagnose(task.sampling)
    table = ParameterTable.of(draws, diagnosis, task.sampling.coordinates)
    done = _Done(draws, diagnosis, SummedUp(table, diagnosis.problems), None)
    if task.model is None:
        return done
    try:
        model = pickle.loads(task.model)  # noqa: S301  from the process that asked for this
    except (AttributeError, ImportError):
        return done  # something in it is of a module that only the caller has
    file = file_of(Fit(model, draws, diagnosis=diagnosis), {"identity": task.identity, **done.summed.as_dict()})
    return replace(done, file=file)


def _checked(pairs: Iterable[tuple[Any, Model]], contexts: dict[str, Mapping[str, Any]]) -> Iterator[tuple[str, Model]]:
    """Give names as text, each once, and models; keep the functions that models need when they are loaded."""
    seen = set()
    for pair in pairs:
        if not isinstance(pair, tuple) or len(pair) != 2:
            raise StanhierError(f"fit_many() takes pairs of name and model, not {quoted(pair)}.")
        name, model = str(pair[0]), pair[1]
        if not isinstance(model, Model):
            raise StanhierError(f"fit_many(): {quoted(name)} must be a model, not {type(model).__name__}.")
        if name in seen:
            raise StanhierError(f"fit_many(): two models are called {quoted(name)}; give each a name of its own.")
        seen.add(name)
        if model.design.formula.context:
            contexts[name] = model.design.formula.context
        yield name, model


@cache
def _compile_once(program: str) -> None:
    """Find or build CmdStan and the program here, before many workers want them at the same time."""
    Program(program).exe()


def _seed_of(root: int, name: str) -> int:
    """Make a model's seed: the same in any company, order and place."""
    words = np.frombuffer(sha256(name.encode(errors="surrogatepass")).digest(), dtype="<u4")
    return int(np.random.SeedSequence(root, spawn_key=tuple(map(int, words))).generate_state(1)[0])


def _pickled(model: Model) -> bytes | None:
    """Give the model with its rows as it travels; None where it cannot, or should not."""
    if model.in_memory is None or model.design.n_rows > MAX_ROWS:
        return None
    try:
        return pickle.dumps(model)
    except (pickle.PicklingError, AttributeError, TypeError):
        return None
