"""Flat priors on standard deviations are refused where the density of the data falls too slowly with them."""

import numpy as np
import pandas as pd
import polars as pl
import pytest

import stanhier as sh
from tests.tools.fake_fit import fake_fit

FLAT = {name: sh.Flat() for name in ("alpha", "beta", "sigma", "sd")}


def rows(n_groups=3, n=60, seed=0):
    rng = np.random.default_rng(seed)
    g = np.arange(n) % n_groups
    u, v = rng.standard_normal((2, n_groups))[:, g]
    x = rng.standard_normal(n) + 1e5
    h = rng.integers(0, 11, n)
    columns = {"x": x, "u": u, "v": v, "xu": x * u, "g": g, "h": h, "name": np.array(list("abcdefgh"))[g]}
    return pd.DataFrame({"y": rng.standard_normal(n) + g, "count": rng.poisson(3, n), **columns})


def power(data, fixed, z):
    """By which power of a standard deviation the density falls: a rank of whole rows, location taken away."""
    fixed, z = np.column_stack(fixed), np.column_stack(z)
    both = np.column_stack([fixed, z])
    rank = lambda columns: np.linalg.matrix_rank(columns / np.linalg.norm(columns, axis=0), tol=1e-9)  # noqa: E731
    return rank(both) - rank(fixed)


def indicators(data, factor="g", column=1.0):
    return [(data[factor] == level) * column for level in data[factor].unique()]


ONE = np.ones(60)
CASES = {  # formula, number of groups, columns of the location, the column of the effect
    "one predictor of groups": ("y ~ u + (1 | g)", 3, lambda d: [ONE, d["u"]], lambda _: 1.0),
    "one predictor of four groups": ("y ~ u + (1 | g)", 4, lambda d: [ONE, d["u"]], lambda _: 1.0),
    "two of four groups": ("y ~ u + v + (1 | g)", 4, lambda d: [ONE, d["u"], d["v"]], lambda _: 1.0),
    "two of five groups": ("y ~ u + v + (1 | g)", 5, lambda d: [ONE, d["u"], d["v"]], lambda _: 1.0),
    "within groups": ("y ~ x + (1 | g)", 3, lambda d: [ONE, d["x"]], lambda _: 1.0),
    "the factor itself": ("y ~ name + (1 | g)", 6, lambda d: indicators(d), lambda _: 1.0),
    "slopes by a predictor of groups": (
        "y ~ x + xu + (0 + x | g)",
        3,
        lambda d: [ONE, d["x"] - d["x"].mean(), d["xu"]],
        lambda d: d["x"],
    ),
    "slopes alone": ("y ~ x + (0 + x | g)", 3, lambda d: [ONE, d["x"] - d["x"].mean()], lambda d: d["x"]),
    "no intercept": ("y ~ 0 + u + (1 | g)", 3, lambda d: [d["u"]], lambda _: 1.0),
    "of several factors": ("y ~ u + (1 | g) + (1 | h)", 3, lambda d: [ONE, d["u"]], lambda _: 1.0),
    "of several factors, four groups": ("y ~ u + (1 | g) + (1 | h)", 4, lambda d: [ONE, d["u"]], lambda _: 1.0),
}


@pytest.mark.parametrize("lazy", [False, True], ids=["memory", "blocks"])
@pytest.mark.parametrize("name", CASES)
def test_two_contrasts_must_be_left(name, lazy):
    formula, n_groups, location, effect = CASES[name]
    data = rows(n_groups)
    given = {name: prior for name, prior in FLAT.items() if name != "alpha" or "0 + u" not in formula}
    left = power(data, location(data), indicators(data, column=effect(data)))
    source = pl.DataFrame(data).lazy() if lazy else data
    if left >= 2:
        assert sh.Model(formula, source, priors=given).priors["sd"]["g"] == {
            effect: sh.Flat() for effect in (["x"] if "0 + x" in formula else ["Intercept"])
        }
    else:
        with pytest.raises(sh.PriorError, match=rf"A flat prior on sd_g\[.*of the {n_groups} groups of 'g'"):
            sh.Model(formula, source, priors=given)


def test_the_parameters_that_take_up_groups_are_named():
    words = r"flat priors on 'alpha', 'beta\[u\]' take up 2, and 2 must be left"
    with pytest.raises(sh.PriorError, match=words):
        sh.Model("y ~ x + u + (1 | g)", rows(), priors=FLAT)
    own = {"mu_alpha": sh.Flat(), "beta": sh.Flat(), "sigma_alpha": sh.Flat()}
    with pytest.raises(sh.PriorError, match=r"flat prior on sigma_alpha .*'mu_alpha', "):
        sh.VaryingIntercept("y ~ x + u + (1 | g)", rows(), priors=own)


@pytest.mark.parametrize("lazy", [False, True], ids=["memory", "blocks"])
def test_other_families_alike(lazy):
    data = pl.DataFrame(rows()).lazy() if lazy else rows()
    given = {name: sh.Flat() for name in ("alpha", "beta", "sd")}
    with pytest.raises(sh.PriorError, match="take up 2, and 2 must be left"):
        sh.Model("count ~ u + (1 | g)", data, family="poisson", priors=given)


@pytest.mark.parametrize("one", ["alpha", "beta", "sd"])
def test_one_proper_prior_is_enough(one):
    proper = sh.HalfNormal(1) if one == "sd" else sh.Normal(0, 1)
    sh.Model("y ~ u + (1 | g)", rows(), priors={**FLAT, one: proper})


@pytest.mark.parametrize("lazy", [False, True], ids=["memory", "blocks"])
def test_a_slope_that_one_group_tells_of(lazy):
    data = rows(4).assign(only=lambda d: d["x"].where(d["g"] == 1, 0.0))
    source = pl.DataFrame(data).lazy() if lazy else data
    words = r"flat prior on sd_g\[only\] .*of the 1 groups of 'g' that tell of it 2 must be left"
    with pytest.raises(sh.PriorError, match=words):
        sh.Model("y ~ 1 + (0 + only | g)", source, priors={"sd": sh.Flat()})
    sh.Model("y ~ 1 + (0 + only | g)", source, priors={"sd": sh.HalfNormal(1)})


@pytest.mark.parametrize(("formula", "k"), [("y ~ x + (1 | g)", 2), ("y ~ u + (1 | g)", 4)])
def test_folds_that_leave_too_few_groups_are_refused(formula, k):
    """Before anything is sampled, instead of numbers from chains that run away."""
    fit = fake_fit(sh.Model(formula, rows(4).assign(x=lambda d: d["x"] - 1e5), priors=FLAT))
    words = r"Without \d+ of its 60 rows the model has no posterior\. A flat prior on sd_g\[Intercept\] .* [23] groups"
    with pytest.raises(sh.PriorError, match=words):
        fit.kfold(by="g", k=k, seed=1)
