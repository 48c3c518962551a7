"""Priors: small frozen objects that say a distribution and check their own numbers."""

from dataclasses import dataclass, field, fields
from math import inf, isfinite
from numbers import Real
from typing import ClassVar

import numpy as np

from stanhier.basics.arguments import made_in_our_words
from stanhier.basics.errors import PriorError
from stanhier.basics.magnitudes import LARGEST, SMALLEST
from stanhier.basics.words import quoted
from stanhier.priors.numbers import EXPONENTIAL, FLAT, NORMAL, STUDENT_T, PriorNumbers

__all__ = [
    "Cauchy",
    "Exponential",
    "Flat",
    "HalfCauchy",
    "HalfNormal",
    "HalfStudentT",
    "LocationPrior",
    "Normal",
    "Prior",
    "ScalePrior",
    "StudentT",
    "numbers",
]


_ELSEWHERE = {
    **dict.fromkeys(("mean", "m", "loc", "location", "median"), "mu"),
    **dict.fromkeys(("sd", "std", "stdev", "s", "scale", "beta"), "sigma"),
    **dict.fromkeys(("df", "dof", "v"), "nu"),
    **dict.fromkeys(("lam", "lamda", "lambda_", "lmbda"), "rate"),
}
"""What other packages call the numbers of a prior, and what they are called here."""


@dataclass(frozen=True, repr=False)
class Prior:
    """Base of all priors.

    Raises
    ------
    PriorError
        If a number is not finite or beyond 1e100, or a scale, rate or `nu` is not positive.
    """

    family: ClassVar[int] = FLAT

    def __post_init__(self) -> None:
        for f in fields(self):
            value = getattr(self, f.name)
            name = f"{type(self).__name__}({f.name}={quoted(value)})"
            if f.name == "centered":
                if not isinstance(value, bool | np.bool_):
                    raise PriorError(f"{name}: 'centered' must be True or False.")
                object.__setattr__(self, f.name, bool(value))
                continue
            if isinstance(value, bool) or not isinstance(value, Real | np.number):
                raise PriorError(f"{name}: '{f.name}' must be a number, not {type(value).__name__}.")
            try:
                number = float(value)
            except OverflowError:  # an integer beyond all floats
                number = inf
            if not isfinite(number):
                raise PriorError(f"{name}: '{f.name}' must be finite; for no prior at all use Flat().")
            if f.name != "mu" and number <= 0:
                raise PriorError(f"{name}: '{f.name}' must be greater than 0.")
            if abs(number) > LARGEST or (f.name != "mu" and number < SMALLEST):
                raise PriorError(f"{name}: '{f.name}' is too far from 1 in size; {SMALLEST:g} to {LARGEST:g} will do.")
            object.__setattr__(self, f.name, number)

    def __repr__(self) -> str:
        return self.in_digits(6)

    def in_digits(self, digits: int) -> str:
        """Give the prior as users type it, its numbers to so many significant digits."""
        numbers = [f"{getattr(self, f.name):.{digits}g}" for f in fields(self) if f.name != "centered"]
        if getattr(self, "centered", False):
            numbers.append("centered=True")
        return f"{type(self).__name__}({', '.join(numbers)})"

    @property
    def is_proper(self) -> bool:
        """Whether the density integrates to one: of `Flat()` it does not."""
        return self.family != FLAT

    def _stan_arguments(self) -> tuple[float, float, float]:
        """Give (nu, mu, sigma) as Stan's functions/prior.stanfunctions takes them."""
        return 1.0, 0.0, 1.0

    @property
    def stan(self) -> str:
        """Stan's distribution statement after the tilde; empty for a flat prior."""
        return ""

    def rvs(self, rng: np.random.Generator, size: int) -> np.ndarray:  # noqa: ARG002
        """Draw from the prior.

        Parameters
        ----------
        rng : numpy.random.Generator
            Source of random numbers.
        size : int
            Number of draws.

        Returns
        -------
        numpy.ndarray, shape (size,)

        Raises
        ------
        PriorError
            If the prior is flat: there is nothing to draw from.
        """
        raise PriorError(f"{type(self).__name__}() is improper, so it has no draws; give a proper prior.")


@dataclass(frozen=True, repr=False)
class LocationPrior(Prior):
    """Base of priors on the whole real line, for `alpha`, `mu_alpha` and `beta`.

    `centered=True`, for `alpha` and `mu_alpha` alone, puts the prior on the intercept at the mean of the predictors
    instead of the intercept at x = 0. With predictors far from 0, such as years, a prior at x = 0 is one on
    their slopes as well: a warning says so.
    """

    centered: bool = field(default=False, kw_only=True)


@dataclass(frozen=True, repr=False)
class ScalePrior(Prior):
    """Base of priors on (0, inf): of standard deviations, and of `nu` and `shape`."""


