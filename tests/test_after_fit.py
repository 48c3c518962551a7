"""Leave-one-out, k-fold, added groups and pooling against exact numbers and fits made again."""

import numpy as np
import pandas as pd
import pytest
from scipy import stats
from scipy.special import logsumexp

import stanhier as sh
from tests.tools import variants
from tests.tools.fake_fit import fake_fit

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("cmdstan_home")]

SAMPLING = {"seed": 11, "show_progress": False}


def sleepstudy():
    return sh.datasets.sleepstudy()


@pytest.fixture(scope="module")
def sleep():
    return sh.VaryingIntercept("reaction ~ days + (1 | subject)", sleepstudy()).sample(**SAMPLING)


@pytest.fixture(scope="module")
def schools():
    return variants.VARYING["known se"]().sample(**SAMPLING)


def log_marginal(X, y, noise, prior_mean, prior_sd):
    """Log density of y with normal coefficients integrated out."""
    covariance = np.diag(noise**2) + X @ np.diag(prior_sd**2) @ X.T
    return stats.multivariate_normal(X @ prior_mean, covariance).logpdf(y)


def exact_normal(data, sigma):
    """Leave-one-out of y ~ x with known sigma: ratios of two closed forms."""
    X, y = np.column_stack([np.ones(len(data)), data["x"]]), data["y"].to_numpy()
    arguments = (np.array([1.0, 0.5]), np.array([2.0, 0.5]))
    noise = np.full(len(y), sigma)
    everything = log_marginal(X, y, noise, *arguments)
    others = [np.delete(np.arange(len(y)), i) for i in range(len(y))]
    return np.array([everything - log_marginal(X[o], y[o], noise[o], *arguments) for o in others])


def exact_schools():
    """Leave-one-out of eight schools: mu integrated in closed form, tau on a grid."""
    data = variants.schools()
    y, se = data["y"].to_numpy(), data["se"].to_numpy()
    tau = np.linspace(1e-4, 400, 400_001)
    prior = stats.halfcauchy.logpdf(tau, scale=5)

    def log_evidence(rows):
        variance = tau[:, None] ** 2 + se[rows] ** 2
        precision = (1 / variance).sum(axis=1) + 1 / 25
        pull = (y[rows] / variance).sum(axis=1)
        log_density = -0.5 * (np.log(2 * np.pi * variance) + y[rows] ** 2 / variance).sum(axis=1)
        return logsumexp(log_density + prior - 0.5 * np.log(25 * precision) + 0.5 * pull**2 / precision)

    everyone = np.arange(8)
    return np.array([log_evidence(everyone) - log_evidence(np.delete(everyone, i)) for i in everyone])


@pytest.fixture(scope="module")
def small():
    data = variants.frame(n=12, n_groups=3)
    priors = {"alpha": sh.Normal(1, 2), "beta": sh.Normal(0.5, 0.5)}
    return data, sh.LinearRegression("y ~ x", data, sigma=1.1, priors=priors).sample(**SAMPLING)


def test_loo_by_row_is_exact_leave_one_out(small):
    data, fit = small
    result = fit.loo()
    assert not result.warning
    np.testing.assert_allclose(result.elpd_i, exact_normal(data, 1.1), atol=0.06)
    assert result.elpd == pytest.approx(exact_normal(data, 1.1).sum(), abs=0.15)


def test_as_many_folds_as_rows_are_exact_leave_one_out(small):
    data, fit = small
    result = fit.kfold(by="row", k=12, iter_sampling=500, iter_warmup=300)
    np.testing.assert_allclose(result.elpd_i, exact_normal(data, 1.1), atol=0.06)
    assert list(result.elpd_i["row"]) == list(range(12))
    assert result.n_folds == 12


@pytest.mark.filterwarnings("ignore::stanhier.SamplingWarning")
def test_as_many_folds_as_rows_agree_with_loo_where_groups_vary():
    """One group has a single row: without it the group is unknown to the fold."""
    data = variants.frame(n=14, n_groups=4)
    data["g"] = [0] + [1] * 3 + [2] * 4 + [3] * 6
    data["y"] += np.array([0.0, 6.0, 0.0, -3.0])[data["g"]]
    fit = sh.VaryingIntercept("y ~ x + (1 | g)", data).sample(**SAMPLING)
    folds = fit.kfold(by="row", k=14)
    result = fit.loo()
    good = (result.pareto_k < 0.5).to_numpy()
    assert good[0]
    assert good.sum() > 8
    np.testing.assert_allclose(result.elpd_i[good], folds.elpd_i[good], atol=0.1)


@pytest.mark.parametrize("by", ["row", "group"])
def test_loo_of_eight_schools_is_exact(schools, by):
    """Groups of one row: leaving out the row or the group is the same, and needs no draws of the effects."""
    result = schools.loo(by=by)
    assert not result.warning
    np.testing.assert_allclose(result.elpd_i, exact_schools(), atol=0.03)
    assert list(schools.loo(by="group").elpd_i["school"].to_numpy()) == list("ABCDEFGH")


