"""Closed forms against multivariate normal densities row by row, and leave-one-out against ArviZ's own."""

import dataclasses
import warnings

import numpy as np
import pandas as pd
import pytest
from scipy import stats
from scipy.special import logsumexp

import stanhier as sh
from stanhier.engines.gaussian import likelihood
from stanhier.posterior.weights import relative_efficiency
from tests.tools import variants
from tests.tools.fake_fit import fake_fit

KINDS = ["default", "fixed sigma", "known se", "weights", "known se of rows", "groups of one", "two groups"]


def moments(fit, s):
    """Mean and covariance of all rows given one draw of the parameters, the group effects integrated out."""
    model, design = fit.model, fit.model.design
    posterior = fit.posterior.stack(sample=("chain", "draw"), create_index=False).isel(sample=s)  # noqa: PD013
    mean = np.full(design.n_rows, float(posterior["mu_alpha" if model.engine.grouped else "alpha"]))
    if design.predictors:
        mean = mean + design.X @ posterior["beta"].to_numpy()
    sd = fit.draws.flat("sigma")[s] * variants.relative_sds(design)
    covariance = np.diag(sd**2)
    if model.engine.grouped:
        same = design.group.codes[:, None] == design.group.codes
        covariance = covariance + fit.draws.flat("sigma_alpha")[s] ** 2 * same
    return mean, covariance


def conditional(mean, covariance, y, i, given):
    """Mean and variance of y_i given the rows `given`, by the textbook formula."""
    weights = np.linalg.solve(covariance[np.ix_(given, given)], covariance[given, i])
    return mean[i] + weights @ (y[given] - mean[given]), covariance[i, i] - weights @ covariance[given, i]


def all_blocks(blocks):
    parts = list(blocks)
    return tuple(np.concatenate([part[k] for part in parts], axis=1) for k in (1, 2))


@pytest.mark.parametrize("kind", KINDS)
def test_rows_given_the_others_are_conditional_normals(kind, monkeypatch):
    monkeypatch.setattr(likelihood, "BLOCK_VALUES", 6 * 11)
    fit = fake_fit(variants.VARYING[kind](), chains=2, draws=3)
    design = fit.model.design
    left_out, all_in = all_blocks(likelihood.row_densities(design, fit.model.engine.compressed, fit.draws))
    assert left_out.shape == (6, design.n_rows)
    for s in (0, 5):
        mean, covariance = moments(fit, s)
        latent = (
            covariance - np.diag(np.diag(covariance)) + np.eye(design.n_rows) * fit.draws.flat("sigma_alpha")[s] ** 2
        )
        for i in (0, 3, design.n_rows - 1):
            others = np.flatnonzero(np.arange(design.n_rows) != i)
            m, v = conditional(mean, covariance, design.y, i, others)
            assert left_out[s, i] == pytest.approx(stats.norm.logpdf(design.y[i], m, np.sqrt(v)), rel=1e-8)
            # Again the same row, its effect given all rows: a second observation of the same mean.
            weights = np.linalg.solve(covariance, latent[:, i])
            m = mean[i] + weights @ (design.y - mean)
            v = latent[i, i] - weights @ latent[:, i] + covariance[i, i] - latent[i, i]
            assert all_in[s, i] == pytest.approx(stats.norm.logpdf(design.y[i], m, np.sqrt(v)), rel=1e-8)


@pytest.mark.parametrize("kind", KINDS)
def test_groups_are_multivariate_normals(kind, monkeypatch):
    monkeypatch.setattr(likelihood, "BLOCK_VALUES", 6 * 11)
    fit = fake_fit(variants.VARYING[kind](), chains=2, draws=3)
    design = fit.model.design
    left_out, all_in = all_blocks(
        fit.model.engine.set_densities(design, design.group.codes, len(design.group.levels), fit.draws)
    )
    for s in (0, 5):
        mean, covariance = moments(fit, s)
        for j in range(0, len(design.group.levels), 3):
            rows = np.flatnonzero(design.group.codes == j)
            own = covariance[np.ix_(rows, rows)]
            density = stats.multivariate_normal(mean[rows], own).logpdf(design.y[rows])
            assert left_out[s, j] == pytest.approx(density, rel=1e-8)
            # Again the same rows, given themselves: a second sample with the same effect.
            shared = np.full(own.shape, fit.draws.flat("sigma_alpha")[s] ** 2)
            weights = np.linalg.solve(own, shared)
            again = mean[rows] + weights.T @ (design.y[rows] - mean[rows])
            density = stats.multivariate_normal(again, own - shared @ weights).logpdf(design.y[rows])
            assert all_in[s, j] == pytest.approx(density, rel=1e-8)


