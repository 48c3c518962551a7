"""Predictions: the posterior of the mean, or of a new response, for rows of new data."""

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import pandas as pd

from stanhier.basics.arguments import check_seed, checked_probability, in_our_words
from stanhier.basics.errors import DataError, StanhierError
from stanhier.basics.words import quoted
from stanhier.design.design import NewRows
from stanhier.engines.draws import Draws
from stanhier.engines.engine import BLOCK_VALUES
from stanhier.engines.regression import Regression
from stanhier.posterior.fitted import Fitted
from stanhier.posterior.labelled import MAX_VALUES, chain_draw

if TYPE_CHECKING:
    import xarray as xr

__all__ = [
    "check_arguments",
    "collect",
    "predict",
    "predict_draws",
    "predictive_draws",
    "row_labels",
    "summarise",
]

_RESPONSE, _NEW_GROUP = 0x72, 0x6E


@in_our_words()
def predict(
    fit: Fitted[Regression],
    new_data: pd.DataFrame | Mapping[str, Any],
    *,
    kind: Literal["mean", "response"] = "mean",
    new_groups: Literal["error", "sample"] = "error",
    prob: float = 0.9,
    seed: int | None = None,
) -> pd.DataFrame:
    """Predict rows of new data.

    Parameters
    ----------
    new_data : pandas.DataFrame or mapping of arrays
        With the predictors and the grouping column; the response is not needed.
    kind : {"mean", "response"}
        The expected response (the linear predictor), or a new observation with its noise.
    new_groups : {"error", "sample"}
        For groups that the fit has not seen: an error, or one effect per draw and group from
        normal(mu_alpha, sigma_alpha), shared by the rows of that group.
    prob : float
        Probability of the central interval from `lower` to `upper`.
    seed : int, optional
        Of the noise and the new groups; the fit's own by default, so that results repeat.

    Returns
    -------
    pandas.DataFrame
        One row per row of `new_data`, with its index: mean, sd, lower, median, upper, in units of the response.

    Raises
    ------
    DataError
        If a column is missing or cannot be used, or a group is new and `new_groups="error"`.
    StanhierError
        If an argument has a value that it cannot have.
    """
    check_arguments(kind, new_groups, prob)
    check_seed(seed)
    rows = fit.model.design.encode(new_data)
    return summarise(fit, rows, kind=kind, new_groups=new_groups, prob=prob, seed=_seed(fit, seed))


