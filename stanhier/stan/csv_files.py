"""What Stan's sampler writes: a table of draws among comments, one file for each chain."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

__all__ = ["read_draws", "read_numbers"]


def read_draws(files: Sequence[str | Path], warm_up: int, sampling: int) -> tuple[list[bytes], str, np.ndarray]:
    """Read the draws of chains, each file once.

    Parameters
    ----------
    files : sequence of path
        One for each chain.
    warm_up, sampling : int
        Draws that each has before its adaptation ended and after it.

    Returns
    -------
    comments : list of bytes
        Those of the first file.
    header : str
        Its names of columns.
    draws : numpy.ndarray, shape (warm_up + sampling, chains, columns)
        In Fortran's order.

    Raises
    ------
    ValueError
        If a file is not complete, or damaged.
    OSError
        If one cannot be read.
    """
    tables = [_Table(file, warm_up, sampling) for file in files]
    first = tables[0]
    if any(table.header != first.header for table in tables):
        raise ValueError(f"The columns differ between {', '.join(map(str, files))}.")
    draws = np.empty((warm_up + sampling, len(tables), first.header.count(b",") + 1), order="F")
    for chain, table in enumerate(tables):
        if len(draws):
            draws[:, chain] = read_numbers(table.rows)
    return first.comments, first.header.decode(), draws


def read_numbers(lines: Sequence[bytes]) -> np.ndarray:
    """Read lines of numbers with commas between them; ValueError if they are anything else."""
    if not any(line.strip() for line in lines):
        return np.empty((0, 0))
    return np.loadtxt(lines, delimiter=",", dtype=np.float64, ndmin=2, comments=None)


class _Table:
    """The lines of a file, which has all that Stan writes, to the time at the end."""

    def __init__(self, file: str | Path, warm_up: int, sampling: int) -> None:
        lines = Path(file).read_bytes().split(b"\n")
        whole = lines.pop() == b""
        places = [place for place, line in enumerate(lines) if line.startswith(b"#")]
        self.comments = [lines[place] for place in places]
        plain = [line for line in lines if not line.startswith(b"#")]
        self.header = plain[0].strip() if plain else b""
        self.rows = plain[1:]
        begin = next((place for place in places if b"Adaptation terminated" in lines[place]), None)
        before = sum(place < (begin or 0) for place in places) + 1 + warm_up
        timed = any(b"Elapsed Time" in line for line in self.comments[-6:])
        if begin is None or begin != before or len(self.rows) != warm_up + sampling or not (whole and timed):
            raise ValueError(f"{file} is not complete: {len(self.rows)} draws of {warm_up + sampling}.")
