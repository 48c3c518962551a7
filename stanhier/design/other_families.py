"""Responses taken for Gaussian that are of another family."""

import numpy as np

from stanhier.basics.warned import ResponseWarning, warn
from stanhier.design.in_memory import InMemoryDesign

__all__ = ["warn_of_family"]

_FEW = 20
"""Different values at most of whole numbers that are taken for counts."""


def warn_of_family(design: InMemoryDesign | None) -> None:
    """Say that there are other families, where a column of the data is yes or no, or counts, and taken for Gaussian.

    Parameters
    ----------
    design : InMemoryDesign or None
        None of rows that are not in memory, which are not looked at again.

    Warns
    -----
    ResponseWarning
    """
    if design is None or not design.family.is_gaussian:
        return
    y, formula = design.observed, design.formula
    if formula.response_column is None or len(y) < 3:
        return
    if y.min() < 0 or y.max() == y.min() or not np.array_equal(y[:1000], np.round(y[:1000])):
        return
    values = np.unique(y)
    if not np.array_equal(values, np.round(values)):
        return
    if np.array_equal(values, [0, 1]):
        what, name = "is 0 or 1 in every row", "bernoulli"
    elif values[0] == 0 and len(values) <= _FEW:
        what, name = f"is a count from 0 to {values[-1]:g} in every row", "poisson"
    else:
        return
    warn(
        f"The response '{formula.response}' {what}, and the model takes it for normally distributed; "
        f'Model(..., family="{name}") takes it for what it is.',
        ResponseWarning,
    )
