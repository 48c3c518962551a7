"""What folders take, what their disks can still take, and what files hold."""

import hashlib
import os
import shutil
from pathlib import Path

__all__ = ["fingerprint", "free_bytes", "size_on_disk"]


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


def fingerprint(file: Path) -> str:
    """Give the SHA-256 of what a file holds.

    Raises
    ------
    OSError
        If it cannot be read.
    """
    with file.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


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
