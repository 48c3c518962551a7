"""Draws as one table: a row for each draw, a column for each number."""

from collections.abc import Sequence
from itertools import product
from typing import Any

import numpy as np
import pandas as pd

from stanhier.basics.arguments import in_our_words
from stanhier.basics.errors import StanhierError
from stanhier.basics.words import listed, quoted
from stanhier.engines.parameters import Parameter, Role
from stanhier.engines.regression import Regression
from stanhier.posterior import labelled
from stanhier.posterior.fitted import Fitted
from stanhier.posterior.selection import names_given

__all__ = ["to_dataframe"]

_NAMES = "Parameters are chosen by var_names=."
_GROUPS = 'Effects of groups are added by groups=["name"], the names of factors, or groups=True.'
_HABITS = {
    **dict.fromkeys(("parameters", "params", "pars", "vars", "variables", "names", "columns"), _NAMES),
    **dict.fromkeys(("group", "factors", "effects", "group_effects", "include_effects"), _GROUPS),
    **dict.fromkeys(
        ("format", "wide", "long"), "It gives one row a draw; table.melt(['chain', 'draw']) makes it long."
    ),
}


@in_our_words(_HABITS)
def to_dataframe(
    fit: Fitted[Regression],
    var_names: str | Sequence[str] | None = None,
    *,
    groups: bool | str | Sequence[str] | None = None,
) -> pd.DataFrame:
    """Give the draws as a table with one row a draw, ready for `to_parquet`, Polars or R.

    Parameters
    ----------
    var_names : str or sequence of str, optional
        Parameters, in the order of the model whatever their order here; by default all that groups share.
    groups : str, sequence of str or bool, optional
        Factors whose effects are added, by their names; True for those of all.

    Returns
    -------
    pandas.DataFrame
        Columns `chain` and `draw`, counted from 0, then the numbers by the names that `summary` has: `alpha`,
        `beta[x]`, `sd_g[Intercept]`, each correlation once. Integers, then floats; the index counts the rows.

    Raises
    ------
    StanhierError
        If there is no such parameter or factor, or draws times effects exceed 20 million values.

    Examples
    --------
    >>> fit.to_dataframe(groups=["county"]).to_parquet("draws.parquet")  # doctest: +SKIP
    """
    draws, model = fit.draws, fit.model
    wanted = _wanted(fit, var_names, groups)
    effects = [parameter for parameter in wanted if parameter.role is Role.EFFECTS]
    _refuse_many(fit, effects)
    shared = model.engine.coordinates.population(draws)
    names: list[str] = []
    parts: list[np.ndarray] = []
    for parameter in wanted:
        if parameter.role is Role.EFFECTS:
            array = labelled.effects_array(model, draws, parameter, np.arange(len(parameter.coords[0])))
            labels = product(*(array[dim].to_numpy() for dim in parameter.dims))
            names += [f"{parameter.name}[{', '.join(map(str, one))}]" for one in labels]
            values = array.to_numpy()
        else:
            names += parameter.scalar_names
            values = parameter.scalars(shared[parameter.name])
        parts.append(values.reshape(draws.n_draws, -1))
    chains, n_draws = draws.shape
    table = pd.DataFrame(np.hstack([np.empty((draws.n_draws, 0)), *parts]), columns=names)
    table.insert(0, "chain", np.repeat(np.arange(chains), n_draws))
    table.insert(1, "draw", np.tile(np.arange(n_draws), chains))
    return table


def _wanted(fit: Fitted[Regression], var_names: Any, groups: Any) -> list[Parameter]:
    """Choose parameters, in the order of the model."""
    inventory = fit.model.parameters
    chosen = set(_chosen(fit, var_names))
    effects = inventory.all_of(Role.EFFECTS)
    if groups is True:
        chosen |= {own.name for own in effects}
    elif isinstance(groups, str) or (isinstance(groups, Sequence) and all(isinstance(one, str) for one in groups)):
        factors = [grouping.name for grouping in fit.model.design.groupings]
        for name in [groups] if isinstance(groups, str) else groups:
            if name not in factors:
                raise StanhierError(
                    f"to_dataframe(groups={quoted(name)}): there is no such factor in the model; it has "
                    f"{listed(factors) if factors else 'none'}."
                )
            chosen.add(effects[factors.index(name)].name)
    elif groups is not None and groups is not False:
        raise StanhierError(
            f"to_dataframe(groups={quoted(groups)}): 'groups' must be names of factors, or True for all of them."
        )
    return [parameter for parameter in inventory if parameter.name in chosen]


def _chosen(fit: Fitted[Regression], var_names: Any) -> list[str]:
    """Give the names of parameters that were asked for, by default of those that all groups share."""
    inventory = fit.model.parameters
    if var_names is None:
        return inventory.population
    known = [parameter.name for parameter in inventory]
    names = names_given(var_names, known, "to_dataframe")
    for name in names:
        if name not in known:
            raise StanhierError(f"to_dataframe(): there is no parameter {quoted(name)}; they are: {', '.join(known)}.")
    return names


def _refuse_many(fit: Fitted[Regression], effects: list[Parameter]) -> None:
    """Refuse more effects of groups than fit comfortably in memory."""
    n_draws = fit.draws.n_draws
    n_values = n_draws * sum(own.size for own in effects)
    if n_values <= labelled.MAX_VALUES:
        return
    largest = max(effects, key=lambda own: own.size)
    factor = fit.model.design.groupings[largest.term or 0].name  # its dimension may have another
    (label,) = largest.coords[0][:1].tolist()
    raise StanhierError(
        f"to_dataframe(): {n_draws:,} draws of the effects of {listed([own.name for own in effects])} are "
        f"{n_values:,} values, more than the {labelled.MAX_VALUES:,} that fit comfortably in memory; "
        f"group_draws({quoted(factor)}, [{label!r}, ...]) gives those of some levels."
    )
