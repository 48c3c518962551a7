"""The rows of stanhier/input.md about groups, frames and names."""

from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd
import pytest

import stanhier as sh
from tests.tools.input_cases import (
    DATES,
    FLAGS,
    FLAT,
    TEXT,
    WHOLE,
    N,
    Pair,
    accepted,
    base,
    case,
    groups,
    line,
    refused,
    rest,
)

# --- Groups
HEADING = "Groups"
ODD = ['it\'s "[x]"', "\n\t", "😀 ñ", ""]


@case(HEADING, "labels of any characters: quotes, brackets, newlines, emoji, the empty text")
def _() -> Iterator[Pair]:
    model = groups(np.repeat(ODD, 3))
    assert set(model.design.group.levels) == set(ODD)
    yield model, None


@case(HEADING, "labels or categories with the character NUL")
def _() -> Iterator[Pair]:
    for call in (lambda: line(x=["a\0b", "c", "d"] * 4), lambda: line("y ~ C(x)", x=["c", "a\0b"] * 6)):
        with pytest.raises(sh.DataError, match="with the character NUL"):
            call()
    yield groups(["a\0b", "c"] * 6), None


@case(HEADING, "integers, booleans, categories and intervals as labels")
def _() -> Iterator[Pair]:
    for column in (
        WHOLE,
        FLAGS,
        pd.Categorical(TEXT),
        pd.cut(WHOLE, [-1, 1, 3, 5]),
        pd.Categorical(WHOLE.astype(float)),
    ):
        yield groups(column), groups(pd.Series(column).astype("category").cat.codes)


@case(HEADING, "floats that are whole numbers")
def _() -> Iterator[Pair]:
    model = groups(WHOLE.astype(float))
    np.testing.assert_array_equal(
        model.design.encode({"x": [1], "g": np.array([4], dtype="int8")}).groups[0].codes, [4]
    )
    yield model, groups(WHOLE)
    yield groups(pd.Series([float(k) for k in WHOLE], dtype=object)), groups(WHOLE)


refused(HEADING, "fractions", lambda: groups(WHOLE / 2))
refused(HEADING, "infinite labels", lambda: groups(rest(WHOLE, np.inf)))
refused(HEADING, "labels of mixed kinds", lambda: groups(pd.Series([1, "a"] * 6)))
refused(HEADING, "complex labels", lambda: groups(WHOLE + 1j))


@case(HEADING, "levels that do not occur")
def _() -> Iterator[Pair]:
    yield groups(pd.Categorical(TEXT, categories=[*sorted(set(TEXT)), "never"])), groups(TEXT)


accepted(HEADING, "one group, in a varying intercept", lambda: groups(["all"] * N))
accepted(HEADING, "groups of one row", lambda: groups([*range(6), *[6] * 6]))


@case(HEADING, "every row its own group")
def _() -> Iterator[Pair]:
    with pytest.warns(sh.PriorWarning, match="the data do not tell sigma_alpha from sigma"):
        yield groups(range(N)), None


accepted(HEADING, "a grouping column that is a predictor too", lambda: groups(formula="y ~ x + g + (1 | g)"))
refused(
    HEADING,
    "new data with labels of another kind than in the fit",
    lambda: groups().design.encode({"x": [1], "g": ["0"]}),
)
refused(
    HEADING,
    "new data without the label of a group",
    lambda: groups().design.encode({"x": [1, 2], "g": [0, None]}),
)


# --- Rows, columns and their index
HEADING = "Rows, columns and their index"


@case(HEADING, "a dict of arrays, lists, Series or Index objects")
def _() -> Iterator[Pair]:
    for make in (np.asarray, list, tuple, pd.Series, pd.Index, pd.array):
        yield line(data={"y": make(base()["y"].tolist()), "x": make(WHOLE.tolist())}), line()


