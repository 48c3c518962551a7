"""The rows of stanhier/input.md about families of responses, numbers of trials and offsets."""

from collections.abc import Iterator
from functools import partial
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pytest

import stanhier as sh
from stanhier.engines.rows import sums
from tests.tools.input_cases import FLAGS, FLAT, N, Pair, accepted, base, case, frame, groups, line, refused, rest

HEADING = "Families of responses"
MANY = [9] * 12
"""Trials, as many as the most successes."""


def model(
    formula: str = "n ~ x", family: Any = "poisson", *, columns: dict[str, Any] | None = None, **beside: Any
) -> Any:
    return sh.Model(formula, frame(**(columns or {})), family=family, **beside)


def yes_or_no(v: Any, formula: str = "v ~ x", **keywords: Any) -> Any:
    return model(formula, "bernoulli", columns={"v": v}, **keywords)


def out_of(trials: Any, formula: str = "n ~ x", **columns: Any) -> Any:
    return model(formula, "binomial", columns=columns, trials=trials)


def words_of(makes: dict[str, Any], error: type[sh.StanhierError] = sh.DataError) -> None:
    for words, make in makes.items():
        with pytest.raises(error, match=words):
            make()


@case(HEADING, "0 and 1, `False` and `True`, or a comparison in `I(...)`, as a bernoulli response")
def _() -> Iterator[Pair]:
    plain = yes_or_no(FLAGS.astype(float))
    yield yes_or_no(FLAGS), plain
    yield yes_or_no(pd.array(FLAGS, dtype="boolean")), plain
    yield yes_or_no(np.where(FLAGS, 3, 1), "I(v > 2) ~ x"), plain


@case(HEADING, "two categories, or text of two values, as a bernoulli response")
def _() -> Iterator[Pair]:
    plain = yes_or_no(FLAGS.astype(float))
    text = np.where(FLAGS, "yes", "no")
    assert "the event is 'yes'" in repr(yes_or_no(text))
    yield yes_or_no(text), plain
    for ordered in (True, False):
        own = yes_or_no(pd.Categorical(text, ["yes", "no", "perhaps"], ordered=ordered))
        assert "the event is 'no'" in repr(own)
        yield own, yes_or_no(~FLAGS)


@case(HEADING, "one class alone, all 0 or all 1, or predictors that separate the classes")
def _() -> Iterator[Pair]:
    for value in (0, 1):
        yield yes_or_no([value] * 12), None
    yield model(columns={"n": 0}), None
    yield yes_or_no(base()["x"] > 2), None


@case(HEADING, "one class alone, or predictors that separate the classes, with flat priors")
def _() -> Iterator[Pair]:
    words_of({"Flat priors on 'alpha' give": lambda: yes_or_no(1, priors={"alpha": sh.Flat()})}, sh.PriorError)
    yield yes_or_no(base()["x"] > 2, priors=FLAT), None


refused(HEADING, "a 2 in a bernoulli response", lambda: yes_or_no(rest(FLAGS.astype(int), 2)))
refused(HEADING, "two other numbers as a bernoulli response", lambda: yes_or_no(FLAGS + 1))
refused(HEADING, "measurements as a bernoulli response", lambda: yes_or_no(base()["y"]))
refused(HEADING, "three categories as a bernoulli response", lambda: model("kind ~ x", "bernoulli"))
refused(HEADING, "one category as a bernoulli response", lambda: yes_or_no("a"))


@case(HEADING, "categories as the response of any other family")
def _() -> Iterator[Pair]:
    words_of({'Two categories are of family="bernoulli"': lambda: out_of(3, "kind ~ x")})
    yield model("kind ~ x"), None


@case(HEADING, "fractions or negative numbers as counts, of any family that counts")
def _() -> Iterator[Pair]:
    for odd in (-1, 1.5):
        columns = {"n": rest(base()["n"], odd)}
        for family in ("negative_binomial", "binomial"):
            trials = MANY if family == "binomial" else None
            with pytest.raises(sh.DataError, match=rf"1 row is not, the first is row 2 \(values such as {odd}\)"):
                model(family=family, columns=columns, trials=trials)
    yield model(columns=columns), None


