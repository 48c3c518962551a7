"""Formulas that are made to take all time or memory: each is refused, or made, at once."""

import time
import tracemalloc

import numpy as np
import pytest

import stanhier as sh
from stanhier.formula.parse import parse

pytestmark = pytest.mark.alone

N = 2000
LIMIT = 5.0  # seconds: a second on an idle machine


def names(sign, n):
    return sign.join(f"x{k}" for k in range(n))


SIGNS = {
    "pairs of parentheses": "()" * 30_000,
    "open parentheses": "(" * 60_000,
    "nested parentheses": "(" * 30_000 + "x" + ")" * 30_000,
    "nested calls": "I(" * 20_000 + "x" + ")" * 20_000,
    "braces": "{x}" * 20_000,
    "brackets": "[" * 60_000,
    "minus signs": "-" * 60_000 + "x",
    "plus signs": "+ " * 30_000 + "x",
    "mixed signs": "+-" * 30_000 + "x",
    "a sum": names(" + ", 5000),
    "a sum of one column": "+".join(["x"] * 40_000),
    "differences": names(" - ", 4900),
    "an interaction": names(":", 4900),
    "an interaction of one column": ":".join(["x"] * 4000),
    "signs within products": "x" + "*-x" * 4900,
    "a product": names("*", 4900),
    "a nesting": names("/", 4900),
    "nestings backwards": names(" %in% ", 4900),
    "powers of powers": "(a + b)" + "**2" * 4900,
    "a power": "(a + b)**16",
    "large powers": " + ".join([f"({names('+', 140)})**2"] * 40),
    "a large power in a sum": f"({names('+', 140)})**2 + {names('+', 4000)}",
    "differences from a large power": f"({names('+', 140)})**2" + " - x1:x2" * 4000,
    "products of products": " + ".join("*".join(f"x{j}_{k}" for k in range(10)) for j in range(200)),
    "bars": "|" * 60_000,
    "parts": "x" + " | x" * 20_000,
    "group terms": "x" + " + (1 | g)" * 9000,
    "nested group terms": "(" * 40 + "1 | g)" * 40,
    "backticks": "`" * 60_001,
    "names in backticks": "`a`" * 20_000,
    "a name": "a" * 90_000,
    "quotation marks": "'" * 60_001,
    "both quotation marks": "\"'" * 30_000,
    "backslashes": "\\" * 60_000,
    "per cents": "%" * 60_001,
    "tildes": "~" * 60_000,
    "dots": "x." * 30_000,
    "commas": "," * 60_000,
    "digits": "9" * 60_000,
    "a large scale": "9" * 60_000 + ":x",
    "blanks": " " * 60_000 + "x",
    "different calls": " + ".join(f"I(x + {k})" for k in range(3000)),
    "the same call": " + ".join(["I(x)"] * 15_000),
    "a chain of calls": "I(x)" + "()" * 20_000,
    "a long call": "I(" + "x + " * 20_000 + "x)",
    "minus signs in a call": "I(" + "-" * 900 + "x)",
    "a chain of comparisons": "I(" + "<".join(["x"] * 240) + ")",
    "a product of digits": "I(" + "*".join(["9" * 90] * 10) + "*x)",
    "a level of many letters": "C(t, Treatment('" + "a" * 900 + "'))",
}
COLUMNS = {
    "a sum as degree": "poly(x, 99999 + 99999)",
    "a function of a number as degree": "poly(x, I(1000000))",
    "signs before a degree": "poly(x, degree=--1000000)",
    "numpy as degree": "poly(x, degree=np.exp2(20))",
    "a column as degree": "poly(x, n)",
    "a product as df": "bs(x, df=1000*1000)",
    "products as df": "bs(x, df=9*9*9*9*9*9*9)",
    "a float as df": "cr(x, df=1e6)",
    "df beyond the limit": "cc(x, df=3000)",
    "a degree of splines": "bs(x, degree=5000)",
    "knots": "bs(x, knots=[" + ",".join(["1"] * 400) + "])",
    "a column as knots": "bs(x, knots=x)",
    "levels by levels": "C(x):C(z)",
    "levels with levels": "C(x)*C(z)",
    "levels of levels": "C(C(C(x))):C(C(z))",
    "levels passed on": "I(C(x)):I(C(z))",
    "levels by name": "C(data=x):C(data=z)",
    "levels of calculations": "C(x + 1):C(z * 2)",
    "text by text": "t:u",
    "text passed on": "I(t):I(u)",
    "text to a power": "(t + u + C(x))**3",
    "levels in a list": f"C(n, levels={list(range(200))}):C(n + 1, levels={list(range(200))})",
    "contrasts in a list": f"C(b0, {[[k, 1] for k in range(90)]}):C(b1, {[[k, 1] for k in range(90)]})",
    "one column by levels": "x:C(z)",
    "bases by bases": "poly(x, 100):poly(z, 100)",
    "bases by levels": "bs(x, df=50):t",
    "bases to a power": "(bs(x, df=90) + bs(z, df=90) + poly(n, 90))**3",
    "many bases": " + ".join(f"poly(x + {k}, 100)" for k in range(200)),
    "a basis and a column": "I(poly(x, 1) + x)",
    "two bases": "np.hypot(poly(x, 1), x)",
    "a basis compared": "np.where(poly(x, 1) > 0, x, z)",
    "lists of columns": "I([x, x, x])",
    "lists in numpy": "np.exp([x, x])",
    "an interaction of many categories": ":".join(f"b{k}" for k in range(12)),
    "many categories crossed": "*".join(f"b{k}" for k in range(12)),
    "pairs of numbers": f"({' + '.join(f'v{k}' for k in range(100))})**2",
}


