"""The groups of a fit, one by one: summaries and draws of their intercepts."""

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from stanhier.basics.arguments import checked_probability
from stanhier.basics.errors import DataError
from stanhier.basics.words import quoted
from stanhier.engines.engine import Engine
from stanhier.engines.regression import Regression
from stanhier.posterior import labelled
from stanhier.posterior.fitted import Fitted

if TYPE_CHECKING:
    import xarray as xr

__all__ = ["group_draws", "group_summary"]


def group_summary(fit: Fitted[Regression], levels: Any = None, *, prob: float = 0.9) -> pd.DataFrame:
    """Summarise the intercepts `alpha` of the groups, exactly and for any number of groups.

    Parameters
    ----------
    levels : sequence, optional
        Labels of the groups; all of them by default.
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
        If `prob` is not between 0 and 1.

    References
    ----------
    Gelfand & Smith (1990), Sampling-based approaches to calculating marginal densities,
    doi:10.1080/01621459.1990.10476213.
    """
    checked_probability(prob, "group_summary")
    groups, index = _chosen(fit, levels)
    engine: Engine = fit.model.engine
    return engine.summarise_groups(fit.draws, groups, prob).set_index(index)


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


def _chosen(fit: Fitted[Regression], levels: Any) -> tuple[np.ndarray, pd.Index]:
    """Find the positions of groups by their labels."""
    grouping = fit.model.design.group
    if grouping is None:
        raise DataError(f"{quoted(fit.model.formula)} has no groups.")
    if levels is None:
        return np.arange(len(grouping.levels)), grouping.levels.rename(grouping.name)
    wanted = pd.Index([levels] if isinstance(levels, str) or np.isscalar(levels) else levels, name=grouping.name)
    groups = np.asarray(grouping.levels.get_indexer(wanted))
    if (groups < 0).any():
        unknown = ", ".join(repr(level) for level in wanted[groups < 0][:5])
        raise DataError(f"'{grouping.name}' has no group {unknown} in the data of the fit.")
    return groups, wanted
