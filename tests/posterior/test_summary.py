"""The table of a fit says what is so, and its keywords are those that it names."""

import inspect
import re

import numpy as np
import pandas as pd
import pytest

import stanhier as sh
from stanhier.fit import Fit
from tests.tools.fake_fit import fake_fit
from tests.tools.textbook_models import made_draws, sleep, textbook_model


def rows(shift=2300.0, scale=40.0):
    rng = np.random.default_rng(0)
    g, x = rng.integers(0, 6, 300), rng.normal(size=300)
    return pd.DataFrame(
        {"y": shift + scale * (x / 8 + rng.normal(size=6)[g] / 3 + rng.normal(size=300)), "x": x, "g": g}
    )


@pytest.fixture(scope="module")
def fit():
    return fake_fit(sh.VaryingIntercept("y ~ x + (1 | g)", rows()))


@pytest.mark.parametrize("shift", [0.0, 2300.0, -1e6])
@pytest.mark.parametrize("scale", [1e-4, 40.0, 3e5, 1e14])
@pytest.mark.parametrize("keywords", [{}, {"prob": 0.05}, {"prob": 0.5, "ci_kind": "hdi"}, {"kind": "stats_median"}])
def test_the_ends_of_an_interval_differ_in_print(shift, scale, keywords):
    table = fake_fit(sh.VaryingIntercept("y ~ x + (1 | g)", rows(shift, scale))).summary(**keywords)
    for line in str(table).splitlines()[1:]:
        lower, upper = line.split()[3:5]
        assert float(lower) < float(upper), line


def test_mean_and_ends_have_the_decimals_of_the_sd(fit):
    for line in str(fit.summary(kind="stats")).splitlines()[1:]:
        _, mean, sd, lower, upper = line.split()
        places = {len(number.partition(".")[2]) for number in (mean, sd, lower, upper)}
        assert len(places) == 1, line
        assert len(sd.replace(".", "").lstrip("0")) >= 2, line


def test_the_numbers_are_not_rounded(fit):
    table = fit.summary()
    assert table.loc["mu_alpha", "mean"] == pytest.approx(float(fit.posterior["mu_alpha"].mean()), rel=1e-12)
    pd.testing.assert_frame_equal(pd.DataFrame(table), fit.summary(round_to="none"))


def test_a_rounding_of_the_users_own_wins(fit):
    assert fit.summary(round_to=1).loc["mu_alpha", "mean"] == round(float(fit.posterior["mu_alpha"].mean()), 1)
    assert fit.summary(round_to="2g").loc["mu_alpha", "mean"] == 2300
    with pytest.raises(sh.StanhierError, match="round_to='two'"):
        fit.summary(round_to="two")


def test_every_interval_has_90_percent_by_default(fit):
    assert {"eti90_lb", "eti90_ub"} <= set(fit.summary().columns)
    expected = np.quantile(fit.posterior["sigma"].to_numpy(), (0.05, 0.95))
    np.testing.assert_allclose(fit.summary(var_names="sigma")[["eti90_lb", "eti90_ub"]].iloc[0], expected, rtol=0.02)
    for name, method in inspect.getmembers(sh.Fit, inspect.isfunction):
        parameter = inspect.signature(method).parameters.get("prob")
        assert parameter is None or parameter.default == 0.9, name


def test_the_probability_has_the_name_that_it_has_everywhere_and_arvizs(fit):
    pd.testing.assert_frame_equal(fit.summary(prob=0.5), fit.summary(ci_prob=0.5))
    assert list(fit.summary(prob=0.5).columns[2:4]) == ["eti50_lb", "eti50_ub"]
    pd.testing.assert_frame_equal(fit.summary(ci_prob=0.9), fit.summary())


@pytest.mark.parametrize(("prob", "named"), [(0.9, "90"), (0.29, "29"), (0.57, "57"), (0.995, "99.5"), (0.5, "50")])
def test_columns_are_named_by_the_whole_probability(fit, prob, named):
    for kind in ("eti", "hdi"):
        ends = [f"{kind}{named}_lb", f"{kind}{named}_ub"]
        assert [c for c in fit.summary(prob=prob, ci_kind=kind).columns if c.endswith("b")] == ends
        assert set(ends) <= set(fit.summary(prob=prob, ci_kind=kind, fmt="long").index)
        assert set(ends) <= set(fit.summary(prob=prob, ci_kind=kind, fmt="xarray")["summary"].values)


def test_r_hat_has_the_digits_of_its_limit(fit):
    assert all(
        re.fullmatch(r"\d\.\d{3}", line.split()[3]) for line in str(fit.summary(kind="diagnostics")).splitlines()[1:]
    )


def test_r_hat_of_one_chain_is_unknown():
    one = fake_fit(sh.LinearRegression("y ~ x", rows()), chains=1)
    assert str(one.summary()).count("unknown") == 3
    assert "nan" not in str(one.summary())
    assert one.summary()["r_hat"].isna().all()


