"""Bayesian hierarchical regression: a formula in, a Stan posterior out, fast and checked."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from stanhier.basics.elsewhere import OF_PACKAGE, said_of
from stanhier.basics.version import VERSION

__version__ = VERSION

_HOMES = {
    "Bernoulli": "families.binary",
    "Binomial": "families.binary",
    "Cauchy": "priors.distributions",
    "CmdStanError": "basics.errors",
    "DataError": "basics.errors",
    "Exponential": "priors.distributions",
    "Fit": "fit",
    "Flat": "priors.distributions",
    "FormulaError": "basics.errors",
    "Gamma": "priors.positive",
    "HalfCauchy": "priors.distributions",
    "HalfNormal": "priors.distributions",
    "HalfStudentT": "priors.distributions",
    "LKJ": "priors.correlations",
    "LinearRegression": "regressions",
    "LogNormal": "priors.positive",
    "MissingWarning": "basics.warned",
    "Model": "model",
    "NegativeBinomial": "families.counts",
    "Normal": "priors.distributions",
    "Poisson": "families.counts",
    "PriorError": "basics.errors",
    "PriorWarning": "basics.warned",
    "ResponseWarning": "basics.warned",
    "SamplingError": "basics.errors",
    "SamplingWarning": "posterior.diagnostics",
    "StanhierError": "basics.errors",
    "StudentT": "priors.distributions",
    "StudentTResponse": "families.student_t",
    "VaryingIntercept": "regressions",
    "compare": "evaluation.comparison",
    "fit_many": "many.fitting",
    "load": "loading",
    "plot_compare": "plots",
    "pooling": "many.pooling",
    "sbc": "evaluation.calibration",
}
_MODULES = ("datasets",)

__all__ = [  # noqa: RUF022 - sorted as words are; LKJ is a class and no constant
    "Bernoulli",
    "Binomial",
    "Cauchy",
    "CmdStanError",
    "DataError",
    "Exponential",
    "Fit",
    "Flat",
    "FormulaError",
    "Gamma",
    "HalfCauchy",
    "HalfNormal",
    "HalfStudentT",
    "LKJ",
    "LinearRegression",
    "LogNormal",
    "MissingWarning",
    "Model",
    "NegativeBinomial",
    "Normal",
    "Poisson",
    "PriorError",
    "PriorWarning",
    "ResponseWarning",
    "SamplingError",
    "SamplingWarning",
    "StanhierError",
    "StudentT",
    "StudentTResponse",
    "VaryingIntercept",
    "compare",
    "fit_many",
    "load",
    "plot_compare",
    "pooling",
    "sbc",
]

if TYPE_CHECKING:
    from stanhier import datasets as datasets
    from stanhier.basics.errors import CmdStanError, DataError, FormulaError, PriorError, SamplingError, StanhierError
    from stanhier.basics.warned import MissingWarning, PriorWarning, ResponseWarning
    from stanhier.evaluation.calibration import sbc
    from stanhier.evaluation.comparison import compare
    from stanhier.families.binary import Bernoulli, Binomial
    from stanhier.families.counts import NegativeBinomial, Poisson
    from stanhier.families.student_t import StudentTResponse
    from stanhier.fit import Fit
    from stanhier.loading import load
    from stanhier.many.fitting import fit_many
    from stanhier.many.pooling import pooling
    from stanhier.model import Model
    from stanhier.plots import plot_compare
    from stanhier.posterior.diagnostics import SamplingWarning
    from stanhier.priors.correlations import LKJ
    from stanhier.priors.distributions import (
        Cauchy,
        Exponential,
        Flat,
        HalfCauchy,
        HalfNormal,
        HalfStudentT,
        Normal,
        StudentT,
    )
    from stanhier.priors.positive import Gamma, LogNormal
    from stanhier.regressions import LinearRegression, VaryingIntercept


def __getattr__(name: str) -> Any:
    """Import a public name when it is first used, so that `import stanhier` itself costs nothing."""
    if name in _MODULES:
        return import_module(f"stanhier.{name}")
    if name not in _HOMES:
        plain = f"module 'stanhier' has no attribute {name!r}"
        raise AttributeError(said_of("module 'stanhier'", name, OF_PACKAGE) or plain)
    value = getattr(import_module(f"stanhier.{_HOMES[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    """List the public names, loaded or not, and no other."""
    return sorted([*__all__, *_MODULES])
