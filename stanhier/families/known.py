"""All families, by name."""

from difflib import get_close_matches
from typing import Any

from stanhier.basics.errors import FormulaError
from stanhier.basics.words import quoted
from stanhier.families.binary import Bernoulli, Binomial
from stanhier.families.counts import NegativeBinomial, Poisson
from stanhier.families.family import Family, Gaussian
from stanhier.families.student_t import StudentTResponse

__all__ = ["FAMILIES", "GAUSSIAN", "family_of"]

GAUSSIAN = Gaussian()
FAMILIES: dict[str, Family] = {
    one.name: one for one in (GAUSSIAN, StudentTResponse(), Bernoulli(), Binomial(), Poisson(), NegativeBinomial())
}
"""Each with its own link."""

_ELSEWHERE = {
    **dict.fromkeys(("normal", "norm", "linear", "lm"), "gaussian"),
    **dict.fromkeys(("t", "student", "studentt", "robust"), "student_t"),
    **dict.fromkeys(("binary", "logistic", "logit", "probit", "bernoulli_logit"), "bernoulli"),
    **dict.fromkeys(("count", "counts", "poisson_log"), "poisson"),
    **dict.fromkeys(
        ("negbinomial", "negative-binomial", "nb", "nbinom", "negbin", "negativebinomial", "neg_binomial_2"),
        "negative_binomial",
    ),
}
"""What other packages call a family, in small letters."""


def family_of(given: Any) -> Family:
    """Read the argument `family` of a model.

    Parameters
    ----------
    given : str or Family
        A name, or a family such as `Bernoulli(link="probit")`.

    Raises
    ------
    FormulaError
        If it is neither; with the names that there are.
    """
    if isinstance(given, Family):
        return given
    if isinstance(given, str) and given in FAMILIES:
        return FAMILIES[given]
    known = ", ".join(f'"{name}"' for name in FAMILIES)
    if isinstance(given, type) and issubclass(given, Family):
        raise FormulaError(f"family={given.__name__} is a class; write {given.__name__}().")
    name = (
        given if isinstance(given, str) else getattr(given, "__name__", type(given).__name__)
    )  # statsmodels' Poisson()
    hint = f' Did you mean family="{meant}"?' if (meant := _meant(name)) else ""
    if type(given).__name__ == "StudentT":
        hint = " StudentT is a prior; a family with fixed degrees of freedom is StudentTResponse(nu=...)."
    raise FormulaError(f"There is no family {quoted(given)}; there are {known}.{hint}")


def _meant(given: str) -> str | None:
    name = given.strip().lower().replace(" ", "_").partition("(")[0]
    return _ELSEWHERE.get(name) or next(iter(get_close_matches(name, FAMILIES, n=1)), None)
