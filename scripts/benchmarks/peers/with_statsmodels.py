"""statsmodels: the point estimate, by restricted maximum likelihood where there are groups. There are no priors."""

import warnings
from collections.abc import Mapping
from typing import Any

import numpy as np
import statsmodels.formula.api as smf

from scripts.benchmarks.case import INTERCEPT, Case
from scripts.benchmarks.peers import NotApplicableError

__all__ = ["Point"]


class Point:
    """`mixedlm`, or `ols` without groups."""

    def prepare(self, case: Case) -> Case:
        if case.known_se is not None:
            raise NotApplicableError("MixedLM has no known standard deviations")
        if case.family != "gaussian":
            raise NotApplicableError("MixedLM is Gaussian")
        if len(case.terms) > 1:
            raise NotApplicableError("MixedLM has one factor")
        return case

    def run(self, case: Case, seed: int) -> Any:  # noqa: ARG002
        fixed, _, _ = case.formula.partition(" + (")
        if case.group is None and not case.terms:
            return smf.ols(fixed, case.table).fit()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # about its own convergence; the distance from the posterior tells
            if case.terms:
                varying = f"~ {' + '.join(case.terms[0].effects).replace(INTERCEPT, '1')}"
                result = smf.mixedlm(fixed, case.table, groups=case.terms[0].name, re_formula=varying).fit()
            else:
                result = smf.mixedlm(fixed, case.table, groups=case.group).fit()
            result.random_effects  # noqa: B018  computed when first asked for
        return result

    def draws(self, result: Any, case: Case) -> tuple[Mapping[str, np.ndarray], None]:
        beta = result.params[list(case.predictors)].to_numpy()
        intercept = float(result.params["Intercept"])
        if case.terms:
            return _of_terms(result, case) | {"alpha": np.array(intercept), "beta": beta}, None
        if case.group is None:
            return {"alpha": np.array(intercept), "beta": beta, "sigma": np.array(np.sqrt(result.scale))}, None
        effects = np.array([float(result.random_effects[level].iloc[0]) for level in case.levels])
        return {
            "mu_alpha": np.array(intercept),
            "sigma_alpha": np.sqrt(np.array(float(result.cov_re.iloc[0, 0]))),
            "alpha": intercept + effects,
            "beta": beta,
            "sigma": np.sqrt(np.array(result.scale)),
        }, None


def _of_terms(result: Any, case: Case) -> dict[str, np.ndarray]:
    (term,), ((levels, _),) = case.terms, case.factors
    covariance = result.cov_re.to_numpy()
    sd = np.sqrt(np.diag(covariance))
    return {
        f"sd_{term.name}": sd,
        f"cor_{term.name}": (covariance / np.outer(sd, sd))[term.pairs],
        f"effect_{term.name}": np.array([result.random_effects[level].to_numpy() for level in levels]),
        "sigma": np.sqrt(np.array(result.scale)),
    }
