"""The folder in which stanhier keeps what it builds, and the rules by which several processes share it.

Nothing in it is ever half-written: whatever is made, is made in a staging folder beside its place, under a lock, and
renamed into place when it is complete. The lock is the operating system's, so it ends with the process that holds it.
"""

import errno
import logging
import os
import secrets
import shutil
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from stanhier.basics.ending import signals_as_exit
from stanhier.basics.errors import CmdStanError
from stanhier.basics.locks import file_lock

__all__ = [
    "cache_dir",
    "clear_errors",
    "exclusive",
    "free_bytes",
    "make_folder",
    "publish",
    "reading",
    "remove",
    "share",
    "size_on_disk",
    "staging",
]

_log = logging.getLogger(__name__)

_FULL = {errno.ENOSPC, errno.EDQUOT}
_FORBIDDEN = {errno.EACCES, errno.EPERM, errno.EROFS}


def cache_dir() -> Path:
    """Name the folder of the cache, whether it exists or not.

    Returns
    -------
    Path
        The environment variable ``STANHIER_CACHE`` where it is set, else the system's folder for caches of this user.
    """
    chosen = os.environ.get("STANHIER_CACHE", "")
    if chosen:
        return Path(os.path.abspath(os.path.expanduser(chosen)))  # noqa: PTH100, PTH111 (called often, and Path is slower)
    from platformdirs import user_cache_dir

    return Path(user_cache_dir("stanhier", appauthor=False))


@contextmanager
def clear_errors(place: Path) -> Iterator[None]:
    """Turn what the operating system says about a full or forbidden disk into a sentence that says what to do.

    Parameters
    ----------
    place : Path
        The folder that is written to.

    Raises
    ------
    CmdStanError
        When the block raises an ``OSError``.
    """
    try:
        yield
    except OSError as err:
        raise CmdStanError(_explain(err, place)) from err


@contextmanager
def exclusive(name: str) -> Iterator[None]:
    """Let one process at a time do the work of this name; the others wait.

    Parameters
    ----------
    name : str
        What is made. Staging folders of the same name that a killed process left behind are removed.

    Raises
    ------
    CmdStanError
        When the cache cannot be written.
    """
    from filelock import Timeout

    root = cache_dir()
    with clear_errors(root):
        make_folder(root / "locks")
        lock = file_lock(root / "locks" / f"{name}.lock")
        try:
            lock.acquire(timeout=0)
        except Timeout:
            _log.warning("Another process is making %s in %s: waiting for it.", name, root)
            lock.acquire(poll_interval=0.2)
    try:
        for left in (root / "staging").glob(f"{name}.*"):
            _log.info("Removing %s, which an interrupted run left behind.", left)
            shutil.rmtree(left, ignore_errors=True)
        with signals_as_exit():
            yield
    finally:
        lock.release()


@contextmanager
def staging(name: str) -> Iterator[Path]:
    """Give an empty folder on the cache's disk to work in, and remove it afterwards.

    Parameters
    ----------
    name : str
        What is made in it, the name under which the caller holds the lock.

    Yields
    ------
    Path
        The folder.

    Raises
    ------
    CmdStanError
        When the cache cannot be written.
    """
    folder = cache_dir() / "staging" / f"{name}.{os.getpid()}-{secrets.token_hex(3)}"
    with clear_errors(folder.parent):
        make_folder(folder.parent)
        folder.mkdir()
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def make_folder(folder: Path) -> None:
    """Make a folder of the cache, for the same users as the cache itself, whatever the umask.

    Parameters
    ----------
    folder : Path
        The cache, or a folder directly in it.

    Raises
    ------
    OSError
        When it cannot be made.
    """
    root = cache_dir()
    root.mkdir(parents=True, exist_ok=True)
    if folder != root and not folder.is_dir():
        folder.mkdir(exist_ok=True)
        folder.chmod(stat.S_IMODE(root.stat().st_mode))


