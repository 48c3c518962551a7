"""The verdict on the model: quiet where the model is true, and in words where it is not."""

import re

import numpy as np
import pandas as pd
import pytest

import stanhier as sh
from stanhier.evaluation.model_check import ModelCheck
from tests.tools import variants
from tests.tools.fake_fit import fake_fit
from tests.tools.family_fits import ARGUMENTS, TERMS
from tests.tools.family_fits import fit as prior_like
from tests.tools.family_fits import model as family_model
from tests.tools.mode_fits import made_fit


def rows(rng, n=120, n_groups=12):
    """Predictors `x` and `z`, groups `g` with an effect `u`, and what they come to."""
    data = pd.DataFrame({"x": rng.normal(2, 1, n), "z": rng.uniform(0, 1, n), "g": np.arange(n) % n_groups})
    data["u"] = rng.normal(0, 0.6, n_groups)[data["g"]]
    return data.assign(mean=1 + 0.5 * (data["x"] - 2) - 0.4 * data["z"])


def expit(eta):
    return 1 / (1 + np.exp(-eta))


def linear(data, **arguments):
    return fake_fit(sh.LinearRegression("y ~ x + z", data, **arguments))


def varying(data):
    return fake_fit(sh.VaryingIntercept("y ~ x + z + (1 | g)", data))


def of_family(data, family):
    return made_fit("y ~ x + z", data, family=family)


TRUE = {
    "gaussian": lambda rng, d: linear(d.assign(y=d["mean"] + rng.normal(0, 1, len(d)))),
    "groups": lambda rng, d: varying(d.assign(y=d["mean"] + d["u"] + rng.normal(0, 1, len(d)))),
    "bernoulli": lambda rng, d: of_family(d.assign(y=rng.binomial(1, expit(d["mean"]))), "bernoulli"),
    "poisson": lambda rng, d: of_family(d.assign(y=rng.poisson(np.exp(d["mean"]))), "poisson"),
}


def test_of_true_models_hardly_any_is_told_of_a_problem():
    """At most one in twenty, give or take."""
    told = []
    for name, make in TRUE.items():
        for seed in range(8):
            rng = np.random.default_rng([seed, 3])
            found = make(rng, rows(rng)).check()
            told += [(name, seed, found.problems)] if not found.ok else []
    assert len(told) <= 1, told