@pytest.fixture(scope="module")
def data():
    rng = np.random.default_rng(0)
    columns = {name: rng.normal(size=N) for name in ["y", "x", "z", "a", *(f"v{k}" for k in range(100))]}
    columns |= {"n": np.arange(N) % 7, "g": np.arange(N) % 5}
    columns |= {"t": [f"level {k % 400}" for k in range(N)], "u": [f"level {k % 300}" for k in range(N)]}
    return columns | {f"b{k}": rng.choice(["p", "q"], N) for k in range(12)}


def refused_at_once(formula, data):
    start = time.perf_counter()
    with pytest.raises(sh.StanhierError) as refusal:
        sh.LinearRegression(formula, data)
    assert time.perf_counter() - start < LIMIT
    assert len(str(refusal.value)) < 2500
    assert refusal.value.__suppress_context__ or refusal.value.__context__ is None


@pytest.mark.parametrize("kind", SIGNS)
@pytest.mark.parametrize("place", ["y ~ x + {}", "{} ~ x", "y ~ x + (1 | {})", "y ~ x + ({} | g)"])
def test_signs_at_length(kind, place, data):
    formula = place.format(SIGNS[kind])
    harmless = ("minus signs", "plus signs", "mixed signs", "blanks", "an interaction of one column")
    if kind in harmless and place == "y ~ x + {}":
        formula = formula.removesuffix("x") + "w"
    refused_at_once(formula, data)


@pytest.mark.parametrize(
    "effects",
    [
        names(" + ", 95),
        names(" + ", 90) + " - " + names(" - ", 89),
        f"({names(' + ', 9)})**2",
        names("*", 6),
        names(":", 20),
        "+-" * 2000 + "x",
        " + ".join(f"I(x + {k})" for k in range(95)),
        "(" * 45 + "x" + ")" * 45,
    ],
)
def test_as_many_terms_as_there_may_be_are_read_at_once(effects):
    start = time.perf_counter()
    parsed = parse("y ~ " + " + ".join(f"({effects} | g{k})" for k in range(20)))
    assert time.perf_counter() - start < LIMIT
    assert [term.name for term in parsed.terms] == [f"g{k}" for k in range(20)]


@pytest.mark.parametrize("kind", COLUMNS)
def test_columns_without_end(kind, data):
    tracemalloc.start()
    try:
        refused_at_once(f"y ~ {COLUMNS[kind]}", data)
        refused_at_once(f"y ~ z + {COLUMNS[kind]} + n", data)
        assert tracemalloc.get_traced_memory()[1] < 50e6
    finally:
        tracemalloc.stop()


def test_a_text_of_a_million_characters_is_not_looked_at(data):
    with pytest.raises(sh.FormulaError, match="of 1,000,004 characters is too long; it may have 100,000"):
        sh.LinearRegression("y ~ " + "(" * 1_000_000, data)


@pytest.mark.parametrize(
    ("formula", "number"),
    [
        ("y ~ bs(x, df=2 + 2)", 4),
        ("y ~ poly(x, 10)", 10),
        ("y ~ bs(x, knots=[-1/2, 0, 1/2])", 6),
        ("y ~ t", 399),
        ("y ~ C(n) * b0 * b1", 27),
        ("y ~ b0*b1*b2*b3*b4*b5*b6", 127),
        ("y ~ scale(poly(x, 2)) + I(bs(z, df=4))", 6),
        (f"y ~ ({' + '.join(f'v{k}' for k in range(40))})**2", 820),
        ("y ~ x + z + " + " + ".join(f"I(x > {k})" for k in range(-1, 2)), 5),
    ],
)
def test_what_people_write_is_made(formula, number, data):
    assert len(sh.LinearRegression(formula, data).design.predictors) == number
