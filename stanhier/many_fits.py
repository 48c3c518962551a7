"""Many models at once: one for each product, clinic, bootstrap sample or simulation."""

import logging
import pickle
import secrets
import warnings
from collections.abc import Generator, Iterable, Iterator, Mapping, Sized
from concurrent.futures import Executor
from contextlib import ExitStack, closing
from dataclasses import dataclass, replace
from functools import cache
from hashlib import sha256
from os import PathLike
from typing import TYPE_CHECKING, Any
from weakref import WeakSet

import numpy as np
import pandas as pd

from stanhier.diagnostics import Diagnosis, SamplingWarning
from stanhier.draws import Draws
from stanhier.errors import StanhierError
from stanhier.fit import Fit
from stanhier.fit_folder import FitFolder, file_of, identity_of
from stanhier.keywords import check_keywords
from stanhier.models import Model
from stanhier.parameter_table import ParameterTable
from stanhier.program import Program
from stanhier.sampling import NOT_FOR_USERS, somebody_is_looking
from stanhier.sampling_task import SamplingTask, sample_and_diagnose
from stanhier.tasks import run_tasks
from stanhier.workers import Crew, OwnProcesses, before_exit, crew_of

if TYPE_CHECKING:
    from tqdm import tqdm

__all__ = ["ManyFits", "fit_many"]

_log = logging.getLogger(__name__)

MAX_ROWS = 100_000
"""Rows that travel to a worker, so that it writes the file of the fit; with more of them, this process does."""
LISTED = 5

_SETTLED = {
    "output_dir": "fits of the same second would write the same files",
    "show_progress": "it shows its own progress, with progress=",
    "show_console": "chains of several fits would speak at once",
}


@dataclass(frozen=True)
class _Summed:
    """What is kept of every fit, wherever the fit itself is."""

    table: ParameterTable
    problems: tuple[str, ...]

    def as_dict(self) -> dict[str, Any]:
        return {**self.table.as_dict(), "problems": list(self.problems)}

    @classmethod
    def from_dict(cls, plain: Mapping[str, Any]) -> "_Summed":
        return cls(ParameterTable.from_dict(plain), tuple(plain["problems"]))


@dataclass(frozen=True)
class _Task:
    sampling: SamplingTask
    origin: np.ndarray
    model: bytes | None
    """The model with its rows, pickled, where the worker is to write the file."""
    identity: str


@dataclass(frozen=True)
class _Done:
    draws: Draws
    diagnosis: Diagnosis
    summed: _Summed
    file: bytes | None


_at_work: "WeakSet[ManyFits]" = WeakSet()


