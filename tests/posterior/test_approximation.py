"""The mode and the approximations against closed forms, a marginal posterior by brute force, and NUTS."""

import numpy as np
import pandas as pd
import pytest
from scipy import optimize, special, stats

import stanhier as sh
from tests.tools import variants

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("cmdstan_home")]


@pytest.fixture(scope="module")
def sleep():
    data = sh.datasets.sleepstudy()
    return data, sh.VaryingIntercept("reaction ~ days + (1 | subject)", data)


def normal_model():
    data = variants.frame()
    priors = {"alpha": sh.Normal(1, 2), "beta": sh.Normal(0.5, 0.3)}
    X = np.column_stack([np.ones(len(data)), data["x"]])
    precision = X.T @ X / 0.81 + np.diag([1 / 4, 1 / 0.09])
    mean = np.linalg.solve(precision, X.T @ data["y"] / 0.81 + np.array([1 / 4, 0.5 / 0.09]))
    return sh.LinearRegression("y ~ x", data, sigma=0.9, priors=priors), mean, np.linalg.inv(precision)


def test_the_mode_of_a_normal_posterior_is_its_mean():
    model, mean, _ = normal_model()
    mode = model.optimize(seed=1)
    np.testing.assert_allclose(mode.estimates, mean, atol=1e-3)
    assert list(mode.estimates.index) == ["alpha", "beta[x]"]
    assert mode.groups is None
    new = pd.DataFrame({"x": [0.0, 2.0]}, index=["p", "q"])
    np.testing.assert_allclose(mode.predict(new), mean[0] + mean[1] * new["x"], atol=2e-3)
    assert list(mode.predict(new).index) == ["p", "q"]
    assert "a point estimate" in repr(mode)


@pytest.mark.parametrize(
    ("formula", "keywords", "mean"),
    [
        ("y ~ x", {}, lambda eta: eta),
        ("count ~ x", {"family": "poisson"}, np.exp),
        ("b ~ x", {"family": "bernoulli"}, special.expit),
        ("b ~ x", {"family": sh.Bernoulli(link="probit")}, stats.norm.cdf),
    ],
)
def test_the_mode_predicts_means_with_offsets_and_through_the_link(formula, keywords, mean):
    rng = np.random.default_rng(5)
    x, log_hours = rng.standard_normal((2, 80))
    eta = 0.4 + 0.8 * x + log_hours
    columns = {"y": eta + rng.standard_normal(80), "count": rng.poisson(np.exp(eta)), "b": rng.random(80) < 0.6}
    data = pd.DataFrame(columns | {"x": x, "log_hours": log_hours})
    mode = sh.Model(formula, data, offset="log_hours", **keywords).optimize(seed=1)
    new = pd.DataFrame({"x": [-1.0, 2.0], "log_hours": [0.5, 1.5]})
    expected = mean(mode.estimates["alpha"] + mode.estimates["beta[x]"] * new["x"] + new["log_hours"])
    np.testing.assert_allclose(mode.predict(new), expected, rtol=1e-9)
    with pytest.raises(sh.StanhierError, match="log_hours"):
        mode.predict(new[["x"]])