refused(HEADING, "counts of 2<sup>31</sup> and more", lambda: model(columns={"n": rest(base()["n"], 2**31)}))
refused(HEADING, "more successes than trials", lambda: out_of(8))
refused(HEADING, "proportions as a binomial response", lambda: out_of(MANY, "p ~ x", p=base()["n"] / 9))
refused(HEADING, "a binomial response without `trials`", lambda: model(family="binomial"))


@case(HEADING, "`trials` as a column, an array, a list, or one whole number")
def _() -> Iterator[Pair]:
    for trials in (MANY, np.array(MANY), pd.Series(MANY), 9, 9.0, np.int64(9)):
        yield out_of(trials), out_of("m", m=MANY)


@case(HEADING, "a row of no trials")
def _() -> Iterator[Pair]:
    yield out_of("m", m=rest(MANY, 0), n=rest(base()["n"], 0)), None


@case(HEADING, "`trials` that are missing in a row")
def _() -> Iterator[Pair]:
    words_of({"`trials` has 1 missing value in 12 rows; leave those rows out of": lambda: out_of(rest(MANY, None))})
    yield out_of("m", m=rest(MANY, None)), None


@case(HEADING, "`trials` that are not whole, or negative")
def _() -> Iterator[Pair]:
    words_of({r"first in row 2 \(value -1\)": lambda: out_of(rest(MANY, -1)), "it is 9.5": lambda: out_of(9.5)})
    yield out_of("m", m=rest(MANY, 9.5)), None


refused(HEADING, "`trials` of another number than the rows", lambda: out_of([9, 9]))


@case(HEADING, "`trials` with another family")
def _() -> Iterator[Pair]:
    words_of({'this family is "bernoulli"': lambda: yes_or_no(FLAGS, trials=1)})
    yield model(trials=9), None


@case(HEADING, "`offset` as a column, an array or a list, of any family")
def _() -> Iterator[Pair]:
    columns = {"o": np.log(base()["n"])}
    for family in ("poisson", "negative_binomial"):
        for offset in (columns["o"], columns["o"].to_numpy(), columns["o"].tolist()):
            yield model(family=family, offset=offset), model(family=family, columns=columns, offset="o")
    yield model("y ~ x", "gaussian", offset="n"), line("I(y - n) ~ x")


@case(HEADING, "an offset that is infinite, such as `log(0)`")
def _() -> Iterator[Pair]:
    values = rest(base()["y"], -np.inf)
    words_of({"'o' is not finite in 1 row": lambda: model(columns={"o": values}, offset="o")})
    yield model(offset=values), None


@case(HEADING, "an offset that is missing in a row")
def _() -> Iterator[Pair]:
    values = rest(base()["y"], np.nan)
    words_of({"`offset` has 1 missing value in 12 rows; leave those rows out of": lambda: model(offset=values)})
    yield model(columns={"o": values}, offset="o"), None


refused(HEADING, "an offset of another number than the rows", lambda: model(offset=[0.0, 1.0]))
refused(HEADING, 'a calculation as an offset, `offset="log(n)"`', lambda: model(offset="log(n)"))


@case(HEADING, "offsets and trials within the formula, as R, brms and Bambi have them")
def _() -> Iterator[Pair]:
    trials = r'with family="binomial" and trials="column"'
    words_of(
        {
            r'offset="log_days", a column .* data\["log_days"\] = np\.log\(data\[': lambda: model(
                "n ~ x + offset(log(x))"
            ),
            f"one response.*{trials}": lambda: out_of(None, "cbind(n, x) ~ x"),
            f"calls 'p'.*{trials}": lambda: out_of(None, "p(n, x) ~ x"),
        },
        sh.FormulaError,
    )
    yield out_of(None, "n | trials(x) ~ x"), None


@case(HEADING, "`sigma` or `se` with another family than the Gaussian")
def _() -> Iterator[Pair]:
    words_of({"its scale is estimated": lambda: model(family="student_t", sigma=1.0)})
    yield model(se="x"), None


@case(HEADING, "`weights` with another family than the Gaussian")
def _() -> Iterator[Pair]:
    words_of({'so for family="gaussian" alone': lambda: model(family="student_t", weights="x")})
    words_of({'counts of yes among several are family="binomial"': lambda: yes_or_no(FLAGS, weights="x")})
    yield model(family="binomial", trials="n", weights="x"), None


