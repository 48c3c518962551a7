"""How a family of responses stands in a program."""

from typing import Any

from stanhier.engines.textbook.description import Description
from stanhier.families.family import Family

__all__ = ["likelihood", "response_for_template"]

_INVERSE = {"logit": "inv_logit", "probit": "Phi"}


def response_for_template(description: Description) -> dict[str, Any]:
    """Give what templates ask of the response."""
    family = description.family
    return {
        "family": family.name,
        "link": family.link,
        "nu": _nu(family),
        "has_sigma": family.has_sigma,
        "is_discrete": family.is_discrete,
        "subtracted": description.has_offset and family.link == "identity",
        "offset": description.adds_offset,
        "auxiliary": [name for name, _ in description.auxiliary],
    }


def likelihood(description: Description, eta: str, noise: str) -> str:
    """Write the distribution of a response around a linear predictor: `normal(eta, sigma)`.

    Parameters
    ----------
    description : Description
    eta : str
        The linear predictor.
    noise : str
        The standard deviation of a Gaussian response.
    """
    family = description.family
    if family.is_gaussian:
        return f"normal({eta}, {noise})"
    if family.name == "student_t":
        return f"student_t({_nu(family)}, {eta}, sigma)"
    if family.link == "log":
        return f"poisson(exp({eta}))" if family.name == "poisson" else f"neg_binomial_2(exp({eta}), shape)"
    probability = f"{_INVERSE[family.link]}({eta})"
    return f"bernoulli({probability})" if family.name == "bernoulli" else f"binomial(trials[n], {probability})"


def _nu(family: Family) -> str:
    """Write the degrees of freedom of Student t responses: the parameter, or the number that they are fixed at."""
    return f"{family.fixed['nu']:.17g}" if "nu" in family.fixed else "nu"
