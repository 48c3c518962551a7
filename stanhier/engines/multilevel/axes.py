"""Coordinates of the location in which the cross-products of its columns lose no digits.

The location is integrated out, so that its axes serve accuracy alone: products are formed of columns that are all but
orthonormal, and of a response that is centred.

References
----------
Cox & Higham (1998), Stability of Householder QR factorization for weighted least squares problems, in Numerical
Analysis 1997 (rows of very different size).
"""

from dataclasses import dataclass

import numpy as np

from stanhier.engines.gaussian.marginal import LocationPriors, refuse_undetermined
from stanhier.engines.multilevel.layout import dense_slices
from stanhier.engines.multilevel.location_priors import location_terms
from stanhier.engines.multilevel.scales import ScalePriors, Scales
from stanhier.engines.multilevel.statistics import Statistics
from stanhier.engines.triangular import triangular_factor

__all__ = ["Axes", "axes_at"]


@dataclass(frozen=True)
class Axes:
    """Coordinates of the location: location = centre + basis @ phi.

    Attributes
    ----------
    centre : numpy.ndarray, shape (P,)
    basis : numpy.ndarray, shape (P, P)
        Upper triangular.
    """

    centre: np.ndarray
    basis: np.ndarray

    def columns(self, n_dense: int) -> np.ndarray:
        """Give the matrix that takes columns [dense, location, y] to these coordinates, shape (C, C)."""
        taken = np.eye(n_dense + len(self.centre) + 1)
        taken[n_dense:-1, n_dense:-1] = self.basis
        taken[n_dense:-1, -1] = -self.centre
        return taken


def axes_at(
    statistics: Statistics, scales: Scales, priors: LocationPriors, scale_priors: ScalePriors, point: np.ndarray
) -> Axes:
    """Choose coordinates in which the location has unit covariance at a point, the dense effects integrated out.

    Parameters
    ----------
    statistics : Statistics
    scales : Scales
    priors : LocationPriors
    scale_priors : ScalePriors
    point : numpy.ndarray, shape (L,)

    Raises
    ------
    RankDeficientError
        If a direction of the location is determined neither by the rows nor by the priors.
    """
    rows = _rows(statistics, scales, priors, scale_priors, point)
    n_location = statistics.n_location
    # Large rows first, so that small ones keep their digits beside them.
    rows = rows[np.argsort(-np.abs(rows[:, :-1]).max(axis=1, initial=0.0), kind="stable")]
    refuse_undetermined(rows[:, :-1], n_location)
    factor = np.linalg.qr(rows, mode="r")
    first = statistics.n_dense
    own = factor[first : first + n_location, first:]
    basis = np.linalg.solve(own[:, :-1], np.eye(n_location))
    return Axes(centre=basis @ own[:, -1], basis=np.triu(basis))


def _rows(
    statistics: Statistics, scales: Scales, priors: LocationPriors, scale_priors: ScalePriors, point: np.ndarray
) -> np.ndarray:
    """Give rows [dense, location | y] of the least-squares problem at a point, the priors' below those of the data."""
    sigma = scale_priors.sigma if scale_priors.sigma is not None else float(np.exp(point[scales.log_sigma][0]))
    _, Lambdas = scales.factors(point)
    strata = statistics.strata
    F = strata.R @ Lambdas[statistics.eliminated]
    q = F.shape[1]
    L = np.linalg.cholesky(np.eye(q) + F @ F.transpose(0, 2, 1))[strata.stratum]
    whitened = statistics.B.copy()
    for k in range(q):
        for m in range(k):
            whitened[:, k] -= L[:, k, m, None] * whitened[:, m]
        whitened[:, k] /= L[:, k, k, None]
    width = whitened.shape[2]
    data = triangular_factor((statistics.T, whitened.reshape(-1, width)), width) / sigma
    for t, place in enumerate(dense_slices(statistics.terms, statistics.eliminated)):
        if t != statistics.eliminated:
            blocks = data[:, place].reshape(width, -1, statistics.terms[t].q)
            data[:, place] = (blocks @ (sigma * Lambdas[t])).reshape(width, -1)
    n_dense, n_location = statistics.n_dense, statistics.n_location
    ours = location_terms(priors, np.zeros(n_location), np.eye(n_location))
    root = np.sqrt(ours.precisions(np.exp(point[scales.log_lambda])))
    prior_rows = np.column_stack([ours.rows, -ours.residual]) * root[:, None]
    below = np.zeros((n_dense + n_location, width))
    below[:n_dense, :n_dense] = np.eye(n_dense)
    below[n_dense:, n_dense:] = prior_rows
    return np.vstack([data, below])
