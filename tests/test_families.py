"""Models of families: the same model written in another way, large numbers, and posteriors that do not exist."""

import numpy as np
import pandas as pd
import pytest

import stanhier as sh
from stanhier.engines.rows.engine import RowsEngine
from tests.tools.family_twins import PRIORS, SHORT, assert_same, assert_same_data, data_of, effect_rows


@pytest.mark.parametrize("link", ["logit", "probit"])
def test_binomial_rows_are_bernoulli_rows(link):
    frame, rng = effect_rows()
    frame["y"] = rng.binomial(4, frame["p"])
    long = frame.loc[np.repeat(frame.index, 4)]
    long["y"] = (np.arange(len(long)) % 4 < long["y"]).astype(int)
    formula = "y ~ x + (1 + x | g) + (1 | h)"
    one = sh.Model(formula, frame, family=sh.Binomial(link=link), trials=4, priors=PRIORS)
    assert_same_data(one, sh.Model(formula, long, family=sh.Bernoulli(link=link), priors=PRIORS))


def test_poisson_rows_may_be_added_with_their_exposures():
    frame, rng = effect_rows()
    frame["t"] = rng.uniform(0.5, 4, len(frame))
    frame["y"] = rng.poisson(frame["t"] * np.exp(frame["eta"]))
    pairs = pd.concat([frame, frame.assign(t=2 * frame["t"], y=rng.poisson(2 * frame["t"]))])
    added = frame.assign(t=3 * frame["t"], y=pairs.groupby(level=0)["y"].sum())
    formula = "y ~ x + (1 + x | g) + (1 | h)"
    one, other = (
        sh.Model(formula, rows, family="poisson", offset=np.log(rows["t"].to_numpy()), priors=PRIORS)
        for rows in (pairs, added)
    )
    assert_same_data(one, other)


def test_categories_and_truth_values_are_one_and_zero():
    frame, rng = effect_rows()
    frame["y"] = rng.binomial(1, frame["p"])
    one = sh.Model("y ~ x + (1 | g)", frame, family="bernoulli")
    for y in (frame["y"] == 1, frame["y"].map({0: "no", 1: "yes"}), frame["y"].astype(float)):
        assert_same_data(one, sh.Model("y ~ x + (1 | g)", frame.assign(y=y), family="bernoulli"))


@pytest.mark.parametrize("family", ["bernoulli", "poisson", "negative_binomial", "student_t"])
def test_the_order_of_rows_does_not_matter(family):
    frame, rng = effect_rows()
    frame["y"] = rng.binomial(1, frame["p"])
    if family == "student_t":
        frame["y"] = frame["eta"] + rng.standard_t(4, len(frame))
    shuffled = frame.sample(frac=1, random_state=3)
    one, other = (sh.Model("y ~ x + (1 | g) + (1 | h)", rows, family=family) for rows in (frame, shuffled))
    ours, theirs = data_of(one), data_of(other)
    for name in ("u_hat", "info", "pulled", "b_hat", "prior_residual", "counts", "softness"):
        np.testing.assert_allclose(ours[name], theirs[name], rtol=1e-5, atol=1e-7, err_msg=name)