WRONG = {
    "parabola": (
        lambda rng, d: linear(d.assign(y=d["mean"] + 0.6 * (d["x"] - 2) ** 2 + rng.normal(0, 1, len(d)))),
        "trend",
        r"curve along 'x' .*Try x \+ I\(x\*\*2\), or a spline: bs\(x, df=4\)",
    ),
    "spread": (
        lambda rng, d: linear(d.assign(y=d["mean"] + np.exp(2 * d["z"]) * rng.normal(0, 1, len(d)))),
        "spread",
        "spread of the residuals grows along 'z'",
    ),
    "heavy tails": (
        lambda rng, d: linear(d.assign(y=d["mean"] + rng.standard_t(2, len(d)))),
        "tails of residuals",
        'heavier than the model\'s .*family="student_t"',
    ),
    "skewed": (
        lambda rng, d: linear(d.assign(y=np.exp(d["mean"] + rng.normal(0, 0.8, len(d))))),
        "skewness of residuals",
        r"skewed to the right .*Try log\(y\)",
    ),
    "an outlier": (
        lambda rng, d: linear(d.assign(y=d["mean"] + rng.normal(0, 1, len(d)) + 9 * (d.index == 17))),
        "outliers",
        "One row is further out .* row 17, with y = ",
    ),
    "counts": (
        lambda rng, d: linear(d.assign(y=rng.poisson(np.exp(d["mean"])))),
        "kind of response",
        'is a count from 0 .*family="poisson"',
    ),
    "a scale": (
        lambda rng, d: linear(d.assign(y=np.clip(np.round(2 + d["mean"] + rng.normal(0, 1, len(d))), 1, 5))),
        "kind of response",
        r'1 to 5 in every row.*Model\("I\(y - 1\) ~ ...", family="binomial", trials=4\)',
    ),
    "a limit of detection": (
        lambda rng, d: linear(d.assign(y=np.maximum(d["mean"] + rng.normal(0, 1, len(d)), 0.3))),
        "share of repeated values",
        "limit of detection",
    ),
    "an outlying group": (
        lambda rng, d: varying(d.assign(y=d["mean"] + d["u"] / 2 + 6 * (d["g"] == 3) + rng.normal(0, 1, len(d)))),
        "groups",
        "Group '3' of 'g' is far from the others",
    ),
    "slopes": (
        lambda rng, d: varying(d.assign(y=d["mean"] + 1.5 * d["u"] * d["x"] + rng.normal(0, 1, len(d)))),
        "slopes by group",
        r"'x' differs between the groups of 'g' .*\(1 \+ x \| g\)",
    ),
    "spread by group": (
        lambda rng, d: varying(d.assign(y=d["mean"] + np.where(d["g"] < 6, 0.3, 2) * rng.normal(0, 1, len(d)))),
        "spread by group",
        "differs between the groups of 'g'",
    ),
    "overdispersed": (
        lambda rng, d: of_family(d.assign(y=rng.poisson(np.exp(d["mean"]) * rng.gamma(1, 1, len(d)))), "poisson"),
        "dispersion",
        'varies more than family="poisson" allows.*family="negative_binomial"',
    ),
    "too many zeros": (
        lambda rng, d: of_family(
            d.assign(y=rng.poisson(np.exp(d["mean"] + 1)) * (rng.random(len(d)) > 0.3)), "poisson"
        ),
        "share of zeros",
        "share of zeros of the response is .*model apart",
    ),
    "a bent logit": (
        lambda rng, d: of_family(d.assign(y=rng.binomial(1, expit(-1.5 + 1.5 * (d["x"] - 2) ** 2))), "bernoulli"),
        "trend",
        "curve along 'x'",
    ),
    "a contradicted prior": (
        lambda rng, d: linear(
            d.assign(y=d["mean"] + rng.normal(0, 1, len(d))), priors={"beta": {"x": sh.Normal(5, 0.5)}}
        ),
        "prior",
        r"contradict the prior Normal\(5, 0.5\) of beta\[x\]",
    ),
}


@pytest.mark.filterwarnings("ignore::stanhier.ResponseWarning")
@pytest.mark.parametrize("name", WRONG)
def test_what_is_wrong_is_told_with_what_to_try(name):
    make, check, words = WRONG[name]
    rng = np.random.default_rng(5)
    found = make(rng, rows(rng)).check()
    assert not found.ok
    failed = found.table[~found.table["ok"]]
    assert check in set(failed["check"])
    assert any(re.search(words, problem) for problem in found.problems), found.problems


@pytest.mark.filterwarnings("ignore::stanhier.ResponseWarning")
def test_an_exposure_without_its_logarithm_is_told_in_readable_numbers():
    rng = np.random.default_rng(5)
    data = rows(rng).assign(days=rng.integers(5, 60, 120))
    data["y"] = rng.poisson(0.1 * data["days"])
    found = made_fit("y ~ 1", data, family="poisson", offset="days").check()
    assert any(problem.startswith("The offset 'days' is from ") for problem in found.problems)
    (dispersion,) = (problem for problem in found.problems if "Pearson dispersion" in problem)
    assert re.search(r"dispersion is \d\.\d\de\+\d\d where", dispersion)


def test_a_prior_that_is_contradicted_is_no_curve():
    """Residuals follow the slope that the prior holds back, and nothing else."""
    rng = np.random.default_rng(5)
    found = WRONG["a contradicted prior"][0](rng, rows(rng)).check()
    assert found.table.loc[found.table["check"] == "trend", "ok"].all()


EVERY = variants.ALL | variants.SEVERAL


@pytest.mark.parametrize("terms", TERMS)
@pytest.mark.parametrize("name", ARGUMENTS)
def test_every_family_can_be_checked(name, terms):
    found = prior_like(family_model(name, terms)).check()
    assert isinstance(found, ModelCheck)
    assert found.table["p"].between(0, 1).all()
    assert {"mean", "prior"} <= set(found.table["check"])
    assert "nan" not in str(found)


