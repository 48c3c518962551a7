"""Coordinates in which the posterior is round: where the sampler starts and along which axes it walks.

Given the scale parameters the location parameters are (nearly) normal, with a precision that is a sum over sources of
information: the rows within groups, the group means, the prior. One basis makes the first of these diagonal and the
sum at the reference point the identity (the generalised singular value decomposition); the others are taken by their
diagonal. This affects how fast Stan mixes, never what it samples: the density is exact in any coordinates.

The reference point is the mode of the scale parameters' marginal posterior, the location parameters integrated out.

References
----------
Golub & Van Loan (2013), Matrix Computations, section 6.1.6 (generalised singular values).
Cox & Higham (1998), Stability of Householder QR factorization for weighted least squares problems, in Numerical
Analysis 1997 (rows of very different size).
Gelman et al. (2013), Bayesian Data Analysis, section 13.3 (normal approximation at a marginal mode).
"""

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
import scipy  # its parts are imported when they are first used
from scipy import linalg

from stanhier.engines.gaussian.compression import Compressed, Strata
from stanhier.engines.gaussian.fast_marginal import marginal_around
from stanhier.engines.gaussian.marginal import (
    LocationPriors,
    MarginalPosterior,
    check_rank,
    find_mode,
    least_squares,
    marginal_posterior,
    starting_scales,
)
from stanhier.engines.gaussian.scale_coordinates import ScaleCentre, SoftLogarithm, least_skewed, scale_centre
from stanhier.priors.numbers import STUDENT_T, PriorNumbers

__all__ = ["Whitening", "whiten"]


@dataclass(frozen=True)
class Whitening:
    """The reference point and the axes.

    `location = location_hat + basis @ phi`, where given the scales phi[p] is about
    normal(pull[p] @ tau / (share[p] @ tau), 1 / sqrt(share[p] @ tau)); tau as in the Stan programs.

    Attributes
    ----------
    location_hat : numpy.ndarray, shape (P,)
    basis : numpy.ndarray, shape (P, P)
    share, pull : numpy.ndarray, shape (P, 2) or (P, 3)
        Of rows within groups, of group means (where there are groups), of the prior.
    c, d : numpy.ndarray, shape (P,)
        Within groups the squared residuals over sigma_hat^2 are sum((d + c * phi)^2) + rest.
    rest : float
    between : numpy.ndarray, shape (B, P)
    between_residual : numpy.ndarray, shape (B,)
        Residuals of the rows of the strata are between_residual + between @ phi, in units of sqrt(v_hat).
    v_hat : numpy.ndarray, shape (H,)
    weight_typical : float
        One group weight that stands for all of them in tau.
    u_hat : numpy.ndarray, shape (L,)
    u_basis : numpy.ndarray, shape (L, L)
        The estimated scales are sampled as u = u_hat + u_basis @ z_scale.
    soft : SoftLogarithm or None
        With groups u_1 is the soft logarithm of what `scale_centre` takes the logarithm of.
    scale_centre : ScaleCentre
        What u means but for that.
    sigma_hat, sigma_alpha_hat : float
    """

    location_hat: np.ndarray
    basis: np.ndarray
    share: np.ndarray
    pull: np.ndarray
    c: np.ndarray
    d: np.ndarray
    rest: float
    between: np.ndarray
    between_residual: np.ndarray
    v_hat: np.ndarray
    weight_typical: float
    u_hat: np.ndarray
    u_basis: np.ndarray
    soft: SoftLogarithm | None
    scale_centre: ScaleCentre
    sigma_hat: float
    sigma_alpha_hat: float

    def log_scales(self, z_scale: np.ndarray) -> np.ndarray:
        """Logarithms of the estimated scales, shape (draws, L), from Stan's `z_scale` of that shape."""
        u = self.u_hat + z_scale @ self.u_basis.T
        if self.soft is not None:
            u[..., 0] = self.soft.logarithm(u[..., 0])
        return self.scale_centre.log_scales(u)

    def with_soft(self, soft: SoftLogarithm) -> "Whitening":
        """Give the coordinates with a soft logarithm in the place of the plain or another one."""
        log_x, slope = self.u_hat[0], np.ones(())
        if self.soft is not None:
            log_x = self.soft.logarithm(log_x)
            slope = self.soft.slope(log_x)
        u_hat, u_basis = self.u_hat.copy(), self.u_basis.copy()
        u_hat[0] = soft.coordinate(log_x)
        u_basis[0] *= soft.slope(log_x) / slope
        return replace(self, soft=soft, u_hat=u_hat, u_basis=u_basis)

    def in_logarithms(self) -> "Whitening":
        """Give the coordinates in which the scales are logarithms to double precision: a mode depends on them."""
        if self.soft is None:
            return self
        return self.with_soft(SoftLogarithm(1e12 * float(np.exp(self.soft.logarithm(self.u_hat[0])))))

    def locations(self, z: np.ndarray, sigma: np.ndarray, sigma_alpha: np.ndarray | None) -> np.ndarray:
        """Location parameters, shape (draws, P), from Stan's `z` of that shape and the scales (draws,)."""
        tau = [(self.sigma_hat / sigma) ** 2]
        if sigma_alpha is not None:
            typical_hat = self.sigma_alpha_hat**2 + self.sigma_hat**2 / self.weight_typical
            tau.append(typical_hat / (sigma_alpha**2 + sigma**2 / self.weight_typical))
        tau.append(np.ones_like(sigma))
        tau_columns = np.column_stack(tau)
        precision = tau_columns @ self.share.T
        phi = (tau_columns @ self.pull.T) / precision + z / np.sqrt(precision)
        return np.asarray(self.location_hat + phi @ self.basis.T)