def test_refits_of_eight_schools_are_exact(schools):
    result = schools.kfold(by="group", k=8)
    np.testing.assert_allclose(result.elpd_i, exact_schools(), atol=0.03)
    assert result.elpd == pytest.approx(exact_schools().sum(), abs=0.05)


@pytest.mark.filterwarnings("ignore:Leave-one-out is unreliable")  # for one subject, if at all
def test_loo_by_group_of_the_sleep_study_agrees_with_refits(sleep):
    result = sleep.loo(by="group")
    exact = sleep.kfold(by="group", k=18)
    difference = np.asarray(result.elpd_i) - np.asarray(exact.elpd_i)
    assert result.n_data_points == 18
    np.testing.assert_allclose(difference[result.pareto_k < 0.5], 0, atol=0.2)
    np.testing.assert_allclose(difference, 0, atol=0.6)
    assert result.elpd == pytest.approx(exact.elpd, abs=0.8)
    np.testing.assert_array_equal(result.elpd_i["subject"], exact.elpd_i["subject"])


def test_loo_by_row_of_the_sleep_study_agrees_with_refits(sleep):
    """Some rows, each left out by sampling without it and scored by averaging over draws of the group's effect."""
    result = sleep.loo()
    assert not result.warning
    data = sleepstudy()
    for row in (0, 57, 99):
        fold = sh.VaryingIntercept("reaction ~ days + (1 | subject)", data.drop(index=row), priors=at_zero(sleep))
        held_out = fold.sample(**SAMPLING)
        mean = held_out.predict_draws(data.loc[[row]]).to_numpy().ravel()
        density = stats.norm.logpdf(data["reaction"][row], mean, held_out.draws.flat("sigma"))
        exact = logsumexp(density) - np.log(len(density))
        assert float(result.elpd_i[row]) == pytest.approx(exact, abs=0.08)


def at_zero(fit):
    """Wide priors close enough to those at the mean of the predictors for data that overwhelm them."""
    priors = dict(fit.model.priors)
    priors["mu_alpha"] = sh.Normal(priors["mu_alpha"].mu, priors["mu_alpha"].sigma)
    return priors


def moments(fit, group):
    posterior = fit.posterior
    last = fit.model.design.group.name
    quantities = {
        "mu_alpha": posterior["mu_alpha"],
        "beta": posterior["beta"][..., 0],
        "sigma": posterior["sigma"],
        "log sigma_alpha": np.log(posterior["sigma_alpha"]),
        "alpha": posterior["alpha"].sel({last: group}),
        "another alpha": posterior["alpha"][..., 0],
    }
    return pd.DataFrame(
        {name: [float(v.mean()), float(v.std())] for name, v in quantities.items()}, index=["mean", "sd"]
    )


def test_an_added_group_is_what_sampling_again_gives():
    """Eight subjects, then three days of another who is far from them: what is known of all of them changes."""
    data = sleepstudy()
    known = data[data["subject"].isin([330, 331, 332, 333, 334, 350, 352, 372])]
    rows = data[(data["subject"] == 309) & (data["days"] < 3)]
    fit = sh.VaryingIntercept("reaction ~ days + (1 | subject)", known).sample(**SAMPLING)
    updated = fit.update_group(rows)
    again = moments(updated.model.sample(seed=5, show_progress=False), 309)
    change = (moments(updated, 309) - again).loc["mean"] / again.loc["sd"]
    assert (change.abs() < 0.12).all(), change
    np.testing.assert_allclose(moments(updated, 309).loc["sd"], again.loc["sd"], rtol=0.12)
    # Without weights the population is as before, and that shows.
    as_before = fit.update_group(rows, reweight=False)
    assert float(as_before.posterior["sigma_alpha"].mean()) == float(fit.posterior["sigma_alpha"].mean())
    stale = (moments(as_before, 309) - again).loc["mean"] / again.loc["sd"]
    assert stale["log sigma_alpha"] < -0.6
    assert stale["alpha"] > 0.6


def test_an_added_group_predicts_from_its_own_rows(sleep):
    data = sleepstudy()
    rows = data[data["subject"] == 308].iloc[:3].assign(subject=1000)
    new = pd.DataFrame({"days": [0, 5], "subject": 1000})
    updated = sleep.update_group(rows)
    with pytest.raises(sh.DataError, match="groups that the model has not seen: 1000"):
        sleep.predict(new)
    before, after = sleep.predict(new, new_groups="sample"), updated.predict(new)
    assert (after["sd"] < 0.6 * before["sd"]).all()
    draws = updated.draws
    s = draws.flat("sigma_alpha") ** 2 / (draws.flat("sigma_alpha") ** 2 + draws.flat("sigma") ** 2 / 3)
    posterior = updated.posterior.stack(sample=("chain", "draw"), create_index=False)  # noqa: PD013
    slope, mu = posterior["beta"].to_numpy()[0], posterior["mu_alpha"].to_numpy()
    expected = mu + s * (rows["reaction"].mean() - mu - rows["days"].mean() * slope)
    assert after["mean"].iloc[0] == pytest.approx(expected.mean(), abs=1.5)
    assert float(updated.posterior["alpha"].sel(subject=1000).mean()) == pytest.approx(after["mean"].iloc[0])
    assert updated.loo(by="group").n_data_points == 19


