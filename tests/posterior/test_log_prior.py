"""What power scaling takes: log densities of priors, and the likelihood of all rows."""

import arviz as az
import numpy as np
import pandas as pd
import pytest
from arviz_stats.psense import _get_power_scale_weights
from scipy import special, stats

import stanhier as sh
from stanhier.engines.rows.explicit import ExplicitEngine
from stanhier.posterior import joint_likelihood
from tests.tools import family_fits, variants
from tests.tools.fake_fit import fake_fit

# Made-up draws are no posterior: their weights are hopeless, and ArviZ says so.
pytestmark = pytest.mark.filterwarnings("ignore:Estimated shape parameter:UserWarning")

PRIORS = {
    sh.Normal(1, 2): stats.norm(1, 2),
    sh.StudentT(4, 1, 2): stats.t(4, 1, 2),
    sh.Cauchy(1, 2): stats.cauchy(1, 2),
}
SCALES = {
    sh.HalfNormal(2): stats.halfnorm(scale=2),
    sh.HalfCauchy(2): stats.halfcauchy(scale=2),
    sh.Exponential(3): stats.expon(scale=1 / 3),
    sh.Gamma(2, 3): stats.gamma(2, scale=1 / 3),
    sh.LogNormal(0.5, 2): stats.lognorm(2, scale=np.exp(0.5)),
    sh.HalfStudentT(4, 2): stats.t(4, 0, 2),
}


def rows(n=36):
    rng = np.random.default_rng(4)
    frame = pd.DataFrame(rng.normal(size=(n, 2)), columns=["y", "u"])
    return frame.assign(x=50 + rng.normal(size=n), g=np.arange(n) % 6, h=rng.integers(0, 4, n), t=rng.normal(size=n))


@pytest.mark.parametrize("prior", PRIORS, ids=repr)
def test_priors_of_locations_are_taken_where_the_posterior_has_them(prior):
    centred = rows().assign(x=rows().x - 50)
    fit = fake_fit(sh.LinearRegression("y ~ x + u", centred, priors={"alpha": prior, "beta": {"u": prior}}), draws=20)
    found, at = fit.idata["log_prior"], fit.posterior
    np.testing.assert_allclose(found["alpha"], PRIORS[prior].logpdf(at["alpha"]))
    np.testing.assert_allclose(
        found["beta"].sel(predictor="u"), PRIORS[prior].logpdf(at["beta"].sel(predictor="u")), rtol=1e-9
    )
    assert set(found.data_vars) == set(at.data_vars)
    assert found["beta"].dims == at["beta"].dims


@pytest.mark.parametrize("prior", SCALES, ids=repr)
def test_priors_of_scales_are_densities_of_the_scale_itself(prior):
    priors = {"sigma": prior, "sd": {"g": {"Intercept": prior}}}
    fit = fake(sh.Model("y ~ 1 + (1 | g) + (1 | h)", rows(), priors=priors), draws=20)
    half = np.log(2) if isinstance(prior, sh.HalfStudentT) else 0.0
    for name in ("sigma", "sd_g"):
        at = fit.posterior[name].to_numpy()
        np.testing.assert_allclose(fit.idata["log_prior"][name], half + SCALES[prior].logpdf(at), rtol=1e-9)


def test_a_prior_at_the_mean_of_the_predictors_is_taken_there():
    priors = {"alpha": sh.Normal(1, 2, centered=True)}
    fit = fake_fit(sh.LinearRegression("y ~ x + u", rows(), priors=priors), draws=20)
    at = fit.posterior["alpha"] + fit.posterior["beta"].to_numpy() @ rows()[["x", "u"]].mean().to_numpy()
    np.testing.assert_allclose(fit.idata["log_prior"]["alpha"], stats.norm(1, 2).logpdf(at), rtol=1e-9)


