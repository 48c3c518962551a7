"""Shapes of terms, and the matrices that their standard deviations and correlations make."""

import numpy as np
import pytest

from stanhier.engines.multilevel.layout import (
    TermShape,
    block_pairs,
    cholesky_factors,
    cor_slices,
    correlation_matrices,
    covariances,
    dense_slices,
    effect_slices,
    eliminated_term,
    sd_slices,
)

TERMS = (TermShape(4, (2,), (-1, 0)), TermShape(9, (1, 3), (-1, 0, 1, 2)), TermShape(9, (1,), (-1,)))


def test_numbers_of_terms_stand_one_after_the_other() -> None:
    assert [(s.start, s.stop) for s in sd_slices(TERMS)] == [(0, 2), (2, 6), (6, 7)]
    assert [(s.start, s.stop) for s in cor_slices(TERMS)] == [(0, 1), (1, 4), (4, 4)]
    assert [(s.start, s.stop) for s in effect_slices(TERMS)] == [(0, 8), (8, 44), (44, 53)]
    assert [(s.start, s.stop) for s in dense_slices(TERMS, 1)] == [(0, 8), (8, 8), (8, 17)]


def test_the_first_of_the_terms_with_most_levels_is_eliminated() -> None:
    assert eliminated_term(TERMS) == 1


def test_pairs_stand_block_by_block_and_row_by_row() -> None:
    assert block_pairs((2, 1, 3)) == [(1, 0), (4, 3), (5, 3), (5, 4)]


def random_parts(rng: np.random.Generator, blocks: tuple[int, ...]) -> tuple[np.ndarray, np.ndarray]:
    """Draw standard deviations and possible correlations, 20 of each."""
    sd = rng.exponential(size=(20, sum(blocks)))
    parts = []
    for size in blocks:
        vectors = rng.standard_normal((20, size, size))
        vectors /= np.linalg.norm(vectors, axis=2)[:, :, None]
        parts.append((vectors @ vectors.transpose(0, 2, 1))[:, *np.tril_indices(size, -1)])
    return sd, np.hstack(parts)


@pytest.mark.parametrize("blocks", [(1,), (2,), (1, 1), (3,), (2, 4, 1)])
def test_factors_are_those_of_the_covariances(blocks: tuple[int, ...]) -> None:
    sd, cor = random_parts(np.random.default_rng(1), blocks)
    factors = cholesky_factors(sd, cor, blocks)
    expected = np.linalg.cholesky(covariances(sd, cor, blocks))
    np.testing.assert_allclose(factors, expected, atol=1e-9)


def test_correlations_are_zero_between_blocks() -> None:
    matrix = correlation_matrices(np.array([[0.3, -0.2]]), (2, 2))[0]
    expected = np.eye(4)
    expected[1, 0] = expected[0, 1] = 0.3
    expected[3, 2] = expected[2, 3] = -0.2
    np.testing.assert_array_equal(matrix, expected)


@pytest.mark.parametrize("rho", [-1.0, 1.0, 1 - 1e-16, 1 - 1e-9])
def test_factors_at_the_edge(rho: float) -> None:
    sd = np.array([[2.0, 0.0, 3.0]])
    cor = np.array([[rho, rho**2, rho]])
    factors = cholesky_factors(sd, cor, (3,))
    np.testing.assert_allclose(factors @ factors.transpose(0, 2, 1), covariances(sd, cor, (3,)), atol=1e-7)
    assert np.all(np.triu(factors[0], 1) == 0)
