"""Random numbers of rows and new groups: a stream of its own for each, whatever else is predicted with it."""

from hashlib import blake2b
from typing import Any

import numpy as np

from stanhier.data.groups import group_name

__all__ = ["Streams", "label_position"]


class Streams:
    """Streams of random numbers that follow from a seed, a purpose and a position alone.

    Philox counts, so that any of its streams begins at once: setting the counter takes a microsecond, where to seed
    another generator takes ten.

    Parameters
    ----------
    seed : int
    *purpose : int
        What the numbers are for; its first number decides how many there are.

    References
    ----------
    Salmon, Moraes, Dror & Shaw (2011), Parallel random numbers: as easy as 1, 2, 3, doi:10.1145/2063384.2063405.
    """

    def __init__(self, seed: int, *purpose: int) -> None:
        key = np.random.SeedSequence([*purpose, seed]).generate_state(2, np.uint64)
        self._bits = np.random.Philox(key=key, counter=0)
        self._start: Any = self._bits.state
        self._generator = np.random.Generator(self._bits)

    def at(self, position: int, further: int = 0) -> np.random.Generator:
        """Give the stream of a position, of up to 2**64 by 2**64; it is good until the next one is asked for."""
        self._start["state"]["counter"][2:] = position, further
        self._bits.state = self._start
        return self._generator


def label_position(label: Any) -> tuple[int, int]:
    """Give the position of the stream of a group, which its label alone decides."""
    digest = blake2b(group_name(label).encode(errors="surrogatepass"), digest_size=16).digest()
    return int.from_bytes(digest[:8], "little"), int.from_bytes(digest[8:], "little")
