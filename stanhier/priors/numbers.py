"""Priors as numbers: how Stan's functions/prior.stanfunctions takes them."""

from dataclasses import dataclass
from math import inf

import numpy as np

__all__ = ["EXPONENTIAL", "FLAT", "NORMAL", "STUDENT_T", "PriorNumbers"]

FLAT, NORMAL, STUDENT_T, EXPONENTIAL = range(4)
"""Codes of the families."""


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
        terms = np.select(
            [self.family == NORMAL, self.family == STUDENT_T, self.family == EXPONENTIAL],
            [-0.5 * r**2, -0.5 * (self.nu + 1.0) * np.log1p(r**2 / self.nu), -r],
            default=0.0,
        )
        return float(terms.sum())
