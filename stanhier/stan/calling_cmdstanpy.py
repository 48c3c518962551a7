"""cmdstanpy on our terms while it works for us: quiet, with numpy as its only reader, and without a look for CmdStan.

By itself it reads with polars where that is installed. polars starts threads for that, which do not survive a fork: in
a forked process, such as a worker of `multiprocessing`, the next fit would wait for them for ever. Where digits are
asked for by `sig_figs` it looks for a CmdStan, which no executable needs, and sets ``CMDSTAN`` to what it finds, as if
the user had chosen that one.
"""

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import cache, wraps
from typing import Any

import numpy as np

__all__ = ["calling_cmdstanpy"]

_for_us: ContextVar[bool] = ContextVar("_for_us", default=False)


@contextmanager
def calling_cmdstanpy() -> Iterator[None]:
    """Settle cmdstanpy for calls of ours; those of anybody else, in other threads too, go on as they were.

    A fit gives its own, single warning, a failure its own error.
    """
    from cmdstanpy.utils import get_logger

    # A filter of this call's own, not the logger's level: other calls may run at the same time in other threads.
    def nothing(record: logging.LogRecord) -> bool:  # noqa: ARG001
        return False

    _let_us_read()
    _let_us_write_digits()
    logger = get_logger()
    logger.addFilter(nothing)
    ours = _for_us.set(True)
    try:
        yield
    finally:
        _for_us.reset(ours)
        logger.removeFilter(nothing)


@cache
def _let_us_read() -> None:
    """Put our reading of numbers in the place of cmdstanpy's, which has no option for that."""
    from cmdstanpy.utils import stancsv

    theirs: Callable[[list[bytes]], np.ndarray] = stancsv.csv_bytes_list_to_numpy

    @wraps(theirs)
    def read(csv_bytes_list: list[bytes]) -> np.ndarray:
        return _numbers(csv_bytes_list) if _for_us.get() else theirs(csv_bytes_list)

    changed: Any = stancsv
    changed.csv_bytes_list_to_numpy = read


@cache
def _let_us_write_digits() -> None:
    """Answer for us whether CmdStan is too old for `sig_figs`: those that we use are all younger than 2.25."""
    from cmdstanpy import cmdstan_args

    changed: Any = cmdstan_args
    theirs: Callable[..., bool] = changed.cmdstan_version_before

    @wraps(theirs)
    def before(*version: Any, **options: Any) -> bool:
        return False if _for_us.get() else theirs(*version, **options)

    changed.cmdstan_version_before = before


def _numbers(lines: list[bytes]) -> np.ndarray:
    """Read lines of numbers with commas between them; ValueError if they are anything else."""
    if not any(line.strip() for line in lines):
        return np.empty((0, 0))
    return np.loadtxt(lines, delimiter=",", dtype=np.float64, ndmin=2, comments=None)
