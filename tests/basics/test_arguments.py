"""Arguments that a function does not have are refused in words that say what it takes."""

import inspect

import numpy as np
import pandas as pd
import pytest

import stanhier as sh
from stanhier.model import Model

DATA = pd.DataFrame({"y": np.arange(9.0) % 4, "x": np.arange(9.0), "t": list("abc") * 3, "g": list("abc") * 3})

WRONG = {
    "has no keyword 'prior'. Did you mean 'priors'?": lambda: sh.LinearRegression("y ~ x", DATA, prior={}),
    "has no keyword 'dat'. Did you mean 'data'?": lambda: sh.LinearRegression(formula="y ~ x", dat=DATA),
    "has no keyword 'xyz'. It takes: formula, data, family, priors, sigma, se, weights, trials, offset, missing, "
    "context.": lambda: sh.LinearRegression("y ~ x", DATA, xyz=1),
    "are Gaussian; use Model(..., family=...).": lambda: sh.LinearRegression("y ~ x", DATA, family="poisson"),
    'missing="drop" leaves out rows with missing values.': lambda: sh.LinearRegression("y ~ x", DATA, dropna=True),
    "VaryingIntercept() has no keyword 'groups'. The groups are a term": lambda: sh.VaryingIntercept(
        "y ~ x", DATA, groups="g"
    ),
    "That is one of sample(): model.sample(seed=...)": lambda: sh.LinearRegression("y ~ x", DATA, seed=1),
    "LinearRegression() got 'data' twice": lambda: sh.LinearRegression("y ~ x", DATA, data=DATA),
    "LinearRegression() takes formula and data by their places": lambda: sh.LinearRegression("y ~ x", DATA, {}),
    "LinearRegression() needs 'data'.": lambda: sh.LinearRegression("y ~ x"),
    "pooling() needs 'data', and has no keyword 'dat'.": lambda: sh.pooling("y ~ x", dat=DATA, group="g"),
    "LinearRegression() needs 'formula'.": lambda: sh.LinearRegression(),
    "LinearRegression() takes the formula first and then the data": lambda: sh.LinearRegression(DATA, "y ~ x"),
    "pooling() has no keyword 'groups'. Did you mean 'group'?": lambda: sh.pooling("y ~ x", DATA, groups="g"),
    "pooling() has no keyword 'prior'. Did you mean 'priors'?": lambda: sh.pooling("y ~ x", DATA, group="g", prior={}),
    "pooling() takes formula and data by their places": lambda: sh.pooling("y ~ x", DATA, "g"),
    "fit_many() has no keyword 'foldr'. Did you mean 'folder'?": lambda: sh.fit_many({}, foldr="x"),
    "fit_many() takes models and data by their places": lambda: sh.fit_many("y ~ x", DATA, "g"),
    "fit_many() takes `data` with a formula alone": lambda: sh.fit_many({}, "folder"),
    "load() has no keyword 'contexts'. Did you mean 'context'?": lambda: sh.load("fit.nc", contexts={}),
    "load() needs 'path'.": lambda: sh.load(),
    "`context` must be a dict of functions": lambda: sh.LinearRegression("y ~ x", DATA, context=np.sin),
    "`context` has the name 1,": lambda: sh.LinearRegression("y ~ x", DATA, context={1: np.sin}),
    "'x' is a predictor, so give priors={'beta': {'x': ...}}": lambda: sh.LinearRegression(
        "y ~ x", DATA, priors={"x": sh.Normal(0, 1)}
    ),
    "'t[T.b]' is a predictor, so give": lambda: sh.LinearRegression("y ~ t", DATA, priors={"t": sh.Normal(0, 1)}),
    "'Intercept', but there is no such parameter. Here that is 'mu_alpha'": lambda: sh.VaryingIntercept(
        "y ~ x + (1 | g)", DATA, priors={"Intercept": sh.Normal(0, 1)}
    ),
    "Here that is 'sigma_alpha' (": lambda: sh.VaryingIntercept(
        "y ~ x + (1 | g)", DATA, priors={"sd": sh.HalfNormal(1)}
    ),
    "Its groups vary by 'sigma_alpha'": lambda: sh.VaryingIntercept(
        "y ~ x + (1 | g)", DATA, priors={"g": sh.HalfNormal(1)}
    ),
    "Did you mean 'sigma'?": lambda: sh.LinearRegression("y ~ x", DATA, priors={"sigm": sh.HalfNormal(1)}),
    "`priors` has 3, but": lambda: sh.LinearRegression("y ~ x", DATA, priors={3: sh.HalfNormal(1)}),
    "The intercept is 'alpha': priors={'alpha': ...}": lambda: sh.LinearRegression(
        "y ~ x", DATA, priors={"beta": {"Intercept": sh.Normal(0, 1)}}
    ),
    "'t' has 2 columns there, and each takes a prior of its own: 't[T.b]', 't[T.c]'.": lambda: sh.LinearRegression(
        "y ~ t", DATA, priors={"beta": {"t": sh.Normal(0, 1)}}
    ),
}


@pytest.mark.parametrize("words", WRONG)
def test_the_words(words):
    with pytest.raises(sh.StanhierError) as refused:
        WRONG[words]()
    assert words in str(refused.value)
    assert refused.value.__context__ is None or refused.value.__suppress_context__, "one traceback for one error"


def test_a_class_of_the_users_own_is_named():
    class Mine(sh.LinearRegression):
        pass

    with pytest.raises(sh.StanhierError, match=r"^Mine\(\) has no keyword 'prior'"):
        Mine("y ~ x", DATA, prior={})


def test_long_lists_and_names_are_cut_short():
    wide = pd.DataFrame(np.random.default_rng(0).normal(size=(60, 50)), columns=[f"c{k}" for k in range(50)])
    formula = f"c0 ~ {' + '.join(wide.columns[1:])}"
    with pytest.raises(sh.PriorError) as refused:
        sh.LinearRegression(formula, wide, priors={"beta": {"w" * 10_000: sh.Normal(0, 1)}})
    assert len(str(refused.value)) < 500
    assert "and 29 more" in str(refused.value)


@pytest.mark.parametrize("function", [Model.__init__, sh.pooling, sh.fit_many, sh.load], ids=lambda f: f.__qualname__)
def test_the_signature_stays_what_it_is(function):
    names = inspect.signature(function).parameters
    assert not {"args", "unknown"} & set(names)
    assert all(p.annotation is not p.empty for p in names.values() if p.name != "self")
