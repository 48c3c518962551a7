"""Rows that are alike, summed up block by block: pieces that merge exactly, in any order.

The likelihood of Bernoulli, binomial and Poisson responses sees of rows with the same predictors, groups and offset the
sums of responses and of trials or exposures alone.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from stanhier.design.blocks import RowGroups, Rows
from stanhier.design.moments import Moments, moments_of
from stanhier.engines.multilevel.cells import united
from stanhier.engines.rows.cells import like_rows

__all__ = ["CellPiece", "RowSums", "merge", "most_cells", "piece_of"]

MOST_CELLS = 5_000_000
MOST_BYTES = 1_000_000_000
_BLOCK_ROWS = 1 << 16


@dataclass(frozen=True)
class RowSums:
    """Distinct rows, with what is summed up over the rows that are alike.

    Attributes
    ----------
    columns : numpy.ndarray, shape (M, K + E)
        As of a design.
    codes : tuple of numpy.ndarray of int, shape (M,)
        Of each factor: the level.
    offset : numpy.ndarray, shape (M,)
        What is still added to the linear predictor.
    y : numpy.ndarray, shape (M,)
        Sums of responses.
    n : numpy.ndarray, shape (M,)
        Sums of trials; of Poisson responses of exposures.
    often : numpy.ndarray, shape (M,)
        Numbers of rows.
    """

    columns: np.ndarray
    codes: tuple[np.ndarray, ...]
    offset: np.ndarray
    y: np.ndarray
    n: np.ndarray
    often: np.ndarray

    @property
    def n_cells(self) -> int:
        """M."""
        return len(self.y)

    def sorted_and_summed(self) -> "RowSums":
        """Sum up what is alike, and sort it in an order in which it comes however the rows did."""
        order, start = like_rows([*self.columns.T, self.offset], self.codes)
        first = order[start]
        return RowSums(
            self.columns[first],
            tuple(code[first] for code in self.codes),
            self.offset[first],
            *(np.add.reduceat(values[order], start) for values in (self.y, self.n, self.often)),
        )

    def none(self) -> "RowSums":
        """Give the same without any rows."""
        nothing = slice(0, 0)
        codes = tuple(code[nothing] for code in self.codes)
        rest = (values[nothing] for values in (self.offset, self.y, self.n, self.often))
        return RowSums(self.columns[nothing], codes, *rest)


@dataclass(frozen=True)
class CellPiece:
    """What is kept of some rows.

    Attributes
    ----------
    moments : Moments
        Of the columns and the response.
    labels : tuple of pandas.Index
        The levels of each factor.
    sums : RowSums
        None of more rows than `most_cells`, which are counted alone.
    """

    moments: Moments
    labels: tuple[pd.Index, ...]
    sums: RowSums

    @property
    def is_given_up(self) -> bool:
        """Whether there were too many distinct rows."""
        return self.sums.n_cells == 0


def most_cells(sums: RowSums) -> int:
    """Give how many distinct rows are kept at most: what fits into memory, and what Stan can go over in some time."""
    width: int = sums.columns.shape[1] + len(sums.codes) + 4
    return min(MOST_CELLS, MOST_BYTES // (8 * width))


def piece_of(rows: Rows, *, n: np.ndarray | None, offset: np.ndarray | None, groups: Sequence[RowGroups]) -> CellPiece:
    """Sum up some rows.

    Parameters
    ----------
    rows : Rows
        At least one.
    n : numpy.ndarray, shape (N,), or None
        Trials or exposures; 1 where not given.
    offset : numpy.ndarray, shape (N,), or None
    groups : sequence of RowGroups

    Returns
    -------
    CellPiece
    """
    ones = np.ones(rows.n_rows)
    matrix = np.empty((rows.n_rows, rows.n_columns), order="F")
    for part, block in rows.blocks(min(_BLOCK_ROWS, rows.n_rows)):
        matrix[part] = block
    sums = RowSums(
        matrix[:, :-1],
        tuple(np.asarray(group.codes, dtype=np.intp) for group in groups),
        np.zeros(rows.n_rows) if offset is None else offset,
        matrix[:, -1],
        ones if n is None else n,
        ones,
    ).sorted_and_summed()
    labels = tuple(pd.RangeIndex(group.n_levels) if group.labels is None else group.labels for group in groups)
    return _kept(CellPiece(moments_of(matrix), labels, sums))


def merge(a: CellPiece, b: CellPiece) -> CellPiece:
    """Merge two pieces exactly; the levels of `a` come first.

    Parameters
    ----------
    a, b : CellPiece
        Of the same columns and factors.

    Returns
    -------
    CellPiece
        That of the rows of both.
    """
    pairs = [united(mine, theirs) for mine, theirs in zip(a.labels, b.labels, strict=True)]
    moments, labels = a.moments.merge(b.moments), tuple(labels for labels, _ in pairs)
    if a.is_given_up or b.is_given_up:
        return CellPiece(moments, labels, a.sums.none())
    together = RowSums(
        np.vstack([a.sums.columns, b.sums.columns]),
        tuple(
            np.concatenate([mine, recoded[theirs]])
            for mine, theirs, (_, recoded) in zip(a.sums.codes, b.sums.codes, pairs, strict=True)
        ),
        *(np.concatenate([getattr(a.sums, name), getattr(b.sums, name)]) for name in ("offset", "y", "n", "often")),
    )
    return _kept(CellPiece(moments, labels, together.sorted_and_summed()))


def _kept(piece: CellPiece) -> CellPiece:
    """Keep nothing but moments of too many distinct rows."""
    too_many = piece.sums.n_cells > most_cells(piece.sums)
    return replace(piece, sums=piece.sums.none()) if too_many else piece
