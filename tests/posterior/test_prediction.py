"""Predictions by hand, from made-up draws: nothing here depends on how the draws came about."""

import numpy as np
import pandas as pd
import pytest
from scipy import stats

import stanhier as sh
from stanhier.engines.gaussian import likelihood
from stanhier.posterior import prediction, row_draws
from tests.tools import variants
from tests.tools.fake_fit import fake_fit

NEW = pd.DataFrame({"x": [0.0, 1.5, -2.0], "z": [100.0, 90.0, 130.0]}, index=["p", "q", "r"])


@pytest.fixture
def linear():
    return fake_fit(variants.LINEAR["default"](), chains=2, draws=40, seed=3)


@pytest.fixture
def varying():
    return fake_fit(sh.VaryingIntercept("y ~ x + z + (1 | g)", variants.frame()), chains=2, draws=500, seed=3)


def flat(dataset):
    return dataset.stack(sample=("chain", "draw"), create_index=False)  # noqa: PD013


def by_hand(fit, new, groups=None):
    posterior = flat(fit.posterior)
    mean = (
        new[list(fit.model.design.predictors)].to_numpy()
        @ posterior["beta"].transpose("predictor", "sample").to_numpy()
    )
    if groups is None:
        return mean + posterior["alpha"].to_numpy()
    return mean + posterior["alpha"].transpose("g", "sample").sel(g=groups).to_numpy()


def test_the_mean_is_alpha_plus_x_beta(linear):
    expected = by_hand(linear, NEW)
    table = linear.predict(NEW, prob=0.8)
    assert list(table.index) == ["p", "q", "r"]
    assert list(table.columns) == ["mean", "sd", "lower", "median", "upper"]
    np.testing.assert_allclose(table["mean"], expected.mean(axis=1), rtol=1e-10)
    np.testing.assert_allclose(table["sd"], expected.std(axis=1, ddof=1), rtol=1e-10)
    for column, probability in (("lower", 0.1), ("median", 0.5), ("upper", 0.9)):
        np.testing.assert_allclose(table[column], np.quantile(expected, probability, axis=1), rtol=1e-10)


def test_groups_of_the_fit_have_the_effects_of_the_posterior(varying):
    new = NEW.assign(g=[4, 0, 4])
    expected = by_hand(varying, new, [4, 0, 4])
    draws = varying.predict_draws(new)
    assert draws.dims == ("chain", "draw", "row")
    assert list(draws["row"].to_numpy()) == ["p", "q", "r"]
    assert draws.name == "y"
    np.testing.assert_allclose(draws.to_numpy().reshape(-1, 3).T, expected, rtol=1e-9)


def test_summaries_are_of_the_draws(varying):
    new = NEW.assign(g=[4, 77, 78])
    draws = varying.predict_draws(new, kind="response", new_groups="sample", seed=8).to_numpy().reshape(-1, 3)
    table = varying.predict(new, kind="response", new_groups="sample", seed=8, prob=0.5)
    np.testing.assert_allclose(table["mean"], draws.mean(axis=0), rtol=1e-12)
    np.testing.assert_allclose(table["lower"], np.quantile(draws, 0.25, axis=0), rtol=1e-12)


def test_the_noise_of_a_response_is_sigma(varying):
    new = pd.concat([NEW.assign(g=1)] * 10)
    difference = varying.predict_draws(new, kind="response") - varying.predict_draws(new, kind="mean").to_numpy()
    standardised = difference.to_numpy().reshape(-1, 30) / varying.draws.flat("sigma")[:, None]
    assert stats.kstest(standardised.ravel(), stats.norm.cdf).pvalue > 1e-3
    assert np.abs(np.corrcoef(standardised.T) - np.eye(30)).max() < 0.2  # one stream per row


def test_known_standard_errors_are_the_noise():
    fit = fake_fit(variants.LINEAR["known se"](), draws=2000)
    new = pd.DataFrame({"x": [1.0, 1.0], "se": [0.1, 5.0]})
    difference = fit.predict_draws(new, kind="response") - fit.predict_draws(new, kind="mean")
    np.testing.assert_allclose(difference.std(dim=("chain", "draw")), [0.1, 5.0], rtol=0.05)
    with pytest.raises(sh.DataError, match="needs the standard errors of the new rows: the column 'se' is missing"):
        fit.predict(new[["x"]], kind="response")
    assert fit.predict(new[["x"]]).shape == (2, 5)


