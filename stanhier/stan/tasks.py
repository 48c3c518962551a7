"""Many tasks over an executor: a bounded number under way, results as they come, and no failure stops the others."""

import logging
import warnings
from collections.abc import Callable, Generator, Iterable
from concurrent.futures import FIRST_COMPLETED, BrokenExecutor, Future, wait
from contextlib import closing
from functools import partial
from typing import Any

from stanhier.basics.errors import SamplingError, StanhierError
from stanhier.stan.crews import Crew, OwnProcesses

__all__ = ["results_of", "run_tasks"]

_log = logging.getLogger(__name__)


def run_tasks[K, T, R](
    function: Callable[[T], R], tasks: Iterable[tuple[K, T | None]], crew: Crew
) -> Generator[tuple[K, R | Exception | None]]:
    """Run a function on each task, and give what comes of it in the order in which it comes.

    When the caller is interrupted, or drops this iterator, what is under way is ended.

    Parameters
    ----------
    function : callable
        Of a module, so that other processes find it.
    tasks : iterable of key and argument
        Asked for one only when there is room for it. An argument of None is given back as it is.
    crew : Crew
        Where the tasks run.

    Yields
    ------
    key, and the result, or the exception that took its place
        A task whose worker process dies is tried again alone; if it dies again, that is its exception.

    Raises
    ------
    StanhierError
        If worker processes die before they have done anything.
    """
    source = iter(tasks)
    under_way: dict[Future[R], tuple[K, T]] = {}
    proven = False  # whether any worker has ever done a task
    try:
        while True:
            while len(under_way) < crew.room and (pair := next(source, None)) is not None:
                key, task = pair
                if task is None:
                    yield key, None
                else:
                    under_way[crew.submit(partial(_plainly, function), task)] = key, task
            if not under_way:
                break
            done, _ = wait(under_way, return_when=FIRST_COMPLETED)
            if any(_is_broken(future) for future in done):
                wait(under_way)  # they all fail with it, but those that were done before
                broken = [future for future in under_way if _is_broken(future)]
                suspects = [under_way.pop(future) for future in broken]
                _log.warning("A worker process died; the %d tasks that it may have had run one by one.", len(suspects))
                crew = crew.renewed()
                for key, outcome in _one_by_one(function, suspects):
                    proven = proven or not isinstance(outcome, _DiedError)
                    yield key, outcome
                if not proven:
                    raise StanhierError(
                        "Worker processes die before they have done anything; is there memory for them? "
                        "Pass executor=concurrent.futures.ThreadPoolExecutor() to do without."
                    )
                continue
            for future in done:
                proven = True
                key, _ = under_way.pop(future)
                result: R | Exception = _outcome(future)
                yield key, result
    except BaseException as err:
        for future in under_way:
            future.cancel()
        crew.abandon(interrupted=isinstance(err, KeyboardInterrupt | SystemExit))
        raise
    crew.finish()


def results_of[K, T, R](function: Callable[[T], R], tasks: Iterable[tuple[K, T]], crew: Crew) -> Generator[tuple[K, R]]:
    """Run a function on each task, as `run_tasks` does, but raise the first failure and end the rest with it.

    Raises
    ------
    StanhierError
        What a task raises.
    """
    # Tasks in threads change the filters of warnings for all threads, and may leave them changed.
    with warnings.catch_warnings(), closing(run_tasks(function, tasks, crew)) as outcomes:
        for key, outcome in outcomes:
            if isinstance(outcome, Exception):
                raise outcome
            assert outcome is not None
            yield key, outcome


def _plainly[T, R](function: Callable[[T], R], task: T) -> R:
    """Run a task; of errors that are not ours only words travel, since not every exception can."""
    try:
        return function(task)
    except StanhierError:
        raise
    except Exception as err:
        raise SamplingError(f"{type(err).__name__}: {err}") from err


class _DiedError(SamplingError):
    """A task took its worker process with it, alone."""


def _one_by_one[K, T, R](function: Callable[[T], R], suspects: list[tuple[K, T]]) -> Generator[tuple[K, R | Exception]]:
    """Tell the task that ends its worker from those that were under way beside it."""
    alone = OwnProcesses(1)
    try:
        for key, task in suspects:
            future = alone.submit(partial(_plainly, function), task)
            outcome = _outcome(future)
            if isinstance(outcome, BrokenExecutor):
                alone = alone.renewed()
                outcome = _DiedError(
                    "The worker process died, tried alone too: it was killed (out of memory?), or it crashed."
                )
            yield key, outcome
    except BaseException:
        alone.abandon(interrupted=True)
        raise
    alone.finish()


def _is_broken(future: Future[Any]) -> bool:
    return not future.cancelled() and isinstance(future.exception(), BrokenExecutor)


def _outcome[R](future: Future[R]) -> R | Exception:
    if future.cancelled():
        return SamplingError("The executor cancelled the task; was it, or its cluster, closed?")
    error = future.exception()
    if error is None:
        return future.result()
    if isinstance(error, Exception):
        return error
    return SamplingError(f"The task was stopped: {type(error).__name__}: {error}")
