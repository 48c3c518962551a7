"""Rows to pieces, and pieces to one piece.

Rows of a cell, that is of the same level of every term, differ in nothing but their columns. Of a cell's rows all that
the likelihood sees of effects are as many rows as there are columns with effects; what is left of the other columns is
one triangular factor for all cells. Pieces merge exactly, in any order: the rows of a cell that occurs in both are
stacked and factorised again.

Columns are taken relative to a reference, so that predictors far from 0 keep their digits.

References
----------
Bates & DebRoy (2004), Linear mixed models and penalized least squares, doi:10.1016/j.jmva.2004.04.013.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from stanhier.design.blocks import MAX_BLOCK_VALUES, RowGroups, Rows
from stanhier.design.columns import CONSTANT
from stanhier.design.moments import Moments
from stanhier.engines.multilevel.cells import cells_of, merged_cells, united
from stanhier.engines.multilevel.elimination import eliminate, eliminate_stacked
from stanhier.engines.triangular import triangular_factor

__all__ = ["Base", "Piece", "TermColumns", "merge", "piece_of"]

BLOCK_ROWS = 1 << 13


@dataclass(frozen=True)
class TermColumns:
    """The effects of a term, as in `TermShape`."""

    blocks: tuple[int, ...]
    columns: tuple[int, ...]


@dataclass(frozen=True)
class Base:
    """The columns that everything else is a combination of, those with effects first.

    With a constant among the effects it comes first, and all others are relative to the reference. Else columns with
    effects are as they are, and the constant and the others, relative to the reference, follow.

    Attributes
    ----------
    positions : tuple of int
        Columns of the rows, or `CONSTANT`.
    n_effects : int
        How many of them have effects.
    """

    positions: tuple[int, ...]
    n_effects: int

    @classmethod
    def of(cls, terms: Sequence[TermColumns], width: int) -> "Base":
        """Give that of terms whose rows have `width` columns."""
        effects = list(dict.fromkeys(column for term in terms for column in term.columns))
        effects.sort(key=lambda column: column != CONSTANT)
        others = [column for column in (CONSTANT, *range(width)) if column not in effects]
        return cls((*effects, *others), len(effects))

    @property
    def constant(self) -> int:
        """The place of the constant among the base's columns."""
        return self.positions.index(CONSTANT)

    def is_relative(self, column: int) -> bool:
        """Whether a column is taken relative to its reference."""
        return column != CONSTANT and (self.constant == 0 or self.positions.index(column) >= self.n_effects)

    def shift(self, reference: np.ndarray) -> np.ndarray:
        """Give what is to be added to each column of the base, times the constant, for the rows' own columns."""
        return np.array([reference[column] if self.is_relative(column) else 0.0 for column in self.positions])


@dataclass(frozen=True)
class Piece:
    """What the likelihood sees of some rows.

    Attributes
    ----------
    moments : Moments
        Unweighted, of the W columns of the rows.
    log_weights : float
        Sum over rows of log w_i.
    n_extra : int
        E: columns before the response that no predictor has.
    terms : tuple of TermColumns
    labels : tuple of pandas.Index
        The levels of each term.
    cells : numpy.ndarray of int, shape (n_cells, T)
        The level that each cell has of each term.
    weights : numpy.ndarray, shape (n_cells,)
        Sum of w in each cell.
    rows : numpy.ndarray, shape (n_cells, s, W + 1)
        The first rows of each cell's triangular factor, of the columns of the base.
    rest : numpy.ndarray, shape (W + 1 - s, W + 1 - s)
        Triangular factor of what is left of the columns without effects.
    """

    moments: Moments
    log_weights: float
    n_extra: int
    terms: tuple[TermColumns, ...]
    labels: tuple[pd.Index, ...]
    cells: np.ndarray
    weights: np.ndarray
    rows: np.ndarray
    rest: np.ndarray

    @property
    def base(self) -> Base:
        """The columns of its rows."""
        return Base.of(self.terms, len(self.moments.mean))


