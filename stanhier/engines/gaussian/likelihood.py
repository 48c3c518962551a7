"""Log likelihoods in closed form, the group effects integrated out, in blocks that bound memory.

Given the other parameters the group effects are normal, so the density of a row given the other rows of its group, and
that of a whole group, need no draws of the effects: Bates & DebRoy (2004), doi:10.1016/j.jmva.2004.04.013. Integrating
latent values out first makes importance weights steadier: Vehtari et al. (2016), JMLR 17(103); Merkle, Furr &
Rabe-Hesketh (2019), doi:10.1007/s11336-019-09679-0.
"""

from collections.abc import Iterator

import numpy as np

from stanhier.design.in_memory import InMemoryDesign
from stanhier.engines.draws import Draws
from stanhier.engines.engine import BLOCK_VALUES, Block, log_mean_exp
from stanhier.engines.gaussian.compression import Compressed
from stanhier.engines.gaussian.coordinates import LOCATION, NOISE, SPREAD
from stanhier.engines.gaussian.shrinkage import given_sum

__all__ = ["common_mean", "held_out_densities", "row_densities", "row_moments", "set_densities"]

_LOG_2PI = float(np.log(2 * np.pi))


def common_mean(X: np.ndarray, origin: np.ndarray, location: np.ndarray, *, by_row: bool = False) -> np.ndarray:
    """Mean response without group effects, relative to the response at the origin, shape (S, N).

    Parameters
    ----------
    X : numpy.ndarray, shape (N, K)
    origin : numpy.ndarray, shape (K + 1,)
        Of the compressed data.
    location : numpy.ndarray, shape (S, P)
        Draws; P = K + 1 with an intercept, else K.
    by_row : bool
        Whether the draws of a row, and not the rows of a draw, are to lie side by side in memory.
    """
    has_intercept = int(location.shape[1] == len(origin))
    mean = np.empty((len(location), len(X)), order="F" if by_row else "C")
    np.matmul(location[:, has_intercept:], (X - origin[:-1]).T, out=mean)
    if has_intercept:
        mean += location[:, :1]
    return mean


def normal_log_density(residual: np.ndarray, variance: np.ndarray) -> np.ndarray:
    """Log density of normal(0, sqrt(variance)) at the residuals."""
    return np.asarray(-0.5 * (_LOG_2PI + np.log(variance) + residual**2 / variance))


def row_densities(design: InMemoryDesign, compressed: Compressed, draws: Draws) -> Iterator[Block]:
    """Give the log densities of rows, block by block.

    Yields
    ------
    slice
        Rows of the block.
    left_out : numpy.ndarray, shape (S, n)
        log p(y_i | the other rows of its group, other parameters).
    all_in : numpy.ndarray, shape (S, n)
        log p(y_i again | all rows of its group, other parameters): the same without groups.
    """
    for rows, *both in row_moments(design, compressed, draws):
        left_out, all_in = (normal_log_density(*moments) for moments in both)
        yield rows, left_out, all_in


