"""Means and centred squares of columns, which merge exactly over blocks of rows.

References
----------
Chan, Golub & LeVeque (1983), Algorithms for computing the sample variance, doi:10.1080/00031305.1983.10483115.
"""

from dataclasses import dataclass

import numpy as np

__all__ = ["Moments", "moments_of"]


@dataclass(frozen=True)
class Moments:
    """Means and centred squares of columns.

    Attributes
    ----------
    n : int
        Number of rows.
    reference : numpy.ndarray, shape (C,)
        One of the rows. Means are relative to it, so that neither large means nor constant columns are rounded.
    mean : numpy.ndarray, shape (C,)
    squares : numpy.ndarray, shape (C,)
        Sums of squares around the mean.
    """

    n: int
    reference: np.ndarray
    mean: np.ndarray
    squares: np.ndarray

    @property
    def means(self) -> np.ndarray:
        """Means of the columns themselves, shape (C,)."""
        return np.asarray(self.reference + self.mean)

    @property
    def sd(self) -> np.ndarray:
        """Standard deviations with divisor n - 1, shape (C,); 0 of a single row."""
        return np.asarray(np.sqrt(self.squares / max(self.n - 1, 1)))

    def merge(self, other: "Moments") -> "Moments":
        """Give the moments of the rows of both."""
        n = self.n + other.n
        difference = other.mean + (other.reference - self.reference) - self.mean
        return Moments(
            n,
            self.reference,
            self.mean + (other.n / n) * difference,
            self.squares + other.squares + (self.n * other.n / n) * difference**2,
        )


def moments_of(values: np.ndarray) -> Moments:
    """Give the moments of the columns of an array, shape (N, C), N > 0."""
    reference = values[0].copy()
    relative = values - reference
    mean = relative.mean(axis=0)
    return Moments(len(values), reference, mean, np.square(relative - mean).sum(axis=0))
