"""Priors as numbers: how Stan's functions/prior.stanfunctions takes them."""

from dataclasses import dataclass
from functools import cached_property
from math import inf

import numpy as np

__all__ = ["EXPONENTIAL", "FLAT", "GAMMA", "LOG_NORMAL", "NORMAL", "STUDENT_T", "PriorNumbers"]

FLAT, NORMAL, STUDENT_T, EXPONENTIAL, GAMMA, LOG_NORMAL = range(6)
"""Codes of the families. Of a gamma `nu` is alpha and `sigma` 1 / beta; a lognormal has mu and sigma of logarithms."""


@dataclass(frozen=True)
class PriorNumbers:
    """Priors of several parameters as Stan takes them: one array per column, one entry per parameter."""

    family: np.ndarray
    nu: np.ndarray
    mu: np.ndarray
    sigma: np.ndarray

    def effective_sd(self, theta: np.ndarray) -> np.ndarray:
        """Give the standard deviation of the normal that touches each log prior at `theta`; inf where flat.

        For a Student t it is the weight of its representation as a scale mixture of normals
        (Lange, Little & Taylor 1989, doi:10.1080/01621459.1989.10478852).
        """
        residual = (theta - self.mu) / self.sigma
        inflation = np.where(self.family == STUDENT_T, np.sqrt((self.nu + residual**2) / (self.nu + 1.0)), 1.0)
        return np.where(self.family == FLAT, inf, self.sigma * inflation)

    def log_density(self, x: np.ndarray) -> float:
        """Log density up to a constant, summed over the parameters."""
        r = (x - self.mu) / self.sigma
        terms = np.zeros(np.shape(r))
        for code in self._families:
            of_code = self.family == code
            logs = np.log(np.where(of_code, x, 1.0)) if code in (GAMMA, LOG_NORMAL) else 0.0
            if code == NORMAL:
                own = -0.5 * r**2
            elif code == STUDENT_T:
                own = -0.5 * (self.nu + 1.0) * np.log1p(r**2 / self.nu)
            elif code == EXPONENTIAL:
                own = -r
            elif code == GAMMA:
                own = (self.nu - 1.0) * logs - r
            else:
                own = -logs - 0.5 * ((logs - self.mu) / self.sigma) ** 2
            terms = np.where(of_code, own, terms)
        return float(terms.sum())

    @cached_property
    def _families(self) -> list[int]:
        """Those that are there and not flat: the start of the sampler asks for densities many times."""
        return [int(code) for code in np.unique(self.family) if code != FLAT]
