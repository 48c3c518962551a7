"""Log densities of rows given all other rows, the effects of the largest grouping factor integrated out.

With the effects of the other factors given, the rows of a group are multivariate normal with covariance V = sigma^2 I +
Z Sigma Z' (rows weighted where their noise differs), so a row given the others is normal around y_i - (V^-1 r)_i
/ (V^-1)_ii with variance 1 / (V^-1)_ii: Sundararajan & Keerthi (2001), doi:10.1162/08997660151134343. V is inverted
through the q effects of the group: (V^-1)_ii = (1 - h_i) / sigma^2, where h_i is the leverage z_i'Pz_i and P the
covariance of the effects given the rows in units of sigma^2.
"""

from collections.abc import Iterator

import numpy as np

from stanhier.engines.engine import BLOCK_VALUES, Block
from stanhier.engines.gaussian.likelihood import normal_log_density
from stanhier.engines.multilevel.given import Given, GroupedRows, root_weights
from stanhier.engines.multilevel.small_matrices import (
    multiply,
    posterior_factors,
    quadratic_form,
    squared,
)

__all__ = ["row_densities", "row_moments"]

type Moments = tuple[np.ndarray, np.ndarray]
"""Residuals of rows and their variances, shape (S, n)."""


def row_densities(rows: GroupedRows, given: Given) -> Iterator[Block]:
    """Give the log densities of rows, block by block.

    Parameters
    ----------
    rows : GroupedRows
        Those behind the draws.
    given : Given

    Yields
    ------
    positions : numpy.ndarray of int, shape (n,)
        Of the rows of the block, group by group.
    left_out : numpy.ndarray, shape (S, n)
        log p(y_i | the other rows of its group, other parameters).
    all_in : numpy.ndarray, shape (S, n)
        log p(y_i again | all rows of its group, other parameters).
    """
    for positions, *both in row_moments(rows, given):
        left_out, all_in = (normal_log_density(*moments) for moments in both)
        yield positions, left_out, all_in


