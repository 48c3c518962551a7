"""Location and dense effects, integrated out while sampling, drawn back exactly given scales and correlations.

Given these, dense effects zeta (of standard normal prior) and location phi (in the axes of the whitening) are normal
with precision Q = D'GD / sigma^2 + Omega, as while sampling; G of many draws comes from one product of the packed
cross-products with the packed V^-1 of all strata.

References
----------
Bates & DebRoy (2004), doi:10.1016/j.jmva.2004.04.013.
"""

import numpy as np

from stanhier.basics.threads import in_threads
from stanhier.engines.multilevel.axes import Axes
from stanhier.engines.multilevel.cross_products import row_pairs
from stanhier.engines.multilevel.layout import cholesky_factors, cor_slices, dense_slices, sd_slices
from stanhier.engines.multilevel.marginal import MarginalPosterior
from stanhier.engines.multilevel.small_matrices import cholesky, forward, squared
from stanhier.engines.multilevel.whitening import ScaleDraws

__all__ = ["draw_location", "log_marginal"]

BATCH_VALUES = 1 << 21
"""Numbers that a batch of draws needs at once, about: 16 MB, in each of as many threads as there are."""


def draw_location(
    posterior: MarginalPosterior, axes: Axes, scales: ScaleDraws, noise: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Draw the effects of all terms but the eliminated one, and the location.

    Parameters
    ----------
    posterior : MarginalPosterior
        In coordinates of these axes.
    axes : Axes
    scales : ScaleDraws
    noise : numpy.ndarray, shape (S, M + P)
        Standard normal.

    Returns
    -------
    dense : numpy.ndarray, shape (S, M)
    location : numpy.ndarray, shape (S, P)
    """
    (n_draws, size), n_location = noise.shape, len(axes.centre)
    found = np.empty((n_draws, size))
    if size == 0:
        return found, found
    step = _step(posterior, size)

    def draw(start: int) -> None:
        part = slice(start, min(start + step, n_draws))
        found[part] = _draw(posterior, _part(scales, part), noise[part])

    # numpy's linear algebra lets other threads run, and batches are independent of each other.
    in_threads(draw, range(0, n_draws, step))
    return found[:, : size - n_location], axes.centre + found[:, size - n_location :] @ axes.basis.T


def _part(scales: ScaleDraws, part: slice) -> ScaleDraws:
    return ScaleDraws(scales.sd[part], scales.cor[part], scales.sigma[part], scales.lambdas[part])


def log_marginal(posterior: MarginalPosterior, axes: Axes, scales: ScaleDraws) -> np.ndarray:
    """Give the log density of the rows given scales, correlations and lambdas alone, shape (S,), up to a constant.

    The constant is the same for the same model on other rows, but for that of the axes, which is included.
    """
    size, n_draws = len(posterior.G0) - 1, len(scales.sigma)
    found = np.empty(n_draws)
    step = _step(posterior, size)

    def density(start: int) -> None:
        part = slice(start, min(start + step, n_draws))
        K, _, determinants = _joint(posterior, _part(scales, part))
        lower = np.linalg.cholesky(K[:, :-1, :-1])
        half = np.linalg.solve(lower, K[:, :-1, -1:])[:, :, 0]
        rest = K[:, -1, -1] - np.square(half).sum(axis=1)
        own = np.log(np.diagonal(lower, axis1=1, axis2=2)).sum(axis=1)
        found[part] = -posterior.n_rows * np.log(scales.sigma[part]) - 0.5 * (determinants + rest) - own

    in_threads(density, range(0, n_draws, step))
    return np.asarray(found + np.log(np.abs(np.diag(axes.basis))).sum())


def _step(posterior: MarginalPosterior, size: int) -> int:
    """Give how many draws fit into a batch."""
    q, _, n_strata = posterior.R.shape
    return max(1, BATCH_VALUES // int(6 * (size + 1) ** 2 + 4 * n_strata * q * q))


def _draw(posterior: MarginalPosterior, scales: ScaleDraws, noise: np.ndarray) -> np.ndarray:
    """Dense effects and phi of a batch of draws, shape (S, M + P)."""
    K, factors, _ = _joint(posterior, scales)
    inverse = np.linalg.inv(np.linalg.cholesky(K[:, :-1, :-1]))
    half = (inverse @ K[:, :-1, -1:])[:, :, 0] + noise
    found = np.einsum("sij,si->sj", inverse, half)
    for t, place in enumerate(dense_slices(posterior.terms, posterior.eliminated)):
        if place.stop > place.start:
            effects = found[:, place].reshape(len(found), -1, posterior.terms[t].q)
            found[:, place] = (effects @ factors[t].swapaxes(1, 2)).reshape(len(found), -1)
    return np.asarray(found)


def _joint(posterior: MarginalPosterior, scales: ScaleDraws) -> tuple[np.ndarray, list[np.ndarray], np.ndarray]:
    """Give what dense effects, phi and the response have in common.

    Returns
    -------
    numpy.ndarray, shape (S, C, C)
        Precision of [zeta, phi], its product with their mean, and the sum of squares at 0.
    list of numpy.ndarray, shape (S, q, q)
        Triangular factors of the covariances of each term's effects.
    numpy.ndarray, shape (S,)
        Sums of log |V_h| over the groups.
    """
    factors = _factors(posterior, scales)
    variance = scales.sigma[:, None, None] ** 2
    own = np.moveaxis(factors[posterior.eliminated] / scales.sigma[:, None, None], 0, -1)
    products, determinants = _cross_products(posterior, own)
    K = _scaled(posterior, _scaled(posterior, products, factors).swapaxes(1, 2), factors) / variance
    location = posterior.location
    n_dense = K.shape[1] - 1 - len(location.residual)
    K[:, range(n_dense), range(n_dense)] += 1.0
    rows = np.column_stack([location.rows, -location.residual])
    precisions = location.precision * np.column_stack([np.ones(len(K)), scales.lambdas])[:, location.student]
    K[:, n_dense:, n_dense:] += (rows.T * precisions[:, None, :]) @ rows
    return K, factors, determinants


def _factors(posterior: MarginalPosterior, scales: ScaleDraws) -> list[np.ndarray]:
    """Lower triangular factors of the covariance matrices of each term's effects, shape (S, q, q)."""
    terms = posterior.terms
    return [
        cholesky_factors(scales.sd[:, sd], scales.cor[:, cor], term.blocks)
        for term, sd, cor in zip(terms, sd_slices(terms), cor_slices(terms), strict=True)
    ]


def _cross_products(posterior: MarginalPosterior, factors: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """G of each draw, shape (S, C, C), and the sums of log |V_h| over the groups, shape (S,)."""
    q, _, n_strata = posterior.R.shape
    F = np.einsum("klh,lms->kmhs", posterior.R, factors)
    V = np.einsum("kmhs,lmhs->klhs", F, F)
    V[range(q), range(q)] += 1.0
    unit = np.eye(q)[:, :, None, None]
    lower = cholesky(V)
    V_inverse = squared(np.stack([forward(lower, unit[:, k]) for k in range(q)], axis=1))
    weights = np.stack([V_inverse[k, m] for k, m in row_pairs(q)], axis=1).reshape(n_strata * len(row_pairs(q)), -1)
    width = len(posterior.G0)
    rows, columns = np.tril_indices(width)
    packed = weights.T @ posterior.moments.T
    G = np.empty((len(packed), width, width))
    G[:, rows, columns] = packed
    G[:, columns, rows] = packed
    determinants = 2.0 * posterior.n_groups @ np.log([lower[k, k] for k in range(q)]).sum(axis=0)
    return G + posterior.G0, determinants


def _scaled(posterior: MarginalPosterior, matrices: np.ndarray, factors: list[np.ndarray]) -> np.ndarray:
    """Multiply the columns of each level of the dense terms by the term's factor, shape (S, C, C)."""
    result = matrices.copy()
    for t, place in enumerate(dense_slices(posterior.terms, posterior.eliminated)):
        if place.stop > place.start:
            n_draws, width, _ = matrices.shape
            blocks = matrices[:, :, place].reshape(n_draws, width, -1, posterior.terms[t].q)
            result[:, :, place] = (blocks @ factors[t][:, None]).reshape(n_draws, width, -1)
    return result
