"""What is on the axes of a picture: the mean of a response, and the linear predictor that its link makes of it."""

from stanhier.design.design import Design
from stanhier.families.family import Family
from stanhier.plots.shared import short

__all__ = ["ENDLESS", "linear_words", "mean_noun", "mean_words", "share_words"]

ENDLESS = 1e15
"""Counts beyond which pictures do not tell numbers apart: matplotlib and ArviZ calculate with them."""

_LINKS = {"logit": "log odds of {}", "probit": "probit of {}", "log": "log of the mean {}"}


def mean_words(design: Design) -> str:
    """Say what the mean of a response is: itself where that is continuous, a probability, an expected count."""
    response = _event(design)
    if not design.family.is_discrete:
        return response
    return f"expected {response}" if design.family.link == "log" else f"probability of {response}"


def mean_noun(family: Family) -> str:
    """Say in a legend what the mean of a response is."""
    if not family.is_discrete:
        return "mean"
    return "expected count" if family.link == "log" else "probability"


def linear_words(design: Design) -> str:
    """Say what the linear predictor of a response is."""
    return _LINKS.get(design.family.link, "mean {}").format(_event(design))


def share_words(design: Design) -> str:
    """Say what the mean of some rows is: a proportion, of trials where each row has several, or a mean."""
    kind = "mean" if not design.family.is_discrete or design.family.link == "log" else "proportion of"
    return f"{kind} {_event(design)}"


def _event(design: Design) -> str:
    """Name the response, or its event where it is a category."""
    response = design.formula.response
    return short(response if design.categories is None else f"{response} = {design.categories[1]}")
