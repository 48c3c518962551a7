"""The marginal posterior of scales and correlations: all effects and the location integrated out in closed form.

It is what the Stan program samples, and serves to find a good place and good axes for that. A Student t prior of the
location is a normal of precision lambda / s^2 with lambda ~ Gamma(nu / 2, nu / 2).

References
----------
Bates & DebRoy (2004), doi:10.1016/j.jmva.2004.04.013 (integrating out by penalised least squares).
Andrews & Mallows (1974), Scale mixtures of normal distributions, doi:10.1111/j.2517-6161.1974.tb00989.x.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from scipy import linalg

from stanhier.engines.multilevel.correlations import factor_adjoint, lkj_weights, log_cosh
from stanhier.engines.multilevel.cross_products import diagonal, pack, row_pairs, unpack
from stanhier.engines.multilevel.layout import TermShape, dense_slices
from stanhier.engines.multilevel.location_priors import LocationTerms
from stanhier.engines.multilevel.scales import ScalePriors, Scales

__all__ = ["MarginalPosterior"]


@dataclass(frozen=True)
class MarginalPosterior:
    """The marginal posterior.

    Attributes
    ----------
    scales : Scales
    eliminated : int
        The term whose effects are integrated out group by group.
    n_rows : int
    R : numpy.ndarray, shape (q, q, H)
        Of each stratum.
    n_groups : numpy.ndarray, shape (H,)
    G0 : numpy.ndarray, shape (C, C)
        Cross-products of [dense, location, y] that no effect of the eliminated term explains.
    moments : numpy.ndarray, shape (C (C + 1) / 2, H q (q + 1) / 2)
        As `moments_of` gives them.
    location : LocationTerms
        Priors of the location in the coordinates of G0 and moments.
    priors : ScalePriors
    """

    scales: Scales
    eliminated: int
    n_rows: int
    R: np.ndarray
    n_groups: np.ndarray
    G0: np.ndarray
    moments: np.ndarray
    location: LocationTerms
    priors: ScalePriors

    @property
    def terms(self) -> tuple[TermShape, ...]:
        """The terms."""
        return self.scales.terms

    @cached_property
    def _lkj(self) -> np.ndarray:
        return lkj_weights([size for term in self.terms for size in term.blocks], self.priors.eta)

    @cached_property
    def _dense(self) -> list[tuple[int, slice]]:
        places = enumerate(dense_slices(self.terms, self.eliminated))
        return [(t, place) for t, place in places if t != self.eliminated]

    def log_density(self, point: np.ndarray) -> float:
        """Give the log density at a point, shape (L,), up to a constant; -inf where it cannot be computed."""
        return self._at(point).value

    def value_and_gradient(self, point: np.ndarray) -> tuple[float, np.ndarray]:
        """Give the log density, and its gradient, shape (L,)."""
        at = self._at(point)
        gradient = np.zeros(len(point))
        if not np.isfinite(at.value):
            return at.value, gradient
        # Second moments of (effects, location, -1), whose product with a derivative of K is -2 times that of the value.
        W = np.empty_like(at.of_rows)
        W[:-1, :-1] = at.covariance + np.outer(at.mean, at.mean)
        W[-1, :-1] = W[:-1, -1] = -at.mean
        W[-1, -1] = 1.0
        adjoints = [np.zeros_like(Lambda) for Lambda in at.Lambdas]
        to_log_sigma = -self.n_rows + float((at.of_rows * W).sum())
        GDW = at.GD @ W / at.sigma
        for t, place in self._dense:
            levels, effects = self.terms[t].n_levels, self.terms[t].q
            blocks = GDW[place, place].reshape(levels, effects, levels, effects)
            adjoints[t] = -np.einsum("jajb->ab", blocks)
            to_log_sigma += float((adjoints[t] * at.Lambdas[t]).sum())
        adjoints[self.eliminated] = self._adjoint_of_groups(at, W)
        self._to_coordinates(gradient, point, at, adjoints)
        gradient += self._prior(point)[1]
        gradient[self.scales.log_sigma] += to_log_sigma
        n_dense = len(W) - 1 - len(self.location.residual)
        gradient[self.scales.log_lambda] += self.location.lambda_gradient(W[n_dense:, n_dense:], at.lambdas)
        return at.value, gradient

    def _at(self, point: np.ndarray) -> "_Evaluation":
        log_sigma = self._log_sigma(point)
        sigma, lambdas = np.exp(log_sigma), np.exp(point[self.scales.log_lambda])
        factors, Lambdas = self.scales.factors(point)

        # The eliminated term: the covariance of its groups' rows, and the cross-products weighted by its inverse.
        F = np.einsum("klh,lm->kmh", self.R, Lambdas[self.eliminated])
        inverse, log_determinant = _inverse_of_one_plus(F)
        width = len(self.G0)
        weights = np.stack([inverse[k, m] for k, m in row_pairs(len(F))], axis=1).ravel()
        G = self.G0 + unpack(self.moments @ weights, width)

        # The other terms' columns are scaled so that their effects have standard normal priors.
        unit = [sigma * Lambda for Lambda in Lambdas]
        GD = self._scaled(G, unit)
        of_rows = self._scaled(GD.T, unit).T / sigma**2
        K = of_rows.copy()
        n_dense = width - 1 - len(self.location.residual)
        K[range(n_dense), range(n_dense)] += 1.0
        K[n_dense:, n_dense:] += self.location.quadratic(lambdas)
        try:
            cholesky = np.linalg.cholesky(K[:-1, :-1])
        except np.linalg.LinAlgError:
            cholesky = np.full((width - 1, width - 1), np.nan)
        solved = linalg.solve_triangular(
            cholesky, np.column_stack([np.eye(width - 1), K[:-1, -1]]), lower=True, check_finite=False
        )
        # Where sigma is small against effects, only so far does what is left of the response keep digits.
        half, explained = solved[:, :-1], solved[:, -1]
        covariance, mean = half.T @ half, half.T @ explained
        value = -self.n_rows * log_sigma - 0.5 * float(self.n_groups @ log_determinant)
        value -= float(np.log(np.diag(cholesky)).sum() + 0.5 * (K[-1, -1] - explained @ explained))
        value += self._prior(point)[0] + self.location.lambda_density(lambdas)
        if not np.isfinite(value):
            value = -np.inf
        return _Evaluation(
            value, sigma, lambdas, factors, Lambdas, unit, F, inverse, GD, of_rows, covariance=covariance, mean=mean
        )

    def _log_sigma(self, point: np.ndarray) -> float:
        return float(point[self.scales.log_sigma][0]) if self.priors.sigma is None else float(np.log(self.priors.sigma))

    def _adjoint_of_groups(self, at: "_Evaluation", W: np.ndarray) -> np.ndarray:
        """Give the derivative with respect to the eliminated term's Lambda."""
        back = [factor.T for factor in at.unit]
        around = self._scaled(self._scaled(W, back).T, back) / at.sigma**2
        doubled = pack(2 * around)
        doubled[diagonal(len(around))] /= 2
        by_pair = (doubled @ self.moments).reshape(len(self.n_groups), -1)
        E = np.empty_like(at.inverse)
        for p, (k, m) in enumerate(row_pairs(len(at.F))):
            E[k, m] = E[m, k] = by_pair[:, p] if k == m else 0.5 * by_pair[:, p]
        inner = np.einsum("klh,lmh->kmh", np.einsum("klh,lmh->kmh", at.inverse, E), at.inverse)
        inner -= self.n_groups * at.inverse
        return np.asarray(np.einsum("klh,knh->ln", self.R, np.einsum("kmh,mnh->knh", inner, at.F)))

    def _scaled(self, matrix: np.ndarray, unit: Sequence[np.ndarray]) -> np.ndarray:
        """Multiply the columns of each level of the dense terms by a matrix of the term."""
        result = matrix.copy()
        for t, place in self._dense:
            blocks = matrix[:, place].reshape(len(matrix), self.terms[t].n_levels, self.terms[t].q)
            result[:, place] = (blocks @ unit[t]).reshape(len(matrix), -1)
        return result

    def _to_coordinates(
        self, gradient: np.ndarray, point: np.ndarray, at: "_Evaluation", adjoints: list[np.ndarray]
    ) -> None:
        """Add what derivatives with respect to Lambda say of standard deviations and correlations."""
        first = self.scales.partial.start
        for t, (sd, cor) in enumerate(zip(self.scales.sds, self.scales.cors, strict=True)):
            lower = np.tril(adjoints[t])
            gradient[sd] += (lower * at.Lambdas[t]).sum(axis=1)
            if cor.stop > cor.start:
                own = slice(first + cor.start, first + cor.stop)
                to_factor = lower * np.exp(point[sd])[:, None]
                gradient[own] += factor_adjoint(point[own], self.terms[t].blocks, at.factors[t], to_factor)

    def _prior(self, point: np.ndarray) -> tuple[float, np.ndarray]:
        """Give the log prior of scales and correlations, and its gradient."""
        n_sds, log_sigma = self.scales.n_sds, self._log_sigma(point)
        log_scales = point[:n_sds] + log_sigma
        if self.scales.estimated:
            log_scales = np.append(log_scales, log_sigma)
        value, slopes = self.priors.log_density(log_scales)
        gradient = np.zeros(len(point))
        gradient[:n_sds] = slopes[:n_sds]
        gradient[self.scales.log_sigma] = slopes.sum()
        partial = point[self.scales.partial]
        gradient[self.scales.partial] = self._lkj * np.tanh(partial)
        return value + float(self._lkj @ log_cosh(partial)), gradient


