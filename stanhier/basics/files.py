"""Files that appear whole or not at all."""

import secrets
from pathlib import Path

__all__ = ["write_whole"]


def write_whole(target: Path, contents: bytes | memoryview) -> None:
    """Write a file beside its place and rename it, so that one of that name is replaced whole or not at all.

    Parameters
    ----------
    target : Path
    contents : bytes
        All of them: a writer that fails half-way must do so in memory, not on a full disk.

    Raises
    ------
    OSError
        If it cannot be written; nothing of it is left.
    """
    part = target.with_name(f".{target.name}.{secrets.token_hex(6)}.part")
    try:
        with part.open("xb") as file:
            file.write(contents)
        part.replace(target)
    except BaseException:
        part.unlink(missing_ok=True)
        raise
