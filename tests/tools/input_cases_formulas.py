"""The rows of stanhier/input.md about formulas."""

from collections.abc import Iterator
from types import SimpleNamespace
from unittest.mock import patch

import numpy as np
import pytest

import stanhier as sh
from tests.tools.input_cases import Pair, case, groups, line, refused, several

HEADING = "Formulas"


@case(
    HEADING,
    "columns, `log(x)`, `sqrt(x)`, `np.log(x)`, `center(x)`, `C(x)`, `I(x**2)`, `x:n`, `x*n`, `poly(x, 2)`, "
    "`bs(x, df=4)`",
)
def _() -> Iterator[Pair]:
    for term in "n log(n) sqrt(n) np.log(n) center(x) C(x) I(x**2) x:n x*n poly(x,2) bs(n,df=4) scale(x)".split():
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
refused(HEADING, "a ratio as the response, `y / x ~ n`", lambda: line("y / x ~ n"))


@case(HEADING, "the response among the predictors, also within a function")
def _() -> Iterator[Pair]:
    for formula in ("y ~ log(y)", "y ~ x + C(y)", "y ~ x:y", "exp(y) ~ x + y", "exp(y) ~ I(y**2)", "I(y + n) ~ y * n"):
        with pytest.raises(sh.FormulaError, match="cannot be on the right of '~' as well"):
            line(formula)
    yield line("I(y - x) ~ x"), None
    yield line("y ~ x + y"), None


@case(HEADING, "a number that multiplies a term, `2:x`, `(2 + x):n`, or is added to it")
def _() -> Iterator[Pair]:
    for right in ("2*x", "x:2", "5:x + n", "x:3:n", "(2 + x):n", "(x + 2)**2", "x - 2", "x + 2", "x*2.5"):
        with pytest.raises(sh.FormulaError, match="numbers other than 0 and 1 stand in calculations alone"):
            line(f"y ~ {right}")
    yield line("y ~ 2:x"), None


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


@case(HEADING, "columns of all rows that do not fit into memory, of a family that needs them at once")
def _() -> Iterator[Pair]:
    n = 60_000
    rows = {"y": np.arange(n) % 2, "x": np.arange(n) / n, "k": np.arange(n) % 300}
    with patch("psutil.virtual_memory", lambda: SimpleNamespace(available=5e8)):
        yield sh.Model("y ~ x + C(k)", rows, family="bernoulli"), None


refused(HEADING, "`- w` for a term that is not there", lambda: line("y ~ x - n"))


@case(HEADING, "`poly`, `bs`, `cc`, `cr` or `cs` with more columns than the column has different values")
def _() -> Iterator[Pair]:
    for call in ("poly(x, 5)", "bs(x, df=5)", "cc(x, df=6)", "cr(x, df=6)", "cs(x, df=30)", "poly(n + 0, 12)"):
        with pytest.raises(sh.DataError, match=r"needs more than \d+ different values of"):
            line(f"y ~ {call}")
    yield line("y ~ poly(x, 4) + cr(x, df=5)"), None
    yield line("y ~ poly(x, 10)"), None


refused(HEADING, "knots of `bs` outside the data", lambda: line("y ~ bs(x, knots=[100])"))
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
        "y ~ asinh(x)": r"write arcsinh\(x\)",
        "y ~ C(x, Sum)": r"C\(x, Sum\(\)\)",
        "y ~ C(x, contr.helmert)": r"C\(x, Helmert\(\)\)",
        "y ~ offset(x)": "an offset stands beside the formula",
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


@case(
    HEADING, "groups by something else than columns, `:` and `/`: `(1 | g + h)`, `(1 | g * h)`, `(1 | C(g))`, `(1 | 1)`"
)
def _() -> Iterator[Pair]:
    for factors, words in {
        "g + kind": r"crossed groups are terms of their own; write \(1 \| g\) \+ \(1 \| kind\)",
        "g * kind": r"write \(1 \| g\) \+ \(1 \| kind\) \+ \(1 \| g:kind\)",
        "factor(g)": "groups are the values of columns as they are",
        "1": "a number is none",
        "g / g": "names the column 'g' twice",
        "my group": r"in backticks: \(1 \| `my group`\)",
    }.items():
        with pytest.raises(sh.FormulaError, match=words):
            groups(formula=f"y ~ (1 | {factors})")
    yield groups(formula="y ~ (1 | C(g))"), None


