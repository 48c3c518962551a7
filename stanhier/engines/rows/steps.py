"""How far Newton's steps go at once."""

import numpy as np

from stanhier.engines.rows.likelihood import WITH_SIGMA

__all__ = ["first_size"]

FARTHEST = 20.0
"""Of a linear predictor inside a link: where responses tell little of it, a whole step may lead beyond all numbers."""


def first_size(code: int, change: np.ndarray) -> float:
    """Give the part of a step that is tried first: 1 unless linear predictors would change too much.

    Parameters
    ----------
    code : int
        Of family and link.
    change : numpy.ndarray, shape (M,)
        Of the linear predictors, by the whole step.
    """
    if code in WITH_SIGMA or not len(change):
        return 1.0
    return min(1.0, FARTHEST / max(float(np.abs(change).max()), FARTHEST))
