"""Priors as numbers: how Stan's functions/prior.stanfunctions takes them."""

from dataclasses import dataclass
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
        on_logs = np.isin(self.family, (GAMMA, LOG_NORMAL))
        logs = np.log(np.where(on_logs, x, 1.0))
        terms = np.select(
            [self.family == code for code in (NORMAL, STUDENT_T, EXPONENTIAL, GAMMA, LOG_NORMAL)],
            [
                -0.5 * r**2,
                -0.5 * (self.nu + 1.0) * np.log1p(r**2 / self.nu),
                -r,
                (self.nu - 1.0) * logs - r,
                -logs - 0.5 * ((logs - self.mu) / self.sigma) ** 2,
            ],
            default=0.0,
        )
        return float(terms.sum())
