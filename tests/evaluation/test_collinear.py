"""Predictors that are nearly combinations of each other are named, and others are not."""

import re

import numpy as np
import pandas as pd
import polars as pl
import pytest

import stanhier as sh
from stanhier.evaluation.checks.collinear import STRONG, collinear_notes
from tests.tools import variants
from tests.tools.fake_fit import fake_fit

N = 60


def columns(seed=1):
    """Standardised columns a, b, c, which are orthogonal, and y."""
    rng = np.random.default_rng(seed)
    q = np.linalg.qr(np.column_stack([np.ones(N), rng.standard_normal((N, 3))]))[0][:, 1:] * np.sqrt(N - 1)
    return pd.DataFrame({"a": q[:, 0], "b": q[:, 1], "c": q[:, 2], "y": rng.standard_normal(N)})


def with_correlation(r, **scales):
    data = columns()
    return data.assign(d=7 + 1e3 * (r * data["a"] + np.sqrt(1 - r**2) * data["b"]))


def note_of(formula, data, **more):
    notes, lack = collinear_notes(sh.Model(formula, data, **more))
    assert lack is None
    return notes


@pytest.mark.parametrize("index", [2, 29.9, 30.1, 300])
def test_two_columns_have_the_index_of_their_correlation(index):
    r = (index**2 - 1) / (index**2 + 1)
    notes = note_of("y ~ a + d + c", with_correlation(r))
    assert len(notes) == (index > STRONG)
    for note in notes:
        assert note.startswith("the predictors 'a', 'd' are nearly combinations of each other (condition index")
        assert int(re.search(r"index (\d+)", note)[1]) == round(index)


def test_three_columns_of_which_no_two_are_alike():
    data = columns().assign(d=lambda one: one["a"] + one["b"] + 0.001 * one["c"])
    (note,) = note_of("y ~ a + b + d", data)
    assert note.startswith("the predictors 'a', 'b', 'd' are nearly")
    assert note_of("y ~ a + b", data) == []
    assert note_of("y ~ a", data) == []


def test_exact_combinations_under_proper_priors():
    data = columns().assign(d=lambda one: 2 * one["a"] - 3)
    found = fake_fit(sh.LinearRegression("y ~ a + c + d", data)).check()
    (note,) = [one for one in found.notes if "combinations" in one]
    assert note.startswith("the predictors 'a', 'd' are combinations of each other: the data say little")
    assert found.ok
    (few,) = note_of("y ~ a + b + c", columns().iloc[:3])
    assert "more columns than rows tell apart" in few


def test_a_constant_is_no_combination():
    assert note_of("y ~ a + d", columns().assign(d=1.0), priors={"beta": sh.Normal(0, 1)}) == []


def test_powers_of_a_year_and_what_is_said_of_them():
    data = columns().assign(year=2000 + np.arange(N) % 20)
    (note,) = note_of("y ~ year + I(year**2)", data)
    assert "the predictors 'year', 'I(year ** 2)' are nearly" in note
    assert "poly(x, 2)" in note
    assert note_of("y ~ poly(year, 2)", data) == []
    assert note_of("y ~ bs(year, df=5)", data) == []


@pytest.mark.parametrize("family", ["gaussian", "bernoulli"])
def test_rows_elsewhere_and_other_families(family):
    data = with_correlation(0.9999).assign(y=lambda one: one["y"] > 0 if family == "bernoulli" else one["y"])
    notes = note_of("y ~ a + d + (1 | g)", data.assign(g=np.arange(N) % 5), family=family)
    rows = pl.from_pandas(data.assign(g=np.arange(N) % 5)).lazy()
    assert note_of("y ~ a + d + (1 | g)", rows, family=family) == notes
    assert len(notes) == 1


def test_weighted_rows_elsewhere_are_not_looked_at():
    rows = pl.from_pandas(variants.weighted()).lazy()
    notes, lack = collinear_notes(sh.LinearRegression("y ~ x + z", rows, weights="w"))
    assert notes == []
    assert "collinear predictors, of rows that are not in memory and have weights" in lack


@pytest.mark.parametrize("noise", [{"se": "w"}, {"weights": "w"}])
@pytest.mark.parametrize("formula", ["y ~ a + d", "y ~ a + d + (1 | g)", "y ~ a + d + (1 + a | g)"])
def test_weighted_rows_in_memory_are_looked_at(noise, formula):
    data = with_correlation(0.9999).assign(g=np.arange(N) % 5, w=1 + np.arange(N) % 7)
    (note,) = note_of(formula, data, **noise)
    assert note.startswith("the predictors 'a', 'd' are nearly combinations")
