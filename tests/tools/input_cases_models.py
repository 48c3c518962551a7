"""The rows of stanhier/input.md about formulas, priors and keywords."""

from collections.abc import Iterator
from functools import partial

import numpy as np
import pytest

import stanhier as sh
from tests.tools.fake_fit import fake_fit
from tests.tools.input_cases import FEW, FLAGS, FLAT, Pair, base, case, groups, line, refused

# --- Formulas
HEADING = "Formulas"


@case(
    HEADING,
    "columns, `log(x)`, `np.sqrt(x)`, `center(x)`, `C(x)`, `I(x**2)`, `x:n`, `x*n`, `poly(x, 2)`, `bs(x, df=4)`",
)
def _() -> Iterator[Pair]:
    for term in "n log(n) np.sqrt(x) center(x) C(x) I(x**2) x:n x*n poly(x,2) bs(n,df=4) scale(x)".split():
        yield line(f"y ~ {term}"), None
        yield groups(formula=f"y ~ {term} + (1 | g)"), None


@case(HEADING, 'a function of your own, with `context={"f": f}`')
def _() -> Iterator[Pair]:
    yield line("y ~ f(x)", context={"f": np.sin}), line("y ~ np.sin(x)")


refused(HEADING, "a function of your own, without `context`", lambda: line("y ~ f(x)"))
refused(
    HEADING,
    "a function of your own that looks at other rows",
    lambda: line("y ~ f(x)", context={"f": lambda x: x - x.mean()}),
)
refused(HEADING, "a `context` that holds something else", lambda: line("y ~ f(x)", context={"f": 3}))


@case(HEADING, "any other Python: attributes, lambda, comprehensions, imports")
def _() -> Iterator[Pair]:
    for python in ("I(x.values)", "I(lambda: x)", "I([v for v in x])", "I(x if x else 1)", "I(f'{x}')", "open('x')"):
        with pytest.raises(sh.FormulaError, match="A formula may use columns, numbers, arithmetic"):
            line(f"y ~ {python}")
    yield line("y ~ __import__('os')"), None


refused(HEADING, "quotation marks or backslashes within text", lambda: line("""y ~ C(kind, Treatment("it's"))"""))
refused(HEADING, "something else than text", lambda: line(3))


@case(HEADING, "no `~`, or two")
def _() -> Iterator[Pair]:
    for formula in ("", "y", "y ~ x ~ n", "~ x"):
        with pytest.raises(sh.FormulaError, match="a formula has a response, one '~' and predictors"):
            line(formula)
    yield line("y ~"), None


refused(HEADING, "parentheses that do not match", lambda: line("y ~ (x + n"))
refused(HEADING, "an operator without a term", lambda: line("y ~ x +"))
refused(HEADING, "two responses", lambda: line("y + n ~ x"))
refused(HEADING, "the response among the predictors", lambda: line("y ~ x + y"))
refused(HEADING, "`.` for all other columns", lambda: line("y ~ ."))
refused(HEADING, "`x**2` for a square", lambda: line("y ~ x**2"))


@case(HEADING, "more than 100,000 characters, 300 different calls, or 50 parentheses within each other")
def _() -> Iterator[Pair]:
    for formula, words in {
        "y ~ " + " + ".join(f"I(x + {k})" for k in range(301)): "more than 300 different calls",
        "y ~ " + "(" * 51 + "x" + ")" * 51: "more than 50 deep",
        "y ~ I(" + "x + " * 300 + "x)": "of 1,204 characters is too long",
        "y ~ " + "x + " * 20_000 + "x": "more than 10,000 names and signs",
    }.items():
        with pytest.raises(sh.FormulaError, match=words):
            line(formula)
    yield line("y ~ " + "x" * 100_001), None


@case(HEADING, "`poly`, `bs`, `cc`, `cr` or `cs` with more than 100 columns, however that is written")
def _() -> Iterator[Pair]:
    for call in ("bs(x, df=50*50)", "cc(x, 101)", "cr(x, df=1e6)", "cs(x, df=---(-999))", "poly(x, I(1000000))"):
        with pytest.raises(sh.FormulaError, match="which is too many: at most 100"):
            line(f"y ~ {call}")
    for call in ("poly(x, n)", "poly(x, degree=np.exp2(20))", "bs(x, knots=n)"):
        with pytest.raises(sh.FormulaError, match=r"gives \w+ the column|must give poly a number"):
            line(f"y ~ {call}")
    yield line("y ~ poly(x, 99999 + 99999)"), None


refused(
    HEADING,
    "a basis of several columns in a calculation, `I(poly(x, 2) + x)`",
    lambda: line("y ~ I(poly(x, 2) + x)"),
)


