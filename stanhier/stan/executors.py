"""What concurrent.futures keeps to itself: this file alone looks at it, and does without where it is different."""

import atexit
import multiprocessing
import threading
from collections.abc import Callable
from concurrent.futures import Executor
from multiprocessing.context import SpawnContext, SpawnProcess
from typing import Any

__all__ = ["RecordingContext", "before_exit", "n_workers"]


class RecordingContext:
    """A context of multiprocessing that starts fresh interpreters and remembers them, for executors that do not tell.

    Attributes
    ----------
    processes : list of multiprocessing.Process
        All that were started, alive or not.
    """

    def __init__(self) -> None:
        self._context: SpawnContext = multiprocessing.get_context("spawn")
        self.processes: list[SpawnProcess] = []

    def Process(self, *args: Any, **kwargs: Any) -> SpawnProcess:  # noqa: N802  the name that contexts have for it
        """Make a process."""
        process = self._context.Process(*args, **kwargs)
        self.processes.append(process)
        return process

    def __getattr__(self, name: str) -> Any:
        return getattr(self._context, name)


def n_workers(executor: Executor) -> int | None:
    """Tell how many tasks an executor runs at a time; None where it does not say, as a cluster's."""
    workers = getattr(executor, "_max_workers", None)  # of the standard library's executors, and of those like them
    return workers if type(workers) is int and workers > 0 else None


def before_exit(function: Callable[[], None]) -> Callable[[], None]:
    """Have a function called when Python ends, before it waits for the tasks of all executors.

    Where Python has no such place any more, it is called after that.
    """
    # What executors themselves are registered with; what atexit has is called after they have been waited for.
    register = getattr(threading, "_register_atexit", None)
    try:
        (register if callable(register) else atexit.register)(function)
    except (TypeError, RuntimeError):  # it takes something else, or Python is ending already
        atexit.register(function)
    return function
