"""Predictions: the posterior of the mean, or of a new response, for rows of new data."""

from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, overload

import numpy as np
import pandas as pd

from stanhier.basics.arguments import check_seed, in_our_words
from stanhier.basics.tables import Table
from stanhier.engines.regression import Regression
from stanhier.posterior.fitted import Fitted
from stanhier.posterior.labelled import MAX_VALUES, chain_draw
from stanhier.posterior.new_rows import WantedRows
from stanhier.posterior.predictable import check_arguments
from stanhier.posterior.prediction_files import checked_target, together, written
from stanhier.posterior.row_draws import row_draws
from stanhier.posterior.row_summaries import summarise

if TYPE_CHECKING:
    import xarray as xr

__all__ = ["chosen_seed", "predict", "predict_draws", "row_labels"]

_NEW = "Did you mean 'new'? New data come first, or by that name."
_HABITS = {
    **dict.fromkeys(("new_data", "newdata", "data", "X", "df", "frame", "rows", "exog"), _NEW),
    **dict.fromkeys(
        ("re_formula", "re_form", "include_group_specific"), "group_effects=False predicts the population."
    ),
    **dict.fromkeys(("allow_new_levels", "sample_new_groups"), 'new_groups="sample" draws the effects of new groups.'),
    **dict.fromkeys(("type", "scale", "what"), 'kind= is "mean", "response" or "linear".'),
}
_PROB = "The probability of the interval is prob=."
_TO = "The path of a Parquet file to write is to=."
_HABITS_OF_DRAWS = {
    **_HABITS,
    "to": "It gives the draws as an array; predict() writes summaries, with to=.",
    "prob": "It gives the draws themselves; intervals are of predict(), with prob=.",
}
_HABITS_OF_SUMMARY = {
    **_HABITS,
    **dict.fromkeys(("ci_prob", "hdi_prob", "level", "interval", "alpha", "probs"), _PROB),
    **dict.fromkeys(("path", "file", "out", "output"), _TO),
}


@overload
def predict(
    fit: Fitted[Regression],
    new: Any = None,
    *,
    kind: Literal["mean", "response", "linear"] = "mean",
    group_effects: bool = True,
    new_groups: Literal["error", "sample"] = "error",
    prob: float = 0.9,
    missing: Literal["error", "nan"] = "error",
    seed: int | None = None,
    to: None = None,
) -> pd.DataFrame: ...


@overload
def predict(
    fit: Fitted[Regression],
    new: Any = None,
    *,
    kind: Literal["mean", "response", "linear"] = "mean",
    group_effects: bool = True,
    new_groups: Literal["error", "sample"] = "error",
    prob: float = 0.9,
    missing: Literal["error", "nan"] = "error",
    seed: int | None = None,
    to: str | PathLike[str],
) -> Path: ...


@in_our_words(_HABITS_OF_SUMMARY)
def predict(
    fit: Fitted[Regression],
    new: Any = None,
    *,
    kind: Literal["mean", "response", "linear"] = "mean",
    group_effects: bool = True,
    new_groups: Literal["error", "sample"] = "error",
    prob: float = 0.9,
    missing: Literal["error", "nan"] = "error",
    seed: int | None = None,
    to: str | PathLike[str] | None = None,
) -> pd.DataFrame | Path:
    """Predict rows of new data, or those of the fit.

    Parameters
    ----------
    new : data frame, mapping of arrays, path or lazy frame, optional
        With the predictors and the grouping columns; the response is not needed. Rows that are not in memory, as a
        model takes them (Parquet files by path or pattern, a lazy frame of Polars, a DuckDB relation and so on), are
        predicted block by block. Without it the rows of the fit are predicted.
    kind : {"mean", "response", "linear"}
        The expected response (of a binomial one the probability of a success), a new observation with its noise, or the
        linear predictor, which of a Gaussian response is its mean. Offsets are added, so new data need their column;
        new observations need that of standard errors, weights or numbers of trials, where the model has these.
    group_effects : bool
        Whether the effects of groups are added. With False the population alone is predicted, the average group: the
        effects of all factors are 0, so that new data need neither grouping columns nor those that only effects
        multiply, and no spread of groups is added. Behind a link that is no straight line the response of the average
        group is not the average response of the groups.
    new_groups : {"error", "sample"}
        For groups that the fit has not seen: an error, or one effect per draw and group from the population of groups,
        shared by the rows of that group. What is known of other factors stays: a new class of a known school has that
        school's effect. A row whose label is missing is of a new group of its own, since nothing says that two such
        rows are of the same one.
    prob : float
        Probability of the central interval from `lower` to `upper`.
    missing : {"error", "nan"}
        Rows with a missing value in a column of the model, but labels of new groups where these are drawn: an error
        that names all such columns, or rows of NaN.
    seed : int, optional
        Of the noise and the new groups; the fit's own by default, so that results repeat. The noise of a row follows
        from the seed and its position, the effect of a new group from the seed and its label: other rows change
        nothing.
    to : path, optional
        A Parquet file to write the predictions into, as they come. It is written beside its place and renamed, so a
        file of that name is replaced whole or not at all.

    Returns
    -------
    pandas.DataFrame, or pathlib.Path where the predictions are written
        One row per row of `new`, with its index: mean, sd, lower, median, upper, in units of the response, or of the
        linear predictor. Rows that were not in memory have their positions as index; so have all rows of a file, in its
        first column, `row`.

    Raises
    ------
    DataError
        If a column is missing or cannot be used, or a group is new and `new_groups="error"`.
    StanhierError
        If an argument has a value that it cannot have, or the file cannot be written.
    """
    check_arguments(kind, new_groups, group_effects, prob)
    seed = chosen_seed(fit, seed)
    target = None if to is None else checked_target(to, new)
    wanted = WantedRows.of(
        fit, new, "predict", group_effects=bool(group_effects), new_groups=new_groups, missing=missing
    )
    found = (
        row_draws(fit.model, fit.draws, rows, kind=kind, new_groups=new_groups, seed=seed) for rows in wanted.blocks()
    )
    tables = (summarise(one, prob) for one in found)
    if target is not None:
        return written(tables, target)
    return Table.by_sd(next(tables) if wanted.source is None else together(tables))


@in_our_words(_HABITS_OF_DRAWS)
def predict_draws(
    fit: Fitted[Regression],
    new: Any = None,
    *,
    kind: Literal["mean", "response", "linear"] = "mean",
    group_effects: bool = True,
    new_groups: Literal["error", "sample"] = "error",
    missing: Literal["error", "nan"] = "error",
    seed: int | None = None,
) -> "xr.DataArray":
    """Predict rows of new data, or those of the fit, draw by draw.

    Parameters
    ----------
    new, kind, group_effects, new_groups, missing, seed
        As for `predict`, which summarises these draws.

    Returns
    -------
    xarray.DataArray
        Dimensions chain, draw, row; the coordinate `row` is the index of `new`.

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
    draws = fit.draws
    wanted = WantedRows.of(
        fit, new, "predict_draws", group_effects=bool(group_effects), new_groups=new_groups, missing=missing
    )
    rows = wanted.at_once(max(1, MAX_VALUES // draws.n_draws), draws.n_draws)
    found = row_draws(fit.model, draws, rows, kind=kind, new_groups=new_groups, seed=seed)
    return xr.DataArray(
        found.collected().reshape(*draws.shape, rows.n_rows),
        dims=("chain", "draw", "row"),
        coords={**chain_draw(draws), "row": ("row", row_labels(rows.index))},
        name=fit.model.design.formula.response,
        attrs={"kind": kind},
    )


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