def test_a_new_group_has_one_effect_per_draw(varying):
    """Rows of one unseen level share its effect; other unseen levels have others, of standard deviation sigma_alpha."""
    new = pd.DataFrame({"x": 0.0, "z": 100.0, "g": [70, 71, 70, 72]})
    draws = varying.predict_draws(new, new_groups="sample").to_numpy().reshape(-1, 4)
    np.testing.assert_array_equal(draws[:, 0], draws[:, 2])
    effects = (draws[:, [0, 1, 3]] - population_mean(varying, new.iloc[0])[:, None]) / varying.draws.flat(
        "sigma_alpha"
    )[:, None]
    assert stats.kstest(effects.ravel(), stats.norm.cdf).pvalue > 1e-3
    assert np.abs(np.corrcoef(effects.T) - np.eye(3)).max() < 0.15


def population_mean(fit, row):
    posterior = flat(fit.posterior)
    beta = posterior["beta"].transpose("predictor", "sample").to_numpy()
    return posterior["mu_alpha"].to_numpy() + row[["x", "z"]].to_numpy(dtype=float) @ beta


def test_the_size_of_the_blocks_changes_nothing(varying, monkeypatch):
    rng = np.random.default_rng(4)
    new = pd.DataFrame({"x": rng.standard_normal(50), "z": 100.0, "g": rng.integers(0, 15, 50)})
    arguments = {"kind": "response", "new_groups": "sample", "seed": 5}
    whole = varying.predict_draws(new, **arguments)
    monkeypatch.setattr(row_draws, "BLOCK_VALUES", 7 * 1000)
    np.testing.assert_allclose(varying.predict_draws(new, **arguments), whole, rtol=1e-13)


def test_the_same_seed_repeats_and_another_does_not(linear):
    first, again, other = (linear.predict(NEW, kind="response", seed=seed) for seed in (0, 0, 1))
    pd.testing.assert_frame_equal(first, again)
    assert not np.allclose(first["mean"], other["mean"])
    pd.testing.assert_frame_equal(linear.predict(NEW, kind="response"), linear.predict(NEW, kind="response", seed=3))


def test_no_rows_give_an_empty_table(linear):
    assert linear.predict(NEW.iloc[:0]).shape == (0, 5)


def test_draws_that_do_not_fit_in_memory_are_refused(linear, monkeypatch):
    monkeypatch.setattr(prediction, "MAX_VALUES", 200)
    with pytest.raises(sh.StanhierError, match=r"80 draws of 3 rows.*at most 2 rows at a time, or use predict"):
        linear.predict_draws(NEW)
    assert linear.predict(NEW).shape == (3, 5)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"kind": "median"}, '\'kind\' must be "mean", "response" or "linear"'),
        ({"new_groups": "skip"}, '\'new_groups\' must be "error" or "sample"'),
        ({"prob": 1.0}, "'prob' must be a number between 0 and 1"),
        ({"prob": True}, "'prob' must be a number"),
        ({"seed": -1}, "'seed' must be an integer of at least 0"),
        ({"seed": 1.5}, "'seed' must be an integer"),
    ],
)
def test_bad_arguments_are_named(linear, arguments, words):
    with pytest.raises(sh.StanhierError, match=words):
        linear.predict(NEW, **arguments)


def test_new_groups_are_an_error_unless_asked_for(varying):
    with pytest.raises(sh.DataError, match=r'has groups that the model has not seen: 99; .*new_groups="sample"'):
        varying.predict(NEW.assign(g=[1, 99, 2]))
    with pytest.raises(sh.DataError, match="no column 'z'"):
        varying.predict(NEW.drop(columns="z").assign(g=1))


def test_replicated_data_are_predictions_of_the_rows_themselves(varying):
    data = variants.frame()
    tree = varying.posterior_predictive(seed=6)
    expected = varying.predict_draws(data, kind="response", seed=6)
    np.testing.assert_allclose(tree["posterior_predictive"]["y"], expected, rtol=1e-12)
    assert tree is varying.idata


