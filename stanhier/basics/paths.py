"""Paths that users give: what can be one, and what is there."""

import os
import stat
from pathlib import Path
from typing import Any

from stanhier.basics.errors import StanhierError
from stanhier.basics.words import quoted

__all__ = ["checked_path", "what_is_there"]

_KINDS = {
    stat.S_IFDIR: "a folder",
    stat.S_IFIFO: "a named pipe",
    stat.S_IFSOCK: "a socket",
    stat.S_IFCHR: "a device",
    stat.S_IFBLK: "a device",
}


def checked_path(path: Any, needs: str) -> Path:
    """Give a path as one.

    Parameters
    ----------
    path : path
    needs : str
        Who needs the path of what, as the beginning of a sentence.

    Raises
    ------
    StanhierError
        If it is not a text or a `Path`, is empty, or has signs that no path has.
    """
    # Not by Path(path) alone, which takes an empty text for the folder one is in.
    text = os.fspath(path) if isinstance(path, os.PathLike) else path
    if not isinstance(text, str):
        raise StanhierError(f"{needs}, not {type(path).__name__} ({quoted(path, 60)}).")
    if not text:
        raise StanhierError(f"{needs}, not an empty text.")
    try:
        encoded = os.fsencode(text)
    except UnicodeEncodeError:
        encoded = b"\0"
    if b"\0" in encoded:
        raise StanhierError(f"{needs}, which {quoted(text, 60)} is not: it has a sign in it that no path has.")
    return Path(text)


def what_is_there(path: Path) -> str:
    """Say what is at a path, or where the link leads that is there, without opening it.

    Returns
    -------
    str
        "a file", "a folder", "a named pipe" and the like.

    Raises
    ------
    OSError
        If there is nothing, or it cannot be looked at.
    """
    mode = path.stat().st_mode
    return "a file" if stat.S_ISREG(mode) else _KINDS.get(stat.S_IFMT(mode), "no file")
