"""Bambi: the formula, with the same priors (so predictors are not centred); the model is kept."""

import logging
from collections.abc import Mapping
from typing import Any

import bambi as bmb
import numpy as np

from scripts.benchmarks.case import Case, Term
from scripts.benchmarks.peers import CHAINS, DRAWS, WARMUP, NotApplicableError

__all__ = ["Bambi"]

FAMILIES = {"student_t": "t"}
"""Families by names of its own."""


def _normal(mean: float, sd: float) -> Any:
    return bmb.Prior("Normal", mu=mean, sigma=sd)


def _factor(case: Case, term: Term, levels: np.ndarray) -> str:
    """The factor as it is best written: of nested ones the inner alone, where its labels tell its levels apart.

    Of `a:b` it makes an effect for each combination, also for those that no row has.
    """
    inner = term.factors[-1]
    return inner if case.table[inner].nunique() == len(levels) else term.name


class Bambi:
    """`bmb.Model(...).fit()` with its default sampler, PyMC's; group effects are non-centred by default."""

    def prepare(self, case: Case) -> Any:
        logging.getLogger("pymc").setLevel(logging.ERROR)
        if case.known_se is not None:
            raise NotApplicableError("its Gaussian family has no known standard deviations")
        if any(len(term.effects) > 1 for term in case.terms):
            raise NotApplicableError("its effects of groups are independent of each other, without correlations")
        priors = {"Intercept": _normal(*case.intercept)}
        if case.sigma is not None:
            priors["sigma"] = bmb.Prior("HalfCauchy", beta=case.sigma)
        if case.nu is not None:
            priors["nu"] = bmb.Prior("Gamma", alpha=case.nu[0], beta=case.nu[1])
        priors |= {predictor: _normal(*case.beta) for predictor in case.predictors}
        if case.group is not None:
            sd = bmb.Prior("HalfCauchy", beta=case.sigma_alpha)
            priors[f"1|{case.group}"] = bmb.Prior("Normal", mu=0, sigma=sd)
        formula = case.formula.replace("(1 | ", "(1|")
        for term, (levels, _) in zip(case.terms, case.factors, strict=True):
            factor = _factor(case, term, levels)
            formula = formula.replace(f"(1|{term.name})", f"(1|{factor})")
            sd = bmb.Prior("HalfCauchy", beta=term.sd[0])
            priors[f"1|{factor}"] = bmb.Prior("Normal", mu=0, sigma=sd)
        family = FAMILIES.get(case.family, case.family)
        return bmb.Model(formula, case.table, family=family, priors=priors, center_predictors=False)

    def run(self, model: Any, seed: int) -> Any:
        return model.fit(draws=DRAWS, tune=WARMUP, chains=CHAINS, random_seed=seed, progressbar=False)

    def draws(self, idata: Any, case: Case) -> tuple[Mapping[str, np.ndarray], int]:
        posterior = idata["posterior"]
        intercept = posterior["Intercept"].to_numpy()
        named = {name: posterior[name].to_numpy() for name in ("sigma", "nu") if name in posterior}
        if case.predictors:
            named["beta"] = np.stack([posterior[predictor].to_numpy() for predictor in case.predictors], axis=2)
        if case.group is None:
            named["alpha"] = intercept
            for term, (levels, _) in zip(case.terms, case.factors, strict=True):
                factor = _factor(case, term, levels)
                labels = levels if factor == term.name else [label.rpartition(":")[2] for label in levels]
                effects = posterior[f"1|{factor}"].sel({f"{factor}__factor_dim": labels})
                named[f"effect_{term.name}"] = effects.to_numpy()
                named[f"sd_{term.name}"] = posterior[f"1|{factor}_sigma"].to_numpy()
        else:
            effects = posterior[f"1|{case.group}"].sel({f"{case.group}__factor_dim": case.levels})
            named["mu_alpha"] = intercept
            named["sigma_alpha"] = posterior[f"1|{case.group}_sigma"].to_numpy()
            named["alpha"] = intercept[:, :, None] + effects.to_numpy()
        return named, int(idata["sample_stats"]["diverging"].sum())
