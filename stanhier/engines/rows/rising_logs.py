"""Sums of log(1 + k / shape) over k below counts: what negative binomial responses tell of their shape alone.

log(Gamma(y + shape) / Gamma(shape)) is y log(shape) plus the sum of log(1 + k / shape) over k = 0, 1 .. y - 1. So all
rows need one sum, of f(k) = log(1 + k / shape) times the number of rows with y > k, and it keeps its digits where the
shape is large. From k = a to 2 a the function f is smooth whatever the shape is, since it is singular at k = -shape
alone: a polynomial through a few places is f there, and the sum over k a weighted sum over these places. So counts of a
million cost what small ones do.

References
----------
Trefethen (2013), Approximation Theory and Approximation Practice, chapters 4 and 8: polynomials through Chebyshev
points, and their error, which is (3 + sqrt(8))^-n here.
"""

import numpy as np
from numpy.polynomial import chebyshev

__all__ = ["rising_logs"]

_ONE_BY_ONE = 64
_PLACES = 20
_SUMMED = 1 << 16
"""Longer stretches of k are integrated: Euler's and Maclaurin's next term is below rounding there."""


def rising_logs(values: np.ndarray, often: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Give places and weights, for all shapes, of the sum over rows of log(1 + k / shape), k = 0 .. y - 1.

    Parameters
    ----------
    values : numpy.ndarray, shape (V,)
        Responses that occur, sorted.
    often : numpy.ndarray of int, shape (V,)
        How often.

    Returns
    -------
    places, weights : numpy.ndarray, shape (K,)
        The sum is `weights @ np.log1p(places / shape)`, and its derivative by the shape likewise.
    """
    largest = int(values[-1]) if len(values) else 0
    places = np.arange(min(largest, _ONE_BY_ONE), dtype=float)
    parts = [(places, _rows_above(values, often, places))]
    start = _ONE_BY_ONE
    while start < largest:
        parts.append(_stretch(values, often, start))
        start *= 2
    places, weights = (np.concatenate(part) for part in zip(*parts, strict=True))
    return places, weights


def _rows_above(values: np.ndarray, often: np.ndarray, k: np.ndarray) -> np.ndarray:
    more = np.append(np.cumsum(often[::-1])[::-1], 0)
    return np.asarray(more[np.searchsorted(values, k, side="right")], dtype=float)


def _stretch(values: np.ndarray, often: np.ndarray, start: int) -> tuple[np.ndarray, np.ndarray]:
    """Give places and weights of k = start .. 2 start - 1."""
    middle, half = 1.5 * start - 0.5, 0.5 * (start - 1)
    points = chebyshev.chebpts1(_PLACES)
    if start <= _SUMMED:
        k = np.arange(start, 2 * start, dtype=float)
        sums = _rows_above(values, often, k) @ chebyshev.chebvander((k - middle) / half, _PLACES - 1)
    else:
        sums = _integrated(values, often, start, middle, half)
    # The polynomials are orthogonal over their places: the first with itself gives their number, others half of it.
    sums[1:] *= 2
    return middle + half * points, chebyshev.chebvander(points, _PLACES - 1) @ sums / _PLACES


def _integrated(values: np.ndarray, often: np.ndarray, start: int, middle: float, half: float) -> np.ndarray:
    """Give for each polynomial its sum over rows and k = start .. min(y, 2 start) - 1, shape (20,)."""
    reached = values > start
    ends = (np.minimum(values[reached], 2 * start) - 0.5 - middle) / half
    begin = (start - 0.5 - middle) / half
    sums = np.empty(_PLACES)
    for degree, polynomial in enumerate(np.eye(_PLACES)):
        antiderivative = half * np.append(chebyshev.chebint(polynomial), 0.0)
        slope = chebyshev.chebder(polynomial) / (24 * half)
        antiderivative[: len(slope)] -= slope
        sums[degree] = often[reached] @ (
            chebyshev.chebval(ends, antiderivative) - chebyshev.chebval(begin, antiderivative)
        )
    return sums
