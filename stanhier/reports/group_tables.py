"""What a report says of groups: tables of their own intercepts and slopes, and how many rows they have."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from stanhier import plots
from stanhier.basics.tables import decimals, readable
from stanhier.design.columns import INTERCEPT
from stanhier.design.design import Design
from stanhier.engines.regression import Regression
from stanhier.posterior.chosen_groups import chosen_groups, effects_above
from stanhier.posterior.fitted import Fitted
from stanhier.posterior.groups import group_summary
from stanhier.posterior.places import place_at

__all__ = ["GroupTable", "group_tables", "size_words"]

_MOST_GROUPS = 50
_MOST_TABLES = 20


@dataclass(frozen=True)
class GroupTable:
    """One effect of the groups of a factor.

    Attributes
    ----------
    title : str
        What is listed, and in which order.
    factor : str
    lines : list of (str, list of str)
        The group, then rows, mean, sd, lower end, median, upper end; no numbers where groups are left out.
    """

    title: str
    factor: str
    lines: list[tuple[str, list[str]]]


def group_tables(fit: Fitted[Regression]) -> list[GroupTable]:
    """Give the estimates of the groups, a table for each factor and effect; of more than 20 the first.

    Parameters
    ----------
    fit : Fitted

    Returns
    -------
    list of GroupTable
    """
    made: list[GroupTable] = []
    design = fit.model.design
    at = ", at the mean of the predictors" if design.columns.n_columns else ""
    for term, grouping in enumerate(design.groupings):
        effects = grouping.effects[: _MOST_TABLES - len(made)]
        if not effects:
            break
        table = group_summary(fit, grouping.name, at="mean", prob=0.9)
        sizes, others = plots.group_sizes(fit, term), _others(fit, term)
        for effect in effects:
            what = f"{_means(design)} of the groups of {grouping.name}{at}"
            if effect != INTERCEPT:
                what = f"Slopes of {effect} of the groups of {grouping.name}"
            own: Any = table if grouping.n_effects == 1 else table.xs(effect, level=1)
            lines = list(_lines(own, grouping.levels, sizes))
            made.append(GroupTable(f"{what}{others}, from high to low", grouping.name, lines))
    return made


def _others(fit: Fitted[Regression], term: int) -> str:
    """Say what the numbers of a factor's groups have of the other factors."""
    names = [one.name for one in fit.model.design.groupings]
    everybody = chosen_groups(fit, names[term], None, "report")
    x = place_at(fit.model, "mean", "report").x
    within = [names[one.term] for one in effects_above(fit, everybody, fit.model.design.groupings[term].effects, x)]
    included = f", effects of {' and '.join(within)} included" if within else ""
    return included + (", for an average group of other factors" if len(names) > len(within) + 1 else "")


def _means(design: Design) -> str:
    """Say what the intercepts of groups are: means of the response, or of what its link makes of it."""
    if design.family.link == "identity":
        return "Means"
    words = plots.linear_words(design)
    return f"{words[0].upper()}{words[1:]}"


def _lines(table: pd.DataFrame, levels: pd.Index, sizes: np.ndarray | None) -> Iterator[tuple[str, list[str]]]:
    """Give groups from high to low; of more than 50 the ends, with a line for those between."""
    order = np.argsort(-table["median"].to_numpy(), kind="stable")
    digits = decimals(float(table["sd"].median()))
    half = _MOST_GROUPS // 2
    for rank, k in enumerate(order):
        if len(order) > _MOST_GROUPS and half <= rank < len(order) - half:
            if rank == half:
                yield f"… {len(order) - 2 * half:,} groups between …", []
            continue
        row = table.iloc[int(k)]
        numbers = [readable(row[name], digits, thousands=True) for name in ("mean", "sd", "lower", "median", "upper")]
        yield str(levels[int(k)]), ["" if sizes is None else f"{sizes[k]:,}", *numbers]


def size_words(fit: Fitted[Regression], term: int) -> str:
    """Say how many groups a factor has, and how many rows these."""
    levels, sizes = fit.model.design.groupings[term].levels, plots.group_sizes(fit, term)
    if sizes is None:
        return f"{len(levels):,} groups"
    order = np.argsort(-sizes, kind="stable")[:4]
    largest = ", ".join(f"{levels[int(k)]} ({sizes[k]:,})" for k in order)
    more = " and others" if len(sizes) > len(order) else ""
    return f"{len(sizes):,} groups of {sizes.min():,} to {sizes.max():,} rows: {largest}{more}"
