"""Posteriors against values that are known: closed forms, and published estimates."""

import numpy as np
import pandas as pd
import pytest
from scipy import stats

import stanhier as sh
from tests.tools import variants

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("cmdstan_home")]

SAMPLING = {"seed": 20, "show_progress": False}


def flat(array):
    values = array.to_numpy()
    return values.reshape(values.shape[0] * values.shape[1], -1)


def assert_same_distribution(draws, cdf):
    """Kolmogorov-Smirnov, on draws thinned so that they are nearly independent."""
    assert stats.kstest(draws[::4], cdf).pvalue > 1e-3


def test_linear_regression_with_known_sigma_is_normal():
    data = variants.frame()
    fit = sh.LinearRegression(
        "y ~ x + z", data, sigma=0.9, priors={"alpha": sh.Normal(1, 2), "beta": sh.Normal(0.5, 0.3)}
    ).sample(**SAMPLING)
    X = np.column_stack([np.ones(len(data)), data["x"], data["z"]])
    precision = X.T @ X / 0.9**2 + np.diag([1 / 4, 1 / 0.09, 1 / 0.09])
    mean = np.linalg.solve(precision, X.T @ data["y"] / 0.9**2 + np.array([1 / 4, 0.5 / 0.09, 0.5 / 0.09]))
    sd = np.sqrt(np.diag(np.linalg.inv(precision)))
    draws = np.column_stack([flat(fit.posterior["alpha"]), flat(fit.posterior["beta"])])
    for k in range(3):
        assert_same_distribution(draws[:, k], stats.norm(mean[k], sd[k]).cdf)


def test_linear_regression_with_flat_priors_is_student_t():
    """With flat priors on all, sigma uniform: beta is Student t with N - P - 1 degrees of freedom."""
    data = variants.frame()
    flat_priors = {"alpha": sh.Flat(), "beta": sh.Flat(), "sigma": sh.Flat()}
    fit = sh.LinearRegression("y ~ x + z", data, priors=flat_priors).sample(**SAMPLING)
    X = np.column_stack([np.ones(len(data)), data["x"], data["z"]])
    estimate, rss = np.linalg.lstsq(X, data["y"])[:2]
    nu = len(data) - 3 - 1
    scale = np.sqrt(rss[0] / nu * np.diag(np.linalg.inv(X.T @ X)))
    draws = np.column_stack([flat(fit.posterior["alpha"]), flat(fit.posterior["beta"])])
    for k in range(3):
        assert_same_distribution(draws[:, k], stats.t(nu, estimate[k], scale[k]).cdf)
    assert_same_distribution(rss[0] / flat(fit.posterior["sigma"])[:, 0] ** 2, stats.chi2(nu).cdf)


def test_group_effects_of_a_balanced_design_have_their_closed_form():
    """Both scales all but fixed: each group effect is normal with the textbook shrinkage."""
    data = pd.DataFrame({"g": np.repeat(list("abcd"), 5), "y": np.repeat([0.0, 1.0, 3.0, 8.0], 5)})
    data["y"] += np.tile([-1.0, -0.5, 0.0, 0.5, 1.0], 4)
    fit = sh.VaryingIntercept(
        "y ~ 1 + (1 | g)", data, sigma=1.5, priors={"mu_alpha": sh.Normal(2, 1e-6), "sigma_alpha": sh.HalfNormal(1)}
    ).sample(**SAMPLING)
    sigma_alpha = flat(fit.posterior["sigma_alpha"])[:, 0]
    shrinkage = sigma_alpha**2 / (sigma_alpha**2 + 1.5**2 / 5)
    for k, mean in enumerate([0.0, 1.0, 3.0, 8.0]):
        draws = flat(fit.posterior["alpha"])[:, k]
        standardised = (draws - 2 - shrinkage * (mean - 2)) / (sigma_alpha * np.sqrt(1 - shrinkage))
        assert_same_distribution(standardised, stats.norm.cdf)


