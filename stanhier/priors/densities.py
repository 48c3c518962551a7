"""Densities of priors of single numbers, as SciPy's distributions."""

from typing import Any

import numpy as np

from stanhier.priors.distributions import (
    Cauchy,
    Exponential,
    HalfCauchy,
    HalfNormal,
    HalfStudentT,
    Normal,
    Prior,
    StudentT,
)
from stanhier.priors.positive import Gamma, LogNormal

__all__ = ["distribution"]


def distribution(prior: Prior) -> Any:
    """Give the distribution of a prior of a single number, with the methods `pdf`, `logpdf` and `ppf` of SciPy's.

    Raises
    ------
    TypeError
        If the prior is flat, or one of matrices.
    """
    from scipy import stats

    match prior:
        case Normal():
            return stats.norm(prior.mu, prior.sigma)
        case StudentT():
            return stats.t(prior.nu, prior.mu, prior.sigma)
        case Cauchy():
            return stats.cauchy(prior.mu, prior.sigma)
        case HalfNormal():
            return stats.halfnorm(scale=prior.sigma)
        case HalfCauchy():
            return stats.halfcauchy(scale=prior.sigma)
        case HalfStudentT():
            return _HalfStudentT(prior.nu, prior.sigma)
        case Exponential():
            return stats.expon(scale=1 / prior.rate)
        case Gamma():
            return stats.gamma(prior.alpha, scale=1 / prior.beta)
        case LogNormal():
            return stats.lognorm(prior.sigma, scale=np.exp(prior.mu))
        case _:
            raise TypeError(f"no density for {prior!r}")


class _HalfStudentT:
    """The positive half of Student's t, which scipy does not have."""

    def __init__(self, nu: float, sigma: float) -> None:
        from scipy import stats

        self._whole = stats.t(nu, 0.0, sigma)

    def pdf(self, x: np.ndarray) -> np.ndarray:
        return np.where(np.asarray(x) < 0, 0.0, 2 * self._whole.pdf(x))

    def logpdf(self, x: np.ndarray) -> np.ndarray:
        return np.where(np.asarray(x) < 0, -np.inf, np.log(2) + self._whole.logpdf(x))

    def ppf(self, p: float) -> float:
        return float(self._whole.ppf(0.5 + p / 2))