def piece_of(rows: Rows, *, weights: np.ndarray | None = None, groups: Sequence[RowGroups] = ()) -> Piece:
    """Compress rows into one piece.

    Parameters
    ----------
    rows : Rows
        Columns [x_1 .. x_K, e_1 .. e_E, y]; at least one row.
    weights : numpy.ndarray, shape (N,), optional
        Known precision weights w_i > 0; 1 where not given.
    groups : sequence of RowGroups
        The terms, at least one.

    Returns
    -------
    Piece
    """
    terms = tuple(TermColumns(tuple(group.blocks), tuple(group.columns)) for group in groups)
    cell, cells = cells_of([group.codes for group in groups], [group.n_levels for group in groups])
    moments = _moments(rows)
    base = Base.of(terms, rows.n_columns)
    kept = _BaseRows(rows, base, moments.reference, weights, cell, len(cells))
    reduced, rest = eliminate(kept.blocks, len(cells), base.n_effects, len(base.positions))
    return Piece(
        moments=moments,
        log_weights=0.0 if weights is None else float(np.log(weights).sum()),
        n_extra=rows.n_extra,
        terms=terms,
        labels=tuple(pd.RangeIndex(group.n_levels) if group.labels is None else group.labels for group in groups),
        cells=cells,
        weights=np.bincount(cell, weights=weights, minlength=len(cells)).astype(float),
        rows=reduced,
        rest=rest,
    )


def _moments(rows: Rows) -> Moments:
    """Add up the columns relative to the first row."""
    reference = next(rows.blocks(1))[1][0].copy()
    sums, squares = np.zeros(rows.n_columns), np.zeros(rows.n_columns)
    for _, block in rows.blocks(min(BLOCK_ROWS, rows.n_rows)):
        block -= reference
        sums += np.einsum("ij->j", block)
        squares += np.einsum("ij,ij->j", block, block)
    mean = sums / rows.n_rows
    return Moments(rows.n_rows, reference, mean, np.maximum(squares - rows.n_rows * mean**2, 0.0))


@dataclass(frozen=True)
class _BaseRows:
    """The weighted columns of the base, block by block."""

    rows: Rows
    base: Base
    reference: np.ndarray
    weights: np.ndarray | None
    cell: np.ndarray
    n_cells: int

    def blocks(self) -> Iterator[tuple[slice, np.ndarray, np.ndarray]]:
        """Give them as `eliminate` takes them."""
        base, width = self.base, len(self.base.positions)
        # A block has about as many rows as there are cells, so that adding up the cells costs no more than the rows.
        size = min(max(BLOCK_ROWS, self.n_cells), MAX_BLOCK_VALUES // width, self.rows.n_rows)
        for part, block in self.rows.blocks(size):
            columns = np.empty((len(block), width), order="F")
            columns[:, base.constant] = 1.0
            shift = base.shift(self.reference)
            for place, column in enumerate(base.positions):
                if column != CONSTANT:
                    np.subtract(block[:, column], shift[place], out=columns[:, place])
            if self.weights is not None:
                columns *= np.sqrt(self.weights[part])[:, None]
            yield slice(0, self.n_cells), self.cell[part], columns


def merge(a: Piece, b: Piece) -> Piece:
    """Merge two pieces exactly; the levels of `a` come first.

    Parameters
    ----------
    a, b : Piece
        Of the same columns and terms.

    Returns
    -------
    Piece
        That of the rows of both.
    """
    pairs = [united(mine, theirs) for mine, theirs in zip(a.labels, b.labels, strict=True)]
    theirs = np.column_stack([recoded[level] for (_, recoded), level in zip(pairs, b.cells.T, strict=True)])
    cells, position = merged_cells(a.cells, theirs)
    n_first, s, width = len(a.cells), a.base.n_effects, a.rows.shape[2]
    b_rows, b_rest = _relative_to(a.moments.reference, b)
    new = position >= n_first
    rows = np.empty((s, width, len(cells))).transpose(2, 0, 1)
    rows[:n_first], rows[position[new]] = a.rows, b_rows[new]
    shared = position[~new]
    left: tuple[np.ndarray, ...] = ()
    if len(shared) > 0:
        rows[shared], between = eliminate_stacked(np.concatenate([rows[shared], b_rows[~new]], axis=1), s)
        left = (between,)
    weights = np.concatenate([a.weights, np.zeros(len(cells) - n_first)])
    weights[position] += b.weights
    return Piece(
        moments=a.moments.merge(b.moments),
        log_weights=a.log_weights + b.log_weights,
        n_extra=a.n_extra,
        terms=a.terms,
        labels=tuple(labels for labels, _ in pairs),
        cells=cells,
        weights=weights,
        rows=rows,
        rest=triangular_factor((a.rest, b_rest, *left), width - s),
    )


def _relative_to(reference: np.ndarray, piece: Piece) -> tuple[np.ndarray, np.ndarray]:
    """Give a piece's rows and rest with columns relative to another reference."""
    base = piece.base
    shift = base.shift(piece.moments.reference - reference)
    s, constant = base.n_effects, base.constant
    rows = piece.rows + piece.rows[:, :, constant, None] * shift
    rest = piece.rest
    if constant >= s:
        rest = rest + rest[:, constant - s, None] * shift[s:]
    return rows, rest