def share(file: Path) -> None:
    """Let those who may look into the cache read a file, and run it if it can be run, whatever the umask.

    Parameters
    ----------
    file : Path
        A file or a folder on its way into the cache.

    Raises
    ------
    OSError
        When it is not this user's.
    """
    readers = stat.S_IMODE(cache_dir().stat().st_mode) & 0o055
    mode = stat.S_IMODE(file.stat().st_mode)
    wanted = mode | (readers if mode & stat.S_IXUSR else readers & 0o044)
    if wanted != mode:
        file.chmod(wanted)


def publish(made: Path, place: Path) -> None:
    """Move a complete folder from staging to its place, instead of what was there.

    Parameters
    ----------
    made : Path
        The folder inside the staging folder.
    place : Path
        Where it belongs, on the same disk.

    Raises
    ------
    CmdStanError
        When the cache cannot be written.
    """
    with clear_errors(place.parent):
        make_folder(place.parent)
        _share(made)
        if place.exists():  # broken, or replaced on purpose: it goes with the staging folder
            place.rename(made.with_name(f"{made.name}.replaced"))
        made.rename(place)


@contextmanager
def reading() -> Iterator[None]:
    """Turn what the operating system says about something that this user may not read into what to do; a decorator too.

    Raises
    ------
    CmdStanError
        When the block raises a ``PermissionError``.
    """
    try:
        yield
    except PermissionError as err:
        root = cache_dir()
        raise CmdStanError(
            f"The cache cannot be read: {err.strerror} ({err.filename or root}), as user {_user()}. Ask its owner to "
            f"make it readable, for example with `chmod -R go+rX {root}`, or set STANHIER_CACHE to a folder of your "
            "own and try again."
        ) from err


def _share(made: Path) -> None:
    for path in (made, *made.rglob("*")):
        if not path.is_symlink():
            share(path)


def remove(folder: Path) -> None:
    """Remove a folder of the cache at once: another process sees all of it or nothing.

    Parameters
    ----------
    folder : Path
        A home, a program, or what was left in staging.

    Raises
    ------
    CmdStanError
        When the cache cannot be written.
    """
    if folder.parent.name == "staging":
        with clear_errors(folder):
            if folder.exists():  # else it went with a home of its name
                shutil.rmtree(folder)
        return
    with exclusive(folder.name), staging(folder.name) as work, clear_errors(folder):
        if folder.exists():  # else another process was faster
            folder.rename(work / "removed")


def size_on_disk(folder: Path) -> int:
    """Add up what a folder takes on the disk.

    Parameters
    ----------
    folder : Path
        The folder; one that does not exist takes nothing.

    Returns
    -------
    int
        Bytes, in whole blocks as the disk hands them out.
    """
    total = 0
    for where, _, files in os.walk(folder):
        for file in files:
            status = os.lstat(os.path.join(where, file))  # noqa: PTH118 (20 000 files)
            total += status.st_blocks * 512 if hasattr(status, "st_blocks") else status.st_size
    return total


def free_bytes(folder: Path) -> int:
    """Say how much a disk can still take.

    Parameters
    ----------
    folder : Path
        A folder on the disk; it need not exist yet.

    Returns
    -------
    int
        Bytes that this user may still write.
    """
    while not folder.exists():
        folder = folder.parent
    return shutil.disk_usage(folder).free


def _explain(err: OSError, place: Path) -> str:
    remedy = "set STANHIER_CACHE to a folder {} and try again"
    if err.errno in _FULL:
        return (
            f"The disk of the cache is full while writing to {place} ({free_bytes(place) / 1e6:.0f} MB free). "
            f"Make room, or {remedy.format('on a larger disk')}."
        )
    if err.errno in _FORBIDDEN:
        return (
            f"The cache cannot be written: {err.strerror} ({err.filename or place}), as user {_user()}. "
            f"Ask its owner to run `stanhier install` and `stanhier compile`, or {remedy.format('of your own')}."
        )
    return f"The cache at {place} cannot be used: {err}. Check that folder, or {remedy.format('of your own')}."


def _user() -> str:
    return str(os.getuid()) if hasattr(os, "getuid") else os.environ.get("USERNAME", "?")
