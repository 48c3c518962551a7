"""Coordinates in which the posterior is round: where the sampler starts and along which axes it walks.

Given the scale parameters the location parameters are (nearly) normal, with a precision that is a sum over sources of
information: the rows within groups, the group means, the prior. One basis makes the first of these diagonal and the
sum at the reference point the identity (the generalised singular value decomposition); the others are taken by their
diagonal. This affects how fast Stan mixes, never what it samples: the density is exact in any coordinates.

The reference point is the mode of the scale parameters' marginal posterior, the location parameters integrated out.

References
----------
Golub & Van Loan (2013), Matrix Computations, section 6.1.6 (generalised singular values).
Gelman et al. (2013), Bayesian Data Analysis, section 13.3 (normal approximation at a marginal mode).
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy import optimize

from stanhier.compression import Compressed, Strata
from stanhier.priors import PriorNumbers

__all__ = ["WEIGHT_CLASSES", "LocationPriors", "RankDeficientError", "Whitening", "whiten"]


WEIGHT_CLASSES = 16
"""Classes of group weights in which residuals are summed for the coordinates of the scales."""


class RankDeficientError(Exception):
    """The rows and the priors together leave a direction of the location parameters undetermined.

    `columns` holds the positions of the location parameters that take part in it.
    """

    def __init__(self, columns: np.ndarray) -> None:
        super().__init__("rank deficient")
        self.columns = columns


@dataclass(frozen=True)
class LocationPriors:
    """Priors on theta = offset + transform @ location.

    `location` is what the rows see: the intercept at the origin, relative to the origin's response, then the slopes.

    Attributes
    ----------
    numbers : PriorNumbers
        Of the P quantities theta.
    offset : numpy.ndarray, shape (P,)
    transform : numpy.ndarray, shape (P, P)
    """

    numbers: PriorNumbers
    offset: np.ndarray
    transform: np.ndarray


@dataclass(frozen=True)
class ScaleCentre:
    """Coordinates u of the scales, in which they are all but independent.

    With groups and an unknown sigma u is log(sigma_alpha / sigma), and log(sigma) relative to where it is likely given
    that ratio rho: log(sigma) = u_2 + log(squares(rho) / N) / 2, squares(rho) being the residual sum of squares within
    groups plus that of the group means over rho^2 + 1 / W (the profile of a mixed model's likelihood in rho: Bates &
    DebRoy 2004). Otherwise u is the logarithm of the only scale. Either way the Jacobian is 1.

    Attributes
    ----------
    n_rows : int
    squares_within : float
        Of what no slopes can explain within groups.
    squares_between : numpy.ndarray, shape (C,)
        Of the group means' residuals, summed in classes of similar group weight.
    weight_class : numpy.ndarray, shape (C,)
        A weight for each class.
    """

    n_rows: int
    squares_within: float
    squares_between: np.ndarray
    weight_class: np.ndarray

    def _log_sigma_centre(self, log_ratio: np.ndarray) -> np.ndarray:
        # One class at a time: draws times classes would be large where there are many of both.
        squares = np.full(np.shape(log_ratio), self.squares_within)
        for between, weight in zip(self.squares_between, self.weight_class, strict=True):
            squares = squares + between / (np.exp(2 * log_ratio) + 1 / weight)
        return np.asarray(0.5 * np.log(squares / self.n_rows))

    def log_scales(self, u: np.ndarray) -> np.ndarray:
        """Logarithms of the scales, shape (draws, L), from u of that shape."""
        if u.shape[-1] < 2:
            return u
        log_sigma = u[..., 1] + self._log_sigma_centre(u[..., 0])
        return np.stack([u[..., 0] + log_sigma, log_sigma], axis=-1)

    def coordinates(self, log_scales: np.ndarray) -> np.ndarray:
        """Give u, shape (L,), of the logarithms of the scales, shape (L,)."""
        if len(log_scales) < 2:
            return log_scales
        log_ratio = log_scales[0] - log_scales[1]
        return np.array([log_ratio, log_scales[1] - self._log_sigma_centre(log_ratio)])


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
    scale_centre : ScaleCentre
        What u means.
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
    scale_centre: "ScaleCentre"
    sigma_hat: float
    sigma_alpha_hat: float

    def log_scales(self, z_scale: np.ndarray) -> np.ndarray:
        """Logarithms of the estimated scales, shape (draws, L), from Stan's `z_scale` of that shape."""
        return self.scale_centre.log_scales(self.u_hat + z_scale @ self.u_basis.T)

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


