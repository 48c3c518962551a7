"""Effects of groups that have come since the draws were made, drawn given all rows and all that was drawn."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from stanhier.basics.threads import one_blas_thread
from stanhier.engines.draws import Draws
from stanhier.engines.engine import BLOCK_VALUES
from stanhier.engines.multilevel.given import Given, GroupedRows, root_weights
from stanhier.engines.multilevel.layout import EFFECTS, TermShape, effect_slices
from stanhier.engines.multilevel.set_densities import dummies

__all__ = ["drawn_new_levels", "with_room"]


def with_room(draws: Draws, shapes: Sequence[TermShape], n_before: Sequence[int]) -> Draws:
    """Give draws whose effects have room, filled with 0, for the groups that have come behind the old ones.

    Parameters
    ----------
    draws : Draws
    shapes : sequence of TermShape
        With the new groups.
    n_before : sequence of int
        Number of groups of each factor without them.
    """
    if EFFECTS not in draws.values:
        return draws
    old = [replace(shape, n_levels=n) for shape, n in zip(shapes, n_before, strict=True)]
    effects = np.zeros((*draws.shape, sum(shape.n_effects for shape in shapes)))
    for part, before, shape in zip(effect_slices(shapes), effect_slices(old), old, strict=True):
        effects[:, :, part.start : part.start + shape.n_effects] = draws.values[EFFECTS][:, :, before]
    return replace(draws, values={**draws.values, EFFECTS: effects})


def drawn_new_levels(
    draws: Draws, rows: GroupedRows, given: Given, shapes: Sequence[TermShape], n_before: Sequence[int]
) -> Draws:
    """Fill the room for new groups: with b = L u, u standard normal a priori, u is normal given the rows.

    Its precision is M = I + L'Z'ZL / sigma^2, and M times its mean L'Z'r / sigma^2, where r are the residuals of the
    rows of new groups, whatever else these are in.

    Parameters
    ----------
    draws : Draws
        As `with_room` gives them.
    rows : GroupedRows
        All rows.
    given : Given
        Of these draws.
    shapes : sequence of TermShape
    n_before : sequence of int
    """
    new = [(t, shape.n_levels - n) for t, (shape, n) in enumerate(zip(shapes, n_before, strict=True))]
    sizes = [count * shapes[t].q for t, count in new]
    if not sum(sizes):
        return draws
    affected = np.any([rows.groupings[t].codes >= n_before[t] for t, _ in new], axis=0)
    positions = np.flatnonzero(affected)
    codes = [rows.groupings[t].codes[positions] - n_before[t] for t, _ in new]
    Z = np.hstack([dummies(rows.effect_matrix(t, positions), codes[t], count) for t, count in new])
    roots = root_weights(rows, positions)
    Z *= roots[:, None]
    residuals = given.residuals(rows, positions, without=-1) * roots
    noise = np.random.default_rng([draws.seed, 0x6E]).standard_normal((draws.n_draws, sum(sizes)))
    found = np.empty_like(noise)
    step = max(1, BLOCK_VALUES // sum(sizes) ** 2)
    with one_blas_thread():
        cross, right = Z.T @ Z, residuals @ Z
        for start in range(0, draws.n_draws, step):
            part = slice(start, start + step)
            factors = _block_diagonal([given.factors[t][part] for t, _ in new], [count for _, count in new])
            found[part] = _draw(factors, cross, right[part], given.sigma[part], noise[part])
    effects = draws.values[EFFECTS].copy()
    ends = np.cumsum(sizes)
    for part, size, end in zip(effect_slices(shapes), sizes, ends, strict=True):
        effects[:, :, part.stop - size : part.stop] = found[:, end - size : end].reshape(*draws.shape, size)
    return replace(draws, values={**draws.values, EFFECTS: effects})


def _block_diagonal(factors: Sequence[np.ndarray], counts: Sequence[int]) -> np.ndarray:
    """Give the factor of all new effects together, shape (S, D, D), from those of each factor, (S, q, q)."""
    size = sum(count * factor.shape[-1] for factor, count in zip(factors, counts, strict=True))
    together, start = np.zeros((len(factors[0]), size, size)), 0
    for factor, count in zip(factors, counts, strict=True):
        q = factor.shape[-1]
        at = start + q * np.arange(count)[:, None, None]
        together[:, at + np.arange(q)[:, None], at + np.arange(q)] = factor[:, None]
        start += count * q
    return together


def _draw(
    factors: np.ndarray, cross: np.ndarray, right: np.ndarray, sigma: np.ndarray, noise: np.ndarray
) -> np.ndarray:
    transposed = np.swapaxes(factors, 1, 2)
    precision = np.eye(len(cross)) + transposed @ cross @ factors / sigma[:, None, None] ** 2
    pulled = np.einsum("sdk,sd->sk", factors, right) / sigma[:, None] ** 2
    lower = np.linalg.cholesky(precision)
    mean = np.linalg.solve(precision, pulled[..., None])
    around = np.linalg.solve(np.swapaxes(lower, 1, 2), noise[..., None])
    return np.asarray((factors @ (mean + around))[..., 0])
