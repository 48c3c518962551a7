"""Sums of rows as a reducer gives them, to plain numbers and back."""

import numpy as np
import pandas as pd
import pytest

from stanhier.basics.errors import DataError
from stanhier.design.blocks import ArrayRows, RowGroups
from stanhier.engines.rows import sums
from stanhier.engines.rows.reducer import CellsReducer
from stanhier.families.known import FAMILIES

X = np.array([[0.0], [1.0], [0.0], [0.0], [1.0]])
Y = np.array([1.0, 0.0, 1.0, 0.0, 1.0])
GROUPS = (RowGroups(np.array([0, 0, 1, 1, 0]), 2, pd.Index(["b", "a"]), (-1,), (1,)),)


def reducer_of(family):
    return CellsReducer(FAMILIES[family])


def total(family="bernoulli", groups=GROUPS, columns=X, **beside):
    reducer = reducer_of(family)
    return reducer.total(reducer.piece(ArrayRows(columns, Y), groups=groups, **beside))


def test_sums_by_hand():
    found = total()
    assert found.n_rows == 5
    assert found.n_levels == (2,)
    assert sorted(zip(found.sums.codes[0], found.sums.columns[:, 0], found.sums.y, found.sums.n, strict=True)) == [
        (0, 0.0, 1.0, 1.0),
        (0, 1.0, 1.0, 2.0),
        (1, 0.0, 1.0, 2.0),
    ]
    np.testing.assert_allclose(found.moments.mean, [0.4, 0.6])
    np.testing.assert_allclose(found.moments.sd, [X.std(ddof=1), Y.std(ddof=1)])


def test_trials_are_summed_and_offsets_keep_binomial_rows_apart():
    trials, offset = np.array([3.0, 4.0, 5.0, 6.0, 7.0]), np.array([0.0, 0.0, 0.0, 0.2, 0.0])
    found = total("binomial", weights=trials, offset=offset).sums
    assert sorted(found.n) == [3.0, 5.0, 6.0, 11.0]
    assert sorted(found.offset) == [0.0, 0.0, 0.0, 0.2]


def test_offsets_of_counts_become_exposures():
    found = total("poisson", offset=np.log([1.0, 2.0, 3.0, 4.0, 5.0])).sums
    assert sorted(found.n) == pytest.approx([1.0, 7.0, 7.0])
    assert not found.offset.any()
    with pytest.raises(DataError, match="up to 800, and exp of it"):
        total("poisson", offset=np.array([800.0, 0, 0, 0, 0]))


def test_one_row():
    reducer = reducer_of("poisson")
    found = reducer.total(reducer.piece(ArrayRows(X[:1], Y[:1])))
    assert (found.n_rows, found.sd.tolist()) == (1, [0.0, 0.0])


def test_too_many_distinct_rows_say_what_they_need(monkeypatch):
    monkeypatch.setattr(sums, "MOST_CELLS", 2)
    words = r'More than 2 of the 5 rows are distinct.*family="bernoulli".*about 0\.0002 MB.*into a data frame'
    with pytest.raises(DataError, match=words):
        total()


@pytest.mark.parametrize("family", ["bernoulli", "binomial", "poisson"])
@pytest.mark.parametrize(("groups", "columns"), [(GROUPS, X), ((), X), (GROUPS, X[:, :0]), ((), X[:, :0])])
def test_there_and_back(family, groups, columns):
    reducer = reducer_of(family)
    beside = {"weights": np.full(5, 3.0)} if family == "binomial" else {}
    found = total(family, groups, columns, **beside)
    plain = reducer.plain(found)
    assert all(np.size(value) for value in plain.values())  # a file has no place for what is empty
    back = reducer.from_plain(plain)
    assert back.n_levels == found.n_levels
    assert reducer.n_rows(back) == 5
    for name in ("mean", "sd"):
        np.testing.assert_array_equal(getattr(back, name), getattr(found, name))
    for name in ("columns", "offset", "y", "n", "often"):
        np.testing.assert_array_equal(getattr(back.sums, name), getattr(found.sums, name))
    assert len(back.sums.codes) == len(groups)
    for mine, theirs in zip(back.sums.codes, found.sums.codes, strict=True):
        np.testing.assert_array_equal(mine, theirs)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("n_rows", 6),
        ("n_rows", 0),
        ("mean", np.zeros(3)),
        ("sd", np.array([1.0, -1.0])),
        ("y", np.array([1.0, 1.0, np.nan])),
        ("y", np.array([1.0, 1.0, 5.0])),
        ("y", np.array([0.5, 0.5, 1.0])),
        ("n", np.array([1, 2, 2])),
        ("n", np.array([9.0, 9.0, 9.0])),
        ("often", np.array([4.0, 0.0, 1.0])),
        ("often", np.array([1.5, 1.5, 2.0])),
        ("offset", np.zeros(4)),
        ("cells", np.zeros((3, 2))),
        ("codes", np.array([[0], [0], [2]])),
        ("codes", np.array([[0], [0], [0]])),
        ("codes", np.array([[0.0], [0.0], [1.0]])),
        ("codes", np.array([0, 0, 1])),
        ("n_levels", np.array([2, 2])),
    ],
)
def test_what_does_not_fit_is_refused(name, value):
    reducer = reducer_of("bernoulli")
    with pytest.raises(ValueError, match=r"rows|sums|successes|levels|codes|groups|negative"):
        reducer.from_plain(reducer.plain(total()) | {name: value})
