"""Slopes: how predictions change with a predictor, at the values that rows have.

They are central differences (f(x + h) - f(x - h)) / 2h. The error of such a difference is least where h, in units of
the length over which f changes, is about the cube root of the relative error of f (Press et al. 2007, section 5.7). The
standard deviation of x stands for that length, as in autoscaled priors, and h is 1e-4 of it: predictions whose
predictors lie far from 0, as years do, are known to about 1e-12. Where the formula calculates with an x that is never
negative, as in `log(x)`, its own value is the length where that is less; and where x + h or x - h would leave the range
of the data, where a spline may end, the difference is taken inwards, with a hundredth of the step, as its error is of
the first order.
"""

from collections.abc import Sequence
from typing import Any, Literal

import numpy as np

from stanhier.basics.arguments import in_our_words
from stanhier.basics.errors import StanhierError
from stanhier.basics.words import quoted
from stanhier.engines.regression import Regression
from stanhier.marginal.comparisons import HABITS
from stanhier.marginal.effects import Effects
from stanhier.marginal.estimating import Asked, Quantity, estimated
from stanhier.marginal.rows import Shifted, UserRows, user_rows
from stanhier.marginal.variables import Variable, named_variables
from stanhier.posterior.fitted import Fitted

__all__ = ["slopes"]

_STEP = 1e-4
_ONE_SIDED = 0.01


@in_our_words(HABITS)
def slopes(
    fit: Fitted[Regression],
    variables: str | Sequence[str] | None = None,
    *,
    by: str | Sequence[str] | None = None,
    average: bool = True,
    new: Any = None,
    kind: Literal["mean", "linear"] = "mean",
    group_effects: bool = True,
    new_groups: Literal["error", "sample"] = "error",
    prob: float = 0.9,
) -> Effects:
    """Give the slopes of predictions along predictors, at the values that the rows have: average marginal effects.

    They are the derivative of the expected response by the column of the data, whatever the formula makes of it, found
    by central differences with steps of 1e-4 standard deviations of the column. The slope of a linear predictor is the
    coefficient itself, where the formula does not calculate with the column.

    Parameters
    ----------
    variables : str or sequence of str, optional
        Columns of numbers; by default all of those among the predictors of the population.
    by : str or sequence of str, optional
        Columns of the rows: one average for each of their values, instead of one over all rows.
    average : bool
        Whether to average over rows; else there is one slope for each row.
    new, kind, group_effects, new_groups, prob
        As for `Fit.comparisons`.

    Returns
    -------
    Effects
        As of `Fit.comparisons`; the contrast is dY/dX.

    Raises
    ------
    DataError, StanhierError
        As `Fit.comparisons`; of categories there are no slopes.

    References
    ----------
    Arel-Bundock, Greifer & Heiss (2024), doi:10.18637/jss.v111.i09.
    Press, Teukolsky, Vetterling & Flannery (2007), Numerical Recipes, 3rd edition, section 5.7 (steps of differences).
    """
    asked = Asked("slopes", by, average, kind, group_effects, new_groups, prob)
    rows = user_rows(fit, new, by, group_effects=group_effects, new_groups=new_groups, where="slopes")
    found = [Variable.of(rows, name) for name in named_variables(rows, variables)]
    if variables is None:
        found = [one for one in found if one.levels is None]
        if not found:
            raise StanhierError("slopes(): no predictor holds numbers; comparisons() compares categories.")
    quantities = [_slope(rows, one) for one in found]
    return estimated(rows, quantities, asked, own=("term", "contrast"), null=0.0, words="Slopes of {}")


def _slope(rows: UserRows, variable: Variable) -> Quantity:
    name = variable.name
    if variable.levels is not None:
        raise StanhierError(
            f"slopes({quoted(name)}): '{name}' holds categories, which have no slope; comparisons({quoted(name)}) "
            "compares them."
        )
    x = variable.of_rows
    below, above = _steps(rows, variable, x)
    # What the computer makes of x - h and x + h is what is between them.
    width = (x + above) - (x - below)
    return Quantity(
        {"term": name, "contrast": "dY/dX"},
        [{name: Shifted(-below)}, {name: Shifted(above)}],
        lambda low, high: high - low,
        1 / width,
    )


def _steps(rows: UserRows, variable: Variable, x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Choose how far to go down and up from each row's value, each of shape (N,)."""
    h = np.full(len(x), _STEP * variable.spread)
    if variable.name not in rows.design.formula.calculated:
        return h, h.copy()
    seen = variable.values
    lowest, highest = min(seen.min(), x.min()), max(seen.max(), x.max())
    if lowest >= 0:
        h = np.where(x > 0, np.minimum(h, _STEP * x), h)
    below, above = h.copy(), h.copy()
    at_lowest, at_highest = x - h < lowest, x + h > highest
    below[at_lowest], above[at_lowest] = 0.0, _ONE_SIDED * h[at_lowest]
    below[at_highest], above[at_highest] = _ONE_SIDED * h[at_highest], 0.0
    return below, above
