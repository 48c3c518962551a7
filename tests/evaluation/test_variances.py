"""R-squared and intraclass correlations: published numbers, ArviZ's, simulated groups, and rows that are elsewhere."""

import re

import numpy as np
import pandas as pd
import pytest
from scipy import special, stats

import stanhier as sh
from stanhier.basics import progress
from stanhier.engines.draws import Draws
from stanhier.evaluation import loo, r2, variances
from stanhier.evaluation.variances import over_groups
from stanhier.families.binary import Bernoulli
from stanhier.families.known import FAMILIES
from stanhier.fit import Fit
from stanhier.posterior.diagnostics import SamplingWarning
from tests.tools import variants
from tests.tools.fake_fit import fake_fit
from tests.tools.family_fits import ARGUMENTS, TERMS, fit, model
from tests.tools.mode_fits import family_fit


def sleepstudy():
    return sh.datasets.sleepstudy()


def fit_at(one, **values):
    """A fit whose every draw has these values."""
    drawn = {name: np.repeat(np.atleast_1d(value)[None], 50, axis=0) for name, value in values.items()}
    drawn = {name: value[:, 0] if one.parameters[name].shape == () else value for name, value in drawn.items()}
    return Fit(one, Draws(one.engine.values_of(drawn), {}, seed=1, max_treedepth=10, cmdstan=""))


def at_lme4s_estimates():
    """What lme4 gives of the sleep study by restricted maximum likelihood."""
    correlation = np.array([[1.0, 0.066], [0.066, 1.0]])
    one = sh.Model("reaction ~ days + (1 + days | subject)", sleepstudy())
    return fit_at(one, alpha=251.405, beta=10.467, sd_subject=[24.741, 5.922], cor_subject=correlation, sigma=25.592)


def test_published_shares_of_the_sleep_study():
    """MuMIn and performance give 0.279 and 0.799, and 0.395 of the model without days."""
    table = at_lme4s_estimates().r2(kind="linear")
    assert table.loc["marginal", "mean"] == pytest.approx(0.279, abs=5e-4)
    assert table.loc["conditional", "mean"] == pytest.approx(0.799, abs=5e-4)
    days = sleepstudy()["days"]
    population = 10.467**2 * days.var()
    groups = 24.741**2 + 2 * 0.066 * 24.741 * 5.922 * days.mean() + 5.922**2 * (days**2).mean()
    assert table.loc["marginal", "mean"] == pytest.approx(population / (population + groups + 25.592**2), rel=1e-9)
    null = sh.VaryingIntercept("reaction ~ 1 + (1 | subject)", sleepstudy())
    shares = fit_at(null, mu_alpha=298.51, sigma_alpha=35.75, sigma=44.26).icc()
    assert shares.loc["subject", "median"] == pytest.approx(0.395, abs=5e-4)
    assert list(shares.index) == ["subject", "residual"]


def test_with_the_identity_link_both_kinds_have_the_marginal_one_of_nakagawa_and_schielzeth():
    one = fake_fit(sh.Model("reaction ~ days + (1 + days | subject)", sleepstudy()))
    means, predictors = (one.r2(kind=kind).draws.sel(r2="marginal") for kind in ("mean", "linear"))
    np.testing.assert_allclose(means, predictors, rtol=1e-9)


@pytest.mark.parametrize("name", ["one", "several"])
def test_conditional_is_arvizs(name):
    from arviz_stats import bayesian_r2

    formula = {"one": "reaction ~ days", "several": "reaction ~ days + (1 + days | subject)"}[name]
    one = fake_fit(sh.Model(formula, sleepstudy()))
    table = one.r2(prob=0.8)
    tree = one.idata.copy()
    tree["posterior"] = tree["posterior"].to_dataset().assign(mu=one.predict_draws(sleepstudy()))
    theirs = bayesian_r2(tree, pred_mean="mu", scale="sigma", summary=False)
    np.testing.assert_allclose(table.draws.sel(r2="conditional").to_numpy().ravel(), theirs, rtol=1e-9)
    assert table.loc["conditional", "lower"] == pytest.approx(np.quantile(theirs, 0.1))
    assert table.loc["conditional", "sd"] == pytest.approx(np.std(theirs, ddof=1))
    if name == "one":
        assert table.loc["marginal"].equals(table.loc["conditional"])


