"""Predictors that are nearly combinations of each other, whose coefficients the data hardly tell apart.

References
----------
Belsley, Kuh & Welsch (1980), Regression Diagnostics, doi:10.1002/0471725153, chapter 3: condition indices, from 30 on
those of a strong dependency, which takes part of whatever owes it more than half of its variance. Here of standardised
columns, since the intercept stands apart: two columns of correlation r have the index sqrt((1 + r) / (1 - r)).
"""

import numpy as np

from stanhier.basics.words import listed
from stanhier.engines.regression import Regression

__all__ = ["collinear_notes"]

STRONG = 30.0
"""Condition index: of two predictors, from a correlation of 0.998 on."""
_EXACT = 1e6
"""From there on it is roundings that tell columns apart."""
_MOST_NAMED = 6


def collinear_notes(model: Regression) -> tuple[list[str], str | None]:
    """Name predictors that are nearly combinations of each other.

    Parameters
    ----------
    model : Regression

    Returns
    -------
    notes : list of str
        One at most.
    lack : str or None
        What could not be looked at, and why.
    """
    names = model.design.predictors
    if len(names) < 2:
        return [], None
    covariance = model.engine.predictor_covariance()
    if covariance is None and model.in_memory is not None:
        covariance = np.cov(model.in_memory.X, rowvar=False)
    if covariance is None:
        return [], "collinear predictors, of rows that are not in memory and have weights"
    sd = np.sqrt(np.diagonal(covariance))
    varying = np.flatnonzero(sd > 0)
    correlations = (covariance / np.outer(sd, sd).clip(np.finfo(float).tiny))[np.ix_(varying, varying)]
    values, vectors = np.linalg.eigh(correlations)
    values = np.maximum(values, values[-1] * np.finfo(float).eps)
    indices = np.sqrt(values[-1] / values)
    weak = indices >= STRONG
    if not weak.any():
        return [], None
    parts = vectors**2 / values  # of the variance of each coefficient, by direction
    inflation = parts.sum(axis=1)
    taking_part = parts[:, weak].sum(axis=1) > 0.5 * inflation
    said = listed([names[k] for k in varying[taking_part]], _MOST_NAMED)
    largest = float(indices.max())
    how = (
        f"nearly combinations of each other (condition index {largest:,.0f}, from {STRONG:.0f} on a strong dependency)"
    )
    if largest >= _EXACT:
        how = (
            "combinations of each other" if len(varying) < model.design.n_rows else "more columns than rows tell apart"
        )
    note = (
        f"the predictors {said} are {how}: the data say little of each coefficient by itself, and the priors may "
        "decide; what is predicted from all of them does not suffer. Leave one out, or take sum and difference in the "
        "place of two; in the place of powers of x take poly(x, 2)."
    )
    return [note], None
