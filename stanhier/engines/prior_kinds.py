"""Which kind of prior a parameter takes, and what to say of any other."""

from typing import Any

from stanhier.basics.errors import PriorError
from stanhier.basics.words import quoted
from stanhier.priors.correlations import CorrelationPrior
from stanhier.priors.distributions import LocationPrior, Prior, ScalePrior

__all__ = ["correlation_prior", "location_prior", "scale_prior"]


def location_prior(prior: Any, name: str, *, centered_allowed: bool = True) -> LocationPrior | None:
    """Give a prior that the user wrote for a number on the real line; None for none.

    Raises
    ------
    PriorError
        If it is of another kind, or `centered` where no prior can be.
    """
    if prior is None:
        return None
    if not isinstance(prior, LocationPrior):
        raise PriorError(
            f"The prior of {name} must be one on the real line, Normal, StudentT, Cauchy or Flat; got {_shown(prior)}."
        )
    if prior.centered and not centered_allowed:
        raise PriorError(f"The prior of {name} cannot have centered=True: that is for the intercept.")
    return prior


_FIXED = {
    "nu": " family=sh.StudentTResponse(nu=...) fixes it.",
    "sigma": " sigma=... fixes that of a Gaussian response.",
}
"""What to do where a number stands for a prior."""


def scale_prior(prior: Any, name: str) -> ScalePrior | None:
    """Give a prior that the user wrote for a standard deviation, or another positive number; None for none.

    Raises
    ------
    PriorError
        If it is of another kind.
    """
    if prior is None:
        return None
    if not isinstance(prior, ScalePrior):
        remedy = _FIXED.get(name, "") if isinstance(prior, int | float) else ""
        raise PriorError(
            f"The prior of {name} must be one on (0, inf), HalfNormal, HalfStudentT, HalfCauchy, Exponential, Gamma, "
            f"LogNormal or Flat; got {_shown(prior)}.{remedy}"
        )
    return prior


def correlation_prior(prior: Any, name: str) -> CorrelationPrior | None:
    """Give a prior that the user wrote for a correlation matrix; None for none.

    Raises
    ------
    PriorError
        If it is of another kind.
    """
    if prior is None:
        return None
    if not isinstance(prior, CorrelationPrior):
        raise PriorError(
            f"The prior of {name} must be one of correlation matrices, LKJ(eta); got {_shown(prior)}. LKJ(1) takes all "
            "of them alike, and more than 1 favours correlations near 0."
        )
    return prior


def _shown(prior: Any) -> str:
    if isinstance(prior, type) and issubclass(prior, Prior):
        return f"the class {prior.__name__}; give it numbers, as in {prior.__name__}(...)"
    return f"{quoted(prior)}" if isinstance(prior, Prior) else f"{type(prior).__name__} ({quoted(prior)})"
