"""PyMC: its own sampler, and nutpie. Models are non-centred, with coordinates, as in PyMC's own examples."""

import logging
from collections.abc import Mapping
from typing import Any

import numpy as np
import nutpie
import pymc as pm

from scripts.benchmarks.case import Case, Term
from scripts.benchmarks.peers import CHAINS, DRAWS, WARMUP

__all__ = ["Nutpie", "PyMC"]


def _model(case: Case) -> pm.Model:
    if case.terms:
        return _model_of_terms(case)
    coords: dict[str, Any] = {"predictor": list(case.predictors)}
    if case.group is not None:
        coords["group"] = case.levels
    with pm.Model(coords=coords) as model:
        if case.group is not None:
            mu_alpha = pm.Normal("mu_alpha", *case.intercept)
            sigma_alpha = pm.HalfCauchy("sigma_alpha", case.sigma_alpha)
            offset = pm.Normal("offset", 0, 1, dims="group")
            alpha = pm.Deterministic("alpha", mu_alpha + sigma_alpha * offset, dims="group")
            mean = alpha[case.codes]
        else:
            mean = pm.Normal("alpha", *case.intercept)
        if case.predictors:
            beta = pm.Normal("beta", *case.beta, dims="predictor")
            mean = mean + pm.math.dot(case.X, beta)
        noise = pm.HalfCauchy("sigma", case.sigma) if case.sigma is not None else case.known_se
        pm.Normal("y", mean, noise, observed=case.y)
    return model


def _model_of_terms(case: Case) -> pm.Model:
    coords: dict[str, Any] = {"predictor": list(case.predictors)}
    for term, (levels, _) in zip(case.terms, case.factors, strict=True):
        coords |= {term.name: levels, f"{term.name} effect": list(term.effects)}
    with pm.Model(coords=coords) as model:
        mean = pm.Normal("alpha", *case.intercept)
        if case.predictors:
            mean = mean + pm.math.dot(case.X, pm.Normal("beta", *case.beta, dims="predictor"))
        for term, (_, codes) in zip(case.terms, case.factors, strict=True):
            effect = _effects(term)[codes]
            mean = mean + (effect if len(term.effects) == 1 else (effect * case.effect_columns(term)).sum(axis=1))
        _response(case, mean)
    return model


def _response(case: Case, mean: Any) -> None:
    """Say how responses vary around the linear predictor."""
    if case.family == "bernoulli":
        pm.Bernoulli("y", logit_p=mean, observed=case.y)
    elif case.family == "poisson":
        pm.Poisson("y", mu=pm.math.exp(mean), observed=case.y)
    elif case.nu is not None:
        nu = pm.Gamma("nu", alpha=case.nu[0], beta=case.nu[1])
        pm.StudentT("y", nu=nu, mu=mean, sigma=pm.HalfCauchy("sigma", case.sigma), observed=case.y)
    else:
        pm.Normal("y", mean, pm.HalfCauchy("sigma", case.sigma), observed=case.y)


def _effects(term: Term) -> Any:
    """The effects of a term, level by level; with several effects one column each."""
    name, effects = term.name, f"{term.name} effect"
    if len(term.effects) == 1:
        sd = pm.HalfCauchy(f"sd_{name}", term.sd[0])
        return pm.Deterministic(f"effect_{name}", sd * pm.Normal(f"offset_{name}", 0, 1, dims=name), dims=name)
    scales = pm.HalfCauchy.dist(np.array(term.sd), shape=len(term.sd))
    factor, correlations, sd = pm.LKJCholeskyCov(f"factor_{name}", n=len(term.sd), eta=1, sd_dist=scales)
    pm.Deterministic(f"sd_{name}", sd, dims=effects)
    pm.Deterministic(f"cor_{name}", correlations[term.pairs])
    offset = pm.Normal(f"offset_{name}", 0, 1, dims=(effects, name))
    return pm.Deterministic(f"effect_{name}", pm.math.dot(factor, offset).T, dims=(name, effects))


def _draws(idata: Any, case: Case) -> tuple[Mapping[str, np.ndarray], int]:
    names = ["mu_alpha", "sigma_alpha", "alpha", "beta", "sigma", "nu"]
    names += [f"{kind}_{term.name}" for term in case.terms for kind in ("sd", "cor", "effect")]
    posterior = idata["posterior"]
    return {n: posterior[n].to_numpy() for n in names if n in posterior}, int(idata["sample_stats"]["diverging"].sum())


class PyMC:
    """`pm.sample` with the sampler written in Python; the model is kept."""

    def prepare(self, case: Case) -> pm.Model:
        logging.getLogger("pymc").setLevel(logging.ERROR)
        return _model(case)

    def run(self, model: pm.Model, seed: int) -> Any:
        with model:
            return pm.sample(
                DRAWS, tune=WARMUP, chains=CHAINS, random_seed=seed, nuts_sampler="pymc", progressbar=False
            )

    def draws(self, idata: Any, case: Case) -> tuple[Mapping[str, np.ndarray], int]:
        return _draws(idata, case)


class Nutpie:
    """nutpie on PyMC's model, which is what `pm.sample` takes where nutpie is installed; the compiled model is kept."""

    def prepare(self, case: Case) -> Any:
        return nutpie.compile_pymc_model(_model(case))

    def run(self, compiled: Any, seed: int) -> Any:
        return nutpie.sample(compiled, draws=DRAWS, tune=WARMUP, chains=CHAINS, seed=seed, progress_bar=False)

    def draws(self, idata: Any, case: Case) -> tuple[Mapping[str, np.ndarray], int]:
        return _draws(idata, case)
