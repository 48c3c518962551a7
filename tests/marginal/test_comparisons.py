"""Comparisons against closed forms, draw by draw, and against predictions of changed data."""

import numpy as np
import pandas as pd
import pytest
from scipy.special import expit

import stanhier as sh
from stanhier.marginal import averages
from stanhier.posterior import row_draws
from tests.tools import family_fits, variants
from tests.tools.fake_fit import fake_fit
from tests.tools.marginal_rows import ROWS, N, beta, eta_of, fit_of, flat, only
from tests.tools.mode_fits import family_fit, family_rows


@pytest.fixture(scope="module")
def linear():
    return fit_of("y ~ x + z + k + yes + treated")


@pytest.fixture(scope="module")
def logit():
    return family_fit("bernoulli")


def test_a_gaussian_comparison_of_one_more_is_the_coefficient(linear):
    np.testing.assert_allclose(only(linear.comparisons("x")), beta(linear, "x"), rtol=1e-9)
    by_row = linear.comparisons("z", average=False, contrast=2)
    np.testing.assert_allclose(flat(by_row.draws), 2 * beta(linear, "z").ravel()[:, None] * np.ones(N), rtol=1e-8)


def test_of_an_interaction_it_is_averaged_over_the_other_column():
    fit = fit_of("y ~ x * z")
    expected = beta(fit, "x") + beta(fit, "x:z") * ROWS["z"].mean()
    np.testing.assert_allclose(only(fit.comparisons("x")), expected, rtol=1e-8)
    by = fit.comparisons("x", by="school", new=ROWS)
    assert list(by["school"]) == ["north", "south"]
    for place, mean in enumerate(ROWS.groupby("school")["z"].mean()):
        found = by.draws.to_numpy()[:, :, place]
        np.testing.assert_allclose(found, beta(fit, "x") + beta(fit, "x:z") * mean, rtol=1e-8)


def test_what_the_formula_calculates_is_calculated_anew():
    fit = fit_of("y ~ np.log(x) + I(x ** 2) + scale(z)")
    x = ROWS["x"].to_numpy()
    log, square = (beta(fit, name) for name in ("np.log(x)", "I(x ** 2)"))
    expected = log * np.log((x + 1) / x).mean() + square * (2 * x + 1).mean()
    np.testing.assert_allclose(only(fit.comparisons("x")), expected, rtol=1e-8)
    np.testing.assert_allclose(
        only(fit.comparisons("x", contrast=(1, 3))), log * np.log(3) + square * 8, rtol=1e-8, atol=1e-10
    )
    np.testing.assert_allclose(only(fit.comparisons("z", contrast=5)), beta(fit, "scale(z)") * 5 / ROWS["z"].std())


def test_of_a_logit_it_is_that_of_probabilities_averaged_over_rows(logit):
    rows = family_rows("bernoulli")
    after, before = expit(eta_of(logit, rows.assign(x=rows["x"] + 1))), expit(eta_of(logit, rows))
    np.testing.assert_allclose(only(logit.comparisons("x")).ravel(), (after - before).mean(axis=1), rtol=1e-10)
    by_row = flat(logit.comparisons("x", average=False).draws)
    np.testing.assert_allclose(by_row, after - before, rtol=1e-9, atol=1e-13)
    by = flat(logit.comparisons("x", by="g").draws)
    expected = pd.DataFrame((after - before).T).groupby(rows["g"].to_numpy()).mean().T
    np.testing.assert_allclose(by, expected, rtol=1e-9)


def test_ratios_and_odds_are_of_averages(logit):
    rows = family_rows("bernoulli")
    low, high = (expit(eta_of(logit, rows.assign(dose=dose))).mean(axis=1) for dose in ("high", "low"))
    odds = high / (1 - high) / (low / (1 - low))
    expected = {
        "difference": high - low,
        "ratio": high / low,
        "lnratio": np.log(high / low),
        "odds_ratio": odds,
        "lnor": np.log(odds),
        "lift": high / low - 1,
    }
    contrasts = {}
    for name, values in expected.items():
        found = logit.comparisons("dose", comparison=name)
        np.testing.assert_allclose(only(found).ravel(), values, rtol=1e-9)
        null = 1 if name in ("ratio", "odds_ratio") else 0
        assert found["pd"][0] == max((values > null).mean(), (values < null).mean())
        contrasts[name] = found["contrast"][0]
    assert contrasts == {
        "difference": "low - high",
        "ratio": "low / high",
        "lnratio": "ln(low / high)",
        "odds_ratio": "odds(low) / odds(high)",
        "lnor": "ln(odds(low) / odds(high))",
        "lift": "low / high - 1",
    }


def test_the_odds_ratio_of_each_row_is_the_exponential_of_the_coefficient(logit):
    """That of averages over rows is another one."""
    found = flat(logit.comparisons("dose", comparison="lnor", average=False).draws)
    np.testing.assert_allclose(found, beta(logit, "dose[T.low]").ravel()[:, None] * np.ones(200), rtol=1e-7)


