"""The exact small equivalent of the rows: what a Gaussian likelihood sees of them, effects of one term set apart.

The effects of the term of most levels are integrated out group by group; those of the other terms are columns like
predictors, "dense" ones. Columns are ordered [dense M | location P | y], C = M + P + 1 in all.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from stanhier.design.column_moments import ColumnMoments, geometric_mean
from stanhier.design.columns import CONSTANT
from stanhier.engines.multilevel.elimination import eliminate, eliminate_stacked
from stanhier.engines.multilevel.layout import TermShape, dense_slices, dense_terms, eliminated_term
from stanhier.engines.multilevel.pieces import Base, Piece
from stanhier.engines.multilevel.strata import Strata, strata_of
from stanhier.engines.triangular import triangular_factor

__all__ = ["Statistics", "statistics_of"]

BLOCK_VALUES = 1 << 20


@dataclass(frozen=True)
class Statistics:
    """Sufficient statistics of the rows.

    Attributes
    ----------
    terms : tuple of TermShape
    eliminated : int
        The term whose levels are the J groups, with q effects.
    n_rows : int
        N.
    mean, sd : numpy.ndarray, shape (W,)
        Unweighted mean and standard deviation (divisor N - 1; 0 for one row) of [x_1 .. x_K, e_1 .. e_E, y].
    log_weights : float
        Sum over rows of log w_i.
    origin : numpy.ndarray, shape (K + 1,)
        What was subtracted from [x_1 .. x_K, y] among the columns of the location: their means; 0 without an intercept.
    R : numpy.ndarray, shape (J, q, q)
        Upper triangular factor of each group's columns of effects; the diagonal is at least 0.
    B : numpy.ndarray, shape (J, q, C)
        The same rows of the other columns.
    T : numpy.ndarray, shape (C, C)
        Upper triangular factor of what is left of these in all groups.
    level_weights : tuple of numpy.ndarray, shape (J_t,)
        Sum of w in each level of each term.
    """

    terms: tuple[TermShape, ...]
    eliminated: int
    n_rows: int
    mean: np.ndarray
    sd: np.ndarray
    log_weights: float
    origin: np.ndarray
    R: np.ndarray
    B: np.ndarray
    T: np.ndarray
    level_weights: tuple[np.ndarray, ...]

    @property
    def moments(self) -> ColumnMoments:
        """What default priors are scaled by."""
        return ColumnMoments(self.mean, self.sd, geometric_mean(self.log_weights, self.n_rows))

    @property
    def n_groups(self) -> int:
        """Levels of the eliminated term, J."""
        return len(self.R)

    @property
    def n_dense(self) -> int:
        """Effects of the other terms, M."""
        return sum(self.terms[t].n_effects for t in dense_terms(self.terms, self.eliminated))

    @property
    def n_location(self) -> int:
        """Location parameters, P."""
        return len(self.T) - 1 - self.n_dense

    @property
    def has_intercept(self) -> bool:
        """Whether the first location parameter is an intercept."""
        return self.n_location == len(self.origin)

    @cached_property
    def strata(self) -> Strata:
        """Groups of equal R."""
        return strata_of(self.R)

    def with_origin(self, origin: np.ndarray) -> "Statistics":
        """Give the same with columns relative to another origin, shape (K + 1,), where there is an intercept."""
        if not self.has_intercept:
            return self
        moved = np.eye(len(self.T))
        moved[self.n_dense, self.n_dense + 1 :] = self.origin - origin
        return replace(self, origin=origin, B=self.B @ moved, T=self.T @ moved)


def statistics_of(piece: Piece, order: Sequence[np.ndarray] | None = None, *, has_intercept: bool = True) -> Statistics:
    """Bring the sum of all pieces to what Stan's data are made from.

    Parameters
    ----------
    piece : Piece
    order : sequence of numpy.ndarray of int, optional
        Of each term: positions of its levels in the piece, in the order wanted; that of the piece where not given.
    has_intercept : bool
        Whether the population has an intercept.

    Returns
    -------
    Statistics
    """
    n_levels = [len(labels) for labels in piece.labels]
    terms = tuple(TermShape(size, term.blocks, term.columns) for size, term in zip(n_levels, piece.terms, strict=True))
    levels = piece.cells
    if order is not None:
        levels = np.column_stack([np.argsort(o)[level] for o, level in zip(order, piece.cells.T, strict=True)])
    moments = piece.moments
    mean = moments.means
    n_predictors = len(mean) - 1 - piece.n_extra
    seen = [*range(n_predictors), len(mean) - 1]
    origin = mean[seen] if has_intercept else np.zeros(len(seen))
    expansion = _Expansion(piece, terms, eliminated_term(terms), levels, seen, origin, has_intercept)
    R, B, T = expansion.factors()
    return Statistics(
        terms=terms,
        eliminated=expansion.eliminated,
        n_rows=moments.n,
        mean=mean,
        sd=moments.sd,
        log_weights=piece.log_weights,
        origin=origin,
        R=R,
        B=B,
        T=T,
        level_weights=tuple(
            np.bincount(level, weights=piece.weights, minlength=size)
            for level, size in zip(levels.T, n_levels, strict=True)
        ),
    )


@dataclass(frozen=True)
class _Expansion:
    """From the rows of cells to those of the eliminated term's groups."""

    piece: Piece
    terms: tuple[TermShape, ...]
    eliminated: int
    levels: np.ndarray
    seen: list[int]
    origin: np.ndarray
    has_intercept: bool

    @property
    def base(self) -> Base:
        """The columns of the cells' rows."""
        return self.piece.base

    def factors(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Give R, B and T."""
        own = self.terms[self.eliminated]
        effects, location = self._own_effects(), self._location()
        rest = self.piece.rest @ location[self.base.n_effects :]
        if len(self.terms) == 1:
            rows = np.empty((own.n_levels, own.q, own.q + location.shape[1]))
            rows[self.levels[:, 0]] = self.piece.rows @ np.column_stack([effects, location])
            left = [rest]
        else:
            n_dense = sum(self.terms[t].n_effects for t in dense_terms(self.terms, self.eliminated))
            width = own.q + n_dense + location.shape[1]
            rows, below = eliminate(self._blocks, own.n_levels, own.q, width)
            left = [np.hstack([np.zeros((len(rest), n_dense)), rest]), below]
        # Back from relative columns, each of its place among the effects: triangular unless the constant is not first.
        to_own = self._combinations(own.columns, np.zeros(own.q))[self._own_places()]
        R = np.ascontiguousarray(rows[:, :, : own.q]) @ to_own
        B = np.ascontiguousarray(rows[:, :, own.q :])
        if np.tril(to_own, -1).any():
            again, more = eliminate_stacked(np.concatenate([R, B], axis=2), own.q)
            R, B = np.ascontiguousarray(again[:, :, : own.q]), np.ascontiguousarray(again[:, :, own.q :])
            left.append(more)
        return R, B, triangular_factor(left, B.shape[2])

    def _own_places(self) -> list[int]:
        """Give the places of the eliminated term's effects among the columns of the base, the constant's first."""
        columns = self.terms[self.eliminated].columns
        return sorted((self.base.positions.index(c) for c in columns), key=lambda p: self.base.positions[p] != CONSTANT)

    def _own_effects(self) -> np.ndarray:
        """Give the combinations of the base that are eliminated: relative where the term has a constant."""
        places = self._own_places()
        if CONSTANT in self.terms[self.eliminated].columns:
            return np.eye(len(self.base.positions))[:, places]
        return self._combinations([self.base.positions[place] for place in places], np.zeros(len(places)))

    def _location(self) -> np.ndarray:
        """Give the combinations of the base that are the columns of the location and the response."""
        columns = self._combinations(self.seen, self.origin)
        if not self.has_intercept:
            return columns
        return np.column_stack([self._combinations([CONSTANT], np.zeros(1)), columns])

    def _combinations(self, columns: Sequence[int], centre: np.ndarray) -> np.ndarray:
        """Give columns less a centre as combinations of the base, shape (W + 1, number of columns)."""
        base = self.base
        reference = base.shift(self.piece.moments.reference)
        combinations = np.zeros((len(base.positions), len(columns)))
        for k, column in enumerate(columns):
            place = base.positions.index(column)
            combinations[place, k] = 1.0
            combinations[base.constant, k] += reference[place] - centre[k]
        return combinations

    def _blocks(self) -> Iterator[tuple[slice, np.ndarray, np.ndarray]]:
        """Give the rows with a column for each effect of the other terms, some whole cells at a time."""
        rows = self.piece.rows
        own = self.terms[self.eliminated]
        effects, location = self._own_effects(), self._location()
        others = dense_terms(self.terms, self.eliminated)
        places = dense_slices(self.terms, self.eliminated)
        maps = {t: self._combinations(self.terms[t].columns, np.zeros(self.terms[t].q)) for t in others}
        width = own.q + sum(self.terms[t].n_effects for t in others) + location.shape[1]
        order = np.argsort(self.levels[:, self.eliminated], kind="stable")
        s = self.base.n_effects
        step = max(1, BLOCK_VALUES // (width * s))
        for start in range(0, len(order), step):
            cells = order[start : start + step]
            levels = np.repeat(self.levels[cells], s, axis=0)
            base_rows = np.ascontiguousarray(rows[cells]).reshape(-1, rows.shape[2])
            columns = np.zeros((len(base_rows), width), order="F")
            columns[:, : own.q] = base_rows @ effects
            columns[:, width - location.shape[1] :] = base_rows @ location
            which = np.arange(len(base_rows))
            for t in others:
                values = base_rows @ maps[t]
                first = own.q + places[t].start + levels[:, t] * self.terms[t].q
                for effect in range(self.terms[t].q):
                    columns[which, first + effect] = values[:, effect]
            codes = levels[:, self.eliminated]
            yield slice(int(codes[0]), int(codes[-1]) + 1), codes - codes[0], columns