def test_correlations_of_a_factor_are_one_number():
    fit = fake_fit(sh.Model("y ~ x + u + (1 + u || h) + (1 + u | g)", rows(), priors={"cor": sh.LKJ(3)}), draws=20)
    found = fit.idata["log_prior"]["cor_g"]
    r = fit.posterior["cor_g"][..., 0, 1]
    np.testing.assert_allclose(found, stats.beta(3, 3, loc=-1, scale=2).logpdf(r), rtol=1e-6)
    assert "cor_h" not in fit.idata["log_prior"]


@pytest.mark.filterwarnings("ignore::stanhier.PriorWarning")
def test_correlations_of_blocks_add_up():
    formula = "y ~ x + u + (1 + u | g) + (0 + x + I(x**2) | g)"
    fit = fake_fit(sh.Model(formula, rows(), priors={"cor": sh.LKJ(3)}), draws=20)
    assert fit.model.design.groupings[0].effects == ("Intercept", "u", "x", "I(x ** 2)")
    cor, lkj = fit.posterior["cor_g"], stats.beta(3, 3, loc=-1, scale=2)
    expected = lkj.logpdf(cor[..., 0, 1]) + lkj.logpdf(cor[..., 2, 3])
    np.testing.assert_allclose(fit.idata["log_prior"]["cor_g"], expected, rtol=1e-6)


def test_effects_of_groups_have_no_prior_of_their_own():
    fit = fake_fit(variants.VARYING["default"](), draws=20)
    assert set(fit.posterior.data_vars) - set(fit.idata["log_prior"].data_vars) == {"alpha"}


def test_flat_priors_say_nothing():
    fit = fake_fit(sh.LinearRegression("y ~ x + u", rows(), priors={"alpha": sh.Flat(), "beta": {"u": sh.Flat()}}))
    assert set(fit.idata["log_prior"].data_vars) == {"beta", "sigma"}
    assert (fit.idata["log_prior"]["beta"].sel(predictor="u") == 0).all()
    assert (fit.idata["log_prior"]["beta"].sel(predictor="x") != 0).all()
    flat = fake_fit(variants.LINEAR["flat"]())
    assert not hasattr(flat.idata, "log_prior")
    with pytest.raises(sh.StanhierError, match="every prior is flat"):
        flat.idata_with("log_prior")


def test_rows_elsewhere_leave_it(tmp_path):
    rows().to_parquet(tmp_path / "rows.parquet")
    priors = {"mu_alpha": sh.Normal(0, 3, centered=True)}
    streamed = fake_fit(sh.VaryingIntercept("y ~ x + u + (1 | g)", tmp_path / "rows.parquet", priors=priors))
    whole = fake_fit(sh.VaryingIntercept("y ~ x + u + (1 | g)", rows(), priors=priors))
    for name, values in whole.idata["log_prior"].data_vars.items():
        np.testing.assert_allclose(streamed.idata["log_prior"][name], values, rtol=1e-6)
    assert az.psense(streamed.idata, var_names="sigma")["sigma"].shape == ()


def covariance(fit, one, design):
    """Of the rows given one draw of standard deviations and correlations."""
    sd = np.full(design.n_rows, float(one["sigma"]) if "sigma" in one else 1.0)
    noise = (sd if design.row_noise is None else sd * design.row_noise.relative_sds) ** 2
    total = np.diag(noise)
    for grouping in design.groupings:
        Z = np.column_stack([np.ones(design.n_rows) if e == "Intercept" else design.X[:, 1] for e in grouping.effects])
        if "sigma_alpha" in one:
            inner = np.array([[float(one["sigma_alpha"]) ** 2]])
        else:
            sd = one[f"sd_{grouping.name}"].to_numpy()
            name = f"cor_{grouping.name}"
            inner = sd[:, None] * (one[name].to_numpy() if name in one else np.eye(len(sd))) * sd
        same = grouping.codes[:, None] == grouping.codes
        total = total + same * (Z @ inner @ Z.T)
    return total


