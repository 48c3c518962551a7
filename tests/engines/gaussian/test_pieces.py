from itertools import pairwise

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stanhier.design.blocks import ArrayRows, Stack
from stanhier.design.moments import moments_of
from stanhier.engines import triangular
from stanhier.engines.gaussian import pieces
from stanhier.engines.gaussian.compression import compressed_from
from stanhier.engines.gaussian.pieces import merge, piece_of
from stanhier.engines.gaussian.reducer import GaussianReducer


@pytest.fixture(autouse=True)
def small_blocks(monkeypatch):
    """Several blocks and panels even on small data."""
    monkeypatch.setattr(pieces, "BLOCK_ROWS", 37)
    monkeypatch.setattr(triangular, "PANEL_VALUES", 32)


def data(n, n_groups, *, mean, seed):
    rng = np.random.default_rng(seed)
    codes = np.concatenate([np.arange(n_groups), rng.integers(0, n_groups, n - n_groups)])
    # Whole sixteenths: exact beside any mean, so that all differences are those of the arithmetic.
    X = np.round(rng.standard_normal((n, 3)) * [1, 10, 3] * 16) / 16
    y = np.round((X[:, 0] + codes + rng.standard_normal(n)) * 16) / 16
    return X + mean, y + mean, rng.uniform(0.2, 3, n), codes


def piece(X, y, w, codes, *, labels=None):
    found, levels = pd.factorize(codes)
    names = pd.Index(levels if labels is None else labels[levels])
    return piece_of(ArrayRows(X, y), weights=w, codes=found, labels=names, n_groups=len(levels))


def sorted_by_group(a):
    order = np.argsort(a.labels.to_numpy())
    return a.labels[order], a.weights[order], a.means[order] + a.moments.reference


def close(one, other, scale):
    np.testing.assert_allclose(one, other, rtol=1e-10, atol=1e-10 * scale)


def assert_same(one, other):
    assert one.moments.n == other.moments.n
    spread = np.sqrt(other.moments.squares / other.moments.n)
    (labels, *sums), (other_labels, *other_sums) = sorted_by_group(one), sorted_by_group(other)
    assert list(labels) == list(other_labels)
    for a, b in zip(sums, other_sums, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-10, atol=1e-10 * spread.max())
    # Means relative to one reference: at a mean of 1e9 their sum with it could not show 1e-10 of the spread.
    shift = one.moments.reference - other.moments.reference
    close(one.moments.mean + shift, other.moments.mean, spread.max())
    close(one.moments.squares, other.moments.squares, 0)
    close(one.factor.T @ one.factor, other.factor.T @ other.factor, np.square(other.factor).sum())
    assert one.log_weights == pytest.approx(other.log_weights, rel=1e-10, abs=1e-10)


@settings(max_examples=60, deadline=None)
@given(
    cuts=st.lists(st.integers(1, 299), max_size=8, unique=True),
    order=st.randoms(use_true_random=False),
    mean=st.sampled_from([0.0, 5.0, 1e9]),
    n_groups=st.sampled_from([1, 7, 150]),
    seed=st.integers(0, 1000),
)
def test_any_split_in_any_order_is_the_whole(cuts, order, mean, n_groups, seed):
    X, y, w, codes = data(300, n_groups, mean=mean, seed=seed)
    ends = [0, *sorted(cuts), 300]
    parts = [slice(a, b) for a, b in pairwise(ends)]
    order.shuffle(parts)
    stack = Stack(GaussianReducer(has_intercept=True))
    for part in parts:
        stack.add(piece(X[part], y[part], w[part], codes[part]))
    assert_same(stack.total(), piece(X, y, w, codes))


def test_merging_is_the_same_from_either_side_and_in_a_tree():
    X, y, w, codes = data(400, 20, mean=1e9, seed=3)
    a, b, c, d = (piece(X[i::4], y[i::4], w[i::4], codes[i::4]) for i in range(4))
    assert_same(merge(merge(merge(a, b), c), d), merge(merge(d, c), merge(b, a)))


def test_groups_are_known_by_their_labels():
    X, y, w, codes = data(200, 5, mean=0, seed=4)
    names = np.array(["north", "south", "east", "west", "middle"])
    whole = piece(X, y, w, codes, labels=names)
    first = codes < 3
    merged = merge(
        piece(X[~first], y[~first], w[~first], codes[~first], labels=names),
        piece(X[first], y[first], w[first], codes[first], labels=names),
    )
    assert set(merged.labels) == set(names)
    assert_same(merged, whole)


def test_without_groups_nothing_is_centred():
    X, y, _, _ = data(200, 1, mean=5, seed=5)
    halves = [piece_of(ArrayRows(X[i::2], y[i::2]), n_groups=0) for i in range(2)]
    merged = compressed_from(merge(*halves))
    full = np.column_stack([X, y])
    np.testing.assert_allclose(merged.within.T @ merged.within, full.T @ full, rtol=1e-12)
    np.testing.assert_array_equal(merged.origin, 0)
    assert merged.n_groups == 0


def test_moments_merge_to_those_of_the_whole():
    values = np.random.default_rng(6).standard_normal((100, 2)) * 1e-3 + [1e9, 1e-9]
    merged = moments_of(values[:1]).merge(moments_of(values[1:40])).merge(moments_of(values[40:]))
    whole = moments_of(values)
    np.testing.assert_allclose(merged.squares, whole.squares, rtol=1e-12)
    np.testing.assert_allclose(merged.reference + merged.mean, values.mean(axis=0), rtol=1e-15)
