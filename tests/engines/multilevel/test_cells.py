"""Combinations of levels."""

import numpy as np
import pandas as pd
import pytest

from stanhier.engines.multilevel import cells
from stanhier.engines.multilevel.cells import cells_of, merged_cells, united


@pytest.mark.parametrize("table", [0, 1 << 22])
def test_cells_are_the_combinations_that_occur(monkeypatch: pytest.MonkeyPatch, table: int) -> None:
    monkeypatch.setattr(cells, "TABLE_SIZE", table)
    codes = np.random.default_rng(0).integers(0, [7, 3, 5], size=(40, 3))
    cell, levels = cells_of(list(codes.T), [7, 3, 5])
    np.testing.assert_array_equal(levels[cell], codes)
    np.testing.assert_array_equal(levels, np.unique(codes, axis=0))


def test_a_single_term_has_a_cell_for_each_level() -> None:
    cell, levels = cells_of([np.array([2, 0, 2])], [3])
    np.testing.assert_array_equal(cell, [2, 0, 2])
    np.testing.assert_array_equal(levels, [[0], [1], [2]])


def test_more_combinations_than_integers() -> None:
    codes = [np.array([0, 2**31 - 1, 5, 0])] * 3
    cell, levels = cells_of([np.array([0, 3, 5, 0]), *codes[1:]], [6, 2**31, 2**31])
    np.testing.assert_array_equal(levels[cell].T, [[0, 3, 5, 0], *codes[1:]])


def test_cells_of_two_pieces() -> None:
    a, b = np.array([[0, 1], [2, 0]]), np.array([[1, 1], [2, 0], [0, 0]])
    found, position = merged_cells(a, b)
    np.testing.assert_array_equal(found, [[0, 1], [2, 0], [1, 1], [0, 0]])
    np.testing.assert_array_equal(position, [2, 1, 3])


def test_labels_of_two_pieces() -> None:
    labels, position = united(pd.Index(["b", "a"]), pd.Index(["c", "a"]))
    assert list(labels) == ["b", "a", "c"]
    np.testing.assert_array_equal(position, [2, 1])
