"""What Stan's sampler writes: a table of draws among comments, one file for each chain."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import numpy as np

__all__ = ["read_draws", "read_numbers"]

# Nothing is tried twice: of a long file that would need much memory.
_COMMENTS = rb"((?:#[^\n]*+\n)*+)"
_DRAWS = rb"((?:[^#\n][^\n]*+\n)*+)"
_ADAPTATION = rb"(# Adaptation terminated[^\n]*+\n(?:#[^\n]*+\n)*+)"
_PARTS = re.compile(_COMMENTS + rb"([^#\n][^\n]*+\n)" + _DRAWS + _ADAPTATION + _DRAWS + rb"((?:#[^\n]*+\n?)*+)")


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
    first: _Table | None = None
    for chain, file in enumerate(files):
        table = _Table.of(file)
        found = table.warm_up.count(b"\n"), table.sampling.count(b"\n")
        last = table.adaptation + table.end  # which are one where there are no draws between them
        if found != (warm_up, sampling) or b"Elapsed Time" not in last or not last.endswith(b"\n"):
            raise ValueError(f"{file} is not complete: {sum(found)} draws of {warm_up + sampling}.")
        rows = read_numbers([*table.warm_up.splitlines(), *table.sampling.splitlines()])
        if first is None:
            first = table
            draws = np.empty((warm_up + sampling, len(files), first.header.count(b",") + 1), order="F")
        if table.header != first.header:
            raise ValueError(f"The columns of {file} are not those of {files[0]}.")
        draws[:, chain] = rows.reshape(draws.shape[0], draws.shape[2])
    assert first is not None
    return first.comments, first.header.decode().strip(), draws


def read_numbers(lines: Sequence[bytes]) -> np.ndarray:
    """Read lines of numbers with commas between them; ValueError if they are anything else."""
    if not any(line.strip() for line in lines):
        return np.empty((0, 0))
    return np.loadtxt(lines, delimiter=",", dtype=np.float64, ndmin=2, comments=None)


@dataclass(frozen=True)
class _Table:
    """The parts of a file, each of whole lines: comments, names, draws, adaptation, draws, comments."""

    start: bytes
    header: bytes
    warm_up: bytes
    adaptation: bytes
    sampling: bytes
    end: bytes

    @classmethod
    def of(cls, file: str | Path) -> Self:
        parts = _PARTS.fullmatch(Path(file).read_bytes())
        if parts is None:
            raise ValueError(f"{file} is not complete: the comment on adaptation is not there.")
        return cls(*parts.groups())

    @property
    def comments(self) -> list[bytes]:
        return (self.start + self.adaptation + self.end).splitlines()
