"""Statistics to plain numbers and back."""

from typing import Any

import numpy as np
import pytest

from stanhier.engines.multilevel.reducer import MultilevelReducer
from tests.tools.grouped_columns import Columns, Term


@pytest.fixture
def data() -> Columns:
    """Two crossed terms, one with slopes of a column that is no predictor."""
    rng = np.random.default_rng(0)
    terms = (Term(np.arange(20) % 5, 5, (-1, 1), (2,)), Term(np.arange(20) % 3, 3, (0, -1), (1, 1)))
    return Columns(rng.standard_normal((20, 1)), rng.standard_normal((20, 1)), rng.standard_normal(20), terms)


@pytest.mark.parametrize("has_intercept", [True, False])
def test_there_and_back(data: Columns, has_intercept: bool) -> None:
    reducer = MultilevelReducer(has_intercept)
    found = reducer.total(data.piece())
    back = reducer.from_plain(reducer.plain(found))
    assert back.terms == found.terms
    assert back.eliminated == found.eliminated == 0
    assert reducer.n_rows(back) == 20
    assert back.has_intercept == has_intercept
    for name in ("mean", "sd", "origin", "R", "B", "T"):
        np.testing.assert_array_equal(getattr(back, name), getattr(found, name))
    for mine, theirs in zip(back.level_weights, found.level_weights, strict=True):
        np.testing.assert_array_equal(mine, theirs)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("R", np.zeros((4, 2, 2))),
        ("T", np.full((13, 13), np.nan)),
        ("origin", np.zeros(7)),
        ("n_levels", np.array([5, 4])),
        ("n_levels", np.array([5.0, 3.0])),
        ("blocks", np.array([2, 2, 1])),
        ("columns", np.array([-1, 2, 0, -1])),
        ("n_blocks", np.array([1])),
        ("level_weights", np.zeros(8)),
        ("n_rows", 0),
        ("sd", np.full(3, -1.0)),
    ],
)
def test_what_does_not_fit_is_refused(data: Columns, name: str, value: Any) -> None:
    reducer = MultilevelReducer()
    plain = reducer.plain(reducer.total(data.piece()))
    with pytest.raises(ValueError, match=r"rows|columns|blocks|terms|negative"):
        reducer.from_plain(plain | {name: value})