def test_eight_schools_has_its_long_run_values():
    """mu ~ normal(0, 5), tau ~ half-Cauchy(5): by numerical integration over tau, mu and effects being normal."""
    data = variants.schools()
    fit = variants.VARYING["known se"]().sample(**SAMPLING)
    tau = np.linspace(1e-3, 150, 200_001)
    variance = tau[:, None] ** 2 + data["se"].to_numpy() ** 2
    precision = (1 / variance).sum(axis=1) + 1 / 25
    mean = (data["y"].to_numpy() / variance).sum(axis=1) / precision
    log_density = (
        stats.halfcauchy.logpdf(tau, scale=5)
        - 0.5 * np.log(variance).sum(axis=1)
        - 0.5 * np.log(precision)
        - 0.5 * ((data["y"].to_numpy() ** 2 / variance).sum(axis=1) - precision * mean**2)
    )
    weight = np.exp(log_density - log_density.max())
    cumulative = np.cumsum(weight) / weight.sum()
    assert_same_distribution(flat(fit.posterior["sigma_alpha"])[:, 0], lambda t: np.interp(t, tau, cumulative))
    some = np.random.default_rng(1).choice(len(tau), 20_000, p=weight / weight.sum())
    mu_cdf = lambda m: stats.norm.cdf((m[:, None] - mean[some]) * np.sqrt(precision[some])).mean(axis=1)  # noqa: E731
    assert_same_distribution(flat(fit.posterior["mu_alpha"])[:, 0], mu_cdf)


def test_sleepstudy_agrees_with_lme4():
    """Bates et al. (2015), doi:10.18637/jss.v067.i01: REML fit of Reaction ~ Days + (1 | Subject)."""
    data = sh.datasets.sleepstudy()
    flat_priors = {"mu_alpha": sh.Flat(), "beta": sh.Flat(), "sigma": sh.Flat(), "sigma_alpha": sh.Flat()}
    posterior = (
        sh.VaryingIntercept("reaction ~ days + (1 | subject)", data, priors=flat_priors).sample(**SAMPLING).posterior
    )
    assert float(posterior["mu_alpha"].mean()) == pytest.approx(251.41, abs=1.5)
    assert float(posterior["mu_alpha"].std()) == pytest.approx(9.75, rel=0.15)
    assert float(posterior["beta"].mean()) == pytest.approx(10.467, abs=0.1)
    assert float(posterior["beta"].std()) == pytest.approx(0.804, rel=0.06)
    assert float(posterior["sigma"].median()) == pytest.approx(30.99, rel=0.03)
    # The posterior of a standard deviation of 18 subjects is skewed to the right of the REML estimate, 37.12.
    assert 36 < float(posterior["sigma_alpha"].median()) < 43


def test_group_effects_are_the_same_in_any_company():
    fit = variants.VARYING["default"]().sample(**SAMPLING)
    from stanhier.engines.gaussian.effects import draw_effects

    draws = fit.draws
    arguments = (draws.flat("location"), draws.flat("sigma"), draws.flat("sigma_alpha"))
    everyone = draw_effects(fit.model.engine.compressed, np.arange(9), *arguments, seed=1)
    some = draw_effects(fit.model.engine.compressed, np.array([7, 2]), *arguments, seed=1)
    np.testing.assert_array_equal(some, everyone[:, [7, 2]])


def test_the_same_seed_gives_the_same_draws_on_any_number_of_cores():
    one = variants.VARYING["default"]().sample(seed=0, parallel_chains=1, show_progress=False)
    other = variants.VARYING["default"]().sample(seed=0, parallel_chains=4, show_progress=False)
    np.testing.assert_array_equal(flat(one.posterior["alpha"]), flat(other.posterior["alpha"]))


def test_a_posterior_that_cannot_be_trusted_says_so():
    model = sh.VaryingIntercept("y ~ x + (1 | g)", variants.frame())
    with pytest.warns(sh.SamplingWarning, match="Bulk effective sample size is below 400.*iter_sampling"):
        fit = model.sample(iter_warmup=50, iter_sampling=40, seed=1, show_progress=False)
    assert not fit.diagnose().ok
    assert "Problems:" in str(fit.diagnose())
