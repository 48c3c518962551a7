"""What ArviZ needs beside the posterior: made when asked for, equal to what the fit's own methods say."""

from dataclasses import replace

import arviz as az
import matplotlib.pyplot as plt
import numpy as np
import pytest
from scipy.special import logsumexp

import stanhier as sh
from stanhier.posterior import lazy_groups
from stanhier.posterior.weights import relative_efficiency
from tests.tools import variants
from tests.tools.fake_fit import fake_fit

# Made-up draws are no posterior: their weights are hopeless, and ArviZ says so and lets them overflow.
pytestmark = [pytest.mark.filterwarnings("ignore::UserWarning"), pytest.mark.filterwarnings("ignore::RuntimeWarning")]

GROUPS = ("log_likelihood", "log_prior", "posterior_predictive", "prior", "prior_predictive")


@pytest.fixture
def varying():
    return fake_fit(variants.VARYING["default"](), chains=2, draws=100)


@pytest.fixture
def linear():
    return fake_fit(variants.LINEAR["default"](), chains=2, draws=100)


@pytest.fixture
def streamed(tmp_path):
    variants.frame().to_parquet(tmp_path / "rows.parquet")
    return fake_fit(sh.VaryingIntercept("y ~ x + z + u + (1 | g)", tmp_path / "rows.parquet"), chains=2, draws=100)


@pytest.fixture(autouse=True)
def closed_figures():
    yield
    plt.close("all")


@pytest.mark.parametrize("name", list(variants.ALL))
def test_arviz_leaves_one_out_as_the_fit_does(name):
    fit = fake_fit(variants.ALL[name](), chains=2, draws=100)
    own = fit.loo()
    theirs = az.loo(fit.idata, pointwise=True, reff=relative_efficiency(fit.model, fit.draws))
    np.testing.assert_allclose(theirs.elpd_i, own.elpd_i, rtol=1e-9)
    np.testing.assert_allclose(theirs.pareto_k, own.pareto_k, rtol=1e-6)
    assert theirs.elpd == pytest.approx(own.elpd, abs=1e-6, nan_ok=True)
    assert theirs.elpd_i.dims == own.elpd_i.dims


@pytest.mark.parametrize("name", ["default", "known se", "weights"])
def test_densities_of_rows_without_groups_are_those_of_the_normal(name):
    fit = fake_fit(variants.LINEAR[name]())
    posterior, design = fit.posterior, fit.model.rows
    mean = posterior["beta"].to_numpy() @ design.X.T + posterior["alpha"].to_numpy()[..., None]
    sigma = posterior["sigma"].to_numpy()[..., None] if "sigma" in posterior else 1.0
    sd = sigma * variants.relative_sds(design)
    expected = -0.5 * np.log(2 * np.pi) - np.log(sd) - 0.5 * ((design.y - mean) / sd) ** 2
    np.testing.assert_allclose(fit.idata["log_likelihood"]["y"], expected, rtol=1e-9, atol=1e-9)


def test_density_of_a_row_given_its_group_is_that_of_both_over_that_of_the_others(varying):
    """p(y_i | others) = p(group) / p(others), each with a covariance matrix of its own."""
    posterior, design = varying.posterior, varying.model.rows
    rows = np.flatnonzero(design.group.codes == 3)
    one = posterior.isel(chain=1, draw=17)
    centred = design.y[rows] - design.X[rows] @ one["beta"].to_numpy() - float(one["mu_alpha"])

    def log_density(values):
        covariance = float(one["sigma_alpha"]) ** 2 + float(one["sigma"]) ** 2 * np.eye(len(values))
        return -0.5 * (
            values @ np.linalg.solve(covariance, values)
            + np.linalg.slogdet(covariance)[1]
            + len(values) * np.log(2 * np.pi)
        )

    expected = [log_density(centred) - log_density(np.delete(centred, k)) for k in range(len(rows))]
    found = varying.idata["log_likelihood"]["y"].isel(chain=1, draw=17, row=rows)
    np.testing.assert_allclose(found, expected, rtol=1e-8)


def test_two_fits_are_compared_from_their_trees(varying, linear):
    table = az.compare({"grouped": varying.idata, "pooled": linear.idata}, round_to="none")
    own = sh.compare({"grouped": varying, "pooled": linear})
    assert list(table.index) == list(own.index)
    # ArviZ smooths with the relative efficiency of all parameters, group effects too; ours is of what was sampled.
    np.testing.assert_allclose(table["elpd"].astype(float), own["elpd"].astype(float), rtol=1e-4)


def test_what_asks_for_replicated_data_has_them(varying):
    again = fake_fit(variants.VARYING["default"](), chains=2, draws=100)
    values = az.loo_pit(varying.idata, random_state=1)["y"]
    again.posterior_predictive()
    np.testing.assert_array_equal(values, az.loo_pit(again.idata, random_state=1)["y"])
    assert ((values >= 0) & (values <= 1 + 1e-12)).all()
    assert az.loo_expectations(varying.idata)[0].shape == (80,)
    assert logsumexp(varying.idata["log_likelihood"]["y"], axis=(0, 1)).shape == (80,)