@case(HEADING, "more than 800 columns from levels, bases and interactions")
def _() -> Iterator[Pair]:
    many = {"y": np.sin(np.arange(400)), "x": np.arange(400), "n": np.arange(400) / 7}
    for terms in ("C(x) * C(n)", "I(C(x)):I(C(n))", "C(x + 1):C(n)", "poly(x, 60):poly(n, 60)", "C(x):bs(n, df=9)"):
        with pytest.raises(sh.DataError, match="columns, and 800 are the most"):
            line(f"y ~ {terms}", data=many)
    yield line("y ~ C(x):C(n)", data=many), None


refused(HEADING, "`- w` for a term that is not there", lambda: line("y ~ x - n"))
refused(
    HEADING,
    "new data beyond the ends of `bs(x)`",
    lambda: line("y ~ bs(n, df=4)").design.encode({"n": [3, 1000]}),
)


@case(
    HEADING,
    'what is written otherwise in R, brms, Bambi or patsy: `factor(x)`, `I(x^2)`, `Q("my col")`, `y | se(x)`',
)
def _() -> Iterator[Pair]:
    for formula, words in {
        "y ~ factor(x)": r"write C\(x\)",
        "y ~ I(x^2)": r"write a square as x\*\*2",
        'y ~ Q("my col")': "backticks: `my column`",
        "y ~ my col": "backticks: `my column`",
        "y ~ s(x)": r"bs\(x, df=5\)",
        "y ~ sqrt(x)": r"write np\.sqrt",
        "y ~ C(x, Sum)": r"C\(x, Sum\(\)\)",
        "y ~ C(x, contr.helmert)": r"C\(x, Helmert\(\)\)",
        "y ~ offset(x)": "an offset is not supported yet",
        "y ~ x + 1 | g": r"within parentheses, as in \(1 \| g\)",
        "y ~ poly(x, 2, raw=TRUE)": "write True",
    }.items():
        with pytest.raises(sh.FormulaError, match=words):
            line(formula)
    yield line("y | se(x) ~ 1"), None


refused(
    HEADING,
    "interactions of more than 20,000 terms",
    lambda: line("y ~ (" + " + ".join(f"x{k}" for k in range(30)) + ")**9"),
)


@case(HEADING, "groups of a combination, `(1 | g:h)`, or crossed, `(1 | g + h)`")
def _() -> Iterator[Pair]:
    for factors, words in {
        "g + kind": "Crossed groups",
        "g * kind": "this is another model",
        "factor(g)": "Groups are the values of a column as they are",
        "my group": r"in backticks: \(1 \| `my group`\)",
    }.items():
        with pytest.raises(sh.FormulaError, match=words):
            groups(formula=f"y ~ (1 | {factors})")
    yield groups(formula="y ~ (1 | g:kind)"), None


refused(HEADING, "two grouping terms", lambda: groups(formula="y ~ (1 | g) + (1 | kind)"))
refused(HEADING, "slopes that vary, `(x | g)`", lambda: groups(formula="y ~ x + (x | g)"))
refused(HEADING, "nested groups, `(1 | g/h)`", lambda: groups(formula="y ~ (1 | g/kind)"))
refused(HEADING, "a grouping term in a linear regression", lambda: line("y ~ x + (1 | g)"))
refused(HEADING, "a varying intercept without a grouping term", lambda: groups(formula="y ~ x"))
refused(HEADING, "a varying intercept without an intercept", lambda: groups(formula="y ~ 0 + x + (1 | g)"))


# --- Priors
HEADING = "Priors"
refused(HEADING, "a prior of no parameter of the model", lambda: line(priors={"tau": sh.HalfNormal(1)}))
refused(HEADING, "a prior on the real line for a scale", lambda: line(priors={"sigma": sh.Normal(0, 1)}))
refused(HEADING, "a prior on (0, inf) for an intercept or slope", lambda: line(priors={"alpha": sh.HalfNormal(1)}))
refused(HEADING, "a number or text for a prior", lambda: line(priors={"beta": 3}))
refused(HEADING, "the class instead of a prior", lambda: line(priors={"alpha": sh.Normal}))
refused(HEADING, 'a predictor in the place of a parameter, `{"x": ...}`', lambda: line(priors={"x": sh.Normal(0, 1)}))


@case(HEADING, "names that other packages use: `Intercept`, `sd`, `tau`")
def _() -> Iterator[Pair]:
    for name in ("sd", "residual"):
        with pytest.raises(sh.PriorError, match="Here that is 'sigma'"):
            line(priors={name: sh.HalfNormal(1)})
    with pytest.raises(sh.PriorError, match="Here that is 'sigma_alpha'"):
        groups(priors={"tau": sh.HalfNormal(1)})
    yield line(priors={"Intercept": sh.Normal(0, 1)}), None


@case(
    HEADING,
    "a prior on `alpha` at x = 0, where a predictor lies more than 5 of its standard deviations from 0",
)
def _() -> Iterator[Pair]:
    with pytest.warns(sh.PriorWarning, match=r"'year' \(mean 2005\.5, sd 3\.61\).*centered=True"):
        yield line("y ~ year", year=range(2000, 2012), priors={"alpha": sh.Normal(0, 10)}), None


