"""Rows along a predictor, with everything else where most data are: numbers at their means, categories at a level."""

import textwrap
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import pandas as pd

from stanhier.basics.errors import DataError, FormulaError, StanhierError
from stanhier.basics.spacing import evenly
from stanhier.basics.words import quoted
from stanhier.design.design import Design
from stanhier.design.in_memory import InMemoryDesign
from stanhier.design.levels import levels_of
from stanhier.plots.shared import short

__all__ = [
    "Course",
    "course_along",
    "defined",
    "fixed_words",
    "lines_by",
    "made_from",
    "own_words",
    "rows_at",
    "typical_values",
    "wrapped",
]

_MAX_LINES = 8
_MAX_LEVELS = 100
_NAMED_LEVELS, _NAMED = 6, 3
_STEPS = 60


@dataclass(frozen=True)
class Course:
    """The values of a predictor at which a picture shows the mean.

    Attributes
    ----------
    name : str
        The predictor's column.
    values : list
    kind : {"line", "points", "levels"}
        A line over numbers, perhaps with gaps; points over few numbers where the formula is not defined between them;
        or categories side by side.
    shown : numpy.ndarray of int
        Of levels: which of all they are.
    n_levels : int
        Of levels: how many there are.
    """

    name: str
    values: list[Any]
    kind: Literal["line", "points", "levels"]
    shown: np.ndarray
    n_levels: int = 0

    @property
    def positions(self) -> np.ndarray:
        """Where the values stand on the axis."""
        return np.arange(len(self.values)) if self.kind == "levels" else np.array(self.values, dtype=float)

    def positions_of(self, column: pd.Series) -> np.ndarray:
        """Give where rows stand on the axis; NaN if their level is not shown."""
        if self.kind != "levels":
            return column.to_numpy(dtype=float)
        places = np.full(self.n_levels, np.nan)
        places[self.shown] = np.arange(len(self.shown))
        if isinstance(column.dtype, pd.CategoricalDtype):
            return np.asarray(places[column.cat.codes.to_numpy()])
        return np.asarray(places[np.unique(column.to_numpy(), return_inverse=True)[1]])


def made_from(design: Design, name: Any) -> list[str]:
    """List the columns of the data that a column of the design, or an expression of the formula, is made from."""
    formula = design.formula
    if name in design.columns.names:
        return sorted(design.columns.made_of(formula)[design.columns.names.index(name)])
    return sorted(formula.expressions[name].columns) if name in formula.expressions else []


def typical_values(design: InMemoryDesign) -> dict[str, Any]:
    """Give a value of each predictor: the most frequent level, or the mean of numbers.

    Where the formula is not defined there, as in `1 / x` at 0, they are those of the nearest row of the data.

    Parameters
    ----------
    design : InMemoryDesign
        Of all rows, or of those of a group.
    """
    names = list(design.formula.predictor_columns)
    values = {}
    for name in names:
        column = design.frame[name]
        values[name] = float(column.mean()) if levels_of(design, name) is None else column.mode().iloc[0]
    if not names or defined(design, rows_at(design, values))[0]:
        return values
    distance = np.zeros(design.n_rows)
    for name, value in values.items():
        column = design.frame[name]
        if levels_of(design, name) is not None:
            distance += np.where(column == value, 0.0, 100.0)
        elif column.std() > 0:
            distance += np.square((column.to_numpy(dtype=float) - value) / column.std())
    row = int(distance.argmin())
    return {name: design.frame[name].iloc[row] for name in names}


def rows_at(design: InMemoryDesign, values: Mapping[str, Any], along: Mapping[str, Any] | None = None) -> pd.DataFrame:
    """Make rows of these values, some of them lists of one length, with the categories of the fit.

    Parameters
    ----------
    design : InMemoryDesign
    values : mapping
        A value for each column.
    along : mapping, optional
        Lists that take the place of single values.
    """
    lists = dict(along) if along is not None else {}
    length = len(next(iter(lists.values()))) if lists else 1
    grid = pd.DataFrame({name: lists.get(name, [value] * length) for name, value in values.items()})
    for name in design.formula.predictor_columns:
        dtype = design.frame[name].dtype
        if isinstance(dtype, pd.CategoricalDtype):
            grid[name] = pd.Categorical(grid[name], dtype=dtype)
    return grid


def defined(design: InMemoryDesign, grid: pd.DataFrame) -> np.ndarray:
    """Tell in which rows the predictors can be calculated, shape (rows,): no logarithm of -1, no level unheard of."""
    try:
        design.encode(grid, with_groups=False)
    except (DataError, FormulaError):
        if len(grid) == 1:
            return np.array([False])
        return np.concatenate([defined(design, grid.iloc[[k]]) for k in range(len(grid))])
    return np.ones(len(grid), dtype=bool)


