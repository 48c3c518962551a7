"""The marginal posterior of the scales of a model of many predictors, by sums of products instead of factors.

A factor of all rows at each point is most of the time that such a model takes. In the coordinates in which the rows at
one point are orthonormal the matrix of the normal equations is the identity there, and well conditioned wherever the
search goes: products lose nothing, and what is left at a point is a weighted sum of matrices and its Cholesky factor.

References
----------
Golub & Van Loan (2013), Matrix Computations, sections 5.3 and 6.1 (normal equations; preconditioning by R).
"""

from collections.abc import Callable

import numpy as np

from stanhier.engines.gaussian.marginal import MarginalPosterior
from stanhier.engines.gaussian.weight_nodes import nodes_of, summed_at

__all__ = ["MANY", "marginal_around"]

MANY = 64
"""Location parameters from which on products of P by P matrices are what a model spends its time with."""


def marginal_around(
    problem: MarginalPosterior, log_scales: np.ndarray, prior_sd: np.ndarray
) -> Callable[[np.ndarray], float]:
    """Give minus the log posterior of the log scales, to be looked at around a point.

    Parameters
    ----------
    problem : MarginalPosterior
    log_scales : numpy.ndarray, shape (L,)
        The point.
    prior_sd : numpy.ndarray, shape (P,)
        Of normal priors of the location.
    """
    parts = problem.parts(*problem.scales(log_scales), prior_sd)
    stacked = np.vstack(parts)
    n_rows, width = stacked.shape
    if not MANY < width <= n_rows:
        return lambda at: problem.negative_log_marginal(at, prior_sd)
    q, factor = np.linalg.qr(stacked)
    pieces = np.split(q, np.cumsum([len(part) for part in parts])[:-1])
    return _InProducts(problem, log_scales, pieces, np.abs(np.diag(factor)))


class _InProducts:
    """Minus the log posterior of the log scales, in coordinates in which the rows are orthonormal at one point."""

    def __init__(
        self, problem: MarginalPosterior, log_scales: np.ndarray, pieces: list[np.ndarray], diagonal: np.ndarray
    ) -> None:
        self._problem = problem
        self._diagonal = diagonal
        self._sigma, self._sigma_alpha = problem.scales(log_scales)
        width = len(diagonal)
        self._lower = np.tril_indices(width)
        products = [(pieces[0].T @ pieces[0])[None], (pieces[-1].T @ pieces[-1])[None]]
        self._weight = np.empty(0)
        if problem.strata is not None:
            nodes = nodes_of(problem.strata.weight)
            self._weight = np.concatenate([part.weight for part in nodes])
            products.append(summed_at(nodes, problem.strata, pieces[1], (self._sigma, self._sigma_alpha)))
        self._products = np.vstack(products)[:, *self._lower]

    def __call__(self, log_scales: np.ndarray) -> float:
        """Look at a point."""
        sigma, sigma_alpha = self._problem.scales(log_scales)
        before = self._sigma_alpha**2 + self._sigma**2 / self._weight
        shares = np.concatenate(
            [[(self._sigma / sigma) ** 2, 1.0], before / (sigma_alpha**2 + sigma**2 / self._weight)]
        )
        matrix = np.zeros((len(self._diagonal),) * 2)
        matrix[self._lower] = shares @ self._products
        factor = np.diag(np.linalg.cholesky(matrix)) * self._diagonal
        return self._problem.negative_log_of(log_scales, factor[:-1], factor[-1] ** 2)
