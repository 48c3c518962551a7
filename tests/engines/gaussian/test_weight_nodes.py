"""Weights that stand for many others: sums over strata against the exact ones, with 50 digits."""

from functools import partial

import mpmath as mp
import numpy as np
import pytest

from stanhier.engines.gaussian.compression import Strata
from stanhier.engines.gaussian.weight_nodes import (
    TOLERANCE,
    fewer_weights,
    n_nodes,
    nodes_of,
    products_of,
)

CERTIFIED = 1e-12
"""Relative error, rounding included, that a sum over all strata may have."""

RATIOS = [0.0, *10.0 ** np.arange(-12, 13, 3)]
"""Of sigma_alpha^2 to sigma^2."""


def random_weights(width, n=150, seed=1):
    """Distinct weights over so many decades, as standard errors give them, around 3."""
    rng = np.random.default_rng(seed)
    return np.sort(3 * 10 ** np.append(rng.uniform(-width / 2, width / 2, n - 2), [-width / 2, width / 2]))


def exact_sums(weight, squares, n_groups, ratio):
    """Sums over the strata of squares / v and of n log(v), and their derivatives by log(ratio), with 50 digits."""
    with mp.workdps(50):
        s = mp.mpf(float(ratio))
        v = [s + 1 / mp.mpf(float(w)) for w in weight]
        a, n = ([mp.mpf(float(one)) for one in values] for values in (squares, n_groups))
        sums = (
            mp.fsum(x / y for x, y in zip(a, v, strict=True)),
            mp.fsum(x * mp.log(y) for x, y in zip(n, v, strict=True)),
            mp.fsum(-x * s / y**2 for x, y in zip(a, v, strict=True)),
            mp.fsum(x * s / y for x, y in zip(n, v, strict=True)),
        )
        sizes = (sums[0], mp.fsum(n) + abs(sums[1]), sums[0], mp.fsum(n))
        return [float(one) for one in sums], [float(one) for one in sizes], sums


def at_nodes(weight, squares, n_groups, ratio):
    """The same from the nodes, in double precision as the program does it."""
    found = np.zeros(4)
    for part in nodes_of(weight):
        root = np.sqrt(weight[part.strata][:, None] / part.weight)
        a, n = squares[part.strata] @ (part.cardinal * root), n_groups[part.strata] @ part.cardinal
        v = ratio + 1 / part.weight
        found += [(a / v).sum(), (n * np.log(v)).sum(), -(a * ratio / v**2).sum(), (n * ratio / v).sum()]
    return found


@pytest.mark.parametrize("width", [0.01, 0.5, 2, 4, 7.5, 16])
def test_sums_and_their_derivatives_are_those_of_all_strata(width):
    weight = random_weights(width)
    rng = np.random.default_rng(2)
    squares, n_groups = rng.gamma(1.0, 1.0, len(weight)), rng.integers(1, 50, len(weight)).astype(float)
    assert sum(len(part.weight) for part in nodes_of(weight)) < len(weight) or width > 8
    for ratio in RATIOS:
        exact, sizes, _ = exact_sums(weight, squares, n_groups, ratio)
        error = np.abs(at_nodes(weight, squares, n_groups, ratio) - exact) / sizes
        assert error.max() < CERTIFIED, (ratio, error)


def _interpolated(s, at):
    return 1 / (s * mp.exp(at / 2) + mp.exp(-at / 2))


@pytest.mark.parametrize("decades", [0.05, 1, 4])
def test_the_bound_holds_at_each_weight_in_exact_arithmetic(decades):
    half = decades * np.log(10) / 2
    size = n_nodes(half)
    with mp.workdps(50):
        x = [half * mp.cos((mp.mpf(k) + 0.5) * mp.pi / size) for k in range(size)]
        between = [mp.mpf(p) * half for p in np.linspace(-1, 1, 23)]
        signs = [(-1) ** k * mp.sin((k + mp.mpf(0.5)) * mp.pi / size) for k in range(size)]  # barycentric weights
        for ratio in (0, 1e-3, 1, 1e3):
            g = partial(_interpolated, mp.mpf(ratio))
            for at in between:
                parts = [w / (at - node) for w, node in zip(signs, x, strict=True)]
                value = mp.fsum(p * g(node) for p, node in zip(parts, x, strict=True)) / mp.fsum(parts)
                assert abs(value / g(at) - 1) <= TOLERANCE


def test_more_decades_need_more_nodes_and_never_many():
    counts = [n_nodes(decades * np.log(10) / 2) for decades in (0.01, 0.3, 1, 2, 4)]
    assert counts == sorted(counts)
    assert counts[-1] < 80


def test_few_strata_stand_for_themselves():
    weight = np.array([1.0, 2, 3, 1e7, 1e7 + 1])
    found = nodes_of(weight)
    np.testing.assert_array_equal(np.concatenate([part.weight for part in found]), weight)
    assert [part.strata for part in found] == [slice(0, 3), slice(3, 5)]


def strata_of(weight, n_columns, *, rows_each):
    rng = np.random.default_rng(3)
    stratum = np.repeat(np.arange(len(weight)), rows_each)
    rows = rng.standard_normal((len(stratum), n_columns + 1))
    order = rng.permutation(len(stratum))
    return Strata(weight, np.full(len(weight), rows_each), rows[order], stratum[order])


@pytest.mark.parametrize("rows_each", [1, 3])
def test_products_give_the_squared_residuals_of_the_rows(rows_each):
    strata = strata_of(random_weights(3), 4, rows_each=rows_each)
    sigma, sigma_alpha = 0.7, 0.4
    rows, residual = strata.rows[:, :-1], strata.rows[:, -1]
    products = products_of(strata, nodes_of(strata.weight), rows, residual, (sigma, sigma_alpha))
    assert products.n_groups.sum() == pytest.approx(strata.n_groups.sum(), rel=1e-13)
    phi = np.array([0.3, -1, 2, 0.5])
    for sd in (0.0, 0.1, 30.0):
        v_hat, v = (a**2 + sigma**2 / strata.weight for a in (sigma_alpha, sd))
        expected = ((v_hat / v)[strata.stratum] * (residual + rows @ phi) ** 2).sum()
        squares = products.rest + 2 * products.linear @ phi + (products.quadratic @ phi) @ phi
        found = (products.v_hat / (sd**2 + sigma**2 / products.weight) * squares).sum()
        assert found == pytest.approx(expected, rel=1e-12)


def test_rows_stay_where_products_would_be_no_less_work():
    weight = random_weights(2, n=500)
    assert fewer_weights(strata_of(weight, 4, rows_each=1), 4) is not None
    assert fewer_weights(strata_of(weight[::13], 4, rows_each=1), 4) is None
    assert fewer_weights(strata_of(weight, 300, rows_each=1), 300) is None
