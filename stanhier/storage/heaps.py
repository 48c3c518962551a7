"""The heaps of an HDF5 file, in which its texts are, walked through before HDF5 does so, which may never end.

A heap is a row of pieces that each tell their length. HDF5 goes from one to the next by these lengths, without asking
whether it moves at all: at a free piece of no bytes it stays for ever. Reference: HDF5 File Format Specification 3.0,
III.E, "Disk Format: Level 1E - Global Heap".
"""

import mmap
import struct
from pathlib import Path

__all__ = ["check_heaps"]

_START = b"GCOL\x01\0\0\0"
_LENGTH = struct.Struct("<Q")
_PIECE = struct.Struct("<HHIQ")


def check_heaps(path: Path) -> None:
    """Refuse a file with a heap whose pieces do not lead from its beginning to its end.

    Parameters
    ----------
    path : Path
        Of a regular file.

    Raises
    ------
    ValueError
        If there is one.
    OSError
        If it cannot be read.
    """
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as contents:
        start = contents.find(_START)
        while start >= 0:
            _check_heap(contents, start)
            start = contents.find(_START, start + 1)


def _check_heap(contents: mmap.mmap, start: int) -> None:
    place = start + len(_START) + _LENGTH.size
    if place > len(contents):
        return  # no heap, but values that look like the start of one
    end = start + _LENGTH.unpack_from(contents, place - _LENGTH.size)[0]
    if end > len(contents):
        return  # the same, or a heap that HDF5 refuses, as it goes beyond the file
    while end - place >= _PIECE.size:
        number, _, _, length = _PIECE.unpack_from(contents, place)
        # The first number stands for what is free, whose length counts from the piece's beginning.
        step = length if number == 0 else _PIECE.size + -(-length // 8) * 8
        if not 0 < step <= end - place:
            raise ValueError(f"the texts from byte {start:,} on are not in order")
        place += step