@dataclass(frozen=True)
class _Evaluation:
    """The log density at a point, and what its gradient is made from."""

    value: float
    sigma: float
    lambdas: np.ndarray
    factors: list[np.ndarray]
    Lambdas: list[np.ndarray]
    unit: list[np.ndarray]
    F: np.ndarray
    inverse: np.ndarray
    GD: np.ndarray
    of_rows: np.ndarray
    covariance: np.ndarray
    mean: np.ndarray


def _inverse_of_one_plus(F: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Give the inverse, shape (q, q, H), and the log determinant, (H,), of I + F F'."""
    q = len(F)
    V = np.einsum("kmh,lmh->klh", F, F)
    V[range(q), range(q)] += 1.0
    if q == 1:
        return 1.0 / V, np.log(V[0, 0])
    if q == 2:
        # So written the determinant does not cancel, however large F is.
        determinant = 1.0 + np.square(F).sum(axis=(0, 1)) + (F[0, 0] * F[1, 1] - F[0, 1] * F[1, 0]) ** 2
        swapped = np.array([[V[1, 1], -V[0, 1]], [-V[1, 0], V[0, 0]]])
        return swapped / determinant, np.log(determinant)
    stacked = np.ascontiguousarray(V.transpose(2, 0, 1))
    log_determinant = 2 * np.log(np.diagonal(np.linalg.cholesky(stacked), axis1=1, axis2=2)).sum(axis=1)
    return np.ascontiguousarray(np.linalg.inv(stacked).transpose(1, 2, 0)), log_determinant
