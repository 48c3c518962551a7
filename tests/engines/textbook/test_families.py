"""Textbook programs of every family: what they say, the data they take, and the way back from their draws."""

import numpy as np
import pytest

import stanhier as sh
from stanhier.engines.textbook.switch import textbook_regression
from stanhier.stan.nuts import RawDraws
from tests.tools.family_fits import ARGUMENTS, TERMS, frame, model

STATEMENTS = {
    "bernoulli": "y ~ bernoulli_logit_glm(X, eta, beta);",
    "probit": "target += std_normal_lcdf((2 * to_vector(y) - 1) .* (eta + X * beta) | );",
    "binomial": "y ~ binomial_logit_glm(trials, X, eta, beta);",
    "poisson": "y ~ poisson_log_glm(X, eta, beta);",
    "negative_binomial": "y ~ neg_binomial_2_log_glm(X, eta, beta, shape);",
    "student_t": "y ~ student_t(nu, eta + X * beta, sigma);",
}


@pytest.mark.parametrize("name", ARGUMENTS)
@pytest.mark.parametrize("terms", TERMS)
def test_statements_and_data(name, terms):
    one = model(name, terms)
    code, data = one.stan_code, one.row_data
    assert STATEMENTS[name] in code
    assert ("vector[N] shift;" in code) == ("shift" in data) == (name in ("probit", "poisson"))
    assert ("array[N] int<lower=0> trials;" in code) == ("trials" in data) == (name == "binomial")
    assert ("real<lower=0> sigma;" in code) == (name == "student_t")
    assert (data["y"].dtype.kind == "i") == (name != "student_t")
    assert ("less its offset" in code) == (name == "student_t")


def test_without_predictors():
    data = frame()
    code = sh.Model("wins ~ 1", data, family=sh.Binomial("probit"), trials=9).stan_code
    assert "trials[n] - y[n]) * std_normal_lcdf(-probit[n] | )" in code
    assert "y ~ poisson_log(eta);" in sh.Model("visits ~ 0 + (1 | g)", data, family="poisson").stan_code
    assert "eta = rep_vector(alpha, N) + shift;" in sh.Model("visits ~ 1", data, family="poisson", offset="x").stan_code


def test_scales_of_gaussian_responses_have_any_priors():
    one = sh.Model("score ~ x + (1 | g)", frame(), priors={"sigma": sh.Gamma(2, 1), "sd": sh.LogNormal(0, 1)})
    assert "sigma ~ gamma(2.0, 1.0);" in one.stan_code
    assert "sd_g ~ lognormal(0.0, 1.0);" in one.stan_code


@pytest.mark.parametrize("name", ["negative_binomial", "student_t", "poisson"])
def test_draws_by_name(name):
    one, rng = textbook_regression(model(name, "x")), np.random.default_rng(1)
    coordinates = one.engine.coordinates
    variables = {"alpha": rng.normal(size=(2, 5)), "beta": rng.normal(size=(2, 5, 1))}
    own = {"negative_binomial": ["shape"], "student_t": ["sigma", "nu"], "poisson": []}[name]
    variables |= {parameter: rng.gamma(2, 1, (2, 5)) for parameter in own}
    raw = RawDraws(
        z=np.empty((2, 5, 0)),
        z_scale=np.empty((2, 5, 0)),
        variables=variables,
        statistics={"lp": np.zeros((2, 5))},
        seed=1,
        max_treedepth=10,
        cmdstan="2.39.0",
    )
    draws = coordinates.draws(raw)
    assert set(draws.values) == set(coordinates.layout) == {"location", *own}
    assert coordinates.positive == set(own)
    population = coordinates.population(draws)
    assert list(population) == ["alpha", "beta", *own]
    for parameter in own:
        np.testing.assert_array_equal(population[parameter], variables[parameter])
        assert parameter in coordinates.sampled(draws)