def test_the_mode_is_that_of_the_marginal_posterior_of_the_scales(sleep):
    data, model = sleep
    priors = model.priors
    x = data["days"] - data["days"].mean()
    same = data["subject"].to_numpy()[:, None] == data["subject"].to_numpy()
    X = np.column_stack([np.ones(len(data)), x])
    prior_mean = np.array([priors["mu_alpha"].mu, 0.0])
    prior_covariance = np.diag([priors["mu_alpha"].sigma ** 2, priors["beta"]["days"].sigma ** 2])

    def covariance(sigma_alpha, sigma):
        return sigma_alpha**2 * same + sigma**2 * np.eye(len(data))

    def negative_log(log_scales):
        scales = np.exp(log_scales)
        total = covariance(*scales) + X @ prior_covariance @ X.T
        density = stats.multivariate_normal(X @ prior_mean, total).logpdf(data["reaction"])
        for scale, name in zip(scales, ("sigma_alpha", "sigma"), strict=True):
            density += stats.expon.logpdf(scale, scale=1 / priors[name].rate) + np.log(scale)
        return -density

    found = optimize.minimize(negative_log, np.log([40.0, 30.0]), method="Nelder-Mead", options={"xatol": 1e-5})
    sigma_alpha, sigma = np.exp(found.x)
    mode = model.optimize(seed=2)
    assert mode.estimates["sigma_alpha"] == pytest.approx(sigma_alpha, rel=3e-3)
    assert mode.estimates["sigma"] == pytest.approx(sigma, rel=3e-3)
    inverse = np.linalg.inv(covariance(sigma_alpha, sigma))
    precision = X.T @ inverse @ X + np.linalg.inv(prior_covariance)
    location = np.linalg.solve(
        precision, X.T @ inverse @ data["reaction"] + np.linalg.solve(prior_covariance, prior_mean)
    )
    assert mode.estimates["beta[days]"] == pytest.approx(location[1], abs=0.02)
    mu_alpha = location[0] - data["days"].mean() * location[1]
    assert mode.estimates["mu_alpha"] == pytest.approx(mu_alpha, abs=0.2)
    residual = data["reaction"] - mu_alpha - data["days"] * location[1]
    means = residual.groupby(data["subject"]).mean()
    shrunk = mu_alpha + means * sigma_alpha**2 / (sigma_alpha**2 + sigma**2 / 10)
    np.testing.assert_allclose(mode.groups, shrunk, atol=0.3)
    assert list(mode.groups.index) == sorted(data["subject"].unique())
    new = pd.DataFrame({"days": [2, 2], "subject": [308, 9999]})
    expected = [shrunk[308] + 2 * location[1], mu_alpha + 2 * location[1]]
    np.testing.assert_allclose(mode.predict(new), expected, atol=0.3)


@pytest.mark.parametrize("method", ["laplace", "pathfinder"])
def test_approximations_of_a_normal_posterior_are_exact(method):
    model, mean, covariance = normal_model()
    fit = getattr(model, method)(seed=3)
    draws = np.column_stack([fit.posterior["alpha"].to_numpy().ravel(), fit.posterior["beta"].to_numpy()[0, :, 0]])
    assert fit.draws.pareto_k == 0
    for k in range(2):
        assert stats.kstest(draws[:, k], stats.norm(mean[k], covariance[k, k] ** 0.5).cdf).pvalue > 1e-3


@pytest.mark.parametrize(
    ("method", "keywords", "tolerance"),
    [
        ("laplace", {"draws": 4000}, 0.15),
        ("pathfinder", {}, 0.1),
        ("variational", {"draws": 4000, "require_converged": False}, 0.4),
    ],
)
def test_approximations_are_near_the_posterior_and_say_what_they_are(sleep, method, keywords, tolerance, tmp_path):
    data, model = sleep
    exact = model.sample(seed=4, show_progress=False)
    fit = getattr(model, method)(seed=4, **keywords)
    for name in ("mu_alpha", "sigma_alpha", "beta", "sigma"):
        difference = fit.posterior[name].mean() - exact.posterior[name].mean()
        assert abs(float(difference / exact.posterior[name].std())) < tolerance
    assert f"draws of an approximation ({method})" in repr(fit)
    assert f"Draws of an approximation ({method}) with Pareto k" in str(fit.diagnose())
    assert fit.diagnose().ok
    table = fit.predict(data[:5])
    np.testing.assert_allclose(table["mean"], exact.predict(data[:5])["mean"], atol=5)
    assert fit.loo().elpd == pytest.approx(exact.loo().elpd, abs=2)
    assert fit.summary().shape[0] > 4
    fit.save(tmp_path / "fit.nc")
    loaded = sh.load(tmp_path / "fit.nc")
    assert repr(loaded) == repr(fit)
    pd.testing.assert_frame_equal(loaded.predict(data[:5]), table, check_exact=True)
    again = getattr(model, method)(seed=4, **keywords)
    np.testing.assert_array_equal(again.draws.values["location"], fit.draws.values["location"])