@pytest.mark.versions
@pytest.mark.parametrize(
    "call",
    [
        lambda tree: az.plot_prior_posterior(tree, var_names=["sigma"]),
        lambda tree: az.plot_prior_posterior(tree, var_names=["alpha", "beta"]),
        lambda tree: az.plot_ppc_dist(tree, num_samples=10),
        lambda tree: az.plot_ppc_dist(tree, group="prior_predictive", num_samples=10),
        az.plot_loo_pit,
        az.plot_ppc_pit,
        az.plot_loo_interval,
        lambda tree: az.plot_khat(az.loo(tree, pointwise=True)),
        lambda tree: az.plot_forest(tree, group="prior"),
        lambda tree: az.summary(tree, group="prior", kind="stats"),
        lambda tree: az.bayes_factor(tree, var_names="sigma"),
        lambda tree: az.extract(tree, group="prior_predictive"),
        lambda tree: tree.azstats.hdi(group="prior"),
        lambda tree: az.loo_score(tree),
        lambda tree: az.loo_metrics(tree),
        lambda tree: az.loo_influence(tree),
    ],
)
def test_functions_of_arviz_take_the_tree(call, varying):
    listed = list(varying.idata.children)
    assert call(varying.idata) is not None
    assert list(varying.idata.children) == listed


def test_the_prior_is_that_of_the_model(varying):
    expected = varying.model.sample_prior(1000, seed=varying.draws.seed)
    for name in ("prior", "prior_predictive"):
        assert varying.idata[name].to_dataset().identical(expected[name].to_dataset())
    prior, posterior = varying.idata["prior"], varying.posterior
    assert {k: v.dims for k, v in prior.data_vars.items()} == {k: v.dims for k, v in posterior.data_vars.items()}


def test_flat_priors_are_said_to_be_in_the_way():
    tree = fake_fit(variants.LINEAR["flat"]()).idata
    assert "prior" not in tree
    assert not hasattr(tree, "prior_predictive")
    with pytest.raises(AttributeError, match=r"no group 'prior': the prior of alpha, .* is flat"):
        az.plot_prior_posterior(tree)
    with pytest.raises(KeyError, match="is flat"):
        tree["prior"]
    assert hasattr(tree, "log_likelihood")


def test_rows_elsewhere_leave_the_prior(streamed, varying):
    tree = streamed.idata
    assert set(tree.children) == {"posterior", "sample_stats"}
    assert [name in tree for name in GROUPS] == [False, True, False, True, False]
    prior = tree["prior"]
    assert list(prior["g"].to_numpy()) == list(varying.idata["prior"]["g"].to_numpy())
    assert prior["alpha"].shape == (1, 1000, 9)
    az.plot_prior_posterior(tree, var_names=["sigma"])
    for name in ("log_likelihood", "posterior_predictive", "prior_predictive"):
        with pytest.raises(sh.StanhierError, match=rf"idata_with\('{name}'\).*not in memory"):
            streamed.idata_with(name)


def test_there_is_a_limit_to_draws_times_rows(varying, monkeypatch):
    monkeypatch.setattr(lazy_groups, "MAX_VALUES", 200 * 80 - 1)
    assert not hasattr(varying.idata, "log_likelihood")
    assert not hasattr(varying.idata, "posterior_predictive")
    with pytest.raises(sh.StanhierError, match=r"200 draws of 80 rows .* fit.loo\(\)"):
        varying.idata_with("log_likelihood")
    monkeypatch.setattr(lazy_groups, "MAX_VALUES", 200 * 80)
    assert varying.idata_with("log_likelihood")["log_likelihood"]["y"].size == 200 * 80


def test_groups_put_into_a_tree_can_be_selected_from(varying):
    listed = list(varying.idata.children)
    tree = varying.idata_with("log_likelihood", "posterior")
    assert list(tree.children) == [*listed, "log_likelihood"]
    assert list(varying.idata.children) == listed
    half = tree.sel(chain=[1])
    assert half["log_likelihood"]["y"].shape == (1, 100, 80)
    values = {name: array[1:] for name, array in varying.draws.values.items()}
    statistics = {name: array[1:] for name, array in varying.draws.statistics.items()}
    one = varying.again(varying.model, replace(varying.draws, values=values, statistics=statistics))
    assert az.loo(half).elpd == pytest.approx(one.loo().elpd, abs=1e-6)


def test_replicated_data_that_are_there_already_are_kept(varying):
    varying.posterior_predictive(20)
    tree = varying.idata_with("posterior_predictive")
    assert tree["posterior_predictive"]["y"].shape == (2, 10, 80)


@pytest.mark.parametrize("name", ["loglik", "", 3, None, ["prior"]])
def test_other_names_are_refused(varying, name):
    with pytest.raises(sh.StanhierError, match="it takes any of log_likelihood, log_prior, posterior_predictive, pr"):
        varying.idata_with(name)


def test_files_do_not_hold_what_was_made_on_the_way(varying, tmp_path):
    varying.save(tmp_path / "before.nc")
    for name in GROUPS:
        assert varying.idata[name].data_vars
    varying.save(tmp_path / "after.nc")
    assert (tmp_path / "before.nc").stat().st_size == (tmp_path / "after.nc").stat().st_size
    loaded = sh.load(tmp_path / "after.nc")
    assert loaded.idata.identical(varying.idata)
    for name in GROUPS:
        np.testing.assert_allclose(
            loaded.idata[name].to_dataset().to_dataarray(), varying.idata[name].to_dataset().to_dataarray(), rtol=1e-9
        )


def test_files_hold_what_was_added(varying, tmp_path):
    added = varying.idata["log_likelihood"].to_dataset()
    varying.add_groups({"log_likelihood": added})
    varying.save(tmp_path / "fit.nc")
    assert sh.load(tmp_path / "fit.nc").idata.children["log_likelihood"].to_dataset().identical(added)
