"""What people bring from R, brms, Bambi, statsmodels and patsy is refused with our spelling."""

import numpy as np
import pandas as pd
import polars as pl
import pytest

import stanhier as sh
from stanhier.formula.allowed import FUNCTIONS
from stanhier.formula.elementary import ELEMENTARY
from stanhier.formula.habits import advice_for_call


@pytest.fixture(scope="module")
def data():
    rng = np.random.default_rng(2)
    columns = {name: 1 + rng.random(40) for name in ["y", "x", "z", "body-mass", "my col", "Sepal.Width", "Days"]}
    return pd.DataFrame(columns | {"t": list("abcd") * 10, "g": np.arange(40) % 5})


@pytest.mark.parametrize(
    ("formula", "words"),
    [
        ("y ~ x < 1", r"write I\(x < 1\)"),
        ("y ~ x + (z >= 1)", r"write I\(x < 1\)"),
        ("y ~ x == z", r"I\(x == z\)"),
        ("y ~ x != z", r"I\(x == z\)"),
        ("y ~ x \u2264 z", r"write I\(x < 1\)"),
        ("y ~ x \u2212 z", r"'-' of the keyboard; a difference of columns is I\(a - b\)"),
        ("y ~ x \u2013 z", "'-' of the keyboard"),
        ("y ~ x \u00d7 z", "n interaction is a:b"),
        ("y ~ \u201cx\u201d", "ext between quotation marks is no column.*`my column`"),
        ("y ~ poly(x, True)", "gives poly True for 'degree', which must be a whole number"),
        ("y ~ bs(x, df=True)", "gives bs True for 'df', which must be a whole number"),
        ("y ~ cr(x, df=2)", "gives cr 2 for 'df', which must be at least 3"),
        ("y ~ cs(x, df=1, constraints='center')", "gives cs 1 for 'df', which must be at least 2"),
        ("y ~ np.where(x > 0, 'a', 'b')", r"gives text; write C\(...\) around it"),
        ("y ~ C(g, levels=[0, 1])", "not among the levels that C.* is given: 2, 3, 4; give it all levels"),
        ("y ~ my col", "two names stand side by side.*`my column`"),
        ("my col ~ x", "`my column`"),
        ("y ~ log(my col)", "`my column`"),
        ("y ~ body-mass", r"`body-mass`"),
        ("y ~ x + body-mass", r"`body-mass`"),
        ("body-mass ~ x", r"`body-mass`"),
        ("y ~ I(body-mass)", r"no column 'body'.*Write `body-mass` in backticks"),
        ("y ~ `x` + log(body-mass)", "Write `body-mass` in backticks"),
        ("y ~ 'my col'", "text between quotation marks is no column.*`my column`"),
        ('y ~ Q("my col")', "quoting is done with backticks"),
        ("y ~ log(Sepal.Width)", "`Sepal.Width`"),
        ("y ~ days", "Did you mean 'Days'"),
        ("y | se(x) ~ 1 + (1 | g)", 'se="column"'),
        ("y | weights(x) ~ z", 'precisions of Gaussian responses: weights="column", and the response stands alone'),
        ("y | cens(z) ~ x", "the response stands alone"),
        ("y ~ x + 1 | g", r"\(1 \| g\)"),
        ("y ~ x | g", r"\(1 \| g\)"),
        ("(1 | g) ~ x", "belongs to the right of '~'"),
        ("y ~ I(x^2)", r"x\*\*2"),
        ("y ~ I(x^2 + z)", r"x\*\*2"),
        ("y ~ x^2", r"I\(x\*\*2\)"),
        ("y ~ factor(t)", r"write C\(x\)"),
        ("y ~ as.factor(t)", r"write C\(x\)"),
        ("y ~ C(t, Sum)", r"C\(x, Sum\(\)\)"),
        ("y ~ C(t, contr.sum)", r"C\(x, Sum\(\)\)"),
        ("y ~ C(t, contr.helmert)", r"C\(x, Helmert\(\)\)"),
        ("y ~ C(t, Treatment)", r"Treatment\(.a.\)"),
        ("y ~ C(t, x)", "its options are texts, numbers and codings"),
        ("y ~ s(x)", r"no penalised smooths.*bs\(x, df=5\)"),
        ("y ~ ns(x, 3)", r"cr\(x, df=4\)"),
        ("y ~ gp(x)", "Gaussian processes"),
        ("y ~ math.log1p(x)", r"write log1p\("),
        ("numpy.sqrt(y) ~ x", r"write sqrt\("),
        ("y ~ fabs(x)", r"write abs\(x\)"),
        ("y ~ asinh(x)", r"write arcsinh\(x\)"),
        ("y ~ ln(x)", r"write log\(x\)"),
        ("y ~ sqrt(x, z)", "gives sqrt other than 1 argument"),
        ("y ~ maximum(x)", "gives maximum other than 2 arguments"),
        ("y ~ log(x, 10)", r"log\(x\) / log\(10\)"),
        ("y ~ log(x, z)", r"log\(x\) / log\(10\)"),
        ("y ~ np.maximum(x, z, z)", "other than 2 arguments"),
        ("y ~ exp(x, out=z)", "other than 1 argument"),
        ("y ~ center(x, _state=z)", "not for formulas"),
        ("y ~ np.mean(x)", "of numpy there are"),
        ("y ~ mean(x)", r"write center\(x\)"),
        ("y ~ offset(x)", r"beside the formula: offset=.log_days., a column that new data have too"),
        ("y ~ mo(t)", "no counterpart"),
        ("cbind(y, z) ~ x", r"one response.*family=.binomial. and trials=.column."),
        ("p(y, z) ~ x", "successes out of trials"),
        ("y ~ poly(x, 2, raw=TRUE)", "write True"),
        ("y ~ scale(x, center=FALSE)", "write False"),
        ("y ~ bs(x, knots=c(1, 2))", r"a list is written \[1, 2\]"),
        ("y ~ poly(x, 2.5)", "must be a whole number"),
        ("y ~ x, z", r"added with '\+'"),
        ("y ~ data$x", r"data\$x is x"),
        ("y ~ x & z", "a:b"),
        ("y ~ x %*% z", "a %in% b alone"),
        ("y ~ 2*x", r"I\(2 \* x\)"),
        ("y ~ x - z", r"I\(a - b\)"),
        ("y ~ -x", "not there"),
        ("y - z ~ x", r"I\(a - b\)"),
        ("y ~ x + `my col", "never closed"),
        ("y ~ relevel(t, ref='b')", "Treatment"),
    ],
)
def test_our_spelling_is_said(formula, words, data):
    with pytest.raises(sh.StanhierError, match=words) as refusal:
        sh.LinearRegression(formula, data)
    assert refusal.value.__suppress_context__ or refusal.value.__context__ is None, "two tracebacks for one error"