@dataclass(frozen=True)
class _Problem:
    """Everything that the marginal posterior of the scales depends on."""

    compressed: Compressed
    strata: Strata | None
    rows: np.ndarray
    rest: float
    priors: LocationPriors
    scale_priors: PriorNumbers
    sigma: float | None

    @property
    def n_within(self) -> int:
        return self.compressed.n_rows - (self.compressed.n_groups if self.strata is not None else 0)

    def scales(self, log_scales: np.ndarray) -> tuple[float, float]:
        """Sigma and sigma_alpha at a point; the estimated scales are ordered sigma_alpha, sigma."""
        sigma_alpha = float(np.exp(log_scales[0])) if self.strata is not None else 0.0
        sigma = float(np.exp(log_scales[-1])) if self.sigma is None else self.sigma
        return sigma, sigma_alpha

    def v(self, sigma: float, sigma_alpha: float) -> np.ndarray:
        """Variance of a group mean in each stratum."""
        assert self.strata is not None
        return sigma_alpha**2 + sigma**2 / self.strata.weight

    def parts(self, sigma: float, sigma_alpha: float, prior_sd: np.ndarray) -> list[np.ndarray]:
        """Rows [A b] of the least-squares problem of the location parameters: within, between, prior."""
        parts = [self.rows / sigma]
        if self.strata is not None:
            root_v = np.sqrt(self.v(sigma, sigma_alpha))
            parts.append(self.strata.rows / root_v[self.strata.stratum][:, None])
        proper = np.isfinite(prior_sd)
        target = self.priors.numbers.mu - self.priors.offset
        prior_rows = np.column_stack([self.priors.transform, target])[proper] / prior_sd[proper, None]
        return [*parts, prior_rows]

    def negative_log_marginal(self, log_scales: np.ndarray, prior_sd: np.ndarray) -> float:
        """Minus the log posterior of the log scales, location parameters integrated out."""
        sigma, sigma_alpha = self.scales(log_scales)
        stacked = np.vstack(self.parts(sigma, sigma_alpha, prior_sd))
        p = stacked.shape[1] - 1
        factor = np.linalg.qr(stacked, mode="r")
        residual = factor[p, p] ** 2 if len(factor) > p else 0.0
        value = self.n_within * np.log(sigma) + 0.5 * (residual + self.rest / sigma**2)
        value += np.log(np.abs(np.diag(factor)[:p])).sum()
        if self.strata is not None:
            value += 0.5 * (self.strata.n_groups @ np.log(self.v(sigma, sigma_alpha)))
        value -= self.scale_priors.log_density(np.exp(log_scales)) + log_scales.sum()
        return float(value)


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
    problem = _problem(compressed, grouped=grouped, priors=priors, scale_priors=scale_priors, sigma=sigma)
    n_location = len(priors.offset)
    start = _starting_scales(problem)
    _check_rank(problem, start, n_location)
    location = np.zeros(n_location)
    log_scales = start
    prior_sd = priors.numbers.effective_sd(priors.offset)
    # Student t priors act as normals whose width depends on where the posterior lies: find both in turn.
    for _ in range(4 if (priors.numbers.family == 2).any() else 1):
        log_scales = _mode(problem, log_scales, prior_sd)
        location = _least_squares(problem, log_scales, prior_sd)
        prior_sd = priors.numbers.effective_sd(priors.offset + priors.transform @ location)
    centre = _scale_centre(problem, location, problem.scales(log_scales))
    u_hat = centre.coordinates(log_scales)
    covariance = _scale_covariance(lambda u: problem.negative_log_marginal(centre.log_scales(u), prior_sd), u_hat)
    return _axes(problem, log_scales, prior_sd, centre, np.linalg.cholesky(covariance))


def _problem(
    compressed: Compressed, *, grouped: bool, priors: LocationPriors, scale_priors: PriorNumbers, sigma: float | None
) -> _Problem:
    n_location = len(priors.offset)
    has_intercept = n_location == compressed.within.shape[1]
    within = compressed.within
    if has_intercept:
        within = np.column_stack([np.zeros(len(within)), within])
    # The last row of the triangular factor holds the residual alone.
    rows, rest = within[:-1], float(within[-1, -1] ** 2)
    strata = None
    if grouped:
        strata = compressed.strata()
    elif compressed.n_groups:
        mean_row = np.sqrt(compressed.weights[0]) * np.append(1.0, compressed.means[0])
        rows = np.vstack([mean_row, rows])
    return _Problem(compressed, strata, rows, rest, priors, scale_priors, sigma)


def _starting_scales(problem: _Problem) -> np.ndarray:
    """Rough logarithms of the scales: from the residuals within groups and from the spread of the group means."""
    compressed = problem.compressed
    spread = np.sqrt(np.square(problem.rows[:, -1]).sum() + problem.rest)
    within = np.sqrt(problem.rest / max(problem.n_within - compressed.within.shape[1], 1))
    fallback = spread / np.sqrt(max(problem.n_within, 1))
    between = float(np.std(compressed.means[:, -1])) if problem.strata is not None else 0.0
    sigma = problem.sigma if problem.sigma is not None else max(within, 0.1 * fallback)
    if sigma <= 0:
        sigma = between if between > 0 else 1.0
    scales = []
    if problem.strata is not None:
        scales.append(between if between > 0 else sigma)
    if problem.sigma is None:
        scales.append(sigma)
    return np.log(np.array(scales))


