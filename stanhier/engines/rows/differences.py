"""Gradients by central differences, of log densities of few numbers."""

from collections.abc import Callable

import numpy as np

from stanhier.engines.multilevel.mode import LogDensity

__all__ = ["by_differences"]

_STEP = 1e-3
"""Of logarithms and the like; what is found are a point and axes, and these need two or three digits."""


def by_differences(value: Callable[[np.ndarray], float]) -> LogDensity:
    """Give a log density with its gradient."""

    def density(point: np.ndarray) -> tuple[float, np.ndarray]:
        steps = _STEP * np.eye(len(point))
        slopes = [(value(point + step) - value(point - step)) / (2 * _STEP) for step in steps]
        return value(point), np.array(slopes)

    return density
