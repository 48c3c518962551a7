"""New groups from a few of their rows, of models of other families than the Gaussian."""

import numpy as np
import pandas as pd
import pytest
from scipy import integrate, special, stats

import stanhier as sh
from stanhier.posterior.new_groups import extend
from tests.tools.family_fits import ARGUMENTS, TERMS, fit, frame, model


def new_rows(groups=(10, 11)):
    data = frame().iloc[:10].copy()
    data["g"] = np.resize(groups, 10)
    return data


@pytest.mark.parametrize("terms", TERMS[:2])
@pytest.mark.parametrize("name", ARGUMENTS)
@pytest.mark.filterwarnings("ignore::stanhier.SamplingWarning")
def test_new_groups_are_known_afterwards(name, terms):
    one, rows = fit(model(name, terms)), new_rows()
    updated = one.update_group(rows, reweight=False)
    assert updated.model.design.n_rows == 58
    before, after = one.group_draws("g"), updated.group_draws("g")
    assert after["g"].to_numpy().tolist() == [0, 1, 2, 3, 4, 5, 10, 11]
    np.testing.assert_array_equal(after[:, :, :6], before)
    assert (after[:, :, 6:].std(("chain", "draw")) > 0).all()
    for parameter in ("alpha", "beta", "sd_g"):
        np.testing.assert_array_equal(updated.posterior[parameter], one.posterior[parameter])
    assert np.isfinite(updated.predict(rows)["mean"]).all()
    more = updated.update_group(new_rows((20,)), reweight=False)
    np.testing.assert_array_equal(more.group_draws("g")[:, :, :8], after)
    weighted = one.update_group(rows)
    assert weighted.draws.shape == one.draws.shape
    assert set(weighted.posterior["alpha"].to_numpy().ravel()) <= set(one.posterior["alpha"].to_numpy().ravel())


def test_draws_are_weighted_by_the_density_of_the_new_rows():
    """Of two new groups of counts, by quadrature of each effect."""
    one, rows = fit(model("poisson", "x + (1 | g)")), new_rows()
    extended = extend(one.model, rows)
    new = extended.rows.take(np.arange(48, 58))
    found = extended.engine.log_density_of_new(one.model.engine, new, one.draws)
    flat = {name: values.to_numpy().ravel() for name, values in one.posterior.data_vars.items() if name != "effect_g"}
    for s in (0, 17):
        total = 0.0
        for label in (10, 11):
            own = rows[rows["g"] == label]
            eta = flat["alpha"][s] + flat["beta"][s] * own["x"].to_numpy() + own["log_t"].to_numpy()

            def value(b, own=own, eta=eta, s=s):
                density = stats.poisson.logpmf(own["visits"], np.exp(eta + b)).sum()
                return np.exp(density + stats.norm.logpdf(b, scale=flat["sd_g"][s]))

            total += np.log(integrate.quad(value, -8, 8, points=[0], epsabs=0)[0])
        assert found[s] == pytest.approx(total, rel=1e-6)


@pytest.mark.parametrize(
    ("name", "changes", "words"),
    [
        ("poisson", {"visits": 1.5}, "must be"),
        ("binomial", {"wins": 50}, "more successes than trials"),
        ("bernoulli", {"answer": "perhaps"}, "answer"),
        ("poisson", {"g": 3}, "'g' has groups that the fit knows: 3"),
        ("poisson", {"log_t": np.nan}, "missing value"),
    ],
)
def test_what_is_refused(name, changes, words):
    with pytest.raises(sh.DataError, match=words):
        fit(model(name)).update_group(new_rows().assign(**changes))


def test_what_is_not_in_the_new_rows_is_asked_for():
    data = frame()
    offset = sh.Model("visits ~ x + (1 | g)", data, family="poisson", offset=data["log_t"].to_numpy())
    with pytest.raises(sh.DataError, match='make the model with offset="column"'):
        fit(offset).update_group(new_rows())
    with pytest.raises(sh.StanhierError, match="this one has none"):
        fit(model("poisson", "x")).update_group(new_rows())


def test_too_many_effects_at_once_say_so():
    """Inner groups of one outer group are drawn together, and these are many and wide."""
    rng = np.random.default_rng(1)
    data = pd.DataFrame({"a": np.arange(60) % 4, "b": np.arange(60) % 12, "hit": rng.integers(0, 2, 60)})
    one = fit(sh.Model("hit ~ 1 + (1 | a / b)", data, family="bernoulli"))
    one.draws.values["sd"][:] = 3.0
    new = pd.DataFrame({"a": 9, "b": np.repeat(np.arange(30), 3), "hit": rng.integers(0, 2, 90)})
    with pytest.warns(sh.SamplingWarning, match=r"the effects of the new groups are too many.*Pareto k is"):
        one.update_group(new, reweight=False)


@pytest.mark.slow
@pytest.mark.usefixtures("cmdstan_home")
def test_the_posterior_is_that_of_all_rows():
    rng = np.random.default_rng(4)
    data = pd.DataFrame({"g": np.repeat(np.arange(20), 10), "x": rng.normal(size=200)})
    effects = rng.normal(0, [1.0, 0.4], (20, 2))[data["g"]]
    eta = -0.5 + 0.6 * data["x"] + effects[:, 0] + effects[:, 1] * data["x"]
    data["wins"] = rng.binomial(4, special.expit(eta))
    formula, keywords = "wins ~ x + (1 + x | g)", {"family": "binomial", "trials": 4}
    updated = sh.Model(formula, data[data["g"] < 18], **keywords).sample(seed=1).update_group(data[data["g"] >= 18])
    again = sh.Model(formula, data, **keywords).sample(seed=2)
    names = ["alpha", "beta", "sd_g"]
    one, other = (fit.summary(var_names=names) for fit in (updated, again))
    # Draws that were weighted are worth fewer than their number: half of it here.
    error = np.hypot(2 * one["mcse_mean"], other["mcse_mean"])
    assert ((one["mean"] - other["mean"]).abs() < 4 * error).all()
    for mine, theirs in zip(updated.group_draws("g", [18, 19]).T, again.group_draws("g", [18, 19]).T, strict=True):
        assert float(np.abs(mine.mean() - theirs.mean())) < 0.1 * float(theirs.std())
        assert float(mine.std() / theirs.std()) == pytest.approx(1, abs=0.1)
