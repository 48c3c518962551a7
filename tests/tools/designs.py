"""Designs of the same rows, compared."""

import numpy as np

from stanhier.design import streamed
from stanhier.engines.building import reducer_of

__all__ = ["assert_same_design", "design_of"]


def design_of(formula, data, *, se=None):
    """The design of a Gaussian model."""
    return streamed.design_of(formula, data, reducer_of(formula), se=se)


def assert_same_design(one, other):
    """Compare designs of the same rows in any order, to 1e-10 of the spread of their columns."""
    assert one.n_rows == other.n_rows
    assert one.predictors == other.predictors
    a, b = (design.reduce(reducer_of(design.formula)) for design in (one, other))
    np.testing.assert_allclose(a.mean, b.mean, rtol=1e-10, atol=1e-10 * b.sd.min())
    np.testing.assert_allclose(a.sd, b.sd, rtol=1e-10)
    np.testing.assert_allclose(a.weights, b.weights, rtol=1e-10)
    np.testing.assert_allclose((a.means + a.origin - b.origin) / _positive(b.sd), b.means / _positive(b.sd), atol=1e-10)
    squares = b.within.T @ b.within
    scale = _positive(np.sqrt(np.diag(squares)))
    np.testing.assert_allclose(
        a.within.T @ a.within / np.outer(scale, scale), squares / np.outer(scale, scale), atol=1e-10
    )
    if one.group is not None:
        assert list(one.group.levels) == list(other.group.levels)
        assert one.group.levels.dtype == other.group.levels.dtype


def _positive(scale):
    return np.where(scale > 0, scale, 1.0)
