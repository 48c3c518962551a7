"""Linear algebra of very many small matrices at once, written out over their rows and columns.

Matrices have their own two axes first and as many as there are in the axes behind, so that each step is one operation
on long contiguous arrays: for the few effects that a group has, several times as fast as a call for each matrix.
"""

import numpy as np

__all__ = ["backward", "cholesky", "forward", "multiply", "posterior_factors", "quadratic_form", "squared"]


def backward(factors: np.ndarray, right: np.ndarray) -> np.ndarray:
    """Solve L'x = right for lower triangular L; the arguments are those of `forward`."""
    solution = np.empty(np.broadcast_shapes(factors.shape[1:], right.shape))
    for i in reversed(range(len(factors))):
        solution[i] = (right[i] - _products(factors[i + 1 :, i], solution[i + 1 :])) / factors[i, i]
    return solution


def cholesky(matrices: np.ndarray) -> np.ndarray:
    """Factorise positive definite matrices, shape (q, q, ...): the lower triangular factors, zeros above.

    Parameters
    ----------
    matrices : numpy.ndarray, shape (q, q, ...)
        Only the lower triangles are read.
    """
    factors = np.zeros_like(matrices)
    for j in range(len(matrices)):
        pivot = matrices[j, j] - _products(factors[j, :j], factors[j, :j])
        factors[j, j] = np.sqrt(pivot)
        for i in range(j + 1, len(matrices)):
            factors[i, j] = (matrices[i, j] - _products(factors[i, :j], factors[j, :j])) / factors[j, j]
    return factors


def forward(factors: np.ndarray, right: np.ndarray) -> np.ndarray:
    """Solve L x = right for lower triangular L.

    Parameters
    ----------
    factors : numpy.ndarray, shape (q, q, ...)
    right : numpy.ndarray, shape (q, ...)
    """
    solution = np.empty(np.broadcast_shapes(factors.shape[1:], right.shape))
    for i in range(len(factors)):
        solution[i] = (right[i] - _products(factors[i, :i], solution[:i])) / factors[i, i]
    return solution


def multiply(matrices: np.ndarray, vectors: np.ndarray) -> np.ndarray:
    """Multiply matrices, shape (p, q, ...), by vectors, shape (q, ...)."""
    return np.stack([_products(row, vectors) for row in matrices])


def quadratic_form(matrices: np.ndarray, owner: np.ndarray, vectors: np.ndarray) -> np.ndarray:
    """Give x'Mx, shape (S, n).

    Parameters
    ----------
    matrices : numpy.ndarray, shape (q, q, S, G)
        Symmetric.
    owner : numpy.ndarray of int, shape (n,)
        Which of the G matrices is each vector's.
    vectors : numpy.ndarray, shape (q, n)
    """
    total = np.zeros((matrices.shape[2], len(owner)))
    for i in range(len(matrices)):
        for j in range(i + 1):
            total += matrices[i, j][:, owner] * (vectors[i] * vectors[j] * (1.0 if i == j else 2.0))
    return total


def posterior_factors(cross: np.ndarray, factors: np.ndarray) -> np.ndarray:
    """Give W with W'W the covariance, in units of sigma^2, of a group's effects given rows with Z'Z = cross.

    With effects of covariance sigma^2 Lambda Lambda' the covariance given the rows is sigma^2 Lambda (I + Lambda'Z'Z
    Lambda)^-1 Lambda', so W = L^-1 Lambda' with L the Cholesky factor of what is inverted; standard deviations of 0 do
    no harm: Bates & DebRoy (2004), doi:10.1016/j.jmva.2004.04.013.

    Parameters
    ----------
    cross : numpy.ndarray, shape (q, q, ...)
        Z'Z of groups.
    factors : numpy.ndarray, shape (q, q, ...)
        Lambda, lower triangular, of draws; the axes behind broadcast with those of `cross`.

    Returns
    -------
    numpy.ndarray, shape (q, q, ...)
    """
    q = len(cross)
    half = np.stack([multiply(cross, factors[:, j]) for j in range(q)], axis=1)
    inner = np.empty_like(half)
    for i in range(q):
        for j in range(i + 1):
            inner[i, j] = _products(factors[i:, i], half[i:, j]) + float(i == j)
    lower = cholesky(inner)
    return np.stack([forward(lower, factors[k]) for k in range(q)], axis=1)


def squared(factors: np.ndarray) -> np.ndarray:
    """Give the product W'W of matrices, shape (q, q, ...)."""
    q = len(factors)
    product = np.empty_like(factors)
    for i in range(q):
        for j in range(i + 1):
            product[i, j] = product[j, i] = _products(factors[:, i], factors[:, j])
    return product


def _products(left: np.ndarray, right: np.ndarray) -> np.ndarray:
    """Sum of elementwise products over the first axis."""
    total = np.zeros(np.broadcast_shapes(left.shape[1:], right.shape[1:]))
    for a, b in zip(left, right, strict=True):
        total += a * b
    return total
