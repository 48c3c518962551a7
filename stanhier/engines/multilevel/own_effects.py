"""What the rows of a group alone say of its effects: estimates without pooling."""

import numpy as np

from stanhier.engines.draws import Draws
from stanhier.engines.engine import BLOCK_VALUES
from stanhier.engines.multilevel.effects import dense_effects, effect_means
from stanhier.engines.multilevel.layout import DENSE, LOCATION, dense_slices
from stanhier.engines.multilevel.statistics import Statistics

__all__ = ["least_squares", "own_effects"]

_MOST_VALUES, _LEAST_DRAWS = 1 << 26, 200
_TOLD_APART = 1e-10
"""Least eigenvalue of a group's cross-products, scaled to a diagonal of 1, of which its rows tell the effects."""


def own_effects(statistics: Statistics, draws: Draws, term: int) -> np.ndarray:
    """Give least-squares estimates of the effects of each group from its rows alone.

    Parameters
    ----------
    statistics : Statistics
    draws : Draws
        The population and the effects of other factors are taken at their means.
    term : int

    Returns
    -------
    numpy.ndarray, shape (J, q)
        Nan where the rows of a group do not tell its effects.
    """
    dense = [draws.flat(DENSE)] if statistics.n_dense else []
    coefficients = np.hstack([*dense, draws.flat(LOCATION)]).mean(axis=0)
    residual = np.append(-coefficients, 1.0)
    if term == statistics.eliminated:
        R = statistics.R
        return least_squares(np.einsum("jkl,jkm->jlm", R, R), np.einsum("jkl,jk->jl", R, statistics.B @ residual))
    shape, place = statistics.terms[term], dense_slices(statistics.terms, statistics.eliminated)[term]
    own = dense_effects(draws, statistics.terms, statistics.eliminated, term).mean(axis=0)
    others = _mean_effects(statistics, draws)
    # Residuals of all that is eliminated too: what is left of the first rows of each group are R_j (b_j - mean).
    left = statistics.B @ residual - np.einsum("jkl,jl->jk", statistics.R, others)
    columns = np.vstack([statistics.T[:, place], statistics.B[:, :, place].reshape(-1, place.stop - place.start)])
    right = columns.T @ np.concatenate([statistics.T @ residual, left.ravel()])
    cross = np.empty((shape.n_levels, shape.q, shape.q))
    for level in range(shape.n_levels):
        part = slice(level * shape.q, (level + 1) * shape.q)
        cross[level] = columns[:, part].T @ columns[:, part]
    pulled = right.reshape(shape.n_levels, shape.q) + np.einsum("jkl,jl->jk", cross, own)
    return least_squares(cross, pulled)


def _mean_effects(statistics: Statistics, draws: Draws) -> np.ndarray:
    """Give posterior means of the eliminated term's effects, shape (J, q); of very many groups by some of the draws."""
    n_groups = statistics.n_groups
    n_draws = int(np.clip(_MOST_VALUES // n_groups, min(_LEAST_DRAWS, draws.n_draws), draws.n_draws))
    some = draws.only(np.unique(np.linspace(0, draws.n_draws - 1, n_draws).astype(int)))
    step = max(1, BLOCK_VALUES // some.n_draws)
    blocks = (np.arange(start, min(start + step, n_groups)) for start in range(0, n_groups, step))
    return np.concatenate(
        [effect_means(statistics, statistics.eliminated, block, some).mean(axis=0) for block in blocks]
    )


def least_squares(cross: np.ndarray, right: np.ndarray) -> np.ndarray:
    """Solve cross @ effects = right for each group, shape (J, q); nan where this has no single solution.

    Parameters
    ----------
    cross : numpy.ndarray, shape (J, q, q)
    right : numpy.ndarray, shape (J, q)
    """
    scale = np.sqrt(np.diagonal(cross, axis1=1, axis2=2))
    scale = np.where(scale > 0, scale, 1.0)
    scaled = cross / (scale[:, :, None] * scale[:, None, :])
    told = np.linalg.eigvalsh(scaled)[:, 0] > _TOLD_APART
    estimates = np.full(right.shape, np.nan)
    solved = np.linalg.solve(scaled[told], (right[told] / scale[told])[:, :, None])[:, :, 0]
    estimates[told] = solved / scale[told]
    return estimates