def test_of_a_log_link_the_ratio_is_the_exponential_of_the_coefficient():
    fit = family_fit("poisson", "y ~ x + dose + (1 | g)", offset="log_exposure")
    b = beta(fit, "x")
    np.testing.assert_allclose(only(fit.comparisons("x", comparison="ratio", contrast=2)), np.exp(2 * b), rtol=1e-9)
    np.testing.assert_allclose(only(fit.comparisons("x", comparison="lnratio")), b, rtol=1e-7, atol=1e-12)
    linear = fit.comparisons("x", kind="linear", by="dose")
    np.testing.assert_allclose(flat(linear.draws), b.ravel()[:, None] * np.ones(2), rtol=1e-8)
    # Without its offset a row has another mean, but the same ratio; differences depend on it.
    rows = family_rows("poisson")
    double = rows.assign(log_exposure=rows["log_exposure"] + np.log(2))
    np.testing.assert_allclose(only(fit.comparisons("x", new=double)), 2 * only(fit.comparisons("x")), rtol=1e-9)


@pytest.mark.parametrize(("name", "terms"), [(n, t) for n in family_fits.ARGUMENTS for t in family_fits.TERMS])
def test_it_is_the_difference_of_average_predictions_of_changed_data(name, terms):
    fit, data = family_fits.fit(family_fits.model(name, terms)), family_fits.frame()
    predicted = [flat(fit.predict_draws(rows)).mean(axis=1) for rows in (data, data.assign(x=data["x"] - 2))]
    found = only(fit.comparisons("x", contrast=-2, new=data))
    np.testing.assert_allclose(found.ravel(), predicted[1] - predicted[0], rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(only(fit.comparisons("x", contrast=-2)), found, rtol=1e-12)


def test_categories_are_compared_pairwise_and_turned_round(linear):
    pairs = linear.comparisons("k", contrast="pairwise")
    assert list(pairs["contrast"]) == ["b - a", "c - a", "c - b"]
    b, c = beta(linear, "k[T.b]").ravel(), beta(linear, "k[T.c]").ravel()
    np.testing.assert_allclose(flat(pairs.draws), np.column_stack([b, c, c - b]), rtol=1e-7, atol=1e-10)
    turned = linear.comparisons("k", contrast="revpairwise")
    assert list(turned["contrast"]) == ["a - b", "a - c", "b - c"]
    np.testing.assert_array_equal(flat(turned.draws), -flat(pairs.draws))
    every = linear.comparisons("k", contrast="all")
    assert sorted(every["contrast"]) == sorted([*pairs["contrast"], *turned["contrast"]])


@pytest.mark.parametrize(
    ("contrast", "words"),
    [
        (None, ["b - a", "c - a"]),
        ("reference", ["b - a", "c - a"]),
        ("revreference", ["a - b", "a - c"]),
        ("sequential", ["b - a", "c - b"]),
        ("revsequential", ["a - b", "b - c"]),
        ("minmax", ["c - a"]),
        (("c", "b"), ["b - c"]),
        (["a", "c"], ["c - a"]),
    ],
)
def test_ways_to_compare_categories(linear, contrast, words):
    assert list(linear.comparisons("k", contrast=contrast)["contrast"]) == words


@pytest.mark.parametrize(
    ("variable", "contrast", "word", "amount"),
    [
        ("x", None, "+1", 1),
        ("x", -2.5, "-2.5", -2.5),
        ("x", "sd", f"+sd ({ROWS['x'].std():.3g})", ROWS["x"].std()),
        ("x", "2sd", f"+2sd ({2 * ROWS['x'].std():.3g})", 2 * ROWS["x"].std()),
        ("x", "iqr", "Q3", np.diff(np.quantile(ROWS["x"], [0.25, 0.75]))[0]),
        ("x", "minmax", "max", np.ptp(ROWS["x"])),
        ("x", (1, 4.5), "4.5 - 1", 3.5),
        ("treated", None, "1 - 0", 1),
        ("yes", None, "True - False", 1),
        ("yes", (True, False), "False - True", -1),
    ],
)
def test_numbers_change_by_amounts_or_between_values(linear, variable, contrast, word, amount):
    found = linear.comparisons(variable, contrast=contrast)
    assert found["contrast"][0].startswith(word)
    coefficient = beta(linear, variable)
    np.testing.assert_allclose(only(found), amount * coefficient, rtol=1e-7)


def test_all_predictors_are_compared_one_after_the_other(linear):
    found = linear.comparisons()
    assert list(found["term"]) == ["k", "k", "treated", "x", "yes", "z"]
    one_by_one = linear.comparisons({"x": 10, "k": ("b", "c")})
    assert list(one_by_one["contrast"]) == ["+10", "c - b"]
    np.testing.assert_allclose(one_by_one["mean"][0], 10 * found["mean"][3])


def test_crossed_variables_change_at_once(linear):
    found = linear.comparisons({"x": 1, "k": "pairwise"}, cross=True)
    assert list(found["term"]) == ["x, k"] * 3
    assert list(found["contrast"]) == ["+1, b - a", "+1, c - a", "+1, c - b"]
    expected = beta(linear, "x") + beta(linear, "k[T.b]")
    np.testing.assert_allclose(found.draws.to_numpy()[:, :, 0], expected, rtol=1e-8)


def test_groups_that_are_known_can_be_compared():
    fit = fake_fit(sh.VaryingIntercept("y ~ x + z + (1 | g)", variants.frame()), chains=2, draws=50)
    found = fit.comparisons("g", contrast=(0, 4))
    alpha = fit.posterior["alpha"]
    np.testing.assert_allclose(only(found), alpha.sel(g=4) - alpha.sel(g=0), rtol=1e-8, atol=1e-10)
    assert len(fit.comparisons("g")) == 8
    with pytest.raises(sh.StanhierError, match=r"comparisons\('g', group_effects=False\): 'g' changes nothing"):
        fit.comparisons("g", group_effects=False)


def test_the_population_needs_no_groups(logit):
    rows = family_rows("bernoulli").drop(columns="g")
    found = only(logit.comparisons("x", group_effects=False, new=rows)).ravel()
    x = rows["x"].to_numpy()
    low = beta(logit, "dose[T.low]").ravel()[:, None] * (rows["dose"] == "low").to_numpy()
    eta = flat(logit.posterior["alpha"])[:, None] + beta(logit, "x").ravel()[:, None] * x + low
    expected = (expit(eta + beta(logit, "x").ravel()[:, None]) - expit(eta)).mean(axis=1)
    np.testing.assert_allclose(found, expected, rtol=1e-9)
    np.testing.assert_array_equal(only(logit.comparisons("x", group_effects=False)).ravel(), found)


def test_new_groups_have_the_same_effects_on_both_sides():
    fit = family_fit("poisson", "y ~ x + (1 | g)")
    rows = family_rows("poisson").iloc[:30].assign(g="new")
    found = only(fit.comparisons("x", comparison="lnratio", new=rows, new_groups="sample"))
    np.testing.assert_allclose(found, beta(fit, "x"), rtol=1e-6, atol=1e-10)
    with pytest.raises(sh.DataError, match="'g' has groups that the model has not seen: 'new'"):
        fit.comparisons("x", new=rows)


def test_the_size_of_blocks_and_rows_alike_change_nothing(logit, monkeypatch):
    rows = family_rows("bernoulli")
    whole, by_row = flat(logit.comparisons("x", by="dose").draws), logit.comparisons("x", average=False)
    monkeypatch.setattr(row_draws, "BLOCK_VALUES", 3000)
    twice = pd.concat([rows, rows], ignore_index=True)
    np.testing.assert_allclose(flat(logit.comparisons("x", by="dose", new=twice).draws), whole, rtol=1e-12)
    again = logit.comparisons("x", average=False)
    np.testing.assert_allclose(again.to_numpy()[:, 3:].astype(float), by_row.to_numpy()[:, 3:].astype(float))


def test_of_too_many_draws_and_rows_evenly_spaced_draws_are_taken(logit, monkeypatch):
    whole = only(logit.comparisons("x"))
    monkeypatch.setattr(averages, "_MOST_VALUES", 200 * 500)
    found = logit.comparisons("x")
    assert "from 500 of 1,000 draws" in repr(found)
    assert found.draws.shape == (4, 125, 1)
    draws = found.draws["draw"].to_numpy()
    np.testing.assert_array_equal(only(found), whole[:, draws])
    assert draws[0] == 0
    assert draws[-1] == 249
    # Rows that are alike count once, and the identity link needs no more than groups of rows.
    assert "draws" not in repr(logit.comparisons("x", kind="linear"))
    few = family_rows("bernoulli").assign(x=1.0)
    assert "draws" not in repr(logit.comparisons("x", new=few))


def test_the_table_is_of_the_draws(logit):
    found = logit.comparisons("x", by="g", prob=0.6)
    draws = flat(found.draws)
    assert list(found.columns) == ["term", "contrast", "g", "mean", "sd", "lower", "median", "upper", "pd"]
    np.testing.assert_allclose(found["mean"], draws.mean(axis=0))
    np.testing.assert_allclose(found["sd"], draws.std(axis=0, ddof=1))
    np.testing.assert_allclose(found["lower"], np.quantile(draws, 0.2, axis=0))
    np.testing.assert_allclose(found["upper"], np.quantile(draws, 0.8, axis=0))
    np.testing.assert_allclose(found["pd"], np.maximum((draws > 0).mean(axis=0), (draws < 0).mean(axis=0)))
    assert found.draws.dims == ("chain", "draw", "estimate")
    assert list(found.draws["g"].to_numpy()) == list(found["g"])
