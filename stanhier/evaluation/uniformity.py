"""Whether ranks are uniform, judged by their whole empirical distribution function at once.

At each point the number of ranks below it is binomial. A band holds all of these numbers with a given probability:
all have the same two-sided tail probability at its edge, and the probability of staying inside everywhere is
calculated, not simulated. It is that of a random walk with Poisson steps given where it ends.

References
----------
Säilynoja, Bürkner & Vehtari (2022), Graphical test for discrete uniformity and its applications in goodness-of-fit
evaluation and multiple sample comparison, doi:10.1007/s11222-022-10090-6.
"""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import scipy  # its parts are imported when they are first used, and that of statistics takes long

__all__ = ["RankTest", "rank_test"]


@dataclass(frozen=True)
class RankTest:
    """The test for a number of ranks on 0 to `n_draws`.

    Attributes
    ----------
    n : int
        Number of ranks.
    points : numpy.ndarray, shape (n_draws,)
        Where the distribution functions are compared: uniform ranks are below rank k with probability points[k - 1].
    at_most, at_least : numpy.ndarray, shape (n_draws, n + 1)
        Probabilities that at most, and at least, so many ranks are below each point.
    """

    n: int
    points: np.ndarray
    at_most: np.ndarray
    at_least: np.ndarray

    def below(self, ranks: np.ndarray) -> np.ndarray:
        """Count the ranks below each point, shape (n_draws,)."""
        return np.cumsum(np.bincount(ranks, minlength=len(self.points) + 1))[:-1]

    def p_value(self, ranks: np.ndarray) -> float:
        """Probability that uniform ranks leave a band that these ranks just touch.

        Parameters
        ----------
        ranks : numpy.ndarray of int, shape (n,)
        """
        below = self.below(ranks)
        each = np.arange(len(self.points))
        tail = np.minimum(self.at_most[each, below], self.at_least[each, below]).min()
        # A hair more, so that tails which are equal but for rounding count as equal.
        return 1.0 - self._inside(*self._edges(tail * (1 + 1e-9)))

    def band(self, prob: float) -> tuple[np.ndarray, np.ndarray]:
        """Find the narrowest band that uniform ranks stay in everywhere with at least this probability.

        Returns
        -------
        lower, upper : numpy.ndarray of int, shape (n_draws,)
            Numbers of ranks below each point.
        """
        low, high = 0.0, 1.0
        for _ in range(30):
            middle = (low + high) / 2
            low, high = (middle, high) if self._inside(*self._edges(middle)) >= prob else (low, middle)
        return self._edges(low)

    def _edges(self, tail: float) -> tuple[np.ndarray, np.ndarray]:
        """Smallest and largest numbers both of whose tails are more probable than this."""
        return (self.at_most <= tail).sum(axis=1), (self.at_least > tail).sum(axis=1) - 1

    def _inside(self, lower: np.ndarray, upper: np.ndarray) -> float:
        """Probability that the numbers of uniform ranks below all points lie between these."""
        counts = np.arange(self.n + 1)
        step = scipy.stats.poisson.pmf(counts, self.n / (len(self.points) + 1))
        reached = np.where(counts == 0, 1.0, 0.0)
        for low, high in zip(lower, upper, strict=True):
            reached = np.convolve(reached, step)[: self.n + 1]
            reached[(counts < low) | (counts > high)] = 0.0
        return float(reached @ step[::-1] / scipy.stats.poisson.pmf(self.n, self.n))


@lru_cache(maxsize=8)
def rank_test(n: int, n_draws: int) -> RankTest:
    """Prepare the test.

    Parameters
    ----------
    n : int
        Number of ranks.
    n_draws : int
        Draws that each value is ranked among: ranks go from 0 to this.

    Returns
    -------
    RankTest
    """
    points = np.arange(1, n_draws + 1) / (n_draws + 1)
    counts = np.arange(n + 1)
    at_most = np.asarray(scipy.stats.binom.cdf(counts, n, points[:, None]))
    at_least = np.asarray(scipy.stats.binom.sf(counts - 1, n, points[:, None]))
    return RankTest(n, points, at_most, at_least)