def _check_rank(problem: _Problem, log_scales: np.ndarray, n_location: int) -> None:
    prior_sd = problem.priors.numbers.sigma.copy()
    prior_sd[problem.priors.numbers.family == 0] = np.inf
    matrix = np.vstack(problem.parts(*problem.scales(log_scales), prior_sd))[:, :n_location]
    norms = np.linalg.norm(matrix, axis=0)
    if (norms == 0).any():
        raise RankDeficientError(np.flatnonzero(norms == 0))
    _, singular, vt = np.linalg.svd(matrix / norms, full_matrices=len(matrix) < n_location)
    singular = np.append(singular, np.zeros(n_location - len(singular)))
    tolerance = 1e-13 * np.sqrt(n_location)
    if n_location and singular[-1] <= tolerance:
        null = np.abs(vt[singular <= tolerance]).max(axis=0)
        raise RankDeficientError(np.flatnonzero(null > 1e-6))


def _mode(problem: _Problem, start: np.ndarray, prior_sd: np.ndarray) -> np.ndarray:
    if len(start) == 0:
        return start
    result = optimize.minimize(
        problem.negative_log_marginal,
        start,
        args=(prior_sd,),
        method="Nelder-Mead",
        options={"xatol": 1e-3, "fatol": 1e-4, "initial_simplex": _simplex(start)},
    )
    return np.asarray(result.x)


def _simplex(start: np.ndarray) -> np.ndarray:
    return np.vstack([start, start + 0.3 * np.eye(len(start))])


def _least_squares(problem: _Problem, log_scales: np.ndarray, prior_sd: np.ndarray) -> np.ndarray:
    stacked = np.vstack(problem.parts(*problem.scales(log_scales), prior_sd))
    q, r = np.linalg.qr(stacked[:, :-1])
    return np.linalg.solve(r, q.T @ stacked[:, -1])


def _scale_centre(problem: _Problem, location: np.ndarray, scales: tuple[float, float]) -> ScaleCentre:
    if problem.strata is None:
        return ScaleCentre(problem.compressed.n_rows, problem.rest, np.empty(0), np.empty(0))
    strata = problem.strata
    squares = np.square(strata.rows[:, :-1] @ location - strata.rows[:, -1])
    by_stratum = np.bincount(strata.stratum, weights=squares, minlength=len(strata.weight))
    # Strata are sorted by weight; classes of neighbours keep this cheap however many there are.
    classes = np.arange(len(strata.weight)) * min(len(strata.weight), WEIGHT_CLASSES) // len(strata.weight)
    n_groups = np.bincount(classes, weights=strata.n_groups)
    # Few group means can be fitted all but exactly: then their variance at the reference point says what is likely.
    expected = np.bincount(classes, weights=strata.n_groups * problem.v(*scales))
    return ScaleCentre(
        n_rows=problem.compressed.n_rows,
        squares_within=problem.rest,
        squares_between=np.maximum(np.bincount(classes, weights=by_stratum), 0.1 * expected),
        weight_class=n_groups / np.bincount(classes, weights=strata.n_groups / strata.weight),
    )


def _scale_covariance(negative_log: Callable[[np.ndarray], float], mode: np.ndarray) -> np.ndarray:
    """Inverse of the curvature at the mode by central differences; of its diagonal where that fails."""
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
    problem: _Problem, log_scales: np.ndarray, prior_sd: np.ndarray, centre: ScaleCentre, u_basis: np.ndarray
) -> Whitening:
    sigma, sigma_alpha = problem.scales(log_scales)
    parts = problem.parts(sigma, sigma_alpha, prior_sd)
    stacked = np.vstack(parts)
    n_location = stacked.shape[1] - 1
    q, r = np.linalg.qr(stacked[:, :-1])
    location_hat = np.linalg.solve(r, q.T @ stacked[:, -1])
    ends = np.cumsum([len(part) for part in parts])[:-1]
    q_within, *q_others = np.split(q, ends)
    # Any rotation keeps the sum of the precisions the identity; this one makes the first of them diagonal.
    u, c, vt = np.linalg.svd(q_within, full_matrices=True)
    c = np.append(c, np.zeros(n_location - len(c)))
    basis = np.linalg.solve(r, vt.T)
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
        weight_typical = float(problem.strata.n_groups.sum() / (problem.strata.n_groups / problem.strata.weight).sum())
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
        scale_centre=centre,
        sigma_hat=sigma,
        sigma_alpha_hat=sigma_alpha,
    )
