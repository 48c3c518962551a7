"""Bases that the values of a column do not determine are refused; those that they do are not."""

import numpy as np
import pandas as pd
import pytest

import stanhier as sh


@pytest.fixture(scope="module")
def data():
    rng = np.random.default_rng(4)
    k = np.arange(60) % 5
    columns = {"y": rng.standard_normal(60), "x": rng.standard_normal(60), "k": k, "my k": k, "few": k % 4}
    return pd.DataFrame(columns | {"near": k + 1e-13 * np.arange(60)})


@pytest.mark.parametrize(
    ("call", "words"),
    [
        ("poly(few, 10)", r"poly needs more than 10 different values of few; it has 4\. Give it a lower degree"),
        ("poly(k, 5)", r"poly needs more than 5 different values of k; it has 5\. .* or write C\(k\)"),
        ("poly(`my k`, degree=5)", "more than 5 different values of `my k`; it has 5"),
        ("poly(near, 5)", "more than 5 different values of near; it has 5"),
        ("poly(log(k + 1), 5)", r"more than 5 different values of log\(k \+ 1\); it has 5"),
        ("poly(center(k), 2 + 3)", r"more than 5 different values of center\(k\); it has 5"),
        ("scale(poly(k, 6)):x", "more than 6 different values of k; it has 5"),
        ("poly(x, 60)", "more than 60 different values of x; it has 60"),
        ("poly(x, 90)", "more than 90 different values of x; it has 60"),
        ("bs(k, df=5)", r"bs needs more than 5 different values of k; it has 5\. Give it a lower df"),
        ("bs(k, df=6, include_intercept=True)", "bs needs more than 5 different values of k"),
        ("bs(few, degree=4)", "bs needs more than 4 different values of few; it has 4"),
        ("bs(k, knots=[1, 2, 3])", "bs needs more than 6 different values of k; it has 5. Give it fewer knots"),
        ("cr(k, df=30)", "cr needs more than 29 different values of k; it has 5"),
        ("cs(k, df=6)", "cs needs more than 5 different values of k"),
        ("cc(k, df=30)", "cc needs more than 29 different values of k"),
        ("cr(k, df=5, constraints='center')", "cr needs more than 5 different values of k"),
        ("cr(k, knots=[1, 2, 3, 3.5])", "cr needs more than 5 different values of k; it has 5. Give it fewer knots"),
    ],
)
def test_more_columns_than_different_values_are_refused(data, call, words):
    with pytest.raises(sh.DataError, match=words):
        sh.LinearRegression(f"y ~ {call}", data)


@pytest.mark.versions
@pytest.mark.parametrize(
    ("call", "rank"),
    [
        ("poly(k, 4)", 5),
        ("poly(few, 3)", 4),
        ("poly(x, 10)", 11),
        ("poly(k, 6, raw=True)", 5),  # powers as they are: no rounding error is divided by
        ("bs(k, df=4)", 5),
        ("bs(k, df=5, include_intercept=True)", 5),
        ("bs(few, df=1, degree=1)", 2),
        ("cr(k, df=5)", 5),
        ("cr(k, df=4, constraints='center')", 5),
        ("cc(k, df=4)", 4),
        ("bs(k, knots=[1, 2], lower_bound=0, upper_bound=5)", 5),  # all of it stands in the formula
    ],
)
def test_as_many_columns_as_values_are_accepted(data, call, rank):
    X = sh.LinearRegression(f"y ~ {call}", data).design.X
    assert np.linalg.matrix_rank(np.column_stack([np.ones(60), X])) == rank


def test_new_data_may_have_fewer_values(data):
    design = sh.LinearRegression("y ~ poly(k, 4) + bs(x, df=4)", data).design
    np.testing.assert_allclose(design.encode(data.iloc[:1]).X, design.X[:1])


@pytest.mark.parametrize(
    ("call", "words"),
    [
        ("bs(few, knots=[100])", "the knot 100 lies outside the data, which go from 0 to 3"),
        ("bs(x, knots=[0, -50])", "the knot -50 lies outside the data"),
        ("bs(x, knots=[7], lower_bound=-6, upper_bound=6)", "the knot 7 lies outside .* or outside of lower_bound and"),
        ("bs(x, df=5, lower_bound=0)", r"lower_bound=0\)' begins at 0; \d+ of 60 rows lie beyond"),
        ("bs(x, df=5, upper_bound=0)", r"upper_bound=0\)' ends at 0; \d+ of 60 rows lie beyond"),
    ],
)
def test_knots_and_rows_outside_are_named(data, call, words):
    with pytest.raises(sh.DataError, match=words):
        sh.LinearRegression(f"y ~ {call}", data)


def test_knots_between_the_bounds_are_accepted(data):
    formula = "y ~ bs(x, knots=[0, 3.5], lower_bound=-6, upper_bound=6)"
    assert sh.LinearRegression(formula, data, priors={"beta": sh.Normal(0, 1)}).design.X.shape == (60, 5)


def test_the_value_that_is_named_is_not_finite(data):
    with pytest.raises(sh.DataError, match=r"not finite in 24 rows, the first is row 3 \(value inf\)"):
        sh.LinearRegression("y ~ exp(k * 250)", data)
