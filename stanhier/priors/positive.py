"""Priors of positive numbers that stay away from 0: of `nu`, `shape` and standard deviations."""

from dataclasses import dataclass

import numpy as np

from stanhier.basics.arguments import made_in_our_words
from stanhier.priors.distributions import ScalePrior
from stanhier.priors.numbers import GAMMA, LOG_NORMAL

__all__ = ["Gamma", "LogNormal"]

_OF_GAMMA = {
    **dict.fromkeys(("shape", "k", "a"), "alpha"),
    **dict.fromkeys(("rate", "b", "lam", "lambda_"), "beta"),
}
_OF_LOG_NORMAL = {
    **dict.fromkeys(("mean", "m", "loc", "location"), "mu"),
    **dict.fromkeys(("sd", "std", "s", "scale"), "sigma"),
}
"""What other packages call the numbers of a prior, and what they are called here."""


@made_in_our_words(_OF_GAMMA)
@dataclass(frozen=True, repr=False)
class Gamma(ScalePrior):
    """Gamma prior with shape `alpha` and rate `beta`, so with mean alpha / beta."""

    alpha: float
    beta: float
    family = GAMMA

    def _stan_arguments(self) -> tuple[float, float, float]:
        return self.alpha, 0.0, 1.0 / self.beta

    @property
    def stan(self) -> str:  # noqa: D102
        return f"gamma({self.alpha!r}, {self.beta!r})"

    def rvs(self, rng: np.random.Generator, size: int) -> np.ndarray:  # noqa: D102
        return rng.gamma(self.alpha, 1.0 / self.beta, size)


@made_in_our_words(_OF_LOG_NORMAL)
@dataclass(frozen=True, repr=False)
class LogNormal(ScalePrior):
    """Lognormal prior: the logarithm is normal with mean `mu` and standard deviation `sigma`."""

    mu: float
    sigma: float
    family = LOG_NORMAL

    def _stan_arguments(self) -> tuple[float, float, float]:
        return 1.0, self.mu, self.sigma

    @property
    def stan(self) -> str:  # noqa: D102
        return f"lognormal({self.mu!r}, {self.sigma!r})"

    def rvs(self, rng: np.random.Generator, size: int) -> np.ndarray:  # noqa: D102
        return rng.lognormal(self.mu, self.sigma, size)
