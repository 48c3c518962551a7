"""Responses, offsets and numbers of trials of every family: what is taken, and what is refused before sampling."""

import warnings

import numpy as np
import pandas as pd
import pytest

import stanhier as sh
from tests.tools.family_fits import frame, model

DATA = frame()


def refused(said, formula, data=DATA, **arguments):
    with pytest.raises(sh.DataError, match=said):
        sh.Model(formula, data, **arguments)


@pytest.mark.parametrize(
    ("response", "event"),
    [
        (["no", "yes"] * 24, "yes"),
        (pd.Categorical(["b", "a"] * 24, categories=["b", "a"]), "a"),
        (["0", "1"] * 24, "1"),
        ([False, True] * 24, None),
        ([0, 1] * 24, None),
        ([0.0, 1.0] * 24, None),
    ],
)
def test_two_categories_and_booleans(response, event):
    one = sh.Model("r ~ x", DATA.assign(r=response), family="bernoulli")
    np.testing.assert_array_equal(one.rows.y, [0.0, 1.0] * 24)
    assert (one.design.categories is None) == (event is None)
    assert (f"the event is {event!r}" in repr(one)) == (event is not None)


def test_new_responses_are_events_too():
    one = model("bernoulli")
    np.testing.assert_array_equal(one.design.encode_response(DATA.iloc[:9]), one.rows.y[:9])
    with pytest.raises(sh.DataError, match="'maybe' in row 1; the model knows 'no' and 'yes'"):
        one.design.encode_response(DATA.iloc[:2].assign(answer=["no", "maybe"]))


def test_responses_that_do_not_suit():
    refused(r"3 categories \('a', 'b', 'c'\).*takes two", "r ~ x", DATA.assign(r=list("abc") * 16), family="bernoulli")
    refused("one category 'a'.*give numbers", "r ~ x", DATA.assign(r="a"), family="bernoulli")
    refused("0 or 1.*first is row.*poisson", "visits ~ x", family="bernoulli")
    refused(r"'score' of the family \"poisson\".*gaussian", "score ~ x", family="poisson")
    refused("not one numeric column.*bernoulli", "answer ~ x", family="poisson")
    refused("more successes than trials", "games ~ x", family="binomial", trials="wins")


def test_trials():
    refused("needs the number of trials", "wins ~ x", family="binomial")
    refused(r"Column 'x': numbers of trials must be whole", "wins ~ x", family="binomial", trials="x")
    refused("`trials` must be a column, an array, or one whole number", "wins ~ x", family="binomial", trials=2.5)
    refused("`trials` must be a column, an array, or one whole number", "wins ~ x", family="binomial", trials=0)
    refused("no column 'n'", "wins ~ x", family="binomial", trials="n")
    refused("`trials` has 3 values, but `data` has 48 rows", "wins ~ x", family="binomial", trials=[9, 9, 9])
    refused('`trials` is for family="binomial" alone', "visits ~ x", family="poisson", trials="games")
    missing = DATA.assign(games=DATA["games"].where(DATA.index != 3))
    refused("'games' has 1 missing value", "wins ~ x", missing, family="binomial", trials="games")
    np.testing.assert_array_equal(model("binomial", trials=DATA["games"].to_numpy()).rows.trials, DATA["games"])


def test_offsets():
    infinite = DATA.assign(log_t=np.where(DATA.index == 7, -np.inf, 0.0))
    refused(
        "'log_t' is not finite in 1 row, the first is row 7", "visits ~ x", infinite, family="poisson", offset="log_t"
    )
    refused("'offset' is not finite", "visits ~ x", family="poisson", offset=infinite["log_t"].to_numpy())
    refused("no column 'exposure'", "visits ~ x", family="poisson", offset="exposure")
    refused("`offset` must be the name of a column or an array", "visits ~ x", family="poisson", offset=1.0)
    refused("must be numeric", "visits ~ x", family="poisson", offset="answer")


