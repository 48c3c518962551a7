"""Predictions: the posterior of the mean, or of a new response, for rows of new data."""

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import pandas as pd

from stanhier.basics.arguments import check_seed, in_our_words
from stanhier.basics.errors import StanhierError
from stanhier.design.design import NewRows
from stanhier.engines.draws import Draws
from stanhier.engines.engine import BLOCK_VALUES
from stanhier.engines.regression import Regression
from stanhier.posterior.fitted import Fitted
from stanhier.posterior.labelled import MAX_VALUES, chain_draw
from stanhier.posterior.predictable import check_arguments, check_rows

if TYPE_CHECKING:
    import xarray as xr

__all__ = [
    "auxiliary_draws",
    "chosen_seed",
    "collect",
    "drawn_effects",
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
    kind: Literal["mean", "response", "linear"] = "mean",
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
    check_arguments(kind, new_groups, prob)
    seed = chosen_seed(fit, seed)
    rows = fit.model.design.encode(new_data)
    return summarise(fit, rows, kind=kind, new_groups=new_groups, prob=prob, seed=seed)


@in_our_words()
def predict_draws(
    fit: Fitted[Regression],
    new_data: pd.DataFrame | Mapping[str, Any],
    *,
    kind: Literal["mean", "response", "linear"] = "mean",
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
    seed = chosen_seed(fit, seed)
    rows = fit.model.design.encode(new_data)
    draws, n_rows = fit.draws, rows.n_rows
    if draws.n_draws * n_rows > MAX_VALUES:
        most = max(1, MAX_VALUES // draws.n_draws)
        raise StanhierError(
            f"predict_draws() would give {draws.n_draws:,} draws of {n_rows:,} rows, which is more than fits "
            f"comfortably in memory; ask for at most {most:,} rows at a time, or use predict(), which summarises."
        )
    values = collect(fit.model, draws, rows, kind=kind, new_groups=new_groups, seed=seed)
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
    table = np.empty((rows.n_rows, 5))
    for part, draws in predictive_draws(fit.model, fit.draws, rows, kind=kind, new_groups=new_groups, seed=seed):
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
    values = np.empty((draws.n_draws if keep is None else len(keep), rows.n_rows))
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
    kind : {"mean", "response", "linear"}
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
        If there are new groups and they are errors, or standard errors, offsets or numbers of trials are needed and
        missing.
    """
    check_rows(model, rows, kind=kind, new_groups=new_groups)
    engine = model.engine
    auxiliary = auxiliary_draws(model, draws, keep) if kind == "response" else {}
    order = np.lexsort([groups.codes for groups in rows.groups]) if rows.groups else np.arange(rows.n_rows)
    step = max(1, BLOCK_VALUES // max(draws.n_draws, 1))
    for start in range(0, len(order), step):
        part = order[start : start + step]
        values = engine.linear(draws, rows.X[part], keep)
        for term, groups in enumerate(rows.groups):
            matrix = model.design.groupings[term].effect_matrix(rows.columns[part])
            codes, inverse = np.unique(groups.codes[part], return_inverse=True)
            effects = drawn_effects(model, draws, term, codes, seed)
            kept = effects if keep is None else effects[keep]
            for k, column in enumerate(matrix.T):
                values += kept[:, inverse, k] * column
        if rows.offset is not None:
            values += rows.offset[part]
        if kind == "mean":
            values = model.family.mean(values)
        elif kind == "response":
            values = np.stack(
                [_response(model, auxiliary, rows, row, eta, seed) for row, eta in zip(part, values.T, strict=True)],
                axis=1,
            )
        yield part, values


def auxiliary_draws(model: Regression, draws: Draws, keep: np.ndarray | None = None) -> dict[str, np.ndarray]:
    """Give what the distribution of responses has beside the linear predictor, each of shape (S,)."""
    values = {name: draws.flat(name) for name in model.family.beside_sigma}
    values = values if keep is None else {name: one[keep] for name, one in values.items()}
    return values | ({"sigma": model.engine.noise_scale(draws, keep)} if model.family.has_sigma else {})


def _response(
    model: Regression, auxiliary: dict[str, np.ndarray], rows: NewRows, row: int, eta: np.ndarray, seed: int
) -> np.ndarray:
    """Draw new observations of one row, shape (S,), from its own stream of random numbers."""
    if rows.se is not None:
        auxiliary = auxiliary | {"sigma": rows.se[row]}
    trials = None if rows.trials is None else rows.trials[row]
    return model.family.draw(_stream(seed, _RESPONSE, row), eta, auxiliary, trials)


def drawn_effects(model: Regression, draws: Draws, term: int, groups: np.ndarray, seed: int) -> np.ndarray:
    """Give the effects of known and new groups of a factor, shape (S, G, q)."""
    grouping = model.design.groupings[term]
    n_known = len(grouping.levels)
    known, new = groups[groups < n_known], groups[groups >= n_known] - n_known
    effects = np.empty((draws.n_draws, len(groups), grouping.n_effects))
    if len(known):
        effects[:, : len(known)] = model.engine.effects(draws, term, known)
    for k, level in enumerate(new, start=len(known)):
        # The first factor's streams are those that a model with one factor has.
        stream = _stream(seed, _NEW_GROUP, level, *([term] if term else []))
        noise = stream.standard_normal((draws.n_draws, grouping.n_effects))
        effects[:, k] = model.engine.new_effects(draws, term, noise)
    return effects


def _stream(seed: int, purpose: int, *position: int) -> np.random.Generator:
    """Random numbers of one row or group."""
    return np.random.default_rng([seed, purpose, *map(int, position)])
