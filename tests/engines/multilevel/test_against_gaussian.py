"""One varying intercept by this engine and by that of one varying intercept: the same density and posterior."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

import stanhier as sh
from stanhier.engines.gaussian import marginal as gaussian
from stanhier.engines.multilevel.engine import MultilevelEngine
from stanhier.engines.multilevel.reducer import MultilevelReducer
from stanhier.engines.multilevel.whitening import marginal_posterior
from stanhier.priors.distributions import numbers
from stanhier.priors.numbers import FLAT

CASES = {
    "as it comes": {},
    "known sigma": {"sigma": 1.3},
    "known standard errors": {"se": "se"},
    "priors at 0": {"priors": {"alpha": sh.Normal(3, 2), "beta": sh.Normal(0, 0.3), "sd": sh.HalfStudentT(3, 2)}},
    "flat": {"priors": {name: sh.Flat() for name in ("alpha", "beta", "sd", "sigma")}},
}


def rows():
    rng = np.random.default_rng(6)
    g = np.sort(rng.integers(0, 12, 150))
    x = rng.normal(4, 2, 150)
    y = 2 + 0.4 * x + rng.normal(size=12)[g] + rng.normal(size=150)
    return pd.DataFrame({"y": y, "x": x, "z": x**2, "g": g, "se": rng.uniform(0.5, 2, 150)})


def models(keywords):
    model = sh.Model("y ~ x + z + (1 | g)", rows(), **keywords)
    reduced = model.design.reduce(MultilevelReducer(True))
    return model, model.with_engine(MultilevelEngine.of(model.design, reduced, model.chosen, model.noise))


@pytest.mark.parametrize("case", CASES)
def test_the_densities_of_the_scales_differ_by_a_constant(case):
    one, many = models(CASES[case])
    chosen, known = one.chosen, one.noise.unit
    problem = gaussian.marginal_posterior(
        one.engine.compressed,
        grouped=True,
        priors=one.engine.location_priors,
        scale_priors=numbers(chosen.scale),
        sigma=known,
    )
    engine = many.engine
    ours = marginal_posterior(
        engine.statistics,
        engine.whitening.axes,
        engine.whitening.scales,
        engine.location_priors,
        engine.scale_priors,
    )
    of_location = problem.priors.numbers
    prior_sd = np.where(of_location.family == FLAT, np.inf, of_location.sigma)
    values, differences = [], []
    for log_sigma, log_ratio in np.random.default_rng(1).normal(0, 1.5, (40, 2)):
        point = np.array([log_ratio] if known else [log_ratio, log_sigma])
        log_scales = np.array([log_ratio + np.log(known)] if known else [log_ratio + log_sigma, log_sigma])
        value = ours.log_density(point)
        values.append(value)
        differences.append(value + problem.negative_log_marginal(log_scales, prior_sd))
    np.testing.assert_allclose(differences, differences[0], rtol=0, atol=1e-11 * np.abs(values).max())


@pytest.mark.parametrize("case", CASES)
def test_the_posteriors_agree_and_so_does_what_follows(case, cmdstan_home):
    one, many = (model.sample(seed=3, iter_sampling=4000, show_progress=False) for model in models(CASES[case]))
    found = one.agreement(many)
    assert found.ok, found
    assert found.missing == ()
    for way in ("group_summary", "group_effects"):
        ours, theirs = getattr(one, way)(), getattr(many, way)()
        np.testing.assert_allclose(ours, theirs, atol=0.05)
    assert one.loo().elpd == pytest.approx(many.loo().elpd, abs=0.15)


def test_given_the_same_draws_all_that_follows_is_the_same():
    one, many = models(CASES["as it comes"])
    fit = many.sample(seed=3, chains=2, show_progress=False)
    values = fit.draws.values
    same = {"location": values["location"], "sigma": values["sigma"], "sigma_alpha": values["sd"][:, :, 0]}
    other = sh.Fit(one, replace(fit.draws, values=same))
    np.testing.assert_allclose(other.group_effects(), fit.group_effects(), rtol=1e-8, atol=1e-9)
    np.testing.assert_allclose(other.loo().elpd_i, fit.loo().elpd_i, rtol=1e-8)
    np.testing.assert_allclose(other.loo(by="g").elpd_i, fit.loo(by="g").elpd_i, rtol=1e-8)
    known = rows()[:5]
    np.testing.assert_allclose(other.predict(known)["mean"], fit.predict(known)["mean"], atol=0.02)