@case(HEADING, "the same effect twice by one factor, `(1 | g) + (1 | g)`, `(1 + x | g) + (x | g)`")
def _() -> Iterator[Pair]:
    for terms, words in {
        "(1 | g) + (1 | g)": "the intercept varies twice by 'g'",
        "(1 + x | g) + (x | g)": "the intercept and 'x' vary twice by 'g'",
        "(1 | g:kind) + (1 | kind:g)": "the intercept varies twice by 'g:kind'",
    }.items():
        with pytest.raises(sh.FormulaError, match=words):
            groups(formula=f"y ~ {terms}")
    yield groups(formula="y ~ (1 | g / kind) + (1 | g)"), None


@case(HEADING, "a grouping term without effects, `(0 | g)`, `( | g)`, without groups, `(1 | )`, or with more bars")
def _() -> Iterator[Pair]:
    for term, words in {
        "( | g)": r"does not say what varies; write \(1 \| g\)",
        "(1 | )": "names no groups",
        "(x | g | kind)": "has 2 bars",
        "(x ||| g)": "has 3 bars",
    }.items():
        with pytest.raises(sh.FormulaError, match=words):
            groups(formula=f"y ~ {term}")
    yield groups(formula="y ~ (0 | g)"), None


@case(
    HEADING,
    "a grouping term that is multiplied, subtracted or beside a term without a sign: `x + (1 | g) * z`, "
    "`z * (x + (1 | g))`, `(1 | g) x`",
)
def _() -> Iterator[Pair]:
    for right in ("x + (1 | g) * n", "n * (x + (1 | g))", "x - (1 | g)", "x:(1 | g)", "x + (1 | g)n"):
        with pytest.raises(sh.FormulaError, match=r"the grouping term \(1 \| g\) can only be added"):
            groups(formula=f"y ~ {right}")
    yield groups(formula="y ~ (x + (1 | g)) + n"), groups(formula="y ~ x + n + (1 | g)")
    yield groups(formula="y ~ (1 | g) x"), None


refused(HEADING, "more than 20 grouping terms", lambda: groups(formula="y ~ " + " + ".join(["(1 | g)"] * 21)))


@case(
    HEADING,
    "slopes that vary, `(x | g)`, nested groups, `(1 | g / h)`, combinations, `(1 | g:h)`, or several grouping terms "
    "in a varying intercept",
)
def _() -> Iterator[Pair]:
    for terms, words in {
        "(0 + x | g)": r"\(0 \+ x \| g\) varies by something else than an intercept; use Model",
        "(1 | g / kind)": r"\(1 \| g / kind\) nests groups: .* several grouping factors, 'g', 'g:kind'; use Model",
        "(1 | g) + (1 | kind)": "intercepts vary by several grouping factors, 'g', 'kind'; use Model",
        "(1 | g:kind)": r"\(1 \| g:kind\) groups by a combination of columns; use Model",
    }.items():
        for make in (line, groups):
            with pytest.raises(sh.FormulaError, match=words):
                make(formula=f"y ~ {terms}")
    yield groups(formula="y ~ x + (x | g)"), None


@case(HEADING, "a grouping term without parentheses: `x | g`, `x + 1 | g`")
def _() -> Iterator[Pair]:
    with pytest.raises(sh.FormulaError, match=r"a bar stands within parentheses, as in \(1 \| g\)"):
        several("y ~ x | g")
    yield several("y ~ x + 1 | g"), None


@case(HEADING, "a name alone in parentheses, `x + (g)`, where the bar of `(1 | g)` is missing")
def _() -> Iterator[Pair]:
    for right in ("(g)", "(g) + x", "x + ( g )", "x + (`g`) - n", "(n) + (1 | kind)"):
        with pytest.raises(sh.FormulaError, match=r"has no bar; write \(1 \| "):
            several(f"y ~ {right}")
    yield line("y ~ (x + g) + (x):n + I((x) + (n)) + log((n))"), line("y ~ x + g + x:n + I(x + n) + log(n)")
    yield several("y ~ x + (g)"), None


@case(HEADING, "a grouping term on the left of `~`, or the response in one")
def _() -> Iterator[Pair]:
    for term in ("(1 | y)", "(y | g)", "(log(y) | g)"):
        with pytest.raises(sh.FormulaError, match="the response 'y' cannot be on the right of '~' as well"):
            several(f"y ~ x + {term}")
    yield several("(1 | g) ~ x"), None


@case(HEADING, "a column in a grouping term, on either side of its bar, that is not there")
def _() -> Iterator[Pair]:
    with pytest.raises(sh.DataError, match="There is no column 'w' in the data"):
        several("y ~ x + (w | g)")
    yield several("y ~ x + (x | g:h)"), None


refused(HEADING, "a grouping term in a linear regression", lambda: line("y ~ x + (1 | g)"))
refused(HEADING, "a varying intercept without a grouping term", lambda: groups(formula="y ~ x"))
refused(HEADING, "a varying intercept without an intercept", lambda: groups(formula="y ~ 0 + x + (1 | g)"))