def test_units_of_predictors_and_names_of_groups_do_not_matter(cmdstan_home):
    frame, rng = effect_rows()
    frame["y"] = rng.poisson(np.exp(frame["eta"]))
    other = frame.assign(x=1000 * frame["x"] + 70, g=[f"z{99 - g}" for g in frame["g"]])
    formula = "y ~ x + (x || g)"
    fit, scaled = (sh.Model(formula, rows, family="poisson").sample(**SHORT) for rows in (frame, other))
    ours, theirs = fit.posterior, scaled.posterior
    pairs = {
        "beta": (ours["beta"].to_numpy()[..., 0], 1000 * theirs["beta"].to_numpy()[..., 0]),
        "mean": (ours["alpha"].to_numpy(), (theirs["alpha"] + 70 * theirs["beta"][..., 0]).to_numpy()),
        "sd of x": (ours["sd_g"].to_numpy()[..., 1], 1000 * theirs["sd_g"].to_numpy()[..., 1]),
        "at x": (
            fit.predict_draws(frame.head(8), kind="mean").to_numpy().reshape(4, -1, 8)[..., 5],
            scaled.predict_draws(other.head(8), kind="mean").to_numpy().reshape(4, -1, 8)[..., 5],
        ),
    }
    # The intercept's sd is at x = 0, which is elsewhere for the other unit, so the models differ a little in priors.
    for name in ("beta", "mean", "at x"):
        a, b = pairs[name]
        assert abs(a.mean() - b.mean()) < 0.1 * a.std(), name
        assert a.std() == pytest.approx(b.std(), rel=0.15), name


@pytest.mark.parametrize("link", ["logit", "probit"])
def test_the_other_event_turns_all_signs(link, cmdstan_home):
    frame, rng = effect_rows()
    frame["y"] = rng.binomial(1, frame["p"])
    formula, family = "y ~ x + (1 | g) + (1 | h)", sh.Bernoulli(link=link)
    fit = sh.Model(formula, frame, family=family).sample(**SHORT)
    turned = sh.Model(formula, frame.assign(y=1 - frame["y"]), family=family).sample(**SHORT | {"seed": 2})
    for name in ("alpha", "beta", "effect_g", "effect_h"):
        ours, theirs = fit.posterior[name], -turned.posterior[name]
        gap = np.abs(ours.mean(("chain", "draw")) - theirs.mean(("chain", "draw"))) / ours.std(("chain", "draw"))
        assert gap.max() < 0.15, name


@pytest.mark.slow
def test_student_t_with_many_degrees_of_freedom_is_gaussian(cmdstan_home):
    frame, rng = effect_rows()
    frame["y"] = frame["eta"] + 0.8 * rng.standard_normal(len(frame))
    formula = "y ~ x + (1 + x | g) + (1 | h)"
    priors = PRIORS | {"sigma": sh.Exponential(1)}
    gaussian = sh.Model(formula, frame, priors=priors).sample(**SHORT)
    nu = {"nu": sh.LogNormal(np.log(1e7), 0.1)}
    heavy = sh.Model(formula, frame, priors=priors | nu, family="student_t").sample(**SHORT | {"seed": 2})
    table = heavy.agreement(gaussian).table[["mean_errors", "sd_errors"]]
    assert table.abs().max(axis=None) < 4.5
    assert heavy.agreement(gaussian).missing == ("nu (this fit alone)",)


@pytest.mark.slow
@pytest.mark.parametrize("formula", ["y ~ x + (1 | g)", "y ~ 0 + x + (0 + x | g)", "y ~ x"])
def test_gaussian_rows_by_either_engine(formula, cmdstan_home):
    frame, rng = effect_rows()
    frame["y"] = frame["eta"] + 0.8 * rng.standard_normal(len(frame))
    model = sh.Model(formula, frame)
    rows = model.with_engine(RowsEngine.of(model.rows, model.chosen, model.noise))
    assert not isinstance(model.engine, RowsEngine)
    assert_same(rows.sample(**SHORT), model.sample(**SHORT | {"seed": 2}))


@pytest.mark.slow
def test_unequal_numbers_of_trials_and_large_ones(cmdstan_home):
    frame, rng = effect_rows(60)
    frame["n"] = rng.integers(1, 6, len(frame))
    frame["y"] = rng.binomial(frame["n"], frame["p"])
    long = frame.loc[np.repeat(frame.index, frame["n"])]
    nth = long.groupby(level=0).cumcount()
    long = long.assign(y=(nth < long["y"]).astype(int))
    formula = "y ~ x + (1 | g / h)"
    one = sh.Model(formula, frame, family="binomial", trials="n", priors=PRIORS).sample(**SHORT)
    assert_same(one, sh.Model(formula, long, family="bernoulli", priors=PRIORS).sample(**SHORT | {"seed": 2}))


