"""Coordinates of the scale parameters in which they are all but independent of each other, and not skewed."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from stanhier.engines.gaussian.marginal import MarginalPosterior

__all__ = ["WEIGHT_CLASSES", "ScaleCentre", "SoftLogarithm", "least_skewed", "scale_centre"]

WEIGHT_CLASSES = 4
"""Classes of group weights in which residuals are summed."""


SOFTNESS = (0.05, 0.1, 0.2, 0.4, 0.7, 1.0, 2.0, 4.0, 8.0, 1e3)
"""What is tried, relative to the number at its mode; the last is the logarithm to all intents."""

LOOKED_AT = np.array([-16, -11, -7.5, -5, -3.5, -2.5, -1.5, -0.75, 0, 0.75, 1.5, 2.5, 4, 6.5, 10])
"""Where the density is looked at, in standard deviations of the logarithm: a number that may be 0 has a long tail."""


@dataclass(frozen=True)
class SoftLogarithm:
    """A coordinate u of a positive number x: x = softness * log(1 + exp(u)).

    It is the logarithm where x is small against the softness, and linear where x is large. A standard deviation of
    groups that may be 0 has a long tail to the left in its logarithm, and one to the right itself.

    Attributes
    ----------
    softness : float or numpy.ndarray
        In units of x; an array for as many numbers.
    """

    softness: float | np.ndarray

    def logarithm(self, u: np.ndarray) -> np.ndarray:
        """Give log(x) of u, elementwise."""
        # Far to the left log(1 + exp(u)) underflows, and its logarithm is u.
        softened = np.where(u < -40, u, np.log(np.logaddexp(0.0, np.maximum(u, -40))))
        return np.asarray(np.log(self.softness) + softened)

    def coordinate(self, log_x: np.ndarray) -> np.ndarray:
        """Give u of log(x), elementwise."""
        ratio = np.exp(log_x - np.log(self.softness))
        return np.asarray(np.where(ratio < 1e-17, log_x - np.log(self.softness), ratio + _log_of_rest(ratio)))

    def slope(self, log_x: np.ndarray) -> np.ndarray:
        """Give the derivative of u with respect to log(x), elementwise."""
        ratio = np.exp(log_x - np.log(self.softness))
        return np.asarray(ratio / -np.expm1(-ratio))


def _log_of_rest(ratio: np.ndarray) -> np.ndarray:
    """log(1 - exp(-ratio))."""
    return np.asarray(np.log(-np.expm1(-np.maximum(ratio, 1e-17))))


def least_skewed(negative_log: Callable[[float], float], mode: float, sd: float) -> SoftLogarithm:
    """Choose the soft logarithm of a number whose density is least skewed.

    Parameters
    ----------
    negative_log : callable
        Minus the log density of log(x), up to a constant.
    mode, sd : float
        Of log(x), the latter from the curvature at the mode.

    Returns
    -------
    SoftLogarithm
    """
    log_x = mode + sd * LOOKED_AT
    values = np.array([negative_log(value) for value in log_x])
    mass = np.exp(values.min() - values) * np.gradient(log_x)
    mass /= mass.sum()

    def skewness(soft: SoftLogarithm) -> float:
        u = soft.coordinate(log_x)
        away = u - mass @ u
        return float(mass @ away**3 / (mass @ away**2) ** 1.5)

    return min((SoftLogarithm(np.exp(mode) * s) for s in SOFTNESS), key=lambda soft: abs(skewness(soft)))


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


def scale_centre(problem: MarginalPosterior, location: np.ndarray, scales: tuple[float, float]) -> ScaleCentre:
    """Choose the coordinates from the residuals at a point.

    Parameters
    ----------
    problem : MarginalPosterior
    location : numpy.ndarray, shape (P,)
        Location parameters at the reference point.
    scales : tuple of float
        Sigma and sigma_alpha there.

    Returns
    -------
    ScaleCentre
    """
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