def test_with_weights_the_residual_variance_is_that_of_the_average_row():
    data = variants.weighted()
    one = fake_fit(sh.VaryingIntercept("y ~ x + (1 | g)", data, weights="w"))
    sigma, sd, beta = (one.posterior[name].to_numpy() for name in ("sigma", "sigma_alpha", "beta"))
    residual = sigma**2 * (1 / data["w"]).mean()
    np.testing.assert_allclose(one.icc().draws.sel(factor="residual"), residual / (residual + sd**2), rtol=1e-9)
    population = beta[..., 0] ** 2 * data["x"].var()
    for kind in ("mean", "linear"):
        marginal = one.r2(kind=kind).draws.sel(r2="marginal")
        np.testing.assert_allclose(marginal, population / (population + sd**2 + residual), rtol=1e-9)


def variance(family, eta, aux):
    """By scipy.stats; of binomial responses that of the proportion."""
    p, mu = special.expit(eta), np.exp(eta)
    return {
        "bernoulli": lambda: stats.bernoulli(p).var(),
        "probit": lambda: stats.bernoulli(stats.norm.cdf(eta)).var(),
        "binomial": lambda: stats.binom(aux["trials"], p).var() / aux["trials"] ** 2,
        "poisson": lambda: stats.poisson(mu).var(),
        "negative_binomial": lambda: stats.nbinom(aux["shape"], aux["shape"] / (aux["shape"] + mu)).var(),
        "student_t": lambda: stats.t(aux["nu"], eta, aux["sigma"]).var(),
    }[family]()


def variances_of_rows(one):
    """Of what effects add to each row, by factor, (S, N): from the posterior's standard deviations and correlations."""
    design, size, found = one.model.rows, one.draws.n_draws, {}
    for grouping in design.groupings:
        q = grouping.n_effects
        Z = np.column_stack([np.ones(design.n_rows), design.frame["x"]])[:, :q]
        sds = one.posterior[f"sd_{grouping.name}"].to_numpy().reshape(size, q)
        cor = one.posterior[f"cor_{grouping.name}"].to_numpy().reshape(size, q, q) if q > 1 else np.ones((size, 1, 1))
        found[grouping.name] = np.einsum("nk,skl,nl->sn", Z, cor * sds[:, :, None] * sds[:, None, :], Z)
    return found


def population(one):
    design = one.model.rows
    offset = 0.0 if design.whole_offset is None else design.whole_offset
    return one.model.engine.linear(one.draws, design.X) + offset


def share(explained, around):
    return explained / (explained + around) if np.isfinite(around) else 0.0


@pytest.mark.parametrize("terms", TERMS)
@pytest.mark.parametrize("name", ARGUMENTS)
def test_families_row_by_row(name, terms):
    """Groups on a grid: means and variances over these are what they are integrated to."""
    one = fit(model(name, terms), draws=4)
    family, design = one.model.family, one.model.rows
    eta = one.predict_draws(design.frame, kind="linear").to_numpy().reshape(8, -1)
    aux = {name: one.draws.flat(name) for name in family.auxiliary}
    found = one.r2().draws.stack(sample=("chain", "draw"))  # noqa: PD013 - of xarray
    z = np.linspace(-9, 9, 401)[:, None]
    weights = np.exp(-(z**2) / 2) / np.exp(-(z**2) / 2).sum()
    total = sum(variances_of_rows(one).values(), np.zeros_like(eta))
    for s in range(8):
        own = {name: values[s] for name, values in aux.items()} | {"trials": design.trials}
        around = np.nan_to_num(variance(name, eta[s], own).mean(), nan=np.inf)
        assert found.sel(r2="conditional")[s] == pytest.approx(share(family.mean(eta[s]).var(ddof=1), around), rel=1e-9)
        groups = population(one)[s] + np.sqrt(total[s]) * z
        means, within = family.mean(groups), np.nan_to_num(variance(name, groups, own), nan=np.inf)
        mean = (weights * means).sum(axis=0)
        around = (weights * (np.square(means - mean) + within)).sum(axis=0).mean()
        assert found.sel(r2="marginal")[s] == pytest.approx(share(mean.var(ddof=1), around), rel=1e-3)


