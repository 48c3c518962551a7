"""Gradients by central differences, of log densities of few numbers."""

from collections.abc import Callable

import numpy as np

from stanhier.engines.multilevel.mode import LogDensity

__all__ = ["by_differences"]

_STEP = 1e-3
"""Of logarithms and the like; what is found are a point and axes, and these need two or three digits."""


def by_differences(value: Callable[[np.ndarray], float]) -> LogDensity:
    """Give a log density with its gradient, 0 along directions in which it cannot be computed."""

    def density(point: np.ndarray) -> tuple[float, np.ndarray]:
        steps = _STEP * np.eye(len(point))
        around = np.array([[value(point + step), value(point - step)] for step in steps]).reshape(-1, 2)
        slopes = np.where(np.isfinite(around).all(axis=1), around @ [1.0, -1.0], 0.0) / (2 * _STEP)
        return value(point), slopes

    return density
