"""Predictions: the posterior of the mean, or of a new response, for rows of new data."""

from collections.abc import Iterator
from numbers import Integral, Real
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from stanhier.basics.errors import DataError, StanhierError
from stanhier.basics.words import quoted
from stanhier.design.in_memory import NewRows
from stanhier.engines.gaussian.effects import draw_effects
from stanhier.engines.gaussian.likelihood import BLOCK_VALUES, common_mean

if TYPE_CHECKING:
    import xarray as xr

    from stanhier.engines.draws import Draws
    from stanhier.fit import Fit
    from stanhier.models import Model

__all__ = [
    "MAX_VALUES",
    "check_arguments",
    "check_seed",
    "collect",
    "labelled_draws",
    "predict",
    "predictive_draws",
    "row_labels",
]

MAX_VALUES = 20_000_000
"""Draws times rows that are given back as draws at most (160 MB); summaries have no such limit."""

_RESPONSE, _NEW_GROUP = 0x72, 0x6E


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
    check_probability("predict", prob)


def check_probability(method: str, prob: Any) -> None:
    """Refuse a `prob` that is no probability strictly between 0 and 1.

    Raises
    ------
    StanhierError
        Naming the method and the value.
    """
    if isinstance(prob, bool) or not isinstance(prob, Real) or not 0 < float(prob) < 1:
        raise StanhierError(f"{method}(prob={quoted(prob)}): 'prob' must be a number between 0 and 1.")


def predict(fit: "Fit", rows: NewRows, *, kind: str, new_groups: str, prob: float, seed: int) -> pd.DataFrame:
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


def labelled_draws(fit: "Fit", rows: NewRows, *, kind: str, new_groups: str, seed: int) -> "xr.DataArray":
    """Give the draws of predictions with coordinates chain, draw and row; see `Fit.predict_draws`."""
    import xarray as xr

    chains, n_draws = fit.draws.shape
    if chains * n_draws * len(rows.X) > MAX_VALUES:
        most = max(1, MAX_VALUES // (chains * n_draws))
        raise StanhierError(
            f"predict_draws() would give {chains * n_draws:,} draws of {len(rows.X):,} rows, which is more than fits "
            f"comfortably in memory; ask for at most {most:,} rows at a time, or use predict(), which summarises."
        )
    values = collect(fit.model, fit.draws, rows, kind=kind, new_groups=new_groups, seed=seed)
    return xr.DataArray(
        values.reshape(chains, n_draws, len(rows.X)),
        dims=("chain", "draw", "row"),
        coords={"chain": np.arange(chains), "draw": np.arange(n_draws), "row": ("row", row_labels(rows.index))},
        name=fit.model.design.formula.response,
        attrs={"kind": kind},
    )


def collect(
    model: "Model",
    draws: "Draws",
    rows: NewRows,
    *,
    kind: str,
    new_groups: str,
    seed: int,
    keep: np.ndarray | None = None,
) -> np.ndarray:
    """Give the draws of all rows in one array, shape (S, N) or (len(keep), N)."""
    values = np.empty((len(draws.flat_sigma) if keep is None else len(keep), len(rows.X)))
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


def check_seed(seed: Any) -> None:
    """Refuse a seed that is no integer of at least 0; None is one that the library chooses.

    Raises
    ------
    StanhierError
    """
    if seed is not None and (isinstance(seed, bool) or not isinstance(seed, Integral) or int(seed) < 0):
        raise StanhierError(f"seed={quoted(seed)}: 'seed' must be an integer of at least 0.")


def predictive_draws(
    model: "Model",
    draws: "Draws",
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
    model : Model
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
    origin = model.compressed.origin
    location = draws.flat_location if keep is None else draws.flat_location[keep]
    sigma = draws.flat_sigma if keep is None else draws.flat_sigma[keep]
    order = np.arange(len(rows.X)) if rows.codes is None else np.argsort(rows.codes, kind="stable")
    step = max(1, BLOCK_VALUES // max(len(draws.flat_sigma), 1))
    for start in range(0, len(order), step):
        part = order[start : start + step]
        values = common_mean(rows.X[part], origin, location) + origin[-1]
        if rows.codes is not None:
            groups, inverse = np.unique(rows.codes[part], return_inverse=True)
            effects = _effects(model, draws, groups, seed)
            values += (effects if keep is None else effects[keep])[:, inverse]
        if kind == "response":
            noise = np.stack([_stream(seed, _RESPONSE, row).standard_normal(len(sigma)) for row in part], axis=1)
            values += (sigma[:, None] if rows.se is None else rows.se[part]) * noise
        yield part, values


def _check_rows(model: "Model", rows: NewRows, *, kind: str, new_groups: str) -> None:
    design = model.design
    if len(rows.new_levels) and new_groups == "error":
        assert design.group is not None
        listed = ", ".join(repr(level) for level in rows.new_levels[:5])
        more = f" and {len(rows.new_levels) - 5} more" if len(rows.new_levels) > 5 else ""
        raise DataError(
            f"Column '{design.group.name}' has groups that the model has not seen: {listed}{more}; predict(..., "
            'new_groups="sample") draws their effects from the population of groups.'
        )
    if kind == "response" and design.has_errors and rows.se is None:
        named = f"the column '{design.se_name}'" if design.se_name is not None else 'a model made with se="column"'
        raise DataError(f'predict(kind="response") needs the standard errors of the new rows: {named} is missing.')


def _effects(model: "Model", draws: "Draws", groups: np.ndarray, seed: int) -> np.ndarray:
    n_known = model.compressed.n_groups
    known, new = groups[groups < n_known], groups[groups >= n_known] - n_known
    effects = np.empty((len(draws.flat_sigma), len(groups)))
    if len(known):
        effects[:, : len(known)] = draw_effects(
            model.compressed, known, draws.flat_location, draws.flat_sigma, draws.flat_sigma_alpha, seed=draws.seed
        )
    for k, level in enumerate(new, start=len(known)):
        noise = _stream(seed, _NEW_GROUP, level).standard_normal(len(effects))
        effects[:, k] = draws.flat_sigma_alpha * noise
    return effects


def _stream(seed: int, purpose: int, position: int) -> np.random.Generator:
    """Random numbers of one row or group."""
    return np.random.default_rng([seed, purpose, int(position)])
