"""stanhier: the formula, nothing kept between calls."""

from collections.abc import Mapping
from typing import Any

import numpy as np

import stanhier as sh
from scripts.benchmarks.case import Case
from scripts.benchmarks.peers import CHAINS, DRAWS, WARMUP

__all__ = ["Stanhier"]


class Stanhier:
    """Everything from the data frame on is timed: formula, compression, sampling, group effects."""

    def prepare(self, case: Case) -> Case:
        return case

    def run(self, case: Case, seed: int) -> sh.Fit:
        model = _model(case)
        warmup, draws = case.alone or (WARMUP, DRAWS)
        fit = model.sample(chains=CHAINS, iter_warmup=warmup, iter_sampling=draws, seed=seed)
        assert {"alpha", *(f"effect_{term.name}" for term in case.terms)} <= set(fit.posterior)
        return fit

    def draws(self, fit: sh.Fit, case: Case) -> tuple[Mapping[str, np.ndarray], int]:
        posterior = fit.posterior
        if case.group:
            posterior = posterior.sel({case.group: case.levels})
        for term, (levels, _) in zip(case.terms, case.factors, strict=True):
            posterior = posterior.sel({posterior[f"effect_{term.name}"].dims[2]: levels})
        named = {str(name): values.to_numpy() for name, values in posterior.data_vars.items()}
        for term in case.terms:
            if f"cor_{term.name}" in named:
                named[f"cor_{term.name}"] = named[f"cor_{term.name}"][..., *term.pairs]
        return named, fit.diagnose().divergences


def _model(case: Case) -> Any:
    priors: dict[str, Any] = {"mu_alpha" if case.group else "alpha": sh.Normal(*case.intercept)}
    if case.predictors:
        priors["beta"] = sh.Normal(*case.beta)
    if case.sigma_alpha is not None:
        priors["sigma_alpha"] = sh.HalfCauchy(case.sigma_alpha)
    if case.sigma is not None:
        priors["sigma"] = sh.HalfCauchy(case.sigma)
    if case.nu is not None:
        priors["nu"] = sh.Gamma(*case.nu)
    if case.terms:
        priors["sd"] = {
            term.name: {effect: sh.HalfCauchy(sd) for effect, sd in zip(term.effects, term.sd, strict=True)}
            for term in case.terms
        }
        correlated = {term.name: sh.LKJ(1) for term in case.terms if len(term.effects) > 1}
        if correlated:
            priors["cor"] = correlated
        return sh.Model(case.formula, case.table, family=case.family, priors=priors)
    make = sh.VaryingIntercept if case.group else sh.LinearRegression
    return make(case.formula, case.table, priors=priors, sigma=case.known_sigma, se=case.se)
