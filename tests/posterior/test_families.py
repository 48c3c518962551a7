"""Predictions, replicated data and files of models of every family."""

import numpy as np
import pytest
from scipy import special, stats

import stanhier as sh
from tests.tools.family_fits import ARGUMENTS, TERMS, fit, frame, model

INVERSE = {
    "bernoulli": special.expit,
    "probit": special.ndtr,
    "binomial": special.expit,
    "poisson": np.exp,
    "negative_binomial": np.exp,
    "student_t": lambda eta: eta,
}


def by_hand(one, data):
    """Linear predictors, shape (S, N), from the labelled posterior."""
    posterior = one.posterior
    flat = {name: values.to_numpy().reshape(-1, *values.shape[2:]) for name, values in posterior.data_vars.items()}
    eta = flat["alpha"][:, None] + flat["beta"][:, :1] * data["x"].to_numpy()
    effects = flat["effect_g"][:, data["g"].to_numpy()]
    eta = eta + effects[..., 0] + effects[..., 1] * data["x"].to_numpy()
    return eta + data["log_t"].to_numpy() if one.model.design.has_offset else eta


@pytest.mark.parametrize("name", ARGUMENTS)
def test_linear_predictor_and_mean(name):
    one, data = fit(model(name)), frame()
    eta = by_hand(one, data)
    found = one.predict_draws(data, kind="linear").to_numpy().reshape(eta.shape)
    np.testing.assert_allclose(found, eta, rtol=1e-10, atol=1e-10)
    table = one.predict(data)
    np.testing.assert_allclose(table["mean"], INVERSE[name](eta).mean(axis=0), rtol=1e-10, atol=1e-12)
    np.testing.assert_allclose(table["lower"], np.quantile(INVERSE[name](eta), 0.05, axis=0), rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("name", ARGUMENTS)
def test_new_observations_have_the_mean_of_the_family(name):
    one, data = fit(model(name), draws=800), frame()
    drawn = one.predict_draws(data, kind="response").to_numpy().reshape(1600, -1)
    expected = INVERSE[name](by_hand(one, data))
    if name == "binomial":
        expected = expected * data["games"].to_numpy()
    if name == "student_t":
        error = np.abs(np.median(drawn - expected, axis=0)).mean()
        assert error < 0.1
    else:
        assert (drawn == np.round(drawn)).all()
        spread = drawn.std(axis=0) / np.sqrt(1600)
        assert (np.abs((drawn - expected).mean(axis=0)) < 5 * spread + 1e-3).all()
    again = one.predict_draws(data.iloc[:5], kind="response").to_numpy().reshape(1600, -1)
    np.testing.assert_array_equal(again, drawn[:, :5])


def test_new_groups_and_what_new_rows_lack():
    one = fit(model("binomial", TERMS[1]))
    data = frame().iloc[:3].assign(g=77)
    table = one.predict(data, kind="response", new_groups="sample")
    assert (table["upper"] <= data["games"].to_numpy()).all()
    assert one.predict(data.drop(columns="games"), new_groups="sample")["mean"].between(0, 1).all()
    with pytest.raises(sh.DataError, match="numbers of trials of the new rows: the column 'games' is missing"):
        one.predict(data.drop(columns="games"), kind="response", new_groups="sample")
    counts = fit(model("poisson"))
    with pytest.raises(sh.DataError, match="offsets of the new rows: the column 'log_t' is missing"):
        counts.predict(frame().drop(columns="log_t"))
    by_array = fit(model("poisson", offset=frame()["log_t"].to_numpy()))
    with pytest.raises(sh.DataError, match=r'make it with offset="column"'):
        by_array.predict(frame())
    with pytest.raises(sh.StanhierError, match='"mean", "response" or "linear"'):
        counts.predict(frame(), kind="eta")


@pytest.mark.parametrize("name", ARGUMENTS)
def test_the_tree_has_what_was_observed(name):
    one, data = fit(model(name)), frame()
    response = ARGUMENTS[name][0]
    expected = (data[response] == "yes").to_numpy(dtype=float) if name == "bernoulli" else data[response].to_numpy()
    np.testing.assert_allclose(one.idata["observed_data"]["y"], expected, atol=1e-12)
    assert ("offset" in one.idata["constant_data"]) == one.model.design.has_offset
    assert ("trials" in one.idata["constant_data"]) == (name == "binomial")
    replicated = one.posterior_predictive(10)["posterior_predictive"]["y"]
    assert replicated.shape == (2, 5, len(data))
    prior = one.model.sample_prior(20, seed=1)
    assert prior["prior_predictive"]["y"].shape == (1, 20, len(data))
    assert {"nu", "shape"} & set(prior["prior"].data_vars) == {"nu", "shape"} & set(one.model.parameters.population)


def test_log_likelihood_and_leave_one_out():
    one, data = fit(model("poisson")), frame()
    eta = by_hand(one, data)
    found = one.idata["log_likelihood"]["y"].to_numpy().reshape(eta.shape)
    np.testing.assert_allclose(found, stats.poisson.logpmf(data["visits"], np.exp(eta)), rtol=1e-9)


@pytest.mark.parametrize("name", ARGUMENTS)
def test_files(name, tmp_path):
    beside = ARGUMENTS[name][1]
    data = frame()
    arrays = {key: data[beside[key]].to_numpy() for key in ("offset", "trials") if key in beside}
    for more in ({}, arrays):
        one = fit(model(name, **more))
        one.save(tmp_path / "fit.nc")
        loaded = sh.load(tmp_path / "fit.nc")
        assert repr(loaded.model) == repr(one.model)
        assert loaded.model.family == one.model.family
        np.testing.assert_array_equal(loaded.model.rows.y, one.model.rows.y)
        np.testing.assert_array_equal(loaded.summary(), one.summary())
        for field in ("offset", "subtracted", "trials"):
            np.testing.assert_array_equal(getattr(loaded.model.rows, field), getattr(one.model.rows, field))


def test_a_number_of_trials_for_all_rows_is_kept_in_files(tmp_path):
    one = fit(model("binomial", trials=9))
    one.save(tmp_path / "fit.nc")
    loaded = sh.load(tmp_path / "fit.nc")
    assert loaded.model.design.trials_constant == 9
    assert (loaded.predict(frame(), kind="response")["upper"] <= 9).all()


@pytest.mark.parametrize("name", ["poisson", "student_t"])
def test_pages_of_fits(name, tmp_path):
    one = fit(model(name))
    assert "log_t" in one.model._repr_html_()
    one.report(tmp_path / "fit.html")
    assert ("Poisson(exp(" in (tmp_path / "fit.html").read_text()) == (name == "poisson")
