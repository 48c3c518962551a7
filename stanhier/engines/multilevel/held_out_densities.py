"""Log posterior mean densities of rows that the draws have not seen."""

import numpy as np

from stanhier.engines.engine import BLOCK_VALUES, log_mean_exp
from stanhier.engines.gaussian.likelihood import normal_log_density
from stanhier.engines.multilevel.given import Given, GroupedRows, effect_products, root_weights
from stanhier.engines.multilevel.small_matrices import quadratic_form

__all__ = ["held_out_densities"]


def held_out_densities(rows: GroupedRows, known: tuple[np.ndarray, ...], given: Given) -> np.ndarray:
    """Log of the posterior mean density of each row by itself, shape (N,).

    The effect of a level that the draws have not seen is integrated out over its population, that of another one over
    its distribution given the rows behind the draws where this is known in closed form; else it is the draws' own.

    Parameters
    ----------
    rows : GroupedRows
    known : tuple of numpy.ndarray of int, shape (N,)
        For each grouping factor, for each row, the position of its level among those of the draws; -1 for one that is
        not there.
    given : Given
    """
    matrices = [rows.effect_matrix(term) for term in range(len(known))]
    widest = max((Z.shape[1] for Z in matrices), default=1)
    step = max(1, BLOCK_VALUES // (given.n_draws * widest))
    result = np.empty(len(rows.y))
    # Rows of a level together, so that its moments are calculated once.
    order = np.lexsort([known[term] for term in given.moments]) if given.moments else np.arange(len(rows.y))
    for start in range(0, len(result), step):
        positions = order[start : start + step]
        residuals = given.around_population(rows, positions)
        variance = np.broadcast_to((given.sigma[:, None] / root_weights(rows, positions)) ** 2, residuals.shape).copy()
        for term, (codes, Z) in enumerate(zip(known, matrices, strict=True)):
            _add_known(residuals, variance, given, term, codes[positions], Z[positions])
            _add_new(variance, given, term, codes[positions] < 0, Z[positions])
        result[positions] = log_mean_exp(normal_log_density(residuals, variance))
    return result


def _add_known(
    residuals: np.ndarray,
    variance: np.ndarray,
    given: Given,
    term: int,
    codes: np.ndarray,
    Z: np.ndarray,
) -> None:
    there = np.flatnonzero(codes >= 0)
    if not len(there):
        return
    levels, inverse = np.unique(codes[there], return_inverse=True)
    if term not in given.moments:
        residuals[:, there] -= effect_products(given.effects(term, levels), inverse, Z[there])
        return
    mean, covariance = given.moments[term](levels)
    residuals[:, there] -= effect_products(mean, inverse, Z[there])
    variance[:, there] += quadratic_form(np.moveaxis(covariance, (0, 1), (2, 3)), inverse, Z[there].T)


def _add_new(variance: np.ndarray, given: Given, term: int, new: np.ndarray, Z: np.ndarray) -> None:
    spread = np.einsum("skl,nk->lsn", given.factors[term], Z[new])
    variance[:, new] += np.square(spread).sum(axis=0)
