"""The groups of a fit, one by one: summaries and draws of their intercepts."""

from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import pandas as pd

from stanhier.basics.arguments import checked_probability, in_our_words
from stanhier.basics.errors import DataError, StanhierError
from stanhier.basics.words import quoted
from stanhier.engines.engine import Engine
from stanhier.engines.parameters import Role
from stanhier.engines.regression import Regression
from stanhier.posterior import labelled
from stanhier.posterior.fitted import Fitted

if TYPE_CHECKING:
    import xarray as xr

__all__ = ["At", "group_draws", "group_summary", "predictors_at", "slopes_at"]

type At = Literal["mean", 0]
"""Where groups are compared: at the means of the predictors over the rows, or at predictors of 0."""


@in_our_words()
def group_summary(fit: Fitted[Regression], levels: Any = None, *, at: At = 0, prob: float = 0.9) -> pd.DataFrame:
    """Summarise the intercepts `alpha` of the groups, exactly and for any number of groups.

    Parameters
    ----------
    levels : sequence, optional
        Labels of the groups; all of them by default.
    at : {0, "mean"}
        Where the predictors are: at 0, where `alpha` is, or at their means over the rows, where the groups' means say
        more if 0 is far from the data, as of years.
    prob : float
        Probability of the central interval from `lower` to `upper`.

    Returns
    -------
    pandas.DataFrame
        One row per group: mean, sd, lower, median, upper, in units of the response. Mean and sd average the
        conditional distributions of the group over the draws of the other parameters; so do the ends of the
        interval, over an evenly spaced part of the draws beyond about 16,000 groups.

    Raises
    ------
    DataError
        If the model has no groups, or a label is none of them.
    StanhierError
        If `prob` is not between 0 and 1, or `at` is neither 0 nor "mean".

    References
    ----------
    Gelfand & Smith (1990), Sampling-based approaches to calculating marginal densities,
    doi:10.1080/01621459.1990.10476213.
    """
    checked_probability(prob, "group_summary")
    x = predictors_at(fit, at, "group_summary")
    groups, index = _chosen(fit, levels)
    engine: Engine = fit.model.engine
    return engine.summarise_groups(fit.draws, groups, prob, x).set_index(index)


@in_our_words()
def group_draws(fit: Fitted[Regression], levels: Any) -> "xr.DataArray":
    """Give the draws of the intercepts `alpha` of the groups asked for.

    Parameters
    ----------
    levels : sequence
        Labels of the groups. A group has the same draws in any company.

    Returns
    -------
    xarray.DataArray
        Dimensions chain, draw and the grouping column.

    Raises
    ------
    DataError
        If the model has no groups, or a label is none of them.
    """
    groups, _ = _chosen(fit, levels)
    return labelled.effects_array(fit.model, fit.draws, groups)


def predictors_at(fit: Fitted[Regression], at: Any, where: str) -> np.ndarray:
    """Give the predictors at which groups are compared, shape (K,).

    Raises
    ------
    StanhierError
        If `at` is neither 0 nor "mean".
    """
    if isinstance(at, str) and at == "mean":
        engine: Engine = fit.model.engine
        return engine.moments.mean[:-1]
    if isinstance(at, int | float) and not isinstance(at, bool) and at == 0:
        return np.zeros(len(fit.model.design.predictors))
    raise StanhierError(f"{where}(at={quoted(at)}): 'at' must be \"mean\", for the predictors at their means, or 0.")


def slopes_at(fit: Fitted[Regression], x: np.ndarray) -> np.ndarray:
    """Give the draws of what predictors x, shape (K,), add to the mean of every group, shape (S,)."""
    slopes = fit.model.parameters.of(Role.SLOPES)
    if slopes is None:
        return np.zeros(fit.draws.n_draws)
    return np.asarray(fit.posterior[slopes.name].to_numpy().reshape(fit.draws.n_draws, -1) @ x)


def _chosen(fit: Fitted[Regression], levels: Any) -> tuple[np.ndarray, pd.Index]:
    """Find the positions of groups by their labels."""
    grouping = fit.model.design.group
    if grouping is None:
        raise DataError(f"{quoted(fit.model.formula)} has no groups.")
    if levels is None:
        return np.arange(len(grouping.levels)), grouping.levels.rename(grouping.name)
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
    return groups, wanted