def test_trials_of_a_billion_and_rare_events_are_counts(cmdstan_home):
    frame, rng = effect_rows(100)
    frame["y"] = rng.poisson(np.exp(frame["eta"]))
    priors = PRIORS | {"alpha": sh.Normal(0, 2.5)}
    counts = sh.Model("y ~ x + (1 | g)", frame, family="poisson", priors=priors).sample(**SHORT)
    rare = sh.Model(
        "y ~ x + (1 | g)", frame, family="binomial", trials=10**9, priors=priors, offset=np.full(100, -np.log(1e9))
    )
    assert_same(counts, rare.sample(**SHORT | {"seed": 2}))


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("family", ["poisson", "negative_binomial", "binomial"])
def test_responses_of_a_million_give_healthy_chains(family, cmdstan_home):
    frame, rng = effect_rows(100)
    mean = np.exp(13.8 + 0.1 * frame["eta"])
    frame["y"] = {
        "poisson": lambda: rng.poisson(mean),
        "negative_binomial": lambda: rng.poisson(mean * rng.gamma(5, 0.2, len(frame))),
        "binomial": lambda: rng.binomial(10**9, frame["p"]),
    }[family]()
    trials = {"trials": 10**9} if family == "binomial" else {}
    model = sh.Model("y ~ x + (1 | g)", frame, family=family, **trials)
    fit = model.sample(**SHORT)
    assert fit.diagnose().ok
    assert float(np.asarray(fit.draws.statistics["energy"]).std()) > 0.5


# ---- posteriors that do not exist ----

SEPARATED = {
    "one class": (lambda x: 0 * x, "bernoulli"),
    "the other class": (lambda x: 0 * x + 1, sh.Bernoulli(link="probit")),
    "no counts": (lambda x: 0 * x, "poisson"),
    "no counts, overdispersed": (lambda x: 0 * x, "negative_binomial"),
    "separation": (lambda x: 1.0 * (x > 0), "bernoulli"),
}


@pytest.mark.parametrize("name", SEPARATED)
def test_flat_priors_of_certain_events_are_refused(name):
    make, family = SEPARATED[name]
    frame, _ = effect_rows()
    frame["y"] = make(frame["x"])
    flat = {"alpha": sh.Flat(), "beta": sh.Flat()}
    with pytest.raises(sh.PriorError, match=r"improper posterior.*separation, or one class alone.*proper priors"):
        sh.Model("y ~ x + (1 | g)", frame, family=family, priors=flat)
    assert sh.Model("y ~ x + (1 | g)", frame, family=family).engine.data()["P"] == 2


def test_flat_priors_of_uncertain_events_are_taken():
    frame, rng = effect_rows()
    frame["y"] = 1 * (frame["x"] + 0.3 * rng.standard_normal(len(frame)) > 0.2)
    model = sh.Model("y ~ x + (1 | g)", frame, family="bernoulli", priors={"alpha": sh.Flat(), "beta": sh.Flat()})
    assert (np.asarray(data_of(model)["prior_precision"]) == 0).all()


def test_a_heavy_tailed_response_that_predictors_reproduce_is_refused():
    frame, _ = effect_rows()
    frame["y"] = 3 + 2 * frame["x"]
    with pytest.raises(sh.DataError, match="reproduced exactly by the predictors and effects in many rows"):
        sh.Model("y ~ x + (1 | g)", frame, family="student_t")


@pytest.mark.parametrize(("given", "meant"), [("bernouli", "bernoulli"), ("Poison", "poisson"), ("nb", "negative")])
def test_a_family_that_is_misspelt_is_named(given, meant):
    frame, _ = effect_rows()
    with pytest.raises(sh.FormulaError, match=f'Did you mean family="{meant}'):
        sh.Model("y ~ x", frame.assign(y=0), family=given)
