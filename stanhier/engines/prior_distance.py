"""Priors on the intercept at x = 0 that say more about the slopes than anybody meant: told in a warning."""

import numpy as np

from stanhier.basics.warned import PriorWarning, warn
from stanhier.design.column_moments import ColumnMoments
from stanhier.design.design import Design
from stanhier.engines.chosen_priors import ChosenPriors
from stanhier.engines.parameters import Role
from stanhier.priors.distributions import numbers

__all__ = ["distance_of", "warn_of_distance"]

FAR = 5.0
"""Standard deviations of a predictor between its mean and 0, from which on nothing is seen of the line at 0."""

NEGLIGIBLE = 2.0
"""Difference in log density between the middle of a normal prior and two of its standard deviations from there."""


def warn_of_distance(chosen: ChosenPriors, design: Design, moments: ColumnMoments) -> None:
    """Warn where a prior on the intercept at x = 0 is a strong prior on the slope of a predictor far from 0.

    The line goes through the middle of the data, (mean(x), mean(y)), whatever its slope b; so at 0 it is at
    mean(y) - mean(x) b, and a prior there is one on b. Slopes can reach from -sd(y) / sd(x) to sd(y) / sd(x), where a
    predictor explains all. A prior under which no such slope is further out than two standard deviations does no harm;
    another one chooses among them before the data do.

    Parameters
    ----------
    chosen : ChosenPriors
    design : Design
    moments : ColumnMoments

    Warns
    -----
    PriorWarning
        With the predictor, its mean and standard deviation, and `centered=True`.
    """
    said = distance_of(chosen, design, moments)
    if said is not None:
        warn(said, PriorWarning)


def distance_of(chosen: ChosenPriors, design: Design, moments: ColumnMoments) -> str | None:
    """Give the words of `warn_of_distance`; None where there is nothing to warn of."""
    parameter, prior = chosen.parameters.of(Role.INTERCEPT), chosen.intercept
    if parameter is None or prior is None or prior.centered or not prior.is_proper or not design.predictors:
        return None
    n_predictors = len(design.predictors)
    mean, sd = moments.mean[:n_predictors], moments.sd[:n_predictors]
    distance = np.where(_is_indicator(mean, sd, design.n_rows), 0.0, _distances(mean, sd))
    k = int(distance.argmax())
    if not distance[k] > FAR:
        return None
    density = numbers([prior])
    middle, unit = (moments.mean[-1], moments.sd[-1]) if design.family.link == "identity" else (0.0, 1.0)
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


def _distances(mean: np.ndarray, sd: np.ndarray) -> np.ndarray:
    """Give how many standard deviations each predictor's mean is from 0, shape (K,); 0 of a constant."""
    return np.asarray(np.divide(np.abs(mean), sd, out=np.zeros_like(mean), where=sd > 0))


def _is_indicator(mean: np.ndarray, sd: np.ndarray, n_rows: int) -> np.ndarray:
    """Whether a predictor is 0 or 1 in every row, and so at 0 in some: then its squares add up to what it does."""
    same = np.isclose(sd**2 * (n_rows - 1), n_rows * mean * (1.0 - mean), rtol=1e-6, atol=0.0)
    return np.asarray(same & (sd > 0))