class ManyFits:
    """Fits of many models by name; made by `fit_many`.

    Work goes on while you iterate, which gives each fit as it finishes; whatever else you ask for is answered when all
    models are done.

    Parameters
    ----------
    outcomes : generator
        Gives for each model, in the order in which they finish, its name and its fit (None where it is in the folder
        since earlier) with its summary, or its error.
    folder : FitFolder or None
        Where the fits are; None keeps them in memory.
    total : int or None
        Number of models, if it is known.
    progress : bool
        Whether to show a bar.
    """

    def __init__(
        self,
        outcomes: "Generator[tuple[str, Fit | None, _Summed | Exception]]",
        *,
        folder: FitFolder | None,
        total: int | None,
        progress: bool,
    ) -> None:
        self._outcomes = outcomes
        _at_work.add(self)
        self._folder = folder
        self._total = total
        self._progress = progress
        self._bar: tqdm[Any] | None = None
        self._summed: dict[str, _Summed] = {}
        self._fits: dict[str, Fit] = {}
        self._failures: dict[str, Exception] = {}
        self._finished: list[str] = []
        self._state = "not started"

    def __iter__(self) -> Iterator[tuple[str, Fit]]:
        """Give name and fit of each model that could be fitted: those that are done, then the others as they finish."""
        place = 0
        while True:
            while place < len(self._finished):
                name = self._finished[place]
                place += 1
                yield name, self._fit(name)
            fresh = self._advance()
            if fresh is None:
                return
            name, fit = fresh
            if fit is not None:  # not kept where there is a folder, so it is given now or never without loading it
                place += 1
                yield name, fit

    def collect(self) -> "ManyFits":
        """Fit all models.

        Returns
        -------
        ManyFits
            This one.

        Warns
        -----
        SamplingWarning
            One for all: which models failed, and which fits cannot be trusted.
        """
        while self._advance() is not None:
            pass
        return self

    def __getitem__(self, name: object) -> Fit:
        """Give the fit of a model.

        Raises
        ------
        StanhierError
            If there is no model of that name, or it could not be fitted.
        """
        self.collect()
        text = str(name)
        if text in self._failures:
            raise StanhierError(f"There is no fit of {text!r}: {self._failures[text]}") from self._failures[text]
        if text not in self._summed:
            raise StanhierError(f"There is no fit of {text!r}; there are {_listed(self._finished)}.")
        return self._fit(text)

    def __contains__(self, name: object) -> bool:
        return str(name) in self.collect()._summed

    def __len__(self) -> int:
        return len(self.collect()._summed)

    @property
    def names(self) -> list[str]:
        """Names of the models that could be fitted, in the order in which they finished."""
        return list(self.collect()._finished)

    @property
    def failures(self) -> dict[str, Exception]:
        """What went wrong, by the names of the models that could not be fitted."""
        return dict(self.collect()._failures)

    @property
    def problems(self) -> dict[str, tuple[str, ...]]:
        """What `Fit.diagnose` says of the fits that cannot be trusted, by name."""
        return {name: one.problems for name, one in self.collect()._summed.items() if one.problems}

    def summary(self) -> pd.DataFrame:
        """Summarise all fits in one table.

        Returns
        -------
        pandas.DataFrame
            One row for each fit and parameter but the effects of groups: mean, sd, lower and upper end of the central
            90 % interval, median, R-hat, bulk and tail effective sample size.

        References
        ----------
        Vehtari et al. (2021), doi:10.1214/20-BA1221.
        """
        return ParameterTable.together({name: one.table for name, one in self.collect()._summed.items()})

    def _fit(self, name: str) -> Fit:
        if self._folder is None:
            return self._fits[name]
        return self._folder.load(name)

    def _advance(self) -> tuple[str, Fit | None] | None:
        """Wait for the next model; give its name and, if it is new, its fit. None when there are no more."""
        if self._state in ("complete", "stopped"):
            return None
        if self._state == "not started" and self._progress:
            self._bar = _progress_bar(self._total)
        self._state = "under way"
        try:
            name, fit, outcome = next(self._outcomes)
        except StopIteration:
            self._end("complete")
            self._warn()
            return None
        except BaseException:
            self._end("stopped")
            raise
        if isinstance(outcome, Exception):
            self._failures[name] = outcome
            _log.info("%r could not be fitted: %s", name, outcome)
        else:
            self._summed[name] = outcome
            self._finished.append(name)
            if fit is not None and self._folder is None:
                self._fits[name] = fit
        if self._bar is not None:
            self._bar.update()
            if self._failures:
                self._bar.set_postfix_str(f"{len(self._failures)} failed", refresh=False)
        return name, fit

    def stop(self) -> None:
        """End what is under way; what has finished remains."""
        self._outcomes.close()
        self._end("stopped" if self._state == "under way" else self._state)

    def _end(self, state: str) -> None:
        self._state = state
        if self._bar is not None:
            self._bar.close()

    def _warn(self) -> None:
        said = []
        if self._failures:
            name, error = next(iter(self._failures.items()))
            said.append(
                f"{len(self._failures)} of {len(self._failures) + len(self._summed)} models could not be fitted: "
                f"{_listed(self._failures)}; see `.failures`. Of {name!r}: {error}"
            )
        doubtful = {name: one.problems for name, one in self._summed.items() if one.problems}
        if doubtful:
            name, problems = next(iter(doubtful.items()))
            said.append(
                f"The draws of {len(doubtful)} of {len(self._summed)} fits cannot be trusted: {_listed(doubtful)}; see "
                f"`.problems`. Of {name!r}: {problems[0]}"
            )
        if said:
            warnings.warn("\n".join(said), SamplingWarning, stacklevel=4)

    def __repr__(self) -> str:
        known = "" if self._total is None else f" of {self._total:,}"
        said = [f"ManyFits, {self._state}: {len(self._summed):,}{known} fitted"]
        doubtful = [name for name, one in self._summed.items() if one.problems]
        if doubtful:
            said.append(f"  {len(doubtful):,} not to be trusted: {_listed(doubtful)}")
        if self._failures:
            said.append(f"  {len(self._failures):,} failed: {_listed(self._failures)}")
        if self._folder is not None:
            said.append(f"  in {self._folder.path}")
        return "\n".join(said)

    def __del__(self) -> None:
        if getattr(self, "_state", None) == "not started":
            warnings.warn(
                "fit_many() has fitted nothing, since nothing was asked of it: iterate over what it returns, or call "
                "its collect().",
                SamplingWarning,
                stacklevel=2,
            )


