"""Functions of the user's own in formulas."""

import numpy as np
import pandas as pd
import pytest
from formulaic.transforms import stateful_transform

import stanhier as sh

DATA = pd.DataFrame(
    {
        "y": np.r_[np.random.default_rng(1).standard_normal(30), 4.0],
        "x": np.linspace(1, 5, 31),
        "n": np.arange(31) % 4,
        "g": np.arange(31) % 5,
    }
)


def f(x, by=1.0):
    return np.sin(x) * by


@stateful_transform
def from_least(x, _state=None):
    return x - _state.setdefault("least", x.min())


def test_a_function_is_called_by_its_bare_name():
    model = sh.LinearRegression("f(y) ~ f(x, by=2) + n", DATA, context={"f": f})
    np.testing.assert_allclose(model.design.X[:, 0], 2 * np.sin(DATA["x"]))
    np.testing.assert_allclose(model.design.y, np.sin(DATA["y"]))
    assert model.design.predictors == ("f(x, by=2)", "n")
    assert not model.design.formula.is_row_by_row


def test_it_is_called_for_new_data_too():
    model = sh.VaryingIntercept("y ~ f(x) + from_least(n) + (1 | g)", DATA, context={"f": f, "from_least": from_least})
    new = model.design.encode({"x": [2.0], "n": [7], "g": [1]})
    np.testing.assert_allclose(new.X, [[np.sin(2.0), 7 - DATA["n"].min()]])


def test_without_it_the_closed_list_stands():
    with pytest.raises(sh.FormulaError, match=r"calls 'f'.*context=\{"):
        sh.LinearRegression("y ~ f(x)", DATA)
    with pytest.raises(sh.FormulaError, match="calls 'g'"):
        sh.LinearRegression("y ~ g(x)", DATA, context={"f": f})
    with pytest.raises(sh.FormulaError, match=r"takes the attribute .\.__globals__."):
        sh.LinearRegression("y ~ I(f.__globals__)", DATA, context={"f": f})
    with pytest.raises(sh.FormulaError, match=r"calls 'f.__call__'"):
        sh.LinearRegression("y ~ f.__call__(x)", DATA, context={"f": f})
    with pytest.raises(sh.DataError, match="no column 'f'"):
        sh.LinearRegression("y ~ I(f)", DATA, context={"f": f})


@pytest.mark.parametrize(
    ("context", "words"),
    [
        ([f], "must be a dict of functions, .*not list"),
        ({"f": 3}, "has 'f', which is no function but int"),
        ({"log": f}, "'log', which is a built-in function"),
        ({"sqrt": f}, "'sqrt', which is a built-in function"),
        ({"np": f}, "'np', which is a built-in function"),
        ({"Q": f}, "'Q', which is a built-in function"),
        ({"two words": f}, "the name 'two words', which a formula cannot call"),
        ({"lambda": f}, "the name 'lambda'"),
        ({"__import__": f}, "the name '__import__'"),
        ({1: f}, "the name 1,"),
        ({"x": f, "f": f}, "Column 'x' has the name of a function in `context`"),
    ],
)
def test_names_and_values_are_checked(context, words):
    formula = "y ~ f(x)" if "x" not in context else "y ~ x(n) + f(n)"
    with pytest.raises(sh.StanhierError, match=words):
        sh.LinearRegression(formula, DATA, context=context)


@pytest.mark.parametrize("function", [lambda x: x - x.mean(), lambda x: x.rank(), lambda x: x.cumsum()])
def test_functions_that_look_at_other_rows_are_refused(function):
    for formula in ("y ~ f(x)", "f(y) ~ x"):
        with pytest.raises(sh.FormulaError, match=r"'f\(.\)' gives the same row another value.*stateful_transform"):
            sh.LinearRegression(formula, DATA, context={"f": function})


def test_what_a_function_raises_is_said():
    def broken(x):
        raise RuntimeError("no licence today")

    with pytest.raises(sh.FormulaError, match=r"f\(x\).*no licence today"):
        sh.LinearRegression("y ~ f(x)", DATA, context={"f": broken})


@pytest.mark.parametrize(
    ("function", "words"),
    [
        (lambda x: x + 1j, "real numbers; it became complex"),
        (lambda x: x.astype("datetime64[s]"), "cannot be evaluated"),
        (lambda x: x[:3], "not finite|cannot be evaluated|gives 3 rows"),
        (lambda x: x.to_numpy()[:3], "cannot be evaluated|gives 3 rows"),
        (lambda x: [x, x], "cannot be evaluated|real numbers"),
        (lambda _: None, "no values at all"),
        (lambda: 1, "cannot be evaluated"),
        (lambda x: x / 0, "not finite"),
    ],
)
def test_what_a_function_gives_must_be_numbers(function, words):
    with pytest.raises(sh.StanhierError, match=words):
        sh.LinearRegression("y ~ f(x)", DATA, context={"f": function})


def test_a_function_cannot_change_the_data():
    def vandal(x):
        values = x.to_numpy()
        values.flags.writeable = True
        values[:] = 1.0
        return x

    before = DATA.copy(deep=True)
    with pytest.raises(sh.DataError, match="constant"):
        sh.LinearRegression("y ~ f(x)", DATA, context={"f": vandal})
    pd.testing.assert_frame_equal(DATA, before)


def test_a_saved_fit_asks_for_the_functions(tmp_path):
    model = sh.VaryingIntercept("y ~ f(x) + (1 | g)", DATA, context={"f": f, "unused": from_least})
    fit = model.sample(chains=2, seed=0)
    path = tmp_path / "fit.nc"
    fit.save(path)
    with pytest.raises(sh.StanhierError, match=r'calls functions that a file cannot hold.*context=\{"f": f\}'):
        sh.load(path)
    with pytest.raises(sh.StanhierError, match="give other values than those that the fit was made with"):
        sh.load(path, context={"f": np.cos})
    with pytest.raises(sh.StanhierError, match="cannot be rebuilt with the functions in `context`: FormulaError"):
        sh.load(path, context={"f": lambda x: x - x.mean()})
    loaded = sh.load(path, context={"f": f})
    new = {"x": [2.5], "g": [3]}
    pd.testing.assert_frame_equal(loaded.predict(new), fit.predict(new))


def test_pooling_takes_them():
    keywords = {"chains": 2, "seed": 1}
    pooled = sh.pooling("y ~ f(x)", DATA, group="g", context={"f": f}, **keywords)
    assert all("f(x)" in fit.model.design.predictors for fit in pooled.fits.values())