@pytest.mark.parametrize("formula", ["y ~ x - 1", "y ~ 0 + x - 1", "y ~ x*z - x:z", "y ~ x + z - z", "y ~ -1 + x"])
def test_terms_that_are_there_can_be_taken_away(formula, data):
    assert sh.LinearRegression(formula, data).design.predictors


def test_advice_is_given_for_nothing_that_formulas_have():
    assert not [name for name in (*FUNCTIONS, *ELEMENTARY) if advice_for_call(name)]
    for name in ELEMENTARY:
        assert f"write {name}(" in str(advice_for_call(f"numpy.{name}"))


def test_names_are_looked_up_where_rows_are_not_in_memory(data):
    lazy = pl.from_pandas(data).lazy()
    with pytest.raises(sh.DataError, match=r"no column 'body'.*Write `body-mass` in backticks"):
        sh.LinearRegression("y ~ I(body-mass)", lazy)


class TestSplinesBeyondTheData:
    def test_the_row_is_named(self, data):
        design = sh.LinearRegression("y ~ bs(x, df=4) + bs(z, df=4)", data).design
        new = data.iloc[:4].assign(z=[1.5, 1.5, 900.0, -900.0])
        with pytest.raises(sh.DataError, match=r"'bs\(z, df=4\)' goes from .* 2 of 4 rows .* row 2 \(value 900\)"):
            design.encode(new)

    def test_quoted_names_and_calculations(self, data):
        design = sh.LinearRegression("y ~ bs(log(`my col`), df=4)", data).design
        with pytest.raises(sh.DataError, match=r"'bs\(log\(`my col`\), df=4\)' goes from .* row 0 \(value 6.9"):
            design.encode({"my col": [1000.0]})

    @pytest.mark.parametrize("how", ["extend", "clip"])
    def test_the_remedy_works(self, how, data):
        design = sh.LinearRegression(f"y ~ bs(x, df=4, extrapolation='{how}')", data).design
        assert np.isfinite(design.encode({"x": [-3.0, 1000.0]}).X).all()

    def test_ends_that_the_formula_says(self, data):
        with pytest.raises(sh.DataError, match=r"goes from 0 to 1; 40 of 40 rows lie beyond, the first is row 0"):
            sh.LinearRegression("y ~ bs(x, knots=[0.5], lower_bound=0, upper_bound=1)", data)

    def test_natural_splines_go_on_unless_told_otherwise(self, data):
        assert np.isfinite(sh.LinearRegression("y ~ cr(x, df=4)", data).design.encode({"x": [900.0]}).X).all()
        design = sh.LinearRegression("y ~ cr(x, df=4, extrapolation='raise')", data).design
        with pytest.raises(sh.DataError, match="row 0"):
            design.encode({"x": [900.0]})

    def test_blocks_have_no_rows_that_anybody_knows(self, data):
        lazy = pl.from_pandas(data).lazy()
        with pytest.raises(sh.DataError, match=r"rows of a block lie beyond, such as 1\."):
            sh.LinearRegression("y ~ bs(x, knots=[0.5], lower_bound=0, upper_bound=1)", lazy)