def whiten(
    compressed: Compressed,
    *,
    grouped: bool,
    priors: LocationPriors,
    scale_priors: PriorNumbers,
    sigma: float | None,
) -> Whitening:
    """Find the reference point and the axes.

    Parameters
    ----------
    compressed : Compressed
        The sufficient statistics; with `grouped=False` of at most one group.
    grouped : bool
        Whether the group means vary with standard deviation sigma_alpha.
    priors : LocationPriors
        Of the intercept (where there is one) and the slopes.
    scale_priors : PriorNumbers
        Of the estimated scales, in the order sigma_alpha, sigma.
    sigma : float or None
        The fixed residual standard deviation; None if it is estimated.

    Returns
    -------
    Whitening

    Raises
    ------
    RankDeficientError
        If a direction of the location parameters is determined neither by the rows nor by the priors.
    """
    problem = marginal_posterior(compressed, grouped=grouped, priors=priors, scale_priors=scale_priors, sigma=sigma)
    n_location = len(priors.offset)
    start = starting_scales(problem)
    check_rank(problem, start, n_location)
    location = np.zeros(n_location)
    log_scales = start
    prior_sd = priors.numbers.effective_sd(priors.offset)
    # Student t priors act as normals whose width depends on where the posterior lies: find both in turn.
    has_student_t = bool((priors.numbers.family == STUDENT_T).any())
    for _ in range(4 if has_student_t else 1):
        marginal = marginal_around(problem, log_scales, prior_sd)
        log_scales = find_mode(marginal, log_scales)
        location = least_squares(problem, log_scales, prior_sd)
        prior_sd = priors.numbers.effective_sd(priors.offset + priors.transform @ location)
    centre = scale_centre(problem, location, problem.scales(log_scales))
    mode = centre.coordinates(log_scales)
    if has_student_t:
        marginal = marginal_around(problem, log_scales, prior_sd)

    def negative_log(u: np.ndarray) -> float:
        return marginal(centre.log_scales(u))

    basis = np.linalg.cholesky(_scale_covariance(negative_log, mode))
    whitening = _axes(problem, log_scales, prior_sd, centre, basis)
    if not grouped:
        return whitening
    sd = float(np.linalg.norm(basis[0]))
    soft = least_skewed(lambda log_x: negative_log(np.append(log_x, mode[1:])), float(mode[0]), sd)
    return whitening.with_soft(soft)


def _scale_covariance(negative_log: Callable[[np.ndarray], float], mode: np.ndarray) -> np.ndarray:
    """Inverse of the curvature at the mode by central differences, its least eigenvalue at least 0.1."""
    size = len(mode)
    step = 0.02
    unit = step * np.eye(size)
    centre = negative_log(mode)
    hessian = np.empty((size, size))
    for i in range(size):
        hessian[i, i] = negative_log(mode + unit[i]) - 2 * centre + negative_log(mode - unit[i])
        for j in range(i):
            hessian[i, j] = hessian[j, i] = (
                negative_log(mode + unit[i] + unit[j])
                - negative_log(mode + unit[i] - unit[j])
                - negative_log(mode - unit[i] + unit[j])
                + negative_log(mode - unit[i] - unit[j])
            ) / 4
    hessian /= step**2
    # A posterior without curvature at its mode (a nearly flat one) still gets axes of a sensible length.
    values, vectors = np.linalg.eigh(hessian)
    return (vectors / np.maximum(values, 0.1)) @ vectors.T


