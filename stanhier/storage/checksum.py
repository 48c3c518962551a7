"""A checksum behind the last byte of a file of a fit, so that damage is found before HDF5 sees it.

HDF5 looks at little of what it follows: at some damaged files it never ends. What stands behind the end of an HDF5 file
it leaves alone, and it cuts that off when it opens the file for writing: a file that another program has changed has no
checksum, like those of earlier versions, and is read without.
"""

import hashlib
import os
from pathlib import Path

__all__ = ["check", "checksum"]

_MARK = b"stanhier.sha256:"
_LENGTH = 2 * len(_MARK) + hashlib.sha256().digest_size
_AT_ONCE = 2**20


def checksum(contents: bytes | memoryview) -> bytes:
    """Give what belongs behind the contents of a file: their SHA-256 between two marks, of which damage may leave one.

    Parameters
    ----------
    contents : bytes
        All of them.
    """
    return _MARK + hashlib.sha256(contents).digest() + _MARK


def check(path: Path) -> None:
    """Refuse a file that is not what its checksum was made of; one without a checksum is not looked at.

    Parameters
    ----------
    path : Path
        Of a regular file.

    Raises
    ------
    ValueError
        If it is damaged.
    OSError
        If it cannot be read.
    """
    with path.open("rb") as file:
        size = file.seek(0, os.SEEK_END)
        rest = max(size - _LENGTH, 0)
        file.seek(rest)
        end = file.read(_LENGTH)
        if _MARK not in end:
            return
        digest = hashlib.sha256()
        file.seek(0)
        while rest > 0 and (block := file.read(min(_AT_ONCE, rest))):
            digest.update(block)
            rest -= len(block)
    if end != _MARK + digest.digest() + _MARK:
        raise ValueError("its checksum is not that of its contents")
