"""Structures too large to be integrated out: found before anything large is made, and left to the engine of rows."""

import numpy as np
import pandas as pd
import pytest

import stanhier as sh
from stanhier.engines.multilevel import sizes
from stanhier.engines.rows.engine import RowsEngine
from stanhier.engines.textbook.switch import textbook_regression

CROSSED = "y ~ x + (x | a) + (1 | b)"


def frame(n=200, levels=(20, 7)):
    rng = np.random.default_rng(3)
    a, b = (rng.permutation(np.arange(n) % size) for size in levels)
    x = rng.standard_normal(n)
    y = rng.standard_normal(levels[0])[a] + x * rng.normal(1, 0.5, levels[0])[a] + 2 * rng.standard_normal(levels[1])[b]
    return pd.DataFrame({"y": y + rng.standard_normal(n), "x": x, "a": a, "b": b, "c": 0.1})


def test_effects_of_all_factors_but_the_largest_are_counted(monkeypatch):
    design = sh.Model(CROSSED, frame()).design
    monkeypatch.setattr(sizes, "MOST_DENSE", 7)
    assert sizes.many_effects(design) is None
    monkeypatch.setattr(sizes, "MOST_DENSE", 6)
    assert "has 7 effects besides those of 'a' ('b' has 7 times 1), and 6 are the most" in sizes.many_effects(design)
    monkeypatch.setattr(sizes, "MOST_DENSE", 7)
    monkeypatch.setattr(sizes, "MOST_KEPT", 20 * 2 * (7 + 3) - 1)
    assert "with 20 groups of 'a' that takes 400 numbers" in sizes.many_effects(design)


def test_numbers_of_groups_that_differ_are_counted(monkeypatch):
    model = sh.Model(CROSSED, frame())
    numbers = 20 * 3 * (10 * 11 // 2)
    monkeypatch.setattr(sizes, "MAX_VALUES", numbers)
    assert sizes.many_numbers(model.design, model.engine.statistics) is None
    monkeypatch.setattr(sizes, "MAX_VALUES", numbers - 1)
    said = sizes.many_numbers(model.design, model.engine.statistics)
    assert f"20 groups of 'a' see their effects differently, which takes {numbers:,} numbers of 10 columns" in said


@pytest.mark.parametrize("limit", ["MOST_DENSE", "MAX_VALUES"])
def test_what_is_too_large_is_the_same_model_with_all_effects_sampled(monkeypatch, limit):
    small = sh.Model(CROSSED, frame())
    monkeypatch.setattr(sizes, limit, 5)
    large = sh.Model(CROSSED, frame())
    assert isinstance(large.engine, RowsEngine)
    assert repr(large) == repr(small)
    same, other = textbook_regression(small).engine, textbook_regression(large).engine
    for name, values in same.data().items():
        np.testing.assert_array_equal(other.data()[name], values)
    with pytest.raises(sh.DataError, match=r"'c', which varies by 'a', is always 0\.1"):
        sh.Model("y ~ x + (c | a) + (1 | b)", frame())


def test_rows_that_are_not_in_memory_are_refused_at_once(monkeypatch, tmp_path):
    frame().to_parquet(tmp_path / "rows.parquet")
    monkeypatch.setattr(sizes, "MOST_DENSE", 5)
    with pytest.raises(
        sh.DataError, match="5 are the most that can be integrated out; fewer levels or effects will do"
    ):
        sh.Model(CROSSED, tmp_path / "rows.parquet")
