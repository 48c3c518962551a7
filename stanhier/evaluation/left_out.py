"""What is left out at once: rows one by one, or all rows with the same label."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from stanhier.basics.errors import DataError, StanhierError
from stanhier.basics.words import listed, quoted, shortened
from stanhier.engines.draws import Draws
from stanhier.engines.engine import Block
from stanhier.engines.parameters import dimension
from stanhier.engines.regression import Regression
from stanhier.posterior import labelled
from stanhier.posterior.fitted import Fitted

__all__ = ["LeftOut", "left_out"]


@dataclass(frozen=True)
class LeftOut:
    """The n sets of rows that are left out, one at a time.

    Attributes
    ----------
    codes : numpy.ndarray of int, shape (N,)
        For each row the set that it is in.
    coordinate : pandas.Index, length n
        The sets as results have them: positions of rows, or labels as xarray holds them.
    labels : pandas.Index, length n
        The user's own: the index of the data, or the labels of groups.
    asked : str or None
        What messages have for the argument `by`; None of labels that were given.
    """

    codes: np.ndarray
    coordinate: pd.Index
    labels: pd.Index
    asked: str | None

    @property
    def are_rows(self) -> bool:
        """Whether each is one row."""
        return self.asked == "row"

    @property
    def noun(self) -> str:
        """What they are."""
        return "rows" if self.are_rows else "groups"

    def named(self, k: int) -> str:
        """Name one by its label: "row 17", "subject 308"."""
        one = self.coordinate.name if self.asked in (None, "row", "group") else self.asked
        return f"{one} {shortened(str(self.labels[k]), 60)}"

    def worst_of(self, k: np.ndarray, high: np.ndarray) -> str:
        """Name three of those at the positions `high` with their Pareto k, the worst first; nan counts as infinite."""
        at = np.where(np.isnan(k), np.inf, k)
        worst = high[np.argsort(-at[high], kind="stable")][:3]
        return ", ".join([*(f"{self.named(i)}: {at[i]:.2f}" for i in worst), *(["..."] if len(high) > 3 else [])])

    def densities(self, model: Regression, draws: Draws) -> Iterator[Block]:
        """Give log densities of the sets given what is not in them, and given all rows, block by block."""
        if self.are_rows:
            return model.engine.row_densities(model.rows, draws)
        return model.engine.set_densities(model.rows, self.codes, len(self.coordinate), draws)


def left_out(fit: Fitted[Regression], by: Any, method: str) -> LeftOut:
    """Read the argument `by`.

    Parameters
    ----------
    fit : Fitted
    by : "row", "group", name of a factor, or array of shape (N,)
    method : str
        Whose argument it is.

    Raises
    ------
    StanhierError
        If it is neither "row", "group", a factor of the model nor labels of the rows of a model without groups.
    DataError
        If the labels do not fit the rows, or these are not in memory.
    """
    _check(fit, by, method)
    design = fit.model.rows
    asked = by if isinstance(by, str) else None
    if asked == "row":
        numbers = np.arange(design.n_rows)
        labels = design.frame.index.to_flat_index()
        return LeftOut(numbers, pd.RangeIndex(design.n_rows, name="row"), labels, asked)
    if asked is not None:
        grouping = next((one for one in design.groupings if one.name == asked), design.groupings[0])
        codes, labels, name = grouping.codes, grouping.levels, grouping.name
    else:
        values = pd.Series(np.asarray(by)) if not isinstance(by, pd.Series) else by
        if len(values) != design.n_rows:
            raise DataError(f"'by' has {len(values)} labels, but the fit has {design.n_rows} rows.")
        if values.isna().any():
            raise DataError("'by' has missing values; give each row a label.")
        codes, found = pd.factorize(values, sort=True)
        name = str(by.name) if isinstance(by, pd.Series) and by.name is not None else "label"
        labels = pd.Index(found)
    coordinate = pd.Index(labelled.plain_labels(labels), name=dimension(name))
    return LeftOut(codes, coordinate, labels, asked)


def _check(fit: Fitted[Regression], by: Any, method: str) -> None:
    names = [grouping.name for grouping in fit.model.design.groupings]
    allowed = (
        f'"row" or one of {listed(names)}'
        if len(names) > 1
        else f'"row" or "group"{f", which is {listed(names)} here" if names else ""}'
    )
    if isinstance(by, str):
        if by == "row" or by in names or (by == "group" and len(names) == 1):
            return
        if by == "group" and not names:
            raise StanhierError(
                f'{method}(by="group"): the model has no groups; give the labels of its rows, as in '
                f'{method}(by=data["subject"]).'
            )
        raise StanhierError(f"{method}(by={quoted(by)}): 'by' must be {allowed}.")
    if names:
        raise StanhierError(f"{method}(by=...): this model has groups of its own; 'by' must be {allowed}.")
