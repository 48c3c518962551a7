"""Files that appear whole or not at all."""

import os
import secrets
import stat
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import IO

from stanhier.basics.errors import StanhierError
from stanhier.basics.paths import what_is_there
from stanhier.basics.words import shortened

__all__ = ["PART", "check_place", "make_for_user", "write_for_user", "write_whole"]

PART = ".part"
"""How the name of a file ends that is not whole yet."""
_LONGEST_NAME = 200


def check_place(target: Path, *, failed: str) -> None:
    """Refuse a place at which something else than a file is, before work is done for what cannot be written there.

    Parameters
    ----------
    target : Path
    failed : str
        As for `write_for_user`.

    Raises
    ------
    StanhierError
        If there is something else, such as a folder or a device, or it cannot be looked at.
    """
    try:
        found = what_is_there(target)
    except FileNotFoundError:
        return
    except OSError as err:
        raise StanhierError(_refusal(failed, target, err)) from err
    if found != "a file":
        raise StanhierError(f"{failed} {shortened(str(target))}: {found} is there; give the path of a file.")


def write_for_user(target: Path, *contents: bytes | memoryview, failed: str) -> None:
    """Write a file where a user wants it, as `make_for_user` does.

    Parameters
    ----------
    target : Path
    *contents : bytes
        As for `write_whole`.
    failed : str
        As for `make_for_user`.

    Raises
    ------
    StanhierError
        As `make_for_user`.
    """
    make_for_user(target, lambda file: file.writelines(contents), failed=failed)


def make_for_user(target: Path, write: Callable[[IO[bytes]], None], *, failed: str) -> None:
    """Have a file written where a user wants it: as by `write_whole`, but where the link leads, if there is one.

    A file that is replaced hands on who may read and write it.

    Parameters
    ----------
    target : Path
    write : callable
        Writes into the file that it is called with; whatever it raises, nothing of the file is left.
    failed : str
        What to say if it cannot be written, as the beginning of a sentence that goes on with the path.

    Raises
    ------
    StanhierError
        If it cannot be written, or something else than a file is there, such as a folder or a device.
    """
    check_place(target, failed=failed)
    try:
        mode = stat.S_IMODE(target.stat().st_mode) & 0o777 if target.exists() else None
        place = Path(os.path.realpath(target)) if target.is_symlink() else target
        _make_whole(place, write, mode)
    except OSError as err:
        raise StanhierError(_refusal(failed, target, err)) from err


def write_whole(target: Path, *contents: bytes | memoryview, mode: int | None = None) -> None:
    """Write a file beside its place and rename it, so that one of that name is replaced whole or not at all.

    Parameters
    ----------
    target : Path
        A link is replaced, not what it leads to: in a folder that others write into, it may be none of ours.
    *contents : bytes
        All of them, one after the other: a writer that fails half-way must do so in memory, not on a full disk.
    mode : int, optional
        Permissions of the file; by default those of any new one.

    Raises
    ------
    OSError
        If it cannot be written; nothing of it is left.
    """
    _make_whole(target, lambda file: file.writelines(contents), mode)


def _make_whole(target: Path, write: Callable[[IO[bytes]], None], mode: int | None) -> None:
    # A name that is as long as the system allows leaves no room for more.
    begin = target.name.encode()[:_LONGEST_NAME].decode(errors="ignore")
    part = target.with_name(f".{begin}.{secrets.token_hex(6)}{PART}")
    try:
        with part.open("xb") as file:
            if mode is not None and mode != stat.S_IMODE(part.stat().st_mode):
                part.chmod(mode)
            write(file)
        part.replace(target)
    except BaseException:
        with suppress(OSError):  # what went wrong first is what there is to tell
            part.unlink(missing_ok=True)
        raise


def _refusal(failed: str, target: Path, err: OSError) -> str:
    # The error's own words may name a file that is hidden, and gone by now.
    return f"{failed} {shortened(str(target))}: {err.strerror or err}."
