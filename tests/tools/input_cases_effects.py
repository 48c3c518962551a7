"""The rows of stanhier/input.md about effects that vary by groups."""

from collections.abc import Iterator
from typing import Any

import numpy as np
import polars as pl
import pytest

import stanhier as sh
from tests.tools.input_cases import Pair, accepted, base, case, frame, refused, several

HEADING = "Effects that vary by groups"


def model(formula: str, **columns: Any) -> Any:
    return sh.Model(formula, frame(**columns))


def crossed(formula: str, levels: int, others: int, rows: int, *, lazy: bool = False) -> Any:
    """Make a model of two factors that are crossed, and of columns that differ in all rows."""
    k = np.arange(rows)
    data = {"y": np.sin(k), "x": np.sin(k * 1.7), "z": np.cos(k * 2.3), "a": k % levels, "b": k % others}
    return sh.Model(formula, pl.DataFrame(data).lazy() if lazy else data)


@case(HEADING, "one level of a factor in a `Model`")
def _() -> Iterator[Pair]:
    for term in ("(1 | one) + (1 | g)", "(x | one)", "(1 | one / g)"):
        with pytest.raises(sh.DataError, match="the factor 'one' has one level, 'a'"):
            model(f"y ~ x + {term}", one="a")
    yield model("y ~ x + (1 | one)", one="a"), None


refused(
    HEADING,
    "fewer levels of a factor than effects that vary by it",
    lambda: model("y ~ x + (x + n | two)", two=[0, 1] * 6),
)


@case(HEADING, "the same label within several groups of the outer factor, `(1 | g / kind)`")
def _() -> Iterator[Pair]:
    with pytest.warns(sh.PriorWarning, match="Each of the 12 groups of 'g:kind' is a single row"):
        nested = several("y ~ x + (1 | g / kind)")
    assert list(nested.design.groupings[1].levels[:4]) == ["0:a", "0:b", "0:c", "1:a"]
    own = base()["g"].astype(str) + ":" + base()["kind"]
    with pytest.warns(sh.PriorWarning, match="Each of the 12 groups of 'own' is a single row"):
        yield nested, model("y ~ x + (1 | g) + (1 | own)", own=own)


accepted(
    HEADING,
    "a slope of a column that is constant within each group",
    lambda: model("y ~ c + (c | g)", c=np.repeat([0.0, 1.0, 2.0, 5.0], 3)),
)


@case(HEADING, "a slope of a column that is constant, or 0, in all rows")
def _() -> Iterator[Pair]:
    with pytest.raises(sh.DataError, match="'c', which varies by 'g', is 0 in every row"):
        model("y ~ x + (0 + c | g)", c=0)
    yield model("y ~ x + (c | g)", c=3), None


@case(HEADING, "slopes of columns that are combinations of each other")
def _() -> Iterator[Pair]:
    for terms, words in {
        "(x + w || g) + (1 | kind)": "varies by 'g', 'w' is in every row a combination of 'x'",
        "(1 | own) + (x + v | g)": "varies by 'g', 'v' is in every row a combination of 'Intercept', 'x'",
        "(1 | g) + (0 + kind | g)": r"'kind\[c\]' is in every row a combination of 'Intercept', 'kind\[a\]', ",
    }.items():
        with pytest.raises(sh.DataError, match=words):
            model(f"y ~ {terms}", w=2 * base()["x"], v=base()["x"] / 3 - 0.1, own=np.arange(12))
    for far in (1e6, 1e9):  # hardly any digits are left of what tells it from the intercept
        alone = pytest.warns(sh.PriorWarning, match="Each of the 12 groups of 'own' is a single row")
        with pytest.warns(sh.PriorWarning, match="'far' of 0"), alone:
            yield model("y ~ (far | g) + (1 | own)", far=base()["x"] + far, own=np.arange(12)), None
    yield model("y ~ (x + w | g)", w=3 * base()["x"]), None


SAME = (
    "two factors of the same groups, with an effect in common, such as `(1 | g / kind)` where each group has one kind"
)


@case(HEADING, SAME)
def _() -> Iterator[Pair]:
    with pytest.raises(sh.DataError, match="'g' and 'h' put all rows into the same 4 groups, and 'Intercept' varies"):
        model("y ~ x + (1 | g) + (x | h)", h=np.repeat(list("cabd"), 3))
    yield model("y ~ x + (1 | g / one)", one="a"), None


accepted(
    HEADING,
    "the same without an effect in common, `(1 | g) + (0 + x | h)`",
    lambda: model("y ~ x + (1 | g) + (0 + x | h)", h=np.repeat(list("cabd"), 3)),
)


@case(HEADING, "a slope of a column that is no predictor of the population")
def _() -> Iterator[Pair]:
    only = several("y ~ (x | g)")
    assert "x varies around 0: it is no predictor of the population" in repr(only)
    yield only, None


MANY = {"formula": "y ~ (1 | a) + (1 | b)", "levels": 600, "others": 599, "rows": 1_800}
DIFFERENT = {"formula": "y ~ (x + z | a) + (1 | b)", "levels": 700, "others": 120, "rows": 4_200}
ROW = "more than 400 effects of all factors but the one with most levels, of rows in memory"
accepted(HEADING, ROW, lambda: crossed(**MANY))
refused(HEADING, "the same of rows that are not in memory", lambda: crossed(**MANY, lazy=True))
ROW = "many groups that see their effects differently, beside many effects of other factors, of rows in memory"
accepted(HEADING, ROW, lambda: crossed(**DIFFERENT))
refused(HEADING, "many such groups of rows that are not in memory", lambda: crossed(**DIFFERENT, lazy=True))
