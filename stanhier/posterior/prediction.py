"""Predictions: the posterior of the mean, or of a new response, for rows of new data."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import pandas as pd

from stanhier.basics.arguments import check_seed, in_our_words
from stanhier.basics.errors import StanhierError
from stanhier.design.design import NewRows
from stanhier.engines.regression import Regression
from stanhier.posterior.fitted import Fitted
from stanhier.posterior.labelled import MAX_VALUES, chain_draw
from stanhier.posterior.predictable import check_arguments
from stanhier.posterior.row_draws import collect, predictive_draws

if TYPE_CHECKING:
    import xarray as xr

__all__ = ["chosen_seed", "predict", "predict_draws", "row_labels", "summarise"]


@in_our_words()
def predict(
    fit: Fitted[Regression],
    new_data: pd.DataFrame | Mapping[str, Any],
    *,
    kind: Literal["mean", "response", "linear"] = "mean",
    group_effects: bool = True,
    new_groups: Literal["error", "sample"] = "error",
    prob: float = 0.9,
    seed: int | None = None,
) -> pd.DataFrame:
    """Predict rows of new data.

    Parameters
    ----------
    new_data : pandas.DataFrame or mapping of arrays
        With the predictors and the grouping columns; the response is not needed.
    kind : {"mean", "response", "linear"}
        The expected response (of a binomial one the probability of a success), a new observation with its noise, or the
        linear predictor, which of a Gaussian response is its mean. Offsets are added, so new data need their column;
        new binomial responses need that of the numbers of trials.
    group_effects : bool
        Whether the effects of groups are added. With False the population alone is predicted, the average group: the
        effects of all factors are 0, so that new data need neither grouping columns nor those that only effects
        multiply, and no spread of groups is added. Behind a link that is no straight line the response of the average
        group is not the average response of the groups.
    new_groups : {"error", "sample"}
        For groups that the fit has not seen: an error, or one effect per draw and group from the population of groups,
        shared by the rows of that group. What is known of other factors stays: a new class of a known school has that
        school's effect.
    prob : float
        Probability of the central interval from `lower` to `upper`.
    seed : int, optional
        Of the noise and the new groups; the fit's own by default, so that results repeat.

    Returns
    -------
    pandas.DataFrame
        One row per row of `new_data`, with its index: mean, sd, lower, median, upper, in units of the response, or of
        the linear predictor.

    Raises
    ------
    DataError
        If a column is missing or cannot be used, or a group is new and `new_groups="error"`.
    StanhierError
        If an argument has a value that it cannot have.
    """
    check_arguments(kind, new_groups, group_effects, prob)
    seed = chosen_seed(fit, seed)
    rows = _encoded(fit, new_data, group_effects=group_effects)
    return summarise(fit, rows, kind=kind, new_groups=new_groups, prob=prob, seed=seed, group_effects=group_effects)


@in_our_words()
def predict_draws(
    fit: Fitted[Regression],
    new_data: pd.DataFrame | Mapping[str, Any],
    *,
    kind: Literal["mean", "response", "linear"] = "mean",
    group_effects: bool = True,
    new_groups: Literal["error", "sample"] = "error",
    seed: int | None = None,
) -> "xr.DataArray":
    """Predict rows of new data, draw by draw.

    Parameters
    ----------
    new_data, kind, group_effects, new_groups, seed
        As for `predict`, which summarises these draws.

    Returns
    -------
    xarray.DataArray
        Dimensions chain, draw, row; the coordinate `row` is the index of `new_data`.

    Raises
    ------
    DataError
        As `predict`.
    StanhierError
        If an argument has a value that it cannot have, or draws times rows exceed 20 million values.
    """
    import xarray as xr

    check_arguments(kind, new_groups, group_effects)
    seed = chosen_seed(fit, seed)
    rows = _encoded(fit, new_data, group_effects=group_effects)
    draws, n_rows = fit.draws, rows.n_rows
    if draws.n_draws * n_rows > MAX_VALUES:
        most = max(1, MAX_VALUES // draws.n_draws)
        raise StanhierError(
            f"predict_draws() would give {draws.n_draws:,} draws of {n_rows:,} rows, which is more than fits "
            f"comfortably in memory; ask for at most {most:,} rows at a time, or use predict(), which summarises."
        )
    values = collect(fit.model, draws, rows, kind=kind, new_groups=new_groups, seed=seed, group_effects=group_effects)
    return xr.DataArray(
        values.reshape(*draws.shape, n_rows),
        dims=("chain", "draw", "row"),
        coords={**chain_draw(draws), "row": ("row", row_labels(rows.index))},
        name=fit.model.design.formula.response,
        attrs={"kind": kind},
    )


def _encoded(fit: Fitted[Regression], new_data: Any, *, group_effects: bool) -> NewRows:
    """Encode new data; without effects of groups what belongs to these alone is not looked at."""
    return fit.model.design.encode(new_data, with_groups=group_effects, with_effects=group_effects)


def summarise(
    fit: Fitted[Regression],
    rows: NewRows,
    *,
    kind: str,
    new_groups: str,
    prob: float,
    seed: int,
    group_effects: bool = True,
) -> pd.DataFrame:
    """Summarise predictions row by row.

    Returns
    -------
    pandas.DataFrame
        Columns mean, sd, lower, median, upper; the index of the new data.
    """
    tail = (1 - prob) / 2
    table = np.empty((rows.n_rows, 5))
    blocks = predictive_draws(
        fit.model, fit.draws, rows, kind=kind, new_groups=new_groups, seed=seed, group_effects=group_effects
    )
    for part, draws in blocks:
        quantiles = np.quantile(draws, [tail, 0.5, 1 - tail], axis=0)
        table[part] = np.column_stack([draws.mean(axis=0), draws.std(axis=0, ddof=1), *quantiles])
    return pd.DataFrame(table, index=rows.index, columns=["mean", "sd", "lower", "median", "upper"])


def chosen_seed(fit: Fitted[Regression], seed: Any) -> int:
    """Give the seed of random numbers that follow from a fit: the user's, or that of its draws.

    Raises
    ------
    StanhierError
        If it is no integer of at least 0.
    """
    check_seed(seed)
    return fit.draws.seed if seed is None else int(seed)


def row_labels(index: pd.Index) -> np.ndarray:
    """Row labels as xarray takes them: numbers, dates and text as they are, anything else one by one."""
    if index.dtype.kind in "iufbmM":
        return index.to_numpy()
    labels = np.empty(len(index), dtype=object)
    labels[:] = list(index)
    return labels
