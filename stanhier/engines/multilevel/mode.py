"""The mode of a smooth log density of few numbers, and its curvature there."""

from collections.abc import Callable

import numpy as np

__all__ = ["LogDensity", "covariance_of", "curvature", "find_mode"]

LogDensity = Callable[[np.ndarray], tuple[float, np.ndarray]]
"""Gives value and gradient at a point; -inf outside of where it can be computed."""

LEAST_CURVATURE = 0.1
GREATEST_STEP = 2.0
NEARLY_THERE = 1e-7
STEP = 1e-3
"""Large, since where sigma is small against effects the gradient has few digits; curvature needs two or three."""


def curvature(density: LogDensity, point: np.ndarray, gradient: np.ndarray) -> np.ndarray:
    """Give minus the matrix of second derivatives, by differences of the gradient from that at the point."""
    size = len(point)
    matrix = np.empty((size, size))
    for k, away in enumerate(STEP * np.eye(size)):
        matrix[k] = (gradient - density(point + away)[1]) / STEP
    return 0.5 * (matrix + matrix.T)


def covariance_of(curvature: np.ndarray) -> np.ndarray:
    """Invert the curvature; a posterior without any at its mode still gets axes of a sensible length."""
    values, vectors = np.linalg.eigh(curvature)
    return np.asarray((vectors / np.maximum(values, LEAST_CURVATURE)) @ vectors.T)


def find_mode(density: LogDensity, start: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Climb to a mode by Newton's method.

    Where the density is not concave, each direction is followed as far as the size of its curvature says, and no
    further than two units: the coordinates are logarithms and the like (Nocedal & Wright 2006, Numerical Optimization,
    section 3.4).

    Parameters
    ----------
    density : callable
    start : numpy.ndarray, shape (L,)

    Returns
    -------
    mode : numpy.ndarray, shape (L,)
    curvature : numpy.ndarray, shape (L, L)
        Close to the mode.
    """
    point = start
    value, gradient = density(point)
    matrix = curvature(density, point, gradient)
    for _ in range(50):
        eigenvalues, vectors = np.linalg.eigh(matrix)
        step = vectors @ ((vectors.T @ gradient) / np.maximum(np.abs(eigenvalues), LEAST_CURVATURE))
        step *= min(1.0, GREATEST_STEP / max(float(np.abs(step).max(initial=0.0)), 1e-300))
        gain = float(gradient @ step)
        if gain < NEARLY_THERE:
            break
        new_value, new_gradient = density(point + step)
        while not new_value > value + 1e-4 * gain:
            step, gain = step / 2, gain / 2
            if gain < 1e-2 * NEARLY_THERE:
                return point, matrix
            new_value, new_gradient = density(point + step)
        point, value, gradient = point + step, new_value, new_gradient
        matrix = curvature(density, point, gradient)
    return point, matrix
