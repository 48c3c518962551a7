"""Coordinates in which the posterior is round: where the sampler starts and along which axes it walks.

The axes of scales and correlations come from the curvature of their marginal posterior at its mode; they change how
fast Stan mixes, never what it samples.

References
----------
Gelman et al. (2013), Bayesian Data Analysis, section 13.3 (normal approximation at a marginal mode).
"""

from dataclasses import dataclass

import numpy as np

from stanhier.basics.threads import one_blas_thread
from stanhier.engines.gaussian.marginal import LocationPriors
from stanhier.engines.gaussian.scale_coordinates import SoftLogarithm, least_skewed
from stanhier.engines.multilevel.axes import Axes, axes_at
from stanhier.engines.multilevel.correlations import correlations
from stanhier.engines.multilevel.cross_products import check_size, moments_of
from stanhier.engines.multilevel.layout import cor_slices, dense_slices, sd_slices
from stanhier.engines.multilevel.location_priors import location_terms
from stanhier.engines.multilevel.marginal import MarginalPosterior
from stanhier.engines.multilevel.mode import covariance_of, find_mode
from stanhier.engines.multilevel.scales import ScalePriors, Scales
from stanhier.engines.multilevel.statistics import Statistics
from stanhier.priors.numbers import STUDENT_T

__all__ = ["ScaleDraws", "Whitening", "marginal_posterior", "whiten"]

FAR = 3.0
"""Units of the coordinates, which are logarithms and the like: a factor of twenty."""
NARROW = 0.05
"""A logarithm of so small a standard deviation is not skewed, nor is any other smooth coordinate."""


@dataclass(frozen=True)
class ScaleDraws:
    """Draws of scales and correlations.

    Attributes
    ----------
    sd : numpy.ndarray, shape (S, Q)
    cor : numpy.ndarray, shape (S, c)
    sigma : numpy.ndarray, shape (S,)
    lambdas : numpy.ndarray, shape (S, n_student)
        Factors on the precisions of Student t priors.
    """

    sd: np.ndarray
    cor: np.ndarray
    sigma: np.ndarray
    lambdas: np.ndarray


@dataclass(frozen=True)
class Whitening:
    """The reference point and the axes.

    Attributes
    ----------
    scales : Scales
    axes : Axes
        Of the location.
    softness : numpy.ndarray, shape (Q,)
        Of the soft logarithms of the relative standard deviations.
    u_hat : numpy.ndarray, shape (L,)
    u_basis : numpy.ndarray, shape (L, L)
        What is sampled is u = u_hat + u_basis @ z.
    sigma : float or None
        The residual standard deviation where it is known.
    """

    scales: Scales
    axes: Axes
    softness: np.ndarray
    u_hat: np.ndarray
    u_basis: np.ndarray
    sigma: float | None

    def draws(self, z: np.ndarray) -> ScaleDraws:
        """Give scales and correlations of Stan's z, shape (S, L)."""
        u = self.u_hat + z @ self.u_basis.T
        sigma = np.full(len(u), self.sigma) if self.sigma is not None else np.exp(u[:, self.scales.log_sigma][:, 0])
        log_ratio = SoftLogarithm(self.softness).logarithm(u[:, : self.scales.n_sds])
        partial = u[:, self.scales.partial]
        terms = self.scales.terms
        cor = [correlations(partial[:, part], t.blocks) for t, part in zip(terms, cor_slices(terms), strict=True)]
        return ScaleDraws(
            sd=np.exp(log_ratio) * sigma[:, None],
            cor=np.hstack(cor),
            sigma=sigma,
            lambdas=np.exp(u[:, self.scales.log_lambda]),
        )

    def with_softness(self, softness: np.ndarray) -> "Whitening":
        """Give the coordinates with other soft logarithms."""
        n = self.scales.n_sds
        old, new = SoftLogarithm(self.softness), SoftLogarithm(softness)
        log_x = old.logarithm(self.u_hat[:n])
        u_hat, u_basis = self.u_hat.copy(), self.u_basis.copy()
        u_hat[:n] = new.coordinate(log_x)
        u_basis[:n] *= (new.slope(log_x) / old.slope(log_x))[:, None]
        return Whitening(self.scales, self.axes, softness, u_hat, u_basis, self.sigma)

    def in_logarithms(self) -> "Whitening":
        """Give the coordinates in which the scales are logarithms to double precision: a mode depends on them."""
        log_x = SoftLogarithm(self.softness).logarithm(self.u_hat[: self.scales.n_sds])
        return self.with_softness(1e12 * np.exp(log_x))


