"""Priors beside what the data say: priors that these contradict, and priors that decide.

References
----------
Evans & Moshonov (2006), doi:10.1214/06-BA129: prior-data conflict, by where estimates lie among those that the prior
lets expect. Kallioinen, Paananen, Bürkner & Vehtari (2024), doi:10.1007/s11222-023-10366-5: sensitivity to priors.
"""

from collections.abc import Iterator

import numpy as np
import pandas as pd

from stanhier.engines.draws import Draws
from stanhier.engines.parameters import Role
from stanhier.engines.regression import Regression
from stanhier.evaluation.checks.finding import LEVELS, Finding, p_text
from stanhier.evaluation.checks.sensitivity import LARGE
from stanhier.posterior.log_prior import where_priors_hold
from stanhier.priors.distributions import (
    Exponential,
    HalfCauchy,
    HalfNormal,
    HalfStudentT,
    LocationPrior,
    Normal,
    Prior,
)

__all__ = ["decisive_priors", "prior_findings"]

_N_PRIOR = 20_000
_DECISIVE = 0.5
_MOST_CHECKED = 200


def prior_findings(model: Regression, draws: Draws, sensitivity: pd.Series) -> Iterator[Finding]:
    """Find priors that the data contradict, and say by the sensitivity to powers of the priors whether that matters."""
    checked = list(_priors(model, draws))
    for name, prior, values in checked:
        p = _conflict(prior, values, np.random.default_rng(0x70))
        problem = (
            f"The data contradict the prior {prior.in_digits(4)} of {name}: the posterior is {values.mean():.3g} "
            f"(sd {values.std():.2g}) ({p_text(p)}). Widen the prior, or find out which of the two is wrong."
            f"{_weight(sensitivity.get(name))}"
        )
        yield Finding("prior", name, problem, p, LEVELS["priors"] / len(checked), float(values.mean()))


def _weight(sensitivity: float | None) -> str:
    """Say what a prior that is wrong does to the posterior, where that is known."""
    if sensitivity is None or not np.isfinite(sensitivity):
        return ""
    if sensitivity >= LARGE:
        return f" The posterior depends on it (sensitivity {sensitivity:.2f} to powers of the priors)."
    return f" The posterior hardly depends on it (sensitivity {sensitivity:.3f} to powers of the priors)."


def decisive_priors(model: Regression, draws: Draws) -> list[str]:
    """Name the parameters of which the prior says as much as the data do, or more."""
    rng = np.random.default_rng(0x70)
    return [
        name
        for name, prior, values in _priors(model, draws)
        if (_width(values) / _width(prior.rvs(rng, _N_PRIOR))) ** 2 >= _DECISIVE
    ]


def _priors(model: Regression, draws: Draws) -> Iterator[tuple[str, Prior, np.ndarray]]:
    """Give names, proper priors and draws of single numbers; those of correlations are of whole matrices."""
    values, n = model.engine.coordinates.population(draws), 0
    for parameter in model.parameters.without_effects():
        if parameter.role is Role.GROUP_COR:
            continue
        numbers = where_priors_hold(model, parameter, values).reshape(draws.n_draws, -1).T
        for name, prior, own in zip(parameter.scalar_names, model.chosen.by_name[parameter.name], numbers, strict=True):
            n += 1
            if prior.is_proper and n <= _MOST_CHECKED:
                yield name, prior, own


def _conflict(prior: Prior, values: np.ndarray, rng: np.random.Generator) -> float:
    """Give how often estimates are as far out in what the prior lets expect of them."""
    expected, mean, variance = prior.rvs(rng, _N_PRIOR), float(np.median(values)), float(values.var())
    if isinstance(prior, LocationPrior):
        if isinstance(prior, Normal):
            left = 1 - variance / prior.sigma**2  # of what is known the share that comes from the data
            if left < 0.02:
                return 1.0
            mean, variance = (float(values.mean()) - (1 - left) * prior.mu) / left, variance / left
        expected = expected + np.sqrt(variance) * rng.standard_normal(_N_PRIOR)
    above = (np.count_nonzero(expected >= mean) + 1) / (_N_PRIOR + 1)
    if isinstance(prior, Exponential | HalfNormal | HalfStudentT | HalfCauchy):
        return float(above)  # small scales are no surprise to a prior that is highest at 0
    below = (np.count_nonzero(expected <= mean) + 1) / (_N_PRIOR + 1)
    return float(min(1.0, 2 * min(above, below)))


def _width(values: np.ndarray) -> float:
    """Give the distance between the quartiles."""
    return float(np.subtract(*np.quantile(values, [0.75, 0.25])))