@case(HEADING, "the same, so wide that it makes no difference to the slope, or flat")
def _() -> Iterator[Pair]:
    for prior in (sh.Normal(0, 1e4), sh.Flat(), sh.Normal(0, 10, centered=True)):
        yield line("y ~ year", year=range(2000, 2012), priors={"alpha": prior}), None


refused(HEADING, "a slope that is no predictor", lambda: line(priors={"beta": {"w": sh.Normal(0, 1)}}))


@case(HEADING, "a scale that is 0, negative, infinite or no number")
def _() -> Iterator[Pair]:
    for scale in (0, -1, np.inf, np.nan, "1", True, None, 10**400, 1e-200):
        with pytest.raises(sh.PriorError, match=r"'sigma' (must be|is too far)"):
            sh.Normal(0, scale)
    yield sh.Normal(0, 0), None


refused(HEADING, "`priors` that is no dict", lambda: line(priors=[sh.Normal(0, 1)]))
refused(
    HEADING,
    "a flat prior on `sigma_alpha` with two groups",
    lambda: groups(FLAGS, priors={"sigma_alpha": sh.Flat()}),
)
refused(
    HEADING,
    "flat priors that leave nothing to learn `sigma` from",
    lambda: line(data=base().iloc[:3], priors={**FLAT, "sigma": sh.Flat()}),
)
refused(
    HEADING,
    "priors too far from the data in size for double precision",
    lambda: line(priors={"alpha": sh.Normal(1e99, 1e-99), "beta": sh.Normal(1e99, 1e-99)}).stan_data,
)


# --- Keywords
HEADING = "Keywords"


@case(HEADING, "`sigma` that is 0, negative, infinite or missing")
def _() -> Iterator[Pair]:
    for sigma in (-1, np.inf, np.nan):
        with pytest.raises(sh.DataError, match="`sigma` must be positive and finite"):
            line(sigma=sigma)
    yield line(sigma=0), None


refused(HEADING, "`sigma` that is no number", lambda: line(sigma="1"))
refused(HEADING, "`sigma` and `se` together", lambda: line(sigma=1.0, se="n"))
refused(HEADING, "standard errors that are 0 or negative", lambda: line(se="x"))
refused(HEADING, "standard errors of another number than the rows", lambda: line(se=[1.0, 2.0, 3.0]))


@case(HEADING, "standard errors as a column, an array or a list")
def _() -> Iterator[Pair]:
    for se in (base()["n"].to_numpy(), base()["n"].tolist(), base()["n"], base()["n"].astype("Int64")):
        yield line(se=se), line(se="n")


refused(HEADING, "`chains=0`", lambda: line().sample(chains=0))


@case(HEADING, "`seed=0`")
def _() -> Iterator[Pair]:
    one, other = (line().sample(**{**FEW, "seed": 0}) for _ in range(2))
    np.testing.assert_array_equal(one.draws.values["location"], other.draws.values["location"])
    assert one.draws.seed == 0
    yield line(), None


refused(HEADING, "`seed=-1`", lambda: line().sample(seed=-1))
refused(HEADING, "a keyword that is not one", lambda: line().sample(chain=4))
refused(HEADING, "a keyword of a model that is not one", lambda: sh.LinearRegression("y ~ x", base(), prior={}))


@case(HEADING, "`weights`, `family` or `groups`, as other packages have them")
def _() -> Iterator[Pair]:
    for name in ("family", "groups"):
        with pytest.raises(sh.StanhierError, match=f"has no keyword '{name}'"):
            sh.VaryingIntercept("y ~ x + (1 | g)", base(), **{name: "g"})
    yield sh.LinearRegression("y ~ x", base(), weights="n"), None


refused(HEADING, "a keyword of `sample()`, given to the model", lambda: sh.LinearRegression("y ~ x", base(), chains=2))
refused(HEADING, "priors in the third place", lambda: sh.LinearRegression("y ~ x", base(), {}))
refused(HEADING, "`data` twice, by place and by name", lambda: sh.LinearRegression("y ~ x", base(), data=base()))
refused(HEADING, "no `data`", lambda: sh.LinearRegression("y ~ x"))
refused(HEADING, "an `adapt_delta` beyond 1", lambda: line().sample(adapt_delta=1.5))


@case(HEADING, "`prob` or `hdi_prob` of `summary()`")
def _() -> Iterator[Pair]:
    with pytest.raises(sh.StanhierError, match=r"has no keyword 'prob'\. Did you mean 'ci_prob'"):
        fake_fit(line()).summary(prob=0.9)
    yield fake_fit(line()).summary(hdi_prob=0.9), None


for row, keywords in {
    "another keyword that `summary()` does not have": {"var_name": "beta"},
    "a `ci_prob` of 90, for 90 %": {"ci_prob": 90},
    "a parameter that there is not, in `summary()`": {"var_names": "gamma"},
}.items():
    refused(HEADING, row, partial(lambda chosen: fake_fit(line()).summary(**chosen), keywords))
