"""stanhier: the formula, nothing kept between calls."""

from collections.abc import Mapping

import numpy as np

import stanhier as sh
from scripts.benchmarks.cases import Case
from scripts.benchmarks.peers import CHAINS, DRAWS, WARMUP

__all__ = ["Stanhier"]


class Stanhier:
    """Everything from the data frame on is timed: formula, compression, sampling, group effects."""

    def prepare(self, case: Case) -> Case:
        return case

    def run(self, case: Case, seed: int) -> sh.Fit:
        priors = {"mu_alpha" if case.group else "alpha": sh.Normal(*case.intercept)}
        if case.predictors:
            priors["beta"] = sh.Normal(*case.beta)
        if case.sigma_alpha is not None:
            priors["sigma_alpha"] = sh.HalfCauchy(case.sigma_alpha)
        if case.sigma is not None:
            priors["sigma"] = sh.HalfCauchy(case.sigma)
        make = sh.VaryingIntercept if case.group else sh.LinearRegression
        model = make(case.formula, case.table, priors=priors, sigma=case.known_sigma, se=case.se)
        fit = model.sample(chains=CHAINS, iter_warmup=WARMUP, iter_sampling=DRAWS, seed=seed)
        assert "alpha" in fit.posterior
        return fit

    def draws(self, fit: sh.Fit, case: Case) -> tuple[Mapping[str, np.ndarray], int]:
        posterior = fit.posterior
        if case.group:
            posterior = posterior.sel({case.group: case.levels})
        named = {str(name): values.to_numpy() for name, values in posterior.data_vars.items()}
        return named, fit.diagnose().divergences
