"""Standard deviations, correlations and what else is sampled: their places, their priors."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from stanhier.engines.multilevel.correlations import correlation_factors
from stanhier.engines.multilevel.layout import ScalePlaces
from stanhier.priors.numbers import EXPONENTIAL, NORMAL, STUDENT_T, PriorNumbers

__all__ = ["ScalePriors", "Scales"]


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
class Scales(ScalePlaces):
    """Where the coordinates of the marginal posterior stand.

    In this order: logarithms of the standard deviations of effects relative to sigma, inverse hyperbolic tangents of
    partial correlations, log(sigma) where it is estimated, and the logarithms of the factors lambda on the precisions
    of Student t priors.

    Attributes
    ----------
    terms : tuple of TermShape
    estimated : bool
        Whether sigma is.
    n_student : int
        Number of Student t priors of the location.
    """

    estimated: bool
    n_student: int

    @property
    def size(self) -> int:
        """L."""
        return self.n_sds + self.n_correlations + int(self.estimated) + self.n_student

    @cached_property
    def log_sigma(self) -> slice:
        """log(sigma); empty where it is known."""
        return slice(self.partial.stop, self.partial.stop + int(self.estimated))

    @cached_property
    def log_lambda(self) -> slice:
        """The factors on precisions."""
        return slice(self.log_sigma.stop, self.size)

    def factors(self, point: np.ndarray) -> tuple[list[np.ndarray], list[np.ndarray]]:
        """Give for each term the factor of its correlations, and Lambda, that of its covariance over sigma^2."""
        partial = point[self.partial]
        parts = zip(self.terms, self.sds, self.cors, strict=True)
        pairs = [
            (correlation_factors(partial[None, cor], term.blocks)[0], np.exp(point[sd])[:, None])
            for term, sd, cor in parts
        ]
        return [factor for factor, _ in pairs], [ratio * factor for factor, ratio in pairs]