@pytest.mark.parametrize("kind", ["default", "known se", "weights", "fixed sigma, weights", "no intercept"])
def test_without_groups_rows_are_independent(kind):
    fit = fake_fit(variants.LINEAR[kind](), chains=1, draws=4)
    design = fit.model.design
    left_out, all_in = all_blocks(likelihood.row_densities(design, fit.model.engine.compressed, fit.draws))
    np.testing.assert_array_equal(left_out, all_in)
    mean = fit.predict_draws(variants.weighted()).to_numpy()[0]
    sd = fit.draws.flat("sigma")[:, None] * variants.relative_sds(design)
    np.testing.assert_allclose(left_out, stats.norm.logpdf(design.y, mean, sd), rtol=1e-8)
    codes = np.arange(80) % 7
    sets, _ = all_blocks(fit.model.engine.set_densities(design, codes, 7, fit.draws))
    np.testing.assert_allclose(sets[:, 2], left_out[:, codes == 2].sum(axis=1), rtol=1e-8)


def test_the_first_data_far_from_zero_lose_nothing():
    data = variants.frame()
    far = data.assign(y=data["y"] + 1e7, z=data["z"] + 1e6)
    priors = {"mu_alpha": sh.Flat(), "beta": sh.Flat(), "sigma": sh.Flat(), "sigma_alpha": sh.HalfNormal(1)}
    near_fit, far_fit = (
        fake_fit(sh.VaryingIntercept("y ~ x + z + (1 | g)", frame, priors=priors)) for frame in (data, far)
    )
    far_fit = sh.Fit(far_fit.model, near_fit.draws)
    for by in ("row", "group"):
        blocks = []
        for fit in (near_fit, far_fit):
            compressed, design = fit.model.engine.compressed, fit.model.design
            blocks.append(
                likelihood.row_densities(design, compressed, fit.draws)
                if by == "row"
                else fit.model.engine.set_densities(design, design.group.codes, len(design.group.levels), fit.draws)
            )
        np.testing.assert_allclose(*(all_blocks(b)[0] for b in blocks), rtol=1e-6)


def test_held_out_rows_are_predicted_from_what_is_left():
    fit = fake_fit(variants.VARYING["default"](), chains=2, draws=30)
    design = fit.model.design
    keep = np.arange(design.n_rows) % 5 != 0
    keep[design.group.codes == 8] = False
    ((left, positions),) = (grouping.present() for grouping in design.take(keep).groupings)
    train = fit.model.on_rows(design.take(keep).grouped_by([left]))
    out = design.take(~keep)
    positions = positions[out.group.codes]
    density = likelihood.held_out_densities(out, positions, train.engine.compressed, fit.draws)
    expected = np.empty((60, (~keep).sum()))
    given = np.flatnonzero(keep)
    for s in range(60):
        mean, covariance = moments(fit, s)
        for column, i in enumerate(np.flatnonzero(~keep)):
            m, v = conditional(mean, covariance, design.y, i, given)
            expected[s, column] = stats.norm.logpdf(design.y[i], m, np.sqrt(v))
    np.testing.assert_allclose(density, logsumexp(expected, axis=0) - np.log(60), rtol=1e-8)


@pytest.mark.filterwarnings("ignore::stanhier.SamplingWarning")
def test_loo_is_arvizs_loo_of_these_densities():
    import arviz as az
    import xarray as xr

    fit = fake_fit(variants.LINEAR["default"](), chains=4, draws=200)
    ours = fit.loo()
    density, _ = all_blocks(likelihood.row_densities(fit.model.design, fit.model.engine.compressed, fit.draws))
    tree = fit.idata.copy()
    tree["log_likelihood"] = xr.DataTree(xr.Dataset({"y": (("chain", "draw", "row"), density.reshape(4, 200, 80))}))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        theirs = az.loo(tree, pointwise=True, reff=relative_efficiency(fit.model, fit.draws))
    np.testing.assert_allclose(ours.elpd_i, theirs.elpd_i, rtol=1e-12)
    np.testing.assert_allclose(ours.pareto_k, theirs.pareto_k, rtol=1e-12)
    assert ours.elpd == pytest.approx(theirs.elpd)
    assert ours.se == pytest.approx(theirs.se)
    assert ours.p == pytest.approx(theirs.p)
    assert ours.good_k == pytest.approx(theirs.good_k)


def test_loo_refuses_what_it_cannot_leave_out():
    linear, varying = fake_fit(variants.LINEAR["default"]()), fake_fit(variants.VARYING["default"]())
    with pytest.raises(sh.StanhierError, match='\'by\' must be "row" or "group"'):
        varying.loo(by="county")
    with pytest.raises(sh.StanhierError, match=r"the model has no groups; give the labels of its rows"):
        linear.loo(by="group")
    with pytest.raises(sh.StanhierError, match="this model has groups of its own"):
        varying.loo(by=np.arange(80))
    with pytest.raises(sh.DataError, match="has 79 labels, but the fit has 80 rows"):
        linear.loo(by=np.arange(79))
    with pytest.raises(sh.DataError, match="missing values"):
        linear.loo(by=pd.Series([None, *range(79)]))
    for k in (1, 10, 2.5):
        with pytest.raises(sh.StanhierError, match="'k' must be an integer from 2 to 9, the number of gs"):
            varying.kfold(by="group", k=k)