@case(HEADING, "a link that the family does not have")
def _() -> Iterator[Pair]:
    words_of({"no link 'identity'; it has \"log\"": lambda: sh.Poisson(link="identity")}, sh.FormulaError)
    yield sh.Bernoulli(link="log"), None


refused(HEADING, '`link=` of the model, `link="probit"`', lambda: yes_or_no(FLAGS, link="probit"))


refused(HEADING, "`nu=` of the model", lambda: model(family="student_t", nu=4))


@case(HEADING, "fixed degrees of freedom that are no positive number")
def _() -> Iterator[Pair]:
    words_of({"`nu` must be a number or None, not str": lambda: sh.StudentTResponse(nu="4")})
    yield sh.StudentTResponse(nu=0), None


@case(HEADING, "a family that there is not, or another package's name of one")
def _() -> Iterator[Pair]:
    for name, ours in {"logistic": "bernoulli", "normal": "gaussian", "nb": "negative_binomial"}.items():
        words_of({f'Did you mean family="{ours}"': partial(model, family=name)}, sh.FormulaError)
    yield model(family="gamma"), None


refused(HEADING, "the class instead of a family", lambda: model(family=sh.Poisson))


@case(HEADING, "another family in a linear regression or a varying intercept")
def _() -> Iterator[Pair]:
    words_of({r"use Model\(": lambda: groups(family="poisson")}, sh.FormulaError)
    yield sh.LinearRegression("n ~ x", base(), family="poisson"), None


@case(HEADING, "a prior of `nu`, `shape` or `sigma` where the family has none")
def _() -> Iterator[Pair]:
    for name, family in (("nu", "gaussian"), ("sigma", "poisson")):
        words_of(
            {f"`priors` has '{name}'": partial(model, family=family, priors={name: sh.HalfNormal(1)})}, sh.PriorError
        )
    yield model(priors={"shape": sh.Exponential(1)}), None


@case(HEADING, "0 and 1, or counts from 0 on, as a Gaussian response")
def _() -> Iterator[Pair]:
    for column, family in ((FLAGS, "bernoulli"), (base()["x"] * 2, "poisson")):
        with pytest.warns(sh.ResponseWarning, match=f'family="{family}"'):
            yield model("v ~ g", "gaussian", columns={"v": column}), None


accepted(HEADING, "a Gaussian response of other numbers", lambda: model("n ~ x", "gaussian"))


@case(HEADING, "a positive offset of counts that spreads by more than 10, as exposures do")
def _() -> Iterator[Pair]:
    with pytest.warns(sh.ResponseWarning, match=r"np\.log"):
        yield model(offset="days", columns={"days": np.linspace(5, 59, N)}), None


def elsewhere(
    formula: str = "n ~ x", family: str = "poisson", columns: dict[str, Any] | None = None, **beside: Any
) -> Any:
    return sh.Model(formula, pl.from_pandas(frame(**(columns or {}))).lazy(), family=family, **beside)


@case(HEADING, "bernoulli, binomial or Poisson rows that are not in memory")
def _() -> Iterator[Pair]:
    yield elsewhere(), model()
    yield elsewhere("v ~ x", "bernoulli", columns={"v": FLAGS}), yes_or_no(FLAGS)
    yield elsewhere("n ~ x", "binomial", columns={"m": MANY}, trials="m"), out_of(9)
    yield elsewhere(columns={"o": base()["x"]}, offset="o"), model(offset=base()["x"])


@case(HEADING, "negative binomial or Student t rows that are not in memory")
def _() -> Iterator[Pair]:
    words_of({'family="student_t" needs its rows': lambda: elsewhere("y ~ x", "student_t")})
    yield elsewhere(family="negative_binomial"), None


@case(HEADING, "more than 5 million different rows that are not in memory, or 1 GB of them")
def _() -> Iterator[Pair]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sums, "MOST_CELLS", 4)
        yield elsewhere(), None


@case(HEADING, "`trials` or an offset as an array, beside rows that are not in memory")
def _() -> Iterator[Pair]:
    trials = "`trials` must be the name of a column or one whole number"
    words_of({trials: lambda: elsewhere(family="binomial", trials=MANY)})
    yield elsewhere(offset=np.zeros(12)), None


ROW = "a response that does not suit its family, in rows that are not in memory"
refused(HEADING, ROW, lambda: elsewhere("v ~ x", columns={"v": rest(base()["n"].astype(float), 1.5)}))
