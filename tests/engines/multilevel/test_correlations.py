"""Correlations by their partial correlations."""

import numpy as np
import pytest

from stanhier.engines.multilevel.correlations import (
    correlation_factors,
    correlations,
    factor_adjoint,
    lkj_weights,
    log_cosh,
)
from stanhier.engines.multilevel.layout import n_correlations

BLOCKS = [(1,), (2,), (1, 1), (3,), (2, 4, 1), (5,)]


@pytest.mark.parametrize("blocks", BLOCKS)
def test_factors_are_those_of_correlation_matrices(blocks: tuple[int, ...]) -> None:
    partial = np.random.default_rng(0).standard_normal((30, n_correlations(blocks)))
    factors = correlation_factors(partial, blocks)
    assert not np.triu(factors, 1).any()
    assert (np.diagonal(factors, axis1=1, axis2=2) > 0).all()
    matrices = factors @ factors.transpose(0, 2, 1)
    np.testing.assert_allclose(np.diagonal(matrices, axis1=1, axis2=2), 1.0, rtol=1e-12)
    first = 0
    for size in blocks:
        assert not matrices[:, first : first + size, first + size :].any()
        first += size


def test_the_first_column_holds_correlations_themselves() -> None:
    found = correlations(np.array([[0.3, -0.8, 0.5]]), (3,))[0]
    a, b, c = np.tanh([0.3, -0.8, 0.5])
    # The textbook's recursion from a partial correlation to a correlation.
    np.testing.assert_allclose(found, [a, b, c * np.sqrt((1 - a**2) * (1 - b**2)) + a * b], rtol=1e-12)


@pytest.mark.parametrize("blocks", BLOCKS)
def test_adjoint_is_that_of_differences(blocks: tuple[int, ...]) -> None:
    rng = np.random.default_rng(1)
    partial = rng.standard_normal(n_correlations(blocks))
    adjoint = rng.standard_normal((sum(blocks), sum(blocks)))
    found = factor_adjoint(partial, blocks, correlation_factors(partial[None], blocks)[0], adjoint)
    step = 1e-6 * np.eye(len(partial))
    change = correlation_factors(partial + step, blocks) - correlation_factors(partial - step, blocks)
    np.testing.assert_allclose(found, (change * adjoint).sum(axis=(1, 2)) / 2e-6, atol=1e-8)


def test_weights_are_those_of_beta_distributions() -> None:
    # In column j of q effects the partial correlation is 2 Beta(b, b) - 1 with b = eta + (q - 2 - j) / 2: its density
    # times the Jacobian of tanh is cosh(y)^(-2 b).
    np.testing.assert_allclose(lkj_weights((3, 1, 2), (1.5, 9.0, 0.7)), [-4.0, -4.0, -3.0, -1.4])


def test_far_out() -> None:
    far = np.array([[-800.0, 800.0, 3.0]])
    assert np.isfinite(correlation_factors(far, (3,))).all()
    np.testing.assert_allclose(log_cosh(far[0]), [800 - np.log(2), 800 - np.log(2), np.log(np.cosh(3))], rtol=1e-12)
    np.testing.assert_array_equal(np.abs(correlations(far, (3,))[0, :2]), 1.0)
