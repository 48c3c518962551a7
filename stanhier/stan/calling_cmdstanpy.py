"""cmdstanpy on our terms while it works for us: it says nothing, and reads what Stan wrote once.

By itself it asks the program for its options before each run, and reads each file of draws three times, with polars
where that is installed. polars starts threads for that, which do not survive a fork: in a forked process, such as a
worker of `multiprocessing`, the next fit would wait for them for ever. Where digits are asked for by `sig_figs` it
looks for a CmdStan, which no executable needs, and sets ``CMDSTAN`` to what it finds, as if the user had chosen that
one. What is changed here are parts that cmdstanpy keeps to itself; where a later one is without them, its own ways are
taken.
"""

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import cache, wraps
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from stanhier.stan.csv_files import read_draws, read_numbers

if TYPE_CHECKING:
    from cmdstanpy import CmdStanModel

__all__ = ["calling_cmdstanpy", "model_of"]

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


def model_of(executable: Path) -> "CmdStanModel":
    """Give cmdstanpy's model of an executable.

    Parameters
    ----------
    executable : Path

    Returns
    -------
    cmdstanpy.CmdStanModel
    """
    made: CmdStanModel = _model_class()(exe_file=executable)
    return made


@cache
def _model_class() -> Any:
    from cmdstanpy import CmdStanModel

    class Model(CmdStanModel):
        def exe_info(self) -> dict[str, str]:
            executable = Path(str(self.exe_file))
            status = executable.stat()
            return dict(_options(executable, status.st_mtime_ns, status.st_size))

    return Model


@cache
def _options(executable: Path, changed: int, size: int) -> dict[str, str]:  # noqa: ARG001  of this file, no later one
    """Ask a program for the options that it was compiled with."""
    from cmdstanpy import CmdStanModel

    return CmdStanModel(exe_file=executable).exe_info()


@cache
def _let_us_read() -> None:
    """Put our reading of files in the place of cmdstanpy's, which has no option for that."""
    from cmdstanpy import CmdStanMCMC
    from cmdstanpy.utils import stancsv

    numbers: Callable[[list[bytes]], np.ndarray] = stancsv.csv_bytes_list_to_numpy
    validate: Callable[[CmdStanMCMC], dict[str, Any]] | None = getattr(CmdStanMCMC, "_validate_csv_files", None)

    @wraps(numbers)
    def read(csv_bytes_list: list[bytes]) -> np.ndarray:
        return read_numbers(csv_bytes_list) if _for_us.get() else numbers(csv_bytes_list)

    changed: Any = stancsv
    changed.csv_bytes_list_to_numpy = read
    if validate is None:
        return

    @wraps(validate)
    def read_all(fit: Any) -> dict[str, Any]:
        if not _for_us.get():
            return validate(fit)
        warm_up = fit.num_draws_warmup if fit._save_warmup else 0
        comments, header, fit._draws = read_draws(fit.runset.csv_files, warm_up, fit.num_draws_sampling)
        config: dict[str, Any] = stancsv.construct_config_header_dict(comments, header)
        return config

    made: Any = CmdStanMCMC
    made._validate_csv_files = read_all


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
