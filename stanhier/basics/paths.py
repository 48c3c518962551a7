"""Paths that users give: what can be one, and what is there."""

import os
import stat
from collections.abc import Collection
from pathlib import Path
from typing import Any

from stanhier.basics.errors import StanhierError
from stanhier.basics.words import quoted

__all__ = ["checked_path", "refuse_other_formats", "what_is_there"]

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


def refuse_other_formats(path: Path, others: Collection[str], *, method: str, kind: str, suffix: str) -> None:
    """Refuse a path that says by its end that the file will be of another format.

    Parameters
    ----------
    path : Path
    others : collection of str
        Ends of other formats, in small letters, such as ".pdf"; any end that is not among them is taken.
    method : str
        What writes the file.
    kind, suffix : str
        What it writes, and how such files end.

    Raises
    ------
    StanhierError
    """
    if path.suffix.lower() in others:
        raise StanhierError(
            f"{method}({quoted(path.name, 60)}): it writes {kind} files, not {path.suffix[1:]}; name it "
            f"{quoted(path.with_suffix(suffix).name, 60)}."
        )


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
