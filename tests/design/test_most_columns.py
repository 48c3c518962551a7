"""Formulas of more columns than a model can be made of in a few seconds."""

from types import SimpleNamespace

import numpy as np
import psutil
import pytest

import stanhier as sh
from stanhier.design.in_memory import InMemoryDesign
from stanhier.design.sizes import MOST_COLUMNS


def rows(levels):
    codes = np.resize(np.arange(levels), 2 * levels)
    return {"y": np.sin(np.arange(2.0 * levels)), "c": codes, "x": np.cos(codes), "g": codes % 7}


@pytest.mark.parametrize(
    ("kind", "formula"), [(sh.LinearRegression, "y ~ C(c)"), (sh.VaryingIntercept, "y ~ C(c) + (1 | g)")]
)
def test_too_many_levels_are_refused_with_the_limit_and_the_remedy(kind, formula):
    with pytest.raises(sh.DataError, match=rf"{MOST_COLUMNS:,} are the most.*'C\(c\)'.*as a grouping term, \(1 \| c\)"):
        kind(formula, rows(MOST_COLUMNS + 2))


def test_the_column_is_named_with_its_levels_and_what_to_write():
    data = rows(MOST_COLUMNS + 2) | {
        "of day": np.resize([f"k{i:04}" for i in range(MOST_COLUMNS + 2)], 2 * MOST_COLUMNS + 4)
    }
    said = (
        rf"'of day' has {MOST_COLUMNS + 2:,} levels; as a grouping term, \(1 \| `of day`\), it costs one number a row"
    )
    with pytest.raises(sh.DataError, match=said):
        sh.Model("y ~ x + `of day`", data)


def test_a_matrix_beyond_memory_is_refused_before_it_is_made(monkeypatch):
    n = 60_000
    data = {"y": np.arange(n) % 2, "x": np.arange(n) / n, "c": np.arange(n) % 300}
    monkeypatch.setattr(psutil, "virtual_memory", lambda: SimpleNamespace(available=5e8))
    monkeypatch.setattr(InMemoryDesign, "matrix", property(lambda _: pytest.fail("the matrix was made")))
    said = (
        r"makes 300 columns of 60,000 rows, which take about 580 MB of memory with what is made of them; 500 MB are "
        r"free. 'c' has 300 levels; as a grouping term, \(1 \| c\),"
    )
    with pytest.raises(sh.DataError, match=said):
        sh.Model("y ~ x + C(c)", data, family="bernoulli")


def test_as_a_grouping_term_there_may_be_more():
    model = sh.VaryingIntercept("y ~ x + (1 | c)", rows(MOST_COLUMNS + 2))
    assert model.design.group is not None
    assert len(model.design.group.levels) == MOST_COLUMNS + 2