refused(HEADING, "no data frame, no dict", lambda: line(data=[[1.0, 2.0]]))
refused(HEADING, "a path of a CSV file, or of another format that is not Parquet", lambda: line(data="rows.csv"))
refused(HEADING, "single values instead of columns", lambda: line(data={"y": base()["y"], "x": 1}))
refused(HEADING, "columns of different lengths", lambda: line(data={"y": np.zeros(N), "x": [1, 2, 3]}))
refused(
    HEADING,
    "Series with different row labels in a dict",
    lambda: line(data={"y": base()["y"], "x": base()["x"].sample(frac=1, random_state=1)}),
)
refused(HEADING, "a column of two dimensions", lambda: line(data={"y": np.zeros((N, 2)), "x": np.zeros(N)}))
refused(HEADING, "a column name that occurs twice", lambda: line(data=pd.DataFrame(np.eye(3), columns=["y", "x", "x"])))


@case(HEADING, "a column name that occurs twice, which the model does not use")
def _() -> Iterator[Pair]:
    data = base().set_axis(["y", "x", "kind", "kind", "g"], axis=1)
    yield line(data=data), line()
    model = groups()
    assert (sh.VaryingIntercept("y ~ x + (1 | g)", data).design.encode(data).X == model.design.X).all()
    yield sh.VaryingIntercept("y ~ x + (1 | g)", data), model


refused(
    HEADING,
    "column names of several levels",
    lambda: line(data=pd.DataFrame(np.eye(2), columns=pd.MultiIndex.from_tuples([("y", "a"), ("x", "b")]))),
)
refused(HEADING, "a column that is not there", lambda: line("y ~ w"))
refused(HEADING, "no rows", lambda: line(data=base().iloc[:0]))
OWN = {"alpha": sh.Normal(0, 1), "beta": sh.Normal(0, 1), "sigma": sh.Exponential(1)}
refused(HEADING, "one row, with default priors", lambda: line(data=base().iloc[:1]))


@case(HEADING, "one row, with priors of your own")
def _() -> Iterator[Pair]:
    yield line(data=base().iloc[:1], priors=OWN), None
    own = {"mu_alpha": sh.Normal(0, 1), "sigma_alpha": sh.Exponential(1), "sigma": sh.Exponential(1)}
    yield sh.VaryingIntercept("y ~ (1 | g)", base().iloc[:1], priors=own), None


MANY = "y ~ x + n + I(x**2) + I(n**2) + x:n + I(x**3)"
accepted(HEADING, "more predictors than rows", lambda: line(MANY, data=base().iloc[:4]))
refused(
    HEADING,
    "more predictors than rows, with flat priors",
    lambda: line(MANY, data=base().iloc[:4], priors=FLAT),
)
refused(HEADING, "a constant predictor", lambda: line(x=3))
accepted(HEADING, "a constant predictor with a prior of its own", lambda: line(x=3, priors={"beta": sh.Normal(0, 1)}))
refused(HEADING, "a constant response", lambda: line(y=3.0))
accepted(HEADING, "collinear predictors", lambda: line("y ~ x + w", w=2 * WHOLE - 1))
refused(HEADING, "collinear predictors, with flat priors", lambda: line("y ~ x + w", w=2 * WHOLE - 1, priors=FLAT))


@case(HEADING, "predictors with correlation 1 - 1e-10")
def _() -> Iterator[Pair]:
    x, other = base()["n"] - base()["n"].mean(), np.random.default_rng(3).standard_normal(N)
    near = x / x.std() + 1.4e-5 * other / other.std()
    assert 1e-11 < 1 - np.corrcoef(x, near)[0, 1] < 1e-9
    yield line("y ~ x + w", x=x, w=near), None
    yield line("y ~ x + w", x=x, w=near, priors=FLAT), None


refused(HEADING, "a response that predictors reproduce exactly", lambda: line("y ~ x", y=2.0 * WHOLE + 1))


