"""Many small models, and draws that are made up where Stan's are not what a test is about."""

import warnings
from dataclasses import replace

import stanhier as sh
from stanhier.many import outcomes
from stanhier.posterior.diagnostics import SamplingWarning
from tests.tools import variants
from tests.tools.fake_fit import fake_fit

SHORT = {"chains": 2, "iter_warmup": 200, "iter_sampling": 150, "seed": 5}
NAMES = ["Ulm", "../x", "a/b", "a b", "", "N" * 300]


def model(k=0, **changes):
    return sh.VaryingIntercept("y ~ x + (1 | g)", variants.frame(40, 5, k), **changes)


def some_models():
    return {name: model(k) for k, name in enumerate(NAMES)}


def collected(found, **keywords):
    """All fits; what is said of too few draws is not what these tests are about."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", SamplingWarning)
        return sh.fit_many(found, **{**SHORT, **keywords}).collect()


def without_stan(monkeypatch, *, failing=(), like=None):
    """Let made-up draws take the place of Stan's, in this process alone; count the models that are sampled."""
    sampled = []
    fit = fake_fit(model() if like is None else like, chains=2, draws=40, seed=3, divergences=8)
    diagnosis = fit.diagnose()

    def made_up(task):
        seed = task.keywords["seed"]
        sampled.append(seed)
        if len(sampled) - 1 in failing:
            raise sh.SamplingError("Chain 2: it had enough.")
        values = {**fit.draws.values, "location": fit.draws.values["location"] * 2.0 ** (seed % 3)}
        return replace(fit.draws, seed=seed, values=values), diagnosis

    monkeypatch.setattr(outcomes, "sample_and_diagnose", made_up)
    monkeypatch.setattr(outcomes, "_compile_once", lambda _: None)
    return sampled
