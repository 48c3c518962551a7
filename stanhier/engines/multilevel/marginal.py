"""The marginal posterior of scales and correlations: all effects and the location integrated out in closed form.

It is what the Stan program samples, and serves to find a good place and good axes for that. Coordinates are, in this
order, logarithms of the standard deviations of effects relative to sigma, inverse hyperbolic tangents of partial
correlations, log(sigma) where it is estimated, and the logarithms of the factors lambda on the precisions of Student t
priors, a normal's precision being lambda / s^2 with lambda ~ Gamma(nu / 2, nu / 2).

References
----------
Bates & DebRoy (2004), doi:10.1016/j.jmva.2004.04.013 (integrating out by penalised least squares).
Andrews & Mallows (1974), Scale mixtures of normal distributions, doi:10.1111/j.2517-6161.1974.tb00989.x.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from stanhier.engines.multilevel.correlations import correlation_factors, factor_adjoint, lkj_weights, log_cosh
from stanhier.engines.multilevel.cross_products import pack, row_pairs, unpack
from stanhier.engines.multilevel.layout import TermShape, cor_slices, dense_slices, sd_slices
from stanhier.engines.multilevel.location_priors import LocationTerms
from stanhier.priors.numbers import EXPONENTIAL, NORMAL, STUDENT_T, PriorNumbers

__all__ = ["MarginalPosterior", "ScalePriors", "Scales"]


@dataclass(frozen=True)
class ScalePriors:
    """Priors of scales and correlations.

    Attributes
    ----------
    numbers : PriorNumbers
        Of the Q standard deviations of effects, then of sigma where it is estimated.
    eta : tuple of float
        LKJ priors of the blocks, term by term.
    sigma : float or None
        The residual standard deviation where it is known.
    """

    numbers: PriorNumbers
    eta: tuple[float, ...]
    sigma: float | None

    def log_density(self, log_scales: np.ndarray) -> tuple[float, np.ndarray]:
        """Give the log density of the logarithms of the scales up to a constant, and its gradient."""
        x = np.exp(log_scales) / self.numbers.sigma
        family, nu = self.numbers.family, self.numbers.nu
        squares = x**2 / np.where(family == STUDENT_T, nu, 1.0)
        kinds = [family == NORMAL, family == STUDENT_T, family == EXPONENTIAL]
        values = np.select(kinds, [-0.5 * x**2, -0.5 * (nu + 1) * np.log1p(squares), -x], 0.0)
        slopes = np.select(kinds, [-(x**2), -(nu + 1) * squares / (1 + squares), -x], 0.0)
        return float(values.sum() + log_scales.sum()), slopes + 1.0


@dataclass(frozen=True)
class Scales:
    """Where the coordinates stand.

    Attributes
    ----------
    terms : tuple of TermShape
    estimated : bool
        Whether sigma is.
    n_student : int
        Number of Student t priors of the location.
    """

    terms: tuple[TermShape, ...]
    estimated: bool
    n_student: int

    @property
    def n_sds(self) -> int:
        """Q."""
        return sum(term.q for term in self.terms)

    @property
    def n_correlations(self) -> int:
        """Number of correlations of all terms."""
        return sum(term.n_correlations for term in self.terms)

    @property
    def size(self) -> int:
        """L."""
        return self.n_sds + self.n_correlations + int(self.estimated) + self.n_student

    @property
    def partial(self) -> slice:
        """The partial correlations."""
        return slice(self.n_sds, self.n_sds + self.n_correlations)

    @property
    def log_sigma(self) -> slice:
        """log(sigma); empty where it is known."""
        return slice(self.partial.stop, self.partial.stop + int(self.estimated))

    @property
    def log_lambda(self) -> slice:
        """The factors on precisions."""
        return slice(self.log_sigma.stop, self.size)

    def factors(self, point: np.ndarray) -> tuple[list[np.ndarray], list[np.ndarray]]:
        """Give for each term the factor of its correlations, and Lambda, that of its covariance over sigma^2."""
        partial = point[self.partial]
        parts = zip(self.terms, sd_slices(self.terms), cor_slices(self.terms), strict=True)
        pairs = [
            (correlation_factors(partial[None, cor], term.blocks)[0], np.exp(point[sd])[:, None])
            for term, sd, cor in parts
        ]
        return [factor for factor, _ in pairs], [ratio * factor for factor, ratio in pairs]


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

    def value_and_gradient(self, point: np.ndarray) -> tuple[float, np.ndarray]:
        """Give the log density at a point, shape (L,), up to a constant, and its gradient; -inf where there is none."""
        log_sigma = float(point[self.scales.log_sigma][0]) if self.priors.sigma is None else np.log(self.priors.sigma)
        sigma = np.exp(log_sigma)
        factors, Lambdas = self.scales.factors(point)
        gradient = np.zeros(len(point))
        value = -self.n_rows * log_sigma

        # The eliminated term: the covariance of its groups' rows, and the cross-products weighted by its inverse.
        F = np.einsum("klh,lm->kmh", self.R, Lambdas[self.eliminated])
        inverse, log_determinant = _inverse_of_one_plus(F)
        value -= 0.5 * float(self.n_groups @ log_determinant)
        q, width = len(F), len(self.G0)
        pairs = row_pairs(q)
        weights = np.stack([inverse[k, m] for k, m in pairs], axis=1).ravel()
        G = self.G0 + unpack(self.moments @ weights, width)

        # The other terms' columns are scaled so that their effects have standard normal priors.
        unit = [sigma * Lambda for Lambda in Lambdas]
        GD = self._scaled(G, unit)
        rows_part = self._scaled(GD.T, unit).T / sigma**2
        K, lambdas = rows_part.copy(), np.exp(point[self.scales.log_lambda])
        n_dense = width - 1 - len(self.location.residual)
        K[range(n_dense), range(n_dense)] += 1.0
        K[n_dense:, n_dense:] += self.location.quadratic(lambdas)
        try:
            cholesky = np.linalg.cholesky(K[:-1, :-1])
        except np.linalg.LinAlgError:
            return -np.inf, gradient
        half = np.linalg.inv(cholesky)
        covariance = half.T @ half
        mean = covariance @ K[:-1, -1]
        value -= np.log(np.diag(cholesky)).sum() + 0.5 * (K[-1, -1] - K[-1, :-1] @ mean)

        # Second moments of (effects, location, -1), whose product with a derivative of K is -2 times that of the value.
        W = np.empty_like(K)
        W[:-1, :-1] = covariance + np.outer(mean, mean)
        W[-1, :-1] = W[:-1, -1] = -mean
        W[-1, -1] = 1.0
        to_log_sigma = -self.n_rows + float((rows_part * W).sum())
        adjoints = [np.zeros_like(Lambda) for Lambda in Lambdas]
        GDW = GD @ W / sigma
        for t, place in self._dense:
            levels, effects = self.terms[t].n_levels, self.terms[t].q
            blocks = GDW[place, place].reshape(levels, effects, levels, effects)
            adjoints[t] = -np.einsum("jajb->ab", blocks)
            to_log_sigma += float((adjoints[t] * Lambdas[t]).sum())
        back = [factor.T for factor in unit]
        around = self._scaled(self._scaled(W, back).T, back) / sigma**2
        doubled = pack(around + around.T - np.diag(np.diag(around)))
        E = np.empty_like(inverse)
        for p, (k, m) in enumerate(pairs):
            E[k, m] = E[m, k] = (1.0 if k == m else 0.5) * (doubled @ self.moments[:, p :: len(pairs)])
        inner = np.einsum("klh,lmh,mnh->knh", inverse, E, inverse) if q <= 2 else _sandwich(inverse, E)
        inner -= self.n_groups * inverse
        adjoints[self.eliminated] = np.einsum("klh,kmh,mnh->ln", self.R, inner, F, optimize=True)

        self._to_coordinates(gradient, point, factors, Lambdas, adjoints)
        value += self._priors(gradient, point, log_sigma, to_log_sigma)
        gradient[self.scales.log_lambda] += self.location.lambda_gradient(W[n_dense:, n_dense:], lambdas)
        value += self.location.lambda_density(lambdas)
        return float(value) if np.isfinite(value) else -np.inf, gradient

    def _scaled(self, matrix: np.ndarray, unit: Sequence[np.ndarray]) -> np.ndarray:
        """Multiply the columns of each level of the dense terms by a matrix of the term."""
        result = matrix.copy()
        for t, place in self._dense:
            blocks = matrix[:, place].reshape(len(matrix), self.terms[t].n_levels, self.terms[t].q)
            result[:, place] = (blocks @ unit[t]).reshape(len(matrix), -1)
        return result

    def _to_coordinates(
        self,
        gradient: np.ndarray,
        point: np.ndarray,
        factors: list[np.ndarray],
        Lambdas: list[np.ndarray],
        adjoints: list[np.ndarray],
    ) -> None:
        """Add what derivatives with respect to Lambda say of standard deviations and correlations."""
        partial = self.scales.partial
        for t, (sd, cor) in enumerate(zip(sd_slices(self.terms), cor_slices(self.terms), strict=True)):
            lower = np.tril(adjoints[t])
            gradient[sd] += (lower * Lambdas[t]).sum(axis=1)
            own = slice(partial.start + cor.start, partial.start + cor.stop)
            to_factor = lower * np.exp(point[sd])[:, None]
            gradient[own] += factor_adjoint(point[own], self.terms[t].blocks, factors[t], to_factor)

    def _priors(self, gradient: np.ndarray, point: np.ndarray, log_sigma: float, to_log_sigma: float) -> float:
        """Give the log prior of scales and correlations, and add its gradient and that with respect to log(sigma)."""
        log_scales = point[: self.scales.n_sds] + log_sigma
        if self.scales.estimated:
            log_scales = np.append(log_scales, log_sigma)
        value, slopes = self.priors.log_density(log_scales)
        gradient[: self.scales.n_sds] += slopes[: self.scales.n_sds]
        gradient[self.scales.log_sigma] += to_log_sigma + slopes.sum()
        partial = point[self.scales.partial]
        gradient[self.scales.partial] += self._lkj * np.tanh(partial)
        return value + float(self._lkj @ log_cosh(partial))


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


def _sandwich(outer: np.ndarray, middle: np.ndarray) -> np.ndarray:
    """Give outer @ middle @ outer, the matrices along the last axis."""
    a, b = outer.transpose(2, 0, 1), middle.transpose(2, 0, 1)
    return np.ascontiguousarray((a @ b @ a).transpose(1, 2, 0))
