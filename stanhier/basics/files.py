"""Files that appear whole or not at all."""

import secrets
from contextlib import suppress
from pathlib import Path

__all__ = ["PART", "write_whole"]

PART = ".part"
"""How the name of a file ends that is not whole yet."""
_LONGEST_NAME = 200


def write_whole(target: Path, *contents: bytes | memoryview) -> None:
    """Write a file beside its place and rename it, so that one of that name is replaced whole or not at all.

    Parameters
    ----------
    target : Path
        A link is replaced, not what it leads to.
    *contents : bytes
        All of them, one after the other: a writer that fails half-way must do so in memory, not on a full disk.

    Raises
    ------
    OSError
        If it cannot be written; nothing of it is left.
    """
    # A name that is as long as the system allows leaves no room for more.
    begin = target.name.encode()[:_LONGEST_NAME].decode(errors="ignore")
    part = target.with_name(f".{begin}.{secrets.token_hex(6)}{PART}")
    try:
        with part.open("xb") as file:
            file.writelines(contents)
        part.replace(target)
    except BaseException:
        with suppress(OSError):  # what went wrong first is what there is to tell
            part.unlink(missing_ok=True)
        raise