@one_blas_thread()
def whiten(statistics: Statistics, priors: LocationPriors, scale_priors: ScalePriors) -> Whitening:
    """Find the reference point and the axes.

    Parameters
    ----------
    statistics : Statistics
    priors : LocationPriors
        Of the intercept (where there is one) and the slopes.
    scale_priors : ScalePriors

    Returns
    -------
    Whitening

    Raises
    ------
    RankDeficientError
        If a direction of the location is determined neither by the rows nor by the priors.
    DataError
        If there would be too many cross-products.
    """
    check_size(statistics.strata, statistics.B.shape[2])
    is_student = priors.numbers.family == STUDENT_T
    scales = Scales(statistics.terms, scale_priors.sigma is None, int(is_student.sum()))
    start = _start(statistics, scales, scale_priors.sigma)
    axes = axes_at(statistics, scales, priors, scale_priors, start)
    # The columns are all but orthonormal near the point where the axes were chosen: again where the mode is far away.
    for _ in range(3):
        posterior = marginal_posterior(statistics, axes, scales, priors, scale_priors)
        mode, curvature = find_mode(posterior.value_and_gradient, start)
        axes = axes_at(statistics, scales, priors, scale_priors, mode)
        if np.abs(mode - start).max(initial=0.0) < FAR:
            break
        start = mode
    covariance = covariance_of(curvature)
    n_sds = scales.n_sds
    softness = np.array([_softness(posterior, mode, covariance, k) for k in range(n_sds)])
    soft = SoftLogarithm(softness)
    u_hat, slopes = mode.copy(), np.ones(len(mode))
    u_hat[:n_sds], slopes[:n_sds] = soft.coordinate(mode[:n_sds]), soft.slope(mode[:n_sds])
    u_basis = slopes[:, None] * np.linalg.cholesky(covariance)
    return Whitening(scales, axes, softness, u_hat, u_basis, scale_priors.sigma)


def _softness(posterior: MarginalPosterior, mode: np.ndarray, covariance: np.ndarray, k: int) -> float:
    """Choose the soft logarithm of one standard deviation; the other coordinates follow it as they do at the mode."""
    sd = float(np.sqrt(covariance[k, k]))
    if sd < NARROW:
        return float(np.exp(mode[k]))
    along = covariance[:, k] / sd

    def negative_log(log_x: float) -> float:
        away = (log_x - mode[k]) / sd
        # Far from the mode a straight line leads nowhere.
        point = mode + np.clip(away, -2.0, 2.0) * along
        point[k] = log_x
        return -posterior.log_density(point)

    return float(least_skewed(negative_log, float(mode[k]), sd).softness)


def marginal_posterior(
    statistics: Statistics, axes: Axes, scales: Scales, priors: LocationPriors, scale_priors: ScalePriors
) -> MarginalPosterior:
    """Set the marginal posterior up in coordinates of the location."""
    taken = axes.columns(statistics.n_dense)
    T = statistics.T @ taken
    strata = statistics.strata
    return MarginalPosterior(
        scales=scales,
        eliminated=statistics.eliminated,
        n_rows=statistics.n_rows,
        R=np.ascontiguousarray(strata.R.transpose(1, 2, 0)),
        n_groups=strata.n_groups.astype(float),
        G0=T.T @ T,
        moments=moments_of(statistics.B @ taken, strata),
        location=location_terms(priors, axes.centre, axes.basis),
        priors=scale_priors,
    )


def _start(statistics: Statistics, scales: Scales, sigma: float | None) -> np.ndarray:
    """Give a rough point: sigma from what nothing explains, effects that a level's rows see well."""
    terms, eliminated = statistics.terms, statistics.eliminated
    rest = statistics.T[-1, -1] ** 2
    own = statistics.R.shape[0] * statistics.R.shape[1]
    n_free = max(statistics.n_rows - own - (len(statistics.T) - 1), 1)
    spread = np.sqrt(np.square(statistics.T[:, -1]).sum() + np.square(statistics.B[:, :, -1]).sum())
    guess = np.sqrt(rest / n_free)
    if guess <= 1e-10 * spread:
        guess = 0.1 * spread / np.sqrt(statistics.n_rows)
    point = np.zeros(scales.size)
    point[scales.log_sigma] = np.log(guess if guess > 0 else 1.0)
    squares = np.square(statistics.B).sum(axis=(0, 1)) + np.square(statistics.T).sum(axis=0)
    for t, (sd, dense) in enumerate(zip(sd_slices(terms), dense_slices(terms, eliminated), strict=True)):
        if t == eliminated:
            seen = np.square(statistics.R).sum(axis=1).mean(axis=0)
        else:
            seen = squares[dense].reshape(terms[t].n_levels, terms[t].q).mean(axis=0)
        point[sd] = 1.0 - 0.5 * np.log(np.where(seen > 0, seen, 1.0))
    if sigma is not None:
        point[: scales.n_sds] += np.log(guess / sigma) if guess > 0 else 0.0
    return point
