"""What becomes of many models: each is sampled, or found in the folder, and its outcome given as it comes."""

import pickle
import secrets
from collections.abc import Generator, Iterator, Mapping
from contextlib import ExitStack, closing
from dataclasses import dataclass, replace
from functools import cache
from hashlib import sha256
from typing import Any

import numpy as np

from stanhier.basics.errors import StanhierError
from stanhier.engines.draws import Draws
from stanhier.fit import Fit
from stanhier.many.asked import AskedModels
from stanhier.many.folder import FitFolder, file_of, identity_of
from stanhier.many.summed import SummedUp
from stanhier.model import Model
from stanhier.posterior.diagnostics import Diagnosis
from stanhier.posterior.parameter_table import ParameterTable
from stanhier.posterior.sampling import SamplingTask, sample_and_diagnose
from stanhier.stan.crews import Crew
from stanhier.stan.rendered import RenderedProgram, program_of
from stanhier.stan.tasks import run_tasks

__all__ = ["MAX_ROWS", "outcomes_of"]

MAX_ROWS = 100_000
"""Rows that travel to a worker, so that it writes the file of the fit; with more of them, this process does."""


@dataclass(frozen=True)
class _Asked:
    name: str
    model: Model | None
    """None where nothing is to be sampled."""
    known: SummedUp | Exception | None
    """What is known without sampling."""
    identity: str = ""


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


def outcomes_of(
    models: AskedModels,
    crew: Crew,
    folder: FitFolder | None,
    keywords: Mapping[str, Any],
    seed: int | None,
) -> Generator[tuple[str, Fit[Model] | None, SummedUp | Exception]]:
    """Sample models, and give what comes of each in the order in which they finish.

    Parameters
    ----------
    models : AskedModels
        Asked for the next when there is room for it.
    crew : Crew
        Where they are sampled.
    folder : FitFolder or None
        Where the fits are kept, or are already.
    keywords : mapping
        As for `Model.sample`, but for the seed.
    seed : int or None
        From which, and its name, each model has its own.

    Yields
    ------
    name, and fit and summary, or an exception
        The fit is None where it is in the folder since earlier, or there is none.

    Raises
    ------
    StanhierError
        If no more models could be asked for, when all that were are done; if the folder cannot be used.
    """
    root = secrets.randbits(64) if seed is None else seed

    def tasks() -> Iterator[tuple[_Asked, _Task | None]]:
        for name, model in models:
            if isinstance(model, Exception):
                yield _Asked(name, None, model), None
                continue
            identity, rows = "", None
            if folder is not None:
                identity = identity_of(model, {**keywords, "seed": seed})
                note = folder.note(name, identity)
                if note is not None:
                    yield _Asked(name, None, SummedUp.from_dict(note)), None
                    continue
                rows = _pickled(model)
            _compile_once(model.engine.program)
            sampling = SamplingTask.of(model, {**keywords, "seed": _seed_of(root, name)})
            yield _Asked(name, model, None, identity), _Task(sampling, rows, identity)

    with ExitStack() as stack:
        if folder is not None:
            stack.enter_context(folder.alone())
        for asked, outcome in stack.enter_context(closing(run_tasks(_fit, tasks(), crew))):
            name, model = asked.name, asked.model
            if outcome is None:
                assert asked.known is not None
                yield name, None, asked.known
            elif isinstance(outcome, Exception):
                yield name, None, outcome
            else:
                assert model is not None
                fit = Fit(model, outcome.draws, diagnosis=outcome.diagnosis)
                try:
                    file = outcome.file
                    if folder is not None and file is None:
                        file = file_of(fit, {"identity": asked.identity, **outcome.summed.as_dict()})
                except StanhierError as err:
                    yield name, None, err
                    continue
                if folder is not None and file is not None:
                    folder.write(name, file)
                yield name, fit, outcome.summed
        if models.ended is not None:
            raise models.ended


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


@cache
def _compile_once(program: str | RenderedProgram) -> None:
    """Find or build CmdStan and the program here, before many workers want them at the same time."""
    program_of(program).exe()


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