@pytest.mark.filterwarnings("ignore::stanhier.SamplingWarning")
def test_only_fits_of_the_same_data_are_compared():
    fit = fake_fit(variants.LINEAR["default"]())
    changed = variants.frame()
    changed.loc[3, "y"] = 9.5
    other = fake_fit(sh.LinearRegression("y ~ x", changed))
    with pytest.raises(
        sh.DataError, match=r"'a' and 'b' are fits of different data: .*differ from row 3 on .*and 9\.5"
    ):
        sh.compare({"a": fit, "b": other})
    with pytest.raises(sh.DataError, match="80 rows and 70"):
        sh.compare({"a": fit, "b": fake_fit(sh.LinearRegression("y ~ x", changed[:70]))})
    with pytest.raises(sh.StanhierError, match="at least two fits; it was given 1"):
        sh.compare({"a": fit})
    with pytest.raises(sh.StanhierError, match="takes a dict of fits by name, not list"):
        sh.compare([fit, fit])
    with pytest.raises(sh.StanhierError, match="'b' must be a fit or a result"):
        sh.compare({"a": fit, "b": 3})
    with pytest.raises(sh.StanhierError, match="none of the fits has groups"):
        sh.compare({"a": fit, "b": fit}, by="group")
    varying = fake_fit(variants.VARYING["default"]())
    regrouped = fake_fit(sh.VaryingIntercept("y ~ x + (1 | g)", variants.frame().assign(g=np.arange(80) % 9)))
    with pytest.raises(sh.DataError, match="'a' and 'b' group the rows differently"):
        sh.compare({"a": varying, "b": regrouped}, by="group")
    with pytest.raises(sh.StanhierError, match=r"compare\(\): Invalid method"):
        sh.compare({"a": fit, "b": varying}, method="dice")


@pytest.mark.filterwarnings("ignore::stanhier.SamplingWarning")
def test_a_fit_without_groups_leaves_out_the_groups_of_the_others():
    linear, varying = fake_fit(variants.LINEAR["default"]()), fake_fit(variants.VARYING["default"]())
    from stanhier.evaluation.comparison import loo_of_each

    results = loo_of_each({"linear": linear, "varying": varying}, by="group")
    assert results["linear"].n_data_points == results["varying"].n_data_points == 9
    np.testing.assert_array_equal(results["linear"].elpd_i, linear.loo(by=variants.frame()["g"]).elpd_i)
    table = sh.compare({"linear": linear, "varying": varying}, by="group")
    assert set(table.index) == {"linear", "varying"}


def test_warnings_say_which_fit_and_what_to_do():
    kinds = {"one": "groups of one", "other": "default"}
    fits = {name: fake_fit(variants.VARYING[kind](), chains=2, draws=40) for name, kind in kinds.items()}
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        sh.compare(fits)
    assert len(caught) == 2
    said = str(caught[1].message)
    assert said.startswith("'other': Leave-one-out is unreliable for ")
    assert 'fit.kfold(by="row", k=10) samples again without each fold.' in said
    assert caught[1].filename == __file__


@pytest.mark.filterwarnings("ignore::stanhier.SamplingWarning")
def test_weights_survive_groups_of_many_rows():
    """Densities of thousands of rows have no exponential in floating point; the weights must not care."""
    rng = np.random.default_rng(2)
    data = pd.DataFrame({"g": np.repeat(np.arange(12), 500), "x": rng.standard_normal(6000)})
    data["y"] = data["x"] + rng.standard_normal(12)[data["g"]] + rng.standard_normal(6000)
    results = {}
    for name, shift in (("one", 0.0), ("other", 1.0)):
        elpd = -700.0 + rng.standard_normal(12) - shift
        result = fake_fit(sh.VaryingIntercept("y ~ x + (1 | g)", data), draws=60).loo(by="group")
        elpd_i = result.elpd_i.copy(data=elpd)
        results[name] = dataclasses.replace(result, elpd=float(elpd.sum()), elpd_i=elpd_i)
    shifted = {
        name: dataclasses.replace(r, elpd=r.elpd + 12 * 690, elpd_i=r.elpd_i + 690) for name, r in results.items()
    }
    low, high = sh.compare(results, round_to="none"), sh.compare(shifted, round_to="none")
    np.testing.assert_allclose(low["weight"], high["weight"], atol=1e-4)
    np.testing.assert_allclose(low["elpd"] + 12 * 690, high["elpd"])
