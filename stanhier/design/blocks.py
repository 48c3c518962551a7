"""Rows block by block, and what an engine makes of them where they live."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import pandas as pd

__all__ = ["MAX_BLOCK_VALUES", "ArrayRows", "Reducer", "RowGroups", "Rows", "Stack"]

MAX_BLOCK_VALUES = 1 << 23
"""Values of a block of rows at most."""


class Rows(Protocol):
    """Rows that are given block by block, as often as asked for."""

    @property
    def n_rows(self) -> int:
        """N."""

    @property
    def n_columns(self) -> int:
        """K + E + 1: predictors of the population, further effects of groups, and response."""

    @property
    def n_extra(self) -> int:
        """E."""

    def blocks(self, size: int) -> Iterator[tuple[slice, np.ndarray]]:
        """Give blocks [x_1 .. x_K, e_1 .. e_E, y] of at most `size` rows; the receiver may overwrite them.

        They are quickest to work with where each column is contiguous.
        """


@dataclass(frozen=True)
class ArrayRows:
    """Rows that are arrays in memory.

    Attributes
    ----------
    X : numpy.ndarray, shape (N, K + E)
    y : numpy.ndarray, shape (N,)
    n_extra : int
        E.
    """

    X: np.ndarray
    y: np.ndarray
    n_extra: int = 0

    @property
    def n_rows(self) -> int:
        """N."""
        return len(self.y)

    @property
    def n_columns(self) -> int:
        """K + E + 1."""
        return int(self.X.shape[1]) + 1

    def blocks(self, size: int) -> Iterator[tuple[slice, np.ndarray]]:
        """Give copies of the rows, block by block."""
        for start in range(0, self.n_rows, size):
            rows = slice(start, min(start + size, self.n_rows))
            block = np.empty((rows.stop - start, self.n_columns), order="F")
            block[:, :-1], block[:, -1] = self.X[rows], self.y[rows]
            yield rows, block


@dataclass(frozen=True)
class RowGroups:
    """The groups of some rows by one factor, and what varies by it.

    Attributes
    ----------
    codes : numpy.ndarray of int, shape (N,)
        Group of each row.
    n_levels : int
        J; each group has a row, unless groups are known beforehand.
    labels : pandas.Index, length J, or None
        By which groups are known when pieces merge; their codes where None.
    columns : tuple of int, length q
        Of the effects: positions among the columns, -1 of the constant.
    blocks : tuple of int
        Lengths of runs of correlated effects.
    """

    codes: np.ndarray
    n_levels: int
    labels: pd.Index | None
    columns: tuple[int, ...]
    blocks: tuple[int, ...]


class Reducer[P, R](Protocol):
    """What an engine makes of rows where these live, here or on a cluster's workers: pieces, which merge in any order.

    A piece `P` is what travels; what is left of all rows, `R`, is made from the sum of the pieces.
    """

    def piece(
        self,
        rows: Rows,
        *,
        weights: np.ndarray | None = None,
        groups: Sequence[RowGroups] = (),
        offset: np.ndarray | None = None,
    ) -> P:
        """Reduce some rows.

        Parameters
        ----------
        rows : Rows
            At least one.
        weights : numpy.ndarray, shape (N,), optional
            Precision weights; of binomial responses numbers of trials.
        groups : sequence of RowGroups
            One for each factor, in the order of the formula.
        offset : numpy.ndarray, shape (N,), optional
            What is still to be added to the linear predictor: where the link is the identity, the response is less it.
        """

    def merge(self, a: P, b: P) -> P:
        """Give the piece of the rows of both; the groups of `a` come first."""

    def labels(self, piece: P) -> tuple[pd.Index, ...]:
        """Give the groups of a piece by each factor, in their order."""

    def size(self, piece: P) -> int:
        """Count what a piece has numbers of: groups, or combinations of them."""

    def total(self, piece: P, order: Sequence[np.ndarray] | None = None) -> R:
        """Give what is left of all rows, from the sum of the pieces.

        The groups of each factor come in another order if one is given.
        """

    def n_rows(self, reduced: R) -> int:
        """Count the rows."""

    def plain(self, reduced: R) -> Mapping[str, Any]:
        """Give it as numbers and arrays by name, for a file."""

    def from_plain(self, plain: Mapping[str, Any]) -> R:
        """Make it from what `plain` gave."""


class Stack[P]:
    """Pieces as they come, merged when they are of similar size: no group is copied more often than need be.

    Parameters
    ----------
    reducer : Reducer
    """

    def __init__(self, reducer: Reducer[P, Any]) -> None:
        self._reducer = reducer
        self._pieces: list[P] = []

    @property
    def size(self) -> int:
        """Size of the largest piece."""
        return self._size(0) if self._pieces else 0

    def add(self, piece: P) -> None:
        """Add a piece."""
        self._pieces.append(piece)
        while len(self._pieces) > 1 and self._size(-2) <= 2 * self._size(-1):
            self._merge_last()

    def total(self) -> P | None:
        """Give the sum of all pieces; None if there was none."""
        while len(self._pieces) > 1:
            self._merge_last()
        return self._pieces[0] if self._pieces else None

    def _size(self, position: int) -> int:
        return self._reducer.size(self._pieces[position])

    def _merge_last(self) -> None:
        last = self._pieces.pop()
        self._pieces[-1] = self._reducer.merge(self._pieces[-1], last)