JOINT = {
    "one factor": lambda: sh.VaryingIntercept("y ~ x + u + (1 | g)", rows()),
    "no intercept": lambda: sh.Model("y ~ 0 + x + u + (1 | g)", rows()),
    "standard errors": lambda: sh.VaryingIntercept("y ~ x + u + (1 | g)", rows().assign(s=1 + rows().t ** 2), se="s"),
    "slopes": lambda: sh.Model("y ~ x + u + (1 + u | g)", rows()),
    "crossed": lambda: sh.Model("y ~ x + u + (1 + u | g) + (1 | h)", rows()),
    "nested": lambda: sh.Model("y ~ x + u + (1 | g / h)", rows(), offset="t"),
    "sampled effects": lambda: sh.Model("y ~ x + u + (1 + u | g)", rows(), priors={"sd": sh.Gamma(2, 3)}),
}


def fake(model, draws):
    return family_fits.fit(model, draws) if isinstance(model.engine, ExplicitEngine) else fake_fit(model, draws=draws)


@pytest.mark.parametrize("name", JOINT)
def test_power_scaling_sums_to_the_likelihood_of_all_rows(name):
    fit = fake(JOINT[name](), draws=30)
    posterior, design = fit.posterior, fit.model.rows
    stacked = fit.idata["log_likelihood"].ds.to_stacked_array("all", sample_dims=["chain", "draw"])
    for chain, draw in ((0, 3), (1, 7)):
        one = posterior.isel(chain=chain, draw=draw)
        intercept = next((float(one[n]) for n in ("mu_alpha", "alpha") if n in one and not one[n].dims), 0.0)
        mean = intercept + design.X @ one["beta"].to_numpy()
        exact = stats.multivariate_normal(mean, covariance(fit, one, design)).logpdf(design.y)
        assert float(stacked.isel(chain=chain, draw=draw).sum()) == pytest.approx(exact, rel=1e-8)
    rows_alone = fit.idata["log_likelihood"]["y"]
    assert not np.allclose(rows_alone.sum("row"), stacked.sum("all"), rtol=1e-3)
    assert az.loo(fit.idata, pointwise=True).elpd_i.sizes["row"] == design.n_rows
    copied = fit.idata_with("log_likelihood")["log_likelihood"].ds
    np.testing.assert_array_equal(copied.to_stacked_array("all", sample_dims=["chain", "draw"]), stacked)


def test_rows_add_up_where_they_are_independent():
    for fit in (fake_fit(variants.LINEAR["default"](), draws=20), family_fits.fit(family_fits.model("bernoulli"))):
        group = fit.idata["log_likelihood"]
        stacked = group.ds.to_stacked_array("all", sample_dims=["chain", "draw"])
        np.testing.assert_allclose(stacked.sum("all"), group["y"].sum("row"))


def test_the_likelihood_of_some_rows_is_refused():
    fit = fake_fit(variants.VARYING["default"](), chains=2, draws=50)
    with pytest.raises(sh.StanhierError, match="Of some of the rows alone power scaling would need"):
        az.psense(fit.idata, group="likelihood", group_coords={"row": [0, 1]})


def test_too_many_effects_together_are_refused(monkeypatch):
    monkeypatch.setattr(joint_likelihood, "MAX_TOGETHER", 9)
    fit = fake_fit(JOINT["crossed"](), chains=2, draws=50)
    assert az.psense(fit.idata, var_names="sigma")["sigma"].shape == ()
    with pytest.raises(sh.StanhierError, match=r"16 effects together \(at most 9\), so power scaling of"):
        az.psense(fit.idata, group="likelihood")


