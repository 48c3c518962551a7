"""Locks that processes hold on files, in folders into which others may have put something in the meantime."""

import errno
import os
import stat
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from filelock import BaseFileLock

__all__ = ["file_lock", "is_private"]


def file_lock(path: Path) -> "BaseFileLock":
    """Make a lock on a file, which whoever may write into its folder may take.

    A lock opens its file for writing, which may empty it. So it must be one that is a lock and nothing else: no link to
    another file, and no second name of one. filelock itself opens without following links.

    Parameters
    ----------
    path : Path
        In a folder that exists; made when it is not there.

    Raises
    ------
    OSError
        If something else is there.
    """
    from filelock import FileLock

    try:
        found = path.lstat()
    except FileNotFoundError:
        pass
    else:
        if not stat.S_ISREG(found.st_mode) or found.st_nlink > 1:
            raise OSError(errno.ELOOP, "It is a link or no file where a lock belongs: remove it", str(path))
    return FileLock(path, mode=path.parent.stat().st_mode & 0o666)


def is_private(folder: Path) -> bool:
    """Tell whether a folder is this user's own, no link to one, and no one else may put anything into it.

    Parameters
    ----------
    folder : Path

    Raises
    ------
    OSError
        If it cannot be looked at.
    """
    found = folder.lstat()
    if not stat.S_ISDIR(found.st_mode):
        return False
    return not hasattr(os, "getuid") or (found.st_uid == os.getuid() and not found.st_mode & 0o022)