@made_in_our_words(_ELSEWHERE)
@dataclass(frozen=True, repr=False)
class Normal(LocationPrior):
    """Normal prior with mean `mu` and standard deviation `sigma`."""

    mu: float
    sigma: float
    family = NORMAL

    def _stan_arguments(self) -> tuple[float, float, float]:
        return 1.0, self.mu, self.sigma

    @property
    def stan(self) -> str:  # noqa: D102
        return f"normal({self.mu!r}, {self.sigma!r})"

    def rvs(self, rng: np.random.Generator, size: int) -> np.ndarray:  # noqa: D102
        return rng.normal(self.mu, self.sigma, size)


@made_in_our_words(_ELSEWHERE)
@dataclass(frozen=True, repr=False)
class StudentT(LocationPrior):
    """Student t prior with `nu` degrees of freedom, location `mu` and scale `sigma`."""

    nu: float
    mu: float
    sigma: float
    family = STUDENT_T

    def _stan_arguments(self) -> tuple[float, float, float]:
        return self.nu, self.mu, self.sigma

    @property
    def stan(self) -> str:  # noqa: D102
        return f"student_t({self.nu!r}, {self.mu!r}, {self.sigma!r})"

    def rvs(self, rng: np.random.Generator, size: int) -> np.ndarray:  # noqa: D102
        return self.mu + self.sigma * rng.standard_t(self.nu, size)


@made_in_our_words(_ELSEWHERE)
@dataclass(frozen=True, repr=False)
class Cauchy(LocationPrior):
    """Cauchy prior with location `mu` and scale `sigma`."""

    mu: float
    sigma: float
    family = STUDENT_T

    def _stan_arguments(self) -> tuple[float, float, float]:
        return 1.0, self.mu, self.sigma

    @property
    def stan(self) -> str:  # noqa: D102
        return f"cauchy({self.mu!r}, {self.sigma!r})"

    def rvs(self, rng: np.random.Generator, size: int) -> np.ndarray:  # noqa: D102
        return self.mu + self.sigma * rng.standard_cauchy(size)


@made_in_our_words(_ELSEWHERE)
@dataclass(frozen=True, repr=False)
class HalfNormal(ScalePrior):
    """Normal prior with mean 0 and standard deviation `sigma`, cut to (0, inf)."""

    sigma: float
    family = NORMAL

    def _stan_arguments(self) -> tuple[float, float, float]:
        return 1.0, 0.0, self.sigma

    @property
    def stan(self) -> str:  # noqa: D102
        return f"normal(0, {self.sigma!r})"

    def rvs(self, rng: np.random.Generator, size: int) -> np.ndarray:  # noqa: D102
        return np.abs(rng.normal(0.0, self.sigma, size))


@made_in_our_words(_ELSEWHERE)
@dataclass(frozen=True, repr=False)
class HalfStudentT(ScalePrior):
    """Student t prior with `nu` degrees of freedom, location 0 and scale `sigma`, cut to (0, inf)."""

    nu: float
    sigma: float
    family = STUDENT_T

    def _stan_arguments(self) -> tuple[float, float, float]:
        return self.nu, 0.0, self.sigma

    @property
    def stan(self) -> str:  # noqa: D102
        return f"student_t({self.nu!r}, 0, {self.sigma!r})"

    def rvs(self, rng: np.random.Generator, size: int) -> np.ndarray:  # noqa: D102
        return np.abs(self.sigma * rng.standard_t(self.nu, size))


@made_in_our_words(_ELSEWHERE)
@dataclass(frozen=True, repr=False)
class HalfCauchy(ScalePrior):
    """Cauchy prior with location 0 and scale `sigma`, cut to (0, inf)."""

    sigma: float
    family = STUDENT_T

    def _stan_arguments(self) -> tuple[float, float, float]:
        return 1.0, 0.0, self.sigma

    @property
    def stan(self) -> str:  # noqa: D102
        return f"cauchy(0, {self.sigma!r})"

    def rvs(self, rng: np.random.Generator, size: int) -> np.ndarray:  # noqa: D102
        return np.abs(self.sigma * rng.standard_cauchy(size))


@made_in_our_words(_ELSEWHERE)
@dataclass(frozen=True, repr=False)
class Exponential(ScalePrior):
    """Exponential prior with the given `rate`, so with mean 1 / rate."""

    rate: float
    family = EXPONENTIAL

    def _stan_arguments(self) -> tuple[float, float, float]:
        return 1.0, 0.0, 1.0 / self.rate

    @property
    def stan(self) -> str:  # noqa: D102
        return f"exponential({self.rate!r})"

    def rvs(self, rng: np.random.Generator, size: int) -> np.ndarray:  # noqa: D102
        return rng.exponential(1.0 / self.rate, size)


@made_in_our_words(_ELSEWHERE)
@dataclass(frozen=True, repr=False)
class Flat(LocationPrior, ScalePrior):
    """Improper uniform prior: on the real line, or on (0, inf) for a scale parameter."""


def numbers(priors: list[Prior]) -> PriorNumbers:
    """Translate priors into the arrays that Stan receives.

    Parameters
    ----------
    priors : list of Prior
        One per parameter.

    Returns
    -------
    PriorNumbers
        Arrays of shape (len(priors),).
    """
    arguments = np.array([p._stan_arguments() for p in priors]).reshape(len(priors), 3)
    return PriorNumbers(np.array([p.family for p in priors], dtype=int), *arguments.T)
