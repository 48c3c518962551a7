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
@pytest.mark.filterwarnings("ignore::stanhier.PriorWarning")  # of groups of one
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


# ---- no factor: the posterior on a grid of all parameters ----

WITHOUT_FACTORS = {
    "bernoulli": ("y ~ 0 + x", {"beta": np.linspace(-6, 8, 1401)}),
    "poisson": ("y ~ 1", {"alpha": np.linspace(-6, 8, 1401)}),
    "negative_binomial": ("y ~ 1", {"alpha": np.linspace(-5, 6, 401), "shape": np.exp(np.linspace(-6, 3.5, 400))}),
    "student_t": (
        "y ~ 1",
        {
            "alpha": np.linspace(-4, 5, 121),
            "sigma": np.exp(np.linspace(-5, 2.5, 80)),
            "nu": np.exp(np.linspace(-4, 5.5, 80)),
        },
    ),
}
OF_PARAMETERS = {"beta": stats.norm(0, 1), "alpha": stats.norm(0, 2.5), "sigma": stats.expon(), "shape": stats.expon()}
OF_PARAMETERS["nu"] = stats.gamma(2, scale=10)


def _rows_without_factors(family):
    rng = np.random.default_rng(8)
    x = rng.standard_normal(12)
    y = {
        "bernoulli": lambda: rng.binomial(1, special.expit(x)),
        "poisson": lambda: rng.poisson(2.0, 12),
        "negative_binomial": lambda: rng.poisson(3 * rng.gamma(0.8, 1 / 0.8, 12)),
        "student_t": lambda: 0.5 + rng.standard_t(2, 12),
    }[family]()
    return pd.DataFrame({"x": x, "y": y})


def _density_of_rows(family, rows, at):
    total = 0.0
    for x, y in zip(rows["x"], rows["y"], strict=True):
        total = (
            total
            + {
                "bernoulli": lambda x=x, y=y: special.log_expit(at["beta"] * x * (2 * y - 1)),
                "poisson": lambda y=y: stats.poisson.logpmf(y, np.exp(at["alpha"])),
                "negative_binomial": lambda y=y: stats.nbinom.logpmf(
                    y, at["shape"], at["shape"] / (at["shape"] + np.exp(at["alpha"]))
                ),
                "student_t": lambda y=y: stats.t.logpdf(y, at["nu"], at["alpha"], at["sigma"]),
            }[family]()
        )
    return total


@pytest.mark.parametrize("family", WITHOUT_FACTORS)
def test_posterior_without_factors_is_that_of_a_grid(family, cmdstan_home):
    formula, axes = WITHOUT_FACTORS[family]
    rows = _rows_without_factors(family)
    priors = {"alpha": sh.Normal(0, 2.5), "beta": sh.Normal(0, 1), "sigma": sh.Exponential(1)}
    priors |= {"shape": sh.Exponential(1), "nu": sh.Gamma(2, 0.1)}
    model = sh.Model(formula, rows, family=family, priors={name: priors[name] for name in axes})
    fit = model.sample(seed=4, iter_sampling=2500, adapt_delta=0.95, show_progress=False)
    at = dict(zip(axes, np.meshgrid(*axes.values(), indexing="ij", sparse=True), strict=True))
    log_posterior = _density_of_rows(family, rows, at)
    for name, values in at.items():
        on_log_scale = np.log(values) if name in ("sigma", "nu", "shape") else 0.0
        log_posterior = log_posterior + OF_PARAMETERS[name].logpdf(values) + on_log_scale
    p = np.exp(log_posterior - log_posterior.max())
    p /= p.sum()
    expected = {}
    for name, values in at.items():
        mean = (p * values).sum()
        expected["beta[x]" if name == "beta" else name] = mean, np.sqrt((p * (values - mean) ** 2).sum())
    assert_on_grid(fit, expected)