def test_no_more_is_integrated_out_together_than_there_are_rows():
    data = pd.DataFrame({"x": np.arange(24.0) % 5, "g": np.arange(24) // 3})
    data["y"] = data["x"] + np.sin(np.arange(24))
    design = fake_fit(sh.Model("y ~ x + (1 + x + I(x**2) + I(x**3) | g)", data), draws=10).model.rows
    np.testing.assert_array_equal(joint_likelihood._effects_of_sets(design, data["g"].to_numpy()), np.full(8, 3))


# From here on with real draws.


def copies(number):
    """Data that are there several times, in other groups: their likelihood is that of one, to this power."""
    rng = np.random.default_rng(3)
    g, h, x = np.arange(60) % 12, rng.integers(0, 5, 60), rng.normal(2, 1, 60)
    y = 1 + x + (0.8 + 0.5 * x) * rng.normal(size=12)[g] + 0.4 * rng.normal(size=5)[h] + rng.normal(size=60)
    one = pd.DataFrame({"y": y, "x": x, "g": g, "h": h})
    return pd.concat([one.assign(g=one.g + 100 * k, h=one.h + 100 * k) for k in range(number)], ignore_index=True)


def sampled(terms, power, number, seed):
    """A fit under priors whose densities are raised to a power, up to constants."""
    root = np.sqrt(power)
    priors = {"alpha": sh.Normal(0, 1.5 / root, centered=True), "beta": sh.Normal(0, 0.3 / root)}
    priors |= {"sigma": sh.Exponential(power), "sd": sh.HalfNormal(0.4 / root)}
    return sh.Model(f"y ~ x + {terms}", copies(number), priors=priors).sample(seed=seed, iter_sampling=2000)


def sampled_events(power, number, seed):
    """Of yes or no, where the likelihood is given the effects: rows are there several times in the same groups."""
    rng = np.random.default_rng(3)
    g, x = np.arange(60) % 12, rng.normal(size=60)
    y = (rng.random(60) < special.expit(0.3 + x + rng.normal(size=12)[g])).astype(int)
    data = pd.concat([pd.DataFrame({"y": y, "x": x, "g": g})] * number, ignore_index=True)
    root = np.sqrt(power)
    priors = {"alpha": sh.Normal(0, 1.5 / root, centered=True), "beta": sh.Normal(0, 0.3 / root)}
    priors |= {"sd": sh.HalfNormal(0.8 / root)}
    return sh.Model("y ~ x + (1 | g)", data, family="bernoulli", priors=priors).sample(seed=seed, iter_sampling=2000)


def moments(fit, weights=None):
    found = {}
    for name in fit.model.parameters.population:
        draws = fit.posterior[name].to_numpy().ravel()
        mean = np.average(draws, weights=weights)
        found[name] = mean, np.sqrt(np.average((draws - mean) ** 2, weights=weights))
    return found


def assert_led(base, other, group, power):
    """Weights of power scaling turn the draws of one fit into those of another."""
    _, weights = _get_power_scale_weights(base.idata, (0.9, power), group=group)
    before, led, there = moments(base), moments(base, weights.to_numpy().ravel()), moments(other)
    for name, (mean, sd) in before.items():
        assert (led[name][0] - mean) / sd == pytest.approx((there[name][0] - mean) / sd, abs=0.12), name
        assert led[name][1] / sd == pytest.approx(there[name][1] / sd, abs=0.07), name
    return {name: ((there[name][0] - mean) / sd, there[name][1] / sd) for name, (mean, sd) in before.items()}


@pytest.mark.parametrize("terms", ["(1 | g)", "(1 | g) + (1 | h)"])
def test_power_scaling_leads_where_a_fit_of_scaled_densities_is(terms):
    base = sampled(terms, 1.0, 4, seed=1)
    there = assert_led(base, sampled(terms, 2.0, 4, seed=2), "prior", 2.0)
    assert there["sd_g"][0] < -0.5
    assert there["beta"][0] < -0.5
    there = assert_led(base, sampled(terms, 1.0, 5, seed=2), "likelihood", 1.25)
    assert there["sd_g"][0] > 0.1
    assert all(ratio < 0.97 for _, ratio in there.values())


@pytest.mark.slow
def test_power_scaling_of_yes_or_no_is_given_the_effects():
    base = sampled_events(1.0, 4, seed=1)
    assert assert_led(base, sampled_events(2.0, 4, seed=2), "prior", 2.0)["beta"][0] < -0.5
    assert assert_led(base, sampled_events(1.0, 5, seed=2), "likelihood", 1.25)["sd_g"][0] > 0.1
