"""Means of groups, observed and replicated, and what rows of a group alone say of its effects."""

import numpy as np

from stanhier.design.in_memory import lies_within
from stanhier.engines.engine import BLOCK_VALUES
from stanhier.engines.gaussian.likelihood import common_mean
from stanhier.engines.multilevel.given import Given, GroupedRows, effect_products, root_weights
from stanhier.engines.multilevel.own_effects import least_squares

__all__ = ["own_effects", "replicated_means"]


def own_effects(rows: GroupedRows, given: Given, term: int) -> np.ndarray:
    """Give least-squares estimates of the effects of each group from its rows alone.

    Parameters
    ----------
    rows : GroupedRows
        Those behind the draws.
    given : Given
        Population and effects of other factors are taken at their means.
    term : int

    Returns
    -------
    numpy.ndarray, shape (J, q)
        Nan where the rows of a group do not tell its effects.
    """
    everywhere = np.arange(len(rows.y))
    residual = rows.y - common_mean(rows.X, given.origin, given.location.mean(axis=0)[None])[0] - given.origin[-1]
    for other, grouping in enumerate(rows.groupings):
        if other != term:
            effects = given.effects(other, np.arange(grouping.codes.max() + 1)).mean(axis=0)
            residual -= (rows.effect_matrix(other) * effects[grouping.codes]).sum(axis=1)
    codes, weights = rows.groupings[term].codes, root_weights(rows, everywhere) ** 2
    Z = rows.effect_matrix(term)
    q = Z.shape[1]
    sums = [np.bincount(codes, weights * z * other) for z in Z.T for other in (*Z.T, residual)]
    products = np.moveaxis(np.reshape(sums, (q, q + 1, -1)), -1, 0)
    return least_squares(products[:, :, :q], products[:, :, q])


def replicated_means(
    rows: GroupedRows, given: Given, term: int, weights: np.ndarray, seed: int
) -> tuple[np.ndarray, np.ndarray]:
    """Give means of rows of groups, were each a new one, and observed; rows weigh by their precision.

    Such a mean is normal around the mean of the rows' expectations. Effects of the factor are drawn from their
    population, and so are those of factors each of whose levels lies within one of its groups.

    Parameters
    ----------
    rows : GroupedRows
    given : Given
    term : int
    weights : numpy.ndarray, shape (J,)
        Sums of the weights of the groups' rows.
    seed : int

    Returns
    -------
    replicated : numpy.ndarray, shape (S, J)
    observed : numpy.ndarray, shape (J,)
    """
    codes = rows.groupings[term].codes
    order = np.argsort(codes, kind="stable")
    rng = np.random.default_rng([seed, 0x6D])
    fresh = {other: _new_effects(rows, given, other, rng) for other in _within(rows, term)}
    around = np.zeros((given.n_draws, len(weights)))
    step = max(1, BLOCK_VALUES // given.n_draws)
    for start in range(0, len(order), step):
        positions = order[start : start + step]
        starts = np.flatnonzero(np.diff(codes[positions], prepend=-1))
        residuals = given.residuals(rows, positions, without=-1)
        for other, effects in fresh.items():
            levels, inverse = np.unique(rows.groupings[other].codes[positions], return_inverse=True)
            changed = given.effects(other, levels) - effects[:, levels]
            residuals += effect_products(changed, inverse, rows.effect_matrix(other, positions))
        residuals *= root_weights(rows, positions) ** 2
        around[:, codes[positions[starts]]] += np.add.reduceat(residuals, starts, axis=1)
    observed = np.bincount(codes, root_weights(rows, np.arange(len(codes))) ** 2 * rows.y) / weights
    noise = rng.standard_normal(around.shape)
    return observed - around / weights + given.sigma[:, None] / np.sqrt(weights) * noise, observed


def _within(rows: GroupedRows, term: int) -> list[int]:
    """Give the factor itself and those each of whose levels lies within one of its groups."""
    codes = rows.groupings[term].codes
    return [other for other, grouping in enumerate(rows.groupings) if lies_within(grouping.codes, codes)]


def _new_effects(rows: GroupedRows, given: Given, term: int, rng: np.random.Generator) -> np.ndarray:
    """Draw effects of all groups of a factor from their population, shape (S, J, q)."""
    factors = given.factors[term]
    n_levels = int(rows.groupings[term].codes.max()) + 1
    noise = rng.standard_normal((given.n_draws, n_levels, factors.shape[1]))
    return np.asarray(np.einsum("sij,sgj->sgi", factors, noise))
