"""A folder for the files of one run of Stan, which never outlives the process that made it by much."""

import shutil
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any

from stanhier.basics.ending import ends_chains_if_killed
from stanhier.basics.errors import SamplingError
from stanhier.basics.locks import file_lock, is_private

__all__ = ["MAKE_ROOM", "run_folder"]

MAKE_ROOM = "make room there, or name another disk with TMPDIR in the environment, or with output_dir= of sample()"
_PREFIX = "stanhier-run-"
_LOCK = "in-use.lock"
_NEW_SECONDS = 60.0


@contextmanager
def run_folder(data: Mapping[str, Any]) -> Iterator[tuple[Path, Path]]:
    """Make a folder with the data of a program in it, and remove it with everything that has come into it.

    A process that is killed cannot remove its folder; the next one that runs Stan does.

    Parameters
    ----------
    data : mapping
        By the names in the program's data block.

    Yields
    ------
    tuple of Path
        The folder, and the file of the data.

    Raises
    ------
    SamplingError
        If the folder or the file cannot be written.
    """
    from cmdstanpy import write_stan_json

    _remove_abandoned(tempfile.gettempdir())
    try:
        made = tempfile.TemporaryDirectory(prefix=_PREFIX, ignore_cleanup_errors=True)
    except OSError as err:
        raise SamplingError(f"Stan's files need a folder in {tempfile.gettempdir()}: {err}; {MAKE_ROOM}.") from err
    with made as name:
        folder = Path(name)
        lock = file_lock(folder / _LOCK)
        data_file = folder / "data.json"
        try:
            lock.acquire()
            write_stan_json(str(data_file), dict(data))
        except OSError as err:
            lock.release()
            raise SamplingError(f"The data for Stan cannot be written to {data_file}: {err}; {MAKE_ROOM}.") from err
        try:
            with ends_chains_if_killed(folder):
                yield folder, data_file
        finally:
            lock.release()


@cache
def _remove_abandoned(parent: str) -> None:
    """Remove the folders of processes that are gone: the system has released the locks that these held.

    What others have put where everybody may is left alone, above all what only looks like a folder of ours.
    """
    from filelock import Timeout

    for folder in Path(parent).glob(f"{_PREFIX}*"):
        try:
            # A new one may not have been locked yet.
            is_new = time.time() - folder.lstat().st_mtime < _NEW_SECONDS
            if not is_private(folder) or is_new or not (folder / _LOCK).is_file():
                continue
            with file_lock(folder / _LOCK).acquire(timeout=0):
                shutil.rmtree(folder, ignore_errors=True)
        except (OSError, Timeout):
            continue  # in use, or removed by another process in the meantime
