"""Densities of the priors, for the pictures."""

import textwrap
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import inf
from typing import Any

import numpy as np

from stanhier.engines.parameters import Role
from stanhier.engines.regression import Regression
from stanhier.plots.shared import density
from stanhier.priors.correlations import LKJ
from stanhier.priors.densities import distribution
from stanhier.priors.distributions import Prior, ScalePrior

__all__ = ["PriorDensity", "prior_densities"]

_DRAWS = 20_000
_REAL, _POSITIVE = (-inf, inf), (0.0, inf)
_LINE = 32
"""Letters that fit under a panel."""


@dataclass(frozen=True)
class PriorDensity:
    """A prior as a curve.

    Attributes
    ----------
    words : str
        The prior as the user types it, its numbers to four digits, in lines that fit under a panel.
    proper : bool
        Whether there is a curve.
    pdf : callable
        Density at an array of values.
    ppf : callable
        Quantile of a probability.
    support : (float, float)
        The values that the parameter can have.
    """

    words: str
    proper: bool
    pdf: Callable[[np.ndarray], np.ndarray]
    ppf: Callable[[float], float]
    support: tuple[float, float] = _REAL

    @property
    def range(self) -> tuple[float, float]:
        """The values worth showing: the central 98 %, of heavy tails the central 90 %."""
        wide, narrow = (self.ppf(0.01), self.ppf(0.99)), (self.ppf(0.05), self.ppf(0.95))
        lower, upper = narrow if wide[1] - wide[0] > 3 * (narrow[1] - narrow[0]) else wide
        return (0.0 if self.support == _POSITIVE else lower), upper

    def window(self, lower: float, upper: float) -> tuple[float, float]:
        """Widen the range of a posterior by its own width, as far as the prior reaches, and to where the prior is."""
        width = upper - lower
        left, right = lower - 0.1 * width, upper + 0.1 * width
        if self.proper:
            left = min(left, max(lower - width, self.ppf(0.01)), self.ppf(0.5))
            right = max(right, min(upper + width, self.ppf(0.99)), self.ppf(0.5))
        return max(left, self.support[0]), min(right, self.support[1])


def prior_densities(model: Regression) -> dict[tuple[str, Any], PriorDensity]:
    """Give the density of every prior by parameter and label (None where it has none).

    Of correlations it is that of each single one, whose label is the text `effect, other effect`. The prior of an
    intercept at the mean of the predictors, alpha + mean(x) beta, is turned into that of the intercept at 0 by draws.
    """
    densities: dict[tuple[str, Any], PriorDensity] = {}
    for parameter in model.chosen.parameters:
        priors = model.chosen.by_name[parameter.name]
        if parameter.role is Role.GROUP_COR:
            curves = _correlations(priors, [size for size in parameter.blocks if size > 1])
        else:
            curves = [_curve(model, prior) for prior in priors]
        densities |= {
            (parameter.name, label): curve for label, curve in zip(parameter.scalar_labels, curves, strict=True)
        }
    return densities


def _correlations(priors: Sequence[Prior], sizes: Sequence[int]) -> list[PriorDensity]:
    """Give the density of each correlation under the prior of its block's matrix."""
    from scipy import stats

    curves = []
    for prior, q in zip(priors, sizes, strict=True):
        assert isinstance(prior, LKJ)
        shape = prior.marginal_shape(q)
        known = stats.beta(shape, shape, loc=-1, scale=2)
        curve = PriorDensity(_words(prior), proper=True, pdf=known.pdf, ppf=_quantiles(known), support=(-1.0, 1.0))
        curves += [curve] * (q * (q - 1) // 2)
    return curves


def _quantiles(known: Any) -> Callable[[float], float]:
    return lambda p: float(known.ppf(p))


def _words(prior: Prior) -> str:
    return "\n".join(textwrap.wrap(prior.in_digits(4), _LINE, break_long_words=False, break_on_hyphens=False))


def _curve(model: Regression, prior: Prior) -> PriorDensity:
    support = _POSITIVE if isinstance(prior, ScalePrior) and not hasattr(prior, "centered") else _REAL
    if not prior.is_proper:
        return PriorDensity(_words(prior), proper=False, pdf=np.zeros_like, ppf=lambda p: p, support=support)
    slopes = model.chosen.of([parameter for parameter in model.chosen.parameters if parameter.role is Role.SLOPES])
    if getattr(prior, "centered", False) and slopes and all(slope.is_proper for slope in slopes):
        return _sampled(model, prior, slopes)
    known = distribution(prior)
    return PriorDensity(_words(prior), proper=True, pdf=known.pdf, ppf=_quantiles(known), support=support)


def _sampled(model: Regression, prior: Prior, slopes: list[Prior]) -> PriorDensity:
    rng = np.random.default_rng(0)
    draws = prior.rvs(rng, _DRAWS)
    for mean, slope in zip(model.engine.prior_centre, slopes, strict=True):
        draws = draws - mean * slope.rvs(rng, _DRAWS)
    # Far tails would take all of the kernel estimate's grid.
    lower, upper = np.quantile(draws, [0.005, 0.995])
    x, height = density(draws[(draws > lower) & (draws < upper)])
    return PriorDensity(
        _words(prior),
        proper=True,
        pdf=lambda values: 0.99 * np.interp(values, x, height, left=0.0, right=0.0),
        ppf=lambda p: float(np.quantile(draws, p)),
    )
