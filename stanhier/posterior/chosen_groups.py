"""Groups that are asked for, and what they have of their own: intercepts at some predictors, slopes."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import pandas as pd

from stanhier.basics.errors import DataError, StanhierError
from stanhier.basics.likely import meant_factor
from stanhier.basics.words import listed, quoted
from stanhier.design.columns import CONSTANT
from stanhier.design.groupings import Grouping
from stanhier.engines.engine import Above, Engine
from stanhier.engines.parameters import Role
from stanhier.engines.regression import Regression
from stanhier.posterior.fitted import Fitted

__all__ = [
    "ChosenGroups",
    "Kind",
    "check_kind",
    "chosen_groups",
    "effects_above",
    "effects_shown",
    "group_coefficient",
    "summarised",
    "term_of",
]

type Kind = Literal["mean", "deviation"]
"""What groups come to, or how far that is from the population."""


def term_of(fit: Fitted[Regression], group: Any, where: str) -> int:
    """Find a factor by its name; the only one needs none.

    Raises
    ------
    DataError
        If the model has no groups.
    StanhierError
        If there is no such factor, or there are several and none is named.
    """
    names = [grouping.name for grouping in fit.model.design.groupings]
    if not names:
        raise DataError(f"{quoted(fit.model.formula)} has no groups.")
    if group is None and len(names) == 1:
        return 0
    if isinstance(group, str) and group in names:
        return names.index(group)
    listed_names = listed(names)
    if group is None:
        raise StanhierError(
            f'{where}(): the model has several factors; name one, as in {where}("{names[0]}"): they are {listed_names}.'
        )
    meant = meant_factor(group, names)
    raise StanhierError(
        f"{where}({quoted(group)}): there is no such factor in the model; it has {listed_names}.{meant}"
    )


@dataclass(frozen=True)
class ChosenGroups:
    """Groups of a factor.

    Attributes
    ----------
    term : int
        The factor's position.
    groups : numpy.ndarray of int, shape (G,)
        The positions of the groups.
    index : pandas.Index
        Their labels.
    """

    term: int
    groups: np.ndarray
    index: pd.Index


def chosen_groups(fit: Fitted[Regression], group: Any, levels: Any, where: str) -> ChosenGroups:
    """Find groups by their labels, which may stand in the place of the only factor.

    Raises
    ------
    DataError, StanhierError
        As `group_summary`.
    """
    groupings = fit.model.design.groupings
    if levels is None and group is not None and len(groupings) == 1 and not _is(group, groupings[0].name):
        group, levels = None, group
    term = term_of(fit, group, where)
    grouping = groupings[term]
    if levels is None:
        return ChosenGroups(term, np.arange(len(grouping.levels)), grouping.levels.rename(grouping.name))
    try:
        wanted = pd.Index([levels] if isinstance(levels, str) or np.isscalar(levels) else levels, name=grouping.name)
        groups = np.asarray(grouping.levels.get_indexer(wanted))
    except (TypeError, ValueError) as err:
        raise StanhierError(
            f"levels={quoted(levels)}: give the labels of groups of '{grouping.name}' as a list, such as "
            f"[{grouping.levels[0]!r}]."
        ) from err
    if (groups < 0).any():
        unknown = ", ".join(repr(level) for level in wanted[groups < 0][:5])
        raise DataError(f"'{grouping.name}' has no group {unknown} in the data of the fit.")
    return ChosenGroups(term, groups, wanted)


def _is(group: Any, name: str) -> bool:
    return isinstance(group, str) and group == name


def check_kind(kind: Any, where: str) -> None:
    """Check whether groups themselves are asked for, or how far they are from the population.

    Raises
    ------
    StanhierError
        If it is neither.
    """
    if kind not in ("mean", "deviation"):
        raise StanhierError(f'{where}(kind={quoted(kind)}): \'kind\' must be "mean" or "deviation".')


def effects_above(fit: Fitted[Regression], chosen: ChosenGroups, effects: Sequence[str], x: np.ndarray) -> list[Above]:
    """Give what groups come to for lying within those of other factors, as classes lie in schools.

    Parameters
    ----------
    fit : Fitted
    chosen : ChosenGroups
    effects : sequence of str
        Of the factor: each is its intercept at predictors x, or a slope.
    x : numpy.ndarray, shape (K + E,)

    Returns
    -------
    list of Above
        One for each of the other factors that has any of these effects, and within whose groups all groups lie.
    """
    design, found = fit.model.design, []
    own = design.groupings[chosen.term]
    asked = [own.columns[own.effects.index(effect)] for effect in effects]
    for term, other in enumerate(design.groupings):
        if term == chosen.term:
            continue
        weights = np.array([_weights(other, column, x) for column in asked])
        levels = design.levels_above(chosen.term, term) if weights.any() else None
        if levels is not None:
            found.append(Above(term, levels[chosen.groups], weights))
    return found


def _weights(grouping: Grouping, column: int, x: np.ndarray) -> list[float]:
    """Weigh the effects of a factor in an intercept at predictors x, or in the slope of a column."""
    if column != CONSTANT:
        return [float(own == column) for own in grouping.columns]
    return [1.0 if own == CONSTANT else float(x[own]) for own in grouping.columns]


def effects_shown(fit: Fitted[Regression], term: int, above: Sequence[Above], kind: Kind) -> str:
    """Say below a table of groups which effects are in its numbers, and which not; nothing where there is one factor.

    Parameters
    ----------
    fit : Fitted
    term : int
    above : sequence of Above
        Effects of other factors that are added.
    kind : {"mean", "deviation"}
    """
    names = [one.name for one in fit.model.design.groupings]
    if len(names) == 1:
        return ""
    if kind == "deviation":
        return f"Shown: the effects of {quoted(names[term])} alone."
    within = [one.term for one in above]
    shown = listed([*(names[other] for other in within), names[term]])
    others = [name for other, name in enumerate(names) if other not in (term, *within)]
    return (
        f"Shown: the population and the effects of {shown}{f'; without those of {listed(others)}' if others else ''}."
    )


def group_coefficient(
    fit: Fitted[Regression], grouping: Grouping, effect: str, x: np.ndarray, kind: Kind = "mean"
) -> tuple[np.ndarray, np.ndarray]:
    """Give what a group's own intercept at predictors x, or its own slope, is made of; or its deviation in that.

    Returns
    -------
    weights : numpy.ndarray, shape (q,)
        Of the effects of the group.
    offset : numpy.ndarray, shape (S,)
        Draws of what the population has of it; 0 for deviations.
    """
    k = grouping.effects.index(effect)
    is_slope = grouping.columns[k] != CONSTANT
    weights = np.array(_weights(grouping, grouping.columns[k], x))
    if kind == "deviation":
        return weights, np.zeros(fit.draws.n_draws)
    if is_slope:
        return weights, _slope_of(fit, grouping.columns[k])
    return weights, fit.model.engine.linear(fit.draws, x[None, : len(fit.model.design.predictors)])[:, 0]


def _slope_of(fit: Fitted[Regression], column: int) -> np.ndarray:
    """Give the draws of the population's slope of a column of the design, shape (S,); 0 where effects alone have it."""
    slopes = fit.model.parameters.of(Role.SLOPES)
    if slopes is None or column >= slopes.size:
        return np.zeros(fit.draws.n_draws)
    values = fit.model.engine.coordinates.population(fit.draws)[slopes.name]
    return np.asarray(values.reshape(fit.draws.n_draws, -1)[:, column])


def summarised(
    fit: Fitted[Regression],
    chosen: ChosenGroups,
    combinations: Sequence[tuple[np.ndarray, np.ndarray]],
    probabilities: Sequence[float],
    above: Sequence[Above] = (),
) -> np.ndarray:
    """Summarise combinations of the effects of groups.

    Parameters
    ----------
    fit : Fitted
    chosen : ChosenGroups
    combinations : sequence of (numpy.ndarray, numpy.ndarray)
        C of them, each as `group_coefficient` gives it.
    probabilities : sequence of float, length P
    above : sequence of Above
        Effects of other factors that are added.

    Returns
    -------
    numpy.ndarray, shape (C, 2 + P, G)
        Mean, standard deviation, quantiles.
    """
    weights, offsets = (np.stack(parts) for parts in zip(*combinations, strict=True))
    engine: Engine = fit.model.engine
    return engine.summarise_groups(fit.draws, chosen.term, chosen.groups, probabilities, weights, offsets, above)
