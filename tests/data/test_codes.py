"""Labels as codes in few bytes: the same codes and levels as pandas gives."""

import numpy as np
import pandas as pd
import pytest

from stanhier.data import codes
from stanhier.data.codes import codes_of, used_categories

RNG = np.random.default_rng(4)
NAMES = np.array([f"group {k:03}" for k in RNG.permutation(300)], dtype=object)
DRAWN = RNG.integers(0, 300, 2000)

COLUMNS = {
    "text": pd.Series(NAMES[DRAWN], dtype="str"),
    "objects": pd.Series(NAMES[DRAWN], dtype=object),
    "days": pd.Series(np.datetime64("2020-01-01", "s") + 86400 * DRAWN),
    "far integers": pd.Series(DRAWN.astype(np.int64) * 10**12),
    "near integers": pd.Series(DRAWN),
    "unsigned": pd.Series(DRAWN.astype(np.uint64)),
    "booleans": pd.Series(DRAWN % 2 == 0),
    "categories": pd.Series(pd.Categorical.from_codes(DRAWN, NAMES)),
    "categories with an order": pd.Series(pd.Categorical.from_codes(DRAWN % 7, NAMES[:7], ordered=True)),
    "one row": pd.Series(["a"]),
}


@pytest.mark.parametrize("name", COLUMNS)
def test_codes_and_levels_are_those_of_pandas(name, monkeypatch):
    monkeypatch.setattr(codes, "_BLOCK_ROWS", 64)
    column = COLUMNS[name]
    expected, levels = pd.factorize(column, sort=True)
    found, found_levels = codes_of(column)
    np.testing.assert_array_equal(found, expected)
    pd.testing.assert_index_equal(found_levels, pd.Index(levels))
    assert found.dtype.itemsize <= 2


def test_codes_grow_with_the_number_of_labels(monkeypatch):
    monkeypatch.setattr(codes, "_BLOCK_ROWS", 1000)
    labels = pd.Series([f"k{k:06}" for k in range(40_000)][::-1])
    found, levels = codes_of(labels)
    assert found.dtype == np.int32
    np.testing.assert_array_equal(found, np.arange(40_000)[::-1])
    assert levels.is_monotonic_increasing


def test_categories_that_do_not_occur_are_left_out():
    column = pd.Series(pd.Categorical(["b", "a", "b"], categories=["c", "b", "a", "d"]))
    assert list(used_categories(column).cat.categories) == ["b", "a"]
    every = pd.Series(pd.Categorical(["b", "a"], categories=["b", "a"]))
    assert used_categories(every) is every
    missing = pd.Series(pd.Categorical(["b", None], categories=["b", "a"]))
    assert list(used_categories(missing).cat.categories) == ["b"]
