"""The marginal posterior of the scale parameters: the location parameters integrated out in closed form.

Used to find a good place and good axes for sampling. Student t priors on location parameters enter as the normals that
touch them, so this is approximate there; what Stan samples is exact.

References
----------
Bates & DebRoy (2004), doi:10.1016/j.jmva.2004.04.013 (profiling and integrating out by penalised least squares).
"""

from collections.abc import Callable
from dataclasses import dataclass
from math import sumprod

import numpy as np
import scipy  # its parts are imported when they are first used

from stanhier.engines.gaussian.compression import Compressed, Strata
from stanhier.priors.numbers import FLAT, PriorNumbers

__all__ = [
    "LocationPriors",
    "MarginalPosterior",
    "RankDeficientError",
    "check_rank",
    "find_mode",
    "least_squares",
    "marginal_posterior",
    "refuse_undetermined",
    "starting_scales",
]


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

    def without_offset(self, location: np.ndarray) -> np.ndarray:
        """Give transform @ location, shape (P, M) from (P, M).

        Where the intercept has its prior at x = 0 and the predictors are far from 0, terms much larger than their sum
        cancel: they are added up exactly before rounding. The slopes are their own quantities.
        """
        quantities = location.copy()
        if self.transform[:1, 1:].any():
            quantities[0] = [sumprod(self.transform[0].tolist(), column) for column in location.T.tolist()]
        return quantities


@dataclass(frozen=True)
class MarginalPosterior:
    """The marginal posterior of the logarithms of the scales, and the least-squares problem inside it.

    Attributes
    ----------
    compressed : Compressed
    strata : Strata or None
        The group means; None without groups.
    rows : numpy.ndarray, shape (M, P + 1)
        Rows [A b] of the location parameters' least-squares problem that the rows within groups give.
    rest : float
        Squared residual that no location parameter can explain.
    priors : LocationPriors
    scale_priors : PriorNumbers
    sigma : float or None
        The known residual standard deviation, if it is.
    """

    compressed: Compressed
    strata: Strata | None
    rows: np.ndarray
    rest: float
    priors: LocationPriors
    scale_priors: PriorNumbers
    sigma: float | None

    @property
    def n_within(self) -> int:
        """Degrees of freedom within groups."""
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
        stacked = np.vstack(self.parts(*self.scales(log_scales), prior_sd))
        p = stacked.shape[1] - 1
        factor = np.linalg.qr(stacked, mode="r")
        residual = factor[p, p] ** 2 if len(factor) > p else 0.0
        return self.negative_log_of(log_scales, np.abs(np.diag(factor)[:p]), residual)

    def negative_log_of(self, log_scales: np.ndarray, diagonal: np.ndarray, residual: float) -> float:
        """Give that of the diagonal of the location's factor, shape (P,), and the squares that no location explains."""
        sigma, sigma_alpha = self.scales(log_scales)
        value = self.n_within * np.log(sigma) + 0.5 * (residual + self.rest / sigma**2)
        value += np.log(diagonal).sum()
        if self.strata is not None:
            value += 0.5 * (self.strata.n_groups @ np.log(self.v(sigma, sigma_alpha)))
        value -= self.scale_priors.log_density(np.exp(log_scales)) + log_scales.sum()
        return float(value)


def marginal_posterior(
    compressed: Compressed, *, grouped: bool, priors: LocationPriors, scale_priors: PriorNumbers, sigma: float | None
) -> MarginalPosterior:
    """Set the problem up from sufficient statistics; the arguments are those of `whiten`."""
    n_location = len(priors.offset)
    has_intercept = n_location == compressed.within.shape[1]
    within = compressed.within
    if has_intercept:
        within = np.column_stack([np.zeros(len(within)), within])
    # The last row of the triangular factor holds the residual alone.
    rows, rest = within[:-1], float(within[-1, -1] ** 2)
    strata = None
    if grouped:
        strata = compressed.strata
    elif compressed.n_groups:
        mean_row = np.sqrt(compressed.weights[0]) * np.append(1.0, compressed.means[0])
        rows = np.vstack([mean_row, rows])
    return MarginalPosterior(compressed, strata, rows, rest, priors, scale_priors, sigma)


def starting_scales(problem: MarginalPosterior) -> np.ndarray:
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


def check_rank(problem: MarginalPosterior, log_scales: np.ndarray, n_location: int) -> None:
    """Refuse a direction of the location parameters that neither rows nor priors determine.

    Raises
    ------
    RankDeficientError
        With the parameters that take part in it.
    """
    prior_sd = problem.priors.numbers.sigma.copy()
    prior_sd[problem.priors.numbers.family == FLAT] = np.inf
    matrix = np.vstack(problem.parts(*problem.scales(log_scales), prior_sd))[:, :n_location]
    refuse_undetermined(matrix, n_location)


def refuse_undetermined(rows: np.ndarray, n_location: int) -> None:
    """Refuse a direction of the location, the last columns, that rows of a least-squares problem do not determine.

    Parameters
    ----------
    rows : numpy.ndarray, shape (n, C)
    n_location : int

    Raises
    ------
    RankDeficientError
        With the positions of the parameters, among those of the location, that take part in it.
    """
    if not n_location:
        return
    norms = np.linalg.norm(rows, axis=0)
    own = norms[-n_location:]
    if (own == 0).any():
        raise RankDeficientError(np.flatnonzero(own == 0))
    scaled, fewer = rows / np.where(norms > 0, norms, 1.0), len(rows) < len(norms)
    tolerance = 1e-13 * np.sqrt(len(norms))
    if fewer or np.linalg.svd(scaled, compute_uv=False)[-1] <= tolerance:  # vectors take several times as long
        _, singular, vectors = np.linalg.svd(scaled, full_matrices=fewer)
        singular = np.append(singular, np.zeros(len(vectors) - len(singular)))
        null = np.abs(vectors[singular <= tolerance]).max(axis=0)[-n_location:]
        raise RankDeficientError(np.flatnonzero(null > 1e-6))


def find_mode(negative_log: Callable[[np.ndarray], float], start: np.ndarray) -> np.ndarray:
    """Find the mode of the log scales, shape (L,), from a starting point of that shape."""
    if len(start) == 0:
        return start
    result = scipy.optimize.minimize(
        negative_log,
        start,
        method="Nelder-Mead",
        options={"xatol": 1e-3, "fatol": 1e-4, "initial_simplex": _simplex(start)},
    )
    return np.asarray(result.x)


def _simplex(start: np.ndarray) -> np.ndarray:
    return np.vstack([start, start + 0.3 * np.eye(len(start))])


def least_squares(problem: MarginalPosterior, log_scales: np.ndarray, prior_sd: np.ndarray) -> np.ndarray:
    """Give the location parameters' conditional mode, shape (P,), at given log scales."""
    stacked = np.vstack(problem.parts(*problem.scales(log_scales), prior_sd))
    q, r = np.linalg.qr(stacked[:, :-1])
    return np.linalg.solve(r, q.T @ stacked[:, -1])