def test_what_cannot_be_added_is_refused(sleep, schools):
    data = sleepstudy()
    with pytest.raises(
        sh.DataError, match="rows of new groups alone, and 'subject' has groups that the fit knows: 308"
    ):
        sleep.update_group(data.iloc[:2])
    with pytest.raises(sh.DataError, match="no column 'reaction'"):
        sleep.update_group(pd.DataFrame({"days": [1], "subject": [5]}))
    with pytest.raises(sh.DataError, match="at least one row"):
        sleep.update_group(data.iloc[:0])
    with pytest.raises(sh.DataError, match="needs the standard errors of the new rows: the column 'se' is missing"):
        schools.update_group(pd.DataFrame({"y": [1.0], "school": ["Z"]}))
    linear = sh.LinearRegression("reaction ~ days", data).sample(**SAMPLING)
    with pytest.raises(sh.StanhierError, match="for models with groups"):
        linear.update_group(data.iloc[:2])


def test_rows_that_change_everything_ask_for_sampling_again(sleep):
    rows = pd.DataFrame({"reaction": [5000.0, 5100.0], "days": [0, 1], "subject": 7})
    with pytest.warns(sh.SamplingWarning, match="too much for weighted draws .Pareto k .*fit the model again"):
        sleep.update_group(rows)


@pytest.mark.filterwarnings("ignore::stanhier.SamplingWarning")
def test_pooling_shows_the_three():
    data = sleepstudy().query("not (subject == 337 and days > 1)")
    result = sh.pooling("reaction ~ days", data, group="subject", at=0, **SAMPLING)
    table = result.estimates
    assert list(result.fits) == ["complete pooling", "no pooling", "partial pooling"]
    assert table.index.name == "subject"
    assert table["n"].loc[[337, 309]].tolist() == [2, 10]
    assert np.ptp(table["complete"]) == 0
    assert table["complete"].iloc[0] == pytest.approx(np.polyfit(data["days"], data["reaction"], 1)[1], abs=1)
    indicators = pd.get_dummies(data["subject"]).to_numpy(dtype=float)
    least_squares = np.linalg.lstsq(np.column_stack([indicators, data["days"]]), data["reaction"])[0][:-1]
    np.testing.assert_allclose(table["no"], least_squares, atol=1.5)
    population = float(result.fits["partial pooling"].posterior["mu_alpha"].mean())
    far = (table["no"] - population).abs() > 10
    shrunk = (table["partial"] - population) / (table["no"] - population)
    assert ((shrunk > 0) & (shrunk < 1))[far].all()
    assert shrunk[337] < shrunk.drop(337)[far].min()
    width = {name: table[f"{name}_upper"] - table[f"{name}_lower"] for name in ("complete", "no", "partial")}
    assert width["complete"].mean() < width["partial"].mean() < width["no"].mean()
    assert width["partial"][337] < 0.97 * width["no"][337]
    compared = result.compare()
    assert compared.index[-1] == "complete pooling"
    assert compared["elpd_diff"].iloc[-1] < -40
    held_out = result.compare(by="group")
    assert held_out.index[0] == "partial pooling"
    assert held_out.loc["no pooling", "elpd_diff"] < -10


@pytest.mark.parametrize(
    ("formula", "group", "words"),
    [
        ("reaction ~ days + (1 | subject)", "subject", r"leave out \(1 \| subject\)"),
        ("reaction ~ 0 + days", "subject", "must have one"),
        ("reaction ~ days + C(subject)", "subject", "cannot be a predictor as well"),
        ("reaction ~ days", "person", "no column 'person'"),
    ],
)
def test_pooling_says_what_it_needs(formula, group, words):
    with pytest.raises(sh.StanhierError, match=words):
        sh.pooling(formula, sleepstudy(), group=group)


def test_many_groups_are_not_fitted_without_pooling():
    data = pd.DataFrame({"y": np.arange(3000.0), "g": np.arange(3000) // 2})
    with pytest.raises(sh.DataError, match=r"'g' has 1,500 groups.*up to 1,000"):
        sh.pooling("y ~ 1", data, group="g")


def test_too_few_draws_to_weight_are_refused():
    fit = fake_fit(variants.VARYING["default"](), chains=2, draws=12)
    with pytest.raises(sh.StanhierError, match=r"loo\(\) weights the draws, and of 24 .* at least 25.*iter_sampling"):
        fit.loo()
    with pytest.raises(sh.StanhierError, match=r"update_group\(\) weights the draws"):
        fit.update_group(variants.frame()[:2].assign(g=99))
    assert fit.update_group(variants.frame()[:2].assign(g=99), reweight=False).draws.n_draws == 24