def _axes(
    problem: MarginalPosterior, log_scales: np.ndarray, prior_sd: np.ndarray, centre: ScaleCentre, u_basis: np.ndarray
) -> Whitening:
    sigma, sigma_alpha = problem.scales(log_scales)
    parts = problem.parts(sigma, sigma_alpha, prior_sd)
    stacked = np.vstack(parts)
    n_location = stacked.shape[1] - 1
    q, r, columns = _graded_qr(stacked[:, :-1])
    location_hat = np.empty(n_location)
    # r is triangular, so this is back substitution; scipy's own wakes all processors for a handful of numbers.
    location_hat[columns] = np.linalg.solve(r, q.T @ stacked[:, -1])
    ends = np.cumsum([len(part) for part in parts])[:-1]
    q_within, *q_others = np.split(q, ends)
    # Any rotation keeps the sum of the precisions the identity; this one makes the first of them diagonal.
    u, c, vt = np.linalg.svd(q_within, full_matrices=True)
    c = np.append(c, np.zeros(n_location - len(c)))
    basis = np.empty((n_location, n_location))
    basis[columns] = np.linalg.solve(r, vt.T)
    residuals = np.split(stacked[:, :-1] @ location_hat - stacked[:, -1], ends)
    d = np.zeros(n_location)
    projected = u.T @ residuals[0]
    k = min(len(projected), n_location)
    d[:k] = projected[:k]
    rest = float(np.square(projected[k:]).sum() + problem.rest / sigma**2)
    rotated = [part @ vt.T for part in q_others]
    share = [c**2, *(np.square(part).sum(axis=0) for part in rotated)]
    pull = [-c * d, *(-(part.T @ e) for part, e in zip(rotated, residuals[1:], strict=True))]
    v_hat, between, between_residual, weight_typical = np.empty(0), np.empty((0, n_location)), np.empty(0), 1.0
    if problem.strata is not None:
        v_hat, between, between_residual = problem.v(sigma, sigma_alpha), rotated[0], residuals[1]
        weight_typical = _typical_weight(problem.strata, sigma, sigma_alpha, float(np.linalg.norm(u_basis[0])))
    return Whitening(
        location_hat=location_hat,
        basis=basis,
        share=np.column_stack(share),
        pull=np.column_stack(pull),
        c=c,
        d=d,
        rest=rest,
        between=between,
        between_residual=between_residual,
        v_hat=v_hat,
        weight_typical=weight_typical,
        u_hat=centre.coordinates(log_scales),
        u_basis=u_basis,
        soft=None,
        scale_centre=centre,
        sigma_hat=sigma,
        sigma_alpha_hat=sigma_alpha,
    )


def _typical_weight(strata: Strata, sigma: float, sigma_alpha: float, log_sd: float) -> float:
    """Find the group weight that stands for all of them.

    With a typical weight the precision of what group means tell is taken to change with sigma_alpha as 1 / v of that
    weight does. Where weights differ by orders the true sum over groups is governed by small ones if sigma_alpha is
    large and by large ones if it is small: the best compromise where sigma_alpha is likely to be, within three
    standard deviations of its logarithm.
    """
    between = np.square(sigma_alpha * np.exp(log_sd * np.linspace(-3, 3, 13)))
    truth = np.log((strata.n_groups / (between[:, None] + sigma**2 / strata.weight)).sum(axis=1))

    def misfit(log_weight: float) -> float:
        return float(np.var(truth + np.log(between + sigma**2 / np.exp(log_weight))))

    least, greatest = np.log(strata.weight[[0, -1]])
    if least == greatest:
        return float(strata.weight[0])
    return float(np.exp(scipy.optimize.minimize_scalar(misfit, bounds=(least, greatest), method="bounded").x))


def _graded_qr(rows: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Factor rows[:, columns] = q @ r so that small rows keep their digits beside large ones.

    A narrow prior or a small standard error makes rows many orders larger than others, and rounding is relative to the
    largest entry that a reflection meets: hence the large ones first (Cox & Higham 1998).
    """
    order = np.argsort(-np.abs(rows).max(axis=1, initial=0.0), kind="stable")
    q_ordered, r, columns = linalg.qr(rows[order], mode="economic", pivoting=True)
    q = np.empty_like(q_ordered)
    q[order] = q_ordered
    return q, r, columns
