"""Responses taken for Gaussian that are of another family, and offsets that are exposures without their logarithm."""

import numpy as np

from stanhier.basics.warned import ResponseWarning, warn
from stanhier.basics.words import in_formula, quoted
from stanhier.design.in_memory import InMemoryDesign

__all__ = ["said_of_exposure", "said_of_other_family", "warn_of_family"]

_FEW = 20
"""Different values at most of whole numbers that are taken for counts."""

_SCALE = range(3, 12)
"""Numbers of different values that an answer on a scale has, such as 1 to 5."""

_WIDE = 10.0
"""Range of an offset of a log link from which on it looks like an exposure: rows expect 22,026 times others."""


def warn_of_family(design: InMemoryDesign | None) -> None:
    """Say that a response that is yes or no, or counts, is taken for Gaussian, or an offset of counts no logarithm.

    Parameters
    ----------
    design : InMemoryDesign or None
        None of rows that are not in memory, which are not looked at again.

    Warns
    -----
    ResponseWarning
    """
    said = None if design is None else said_of_other_family(design) or said_of_exposure(design)
    if said is not None:
        warn(said, ResponseWarning)


def said_of_other_family(design: InMemoryDesign, *, scales: bool = False) -> str | None:
    """Say what a response taken for Gaussian is in truth, and which family takes it for what it is.

    Parameters
    ----------
    design : InMemoryDesign
    scales : bool
        Whether to look for answers on a scale from 1 too.
    """
    if not design.family.is_gaussian:
        return None
    y, formula = design.observed, design.formula
    if formula.response_column is None or len(y) < 3:
        return None
    if y.min() < 0 or y.max() == y.min() or not np.array_equal(y[:1000], np.round(y[:1000])):
        return None
    values = np.unique(y)
    if not np.array_equal(values, np.round(values)):
        return None
    if np.array_equal(values, [0, 1]):
        what, model = "is 0 or 1 in every row", '..., family="bernoulli"'
    elif values[0] == 0 and len(values) <= _FEW:
        what, model = f"is a count from 0 to {values[-1]:g} in every row", '..., family="poisson"'
    elif scales and values[0] == 1 and values[-1] in _SCALE and len(values) >= 3:
        what = f"is a whole number from 1 to {values[-1]:g} in every row, as of answers on a scale"
        less = f"I({in_formula(formula.response)} - 1)"
        model = f'"{less} ~ ...", family="binomial", trials={values[-1] - 1:g}'
    else:
        return None
    return (
        f"The response '{formula.response}' {what}, and the model takes it for normally distributed; "
        f"Model({model}) {'takes it for what it is' if values[0] == 0 else 'keeps to its ends'}."
    )


def said_of_exposure(design: InMemoryDesign) -> str | None:
    """Say that an offset looks like an exposure as it was measured, where it is added to the logarithm of the mean.

    Parameters
    ----------
    design : InMemoryDesign

    Returns
    -------
    str or None
        None where the link is no logarithm, or the offset may well be one.
    """
    offset = design.offset
    if design.family.link != "log" or offset is None or not len(offset):
        return None
    low, high = float(offset.min()), float(offset.max())
    if low <= 0 or high - low <= _WIDE:
        return None
    if design.offset_name is None:
        name, logarithm = "The offset", "the logarithm of it, offset=np.log(...)"
    else:
        name = f"The offset {quoted(design.offset_name)}"
        logarithm = f"a column with its logarithm, np.log(data[{quoted(design.offset_name)}])"
    return (
        f"{name} is from {low:.4g} to {high:.4g} and is added to the logarithm of the expected counts: some rows "
        f"expect exp({high - low:.4g}) times as many as others. If it is an exposure, such as days or inhabitants, "
        f"give {logarithm}."
    )
