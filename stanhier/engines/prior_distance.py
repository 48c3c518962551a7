"""Priors on intercepts at x = 0 that say more about the slopes than anybody meant."""

from collections.abc import Iterator

import numpy as np

from stanhier.design.column_moments import ColumnMoments
from stanhier.design.columns import CONSTANT
from stanhier.design.design import Design
from stanhier.design.groupings import Grouping
from stanhier.engines.chosen_priors import ChosenPriors
from stanhier.engines.parameters import Role
from stanhier.priors.distributions import Prior, numbers

__all__ = ["distances_of"]

FAR = 5.0
"""Standard deviations of a predictor between its mean and 0, from which on nothing is seen of the line at 0."""

NEGLIGIBLE = 2.0
"""Difference in log density between the middle of a normal prior and two of its standard deviations from there."""


def distances_of(chosen: ChosenPriors, design: Design, moments: ColumnMoments) -> Iterator[str]:
    """Say where a prior on intercepts at x = 0 is a strong prior on the slope of a predictor far from 0.

    The line goes through the middle of the data, (mean(x), mean(y)), whatever its slope b; so at 0 it is at
    mean(y) - mean(x) b, and a prior there is one on b. Slopes can reach from -sd(y) / sd(x) to sd(y) / sd(x), where a
    predictor explains all. A prior under which no such slope is further out than two standard deviations does no harm;
    another one chooses among them before the data do.

    So it is with the lines of groups: where these differ in slope, their intercepts at 0 differ by mean(x) times as
    much, which a prior on the standard deviation of intercepts there may not allow, and never does where intercepts
    and slopes are uncorrelated.

    Parameters
    ----------
    chosen : ChosenPriors
    design : Design
    moments : ColumnMoments

    Yields
    ------
    str
        Of the population, then of each factor that there is one of: the predictor, its mean and standard deviation, and
        `centered=True` or `center(x)`.
    """
    unit = float(moments.sd[-1]) if design.family.link == "identity" else 1.0
    said = _of_population(chosen, design, moments, unit)
    if said is not None:
        yield said
    for term, grouping in enumerate(design.groupings):
        parameter = chosen.parameters.of(Role.GROUP_SD, term) if grouping.n_effects > 1 else None
        if parameter is not None and CONSTANT in grouping.columns:
            priors = chosen.by_name[parameter.name]
            said = _of_groups(parameter.scalar_names, priors, grouping, moments, design.n_rows, unit)
            if said is not None:
                yield said


def _of_population(chosen: ChosenPriors, design: Design, moments: ColumnMoments, unit: float) -> str | None:
    parameter, prior = chosen.parameters.of(Role.INTERCEPT), chosen.intercept
    if parameter is None or prior is None or prior.centered or not prior.is_proper or not design.predictors:
        return None
    columns = np.arange(len(design.predictors))
    distance = _distances(moments, columns, design.n_rows)
    k = int(distance.argmax())
    if not distance[k] > FAR:
        return None
    density = numbers([prior])
    middle = moments.mean[-1] if design.family.link == "identity" else 0.0
    ends = middle + distance[k] * unit * np.array([-1.0, 1.0])
    nearest = np.clip(density.mu, *ends)
    with np.errstate(all="ignore"):  # beyond double precision is beyond two standard deviations
        logs = [density.log_density(np.atleast_1d(at)) for at in (nearest, *ends)]
    if logs[0] - min(logs) <= NEGLIGIBLE:
        return None
    return (
        f"The prior {parameter.name} ~ {prior!r} is for predictors of 0, and '{design.predictors[k]}' (mean "
        f"{moments.mean[k]:.6g}, sd {moments.sd[k]:.3g}) lies {distance[k]:.3g} standard deviations from there: so "
        f"it is a strong prior on that slope too. For the intercept at the mean of the predictors give "
        f"{type(prior).__name__}(..., centered=True), or subtract about {moments.mean[k]:.4g} from the predictor."
    )


def _of_groups(
    names: list[str],
    priors: tuple[Prior, ...],
    grouping: Grouping,
    moments: ColumnMoments,
    n_rows: int,
    unit: float,
) -> str | None:
    columns, own = np.array(grouping.columns), grouping.columns.index(CONSTANT)
    varying = columns != CONSTANT
    distance = np.zeros(len(columns))
    distance[varying] = _distances(moments, columns[varying], n_rows)
    k = int(distance.argmax())
    if not distance[k] > FAR:
        return None
    block = np.repeat(np.arange(len(grouping.blocks)), grouping.blocks)
    prior, effect, column = priors[own], grouping.effects[k], columns[k]
    where = (
        f"'{effect}' of 0, {distance[k]:.3g} standard deviations from its mean (mean {moments.mean[column]:.6g}, sd "
        f"{moments.sd[column]:.3g})"
    )
    remedy = (
        f"Centre '{effect}' wherever it stands, as center() does, or subtract about {moments.mean[column]:.4g} from it."
    )
    if block[own] != block[k]:
        return (
            f"Intercept and slope vary by '{grouping.name}' without correlation at {where}: so groups that differ in "
            f"slope differ by far more in the middle of the data, and their slopes are kept together. {remedy}"
        )
    density = numbers([prior])
    with np.errstate(all="ignore"):
        logs = [density.log_density(np.array([at])) for at in (unit, distance[k] * unit)]
    if logs[0] - logs[1] <= NEGLIGIBLE:
        return None
    return (
        f"The prior {names[own]} ~ {prior!r} is for {where}, where lines of different slopes are far apart: so it "
        f"keeps the slopes of the groups of '{grouping.name}' together too. {remedy}"
    )


def _distances(moments: ColumnMoments, columns: np.ndarray, n_rows: int) -> np.ndarray:
    """Give how many standard deviations the means of columns are from 0; 0 of a constant and of an indicator."""
    mean, sd = moments.mean[columns], moments.sd[columns]
    distance = np.divide(np.abs(mean), sd, out=np.zeros_like(mean), where=sd > 0)
    return np.where(_is_indicator(mean, sd, n_rows), 0.0, distance)


def _is_indicator(mean: np.ndarray, sd: np.ndarray, n_rows: int) -> np.ndarray:
    """Whether a predictor is 0 or 1 in every row, and so at 0 in some: then its squares add up to what it does."""
    same = np.isclose(sd**2 * (n_rows - 1), n_rows * mean * (1.0 - mean), rtol=1e-6, atol=0.0)
    return np.asarray(same & (sd > 0))
