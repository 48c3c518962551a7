"""The columns of a formula that can be changed: what kind each is of, and which values it has."""

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd

from stanhier.basics.errors import StanhierError
from stanhier.basics.words import listed, quoted, some_of
from stanhier.data.frames import require_columns
from stanhier.data.row_numbers import column_numbers
from stanhier.design.levels import levels_of
from stanhier.marginal.rows import UserRows

__all__ = ["Variable", "named_variables"]


@dataclass(frozen=True)
class Variable:
    """A column that can be changed.

    Attributes
    ----------
    name : str
    rows : UserRows
    levels : list or None
        Its categories or labels; None of numbers.
    """

    name: str
    rows: UserRows
    levels: list[Any] | None

    @classmethod
    def of(cls, rows: UserRows, name: Any) -> "Variable":
        """Find a column.

        Raises
        ------
        StanhierError
            If it is none of the formula, or has no part in these predictions.
        """
        formula = rows.design.formula
        whole = (*formula.predictor_columns, *formula.factor_columns)
        known = tuple(dict.fromkeys(whole if rows.group_effects else formula.population_columns))
        if name in known:
            if name not in formula.predictor_columns:
                return cls(name, rows, _labels(rows, name))
            if rows.design.kinds[name].dtype.kind == "b":
                return cls(name, rows, [False, True])
            return cls(name, rows, levels_of(rows.design, name, rows.seen if name in rows.seen.columns else None))
        if name in whole:
            raise StanhierError(
                f"{rows.where}({quoted(name)}, group_effects=False): '{name}' changes nothing in the population; it "
                "belongs to effects of groups alone."
            )
        what = f"'{name}' is the response" if name in formula.columns else f"{quoted(name)} is none"
        have = f"they are {listed(known)}" if known else "it has none"
        raise StanhierError(
            f"{rows.where}({quoted(name)}): what changes are columns on the right of the formula, and {what}; {have}."
        )

    @cached_property
    def values(self) -> np.ndarray:
        """The numbers that the column holds, in the rows of the fit if these are in memory."""
        return self.of_rows if self.rows.seen is self.rows.frame else column_numbers(self.rows.seen, self.name)

    @property
    def of_rows(self) -> np.ndarray:
        """The numbers in the rows that are predicted, shape (N,)."""
        return self.rows.numbers(self.name)

    @cached_property
    def spread(self) -> float:
        """The standard deviation of the numbers in the rows of the fit, else in those that are predicted.

        Raises
        ------
        StanhierError
            If they are all the same, or there is but one.
        """
        model = self.rows.fit.model
        if model.in_memory is None and self.name in model.design.columns.names:
            sd = float(model.engine.moments.sd[model.design.columns.names.index(self.name)])
        else:
            sd = float(np.std(self.values, ddof=1)) if len(self.values) > 1 else 0.0
        if not sd > 0:
            raise StanhierError(
                f"{self.rows.where}({quoted(self.name)}): '{self.name}' has one value in the rows, so no standard "
                "deviation; give rows with several, or compare values that you name, as in comparisons(contrast=1)."
            )
        return sd

    def level(self, value: Any, where: str) -> Any:
        """Give a level as it is known.

        Raises
        ------
        StanhierError
            If it is none.
        """
        assert self.levels is not None
        for level in self.levels:
            if _same(level, value):
                return level
        there = some_of([repr(_plain(level)) for level in self.levels], 20)
        raise StanhierError(f"{where}(...): '{self.name}' has no value {quoted(value)}; it has {there}.")

    def word(self, value: Any) -> str:
        """Name a value."""
        plain = _plain(value)
        return f"{plain:g}" if self.levels is None and not isinstance(plain, str) else str(plain)


def named_variables(rows: UserRows, variables: Any) -> list[str]:
    """Give the columns that are named, or all predictors of the population.

    Raises
    ------
    StanhierError
        If they are no names, or there are none.
    """
    if variables is None:
        names = list(rows.design.formula.population_columns)
        if not names:
            raise StanhierError(f"{rows.where}(): the population has no predictors; name a column.")
        return names
    names = [variables] if isinstance(variables, str) else variables
    if not isinstance(names, list | tuple) or not names or not all(isinstance(name, str) for name in names):
        raise StanhierError(
            f"{rows.where}(variables={quoted(variables)}): 'variables' must be a column, a list of columns, or a dict "
            "by column."
        )
    return list(dict.fromkeys(names))


def _labels(rows: UserRows, name: str) -> list[Any]:
    """Give the labels of a grouping column."""
    for grouping in rows.design.groupings:
        if grouping.factors == (name,):
            return list(grouping.levels)
    require_columns(rows.seen, [name])
    column = rows.seen[name]
    if isinstance(column.dtype, pd.CategoricalDtype):
        return list(column.cat.categories)
    return list(np.unique(column.to_numpy()))


def _same(level: Any, value: Any) -> bool:
    try:
        return bool(level == value) and isinstance(level, str) == isinstance(value, str)
    except (TypeError, ValueError):
        return False


def _plain(value: Any) -> Any:
    return value.item() if isinstance(value, np.generic) else value
