"""Log densities of rows of any family, given effects that were drawn, or with effects integrated out."""

from collections.abc import Iterator, Sequence

import numpy as np

from stanhier.basics.arviz_arrays import array_stats
from stanhier.basics.spacing import evenly
from stanhier.engines.engine import BLOCK_VALUES, Block, log_mean_exp
from stanhier.engines.rows.given_effects import FamilyRows, GivenEffects
from stanhier.engines.rows.set_integrals import at_positions, effects_of_sets, set_integrals, set_weights

__all__ = [
    "draws_for_k",
    "held_out_densities",
    "integration_k",
    "row_densities",
    "set_densities",
]

_DRAWS_FOR_K = 50


def row_densities(rows: FamilyRows, given: GivenEffects) -> Iterator[Block]:
    """Give the log densities of rows given all parameters and effects, block by block.

    Yields
    ------
    slice
        Rows of the block.
    left_out, all_in : numpy.ndarray, shape (S, n)
        Both log p(row | its linear predictor): other rows tell nothing more of it.
    """
    step = max(1, BLOCK_VALUES // given.n_draws)
    for start in range(0, len(rows.y), step):
        part = np.arange(start, min(start + step, len(rows.y)))
        density = _likelihoods(rows, given, part)
        yield slice(start, start + len(part)), density, density


def set_densities(
    rows: FamilyRows,
    codes: np.ndarray,
    n_sets: int,
    given: GivenEffects,
    known: Sequence[np.ndarray] | None = None,
) -> Iterator[Block]:
    """Give the log densities of sets of rows, block by block; each set has rows.

    Parameters
    ----------
    rows : FamilyRows
        Those behind the draws, or, with `known`, rows that the draws have not seen.
    codes : numpy.ndarray of int, shape (N,)
        For each row the position of its set.
    n_sets : int
    given : GivenEffects
    known : sequence of numpy.ndarray of int, shape (J,), optional
        For each grouping factor the positions of the levels of `rows` among those of the draws, -1 for a level that
        these have not seen. Without it levels are those of the draws.

    Yields
    ------
    numpy.ndarray of int
        Sets of the block.
    left_out : numpy.ndarray, shape (S, n)
        log p(rows of set j | other parameters and effects): effects of levels without rows elsewhere, or not seen by
        the draws, are integrated out.
    all_in : numpy.ndarray, shape (S, n)
        log p(rows of set j | parameters and effects), all of them drawn given these rows too; with `known` the same as
        `left_out`.
    """
    apart = effects_of_sets(rows, codes, known)
    for sets, positions, density in set_integrals(rows, codes, n_sets, given, apart):
        if known is not None:
            yield sets, density, density
            continue
        starts = np.flatnonzero(np.diff(codes[positions], prepend=-1))
        yield sets, density, np.add.reduceat(_likelihoods(rows, given, positions), starts, axis=1)


def draws_for_k(n_draws: int) -> np.ndarray:
    """Give the positions of the draws whose weights of importance sampling are looked at: 50, evenly spaced."""
    return evenly(n_draws, _DRAWS_FOR_K)


def integration_k(
    rows: FamilyRows,
    codes: np.ndarray,
    n_sets: int,
    given: GivenEffects,
    known: Sequence[np.ndarray] | None = None,
) -> np.ndarray:
    """Give Pareto k of the importance sampling by which `set_densities` integrates effects out, shape (n_sets,).

    Each integral of each given draw has its own, of as many points; what is given is the median over the draws.

    Parameters
    ----------
    rows, codes, n_sets, known
        As for `set_densities`.
    given : GivenEffects
        Of some draws.

    Returns
    -------
    numpy.ndarray
        nan of sets whose effects are not integrated out by importance sampling.
    """
    found = np.full(n_sets, np.nan)
    for sets, logs in set_weights(rows, codes, n_sets, given, effects_of_sets(rows, codes, known)):
        with np.errstate(all="ignore"):  # hopeless weights overflow; their k tells
            _, k = array_stats().psislw(-logs, axis=0)
        found[sets] = np.median(np.where(np.isnan(k), np.inf, k), axis=0)
    return found


def held_out_densities(rows: FamilyRows, known: Sequence[np.ndarray], given: GivenEffects) -> np.ndarray:
    """Log of the posterior mean density of each row by itself, shape (N,).

    Parameters
    ----------
    rows : FamilyRows
    known : sequence of numpy.ndarray of int, shape (N,)
        For each grouping factor, for each row, the position of its level among those of the draws; -1 for one that is
        not there, whose effect is integrated out.
    given : GivenEffects
    """
    n_rows = len(rows.y)
    integrated = [np.where(codes < 0, np.arange(n_rows), -1) for codes in known]
    result = np.empty(n_rows)
    apart = list(zip(known, integrated, strict=True))
    for sets, _, density in set_integrals(rows, np.arange(n_rows), n_rows, given, apart):
        result[sets] = log_mean_exp(density)
    return result


def _likelihoods(rows: FamilyRows, given: GivenEffects, positions: np.ndarray) -> np.ndarray:
    """Log densities of rows given all parameters and effects, shape (S, n)."""
    eta, aux = _predictors(rows, given, positions), given.columns(slice(None))
    return given.family.log_density(rows.y[positions], eta, aux, at_positions(rows.trials, positions))


def _predictors(rows: FamilyRows, given: GivenEffects, positions: np.ndarray) -> np.ndarray:
    """Give linear predictors with all effects, shape (S, n)."""
    levels = [grouping.codes[positions] for grouping in rows.groupings]
    return np.asarray(given.population(rows, positions) + given.of_effects(rows, positions, levels))
