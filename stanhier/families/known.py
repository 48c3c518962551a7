"""All families, by name."""

import re
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
        (
            *("negbinomial", "negative-binomial", "nb", "nb1", "nb2", "nbinom", "nbinom1", "nbinom2", "negbin"),
            *("negativebinomial", "neg_binomial_2", "neg_binomial", "quasipoisson", "quasi_poisson"),
        ),
        "negative_binomial",
    ),
}
"""What other packages call a family, in small letters."""

_TAKE = "such a family take brms, PyMC or Stan itself."
_NO_SUCH = {
    "zero_inflated|hurdle|zero_one|^zip$|^zinb|^zi_|truncated": (
        f'Many zeros are often those of "negative_binomial", and fit.check() says whether there are more; for {_TAKE}'
    ),
    "cumulative|ordinal|ordered|sratio|cratio|acat|categorical|multinom|dirichlet|softmax|von_?mises|^cox": (
        f"For {_TAKE}"
    ),
    "log_?normal": 'Write log(y) ~ x with family="gaussian".',
    "gamma|weibull|^exponential|inverse|wald|tweedie|frechet|gen_extreme": (
        f'Of positive numbers log(y) ~ x with family="gaussian" is often as good; for {_TAKE}'
    ),
    "beta_?binomial": f'"binomial" with an effect for each row, (1 | row), varies more than binomial; for {_TAKE}',
    "^beta": f'So many of so many are "binomial" with trials=; for {_TAKE}',
    "skew|laplace|exgauss|ex_gauss|quantile|cauchy": f'"student_t" has heavy tails; for {_TAKE}',
}
"""What is said of families that have no counterpart, by what their names have in them."""


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
    hint = _hint(name)
    if type(given).__name__ == "StudentT":
        hint = " StudentT is a prior; a family with fixed degrees of freedom is StudentTResponse(nu=...)."
    raise FormulaError(f"There is no family {quoted(given)}; there are {known}.{hint}")


def _hint(given: str) -> str:
    """Say what a family is called here, or what there is in its place, as a sentence after a blank; or nothing."""
    name = given.strip().lower().replace(" ", "_").partition("(")[0]
    meant = _ELSEWHERE.get(name)
    if meant is None:
        plain = re.sub("[-.]", "_", name)
        said = next((said for pattern, said in _NO_SUCH.items() if re.search(pattern, plain)), None)
        if said is not None:
            return f" {said}"
        meant = next(iter(get_close_matches(name, FAMILIES, n=1)), None)
    return f' Did you mean family="{meant}"?' if meant else ""
