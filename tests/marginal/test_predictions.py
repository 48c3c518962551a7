"""Average predictions are averages of what `predict_draws` gives."""

import numpy as np
import pandas as pd
import pytest

import stanhier as sh
from stanhier.basics.errors import StanhierError
from tests.tools import family_fits
from tests.tools.fake_fit import fake_fit
from tests.tools.marginal_rows import ROWS, fit_of, flat
from tests.tools.mode_fits import family_fit, family_rows


@pytest.fixture(scope="module")
def logit():
    return family_fit("bernoulli")


@pytest.mark.parametrize("name", family_fits.ARGUMENTS)
@pytest.mark.parametrize("kind", ["mean", "linear"])
def test_they_are_averages_of_predictions(name, kind):
    fit, data = family_fits.fit(family_fits.model(name, "x + (1 | g) + (1 | h)")), family_fits.frame()
    drawn = flat(fit.predict_draws(data, kind=kind))
    np.testing.assert_allclose(flat(fit.predictions(kind=kind).draws)[:, 0], drawn.mean(axis=1), rtol=1e-10)
    found = fit.predictions(by=["g", "h"], kind=kind)
    expected = pd.DataFrame(drawn.T).groupby([data["g"], data["h"]]).mean()
    assert list(zip(found["g"], found["h"], strict=True)) == list(expected.index)
    np.testing.assert_allclose(flat(found.draws), expected.T, rtol=1e-9, atol=1e-12)


def test_variables_are_set_in_all_rows(logit):
    rows = family_rows("bernoulli")
    found = logit.predictions({"x": [1, 2.5], "dose": ["low"]}, by="g")
    assert list(found.columns) == ["x", "dose", "g", "mean", "sd", "lower", "median", "upper"]
    assert len(found) == 2 * 8
    drawn = flat(logit.predict_draws(rows.assign(x=2.5, dose="low")))
    expected = pd.DataFrame(drawn.T).groupby(rows["g"]).mean().T
    np.testing.assert_allclose(flat(found.draws)[:, 8:], expected, rtol=1e-10)


@pytest.mark.parametrize(
    ("days", "shown"),
    [
        (range(6), "[0, 1, 2, 3, 4, 5]"),
        ([0, 0.5, 1, 2, 3, 4], "[0.0, 0.5,"),
        ([0, 1e20, 2e20, 3e20, 4e20, 5e20], "[0.0, 1e+20,"),
    ],
)
def test_whole_numbers_with_which_a_formula_calculates_stay_whole(days, shown):
    data = pd.DataFrame({"days": list(days) * 3, "y": np.random.default_rng(1).standard_normal(18)})
    found = fake_fit(sh.LinearRegression("y ~ I(days * 1e-20)", data), draws=20).predictions(by="days")
    assert str(found["days"].tolist()).startswith(shown)


def test_by_default_variables_have_all_categories_or_quartiles(logit):
    assert list(logit.predictions("dose")["dose"]) == ["high", "low"]
    x = family_rows("bernoulli")["x"]
    np.testing.assert_allclose(logit.predictions("x")["x"], x.quantile([0, 0.25, 0.5, 0.75, 1]))
    assert len(logit.predictions(["x", "dose"])) == 10
    assert [repr(x) for x in logit.predictions({"x": [1.0, 2]})["x"].tolist()] == ["1", "2"]
    assert list(fit_of("y ~ yes").predictions("yes")["yes"]) == [False, True]


def test_differences_of_predictions_are_comparisons(logit):
    high, low = flat(logit.predictions({"dose": ["high", "low"]}).draws).T
    np.testing.assert_allclose(flat(logit.comparisons("dose").draws)[:, 0], low - high, rtol=1e-10)


def test_row_by_row_they_are_what_predict_gives(logit):
    rows = family_rows("bernoulli").iloc[[5, 199, 0]]
    found = logit.predictions(average=False, new=rows, prob=0.8)
    assert list(found["row"]) == [5, 199, 0]
    expected = logit.predict(rows, prob=0.8)
    np.testing.assert_allclose(found[list(expected.columns)].to_numpy(dtype=float), expected)
    np.testing.assert_allclose(flat(found.draws), flat(logit.predict_draws(rows)), rtol=1e-12)


def test_of_a_model_without_predictors():
    fit = fit_of("y ~ 1")
    alpha = fit.posterior["alpha"].to_numpy().ravel()
    np.testing.assert_allclose(flat(fit.predictions().draws)[:, 0], alpha)
    np.testing.assert_allclose(flat(fit.predictions(by="school", new=ROWS).draws)[:, 1], alpha)
    with pytest.raises(sh.StanhierError, match=r"comparisons\(\): the population has no predictors; name a column"):
        fit.comparisons()


def test_means_beyond_any_number_are_refused():
    fit = family_fit("poisson", "y ~ x + (1 | g)")
    with pytest.raises(
        sh.StanhierError, match=r"predictions\(5000\): it is no finite number in 100 % .* kind=\"linear\""
    ):
        fit.predictions({"x": [5000]})
    assert np.isfinite(fit.predictions({"x": [5000]}, kind="linear")["mean"][0])


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"variables": {"x": []}}, "there are no values; give some"),
        ({"variables": {"x": ["low"]}}, "'x' holds numbers; give numbers"),
        ({"variables": {"x": [np.inf]}}, "these numbers must be finite"),
        ({"variables": {"dose": ["middle"]}}, "'dose' has no value 'middle'; it has 'high', 'low'"),
        ({"variables": {"x": range(5001), "dose": ["low", "high"]}}, "there are 10,002 combinations of values"),
        ({"kind": "response"}, "'kind' must be 'mean' or 'linear'; predict_draws() draws responses"),
        ({"variables": "x", "contrast": 2}, "has no keyword 'contrast'"),
    ],
)
def test_what_cannot_be_predicted(logit, arguments, words):
    with pytest.raises(StanhierError) as caught:
        logit.predictions(**arguments)
    assert words in str(caught.value)


@pytest.mark.parametrize("name", ["mean", "sd", "lower", "median", "upper", "pd", "row"])
def test_a_variable_cannot_be_called_as_a_number_of_the_table_is(name):
    rows = ROWS.rename(columns={"x": name})
    fit = fake_fit(sh.LinearRegression(f"y ~ {name} + k", rows), draws=20)
    with pytest.raises(StanhierError, match=f"the table has a column '{name}' of its own; rename yours"):
        fit.predictions(name, average=False)
    found = fit.comparisons(name)
    assert found.columns.is_unique
    assert list(found["term"]) == [name]


def test_rows_are_not_grouped_by_what_is_set_in_all_of_them(logit):
    with pytest.raises(StanhierError, match=r"predictions\(by=\['g', 'dose'\]\): 'dose' is one of 'variables'"):
        logit.predictions("dose", by=["g", "dose"])