def row_moments(
    design: InMemoryDesign, compressed: Compressed, draws: Draws
) -> Iterator[tuple[slice, tuple[np.ndarray, np.ndarray], tuple[np.ndarray, np.ndarray]]]:
    """Give residuals and variances of rows, shape (S, n), block by block: left out, and given all rows of their group.

    Yields
    ------
    slice
        Rows of the block.
    left_out, all_in : tuple of numpy.ndarray
    """
    origin = compressed.origin
    location, sigma = draws.flat(LOCATION), draws.flat(NOISE)
    for rows, block in design.blocks(max(1, BLOCK_VALUES // len(location))):
        residual = (block[:, -1] - origin[-1]) - common_mean(block[:, :-1], origin, location)
        w = _weights(design, rows)
        noise = sigma[:, None] ** 2 / w
        if design.group is None:
            moments = residual, np.broadcast_to(noise, residual.shape)
            yield rows, moments, moments
            continue
        groups, inverse = np.unique(design.group.codes[rows], return_inverse=True)
        means = compressed.means[groups]
        group_sum = (means[:, -1] - location[:, :1] - location[:, 1:] @ means[:, :-1].T) * compressed.weights[groups]
        total = compressed.weights[groups][inverse]
        group_sum = group_sum[:, inverse]
        both = []
        for weight, weighted in ((np.maximum(total - w, 0.0), group_sum - w * residual), (total, group_sum)):
            effect, variance = _effect(weight, weighted, draws)
            both.append((residual - effect, noise + variance))
        yield rows, both[0], both[1]


def set_densities(
    design: InMemoryDesign, codes: np.ndarray, n_sets: int, origin: np.ndarray, draws: Draws, *, grouped: bool
) -> Iterator[Block]:
    """Give the log densities of whole groups, or of any sets of rows of a model without groups, block by block.

    Yields
    ------
    slice
        Groups of the block.
    left_out : numpy.ndarray, shape (S, n)
        log p(rows of group j | other parameters), its effect integrated out over normal(0, sigma_alpha).
    all_in : numpy.ndarray, shape (S, n)
        log p(rows of group j again | themselves, other parameters), its effect integrated out given them.
    """
    yield from _blocks_of_groups(_group_pieces(design, codes, n_sets, origin), draws, grouped=grouped)


def held_out_densities(
    held_out: InMemoryDesign, codes: np.ndarray | None, train: Compressed, draws: Draws
) -> np.ndarray:
    """Log of the posterior mean density of each held-out row, shape (n,).

    Parameters
    ----------
    held_out : InMemoryDesign
        The rows that the draws have not seen.
    codes : numpy.ndarray of int, shape (n,), or None
        Positions of their groups in `train`; -1 for a group that is not there.
    train : Compressed
        The rows behind the draws.
    draws : Draws
    """
    location, sigma = draws.flat(LOCATION), draws.flat(NOISE)
    result = np.empty(held_out.n_rows)
    step = max(1, BLOCK_VALUES // len(location))
    for start in range(0, held_out.n_rows, step):
        rows = slice(start, min(start + step, held_out.n_rows))
        residual = (held_out.y[rows] - train.origin[-1]) - common_mean(held_out.X[rows], train.origin, location)
        w = _weights(held_out, rows)
        variance = np.broadcast_to(sigma[:, None] ** 2 / w, residual.shape)
        if codes is not None:
            known = codes[rows] >= 0
            safe = np.where(known, codes[rows], 0)
            weight = np.where(known, train.weights[safe], 0.0)
            means = train.means[safe]
            weighted = weight * (means[:, -1] - location[:, :1] - location[:, 1:] @ means[:, :-1].T)
            effect, effect_variance = _effect(weight, weighted, draws)
            residual, variance = residual - effect, variance + effect_variance
        result[rows] = log_mean_exp(normal_log_density(residual, variance))
    return result


def _effect(weight: np.ndarray, weighted_sum: np.ndarray, draws: Draws) -> tuple[np.ndarray, np.ndarray]:
    """Mean and variance of a group's effect given rows of this weight and weighted sum of residuals, shape (S, n)."""
    return given_sum(weight, weighted_sum, draws.flat(NOISE)[:, None], draws.flat(SPREAD)[:, None])


class _Pieces:
    """Each group's rows, compressed to at most K + 1 rows around their mean.

    `rows` (R, K + 1) holds weighted [X y] around the group means, `starts` where each group begins in them, `means`
    the group means relative to the origin, `weights`, `counts` and `log_weights` the sums over rows of w, 1, log w.
    """

    def __init__(self, rows: np.ndarray, starts: np.ndarray, means: np.ndarray, sums: np.ndarray) -> None:
        self.rows = rows
        self.starts = starts
        self.means = means
        self.weights, self.counts, self.log_weights = sums


def _group_pieces(design: InMemoryDesign, codes: np.ndarray, n_groups: int, origin: np.ndarray) -> _Pieces:
    order = np.argsort(codes, kind="stable")
    counts = np.bincount(codes, minlength=n_groups)
    ends = np.cumsum(counts)
    pieces, means = [], np.empty((n_groups, len(origin)))
    sums = np.zeros((3, n_groups))
    for j in range(n_groups):
        rows = order[ends[j] - counts[j] : ends[j]]
        block = np.column_stack([design.X[rows], design.y[rows]]) - origin
        w = np.broadcast_to(_weights(design, rows), len(rows))
        sums[:, j] = w.sum(), len(rows), np.log(w).sum()
        means[j] = w @ block / w.sum()
        centred = np.sqrt(w)[:, None] * (block - means[j])
        pieces.append(np.linalg.qr(centred, mode="r") if len(rows) > len(origin) else centred)
    starts = np.concatenate([[0], np.cumsum([len(piece) for piece in pieces])])
    return _Pieces(np.vstack(pieces), starts, means, sums)


def _blocks_of_groups(pieces: _Pieces, draws: Draws, *, grouped: bool) -> Iterator[Block]:
    location, sigma = draws.flat(LOCATION), draws.flat(NOISE)
    has_intercept = int(location.shape[1] == pieces.means.shape[1])
    slopes = location[:, has_intercept:]
    intercept = location[:, :1] if has_intercept else 0.0
    step = max(1, BLOCK_VALUES // (len(location) * pieces.means.shape[1]))
    variance = sigma[:, None] ** 2
    for start in range(0, len(pieces.means), step):
        groups = slice(start, min(start + step, len(pieces.means)))
        first, last = pieces.starts[groups.start], pieces.starts[groups.stop]
        part = pieces.rows[first:last]
        squares = (part[:, -1] - slopes @ part[:, :-1].T) ** 2
        within = np.add.reduceat(squares, pieces.starts[groups] - first, axis=1)
        means, weights, n = pieces.means[groups], pieces.weights[groups], pieces.counts[groups]
        residual = means[:, -1] - intercept - slopes @ means[:, :-1].T
        # The density of the rows is that of their weighted mean times that of the rows around it.
        around = -0.5 * ((n - 1) * (_LOG_2PI + np.log(variance)) + np.log(weights) - pieces.log_weights[groups])
        around = around - 0.5 * within / variance
        noise = variance / weights
        if not grouped:
            density = around + normal_log_density(residual, noise)
            yield groups, density, density
            continue
        effect, effect_variance = _effect(weights, weights * residual, draws)
        between = draws.flat(SPREAD)[:, None] ** 2
        yield (
            groups,
            around + normal_log_density(residual, noise + between),
            around + normal_log_density(residual - effect, noise + effect_variance),
        )


def _weights(design: InMemoryDesign, rows: slice | np.ndarray) -> np.ndarray:
    """Give the precision weights of some rows, shape (n,), or (1,) where their noise does not differ."""
    return np.ones(1) if design.row_noise is None else design.row_noise.take(rows).weights