def test_an_offset_of_an_identity_link_is_taken_off_the_response():
    gaussian = sh.Model("score ~ x", DATA, offset="log_t")
    np.testing.assert_allclose(gaussian.rows.y, DATA["score"] - DATA["log_t"])
    np.testing.assert_allclose(gaussian.rows.observed, DATA["score"])
    assert gaussian.rows.offset is None
    less = sh.Model("less ~ x", DATA.assign(less=DATA["score"] - DATA["log_t"]))
    np.testing.assert_allclose(gaussian.stan_data["prior_sigma"], less.stan_data["prior_sigma"])
    counts = model("poisson")
    np.testing.assert_array_equal(counts.rows.offset, DATA["log_t"])
    np.testing.assert_array_equal(counts.rows.y, DATA["visits"])


def test_parts_of_rows_keep_what_stands_beside_them():
    for name in ("poisson", "binomial", "student_t"):
        rows = model(name).rows
        chosen = np.array([3, 11, 40])
        part = rows.take(chosen)
        for field in ("y", "offset", "subtracted", "trials"):
            whole = getattr(rows, field)
            np.testing.assert_array_equal(getattr(part, field), None if whole is None else whole[chosen])
        np.testing.assert_allclose(part.with_observed(part.observed).y, part.y)


def test_what_is_for_gaussian_responses_alone():
    refused('`sigma` is for family="gaussian" alone', "visits ~ x", family="poisson", sigma=1.0)
    refused('`se` is for family="gaussian" alone.*its scale is estimated', "score ~ x", family="student_t", se="games")
    with pytest.raises(sh.FormulaError, match=r"use Model\(\.\.\., family="):
        sh.LinearRegression("visits ~ x", DATA, family="poisson")
    with pytest.raises(sh.FormulaError, match="no family 'cauchy'"):
        sh.Model("score ~ x", DATA, family="cauchy")


@pytest.mark.parametrize(("response", "family"), [("hit", "bernoulli"), ("visits", "poisson")])
def test_a_word_about_families(response, family):
    with pytest.warns(sh.ResponseWarning, match=f'family="{family}"'):
        sh.Model(f"{response} ~ x", DATA)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        sh.Model("score ~ x", DATA)
        sh.Model("games ~ x", DATA)
        sh.Model(f"{response} ~ x", DATA, family=family)


def test_priors():
    one = model("negative_binomial", priors={"shape": sh.Gamma(2, 0.5), "sd": sh.LogNormal(-1, 0.5)})
    assert one.priors["shape"] == sh.Gamma(2, 0.5)
    assert one.priors["beta"]["x"].sigma == pytest.approx(2.5 / DATA["x"].std())
    assert one.priors["alpha"] == sh.Normal(0, 2.5, centered=True)
    assert model("student_t").priors["nu"] == sh.Gamma(2, 0.1)
    for name, parameter in (("negative_binomial", "shape"), ("student_t", "nu")):
        with pytest.raises(sh.PriorError, match=f"flat prior on {parameter}"):
            model(name, priors={parameter: sh.Flat()})
    with pytest.raises(sh.PriorError, match='shape is of family="negative_binomial"'):
        model("poisson", priors={"shape": sh.Gamma(2, 0.5)})
    with pytest.raises(sh.PriorError, match="sigma"):
        model("poisson", priors={"sigma": sh.HalfNormal(1)})


def test_rows_that_are_not_in_memory(tmp_path):
    DATA.to_parquet(tmp_path / "rows.parquet")
    refused("needs its rows in memory", "visits ~ x", str(tmp_path / "rows.parquet"), family="negative_binomial")


def test_exposures_without_their_logarithm():
    days = np.linspace(5, 59, len(DATA))
    said = (
        r"^The offset 'days' is from 5 to 59 and .* exp\(54\) times .* give a column with its logarithm, "
        r"np\.log\(data\['days'\]\)\.$"
    )
    for family in ("poisson", "negative_binomial"):
        with pytest.warns(sh.ResponseWarning, match=said):
            sh.Model("visits ~ x", DATA.assign(days=days), family=family, offset="days")
    with pytest.warns(sh.ResponseWarning, match=r"^The offset is from .* offset=np\.log\(\.\.\.\)\.$"):
        sh.Model("visits ~ x", DATA, family="poisson", offset=days)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for fine in (np.log(days), np.log(days * 1e5), days - 10, np.linspace(5, 15, len(DATA))):
            sh.Model("visits ~ x", DATA, family="poisson", offset=fine)
        sh.Model("hit ~ x", DATA, family="bernoulli", offset=days)
        sh.Model("score ~ x", DATA, offset=days)
