"""Predictions: the posterior of the mean, or of a new response, for rows of new data."""

from collections.abc import Iterator
from numbers import Real
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from stanhier.data import NewRows
from stanhier.errors import DataError, StanhierError
from stanhier.group_effects import draw_effects

if TYPE_CHECKING:
    from stanhier.fit import Fit

__all__ = ["check_arguments", "predict", "predictive_draws"]

# Rows times draws that are in memory at once.
BLOCK_VALUES = 1 << 22


def check_arguments(kind: str, new_groups: str, prob: Any) -> None:
    """Refuse arguments that `Fit.predict` cannot take.

    Raises
    ------
    StanhierError
        Naming the argument and what it can be.
    """
    if kind not in ("mean", "response"):
        raise StanhierError(f'predict(kind={kind!r}): \'kind\' must be "mean" or "response".')
    if new_groups not in ("error", "sample"):
        raise StanhierError(f'predict(new_groups={new_groups!r}): \'new_groups\' must be "error" or "sample".')
    if isinstance(prob, bool) or not isinstance(prob, Real) or not 0 < float(prob) < 1:
        raise StanhierError(f"predict(prob={prob!r}): 'prob' must be a number between 0 and 1.")


def predict(fit: "Fit", rows: NewRows, *, kind: str, new_groups: str, prob: float, seed: int) -> pd.DataFrame:
    """Summarise predictions row by row.

    Returns
    -------
    pandas.DataFrame
        Columns mean, sd, lower, median, upper; the index of the new data.
    """
    tail = (1 - prob) / 2
    columns: dict[str, list[np.ndarray]] = {name: [] for name in ("mean", "sd", "lower", "median", "upper")}
    for _, draws in predictive_draws(fit, rows, kind=kind, new_groups=new_groups, seed=seed):
        lower, median, upper = np.quantile(draws, [tail, 0.5, 1 - tail], axis=0)
        for name, values in zip(
            columns, (draws.mean(axis=0), draws.std(axis=0, ddof=1), lower, median, upper), strict=True
        ):
            columns[name].append(values)
    return pd.DataFrame({name: np.concatenate([*parts, np.empty(0)]) for name, parts in columns.items()}, rows.index)


def predictive_draws(
    fit: "Fit", rows: NewRows, *, kind: str, new_groups: str, seed: int
) -> Iterator[tuple[slice, np.ndarray]]:
    """Give the draws block by block of rows.

    Parameters
    ----------
    fit : Fit
    rows : NewRows
    kind : {"mean", "response"}
    new_groups : {"error", "sample"}
        Whether a group that the fit has not seen is an error, or has its effect drawn from the population: one effect
        per draw and group, shared by the rows of that group.
    seed : int
        Of the random numbers of new groups and responses.

    Yields
    ------
    slice, numpy.ndarray of shape (S, rows of the block)

    Raises
    ------
    DataError
        If there are new groups and they are errors, or standard errors are needed and missing.
    """
    draws = fit.draws
    model = fit.model
    origin = model.compressed.origin
    design = model.design
    if len(rows.new_levels) and new_groups == "error":
        assert design.group is not None
        listed = ", ".join(repr(level) for level in rows.new_levels[:5])
        more = f" and {len(rows.new_levels) - 5} more" if len(rows.new_levels) > 5 else ""
        raise DataError(
            f"Column '{design.group.name}' has groups that the model has not seen: {listed}{more}; predict(..., "
            'new_groups="sample") draws their effects from the population of groups.'
        )
    if kind == "response" and design.se is not None and rows.se is None:
        named = f"the column '{design.se_name}'" if design.se_name is not None else 'a model made with se="column"'
        raise DataError(f'predict(kind="response") needs the standard errors of the new rows: {named} is missing.')
    has_intercept = draws.location.shape[-1] > len(design.predictors)
    location = draws.flat_location
    slopes = location[:, int(has_intercept) :]
    new_effects = _new_effects(fit, len(rows.new_levels), seed)
    step = max(1, BLOCK_VALUES // max(len(location), 1))
    for block, start in enumerate(range(0, len(rows.X), step)):
        part = slice(start, min(start + step, len(rows.X)))
        mean = slopes @ (rows.X[part] - origin[:-1]).T + origin[-1]
        if has_intercept:
            mean += location[:, :1]
        if rows.codes is not None:
            groups, inverse = np.unique(rows.codes[part], return_inverse=True)
            mean += _effects(fit, groups, new_effects)[:, inverse]
        if kind == "response":
            rng = np.random.default_rng([seed, 0x72, block])
            noise = draws.flat_sigma[:, None] if rows.se is None else rows.se[part]
            mean += noise * rng.standard_normal(mean.shape)
        yield part, mean


def _new_effects(fit: "Fit", number: int, seed: int) -> np.ndarray:
    if fit.draws.sigma_alpha is None:
        return np.empty((0, 0))
    rng = np.random.default_rng([seed, 0x6E])
    sigma_alpha = fit.draws.flat_sigma_alpha
    return sigma_alpha[:, None] * rng.standard_normal((number, len(sigma_alpha))).T


def _effects(fit: "Fit", groups: np.ndarray, new_effects: np.ndarray) -> np.ndarray:
    n_known = fit.model.compressed.n_groups
    known = groups[groups < n_known]
    draws = fit.draws
    effects = draw_effects(
        fit.model.compressed, known, draws.flat_location, draws.flat_sigma, draws.flat_sigma_alpha, seed=draws.seed
    )
    return np.column_stack([effects, new_effects[:, groups[groups >= n_known] - n_known]])
