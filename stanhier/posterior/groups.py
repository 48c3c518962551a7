"""The groups of a fit, one by one: summaries and draws of what they have of their own."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from stanhier.basics.arguments import checked_probability, in_our_words
from stanhier.basics.tables import Table
from stanhier.engines.engine import Above
from stanhier.engines.parameters import Role
from stanhier.engines.regression import Regression
from stanhier.posterior import labelled
from stanhier.posterior.chosen_groups import (
    ChosenGroups,
    Kind,
    check_kind,
    chosen_groups,
    effects_above,
    effects_shown,
    group_coefficient,
    summarised,
)
from stanhier.posterior.fitted import Fitted
from stanhier.posterior.places import At, place_at

if TYPE_CHECKING:
    import xarray as xr

__all__ = ["group_draws", "group_effects", "group_summary"]


@in_our_words()
def group_summary(
    fit: Fitted[Regression],
    group: Any = None,
    levels: Any = None,
    *,
    kind: Kind = "mean",
    at: At = "mean",
    prob: float = 0.9,
) -> pd.DataFrame:
    """Summarise what the groups of a factor come to, for any number of groups.

    Parameters
    ----------
    group : str, optional
        The factor, such as "county" or "school:class". With a single factor it need not be named, and labels of its
        groups can stand here.
    levels : sequence, optional
        Labels of the groups; all of them by default.
    kind : {"mean", "deviation"}
        What groups come to, or how far that is from the population.
    at : {"mean", 0} or dict
        Where the predictors are: at their means over the rows; at 0, where the intercepts of the equation are; or at
        values by columns of the data, such as `{"year": 2000, "sex": "f"}`, encoded as new data are. What is not named
        stays at its mean: columns of the design are averaged over the rows of the fit, each with the named values in
        the place of its own, so that an interaction with them is their value times the mean of the other.
    prob : float
        Probability of the central interval from `lower` to `upper`.

    Returns
    -------
    pandas.DataFrame
        One row per group, or with several effects one per group and effect: mean, sd, lower, median, upper. Of the
        intercept it is the group's own mean, in units of the response (where the link is not the identity, its log
        odds, probit or log of the mean), at an offset of 0; of a slope the group's own slope: the population's and the
        deviation. A group that lies within one of another factor, as a class in a school, has the effects of that one
        too, whether the formula nests them, `(1 | school / class)`, or the rows alone do; `coef` of lme4 and of brms
        leaves them out. Effects of all other factors are those of an average group. A line below the table says what
        its numbers are and, where there are several factors, which effects they have.

        With `kind="deviation"` the population's part is left out, and that of all other factors. Where slopes vary too,
        the deviation of the intercept is that of the mean at `at`; at 0 it is the effect of the equation, which
        `group_effects` gives.

        Mean and sd average the conditional distributions of the group over the draws of the other parameters; so do the
        ends of the interval, exactly up to about 1,000 groups of 4,000 draws, else to 0.002 of the sd in a 90 %
        interval (Monte Carlo error is ten times that), and beyond about 16,000 groups over an evenly spaced part of the
        draws. In models that sample all effects they are those of the draws.

    Raises
    ------
    DataError
        If the model has no groups, a label is none of them, or a value of `at` is none that its column can have.
    StanhierError
        If `group` is no factor of the model, `prob` is not between 0 and 1, or `kind` or `at` is nothing of the kind.

    References
    ----------
    Gelfand & Smith (1990), Sampling-based approaches to calculating marginal densities,
    doi:10.1080/01621459.1990.10476213.
    """
    checked_probability(prob, "group_summary")
    check_kind(kind, "group_summary")
    chosen = chosen_groups(fit, group, levels, "group_summary")
    place = place_at(fit.model, at, "group_summary")
    x = place.x
    grouping = fit.model.design.groupings[chosen.term]
    combinations = [group_coefficient(fit, grouping, effect, x, kind) for effect in grouping.effects]
    above = effects_above(fit, chosen, grouping.effects, x) if kind == "mean" else []
    said = [_numbers_shown(fit, chosen.term, place.words, prob, kind), effects_shown(fit, chosen.term, above, kind)]
    return _table(fit, chosen, prob, combinations, above).noted(" ".join(one for one in said if one))


@in_our_words()
def group_effects(fit: Fitted[Regression], group: Any = None, levels: Any = None, *, prob: float = 0.9) -> pd.DataFrame:
    """Summarise the effects of the groups of a factor, as the equation has them: how far they are from the population.

    Parameters
    ----------
    group, levels, prob
        As for `group_summary`.

    Returns
    -------
    pandas.DataFrame
        As `group_summary(kind="deviation", at=0)` gives it: the population's intercept or slope is not added.

    Raises
    ------
    DataError, StanhierError
        As `group_summary`.
    """
    checked_probability(prob, "group_effects")
    chosen = chosen_groups(fit, group, levels, "group_effects")
    n_effects = fit.model.design.groupings[chosen.term].n_effects
    nothing = np.zeros(fit.draws.n_draws)
    table = _table(fit, chosen, prob, [(weights, nothing) for weights in np.eye(n_effects)])
    place = "at predictors of 0" if n_effects > 1 else ""
    said = [
        _numbers_shown(fit, chosen.term, place, prob, "deviation"),
        effects_shown(fit, chosen.term, [], "deviation"),
    ]
    return table.noted(" ".join(one for one in said if one))


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
    chosen = chosen_groups(fit, group, levels, "group_draws")
    own = fit.model.parameters.all_of(Role.EFFECTS)[chosen.term]
    return labelled.effects_array(fit.model, fit.draws, own, chosen.groups)


_ON_LINK = {"logit": "log odds", "probit": "probits", "log": "logarithms of means"}


def _numbers_shown(fit: Fitted[Regression], term: int, place: str, prob: float, kind: Kind) -> str:
    """Say below a table of groups what its numbers are, where the predictors are, and how wide its intervals."""
    design = fit.model.design
    n_effects = design.groupings[term].n_effects
    what = _ON_LINK.get(design.family.link, "means")
    if kind == "deviation":
        what = f"deviations from the population{f', in {what}' if what != 'means' else ''}"
    at = []
    if place and (kind == "mean" or n_effects > 1):
        at.append(place.removeprefix("at "))
    if design.has_offset and kind == "mean":
        at.append("an offset of 0")
    where = f" at {' and '.join(at)}" if at else ""
    return f"{what.capitalize()}{where}; intervals of {100 * prob:g} %."


def _table(
    fit: Fitted[Regression],
    chosen: ChosenGroups,
    prob: float,
    combinations: list[tuple[np.ndarray, np.ndarray]],
    above: Sequence[Above] = (),
) -> Table:
    """Summarise combinations of the effects of groups: one row per group, or per group and combination."""
    found = summarised(fit, chosen, combinations, [(1 - prob) / 2, 0.5, (1 + prob) / 2], above)
    own = fit.model.parameters.all_of(Role.EFFECTS)[chosen.term]
    columns = ["mean", "sd", "lower", "median", "upper"]
    if len(found) == 1:
        return Table.by_sd(pd.DataFrame(found[0].T, index=chosen.index, columns=columns))
    effects = fit.model.design.groupings[chosen.term].effects
    index = pd.MultiIndex.from_product([chosen.index, list(effects)], names=[chosen.index.name, own.dims[-1]])
    return Table.by_sd(pd.DataFrame(found.transpose(2, 0, 1).reshape(-1, 5), index=index, columns=columns))
