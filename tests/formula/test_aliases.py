import numpy as np
import pandas as pd
import polars as pl
import pytest

import stanhier as sh
from stanhier.formula.aliases import alias_of, shown, with_aliases

NAMES = ["my col", "class", "None", "1B", "x²", "it's", "a`b"[:1] + ":b", "µ", "naïve x", "🙂"]


@pytest.mark.parametrize("name", NAMES)
def test_every_name_has_an_alias_that_python_reads_and_that_can_be_undone(name):
    alias = alias_of(name)
    assert alias.isidentifier()
    assert alias.isascii()
    assert shown(f"log({alias})[1]") == f"log(`{name}`)[1]"


@pytest.mark.parametrize("name", ["x", "my_col", "größe", "Intercept", "print"])
def test_names_that_python_reads_stay(name):
    assert alias_of(name) == name


@pytest.mark.parametrize(
    ("expression", "read"),
    [
        ("C(class)", "C(`class`)"),
        ("log( lambda )", "log( `lambda` )"),
        ("I(x == yield)", "I(x == `yield`)"),
        ("poly(from, 2)", "poly(`from`, 2)"),
        ("C(t, Treatment('class'))", "C(t, Treatment('class'))"),
        ("I(x if x else 1)", "I(x if x else 1)"),
        ("I(lambda: 1)", "I(lambda: 1)"),
        ("f(x, in=2)", "f(x, in=2)"),
        ("I(x is None)", "I(x is None)"),
        ("I(None)", "I(None)"),
    ],
)
def test_keywords_are_columns_where_only_a_value_can_stand(expression, read):
    assert shown(with_aliases(expression)) == read


def test_aliases_are_made_once():
    once = with_aliases("log(`my col`) + C(class)")
    assert with_aliases(once) == once


@pytest.mark.parametrize("text", ["log(`x)", "log(``)"])
def test_backticks_need_a_name_and_an_end(text):
    with pytest.raises(ValueError, match=r"never closed|empty"):
        with_aliases(text)


def odd(n=40):
    rng = np.random.default_rng(4)
    columns = {name: 1 + rng.random(n) for name in ["y", "my col", "class", "lambda", "µ", "a:b", "my_col"]}
    return pd.DataFrame(columns | {"g": np.arange(n) % 4, "my_col": 5 + columns["my_col"]})


FORMULA = "`a:b` ~ log(lambda) + center(`my col`) + center(my_col) + scale(`my col`):class + log(µ) + (1 | g)"


def test_what_a_call_learns_of_a_quoted_column_is_found_again_beside_its_namesake():
    data = odd()
    model = sh.VaryingIntercept(FORMULA, data)
    np.testing.assert_allclose(model.design.encode(data.iloc[:5]).X, model.design.X[:5], rtol=1e-12)
    one = model.design.encode(data.iloc[[0]]).X[0]
    np.testing.assert_allclose(one[1:3], data[["my col", "my_col"]].iloc[0] - data[["my col", "my_col"]].mean())
    assert model.design.predictors[:3] == ("log(`lambda`)", "center(`my col`)", "center(my_col)")
    assert model.design.formula.response == "a:b"


def test_calls_in_braces_are_read_alike():
    data = odd()
    braced = sh.LinearRegression("y ~ {center(`my col`)} + my_col + {log(class) + `a:b`}", data)
    plain = sh.LinearRegression("y ~ center(`my col`) + my_col + I(log(class) + `a:b`)", data)
    np.testing.assert_array_equal(braced.design.X, plain.design.X)
    np.testing.assert_array_equal(braced.design.encode(data.iloc[:3]).X, plain.design.X[:3])
    assert braced.design.predictors == ("center(`my col`)", "my_col", "log(`class`) + `a:b`")


def test_the_global_random_numbers_are_left_alone():
    np.random.seed(1)
    before = np.random.get_state()[1].copy()
    sh.VaryingIntercept(FORMULA, odd())
    assert (np.random.get_state()[1] == before).all()


def test_rows_that_are_not_in_memory_are_encoded_alike():
    data = odd()
    here, there = (sh.VaryingIntercept(FORMULA, rows) for rows in (data, pl.from_pandas(data).lazy()))
    assert here.design.predictors == there.design.predictors
    np.testing.assert_allclose(here.engine.compressed.mean, there.engine.compressed.mean, atol=1e-12)
    new = data.iloc[:3]
    np.testing.assert_allclose(here.design.encode(new).X, there.design.encode(new).X, atol=1e-12)


def test_a_name_that_is_kept_is_refused():
    with pytest.raises(sh.FormulaError, match="which is kept; rename the column"):
        sh.LinearRegression("y ~ log(_quoted_61_)", {"y": [1.0, 2.0], "_quoted_61_": [1.0, 2.0]})