@case(HEADING, "any index: repeated, dates, several levels, missing")
def _() -> Iterator[Pair]:
    several = pd.MultiIndex.from_product([["a", "b"], range(6)])
    for index in ([0] * N, DATES, several, [np.nan] * N, list(range(N))[::-1], ODD * 3):
        yield line(data=base().set_axis(index, axis=0)), line()
        yield sh.VaryingIntercept("y ~ x + (1 | g)", base().set_axis(index, axis=0)), groups()


# --- Names
HEADING = "Names"


def renamed(name: str, formula: str) -> Any:
    """The model with another name for `x` as a predictor, or for `g` as a group."""
    kind = sh.VaryingIntercept if "|" in formula else sh.LinearRegression
    return kind(formula.format(name), base().rename(columns={"g" if "|" in formula else "x": name}))


@case(HEADING, "columns called `alpha`, `beta`, `sigma`, `mu_alpha`, `chain`, `draw`, `z`, `predictor` or `row`")
def _() -> Iterator[Pair]:
    for name in "alpha beta sigma mu_alpha sigma_alpha chain draw z predictor row X y_rep lp sample".split():
        yield renamed(name, "y ~ {}"), line()
        yield line(f"{name} ~ x", data=base().rename(columns={"y": name})), line()


@case(HEADING, "columns called like words of Stan or Python: `real`, `data`, `for`, `lambda`, `None`")
def _() -> Iterator[Pair]:
    for name in "real data int vector target for while lambda None True class import self print".split():
        yield renamed(name, "y ~ {}"), line()
        yield renamed(name, "y ~ x + (1 | {})"), groups()


@case(HEADING, "a column called like a Python keyword in a call, `log(lambda)`, with backticks or without")
def _() -> Iterator[Pair]:
    for name in ("lambda", "class", "yield", "True"):
        yield renamed(name, "y ~ log(`{}` + 1)"), line("y ~ log(x + 1)")
        if name != "True":
            yield renamed(name, f"y ~ C({name})"), line("y ~ C(x)")


@case(HEADING, "a name that differs from another in signs alone, ``center(`my col`)`` beside `my_col`")
def _() -> Iterator[Pair]:
    data = base().rename(columns={"x": "my col", "n": "my_col"})
    yield line("y ~ center(`my col`) + center(my_col)", data=data), line("y ~ center(x) + center(n)")


refused(HEADING, "a name with the character NUL", lambda: renamed("a\0b", "y ~ `{}`"))
refused(
    HEADING,
    "a name with blanks or dashes without backticks",
    lambda: line("y ~ body-mass", data=base().rename(columns={"x": "body-mass"})),
)


@case(HEADING, "names with blanks, quotes, bars, tildes, brackets or accents")
def _() -> Iterator[Pair]:
    for name in (
        "two words",
        "it's",
        'the "best"',
        "a|b",
        "a~b",
        "a(b",
        "a]b",
        "Größe",
        "日本",
        "a:b",
        "a+b",
        "1 a",
        "%",
        "😀",
    ):
        yield renamed(name, "y ~ `{}`"), line()
        yield renamed(name, "y ~ x + (1 | `{}`)"), groups()


@case(HEADING, "a grouping column called `chain`, `draw`, `beta`, `alpha` or `sigma`")
def _() -> Iterator[Pair]:
    for name in ("chain", "draw", "beta", "alpha", "sigma"):
        yield renamed(name, "y ~ x + (1 | {})"), groups()


refused(HEADING, "a predictor called `Intercept`", lambda: renamed("Intercept", "y ~ {}"))
refused(HEADING, "a predictor whose name is a number", lambda: renamed("1", "y ~ `{}`"))
refused(HEADING, "a name that is a function and a column of one formula", lambda: line("y ~ log + log(x)", log=1.0))
refused(HEADING, "a column and an interaction of the same name", lambda: line("y ~ `x:n` + x:n", **{"x:n": WHOLE}))