def fit_many(
    models: Mapping[Any, Model] | Iterable[tuple[Any, Model]],
    *,
    executor: Executor | None = None,
    folder: str | PathLike[str] | None = None,
    progress: bool | None = None,
    **sample_keywords: Any,
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
    check_keywords("fit_many", given, theirs="sample", hidden={*NOT_FOR_USERS, *_SETTLED})
    seed = sample_keywords.pop("seed", None)
    if isinstance(seed, list | tuple):
        raise StanhierError(f"fit_many(seed={seed!r}): give one number; every model gets seeds of its own from it.")
    kept = None if folder is None else FitFolder(folder)
    crew = crew_of(executor, own=OwnProcesses)
    outcomes = _outcomes(pairs, crew, kept, sample_keywords, seed)
    total = len(models) if isinstance(models, Sized) else None
    return ManyFits(
        outcomes, folder=kept, total=total, progress=somebody_is_looking() if progress is None else progress
    )


def _outcomes(
    pairs: Iterable[tuple[Any, Model]],
    crew: Crew,
    folder: FitFolder | None,
    keywords: Mapping[str, Any],
    seed: int | None,
) -> Generator[tuple[str, Fit | None, _Summed | Exception]]:
    root = secrets.randbits(64) if seed is None else seed

    def tasks() -> Iterator[tuple[tuple[str, Model, _Summed | None], _Task | None]]:
        for name, model in _checked(pairs):
            identity, rows = "", None
            if folder is not None:
                identity = identity_of(model, {**keywords, "seed": seed})
                note = folder.note(name, identity)
                if note is not None:
                    yield (name, model, _Summed.from_dict(note)), None
                    continue
                rows = _pickled(model)
            _compile_once(model.program)
            sampling = SamplingTask.of(model, {**keywords, "seed": _seed_of(root, name)})
            yield (name, model, None), _Task(sampling, model.compressed.origin, rows, identity)

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
    names, known = task.sampling.names, task.sampling.sigma is not None
    table = ParameterTable.of(draws, diagnosis, names, task.origin, known=known)
    done = _Done(draws, diagnosis, _Summed(table, diagnosis.problems), None)
    if task.model is None:
        return done
    try:
        model = pickle.loads(task.model)  # noqa: S301  from the process that asked for this
    except (AttributeError, ImportError):
        return done  # something in it is of a module that only the caller has
    file = file_of(Fit(model, draws, diagnosis=diagnosis), {"identity": task.identity, **done.summed.as_dict()})
    return replace(done, file=file)


def _checked(pairs: Iterable[tuple[Any, Model]]) -> Iterator[tuple[str, Model]]:
    seen = set()
    for pair in pairs:
        if not isinstance(pair, tuple) or len(pair) != 2:
            raise StanhierError(f"fit_many() takes pairs of name and model, not {pair!r}.")
        name, model = str(pair[0]), pair[1]
        if not isinstance(model, Model):
            raise StanhierError(f"fit_many(): {name!r} must be a model, not {type(model).__name__}.")
        if name in seen:
            raise StanhierError(f"fit_many(): two models are called {name!r}; give each a name of its own.")
        seen.add(name)
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
    if not model.design.in_memory or model.design.n_rows > MAX_ROWS:
        return None
    try:
        return pickle.dumps(model)
    except (pickle.PicklingError, AttributeError, TypeError):
        return None


def _listed(names: Iterable[str]) -> str:
    every = [repr(name) for name in names]
    return ", ".join(every[:LISTED]) + (f" and {len(every) - LISTED:,} more" if len(every) > LISTED else "")


def _progress_bar(total: int | None) -> "tqdm[Any]":
    with warnings.catch_warnings():
        # Without ipywidgets a notebook's bar is text, which does as well.
        warnings.filterwarnings("ignore", message="IProgress not found")
        from tqdm.auto import tqdm
    return tqdm(total=total, unit="fit", desc="stanhier")


@before_exit
def _stop_all() -> None:
    for fits in list(_at_work):
        fits.stop()