def test_some_replicated_data_are_spread_over_the_chains(varying, monkeypatch):
    group = varying.posterior_predictive(20)["posterior_predictive"]
    assert group["y"].shape == (2, 10, 80)
    assert list(group["draw"].to_numpy()[[0, -1]]) == [0, 499]
    from stanhier.posterior import predictive

    monkeypatch.setattr(predictive, "MAX_VALUES", 2 * 80 * 7)
    assert varying.posterior_predictive()["posterior_predictive"]["y"].shape == (2, 7, 80)
    with pytest.raises(sh.StanhierError, match="ask for at most 14"):
        varying.posterior_predictive(50)
    with pytest.raises(sh.StanhierError, match="the fit has 1000 draws"):
        varying.posterior_predictive(1002)
    with pytest.raises(sh.StanhierError, match="'draws' must be an integer of at least 1"):
        varying.posterior_predictive(0)


def test_the_prior_is_drawn_as_it_is_written():
    model = sh.VaryingIntercept(
        "y ~ x + z + (1 | g)",
        variants.frame(),
        priors={"mu_alpha": sh.Normal(1, 2), "beta": {"x": sh.StudentT(5, 0, 1)}, "sigma_alpha": sh.HalfNormal(3)},
    )
    tree = model.sample_prior(4000, seed=1)
    prior = tree["prior"].to_dataset()
    one = lambda name: prior[name].to_numpy()[0]  # noqa: E731
    assert stats.kstest(one("mu_alpha"), stats.norm(1, 2).cdf).pvalue > 1e-3
    assert stats.kstest(one("beta")[:, 0], stats.t(5).cdf).pvalue > 1e-3
    assert stats.kstest(one("sigma_alpha"), stats.halfnorm(scale=3).cdf).pvalue > 1e-3
    assert stats.kstest(one("sigma"), stats.expon(scale=1 / model.priors["sigma"].rate).cdf).pvalue > 1e-3
    effects = (one("alpha") - one("mu_alpha")[:, None]) / one("sigma_alpha")[:, None]
    assert stats.kstest(effects.ravel(), stats.norm.cdf).pvalue > 1e-3
    assert np.abs(np.corrcoef(effects.T) - np.eye(9)).max() < 0.1
    data = model.design
    mean = one("alpha")[:, data.group.codes] + one("beta") @ data.X.T
    noise = (tree["prior_predictive"]["y"].to_numpy()[0] - mean) / one("sigma")[:, None]
    assert stats.kstest(noise[:, ::7].ravel(), stats.norm.cdf).pvalue > 1e-3
    np.testing.assert_array_equal(tree["observed_data"]["y"], data.y)


def test_a_prior_at_the_mean_of_the_predictors_is_drawn_there():
    model = variants.LINEAR["default"]()
    prior = model.sample_prior(4000, seed=2)["prior"].to_dataset()
    at_mean = prior["alpha"].to_numpy()[0] + prior["beta"].to_numpy()[0] @ model.design.X.mean(axis=0)
    assert model.priors["alpha"].centered
    assert stats.kstest(at_mean, stats.norm(model.priors["alpha"].mu, model.priors["alpha"].sigma).cdf).pvalue > 1e-3


@pytest.mark.parametrize("name", list(variants.ALL))
def test_every_proper_prior_can_be_drawn(name):
    model = variants.ALL[name]()
    if "flat" in name:
        with pytest.raises(sh.PriorError, match=r"the prior of (mu_)?alpha, .*beta\[x\].* is flat"):
            model.sample_prior(10)
        return
    tree = model.sample_prior(10, seed=0)
    assert tree["prior_predictive"]["y"].shape == (1, 10, model.design.n_rows)
    assert np.isfinite(tree["prior_predictive"]["y"]).all()
    assert tree.identical(model.sample_prior(10, seed=0))


def test_the_common_mean_needs_no_intercept():
    X, location = np.array([[1.0, 2.0]]), np.array([[3.0, 4.0], [5.0, 6.0]])
    np.testing.assert_array_equal(likelihood.common_mean(X, np.zeros(3), location), [[11.0], [17.0]])