def test_averages_over_groups_are_those_of_closed_forms():
    eta, v = np.array([[-2.0, 0.3, 1.5]]), np.array([[0.2, 1.0, 2.0]])
    mean, square, within = over_groups(FAMILIES["poisson"], eta, v, {}, None)
    np.testing.assert_allclose(mean, np.exp(eta + v / 2), rtol=1e-9)
    np.testing.assert_allclose(square, np.exp(2 * eta + 2 * v), rtol=1e-6)
    np.testing.assert_allclose(within, mean, rtol=1e-9)
    mean, square, within = over_groups(Bernoulli(link="probit"), eta, v, {}, None)
    np.testing.assert_allclose(mean, stats.norm.cdf(eta / np.sqrt(1 + v)), atol=1e-5)
    np.testing.assert_allclose(within, mean - square, atol=1e-12)


@pytest.mark.parametrize("family", [Bernoulli(), Bernoulli(link="probit"), FAMILIES["poisson"]], ids=str)
@pytest.mark.parametrize("most", [0.5, 0.6])
def test_fewer_nodes_and_threads_do_not_change_averages(family, most, monkeypatch):
    rng = np.random.default_rng(1)
    eta, v = rng.normal(0, 1, (40, 30)), np.broadcast_to(most * np.linspace(0, 1, 40)[:, None], (40, 30))
    found = over_groups(family, eta, v, {}, None)
    monkeypatch.setattr(variances, "_NARROW", -1.0)
    monkeypatch.setattr(variances, "_NODES", 101)
    for ours, exact in zip(found, over_groups(family, eta, v, {}, None), strict=True):
        np.testing.assert_allclose(ours, exact, rtol=1e-9, atol=2e-8)
    monkeypatch.undo()
    monkeypatch.setattr(variances, "_WORTH_THREADS", 0)
    monkeypatch.setattr(variances, "n_threads", lambda: 7)
    for ours, alone in zip(over_groups(family, eta, v, {}, None), found, strict=True):
        np.testing.assert_array_equal(ours, alone)


@pytest.mark.filterwarnings("ignore::stanhier.SamplingWarning")
@pytest.mark.parametrize("looks", [False, True])
def test_long_passes_over_rows_show_how_far_they_are(looks, monkeypatch, capsys):
    fit = fake_fit(sh.Model("y ~ x + (1 | g)", variants.frame()), draws=30)
    monkeypatch.setattr(progress, "PATIENCE", 0.0)
    for module in (r2, loo):
        monkeypatch.setattr(module, "somebody_is_looking", lambda: looks)
    for call in (fit.r2, fit.loo, lambda: fit.loo(by="g")):
        call()
        assert ("100%" in capsys.readouterr().err) == looks


def latent(name, mean, aux):
    """Residual variances on the scale of the linear predictor."""
    return {
        "bernoulli": lambda: np.pi**2 / 3,
        "probit": lambda: 1.0,
        "binomial": lambda: np.pi**2 / 3,
        "poisson": lambda: special.polygamma(1, mean),
        "negative_binomial": lambda: special.polygamma(1, 1 / (1 / mean + 1 / aux["shape"])),
        "student_t": lambda: aux["sigma"] ** 2 * aux["nu"] / np.where(aux["nu"] > 2, aux["nu"] - 2, np.nan),
    }[name]()


@pytest.mark.parametrize("terms", TERMS[:2])
@pytest.mark.parametrize("name", ARGUMENTS)
def test_shares_of_factors_by_their_formula(name, terms):
    one = fit(model(name, terms), draws=5)
    of_rows, eta = variances_of_rows(one), population(one)
    mean = np.exp(eta + sum(of_rows.values()) / 2).mean(axis=1)
    residual = latent(name, mean, {name: one.draws.flat(name) for name in one.model.family.auxiliary})
    whole = sum(values.mean(axis=1) for values in of_rows.values()) + residual
    table = one.icc()
    assert list(table.index) == [*of_rows, "residual"]
    for factor, values in of_rows.items():
        expected = np.nan_to_num(values.mean(axis=1) / whole)
        np.testing.assert_allclose(table.draws.sel(factor=factor).to_numpy().ravel(), expected, rtol=1e-9)
    np.testing.assert_allclose(table.draws.sum("factor"), 1.0)
    spread = eta.var(axis=1, ddof=1)
    linear = one.r2(kind="linear").draws.sel(r2="marginal").to_numpy().ravel()
    np.testing.assert_allclose(linear, np.nan_to_num(spread / (spread + whole)), rtol=1e-9)


