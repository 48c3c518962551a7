"""What can be done with a fit whose rows are not in memory, and what says that it cannot."""

import numpy as np
import pandas as pd
import pytest

import stanhier as sh

FORMULA = "y ~ center(x) + s + (1 | g)"


@pytest.fixture(scope="module")
def data():
    rng = np.random.default_rng(3)
    n = 2000
    frame = pd.DataFrame({"x": rng.standard_normal(n), "s": rng.choice(list("abc"), n), "g": rng.integers(0, 30, n)})
    noise = rng.standard_normal(n)
    return frame.assign(y=frame["x"] + rng.standard_normal(30)[frame["g"]] + noise, se=rng.uniform(0.5, 1, n))


@pytest.fixture(scope="module")
def path(data, tmp_path_factory):
    file = tmp_path_factory.mktemp("rows") / "rows.parquet"
    data.to_parquet(file, row_group_size=300)
    return file


@pytest.fixture(scope="module")
def in_memory(data):
    return sh.VaryingIntercept(FORMULA, data).sample(seed=1, chains=2)


@pytest.fixture(scope="module")
def fit(path):
    return sh.VaryingIntercept(FORMULA, path).sample(seed=1, chains=2)


def test_the_posterior_is_that_of_the_rows_in_memory(fit, in_memory):
    for name in ("mu_alpha", "sigma_alpha", "beta", "sigma", "alpha"):
        np.testing.assert_allclose(fit.posterior[name].mean(), in_memory.posterior[name].mean(), atol=0.02)
    assert fit.model.priors.keys() == in_memory.model.priors.keys()
    assert fit.diagnose().ok
    assert "2,000 rows in 30 groups of 'g'" in repr(fit.model)


def test_what_needs_no_rows_works(fit, in_memory, data):
    new = data.iloc[:20]
    np.testing.assert_allclose(fit.predict(new)["mean"], in_memory.predict(new)["mean"], atol=0.05)
    assert len(fit.predict(new.assign(g=99), kind="response", new_groups="sample")) == 20
    assert list(fit.group_summary().index) == list(range(30))
    assert fit.summary(var_names=["sigma"]).shape[0] == 1
    assert fit.group_draws([3]).sizes["g"] == 1
    assert set(fit.idata.children) == {"posterior", "sample_stats"}
    assert "2,000" in fit.model._repr_html_()
    assert "normal" in fit.model.stan_code
    assert fit.model.optimize() is not None
    fit.plot_forest()


def test_a_saved_fit_predicts_as_before(fit, data, tmp_path):
    fit.save(tmp_path / "fit.nc")
    loaded = sh.load(tmp_path / "fit.nc")
    new = data.iloc[:20]
    pd.testing.assert_frame_equal(loaded.predict(new), fit.predict(new))
    pd.testing.assert_frame_equal(loaded.group_summary(), fit.group_summary())
    assert repr(loaded.model) == repr(fit.model)
    again = loaded.model.sample(seed=1, chains=2)
    np.testing.assert_allclose(again.posterior["beta"], fit.posterior["beta"])


def test_a_saved_regression_with_standard_errors(path, data, tmp_path):
    fit = sh.LinearRegression("y ~ scale(x) + C(g > 10)", path, se="se").sample(seed=1, chains=2)
    fit.save(tmp_path / "fit.nc")
    loaded = sh.load(tmp_path / "fit.nc")
    assert "standard errors known" in repr(loaded.model)
    new = data.iloc[:20]
    pd.testing.assert_frame_equal(loaded.predict(new, kind="response"), fit.predict(new, kind="response"))


@pytest.mark.parametrize(
    "step",
    [
        lambda fit: fit.loo(),
        lambda fit: fit.loo(by="group"),
        lambda fit: fit.kfold(k=2),
        lambda fit: fit.posterior_predictive(),
        lambda fit: fit.plot_ppc(),
        lambda fit: fit.plot_prediction("x"),
        lambda fit: fit.update_group({"x": [1.0], "s": ["a"], "g": [77], "y": [1.0]}),
        lambda fit: fit.model.sample_prior(),
        lambda fit: fit.model.row_data,
        lambda fit: sh.sbc(fit.model, n=20),
        lambda fit: sh.compare({"one": fit, "other": fit}),
    ],
)
def test_what_needs_rows_says_so(fit, step):
    with pytest.raises(sh.DataError, match=r"not in memory.*predict\(new\).*into a data frame"):
        step(fit)


def test_other_frames_are_predicted_too(fit, data):
    import polars as pl

    new = pl.from_pandas(data.iloc[:20])
    np.testing.assert_array_equal(fit.predict(new), fit.predict(data.iloc[:20]))
