"""What a single check found, and how sure it has to be."""

from dataclasses import dataclass

import numpy as np

__all__ = ["LEVELS", "Finding", "p_text"]

LEVELS = {
    "statistics": 0.002,  # of each of at most seven, which the fitted model reproduces more often than not
    "dispersion": 0.003,
    "distribution": 0.003,
    "skewness": 0.003,
    "tails": 0.003,
    "outliers": 0.003,
    "trend": 0.006,
    "slopes by group": 0.004,
    "spread": 0.004,
    "spread by group": 0.003,
    "groups": 0.005,
    "priors": 0.003,
}
"""How often each kind of check may be wrong of a true model; those of one kind share it. Together it is below 5 %."""


@dataclass(frozen=True)
class Finding:
    """One check.

    Attributes
    ----------
    check, of : str
        What was checked, and the column, factor or parameter that it is about; empty where it is about all rows.
    problem : str
        What there is to say if it failed: what is wrong, and what to try next.
    p : float
        Probability of as much under the model; nan of what is seen without one.
    level : float
        What p has to be above.
    observed, lower, upper : float
        What was seen, and the central 90 % of what the model lets expect, where these are numbers.
    """

    check: str
    of: str
    problem: str
    p: float = np.nan
    level: float = np.nan
    observed: float = np.nan
    lower: float = np.nan
    upper: float = np.nan

    @property
    def ok(self) -> bool:
        """Whether the model passed."""
        return bool(self.p > self.level)


def p_text(p: float) -> str:
    """Write a probability: `p = 0.0012`, `p < 0.0001`."""
    return f"p = {p:.2g}" if p >= 1e-4 else "p < 0.0001"