def course_along(design: InMemoryDesign, x: str, typical: Mapping[str, Any]) -> Course:
    """Choose the values of `x` to draw.

    Raises
    ------
    StanhierError
        If the formula is defined at none of them.
    """
    levels = levels_of(design, x)
    if levels is not None:
        shown = evenly(len(levels), _MAX_LEVELS)
        return Course(x, [levels[k] for k in shown], "levels", shown, len(levels))
    column = design.frame[x].to_numpy(dtype=float)
    distinct, nothing = np.unique(column), np.empty(0, dtype=int)
    steps = np.linspace(distinct[0], distinct[-1], _STEPS)
    share = defined(design, rows_at(design, typical, {x: list(steps)})).mean()
    if share == 1 or (share > 0.5 and len(distinct) > _STEPS):
        return Course(x, list(steps), "line", nothing)
    observed = distinct[evenly(len(distinct), _STEPS)]
    there = defined(design, rows_at(design, typical, {x: list(observed)}))
    if not there.any():
        raise StanhierError(
            f"plot_prediction(x={quoted(x)}): {quoted(design.formula.text)} is defined at no value of '{x}' while the "
            f"others stay where most data are {fixed_words(design, typical, x)}; draw along another one."
        )
    return Course(x, list(observed[there]), "points", nothing)


def lines_by(design: InMemoryDesign, by: str, typical: Mapping[str, Any]) -> list[tuple[Any, str, np.ndarray]]:
    """Give the values of `by` to draw, what to call them, and the rows that belong to each.

    Raises
    ------
    StanhierError
        If there are more levels than a picture has lines.
    """
    column, levels = design.frame[by], levels_of(design, by)
    if levels is not None:
        if len(levels) > _MAX_LINES:
            raise StanhierError(
                f"plot_prediction(by={quoted(by)}): {len(levels)} categories are too many lines for one picture (at "
                f"most {_MAX_LINES}); draw along them with x={quoted(by)}."
            )
        return [(level, short(level), (column == level).to_numpy()) for level in levels]
    numbers = column.to_numpy(dtype=float)
    distinct = np.unique(numbers)
    around = np.clip(numbers.mean() + np.array([-1, 0, 1]) * numbers.std(), distinct[0], distinct[-1])
    values = np.unique(around) if len(distinct) > 3 else distinct
    if not defined(design, rows_at(design, typical, {by: list(values)})).all():
        values = np.unique(distinct[np.abs(distinct[:, None] - values).argmin(axis=0)])
    nearest = np.abs(numbers[:, None] - values).argmin(axis=1)
    return [(value, _number(value), nearest == k) for k, value in enumerate(values)]


def fixed_words(
    design: InMemoryDesign, typical: Mapping[str, Any], x: str, by: str | None = None, *, groups: Sequence[str] = ()
) -> str:
    """Say where the groups and predictors stay that are not drawn, categories first; empty if there are none."""
    others = [name for name in design.formula.predictor_columns if name not in (x, by)]
    if not others and not groups:
        return ""
    categories = [name for name in others if levels_of(design, name) is not None]
    numbers = [name for name in others if name not in categories]
    named = [*categories[:_NAMED_LEVELS], *numbers[: max(_NAMED - len(categories), 0)]]
    values = {c: short(typical[c]) if c in categories else _number(typical[c]) for c in named}
    said = [*groups] + [f"{short(c).strip()} = {value.strip()}" for c, value in values.items()]
    if len(others) > len(named):
        said.append(f"{len(others) - len(named)} more likewise")
    return "\n".join(wrapped(f"(at {', '.join(said)})"))


def wrapped(words: str, width: int = 64) -> list[str]:
    """Break words into lines, a name and its value, "km = 0.9", into the same one."""
    return [line.replace("\u00a0", " ") for line in textwrap.wrap(words.replace(" = ", "\u00a0=\u00a0"), width)]


def own_words(design: InMemoryDesign, others: Sequence[str]) -> str:
    """Say that predictors stay where each group's own rows have them; empty without others."""
    categories = [name for name in others if levels_of(design, name) is not None]
    numbers = [name for name in others if name not in categories]
    said = [f"{words} {_few(names)}" for words, names in (("mean", numbers), ("most frequent", categories)) if names]
    return f"each group's own {' and '.join(said)}" if said else ""


def _few(names: Sequence[str]) -> str:
    named = ", ".join(short(name).strip() for name in names[:_NAMED])
    return named if len(names) <= _NAMED else f"{named} and {len(names) - _NAMED} more"


def _number(value: float) -> str:
    return f"{value:.4g}".replace("-", "−")
