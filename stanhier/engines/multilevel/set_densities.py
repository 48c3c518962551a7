"""Log densities of sets of rows that are left out together, the effects that only they inform integrated out.

The rows of a set enter through the triangular factor of [Z X y], as in Bates & DebRoy (2004),
doi:10.1016/j.jmva.2004.04.013, columns of the effects to be integrated out first, so that a set of any number of rows
costs no more than it has columns. Given all else the first r of the rotated rows, c, are normal with covariance sigma^2
V, V = I + FF' and F = R Lambda; what is below is noise alone. The same rows predicted again, given themselves, are
around (I - V^-1) c with covariance sigma^2 (2 I - V^-1).
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from stanhier.basics.threads import in_threads
from stanhier.engines.engine import BLOCK_VALUES, Block
from stanhier.engines.multilevel.given import Given, GroupedRows, root_weights
from stanhier.engines.multilevel.small_matrices import cholesky, forward

__all__ = ["dummies", "in_one_set", "set_densities"]

_LOG_2PI = float(np.log(2 * np.pi))
_SETS = 64
"""Sets of a block."""
WRITTEN_OUT = 8
"""Rows of a matrix up to which all draws' matrices are factorised at once, element by element."""
_ROWS = 1 << 13
"""Rows that are rotated at once."""


def set_densities(
    rows: GroupedRows,
    codes: np.ndarray,
    n_sets: int,
    given: Given,
    known: tuple[np.ndarray, ...] | None = None,
) -> Iterator[Block]:
    """Give the log densities of sets of rows, block by block.

    Parameters
    ----------
    rows : GroupedRows
        Those behind the draws, or, with `known`, rows that the draws have not seen.
    codes : numpy.ndarray of int, shape (N,)
        For each row the position of its set.
    n_sets : int
    given : Given
    known : tuple of numpy.ndarray of int, shape (J,), optional
        For each grouping factor the positions of the levels of `rows` among those of the draws, -1 for a level that
        these have not seen. Without it levels are those of the draws.

    Yields
    ------
    slice
        Sets of the block.
    left_out : numpy.ndarray, shape (S, n)
        log p(rows of set j | the other rows, other parameters): effects of levels without rows elsewhere, or not seen
        by the draws, are integrated out, all others are those of the draws.
    all_in : numpy.ndarray, shape (S, n)
        log p(rows of set j again | themselves, other parameters), the same effects integrated out given them.
    """
    order = np.argsort(codes, kind="stable")
    ends = np.cumsum(np.bincount(codes, minlength=n_sets))
    integrated = [in_one_set(g.codes, codes) if known is None else known[t] < 0 for t, g in enumerate(rows.groupings)]
    matrices = [rows.effect_matrix(t) for t in range(len(rows.groupings))]
    factors = [given.relative_factors(t) for t in range(len(rows.groupings))]

    def densities(j: int) -> np.ndarray:
        positions = order[ends[j - 1] if j else 0 : ends[j]]
        rotated = _rotated(rows, positions, matrices, integrated, given)
        return _densities(rotated, _coefficients(given, rotated, known), factors, given.sigma)

    for start in range(0, n_sets, _SETS):
        sets = slice(start, min(start + _SETS, n_sets))
        both = np.stack(in_threads(densities, range(sets.start, sets.stop)), axis=-1)
        yield sets, both[0], both[1]


def in_one_set(levels: np.ndarray, codes: np.ndarray) -> np.ndarray:
    """Say of each level whether all its rows are in one set, shape (J,).

    Parameters
    ----------
    levels, codes : numpy.ndarray of int, shape (N,)
        Level and set of each row.
    """
    first, last = (np.full(int(levels.max(initial=-1)) + 1, start) for start in (len(codes), -1))
    np.minimum.at(first, levels, codes)
    np.maximum.at(last, levels, codes)
    return np.asarray(first == last)


@dataclass(frozen=True)
class _Rotated:
    """A set of rows, rotated.

    `rows` (k, D) holds columns [effects integrated out | other effects | 1, X relative to the origin | y], `inside` and
    `outside` which effects: term and levels, in the order of the columns, level by level.
    """

    rows: np.ndarray
    inside: list[tuple[int, np.ndarray]]
    outside: list[tuple[int, np.ndarray]]
    n_rows: int
    log_weights: float


def _rotated(
    rows: GroupedRows, positions: np.ndarray, matrices: list[np.ndarray], integrated: list[np.ndarray], given: Given
) -> _Rotated:
    inside: list[tuple[int, np.ndarray]] = []
    outside: list[tuple[int, np.ndarray]] = []
    entries = []
    for own in (True, False):
        for term, grouping in enumerate(rows.groupings):
            codes = grouping.codes[positions]
            levels, inverse = np.unique(codes, return_inverse=True)
            chosen = integrated[term][levels] == own
            if chosen.any():
                (inside if own else outside).append((term, levels[chosen]))
                entries.append((term, np.where(chosen, np.cumsum(chosen) - 1, -1)[inverse], int(chosen.sum())))
    roots = root_weights(rows, positions)
    intercept = np.ones((len(positions), int(given.location.shape[1] == len(given.origin))))
    factor = np.empty((0, 0))
    for start in range(0, max(len(positions), 1), _ROWS):
        part = slice(start, start + _ROWS)
        at = positions[part]
        dense = [dummies(matrices[term][at], inverse[part], n) for term, inverse, n in entries]
        columns = [*dense, intercept[part], rows.X[at] - given.origin[:-1], (rows.y[at] - given.origin[-1])[:, None]]
        block = np.hstack(columns) * roots[part, None]
        factor = block if not start else np.vstack([factor, block])
        if len(factor) > factor.shape[1] or start + _ROWS >= len(positions):
            factor = np.linalg.qr(factor, mode="r")
    return _Rotated(factor, inside, outside, len(positions), 2 * float(np.log(roots).sum()))


