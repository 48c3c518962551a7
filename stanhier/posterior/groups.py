"""The groups of a fit, one by one: summaries and draws of what they have of their own."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import pandas as pd

from stanhier.basics.arguments import checked_probability, in_our_words
from stanhier.basics.errors import DataError, StanhierError
from stanhier.basics.words import listed, quoted
from stanhier.design.columns import CONSTANT
from stanhier.design.design import Grouping
from stanhier.engines.engine import Engine
from stanhier.engines.parameters import Role
from stanhier.engines.regression import Regression
from stanhier.posterior import labelled
from stanhier.posterior.fitted import Fitted

if TYPE_CHECKING:
    import xarray as xr

__all__ = [
    "At",
    "group_coefficient",
    "group_draws",
    "group_effects",
    "group_summary",
    "predictors_at",
    "term_of",
]

type At = Literal["mean", 0]
"""Where groups are compared: at the means of the predictors over the rows, or at predictors of 0."""


@in_our_words()
def group_summary(
    fit: Fitted[Regression], group: Any = None, levels: Any = None, *, at: At = 0, prob: float = 0.9
) -> pd.DataFrame:
    """Summarise what the groups of a factor come to, exactly and for any number of groups.

    Parameters
    ----------
    group : str, optional
        The factor, such as "county" or "school:class". With a single factor it need not be named, and labels of its
        groups can stand here.
    levels : sequence, optional
        Labels of the groups; all of them by default.
    at : {0, "mean"}
        Where the predictors are: at 0, where the intercepts are, or at their means over the rows, where the groups'
        means say more if 0 is far from the data, as of years.
    prob : float
        Probability of the central interval from `lower` to `upper`.

    Returns
    -------
    pandas.DataFrame
        One row per group, or with several effects one per group and effect: mean, sd, lower, median, upper. Of the
        intercept it is the group's own mean, in units of the response (where the link is not the identity, its log
        odds, probit or log of the mean); of a slope the group's own slope: the population's and the deviation. Effects
        of other factors are those of an average group. Mean and sd average the conditional distributions of the group
        over the draws of the other parameters; so do the ends of the interval, over an evenly spaced part of the draws
        beyond about 16,000 groups.

    Raises
    ------
    DataError
        If the model has no groups, or a label is none of them.
    StanhierError
        If `group` is no factor of the model, `prob` is not between 0 and 1, or `at` is neither 0 nor "mean".

    References
    ----------
    Gelfand & Smith (1990), Sampling-based approaches to calculating marginal densities,
    doi:10.1080/01621459.1990.10476213.
    """
    checked_probability(prob, "group_summary")
    x = predictors_at(fit, at, "group_summary")
    chosen = _chosen(fit, group, levels, "group_summary")
    grouping = fit.model.design.groupings[chosen.term]
    return _summaries(fit, chosen, prob, [group_coefficient(fit, grouping, effect, x) for effect in grouping.effects])


@in_our_words()
def group_effects(fit: Fitted[Regression], group: Any = None, levels: Any = None, *, prob: float = 0.9) -> pd.DataFrame:
    """Summarise the effects of the groups of a factor: how far they are from the population.

    Parameters
    ----------
    group, levels, prob
        As for `group_summary`.

    Returns
    -------
    pandas.DataFrame
        As `group_summary` gives it; the population's intercept or slope is not added.

    Raises
    ------
    DataError, StanhierError
        As `group_summary`.
    """
    checked_probability(prob, "group_effects")
    chosen = _chosen(fit, group, levels, "group_effects")
    n_effects = fit.model.design.groupings[chosen.term].n_effects
    nothing = np.zeros(fit.draws.n_draws)
    return _summaries(fit, chosen, prob, [(weights, nothing) for weights in np.eye(n_effects)])


@in_our_words()
def group_draws(fit: Fitted[Regression], group: Any = None, levels: Any = None) -> "xr.DataArray":
    """Give the draws of what the groups asked for have of their own.

    Parameters
    ----------
    group, levels
        As for `group_summary`. A group has the same draws in any company.

    Returns
    -------
    xarray.DataArray
        Dimensions chain, draw and the grouping column: of a `VaryingIntercept` the intercepts `alpha`. Of a `Model` the
        effects, with a further dimension for these.

    Raises
    ------
    DataError, StanhierError
        As `group_summary`.
    """
    chosen = _chosen(fit, group, levels, "group_draws")
    own = fit.model.parameters.all_of(Role.EFFECTS)[chosen.term]
    return labelled.effects_array(fit.model, fit.draws, own, chosen.groups)


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
    raise StanhierError(f"{where}({quoted(group)}): there is no such factor in the model; it has {listed_names}.")


def predictors_at(fit: Fitted[Regression], at: Any, where: str) -> np.ndarray:
    """Give the columns of the design at which groups are compared, shape (K + E,).

    Raises
    ------
    StanhierError
        If `at` is neither 0 nor "mean".
    """
    if isinstance(at, str) and at == "mean":
        engine: Engine = fit.model.engine
        return engine.moments.mean[:-1]
    if isinstance(at, int | float) and not isinstance(at, bool) and at == 0:
        return np.zeros(fit.model.design.columns.n_columns)
    raise StanhierError(f"{where}(at={quoted(at)}): 'at' must be \"mean\", for the predictors at their means, or 0.")


def _slopes_at(fit: Fitted[Regression], x: np.ndarray) -> np.ndarray:
    """Give the draws of what columns x, shape (K + E,), add to the mean of the population, shape (S,)."""
    slopes = fit.model.parameters.of(Role.SLOPES)
    if slopes is None:
        return np.zeros(fit.draws.n_draws)
    values = fit.model.engine.coordinates.population(fit.draws)[slopes.name]
    return np.asarray(values.reshape(fit.draws.n_draws, -1) @ x[: slopes.size])


@dataclass(frozen=True)
class _Chosen:
    """Groups of a factor: its position, theirs, and their labels."""

    term: int
    groups: np.ndarray
    index: pd.Index


def _chosen(fit: Fitted[Regression], group: Any, levels: Any, where: str) -> _Chosen:
    """Find the positions of groups by their labels, which may stand in the place of the only factor."""
    groupings = fit.model.design.groupings
    if levels is None and group is not None and len(groupings) == 1 and not _is(group, groupings[0].name):
        group, levels = None, group
    term = term_of(fit, group, where)
    grouping = groupings[term]
    if levels is None:
        return _Chosen(term, np.arange(len(grouping.levels)), grouping.levels.rename(grouping.name))
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
    return _Chosen(term, groups, wanted)


def _is(group: Any, name: str) -> bool:
    return isinstance(group, str) and group == name


def group_coefficient(
    fit: Fitted[Regression], grouping: Grouping, effect: str, x: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Give what a group's own intercept at predictors x, or its own slope, is made of.

    Returns
    -------
    weights : numpy.ndarray, shape (q,)
        Of the effects of the group.
    offset : numpy.ndarray, shape (S,)
        Draws of what the population has of it.
    """
    k = grouping.effects.index(effect)
    weights = np.zeros(grouping.n_effects)
    weights[k] = 1.0
    if grouping.columns[k] != CONSTANT:
        return weights, _slopes_at(fit, np.eye(len(x))[grouping.columns[k]])
    weights += [0.0 if column == CONSTANT else x[column] for column in grouping.columns]
    return weights, fit.model.engine.linear(fit.draws, x[None, : len(fit.model.design.predictors)])[:, 0]


def _summaries(
    fit: Fitted[Regression], chosen: _Chosen, prob: float, combinations: list[tuple[np.ndarray, np.ndarray]]
) -> pd.DataFrame:
    """Summarise combinations of the effects of groups: one row per group, or per group and combination."""
    engine: Engine = fit.model.engine
    tables = [
        engine.summarise_groups(fit.draws, chosen.term, chosen.groups, prob, weights, offset)
        for weights, offset in combinations
    ]
    own = fit.model.parameters.all_of(Role.EFFECTS)[chosen.term]
    if len(tables) == 1:
        return tables[0].set_index(chosen.index)
    n = len(chosen.groups)
    order = np.arange(len(tables) * n).reshape(len(tables), n).T.ravel()
    effects = fit.model.design.groupings[chosen.term].effects
    index = pd.MultiIndex.from_product([chosen.index, list(effects)], names=[chosen.index.name, own.dims[-1]])
    return pd.concat(tables, ignore_index=True).iloc[order].set_index(index)
