"""Priors of correlation matrices."""

from abc import abstractmethod
from dataclasses import dataclass

import numpy as np
from scipy.special import betaln

from stanhier.basics.arguments import made_in_our_words
from stanhier.priors.distributions import Prior

__all__ = ["LKJ", "CorrelationPrior"]

_ELSEWHERE = dict.fromkeys(("shape", "concentration", "regularization", "zeta"), "eta")
"""What other packages call the number of the prior, and what it is called here."""


@dataclass(frozen=True, repr=False)
class CorrelationPrior(Prior):
    """Base of priors of correlation matrices, for `cor`."""

    @property
    def is_proper(self) -> bool:
        """Whether the density integrates to one: correlation matrices are a bounded set, so it does."""
        return True

    @abstractmethod
    def rvs(self, rng: np.random.Generator, size: int, q: int = 2) -> np.ndarray:
        """Draw correlation matrices.

        Parameters
        ----------
        rng : numpy.random.Generator
            Source of random numbers.
        size : int
            Number of draws.
        q : int
            Number of rows and columns.

        Returns
        -------
        numpy.ndarray, shape (size, q, q)
        """

    def _stan_arguments(self) -> tuple[float, float, float]:
        raise TypeError(f"{self!r} is a prior of a matrix, not of a single number")


@made_in_our_words(_ELSEWHERE)
@dataclass(frozen=True, repr=False)
class LKJ(CorrelationPrior):
    """Prior of a correlation matrix with density proportional to its determinant to the power of `eta` - 1.

    `LKJ(1)` takes all correlation matrices alike; `eta` above 1 favours correlations near 0, below 1 those near -1 and
    1. In q dimensions (r + 1) / 2 of each single correlation r is Beta(a, a) with a = eta + (q - 2) / 2.

    References
    ----------
    Lewandowski, Kurowicka & Joe (2009), Generating random correlation matrices based on vines and extended onion
    method, doi:10.1016/j.jmva.2009.04.008.
    """

    eta: float

    @property
    def stan(self) -> str:
        """Stan's distribution statement after the tilde, of the matrix's Cholesky factor."""
        return f"lkj_corr_cholesky({self.eta!r})"

    def marginal_shape(self, q: int) -> float:
        """Give a of the Beta(a, a) distribution of (r + 1) / 2, r a single correlation in q dimensions."""
        return self.eta + (q - 2) / 2

    def log_density(self, matrices: np.ndarray) -> np.ndarray:
        """Give the log density at correlation matrices, shape (...) from (..., q, q).

        It is that of the correlations below the diagonal; the constant is equation 16 of the reference, in the partial
        correlations of `rvs`.
        """
        q = matrices.shape[-1]
        per_column = [(q - 1 - j, self.marginal_shape(q - j)) for j in range(q - 1)]
        constant = sum(n * (betaln(a, a) + (2 * a - 1) * np.log(2)) for n, a in per_column)
        # Of matrices at the edge, where the determinant is 0, LKJ(1) knows nothing else.
        power = 0.0 if self.eta == 1 else (self.eta - 1) * np.linalg.slogdet(matrices)[1]
        return np.asarray(np.zeros(matrices.shape[:-2]) + power - constant)

    def rvs(self, rng: np.random.Generator, size: int, q: int = 2) -> np.ndarray:
        """Draw correlation matrices, shape (size, q, q).

        Partial correlations, each of an entry below the diagonal given the columns to its left, are independent:
        (p + 1) / 2 of one in column j (from 0) is Beta(a, a) with a = eta + (q - 2 - j) / 2.
        """
        factor = np.zeros((size, q, q))
        left = np.ones((size, q))  # of each row's squared length, 1, what its first columns have not taken
        for j in range(q):
            factor[:, j, j] = np.sqrt(left[:, j])
            if j == q - 1:
                break
            shape = self.marginal_shape(q - j)
            partial = 2.0 * rng.beta(shape, shape, (size, q - 1 - j)) - 1.0
            factor[:, j + 1 :, j] = partial * np.sqrt(left[:, j + 1 :])
            left[:, j + 1 :] *= (1.0 - partial) * (1.0 + partial)
        matrices = np.einsum("sik,sjk->sij", factor, factor)
        matrices[:, range(q), range(q)] = 1.0
        return np.asarray(np.clip(matrices, -1.0, 1.0))
