"""Predictions, averaged over rows: of all of them, by their groups, and with predictors at values of interest."""

from collections.abc import Mapping, Sequence
from itertools import product
from typing import Any, Literal

import numpy as np

from stanhier.basics.arguments import in_our_words
from stanhier.basics.errors import StanhierError
from stanhier.basics.words import quoted
from stanhier.engines.regression import Regression
from stanhier.marginal.comparisons import HABITS
from stanhier.marginal.effects import Effects
from stanhier.marginal.estimating import Asked, Quantity, estimated
from stanhier.marginal.rows import Fixed, UserRows, user_rows
from stanhier.marginal.variables import Variable, named_variables
from stanhier.posterior.fitted import Fitted

__all__ = ["predictions"]

_MOST_STATES = 10_000


@in_our_words(HABITS)
def predictions(
    fit: Fitted[Regression],
    variables: str | Sequence[str] | Mapping[str, Any] | None = None,
    *,
    by: str | Sequence[str] | None = None,
    average: bool = True,
    new: Any = None,
    kind: Literal["mean", "linear"] = "mean",
    group_effects: bool = True,
    new_groups: Literal["error", "sample"] = "error",
    prob: float = 0.9,
) -> Effects:
    """Average predictions over rows.

    With `variables` all rows are predicted at each of their values, all else in each row as it is, and averaged:
    marginal means, as the g-formula has them. With `by` the rows are averaged in groups, as they are.

    Parameters
    ----------
    variables : str, sequence of str, or mapping, optional
        Columns of the formula that are set: to all their categories, numbers to minimum, quartiles and maximum; or to
        the values of a mapping, `{"age": [20, 40, 60]}`. Of several, every combination.
    by : str or sequence of str, optional
        Columns of the rows: one average for each of their values, instead of one over all rows.
    average : bool
        Whether to average over rows; else there is one prediction for each row.
    new, kind, group_effects, new_groups, prob
        As for `Fit.comparisons`.

    Returns
    -------
    Effects
        A pandas.DataFrame, one row for each average or row: the values of `variables`, the columns of `by` or the label
        of the row, mean, sd, lower, median, upper. `.draws` has the draws behind it, `.plot()` draws it.

    Raises
    ------
    DataError, StanhierError
        As `Fit.comparisons`.

    References
    ----------
    Arel-Bundock, Greifer & Heiss (2024), doi:10.18637/jss.v111.i09.
    """
    asked = Asked("predictions", by, average, kind, group_effects, new_groups, prob)
    rows = user_rows(fit, new, by, group_effects=group_effects, new_groups=new_groups, where="predictions")
    values = _values(rows, variables)
    number = int(np.prod([float(len(own)) for own in values.values()]))
    if number > _MOST_STATES:
        raise StanhierError(
            f"predictions(...): there are {number:,} combinations of values, of at most {_MOST_STATES:,}; give fewer."
        )
    quantities = [
        Quantity(
            dict(zip(values, chosen, strict=True)),
            [{name: Fixed(value) for name, value in zip(values, chosen, strict=True)}],
            lambda predicted: predicted,
        )
        for chosen in product(*values.values())
    ]
    return estimated(rows, quantities, asked, null=None, words="{}")


def _values(rows: UserRows, variables: Any) -> dict[str, list[Any]]:
    """Give the values of each variable."""
    if variables is None:
        return {}
    given = dict(variables) if isinstance(variables, Mapping) else dict.fromkeys(named_variables(rows, variables))
    return {name: _of_one(Variable.of(rows, name), own) for name, own in given.items()}


def _of_one(variable: Variable, given: Any) -> list[Any]:
    if given is None:
        if variable.levels is not None:
            return variable.levels
        return list(dict.fromkeys(np.quantile(variable.values, (0, 0.25, 0.5, 0.75, 1)).tolist()))
    values = list(given) if isinstance(given, list | tuple | range | np.ndarray) else [given]
    if not values:
        raise StanhierError(f"predictions({{{quoted(variable.name)}: []}}): there are no values; give some.")
    if variable.levels is not None:
        return list(dict.fromkeys(variable.level(value, "predictions") for value in values))
    try:
        numbers = list(dict.fromkeys(float(value) for value in values))
    except (TypeError, ValueError) as err:
        raise StanhierError(
            f"predictions({{{quoted(variable.name)}: {quoted(given)}}}): '{variable.name}' holds numbers; give numbers."
        ) from err
    if not np.isfinite(numbers).all():
        raise StanhierError(f"predictions({{{quoted(variable.name)}: ...}}): these numbers must be finite.")
    return [int(value) for value in numbers] if all(value.is_integer() for value in numbers) else numbers
