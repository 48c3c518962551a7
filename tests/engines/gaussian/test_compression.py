import numpy as np
import pytest

from stanhier.design.blocks import ArrayRows
from stanhier.engines import triangular
from stanhier.engines.gaussian import pieces
from stanhier.engines.gaussian.compression import compress


@pytest.fixture(autouse=True)
def small_blocks(monkeypatch):
    """Several blocks and panels even on small data."""
    monkeypatch.setattr(pieces, "BLOCK_ROWS", 37)
    monkeypatch.setattr(triangular, "PANEL_VALUES", 32)


def rows(n=200, k=3, n_groups=11, *, weighted=True, seed=1):
    rng = np.random.default_rng(seed)
    codes = np.concatenate([np.arange(n_groups), rng.integers(0, n_groups, n - n_groups)])
    X = rng.standard_normal((n, k)) * [1, 10, 0.1] + [0, 5, 100]
    y = rng.standard_normal(n) + X[:, 0] + codes
    return X, y, (rng.uniform(0.2, 3, n) if weighted else np.ones(n)), codes


@pytest.mark.parametrize("weighted", [False, True])
def test_weighted_squares_within_groups_are_kept(weighted):
    X, y, w, codes = rows(weighted=weighted)
    compressed = compress(ArrayRows(X, y), weights=w if weighted else None, codes=codes, n_groups=11)
    beta = np.array([0.3, -0.2, 0.9])
    residual = y - X @ beta
    means = np.array([np.average(residual[codes == j], weights=w[codes == j]) for j in range(11)])
    direct = (w * (residual - means[codes]) ** 2).sum()
    small = np.square(compressed.within @ np.append(-beta, 1.0)).sum()
    assert small == pytest.approx(direct, rel=1e-12)
    assert compressed.log_weights == pytest.approx(np.log(w).sum(), abs=1e-12)


def test_group_means_and_weights():
    X, y, w, codes = rows()
    compressed = compress(ArrayRows(X, y), weights=w, codes=codes, n_groups=11)
    for j in range(11):
        mine = codes == j
        assert compressed.weights[j] == pytest.approx(w[mine].sum())
        expected = np.average(np.column_stack([X, y])[mine], axis=0, weights=w[mine])
        np.testing.assert_allclose(compressed.means[j] + compressed.origin, expected, rtol=1e-12)


def test_strata_keep_the_cross_products_of_the_group_means():
    X, y, _, _ = rows(n=240)
    codes = np.repeat(np.arange(60), [2] * 20 + [4] * 30 + [8] * 10)
    compressed = compress(ArrayRows(X, y), codes=codes, n_groups=60)
    strata = compressed.strata
    np.testing.assert_array_equal(strata.weight, [2, 4, 8])
    np.testing.assert_array_equal(strata.n_groups, [20, 30, 10])
    assert len(strata.rows) == 3 * 5
    full = np.column_stack([np.ones(60), compressed.means])
    for h, weight in enumerate(strata.weight):
        mine, small = full[compressed.weights == weight], strata.rows[strata.stratum == h]
        np.testing.assert_allclose(small.T @ small, mine.T @ mine, atol=1e-10)


def test_strata_of_single_groups_stay_as_they_are():
    X, y, w, codes = rows()
    strata = compress(ArrayRows(X, y), weights=w, codes=codes, n_groups=11).strata
    assert len(strata.rows) == len(strata.weight) == 11


def test_the_order_of_rows_does_not_matter():
    X, y, w, codes = rows()
    order = np.random.default_rng(2).permutation(len(y))
    one = compress(ArrayRows(X, y), weights=w, codes=codes, n_groups=11)
    other = compress(ArrayRows(X[order], y[order]), weights=w[order], codes=codes[order], n_groups=11)
    np.testing.assert_allclose(np.abs(other.within), np.abs(one.within), rtol=1e-9, atol=1e-11)
    np.testing.assert_allclose(other.means, one.means, rtol=1e-11, atol=1e-12)


def test_large_means_lose_nothing():
    X, y, _, codes = rows(weighted=False)
    shifted = compress(ArrayRows(X + 2.0**40, y + 2.0**40), codes=codes, n_groups=11)
    plain = compress(ArrayRows((X + 2.0**40) - 2.0**40, (y + 2.0**40) - 2.0**40), codes=codes, n_groups=11)
    np.testing.assert_allclose(np.abs(shifted.within), np.abs(plain.within), rtol=1e-8)


def test_without_groups_or_intercept_nothing_is_centred():
    X, y, _, _ = rows(weighted=False)
    compressed = compress(ArrayRows(X, y), n_groups=0)
    np.testing.assert_array_equal(compressed.origin, 0)
    full = np.column_stack([X, y])
    np.testing.assert_allclose(compressed.within.T @ compressed.within, full.T @ full, rtol=1e-10)


def test_fewer_rows_than_columns():
    X, y, _, _ = rows(n=12, n_groups=3)
    compressed = compress(ArrayRows(X[:2], y[:2]))
    assert compressed.within.shape == (4, 4)


def test_moments_of_the_columns_are_those_of_numpy():
    X, y, w, codes = rows()
    compressed = compress(ArrayRows(X + 1e9, y), weights=w, codes=codes, n_groups=11)
    full = np.column_stack([X + 1e9, y])
    np.testing.assert_allclose(compressed.mean, full.mean(axis=0), rtol=1e-14)
    np.testing.assert_allclose(compressed.sd, full.std(axis=0, ddof=1), rtol=1e-8)
    constant = compress(ArrayRows(np.full((200, 1), 0.1), y))
    assert constant.sd[0] == 0.0
