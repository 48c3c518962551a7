"""Where tasks run: processes or threads of our own, or an executor that the caller has brought."""

import logging
import os
import signal
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import BrokenExecutor, Executor, Future, ProcessPoolExecutor, ThreadPoolExecutor
from contextlib import contextmanager, suppress
from multiprocessing.context import BaseContext, SpawnProcess
from types import ModuleType
from typing import Any, Self, cast

from stanhier.basics.ending import end_children, end_with_parent
from stanhier.basics.errors import StanhierError
from stanhier.basics.threads import keep_to_one_thread, n_threads
from stanhier.basics.words import quoted
from stanhier.stan.executors import RecordingContext, n_workers
from stanhier.stan.interrupt import end_chains
from stanhier.stan.program_place import program_folders

__all__ = ["Crew", "OwnProcesses", "OwnThreads", "crew_of"]

_log = logging.getLogger(__name__)

AHEAD = 2
"""Tasks under way for each worker: one that runs, one that waits, so that no worker does."""
ROOM_ELSEWHERE = 256
"""Tasks under way on an executor that does not tell its size, such as a cluster's."""
_THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")
"""What tells the libraries under numpy and scipy how many threads to start."""


class Crew:
    """An executor that is not ours to end.

    Parameters
    ----------
    executor : concurrent.futures.Executor
    room : int
        Number of tasks that are under way at the same time, at most.
    """

    def __init__(self, executor: Executor, room: int) -> None:
        self._executor = executor
        self.room = room

    def submit[T, R](self, function: Callable[[T], R], task: T) -> "Future[R]":
        """Hand over a task; what is wrong with the executor itself becomes the task's exception."""
        try:
            return self._executor.submit(function, task)
        except BrokenExecutor as err:
            failed: Future[R] = Future()
            failed.set_exception(err)
            return failed
        except RuntimeError as err:
            raise StanhierError(f"The executor {quoted(self._executor)} takes no tasks: {err}.") from err

    def renewed(self) -> "Crew":
        """Give the crew that takes the place of this one, whose executor is broken for good."""
        _log.warning("The executor %r is broken: going on with worker processes of our own.", self._executor)
        return OwnProcesses()

    def finish(self) -> None:
        """End when every task is done."""

    def abandon(self, *, interrupted: bool) -> None:
        """Start nothing more, and when interrupted end the chains of tasks that run in threads of this process."""
        if interrupted:
            end_chains(*program_folders())


class OwnThreads(Crew):
    """Threads, one for each processor: nothing to start, but whatever is not Stan takes turns in this process."""

    def __init__(self) -> None:
        workers = n_threads()
        super().__init__(ThreadPoolExecutor(workers), AHEAD * workers)

    def finish(self) -> None:
        """Wait for the threads."""
        self._executor.shutdown()

    def abandon(self, *, interrupted: bool) -> None:
        """Start nothing more, and when interrupted end the chains that run."""
        self._executor.shutdown(wait=False, cancel_futures=True)
        super().abandon(interrupted=interrupted)


class OwnProcesses(Crew):
    """Processes, one for each processor; each takes about a second to start.

    Parameters
    ----------
    workers : int, optional
        Number of processes.
    """

    def __init__(self, workers: int | None = None) -> None:
        self._workers = n_threads() if workers is None else workers
        self._context = RecordingContext()
        pool = ProcessPoolExecutor(
            self._workers, mp_context=cast("BaseContext", self._context), initializer=_start_worker
        )
        super().__init__(pool, AHEAD * self._workers)

    def submit[T, R](self, function: Callable[[T], R], task: T) -> "Future[R]":
        """Hand over a task; this is where processes are started."""
        with _without_main():
            return super().submit(function, task)

    def renewed(self) -> Self:
        """Give as many new processes."""
        self.abandon(interrupted=True)
        return type(self)(self._workers)

    def finish(self) -> None:
        """Wait for the processes."""
        self._executor.shutdown()

    def abandon(self, *, interrupted: bool) -> None:  # noqa: ARG002  there is one way to end a process
        """Kill the processes and what they have started."""
        import psutil

        for worker in filter(SpawnProcess.is_alive, self._context.processes):
            with suppress(psutil.Error):  # it has ended by itself
                started = psutil.Process(worker.pid).children(recursive=True)
                worker.kill()
                for process in started:
                    process.kill()
        self._executor.shutdown(cancel_futures=True)


def crew_of(executor: Executor | None, *, own: Callable[[], Crew]) -> Crew:
    """Give the crew behind an argument `executor`.

    Parameters
    ----------
    executor : concurrent.futures.Executor or None
        What the user has given.
    own : callable
        Makes the crew where there is none.

    Raises
    ------
    StanhierError
        If it is something else.
    """
    if executor is None:
        return own()
    if not isinstance(executor, Executor):
        hint = "; of a Dask client give client.get_executor()" if hasattr(executor, "get_executor") else ""
        raise StanhierError(f"`executor` must be a concurrent.futures.Executor, not {type(executor).__name__}{hint}.")
    workers = n_workers(executor)
    return Crew(executor, ROOM_ELSEWHERE if workers is None else AHEAD * workers)


@contextmanager
def _without_main() -> Iterator[None]:
    """Keep processes that start now from importing the caller's script.

    They need nothing of it, and a script that calls us without `if __name__ == "__main__"` would start them over and
    over.
    """
    main = sys.modules["__main__"]
    sys.modules["__main__"] = ModuleType("__main__")
    try:
        yield
    finally:
        sys.modules["__main__"] = main


def _start_worker() -> None:
    """Settle a worker process before it imports anything large.

    It keeps to one processor, and ends with what it has started: when it is interrupted, and when its parent has gone.
    """
    keep_to_one_thread()
    for variable in _THREADS:
        os.environ.setdefault(variable, "1")
    for name in ("SIGINT", "SIGTERM", "SIGHUP"):
        if hasattr(signal, name) and signal.getsignal(getattr(signal, name)) is not signal.SIG_IGN:
            signal.signal(getattr(signal, name), _leave)
    end_with_parent(_leave)


def _leave(*_: Any) -> None:
    end_children()
    os._exit(1)
