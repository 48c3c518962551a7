"""What groups come to with complete, no and partial pooling, side by side."""

from collections.abc import Hashable, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from stanhier.basics.errors import FormulaError
from stanhier.basics.tables import Table, all_decimals
from stanhier.basics.words import quoted
from stanhier.design.columns import INTERCEPT
from stanhier.engines.parameters import Role
from stanhier.fit import Fit
from stanhier.model import Model
from stanhier.posterior import labelled
from stanhier.posterior.chosen_groups import chosen_groups, group_coefficient, summarised
from stanhier.posterior.places import Place

__all__ = ["COMPLETE", "NONE", "PARTIAL", "pooled_tables"]

COMPLETE, NONE, PARTIAL = "complete pooling", "no pooling", "partial pooling"

_WIDTH = 4.0
"""Standard deviations in an interval, roughly: as many digits are shown as are worth reading."""


def pooled_tables(
    fits: Mapping[str, Fit[Model]], own: np.ndarray, place: Place, prob: float
) -> dict[str, pd.DataFrame]:
    """Summarise each effect of the groups in each of the fits.

    Parameters
    ----------
    fits : mapping of Fit
        By kind of pooling.
    own : numpy.ndarray of int, shape (J, q)
        The effects of each group among the columns of the design without pooling.
    place : Place
        Where the predictors are, whose columns are those of partial pooling.
    prob : float
        Probability of the intervals.

    Returns
    -------
    dict of pandas.DataFrame
        By effect: one row per group, with the number of its rows `n`, and median and interval for each fit.
    """
    partial = fits[PARTIAL]
    grouping, chosen = partial.model.rows.groupings[0], chosen_groups(partial, None, None, "pooling")
    tail = [0.5, (1 - prob) / 2, (1 + prob) / 2]
    combinations = [group_coefficient(partial, grouping, effect, place.x) for effect in grouping.effects]
    of_partial = summarised(partial, chosen, combinations, tail)[:, 2:]
    separate = _slopes(fits[NONE])
    tables: dict[str, pd.DataFrame] = {}
    for k, effect in enumerate(grouping.effects):
        common, alone = _common(fits[COMPLETE], effect, place.x), separate[:, own[:, k]]
        if effect == INTERCEPT:
            alone = alone + _moved(fits, separate, own, place.x)
        ends = {
            "complete": np.quantile(common[:, None], tail, axis=0),
            "no": np.quantile(alone, tail, axis=0),
            "partial": of_partial[k],
        }
        table: dict[str, Any] = {"n": grouping.sizes}
        places: dict[Hashable, Any] = {}
        for kind, values in ends.items():
            digits = all_decimals((values[2] - values[1]) / _WIDTH)
            for suffix, column in zip(("", "_lower", "_upper"), values, strict=True):
                table[kind + suffix], places[kind + suffix] = np.broadcast_to(column, len(own)), digits
        index = pd.Index(labelled.plain_labels(grouping.levels), name=grouping.name)
        tables[effect] = Table.of(pd.DataFrame(table, index=index), places)
    return tables


def _common(fit: Fit[Model], effect: str, x: np.ndarray) -> np.ndarray:
    """Give draws of the population's intercept at predictors x or of a slope, shape (S,)."""
    predictors = fit.model.design.predictors
    if effect != INTERCEPT:
        return _slopes(fit)[:, predictors.index(effect)]
    return fit.model.engine.linear(fit.draws, x[None, : len(predictors)])[:, 0]


def _moved(fits: Mapping[str, Fit[Model]], separate: np.ndarray, own: np.ndarray, x: np.ndarray) -> np.ndarray:
    """Give what predictors x add to the intercept of each group without pooling, shape (S, J)."""
    design, columns = fits[PARTIAL].model.design, fits[NONE].model.design.predictors
    effects = design.groupings[0].effects
    total = np.zeros((len(separate), len(own)))
    for name, value in zip(design.predictors, x, strict=False):
        if value == 0:
            continue
        if name in effects:
            total += value * separate[:, own[:, effects.index(name)]]
        else:
            total += value * separate[:, [_position(columns, name, design.formula.text)]]
    return total


def _position(columns: Sequence[str], name: str, formula: str) -> int:
    if name not in columns:
        raise FormulaError(
            f"{quoted(formula)}: without pooling there is no column {quoted(name)}; make a column of it, or compare "
            "intercepts with at=0."
        )
    return columns.index(name)


def _slopes(fit: Fit[Model]) -> np.ndarray:
    """Give the draws of the slopes, shape (S, K)."""
    slopes = fit.model.parameters.of(Role.SLOPES)
    if slopes is None:
        return np.empty((fit.draws.n_draws, 0))
    values = fit.model.engine.coordinates.population(fit.draws)[slopes.name]
    return np.asarray(values.reshape(fit.draws.n_draws, -1))
