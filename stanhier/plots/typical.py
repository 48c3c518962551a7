"""Rows along a predictor, with everything else where most data are."""

import textwrap
from typing import Any

import numpy as np
import pandas as pd

from stanhier.basics.errors import StanhierError
from stanhier.basics.words import quoted
from stanhier.engines.regression import Regression
from stanhier.plots.shared import short
from stanhier.posterior.fitted import Fitted

__all__ = ["fixed_words", "is_numeric", "levels", "rows_along", "typical"]

_MAX_LEVELS = 8
_NAMED = 3
_STEPS = 60


def is_numeric(column: pd.Series) -> bool:
    """Tell whether a column is a number, not a category or a truth value."""
    return not isinstance(column.dtype, pd.CategoricalDtype) and column.dtype.kind != "b"


def typical(column: pd.Series) -> Any:
    """Give the mean of numbers, and else the most frequent value."""
    if isinstance(column.dtype, pd.CategoricalDtype) or column.dtype.kind == "b":
        return column.mode().iloc[0]
    return float(column.mean())


def levels(frame: pd.DataFrame, by: str) -> list[tuple[Any, str, np.ndarray]]:
    """Give the values of `by` to draw, what to call them, and the rows that belong to each."""
    column = frame[by]
    if isinstance(column.dtype, pd.CategoricalDtype) or column.dtype.kind == "b":
        values = list(column.cat.categories) if isinstance(column.dtype, pd.CategoricalDtype) else [False, True]
        if len(values) > _MAX_LEVELS:
            raise StanhierError(
                f"plot_prediction(by={quoted(by)}): {len(values)} categories are too many lines for one picture "
                f"(at most {_MAX_LEVELS})."
            )
        return [(value, short(value), (column == value).to_numpy()) for value in values]
    numbers = column.to_numpy(dtype=float)
    distinct = np.unique(numbers)
    values = list(distinct) if len(distinct) <= 3 else [numbers.mean() + k * numbers.std() for k in (-1, 0, 1)]
    nearest = np.abs(numbers[:, None] - np.array(values)).argmin(axis=1)
    return [(value, f"{value:.4g}", nearest == k) for k, value in enumerate(values)]


def fixed_words(fit: Fitted[Regression], x: str, by: str | None) -> str:
    """Say where the predictors stay that are not drawn, the first three by name; empty if there are none."""
    frame = fit.model.rows.frame
    others = [c for c in fit.model.design.formula.predictor_columns if c not in (x, by)]
    if not others:
        return ""
    values = {c: typical(frame[c]) for c in others[:_NAMED]}
    said = [
        f"{short(c)} = {f'{v:.4g}'.replace('-', '−') if isinstance(v, float) else short(v)}" for c, v in values.items()
    ]
    if len(others) > _NAMED:
        said.append(f"{len(others) - _NAMED} more likewise")
    return "\n".join(textwrap.wrap(f"(at {', '.join(said)})", 64))


def rows_along(fit: Fitted[Regression], x: str, given: dict[str, Any]) -> pd.DataFrame:
    """Make rows along `x`, everything else at its given or typical value, with the categories of the fit."""
    frame = fit.model.rows.frame
    column = frame[x]
    if is_numeric(column):
        values: Any = np.linspace(float(column.min()), float(column.max()), _STEPS)
    else:
        values = list(column.cat.categories) if isinstance(column.dtype, pd.CategoricalDtype) else [False, True]
    grid = pd.DataFrame({x: values})
    for name in fit.model.design.formula.predictor_columns:
        if name != x:
            grid[name] = [given.get(name, typical(frame[name]))] * len(grid)
        if isinstance(frame[name].dtype, pd.CategoricalDtype):
            grid[name] = pd.Categorical(grid[name], categories=frame[name].cat.categories)
    group = fit.model.design.group
    if group is not None and group.name in given:
        grid[group.name] = [given[group.name]] * len(grid)
    return grid
