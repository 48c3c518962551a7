"""Precision weights: y_i ~ normal(mu_i, sigma / sqrt(w_i)), against formulas that know nothing of the package."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from scipy import special, stats

import stanhier as sh
from stanhier.many.folder import identity_of
from stanhier.many.grouped import models_by_group
from tests.tools import variants
from tests.tools.fake_fit import fake_fit

SAMPLING = {"seed": 1, "show_progress": False}
ROWS = {"sigma": sh.Gamma(2.0, 1.0)}
"""A prior with which the rows themselves are sampled, as in large crossed designs."""
MODELS = {
    "linear": lambda data, **keywords: sh.LinearRegression("y ~ x + z", data, **keywords),
    "no intercept": lambda data, **keywords: sh.LinearRegression("y ~ 0 + x", data, **keywords),
    "varying": lambda data, **keywords: sh.VaryingIntercept("y ~ x + (1 | school)", data, **keywords),
    "crossed": lambda data, **keywords: sh.Model("y ~ x + (1 + x | school) + (1 | rater)", data, **keywords),
    "rows": lambda data, **keywords: sh.Model(
        "y ~ x + (1 | school) + (1 | rater)", data, **{"priors": ROWS, **keywords}
    ),
}


def same_numbers(one, other, **tolerances):
    assert one.stan_data.keys() == other.stan_data.keys()
    for name, values in one.stan_data.items():
        np.testing.assert_allclose(values, other.stan_data[name], err_msg=name, **tolerances)


@pytest.mark.parametrize("kind", MODELS)
def test_weights_of_1_are_none(kind):
    data = variants.several()
    model, plain = MODELS[kind](data, weights=np.ones(len(data))), MODELS[kind](data)
    same_numbers(model, plain, rtol=0, atol=0)
    assert model.priors == plain.priors


@pytest.mark.parametrize("kind", MODELS)
def test_standard_errors_are_weights_with_a_sigma_of_1(kind):
    data, priors = variants.several(), {"sd": sh.Gamma(2.0, 1.0)} if kind == "rows" else None
    model = MODELS[kind](data, weights=data["se"] ** -2.0, sigma=1.0, priors=priors)
    same_numbers(model, MODELS[kind](data, se="se", priors=priors), rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("factor", [1e-6, 7.0, 1e12])
@pytest.mark.parametrize("kind", ["linear", "no intercept", "varying", "crossed"])
def test_weights_times_c_are_sigma_times_the_root_of_c(kind, factor):
    """The default prior of sigma is scaled along, so that all else has the same posterior."""
    data = variants.several()
    one, other = (MODELS[kind](data, weights=c * data["w"]) for c in (1.0, factor))
    assert other.priors["sigma"].rate == pytest.approx(one.priors["sigma"].rate / np.sqrt(factor), rel=1e-12)
    assert {**one.priors, "sigma": None} == {**other.priors, "sigma": None}
    draws = fake_fit(one, chains=1, draws=4).draws
    moved = replace(draws, values={**draws.values, "sigma": draws.values["sigma"] * factor**0.5})
    codes = pd.factorize(data["school"], sort=True)[0]
    for model, own in ((one, draws), (other, moved)):
        blocks = list(model.engine.set_densities(model.rows, codes, 6, own))
        densities = [np.concatenate([block[k] for block in blocks], axis=1) for k in (1, 2)]
        if model is one:
            expected = densities
    np.testing.assert_allclose(densities, expected, rtol=1e-7)


def counted():
    """Rows with whole weights, and the same rows as often as these say."""
    data = variants.several(60)
    data["w"] = np.random.default_rng(3).integers(1, 5, len(data))
    return data, data.loc[data.index.repeat(data["w"])].reset_index(drop=True)


def test_whole_weights_are_repeated_rows_where_sigma_is_known():
    """Given sigma the likelihood of all else is that of the rows repeated; of sigma it is not: N counts a row once."""
    data, repeated = counted()
    priors = {"alpha": sh.Normal(0, 5), "beta": sh.Normal(0, 3), "sd": sh.HalfNormal(1)}
    one = MODELS["crossed"](data, weights="w", sigma=0.8, priors=priors)
    other = MODELS["crossed"](repeated, sigma=0.8, priors=priors)
    draws = fake_fit(one, chains=1, draws=6).draws
    given = [np.diff(model.engine.coordinates.log_marginal(draws)) for model in (one, other)]
    np.testing.assert_allclose(*given, rtol=1e-9)
    assert (one.engine.statistics.n_rows, other.engine.statistics.n_rows) == (60, data["w"].sum())
    np.testing.assert_allclose(one.engine.group_weights(0), other.engine.group_weights(0))


def test_generalised_least_squares_of_several_factors():
    """With flat priors the density of the scales is the restricted likelihood, by dense matrices."""
    data = variants.several(70)
    flat = {"alpha": sh.Flat(), "beta": sh.Flat(), "sigma": sh.Flat(), "sd": sh.Flat()}
    model = sh.Model("y ~ x + (1 | school) + (1 | rater)", data, weights="w", priors=flat)
    fit = fake_fit(model, chains=1, draws=5)
    X, y = np.column_stack([np.ones(70), data["x"]]), data["y"].to_numpy()
    expected = []
    for s in range(5):
        draw = fit.posterior.isel(chain=0, draw=s)
        V = float(draw["sigma"]) ** 2 * np.diag(1 / data["w"])
        for name in ("school", "rater"):
            V += float(draw[f"sd_{name}"].squeeze()) ** 2 * (data[name].to_numpy()[:, None] == data[name].to_numpy())
        precision = np.linalg.inv(V)
        cross = X.T @ precision @ X
        residual = y - X @ np.linalg.solve(cross, X.T @ precision @ y)
        expected.append(
            -0.5 * (np.linalg.slogdet(V)[1] + np.linalg.slogdet(cross)[1] + residual @ precision @ residual)
        )
    np.testing.assert_allclose(np.diff(model.engine.coordinates.log_marginal(fit.draws)), np.diff(expected), rtol=1e-8)


def test_the_posterior_of_a_line_is_that_of_weighted_least_squares():
    """As `lm(y ~ x, weights = w)`: with flat priors a t distribution around its estimates."""
    data = variants.weighted()
    flat = {"alpha": sh.Flat(), "beta": sh.Flat(), "sigma": sh.Flat()}
    fit = sh.LinearRegression("y ~ x", data, weights="w", priors=flat).sample(**SAMPLING)
    root = np.sqrt(data["w"].to_numpy())
    X = np.column_stack([np.ones(len(data)), data["x"]])
    estimates, (squares,) = np.linalg.lstsq(root[:, None] * X, root * data["y"], rcond=None)[:2]
    freedom = len(data) - 2 - 1  # one less than lm's: the prior is flat on sigma, and not on its logarithm
    sds = np.sqrt(squares / (freedom - 2) * np.diag(np.linalg.inv(X.T @ (root[:, None] ** 2 * X))))
    sigma = np.sqrt(squares / 2) * np.exp(special.gammaln((freedom - 1) / 2) - special.gammaln(freedom / 2))
    table = fit.summary(kind="stats")
    errors = fit.summary(kind="all")["mcse_mean"].to_numpy()
    assert (np.abs(table["mean"] - [*estimates, sigma]) < 5 * errors).all()
    np.testing.assert_allclose(table["sd"].iloc[:2], sds, rtol=0.06)


def test_rows_that_are_sampled_themselves_weigh_too():
    """The engine of rows, against the posterior of location and sigma by quadrature."""
    data = variants.weighted().iloc[:12]
    priors = {"alpha": sh.Normal(0, 5), "sigma": sh.Gamma(2.0, 0.5)}
    model = sh.Model("y ~ 1", data, weights="w", priors=priors)
    assert model.engine.program == "explicit_effects"
    fit = model.sample(**SAMPLING)
    y, w = data["y"].to_numpy(), data["w"].to_numpy()

    alpha, sigma = np.meshgrid(np.linspace(-8, 12, 801), np.linspace(0.05, 15, 800))
    log_density = stats.norm.logpdf(alpha, 0, 5) + stats.gamma.logpdf(sigma, 2, scale=2)
    log_density += sum(stats.norm.logpdf(value, alpha, sigma / weight**0.5) for value, weight in zip(y, w, strict=True))
    density = np.exp(log_density - log_density.max())
    means = [(of * density).sum() / density.sum() for of in (alpha, sigma)]
    errors = fit.summary(kind="all")["mcse_mean"].to_numpy()
    assert (np.abs(fit.summary()["mean"] - means) < 5 * errors).all()


@pytest.mark.parametrize("kind", ["linear", "no intercept", "varying", "crossed"])
def test_an_exact_fit_is_told_from_small_weights(kind):
    data = variants.several()
    exact = data.assign(y=2.0 * data["x"])
    for factor in (1e-40, 1e40):
        assert np.isfinite(MODELS[kind](data, weights=factor * data["w"]).engine.moments.weight)
        with pytest.raises(sh.DataError, match="reproduced exactly"):
            MODELS[kind](exact, weights=factor * data["w"])


def test_new_observations_have_the_noise_of_their_weight():
    data = variants.weighted()
    fit = fake_fit(sh.VaryingIntercept("y ~ x + (1 | g)", data, weights="w"), chains=4, draws=2000)
    new = data.iloc[[4, 4]].assign(w=[1.0, 400.0])
    mean, response = (fit.predict_draws(new, kind=kind).to_numpy() for kind in ("mean", "response"))
    sigma = fit.posterior["sigma"].to_numpy()[..., None]
    standardised = (response - mean) / sigma * [1.0, 20.0]
    assert np.abs(standardised.std(axis=(0, 1)) - 1).max() < 0.03
    assert fit.predict(new.drop(columns="w")).equals(fit.predict(new))
    with pytest.raises(
        sh.DataError, match=r'kind="response"\) needs the weights of the new rows: the column \'w\' is m'
    ):
        fit.predict(new.drop(columns="w"), kind="response")
    unnamed = fake_fit(sh.LinearRegression("y ~ x", data, weights=data["w"].to_numpy()))
    with pytest.raises(sh.DataError, match='make it with weights="column", and give new data that column'):
        unnamed.predict(new, kind="response")
    with pytest.raises(sh.DataError, match="Column 'w': weights must be positive and finite"):
        fit.predict(new.assign(w=[1.0, -1.0]), kind="response")


def test_replicated_rows_have_the_noise_of_their_weight():
    data = variants.weighted().assign(w=np.where(np.arange(80) % 2, 1.0, 100.0))
    nothing = {"alpha": sh.Normal(0, 1e-9), "beta": sh.Normal(0, 1e-9)}
    model = sh.LinearRegression("y ~ x", data, weights="w", priors=nothing)
    fit, prior = fake_fit(model), model.sample_prior(1000, seed=1)
    of_fit = fit.posterior_predictive()["posterior_predictive"]["y"].to_numpy().reshape(1000, -1)
    replicated = {
        "posterior": (of_fit, fit.posterior["sigma"].to_numpy().reshape(-1, 1)),
        "prior": (prior["prior_predictive"]["y"].to_numpy()[0], prior["prior"]["sigma"].to_numpy().reshape(-1, 1)),
    }
    for values, sigma in replicated.values():
        scaled = values / sigma
        np.testing.assert_allclose([scaled[:, 1::2].std(), scaled[:, ::2].std()], [1.0, 0.1], rtol=0.03)


def test_group_means_weigh_their_rows():
    """Means of groups in replicated data are those of weighted rows, as the model sees them."""
    fit = fake_fit(sh.VaryingIntercept("y ~ 1 + (1 | g)", variants.weighted(), weights="w"))
    data = variants.weighted()
    _, observed = fit.model.engine.replicated_means(fit.draws, 0, np.arange(10), 1)
    expected = (data["y"] * data["w"]).groupby(data["g"]).sum() / data["w"].groupby(data["g"]).sum()
    np.testing.assert_allclose(observed, expected, rtol=1e-12)


def test_a_new_group_brings_its_weights():
    data = variants.weighted()
    old, new = data[data["g"] < 8], data[data["g"] == 8]
    fit = fake_fit(sh.VaryingIntercept("y ~ x + (1 | g)", old, weights="w"), draws=500)
    updated = fit.update_group(new)
    assert updated.model.rows.row_noise.values.tolist() == [*old["w"], *new["w"]]
    same_numbers_of = sh.VaryingIntercept("y ~ x + (1 | g)", data, weights="w").engine.compressed
    np.testing.assert_allclose(updated.model.engine.compressed.weights, same_numbers_of.weights, rtol=1e-12)
    with pytest.raises(sh.DataError, match="needs the weights of the new rows: the column 'w' is missing"):
        fit.update_group(new.drop(columns="w"))


@pytest.mark.parametrize("kind", ["linear", "varying", "crossed"])
def test_rows_that_are_not_in_memory_have_the_same_weights(kind, tmp_path):
    data = variants.several()
    data.to_parquet(tmp_path / "rows.parquet")
    model, streamed = (MODELS[kind](rows, weights="w") for rows in (data, tmp_path / "rows.parquet"))
    assert repr(streamed) == repr(model)
    assert streamed.stan_code == model.stan_code
    fit = fake_fit(model, chains=1, draws=20)
    other = sh.Fit(streamed, fit.draws)
    np.testing.assert_allclose(other.predict(data, kind="response"), fit.predict(data, kind="response"), rtol=1e-8)
    data.assign(w=0.0).to_parquet(tmp_path / "none.parquet")
    with pytest.raises(sh.DataError, match=r"Column 'w': weights must be positive.*filter those rows out"):
        MODELS[kind](tmp_path / "none.parquet", weights="w")


@pytest.mark.parametrize("way", ["column", "values", "streamed"])
def test_a_saved_fit_comes_back_with_its_weights(way, tmp_path):
    data = variants.weighted()
    data.to_parquet(tmp_path / "rows.parquet")
    rows = tmp_path / "rows.parquet" if way == "streamed" else data
    weights = data["w"].to_numpy() if way == "values" else "w"
    fit = fake_fit(sh.VaryingIntercept("y ~ x + (1 | g)", rows, weights=weights))
    fit.save(tmp_path / "fit.nc")
    loaded = sh.load(tmp_path / "fit.nc")
    assert repr(loaded.model) == repr(fit.model)
    same_numbers(loaded.model, fit.model, rtol=0, atol=0)
    if way == "column":
        assert loaded.predict(data, kind="response").equals(fit.predict(data, kind="response"))
    if way != "streamed":
        assert loaded.loo().elpd == fit.loo().elpd
        assert loaded.idata["constant_data"]["weights"].equals(fit.idata["constant_data"]["weights"])


def test_models_by_group_have_weights_of_their_rows(tmp_path):
    data = variants.several()
    data.to_parquet(tmp_path / "rows.parquet")
    expected = sh.LinearRegression("y ~ x", data[data["school"] == "Ost"], weights="w")
    for rows, weights in ((data, "w"), (data, data["w"].to_numpy()), (tmp_path / "rows.parquet", "w")):
        makers = models_by_group(
            "y ~ x", rows, "school", priors=None, sigma=None, se=None, weights=weights, context=None
        )
        model = dict(makers)["Ost"]()
        same_numbers(model, expected, rtol=1e-8, atol=1e-8)
        assert model.design.row_noise.argument == "weights"
    with pytest.raises(sh.DataError, match="`weights` must be the name of a column where the rows of `data` are not"):
        sh.fit_many("y ~ x", tmp_path / "rows.parquet", by="school", weights=data["w"])
    with pytest.raises(sh.DataError, match="they would count rows alike"):
        sh.fit_many("y ~ x", data, by="school", family="student_t", weights="w")


def test_other_weights_are_another_model():
    data = variants.weighted()
    ways = ({}, {"weights": "w"}, {"weights": 2 * data["w"]}, {"weights": "se"}, {"se": "se"})
    assert len({identity_of(sh.LinearRegression("y ~ x", data, **given), {}) for given in ways}) == len(ways)


@pytest.mark.filterwarnings("ignore::stanhier.SamplingWarning")  # few draws
def test_all_kinds_of_pooling_weigh():
    few = {"chains": 1, "iter_warmup": 100, "iter_sampling": 50, "seed": 1, "show_progress": False}
    fits = sh.pooling("y ~ x + (1 | g)", variants.weighted(), weights="w", **few).fits
    assert [fit.model.design.row_noise.column for fit in fits.values()] == ["w"] * 3
    assert len({fit.model.priors["sigma"].rate for fit in fits.values()}) == 1


def test_the_equation_has_the_weights():
    data = variants.weighted()
    named = sh.LinearRegression("y ~ x", data, weights="w")
    assert "√w<sub><i>i</i></sub>" in named._repr_html_()
    assert "weights 'w'" in named._repr_html_().replace("&#39;", "'")
    fixed = sh.VaryingIntercept("y ~ x + (1 | g)", data, weights=data["w"].to_numpy(), sigma=0.5)
    assert "0.5 / √weights<sub><i>i</i></sub>" in fixed._repr_html_()


def test_defaults_are_scaled_by_the_geometric_mean_of_the_weights():
    data = variants.several()
    model = sh.Model("y ~ x + (1 | school)", data, weights="w")
    expected = stats.gmean(data["w"])
    assert model.rows.moments.weight == pytest.approx(expected)
    assert model.priors["sigma"].rate == pytest.approx(1 / (data["y"].std() * np.sqrt(expected)))