def test_parameters_and_labels_can_be_chosen(fit):
    assert list(fit.summary(var_names="beta").index) == ["beta[x]"]
    assert list(fit.summary(var_names=("sigma", "beta")).index) == ["sigma", "beta[x]"]
    assert list(fit.summary(var_names=["~alpha"]).index) == ["mu_alpha", "sigma_alpha", "beta[x]", "sigma"]
    assert list(fit.summary(var_names="sig", filter_vars="like").index) == ["sigma_alpha", "sigma"]
    assert list(fit.summary(var_names="^alpha$", filter_vars="regex", coords={"g": 2}).index) == ["alpha[2]"]
    assert list(fit.summary(coords={"g": [4, 1]}, var_names="alpha").index) == ["alpha[4]", "alpha[1]"]
    by_chain = fit.summary(sample_dims="draw", kind="stats", var_names="sigma")
    assert list(by_chain.index) == [f"sigma[{chain}]" for chain in range(4)]


WRONG = {
    "no keyword 'hdi_prob'. Did you mean 'prob'": {"hdi_prob": 0.5},
    "no keyword 'credible_interval'. Did you mean 'prob'": {"credible_interval": 0.5},
    "no keyword 'var_name'. Did you mean 'var_names'?": {"var_name": "beta"},
    "no keyword 'digits'. Decimals are round_to=.": {"digits": 3},
    "no keyword 'group'. It is the posterior": {"group": "prior"},
    "no keyword 'xyz'. It takes: var_names, filter_vars, coords, kind, prob": {"xyz": 3},
    "'prob' must be a number between 0 and 1": {"prob": 90},
    "'ci_prob' must be a number between 0 and 1": {"ci_prob": 90},
    "summary(prob=None)": {"prob": None},
    "summary(prob=0.8, ci_prob=0.9): these are two names": {"prob": 0.8, "ci_prob": 0.9},
    "'kind' must be one of 'all', 'stats'": {"kind": "mean"},
    "'ci_kind' must be one of 'eti', 'hdi'": {"ci_kind": "qi"},
    "'fmt' must be one of 'wide', 'long', 'xarray'": {"fmt": "tall"},
    "no parameter 'gamma'; they are: mu_alpha, sigma_alpha, beta, sigma, alpha": {"var_names": ["sigma", "gamma"]},
    "no parameter 3;": {"var_names": [3]},
    "'var_names' must be a name or a list of names": {"var_names": []},
    "no parameter like 'zz'": {"var_names": "zz", "filter_vars": "like"},
    "'(' is no regular expression": {"var_names": "(", "filter_vars": "regex"},
    "'filter_vars' must be one of None, 'like', 'regex'": {"var_names": "s", "filter_vars": "exact"},
    "no dimension 'h'; the dimensions are: chain, draw, predictor, g": {"coords": {"h": [1]}},
    "there is no such label": {"coords": {"g": [99]}},
    "'coords' must be a dict": {"coords": ["g"]},
    "'sample_dims' must be": {"sample_dims": "row"},
    "dims must be of length 2": {"sample_dims": "draw"},
}


@pytest.mark.parametrize("words", WRONG)
def test_what_it_does_not_have_is_refused_in_our_words(fit, words):
    with pytest.raises(sh.StanhierError) as refused:
        fit.summary(**WRONG[words])
    assert words in str(refused.value)


def test_keywords_go_by_name(fit):
    with pytest.raises(sh.StanhierError, match=r"summary\(\) takes nothing by its place; .*var_names="):
        fit.summary(["beta"])


def test_labels_are_those_of_the_numbers_where_dimensions_come_in_another_order():
    model = textbook_model("reaction ~ days + (1 + days | subject)", sleep())
    fit = Fit(model, made_draws(model)[1])
    table = fit.summary()
    means = fit.posterior.mean(("chain", "draw"))
    for subject in ("s00", "s01", "s17"):
        for effect in ("Intercept", "days"):
            expected = means["effect_subject"].sel(subject=subject, effect=effect)
            assert table.loc[f"effect_subject[{subject}, {effect}]", "mean"] == pytest.approx(float(expected))
    assert table.loc["sd_subject[days]", "mean"] == pytest.approx(float(means["sd_subject"].sel(effect="days")))
    correlations = [name for name in table.index if name.startswith("cor_")]
    assert correlations == ["cor_subject[Intercept, days]"]
    assert table.loc[correlations[0], "mean"] == pytest.approx(float(means["cor_subject"][0, 1]))
    assert list(fit.summary(var_names=["effect_subject", "alpha"]).index[[0, 1, -1]]) == [
        "effect_subject[s00, Intercept]",
        "effect_subject[s00, days]",
        "alpha",
    ]
