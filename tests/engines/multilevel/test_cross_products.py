"""Packed sums of cross-products."""

import numpy as np
import pytest

from stanhier.basics.errors import DataError
from stanhier.engines.multilevel import cross_products
from stanhier.engines.multilevel.cross_products import check_size, diagonal, moments_of, pack, row_pairs, unpack
from stanhier.engines.multilevel.strata import Strata


def strata(n_groups: int, q: int) -> Strata:
    """Give groups in three strata, in no order."""
    stratum = np.random.default_rng(1).permutation(np.arange(n_groups) % 3)
    return Strata(np.zeros((3, q, q)), np.bincount(stratum), stratum)


@pytest.mark.parametrize("width", [3, 25])
@pytest.mark.parametrize("q", [1, 2, 3])
@pytest.mark.parametrize("block", [1, 100, 1 << 20])
def test_sums_are_those_of_the_groups(monkeypatch: pytest.MonkeyPatch, width: int, q: int, block: int) -> None:
    monkeypatch.setattr(cross_products, "BLOCK_VALUES", block)
    B, groups = np.random.default_rng(0).standard_normal((40, q, width)), strata(40, q)
    found = moments_of(B, groups)
    for h in range(3):
        for p, (k, m) in enumerate(row_pairs(q)):
            mine = B[groups.stratum == h]
            expected = mine[:, k].T @ mine[:, m]
            if k != m:
                expected = expected + expected.T
            np.testing.assert_allclose(unpack(found[:, h * len(row_pairs(q)) + p], width), expected, atol=1e-12)


def test_packed_and_unpacked() -> None:
    matrix = np.array([[1.0, 2.0, 4.0], [2.0, 3.0, 5.0], [4.0, 5.0, 6.0]])
    np.testing.assert_array_equal(pack(matrix), [1, 2, 3, 4, 5, 6])
    np.testing.assert_array_equal(unpack(pack(matrix), 3), matrix)
    np.testing.assert_array_equal(pack(matrix)[diagonal(3)], [1, 3, 6])


def test_too_many_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cross_products, "MAX_VALUES", 3 * 3 * 10)
    check_size(strata(40, 2), 4)
    monkeypatch.setattr(cross_products, "MAX_VALUES", 3 * 3 * 10 - 1)
    with pytest.raises(DataError, match="3 groups whose rows differ, with 2 effects each, beside 3 predictors"):
        check_size(strata(40, 2), 4)
