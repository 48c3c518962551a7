"""Distinct rows with sums: pieces of any split, merged in any order, are those of all rows at once."""

import numpy as np
import pandas as pd
import pytest

from stanhier.design.blocks import ArrayRows, RowGroups, Stack
from stanhier.engines.rows import sums
from stanhier.engines.rows.reducer import CellsReducer
from stanhier.engines.rows.sums import merge, most_cells, piece_of
from stanhier.families.known import FAMILIES

N = 600


def rows():
    rng = np.random.default_rng(4)
    return pd.DataFrame(
        {
            "x": rng.integers(0, 3, N) - 1.0,
            "e": rng.choice([0.0, -0.0, 0.1 + 0.2, 0.3], N),
            "o": rng.choice([0.0, 0.5], N),
            "y": rng.integers(0, 4, N).astype(float),
            "n": rng.integers(4, 6, N).astype(float),
            "g": rng.choice(list("cabd"), N),
            "h": rng.integers(0, 3, N) * 10,
        }
    )


def piece(frame, factors=("g", "h"), offset="o"):
    groups = []
    for name in factors:
        codes, labels = pd.factorize(frame[name])
        groups.append(RowGroups(codes, len(labels), pd.Index(labels), (-1,), (1,)))
    X, y = frame[["x", "e"]].to_numpy(), frame["y"].to_numpy()
    n, shift = frame["n"].to_numpy(), None if offset is None else frame[offset].to_numpy()
    return piece_of(ArrayRows(X, y, 1), n=n, offset=shift, groups=groups)


def by_name(found):
    """The cells of a piece by the values that they are of."""
    labels = [own.to_numpy()[code] for own, code in zip(found.labels, found.sums.codes, strict=True)]
    keys = zip(*found.sums.columns.T.tolist(), found.sums.offset.tolist(), *labels, strict=True)
    values = zip(found.sums.y.tolist(), found.sums.n.tolist(), found.sums.often.tolist(), strict=True)
    return dict(zip(keys, values, strict=True))


def expected(frame):
    grouped = frame.groupby(["x", "e", "o", "g", "h"])
    table = grouped.agg(y=("y", "sum"), n=("n", "sum"), often=("y", "size")).astype(float)
    return {key: tuple(row) for key, row in zip(table.index, table.to_numpy().tolist(), strict=True)}


def test_a_piece_is_the_table_of_distinct_rows():
    found = piece(rows())
    assert by_name(found) == expected(rows())
    assert found.sums.n_cells == len(expected(rows()))  # 0.1 + 0.2 is not 0.3, and -0 is 0


@pytest.mark.parametrize("seed", range(4))
def test_any_split_in_any_order_is_the_whole(seed):
    rng = np.random.default_rng(seed)
    reducer, whole = CellsReducer(FAMILIES["binomial"]), piece(rows())
    mixed, cuts = rows().sample(frac=1, random_state=seed), np.sort(rng.choice(np.arange(1, N), 7, replace=False))
    parts = [piece(mixed.iloc[part]) for part in np.split(np.arange(N), cuts)]
    stack = Stack(reducer)
    for part in parts:
        stack.add(part)
    other = parts[0]
    for part in parts[1:]:
        other = merge(part, other)
    for found in (stack.total(), other):
        assert by_name(found) == by_name(whole)
        assert found.moments.n == N
        values = rows()[["x", "e", "y"]]
        np.testing.assert_allclose(found.moments.reference + found.moments.mean, values.mean(), rtol=1e-12)
        np.testing.assert_allclose(found.moments.squares, values.var(ddof=0) * N, rtol=1e-12)


def test_totals_have_one_order_whatever_that_of_the_rows():
    reducer = CellsReducer(FAMILIES["binomial"])
    found = []
    for seed in (0, 1):
        mixed = rows().sample(frac=1, random_state=seed)
        whole = merge(piece(mixed[:100]), piece(mixed[100:]))
        order = [np.argsort(labels.to_numpy()) for labels in reducer.labels(whole)]
        found.append(reducer.total(whole, order))
    one, other = (total.sums for total in found)
    for name in ("columns", "offset", "y", "n", "often"):
        np.testing.assert_array_equal(getattr(one, name), getattr(other, name))
    for mine, theirs in zip(one.codes, other.codes, strict=True):
        np.testing.assert_array_equal(mine, theirs)
    names = np.array(list("abcd"))[one.codes[0]]
    counts = rows().groupby("g")["y"].sum()
    assert pd.Series(one.y).groupby(names).sum().to_dict() == counts.to_dict()


def test_rows_without_columns_or_factors():
    constant = ArrayRows(np.empty((5, 0)), np.arange(5.0))
    found = piece_of(constant, n=None, offset=None, groups=())
    assert found.sums.columns.shape == (1, 0)
    assert (found.sums.y, found.sums.n, found.sums.often) == (10.0, 5.0, 5.0)


@pytest.mark.parametrize("first", [True, False])
def test_too_many_distinct_rows_are_counted_and_not_kept(monkeypatch, first):
    few, many = rows()[rows()["x"] == 0], rows()
    monkeypatch.setattr(sums, "MOST_CELLS", len(expected(few)))
    small, large = piece(few), piece(many)
    assert not small.is_given_up
    assert large.is_given_up
    merged = merge(small, large) if first else merge(large, small)
    assert merged.is_given_up
    assert merged.moments.n == len(few) + N
    together = merge(small, piece(many[many["x"] != 0][:5]))  # what fits alone does not fit together
    assert together.is_given_up
    assert most_cells(small.sums) == len(expected(few))


def test_wide_rows_are_fewer():
    wide = piece_of(ArrayRows(np.zeros((2, 1000)), np.zeros(2)), n=None, offset=None, groups=()).sums
    assert most_cells(wide) == pytest.approx(1e9 / (8 * 1004), abs=1)
    assert most_cells(piece(rows()).sums) == 5_000_000