def test_an_approximation_that_is_far_off_warns():
    model = variants.LINEAR["more predictors than rows"]()
    with pytest.warns(sh.SamplingWarning, match=r"laplace approximation is far from the posterior \(Pareto k .*sample"):
        fit = model.laplace(seed=1)
    assert not fit.diagnose().ok


@pytest.mark.parametrize("method", ["optimize", "laplace", "pathfinder", "variational"])
def test_bad_keywords_are_named(method):
    model = variants.LINEAR["default"]()
    with pytest.raises(sh.StanhierError, match=rf"{method}\(\) has no keyword 'sed'\. Did you mean 'seed'\?"):
        getattr(model, method)(sed=1)
    with pytest.raises(sh.StanhierError, match=rf"{method}\(\) has no keyword 'data'"):
        getattr(model, method)(data={})
    with pytest.raises(sh.StanhierError, match="'seed' must be an integer"):
        getattr(model, method)(seed="one")
    with pytest.raises(sh.StanhierError, match=rf"{method}\(refresh=-5\): 'refresh' must be an integer of at least 1"):
        getattr(model, method)(refresh=-5)
    with pytest.raises(sh.StanhierError, match=rf"{method}\(sig_figs=30\): 'sig_figs' must be an integer from 1 to 18"):
        getattr(model, method)(sig_figs=30)


def test_what_cmdstanpy_alone_refuses_is_put_into_a_sentence():
    model = variants.LINEAR["default"]()
    for method in ("optimize", "variational"):
        with pytest.raises(sh.StanhierError, match=rf"cmdstanpy refuses these keywords of {method}\(\): .*algorithms"):
            getattr(model, method)(algorithm="newtown")


def test_an_algorithm_that_does_not_converge_says_so():
    with pytest.raises(
        sh.SamplingError, match=r"variational\(\) did not come to its end: it may not have converged.*False"
    ):
        variants.VARYING["default"]().variational(seed=1, iter=5)


def test_what_is_integrated_out_is_at_its_mode_given_scales_and_correlations(sleep):
    data, _ = sleep
    model = sh.Model("reaction ~ days + (days | subject)", data)
    mode, other = (model.optimize(seed=seed) for seed in (1, 2))
    np.testing.assert_allclose(mode.estimates, other.estimates, rtol=1e-3, atol=1e-3)
    at = mode.estimates
    sd = at[["sd_subject[Intercept]", "sd_subject[days]"]].to_numpy()
    correlation = np.array([[1, at["cor_subject[Intercept, days]"]], [at["cor_subject[Intercept, days]"], 1]])
    X = np.column_stack([np.ones(len(data)), data["days"]])
    same = data["subject"].to_numpy()[:, None] == data["subject"].to_numpy()
    covariance = (X @ (np.outer(sd, sd) * correlation) @ X.T) * same + at["sigma"] ** 2 * np.eye(len(data))
    centred = np.array([[1.0, data["days"].mean()], [0.0, 1.0]])  # where the prior of the intercept is
    alpha, beta = model.priors["alpha"], model.priors["beta"]["days"]
    prior = centred.T @ np.diag([alpha.sigma**-2, beta.sigma**-2]) @ centred
    shifted = centred.T @ np.array([alpha.mu * alpha.sigma**-2, 0.0])
    precision = X.T @ np.linalg.solve(covariance, X) + prior
    location = np.linalg.solve(precision, X.T @ np.linalg.solve(covariance, data["reaction"]) + shifted)
    np.testing.assert_allclose(at[["alpha", "beta[days]"]], location, rtol=1e-8)
    residual = np.linalg.solve(covariance, data["reaction"] - X @ location)
    for subject, own in mode.groups["subject"].iterrows():
        rows = (data["subject"] == subject).to_numpy()
        expected = (np.outer(sd, sd) * correlation) @ X[rows].T @ residual[rows]
        np.testing.assert_allclose(own, expected, rtol=1e-6, atol=1e-6)