@pytest.mark.parametrize(("keywords", "expected"), [({"sigma": 1.3}, 1.69), ({"se": "se"}, None)])
def test_known_noise_is_what_is_left(keywords, expected):
    data = variants.frame().assign(se=np.linspace(0.4, 1.2, 80))
    one = fake_fit(sh.Model("y ~ x + (1 | g)", data, **keywords))
    expected = (data["se"] ** 2).mean() if expected is None else expected
    variance = one.posterior["sd_g"].to_numpy().ravel() ** 2
    found = one.icc().draws.sel(factor="g").to_numpy().ravel()
    np.testing.assert_allclose(found, variance / (variance + expected))
    mu = one.predict_draws(data).to_numpy().reshape(1000, -1).var(axis=1, ddof=1)
    np.testing.assert_allclose(one.r2().draws.sel(r2="conditional").to_numpy().ravel(), mu / (mu + expected))


def test_leave_one_out_is_by_means_of_rows_left_out():
    """Those of a linear regression with vague priors are y less residuals over 1 less leverages."""
    data = variants.frame()
    flat = {"alpha": sh.Flat(), "beta": sh.Flat()}
    one = fake_fit(sh.LinearRegression("y ~ x", data, sigma=1.0, priors=flat), draws=2000)
    X, y = np.column_stack([np.ones(80), data["x"]]), data["y"].to_numpy()
    hat = X @ np.linalg.solve(X.T @ X, X.T)
    left_out = y - (y - hat @ y) / (1 - np.diag(hat))
    weights = stats.dirichlet.rvs(np.ones(80), size=8000, random_state=1)
    spread = [(weights * v**2).sum(axis=1) - (weights * v).sum(axis=1) ** 2 for v in (y - left_out, y)]
    table = one.r2(loo=True)
    assert list(table.index) == ["conditional", "marginal", "loo"]
    np.testing.assert_allclose(table.draws.sel(r2="loo").to_numpy().ravel(), 1 - spread[0] / spread[1], atol=2e-3)


def test_leave_one_out_of_proportions_and_what_it_cannot_do():
    one = family_fit("binomial", "y ~ x + dose")
    design = one.model.rows
    proportions, p = design.observed / design.trials, special.expit(one.model.engine.linear(one.draws, design.X))
    weights = 1 / stats.binom.pmf(design.observed, design.trials, p)
    means = (weights * p).sum(axis=0) / weights.sum(axis=0)
    found = one.r2(loo=True).draws.sel(r2="loo")
    assert float(found.mean()) == pytest.approx(1 - np.var(proportions - means) / np.var(proportions), abs=0.01)
    with pytest.warns(SamplingWarning, match=r"r2\(loo=True\) is unreliable for .* \(highest .*, row \d+\)"):
        fit(model("binomial", "x"), draws=200).r2(loo=True)
    with pytest.raises(sh.StanhierError, match="leave-one-out is about responses"):
        one.r2(kind="linear", loo=True)
    with pytest.raises(sh.StanhierError, match=r"r2\(loo=1\): 'loo' must be True or False"):
        one.r2(loo=1)


def test_what_they_refuse():
    linear = fake_fit(sh.LinearRegression("y ~ x", variants.frame()))
    with pytest.raises(sh.DataError, match=re.escape("icc(): 'y ~ x' has no groups, whose share")):
        linear.icc()
    with pytest.raises(sh.StanhierError, match=r"r2\(kind='response'\): 'kind' must be \"mean\" or \"linear\""):
        linear.r2(kind="response")
    with pytest.raises(sh.StanhierError, match=r"r2\(prob=90\): 'prob' must be a number between 0 and 1"):
        linear.r2(prob=90)
    with pytest.raises(sh.StanhierError, match=r"icc\(\) has no keyword 'ci_prob'. Did you mean 'prob'"):
        linear.icc(ci_prob=0.9)
    alone = sh.LinearRegression("y ~ 1", pd.DataFrame({"y": [1.0]}), priors={"alpha": sh.Normal(0, 1)}, sigma=1.0)
    with pytest.raises(sh.DataError, match="variance over the rows, and there is only one"):
        fake_fit(alone).r2()


def test_the_draws_go_with_the_whole_table_alone():
    table = fake_fit(sh.LinearRegression("y ~ x", variants.frame())).r2()
    assert table.draws.dims == ("chain", "draw", "r2")
    assert not hasattr(table[["mean"]], "draws")
    assert str(table).splitlines()[-1].startswith("marginal")
    assert max(len(number) for number in str(table).splitlines()[-1].split()[1:]) <= 6