@pytest.mark.parametrize("name", EVERY)
def test_every_gaussian_model_can_be_checked(name):
    found = fake_fit(EVERY[name](), draws=60).check()
    assert found.table["p"].between(0, 1).all()
    assert "nan" not in str(found)


def test_a_check_repeats_and_leaves_the_fit_alone():
    rng = np.random.default_rng(1)
    fit = TRUE["groups"](rng, rows(rng))
    one, again, other = fit.check(), fit.check(), fit.check(seed=0)
    pd.testing.assert_frame_equal(one.table, again.table)
    assert not one.table["p"].equals(other.table["p"])
    assert list(fit.idata.children) == ["posterior", "sample_stats", "observed_data", "constant_data"]


def test_it_prints_as_a_verdict():
    rng = np.random.default_rng(1)
    fine = TRUE["gaussian"](rng, rows(rng)).check()
    assert str(fine).startswith("No problems found in the model.")
    assert fine.problems == ()
    assert "mean, sd, min, max, skewness" in str(fine)
    assert "nan" not in repr(fine)
    wrong = WRONG["skewed"][0](rng, rows(rng)).check()
    lines = str(wrong).splitlines()
    assert lines[0] == f"{len(wrong.problems)} problems found in the model."
    assert [line for line in lines if line.startswith("- ")] == [f"- {problem}" for problem in wrong.problems]
    told = wrong.table.loc[~wrong.table["ok"], "check"]
    assert len(told) > len(wrong.problems), "what fails for the same reason is in the table alone"
    html = wrong._repr_html_()
    assert "&lt;" in html or "p = " in html
    assert html.count("<li>") == len(wrong.problems)


def test_one_chain_and_a_deciding_prior_are_notes():
    rng = np.random.default_rng(2)
    data = rows(rng, n=24, n_groups=3)
    fit = fake_fit(sh.VaryingIntercept("y ~ x + (1 | g)", data.assign(y=data["mean"] + rng.normal(0, 1, 24))), chains=1)
    notes = fit.check().notes
    assert any("one chain" in note and "chains=4" in note for note in notes)
    strong = sh.LinearRegression(
        "y ~ x", data.assign(y=data["mean"] + rng.normal(0, 1, 24)), priors={"beta": sh.Normal(0.5, 0.05)}
    )
    assert any(
        "the prior says as much as the data or more of beta[x]" in note for note in fake_fit(strong).check().notes
    )


def test_of_rows_that_are_not_in_memory_it_says_what_was_not_checked(tmp_path):
    rng = np.random.default_rng(3)
    data = rows(rng)
    data = data.assign(y=data["mean"] + data["u"] / 3 + 8 * (data["g"] == 3) + rng.normal(0, 1, len(data)))
    data.to_parquet(tmp_path / "rows.parquet")
    found = fake_fit(sh.VaryingIntercept("y ~ x + (1 | g)", tmp_path / "rows.parquet")).check()
    assert set(found.table["check"]) == {"groups", "prior"}
    assert any("Group '3' of 'g'" in problem for problem in found.problems)
    assert "Not checked: replicated data, rows left out and residuals" in str(found)


def test_of_many_rows_a_part_is_looked_at():
    rng = np.random.default_rng(4)
    data = rows(rng, n=3000, n_groups=50)
    found = fake_fit(
        sh.VaryingIntercept("y ~ x + z + (1 | g)", data.assign(y=data["mean"] + data["u"] + rng.normal(0, 1, 3000))),
        draws=60,
    ).check()
    assert found.ok
    assert "500 of 3,000 rows, 2,500 taken at random stand for all" in str(found)


def test_what_cannot_be_checked_is_refused():
    fit = fake_fit(variants.LINEAR["default"](), chains=2, draws=5)
    with pytest.raises(sh.StanhierError, match=r"check\(\) weights the draws, and of 10 nobody can tell"):
        fit.check()
    fit = fake_fit(variants.LINEAR["default"]())
    with pytest.raises(sh.StanhierError, match="'seed' must be an integer"):
        fit.check(seed="today")
    with pytest.raises(sh.StanhierError, match=r"check\(\).*'alpha'"):
        fit.check(alpha=0.1)
