"""Models of families with one factor: against integrals over all effects, on a grid of intercept and deviation."""

import numpy as np
import pandas as pd
import pytest
from scipy import special, stats

import stanhier as sh

ALPHA = np.linspace(-16, 16, 201)[:, None]
SD = np.exp(np.linspace(np.log(1e-4), np.log(50), 150))
U = np.linspace(-8, 8, 161)
ONE_FACTOR = {"alpha": sh.Normal(0, 2.5), "sd": sh.Exponential(1)}


def on_grid(densities):
    """Mean and standard deviation of alpha and sd of y ~ 1 + (1 | g) under `ONE_FACTOR`.

    The densities are log likelihoods of the rows of one group each, as functions of eta.
    """
    log_posterior = stats.norm.logpdf(ALPHA, 0, 2.5) + stats.expon.logpdf(SD) + np.log(SD)
    line = np.linspace(-100, 100, 40_001)
    weights = stats.norm.pdf(U) * (U[1] - U[0])
    for density in densities:
        likelihood = np.exp(density(line))
        inside = sum(w * np.interp(ALPHA + SD * u, line, likelihood) for u, w in zip(U, weights, strict=True))
        log_posterior += np.log(np.maximum(inside, 1e-300))
    p = np.exp(log_posterior - log_posterior.max())
    p /= p.sum()
    found = {}
    for name, values in (("alpha", ALPHA), ("sd_g[Intercept]", SD)):
        mean = (p * values).sum()
        found[name] = mean, np.sqrt((p * (values - mean) ** 2).sum())
    return found


def assert_on_grid(fit, expected, limit=4.5):
    table = fit.summary(round_to="none")
    for name, (mean, sd) in expected.items():
        row = table.loc[name]
        assert abs(row["mean"] - mean) < limit * row["mcse_mean"], (name, row["mean"], mean)
        assert abs(row["sd"] - sd) < limit * row["mcse_sd"], (name, row["sd"], sd)


def _binomial(y, n):
    return lambda eta: y * special.log_expit(eta) + (n - y) * special.log_expit(-eta)


def _probit(y, n):
    return lambda eta: y * special.log_ndtr(eta) + (n - y) * special.log_ndtr(-eta)


def _poisson(y, n):
    return lambda eta: y * eta - n * np.exp(np.minimum(eta, 600))


HARD = {
    "one class alone": ("bernoulli", [0] * 5, [4] * 5, 0, _binomial),
    "the other class alone": ("bernoulli", [6] * 3, [6] * 3, 0, _binomial),
    "groups of one class each": ("bernoulli", [8, 0, 8, 0, 8, 0], [8] * 6, 0, _binomial),
    "probit, groups of one class each": (sh.Bernoulli(link="probit"), [8, 0, 8, 0, 8, 0], [8] * 6, 0, _probit),
    "groups with one row": ("bernoulli", [1, 0] * 6, [1] * 12, 0, _binomial),
    "two groups": ("bernoulli", [3, 9], [10, 12], 0, _binomial),
    "groups that hardly differ": ("bernoulli", [20] * 8, [40] * 8, 0, _binomial),
    "an offset that the prior contradicts": ("bernoulli", [3, 9, 5], [10, 12, 11], 6.0, _binomial),
    "no counts": ("poisson", [0] * 6, [3] * 6, 0, _poisson),
    "few counts": ("poisson", [1, 0, 7, 2], [3] * 4, 0, _poisson),
}


@pytest.mark.slow
@pytest.mark.parametrize("name", HARD)
def test_posterior_is_that_of_a_grid(name, cmdstan_home):
    family, events, sizes, offset, density = HARD[name]
    is_count = family == "poisson"
    rows = [
        {"y": float(y if is_count and k == 0 else k < y and not is_count), "g": f"group {g}", "o": float(offset)}
        for g, (y, n) in enumerate(zip(events, sizes, strict=True))
        for k in range(n)
    ]
    model = sh.Model("y ~ 1 + (1 | g)", pd.DataFrame(rows), family=family, priors=ONE_FACTOR, offset="o")
    fit = model.sample(seed=3, iter_sampling=2500, adapt_delta=0.95, show_progress=False)
    kernels = [density(y, n) for y, n in zip(events, sizes, strict=True)]
    assert_on_grid(fit, on_grid([lambda eta, one=one: one(eta + offset) for one in kernels]))