@in_our_words()
def predict_draws(
    fit: Fitted[Regression],
    new_data: pd.DataFrame | Mapping[str, Any],
    *,
    kind: Literal["mean", "response"] = "mean",
    new_groups: Literal["error", "sample"] = "error",
    seed: int | None = None,
) -> "xr.DataArray":
    """Predict rows of new data, draw by draw.

    Parameters
    ----------
    new_data, kind, new_groups, seed
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

    check_arguments(kind, new_groups)
    check_seed(seed)
    rows = fit.model.design.encode(new_data)
    draws, n_rows = fit.draws, len(rows.X)
    if draws.n_draws * n_rows > MAX_VALUES:
        most = max(1, MAX_VALUES // draws.n_draws)
        raise StanhierError(
            f"predict_draws() would give {draws.n_draws:,} draws of {n_rows:,} rows, which is more than fits "
            f"comfortably in memory; ask for at most {most:,} rows at a time, or use predict(), which summarises."
        )
    values = collect(fit.model, draws, rows, kind=kind, new_groups=new_groups, seed=_seed(fit, seed))
    return xr.DataArray(
        values.reshape(*draws.shape, n_rows),
        dims=("chain", "draw", "row"),
        coords={**chain_draw(draws), "row": ("row", row_labels(rows.index))},
        name=fit.model.design.formula.response,
        attrs={"kind": kind},
    )


def summarise(
    fit: Fitted[Regression], rows: NewRows, *, kind: str, new_groups: str, prob: float, seed: int
) -> pd.DataFrame:
    """Summarise predictions row by row.

    Returns
    -------
    pandas.DataFrame
        Columns mean, sd, lower, median, upper; the index of the new data.
    """
    tail = (1 - prob) / 2
    table = np.empty((len(rows.X), 5))
    for part, draws in predictive_draws(fit.model, fit.draws, rows, kind=kind, new_groups=new_groups, seed=seed):
        quantiles = np.quantile(draws, [tail, 0.5, 1 - tail], axis=0)
        table[part] = np.column_stack([draws.mean(axis=0), draws.std(axis=0, ddof=1), *quantiles])
    return pd.DataFrame(table, index=rows.index, columns=["mean", "sd", "lower", "median", "upper"])


def check_arguments(kind: str, new_groups: str, prob: Any = 0.9) -> None:
    """Refuse arguments that `Fit.predict` cannot take.

    Raises
    ------
    StanhierError
        Naming the argument and what it can be.
    """
    if kind not in ("mean", "response"):
        raise StanhierError(f'predict(kind={quoted(kind)}): \'kind\' must be "mean" or "response".')
    if new_groups not in ("error", "sample"):
        raise StanhierError(f'predict(new_groups={quoted(new_groups)}): \'new_groups\' must be "error" or "sample".')
    checked_probability(prob, "predict")


def _seed(fit: Fitted[Regression], seed: int | None) -> int:
    return fit.draws.seed if seed is None else int(seed)


def collect(
    model: Regression,
    draws: Draws,
    rows: NewRows,
    *,
    kind: str,
    new_groups: str,
    seed: int,
    keep: np.ndarray | None = None,
) -> np.ndarray:
    """Give the draws of all rows in one array, shape (S, N) or (len(keep), N)."""
    values = np.empty((draws.n_draws if keep is None else len(keep), len(rows.X)))
    for part, block in predictive_draws(model, draws, rows, kind=kind, new_groups=new_groups, seed=seed, keep=keep):
        values[:, part] = block
    return values


def row_labels(index: pd.Index) -> np.ndarray:
    """Row labels as xarray takes them: numbers, dates and text as they are, anything else one by one."""
    if index.dtype.kind in "iufbmM":
        return index.to_numpy()
    labels = np.empty(len(index), dtype=object)
    labels[:] = list(index)
    return labels


def predictive_draws(
    model: Regression,
    draws: Draws,
    rows: NewRows,
    *,
    kind: str,
    new_groups: str,
    seed: int,
    keep: np.ndarray | None = None,
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Give the draws block by block of rows, groups together.

    Parameters
    ----------
    model : Regression
    draws : Draws
    rows : NewRows
    kind : {"mean", "response"}
    new_groups : {"error", "sample"}
        Whether a group that the fit has not seen is an error, or has its effect drawn from the population: one effect
        per draw and group, shared by the rows of that group.
    seed : int
        Of the random numbers of new groups and responses; each row and each new group has its own stream, so that
        the size of the blocks and the other rows change nothing.
    keep : numpy.ndarray of int, optional
        Positions of the draws that are wanted; all where not given.

    Yields
    ------
    numpy.ndarray of int, shape (n,)
        Positions of the rows.
    numpy.ndarray, shape (S, n) or (len(keep), n)

    Raises
    ------
    DataError
        If there are new groups and they are errors, or standard errors are needed and missing.
    """
    _check_rows(model, rows, kind=kind, new_groups=new_groups)
    engine = model.engine
    sigma = engine.noise_scale(draws, keep)
    order = np.arange(len(rows.X)) if rows.codes is None else np.argsort(rows.codes, kind="stable")
    step = max(1, BLOCK_VALUES // max(draws.n_draws, 1))
    for start in range(0, len(order), step):
        part = order[start : start + step]
        values = engine.linear(draws, rows.X[part], keep)
        if rows.codes is not None:
            groups, inverse = np.unique(rows.codes[part], return_inverse=True)
            effects = _effects(model, draws, groups, seed)
            values += (effects if keep is None else effects[keep])[:, inverse]
        if kind == "response":
            noise = np.stack([_stream(seed, _RESPONSE, row).standard_normal(len(sigma)) for row in part], axis=1)
            values += (sigma[:, None] if rows.se is None else rows.se[part]) * noise
        yield part, values


def _check_rows(model: Regression, rows: NewRows, *, kind: str, new_groups: str) -> None:
    design = model.design
    if len(rows.new_levels) and new_groups == "error":
        assert design.group is not None
        listed = ", ".join(repr(level) for level in rows.new_levels[:5])
        more = f" and {len(rows.new_levels) - 5} more" if len(rows.new_levels) > 5 else ""
        raise DataError(
            f"Column '{design.group.name}' has groups that the model has not seen: {listed}{more}; predict(..., "
            'new_groups="sample") draws their effects from the population of groups.'
        )
    if kind == "response" and model.noise.kind == "known" and rows.se is None:
        named = f"the column '{design.se_name}'" if design.se_name is not None else 'a model made with se="column"'
        raise DataError(f'predict(kind="response") needs the standard errors of the new rows: {named} is missing.')


def _effects(model: Regression, draws: Draws, groups: np.ndarray, seed: int) -> np.ndarray:
    own = model.parameters.effects
    assert own is not None
    known, new = groups[groups < own.size], groups[groups >= own.size] - own.size
    effects = np.empty((draws.n_draws, len(groups)))
    if len(known):
        effects[:, : len(known)] = model.engine.effects(draws, known)
    for k, level in enumerate(new, start=len(known)):
        noise = _stream(seed, _NEW_GROUP, level).standard_normal(len(effects))
        effects[:, k] = model.engine.new_effects(draws, noise)
    return effects


def _stream(seed: int, purpose: int, position: int) -> np.random.Generator:
    """Random numbers of one row or group."""
    return np.random.default_rng([seed, purpose, int(position)])
