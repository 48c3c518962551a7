"""Sufficient statistics against the rows themselves."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from stanhier.engines.multilevel import pieces, statistics
from stanhier.engines.multilevel.layout import dense_terms
from stanhier.engines.multilevel.pieces import Piece, merge
from stanhier.engines.multilevel.statistics import Statistics, statistics_of
from tests.tools.grouped_columns import Columns, Term


@pytest.fixture(autouse=True)
def small_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have several blocks even of small data."""
    monkeypatch.setattr(pieces, "BLOCK_ROWS", 17)
    monkeypatch.setattr(statistics, "BLOCK_VALUES", 300)


def example(name: str) -> Columns:
    """Make rows of a kind."""
    rng = np.random.default_rng(5)
    n = 60
    X, extra = rng.standard_normal((n, 2)) + 3, rng.standard_normal((n, 1)) - 2
    y = X @ [1.0, -2.0] + rng.standard_normal(n) + 40
    a, b, c = rng.permutation(np.arange(n) % 7), rng.permutation(np.arange(n) % 4), rng.permutation(np.arange(n) % 3)
    none = np.empty((n, 0))
    intercept = (-1,)
    terms: dict[str, tuple[Term, ...]] = {
        "intercept": (Term(a, 7, intercept, (1,)),),
        "slope": (Term(a, 7, (-1, 0), (2,)),),
        "slope alone": (Term(a, 7, (0,), (1,)),),
        "slopes alone": (Term(a, 7, (2, 0), (1, 1)),),
        "constant last": (Term(a, 7, (1, -1, 2), (1, 2)),),
        "groups smaller than q": (Term(np.arange(n) // 2, 30, (-1, 1, 0, 2), (4,)),),
        "one row a group": (Term(np.arange(n)[::-1].copy(), n, (-1, 0), (2,)),),
        "crossed": (Term(b, 4, intercept, (1,)), Term(a, 7, intercept, (1,))),
        "crossed slopes": (Term(b, 4, (-1, 2, 0), (2, 1)), Term(a, 7, (0, -1), (1, 1)), Term(c, 3, (0,), (1,))),
        "nested": (Term(b, 4, intercept, (1,)), Term(np.unique(b * 7 + a, return_inverse=True)[1], 26, (-1, 1), (2,))),
        "no constant": (Term(b, 4, (1,), (1,)), Term(a, 7, (0, 2), (2,))),
        "eliminated without constant": (Term(b, 4, intercept, (1,)), Term(a, 7, (0,), (1,))),
    }
    found = terms[name.removesuffix(", weights")]
    found = tuple(replace(term, n_levels=int(term.codes.max()) + 1) for term in found)
    uses_extra = any(2 in term.columns for term in found)
    weights = rng.exponential(size=n) + 0.1 if name.endswith("weights") else None
    return Columns(X, extra if uses_extra else none, y, found, weights)


KINDS = [
    "intercept",
    "slope",
    "slope, weights",
    "slope alone",
    "slopes alone",
    "constant last",
    "groups smaller than q",
    "one row a group",
    "crossed",
    "crossed, weights",
    "crossed slopes",
    "crossed slopes, weights",
    "nested",
    "no constant",
    "eliminated without constant",
]


def columns_of(data: Columns, found: Statistics) -> np.ndarray:
    """Give the columns [dense | location | y] row by row, weighted."""
    dense = [data.indicators(data.terms[t]) for t in dense_terms(found.terms, found.eliminated)]
    ones = [np.ones(len(data.y))] if found.has_intercept else []
    seen = np.column_stack([data.X, data.y]) - found.origin
    return np.column_stack([*dense, *ones, seen]) * data.roots[:, None]


def check(data: Columns, found: Statistics, tolerance: float = 1e-11) -> None:
    """Compare all cross-products, relative to the lengths of the columns."""
    columns = columns_of(data, found)
    own = data.terms[found.eliminated]
    Z = data.effects_of(own) * data.roots[:, None]
    lengths = np.linalg.norm(columns, axis=0)
    total = np.einsum("jka,jkb->ab", found.B, found.B) + found.T.T @ found.T
    scale = lengths[:, None] * lengths
    np.testing.assert_allclose(total / scale, columns.T @ columns / scale, atol=tolerance)
    for j in range(own.n_levels):
        mine = own.codes == j
        z_lengths = np.linalg.norm(Z[mine], axis=0)
        gram = z_lengths[:, None] * z_lengths
        np.testing.assert_allclose(found.R[j].T @ found.R[j] / gram, Z[mine].T @ Z[mine] / gram, atol=tolerance)
        scale = z_lengths[:, None] * lengths
        expected = Z[mine].T @ columns[mine]
        np.testing.assert_allclose(found.R[j].T @ found.B[j] / scale, expected / scale, atol=tolerance)
    assert not np.tril(found.R, -1).any()
    assert (np.diagonal(found.R, axis1=1, axis2=2) >= 0).all()
    assert not np.tril(found.T, -1).any()
    values = data.values
    np.testing.assert_allclose(found.mean, values.mean(axis=0), rtol=1e-12)
    np.testing.assert_allclose(found.sd, values.std(axis=0, ddof=1), rtol=1e-9)
    for term, weights in zip(data.terms, found.level_weights, strict=True):
        np.testing.assert_allclose(weights, np.bincount(term.codes, weights=data.roots**2), rtol=1e-12)


@pytest.mark.parametrize("has_intercept", [True, False])
@pytest.mark.parametrize("kind", KINDS)
def test_cross_products_are_those_of_the_rows(kind: str, has_intercept: bool) -> None:
    data = example(kind)
    found = statistics_of(data.piece(), has_intercept=has_intercept)
    assert found.n_rows == len(data.y)
    assert found.log_weights == pytest.approx(2 * np.log(data.roots).sum())
    check(data, found)


@pytest.mark.parametrize("kind", KINDS)
def test_pieces_merge_in_any_order(kind: str) -> None:
    data = example(kind)
    rng = np.random.default_rng(2)
    parts = [data.take(rows).piece() for rows in np.array_split(rng.permutation(len(data.y)), [1, 3, 20, 41])]
    for order in ([0, 1, 2, 3, 4], [3, 0, 4, 2, 1]):
        total = parts[order[0]]
        for i in order[1:]:
            total = merge(total, parts[i])
        check(data, sorted_statistics(total))
    left = merge(merge(parts[4], parts[0]), merge(parts[2], merge(parts[1], parts[3])))
    check(data, sorted_statistics(left))


def sorted_statistics(piece: Piece) -> Statistics:
    """Give statistics with levels in the order of their labels."""
    return statistics_of(piece, [np.argsort(labels) for labels in piece.labels])


@pytest.mark.parametrize("kind", ["slope", "crossed slopes, weights", "no constant"])
def test_the_origin_may_be_another(kind: str) -> None:
    data = example(kind)
    found = statistics_of(data.piece())
    check(data, found.with_origin(found.origin + np.array([0.5, -1.0, 7.0])))


def test_levels_are_known_by_their_labels() -> None:
    data = example("crossed")
    parts = [data.take(rows) for rows in (np.arange(35), np.arange(35, 60))]
    named = [
        replace(part, terms=tuple(replace(t, labels=pd.Index([f"level {k}" for k in t.labels])) for t in part.terms))
        for part in parts
    ]
    check(data, sorted_statistics(merge(*(part.piece() for part in named))))


def test_order_of_rows_does_not_matter() -> None:
    data = example("crossed slopes")
    rows = np.random.default_rng(3).permutation(len(data.y))
    check(data, sorted_statistics(data.take(rows).piece()))


@pytest.mark.parametrize("kind", ["slope", "crossed slopes", "nested"])
def test_columns_far_from_zero_keep_their_digits(kind: str) -> None:
    near = example(kind)
    # Numbers that stay exact beside 1e6, so that the shifted columns are the same columns.
    near = Columns(np.round(near.X * 1024) / 1024, near.extra, near.y, near.terms)
    far = Columns(near.X + 1e6, near.extra, near.y, near.terms)
    a, b = (statistics_of(data.piece()) for data in (near, far))
    m = a.n_dense
    # Groups whose columns of effects have a constant leave the same behind, wherever the predictors are.
    if a.terms[a.eliminated].columns[0] == -1:
        np.testing.assert_allclose(np.abs(b.T[m:, m:]), np.abs(a.T[m:, m:]), atol=1e-9)
        np.testing.assert_allclose(b.B[:, :, m:], a.B[:, :, m:], atol=1e-9)
        np.testing.assert_allclose(b.R[:, 1:, 1:], a.R[:, 1:, 1:], atol=1e-9)


def test_groups_that_tell_the_same_share_a_stratum() -> None:
    rng = np.random.default_rng(0)
    days = np.tile(np.arange(10.0), 6)
    codes = np.repeat(np.arange(6), 10)
    days[codes == 4] += 1
    order = rng.permutation(60)
    data = Columns(
        days[order, None], np.empty((60, 0)), rng.standard_normal(60), (Term(codes[order], 6, (-1, 0), (2,)),)
    )
    for scale in (1.0, 1e9):
        scaled = Columns(data.X * scale, data.extra, data.y, data.terms)
        strata = statistics_of(scaled.piece()).strata
        assert sorted(strata.n_groups) == [1, 5]
        assert len(np.unique(strata.stratum[[0, 1, 2, 3, 5]])) == 1


def test_groups_of_different_size_do_not_share_one() -> None:
    codes = np.repeat(np.arange(4), [3, 3, 5, 7])
    data = Columns(np.empty((18, 0)), np.empty((18, 0)), np.arange(18.0), (Term(codes, 4, (-1,), (1,)),))
    strata = statistics_of(data.piece()).strata
    np.testing.assert_array_equal(np.sort(strata.n_groups), [1, 1, 2])
    np.testing.assert_allclose(strata.R[strata.stratum, 0, 0] ** 2, [3, 3, 5, 7])
