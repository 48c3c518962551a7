"""Draws of the linear predictor, the mean or a new response of rows, block by block."""

from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from stanhier.design.design import NewRows
from stanhier.engines.draws import Draws
from stanhier.engines.engine import BLOCK_VALUES
from stanhier.engines.regression import Regression
from stanhier.posterior.predictable import check_rows

__all__ = ["auxiliary_draws", "collect", "drawn_effects", "predictive_draws"]

_RESPONSE, _NEW_GROUP = 0x72, 0x6E


def collect(
    model: Regression,
    draws: Draws,
    rows: NewRows,
    *,
    kind: str,
    new_groups: str,
    seed: int,
    keep: np.ndarray | None = None,
    group_effects: bool = True,
) -> np.ndarray:
    """Give the draws of all rows in one array, shape (S, N) or (len(keep), N)."""
    values = np.empty((draws.n_draws if keep is None else len(keep), rows.n_rows))
    blocks = predictive_draws(
        model, draws, rows, kind=kind, new_groups=new_groups, seed=seed, keep=keep, group_effects=group_effects
    )
    for part, block in blocks:
        values[:, part] = block
    return values


def predictive_draws(
    model: Regression,
    draws: Draws,
    rows: NewRows,
    *,
    kind: str,
    new_groups: str,
    seed: int,
    keep: np.ndarray | None = None,
    group_effects: bool = True,
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
    group_effects : bool
        Whether effects of groups are added; without, groups are not looked at.

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
    rows = rows if group_effects else replace(rows, groups=())
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