def row_moments(rows: GroupedRows, given: Given) -> Iterator[tuple[np.ndarray, Moments, Moments]]:
    """Give residuals and variances of rows, block by block: left out, and given all rows of their group.

    Yields
    ------
    positions : numpy.ndarray of int, shape (n,)
    left_out, all_in : tuple of numpy.ndarray
    """
    n_draws = given.n_draws
    if not rows.groupings:
        yield from _independent(rows, given)
        return
    term = max(range(len(rows.groupings)), key=lambda t: (int(rows.groupings[t].codes.max()), -t))
    codes, Z = rows.groupings[term].codes, rows.effect_matrix(term)
    order = np.argsort(codes, kind="stable")
    sizes = np.bincount(codes)
    step = max(1, BLOCK_VALUES // (n_draws * Z.shape[1]))
    factors = given.relative_factors(term)
    for start, end in _whole_groups(sizes[sizes > 0], step):
        members = order[start:end]
        blocks = [members[i : i + step] for i in range(0, len(members), step)]
        weighted = [_Weighted(rows, Z, codes, block, keep=len(blocks) == 1) for block in blocks]
        groups = np.unique(codes[members])
        cross = np.sum([block.cross(groups) for block in weighted], axis=0)
        sums = np.sum([block.sums(groups, given, term) for block in weighted], axis=0)
        P, shift = _shrinkage(cross, sums, factors)
        for block in weighted:
            yield block.positions, *_moments(block, groups, sizes, P, shift, factors, given, term)


class _Weighted:
    """Rows of a block, multiplied by the roots of their weights; residuals are kept where no other block needs room."""

    def __init__(
        self,
        rows: GroupedRows,
        Z: np.ndarray,
        codes: np.ndarray,
        positions: np.ndarray,
        *,
        keep: bool,
    ) -> None:
        self.rows, self.positions, self.codes, self.keep = rows, positions, codes[positions], keep
        self.roots = root_weights(rows, positions)
        self.Z = np.ascontiguousarray((self.roots[:, None] * Z[positions]).T)
        self._residuals: np.ndarray | None = None

    def residuals(self, given: Given, term: int) -> np.ndarray:
        """Residuals around all but the effects of the term, shape (S, n)."""
        if self._residuals is not None:
            return self._residuals
        residuals: np.ndarray = given.residuals(self.rows, self.positions, term) * self.roots
        if self.keep:
            self._residuals = residuals
        return residuals

    def cross(self, groups: np.ndarray) -> np.ndarray:
        """Z'Z of groups, shape (q, q, G)."""
        products = self.Z[:, None] * self.Z
        return self._summed(products, groups)

    def sums(self, groups: np.ndarray, given: Given, term: int) -> np.ndarray:
        """Z'r of groups, shape (q, S, G)."""
        residuals = self.residuals(given, term)
        return np.stack([self._summed(residuals * z, groups) for z in self.Z])

    def _summed(self, values: np.ndarray, groups: np.ndarray) -> np.ndarray:
        starts = np.flatnonzero(np.diff(self.codes, prepend=-1))
        total = np.zeros((*values.shape[:-1], len(groups)))
        total[..., np.searchsorted(groups, self.codes[starts])] = np.add.reduceat(values, starts, axis=-1)
        return np.asarray(total)


def _independent(rows: GroupedRows, given: Given) -> Iterator[tuple[np.ndarray, Moments, Moments]]:
    step = max(1, BLOCK_VALUES // given.n_draws)
    for start in range(0, len(rows.y), step):
        positions = np.arange(start, min(start + step, len(rows.y)))
        noise = (given.sigma[:, None] / root_weights(rows, positions)) ** 2
        moments = given.around_population(rows, positions), noise
        yield positions, moments, moments


def _whole_groups(sizes: np.ndarray, step: int) -> Iterator[tuple[int, int]]:
    """Cut the sorted rows between groups: at most `step` rows, or one group."""
    ends = np.cumsum(sizes)
    start, n = 0, int(ends[-1])
    while start < n:
        fits = int(np.searchsorted(ends, start + step, side="right"))
        end = int(ends[fits - 1]) if fits and ends[fits - 1] > start else int(ends[fits])
        yield start, end
        start = end


def _shrinkage(cross: np.ndarray, sums: np.ndarray, factors: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Covariances of groups' effects in units of sigma^2, shape (q, q, S, G), and their means, (q, S, G)."""
    q = len(cross)
    distinct, stratum = np.unique(cross.reshape(q * q, -1), axis=1, return_inverse=True)
    roots = posterior_factors(distinct.reshape(q, q, 1, -1), factors[..., None])
    P = squared(roots)[..., stratum.ravel()]
    return P, multiply(P, sums)


def _moments(
    block: _Weighted,
    groups: np.ndarray,
    sizes: np.ndarray,
    P: np.ndarray,
    shift: np.ndarray,
    factors: np.ndarray,
    given: Given,
    term: int,
) -> tuple[Moments, Moments]:
    inverse = np.searchsorted(groups, block.codes)
    Z, residual = block.Z, block.residuals(given, term)
    leverage = quadratic_form(P, inverse, Z)
    fitted = np.zeros_like(residual)
    for z, mean in zip(Z, shift, strict=True):
        fitted += z * mean[:, inverse]
    free = np.maximum(1 - leverage, np.finfo(float).eps)
    alone = sizes[block.codes] == 1
    if alone.any():
        # By subtraction from 1 a wide prior would leave few digits; of a row alone the prior itself says it all.
        prior = sum(np.square(multiply(np.swapaxes(factors, 0, 1)[..., None], Z[:, None, alone])))
        free[:, alone] = 1 / (1 + prior)
        leverage[:, alone] = prior / (1 + prior)
        fitted[:, alone] = leverage[:, alone] * residual[:, alone]
    residual, variance = (residual - fitted) / block.roots, (given.sigma[:, None] / block.roots) ** 2
    return (residual / free, variance / free), (residual, variance * (1 + leverage))
