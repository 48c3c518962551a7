"""Correlation matrices by their partial correlations, the coordinates in which an LKJ prior makes them independent.

Element j of row i of a Cholesky factor is tanh(y_ij) times the product of 1 / cosh(y_ik) over k < j; the diagonal is
the product over all k < i.

References
----------
Lewandowski, Kurowicka & Joe (2009), Generating random correlation matrices based on vines and extended onion method,
doi:10.1016/j.jmva.2009.04.008.
"""

from collections.abc import Sequence

import numpy as np

from stanhier.engines.multilevel.layout import block_pairs, blocks_of

__all__ = ["correlation_factors", "correlations", "factor_adjoint", "lkj_weights", "log_cosh"]


def correlation_factors(partial: np.ndarray, blocks: Sequence[int]) -> np.ndarray:
    """Give the Cholesky factors of a term's correlation matrices.

    Parameters
    ----------
    partial : numpy.ndarray, shape (S, c)
        Inverse hyperbolic tangents of the partial correlations, block by block, row by row.
    blocks : sequence of int

    Returns
    -------
    numpy.ndarray, shape (S, q, q)
    """
    q = sum(blocks)
    factors = np.zeros((len(partial), q, q))
    k = 0
    for block in blocks_of(blocks):
        for i in range(block.start, block.stop):
            left = np.ones(len(partial))
            for j in range(block.start, i):
                factors[:, i, j] = left * np.tanh(partial[:, k])
                left = left * _sech(partial[:, k])
                k += 1
            factors[:, i, i] = left
    return factors


def correlations(partial: np.ndarray, blocks: Sequence[int]) -> np.ndarray:
    """Give a term's correlations, shape (S, c), from what `correlation_factors` takes."""
    factors = correlation_factors(partial, blocks)
    pairs = block_pairs(blocks)
    found = [np.einsum("sk,sk->s", factors[:, i], factors[:, j]) for i, j in pairs]
    return np.clip(np.stack(found, axis=1), -1.0, 1.0) if pairs else np.empty((len(partial), 0))


def factor_adjoint(partial: np.ndarray, blocks: Sequence[int], factor: np.ndarray, adjoint: np.ndarray) -> np.ndarray:
    """Take a derivative with respect to one factor back to its partial correlations, shape (c,).

    Parameters
    ----------
    partial : numpy.ndarray, shape (c,)
    blocks : sequence of int
    factor, adjoint : numpy.ndarray, shape (q, q)
        What `correlation_factors` makes of them, and the derivative with respect to it.
    """
    found = np.zeros(len(partial))
    k = 0
    for block in blocks_of(blocks):
        for i in range(block.start, block.stop):
            own = partial[k : k + i - block.start]
            products = adjoint[i] * factor[i]
            left = np.concatenate([[1.0], np.cumprod(_sech(own))])[:-1]
            for m in range(len(own)):
                j = block.start + m
                found[k + m] = adjoint[i, j] * left[m] * _sech(own[m]) ** 2
                found[k + m] -= np.tanh(own[m]) * products[j + 1 : i + 1].sum()
            k += len(own)
    return found


def lkj_weights(blocks: Sequence[int], eta: Sequence[float]) -> np.ndarray:
    """Give what multiplies log(cosh(y)) in the log density of each y under LKJ(eta), the Jacobian included, shape (c,).

    Parameters
    ----------
    blocks : sequence of int
    eta : sequence of float
        Of each block.
    """
    return np.array(
        [-2 * e - (size - 2 - j) for size, e in zip(blocks, eta, strict=True) for i in range(size) for j in range(i)]
    )


def log_cosh(y: np.ndarray) -> np.ndarray:
    """Give log(cosh(y)) without overflow, elementwise."""
    return np.asarray(np.abs(y) + np.log1p(np.exp(-2 * np.abs(y))) - np.log(2))


def _sech(y: np.ndarray) -> np.ndarray:
    """1 / cosh(y)."""
    small = np.exp(-np.abs(y))
    return np.asarray(2 * small / (1 + small**2))