def dummies(Z: np.ndarray, inverse: np.ndarray, n_levels: int) -> np.ndarray:
    """Give what effects of levels are multiplied by, level by level, shape (n, n_levels q).

    Parameters
    ----------
    Z : numpy.ndarray, shape (n, q)
        What the effects of its level are multiplied by in each row.
    inverse : numpy.ndarray of int, shape (n,)
        The level of each row; below 0 that of a row without any of them.
    n_levels : int
    """
    n, q = Z.shape
    columns = np.zeros((n, n_levels, q))
    has = inverse >= 0
    columns[np.flatnonzero(has), inverse[has]] = Z[has]
    return columns.reshape(n, n_levels * q)


def _coefficients(given: Given, rotated: _Rotated, known: tuple[np.ndarray, ...] | None) -> np.ndarray:
    """Stack what multiplies the columns that are not integrated out and not y, shape (S, d)."""
    effects = []
    for term, levels in rotated.outside:
        drawn = given.effects(term, levels if known is None else known[term][levels])
        effects.append(drawn.reshape(given.n_draws, -1))
    return np.hstack([*effects, given.location])


def _densities(rotated: _Rotated, coefficients: np.ndarray, factors: list[np.ndarray], sigma: np.ndarray) -> np.ndarray:
    """Give the two log densities of a set, shape (2, S)."""
    n_inside = rotated.rows.shape[1] - coefficients.shape[1] - 1
    n_own = min(n_inside, len(rotated.rows))
    residuals = (rotated.rows[:, -1] - coefficients @ rotated.rows[:, n_inside:-1].T).T / sigma
    own = residuals[:n_own]
    noise = np.square(residuals[n_own:]).sum(axis=0)
    constant = -0.5 * (rotated.n_rows * (_LOG_2PI + 2 * np.log(sigma)) - rotated.log_weights + noise)
    result = np.zeros((2, len(sigma)))
    if not n_own:
        return np.asarray(result + constant)
    step = max(1, 2 * BLOCK_VALUES // (n_own * max(n_own, n_inside)))
    for start in range(0, len(sigma), step):
        part = slice(start, start + step)
        scaled = _scaled(rotated.rows[:n_own, :n_inside], rotated.inside, [factor[..., part] for factor in factors])
        result[:, part] = _own_part(scaled, own[:, part])
    return np.asarray(result + constant)


def _scaled(
    R: np.ndarray,
    inside: list[tuple[int, np.ndarray]],
    factors: list[np.ndarray],
) -> np.ndarray:
    """V, shape (r, r, S)."""
    r, first, parts = len(R), 0, []
    for term, levels in inside:
        factor = factors[term]
        width = len(levels) * len(factor)
        own = R[:, first : first + width].reshape(r, len(levels), len(factor))
        parts.append(np.einsum("rlq,qps->srlp", own, factor, optimize=True).reshape(-1, r, width))
        first += width
    F = np.concatenate(parts, axis=2)
    V = np.ascontiguousarray(np.moveaxis(F @ np.swapaxes(F, 1, 2), 0, -1))
    V[range(r), range(r)] += 1.0
    return V


def _own_part(V: np.ndarray, residuals: np.ndarray) -> np.ndarray:
    """Log densities of the rows that effects move, without constants, left out and all in, shape (2, S)."""
    twice = 2 * V
    twice[range(len(V)), range(len(V))] -= 1.0
    (square, log_root), (half_again, log_root_twice) = (_squares(matrices, residuals) for matrices in (V, twice))
    # (2 I - V^-1)^-1 between V^-1 and V^-1 is 2 (2 V - I)^-1 - V^-1.
    again = 2 * half_again - square
    return np.stack([-0.5 * square - log_root, -0.5 * again - (log_root_twice - log_root)])


def _squares(matrices: np.ndarray, residuals: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Give r'M^-1 r and half the log determinant of M, shape (S,), of matrices with no eigenvalue below 1."""
    n = len(matrices)
    if n <= WRITTEN_OUT:
        lower = cholesky(matrices)
        return np.square(forward(lower, residuals)).sum(axis=0), np.log(lower[range(n), range(n)]).sum(axis=0)
    # The last row of the factor of [M r; r' c], c > r'M^-1 r, is M's own factor solved for r.
    bordered = np.empty((residuals.shape[1], n + 1, n + 1))
    bordered[:, :n, :n] = np.moveaxis(matrices, -1, 0)
    bordered[:, n, :n] = bordered[:, :n, n] = residuals.T
    bordered[:, n, n] = np.square(residuals).sum(axis=0) + 1.0
    factor = np.linalg.cholesky(bordered)
    return np.square(factor[:, n, :n]).sum(axis=1), np.log(factor[:, range(n), range(n)]).sum(axis=1)
