"""Log densities of rows of any family, given effects that were drawn, or with effects integrated out."""

from collections.abc import Iterator, Sequence

import numpy as np

from stanhier.basics.threads import one_blas_thread
from stanhier.engines.engine import BLOCK_VALUES, Block, log_mean_exp
from stanhier.engines.multilevel.set_densities import in_one_set
from stanhier.engines.rows.given_effects import FamilyRows, GivenEffects
from stanhier.engines.rows.integration import Integrand

__all__ = ["held_out_densities", "replicated_means", "row_densities", "set_densities"]

_CHUNK = 1 << 12
"""Rows times effects of the sets that are looked at together."""


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
    drawn, integrated = [], []
    for term, grouping in enumerate(rows.groupings):
        alone = in_one_set(grouping.codes, codes)[grouping.codes] if known is None else known[term][grouping.codes] < 0
        levels = grouping.codes if known is None else known[term][grouping.codes]
        drawn.append(np.where(alone, -1, levels))
        integrated.append(np.where(alone, grouping.codes, -1))
    for sets, positions, density in _integrals(rows, codes, n_sets, given, drawn, integrated):
        if known is not None:
            yield sets, density, density
            continue
        starts = np.flatnonzero(np.diff(codes[positions], prepend=-1))
        yield sets, density, np.add.reduceat(_likelihoods(rows, given, positions), starts, axis=1)


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
    for sets, _, density in _integrals(rows, np.arange(n_rows), n_rows, given, list(known), integrated):
        result[sets] = log_mean_exp(density)
    return result


def replicated_means(rows: FamilyRows, given: GivenEffects, term: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Give means of the groups of a factor in replicated data, and those observed; of proportions where trials are.

    Parameters
    ----------
    rows : FamilyRows
    given : GivenEffects
    term : int
    seed : int

    Returns
    -------
    replicated : numpy.ndarray, shape (S, J)
    observed : numpy.ndarray, shape (J,)
    """
    codes, rng = rows.groupings[term].codes, np.random.default_rng([seed, 0x6D])
    order = np.argsort(codes, kind="stable")
    sizes = np.bincount(codes, rows.trials)
    sums = np.zeros((given.n_draws, len(sizes)))
    step = max(1, BLOCK_VALUES // given.n_draws)
    for start in range(0, len(order), step):
        positions = order[start : start + step]
        starts = np.flatnonzero(np.diff(codes[positions], prepend=-1))
        drawn = given.family.draw(
            rng, _predictors(rows, given, positions), given.columns(slice(None)), _at(rows.trials, positions)
        )
        sums[:, codes[positions[starts]]] += np.add.reduceat(drawn, starts, axis=1)
    with np.errstate(invalid="ignore", divide="ignore"):
        return sums / sizes, np.bincount(codes, rows.y) / sizes


def _likelihoods(rows: FamilyRows, given: GivenEffects, positions: np.ndarray) -> np.ndarray:
    """Log densities of rows given all parameters and effects, shape (S, n)."""
    eta, aux = _predictors(rows, given, positions), given.columns(slice(None))
    return given.family.log_density(rows.y[positions], eta, aux, _at(rows.trials, positions))


def _predictors(rows: FamilyRows, given: GivenEffects, positions: np.ndarray) -> np.ndarray:
    """Give linear predictors with all effects, shape (S, n)."""
    levels = [grouping.codes[positions] for grouping in rows.groupings]
    return np.asarray(given.population(rows, positions) + given.of_effects(rows, positions, levels))


def _integrals(
    rows: FamilyRows,
    codes: np.ndarray,
    n_sets: int,
    given: GivenEffects,
    drawn: Sequence[np.ndarray],
    integrated: Sequence[np.ndarray],
) -> Iterator[tuple[np.ndarray, np.ndarray, np.ndarray]]:
    """Give sets, their rows, set by set, and log densities (S, n): of sets with as many effects to integrate together.

    `drawn` has the level of each row among those of the draws whose effect is taken as drawn, `integrated` that whose
    effect is integrated out, -1 for none.
    """
    places, sizes = _places(codes, n_sets, [factor.shape[-1] for factor in given.factors], integrated)
    for size in np.unique(sizes):
        wanted = np.flatnonzero(sizes[codes] == size)
        order = wanted[np.argsort(codes[wanted], kind="stable")]
        starts = np.flatnonzero(np.diff(codes[order], prepend=-1))
        ends = np.append(starts[1:], len(order))
        first = 0
        while first < len(starts):
            most = starts[first] + max(1, _CHUNK // max(int(size), 1))
            last = max(first + 1, int(np.searchsorted(ends, most, side="right")))
            positions = order[starts[first] : ends[last - 1]]
            density = _density(rows, given, positions, codes[positions], int(size), places, drawn)
            yield codes[order[starts[first:last]]], positions, density
            first = last


def _places(
    codes: np.ndarray, n_sets: int, widths: Sequence[int], integrated: Sequence[np.ndarray]
) -> tuple[list[np.ndarray], np.ndarray]:
    """Give for each factor and row where its effects stand among those to be integrated out of its set, and how many.

    Returns
    -------
    places : list of numpy.ndarray of int, shape (N,)
        -1 where none are.
    sizes : numpy.ndarray of int, shape (n_sets,)
    """
    sizes, places = np.zeros(n_sets, dtype=int), []
    for width, levels in zip(widths, integrated, strict=True):
        place = np.full(len(codes), -1)
        there = np.flatnonzero(levels >= 0)
        n_levels = int(levels.max(initial=0)) + 1
        keys, inverse = np.unique(codes[there].astype(np.int64) * n_levels + levels[there], return_inverse=True)
        sets = keys // n_levels
        rank = np.arange(len(keys)) - np.searchsorted(sets, sets)
        place[there] = (sizes[sets] + width * rank)[inverse]
        sizes = sizes + width * np.bincount(sets, minlength=n_sets)
        places.append(place)
    return places, sizes


def _density(
    rows: FamilyRows,
    given: GivenEffects,
    positions: np.ndarray,
    codes: np.ndarray,
    size: int,
    places: Sequence[np.ndarray],
    drawn: Sequence[np.ndarray],
) -> np.ndarray:
    """Log densities of the sets of some rows, shape (S, n)."""
    starts = np.flatnonzero(np.diff(codes, prepend=-1))
    matrices = [rows.effect_matrix(term)[positions] for term in range(len(places))]
    own = [place[positions] for place in places]
    eta = given.population(rows, positions) + given.of_effects(rows, positions, [one[positions] for one in drawn])
    step = max(1, BLOCK_VALUES // (len(positions) * max(size, 1) ** 2))
    found = np.empty((given.n_draws, len(starts)))
    with one_blas_thread():
        for start in range(0, given.n_draws, step):
            part = slice(start, min(start + step, given.n_draws))
            features = np.zeros((part.stop - part.start, len(positions), size))
            for Z, place, factor in zip(matrices, own, given.factors, strict=True):
                there = np.flatnonzero(place >= 0)
                columns = np.einsum("nk,skl->lsn", Z[there], factor[part])
                for k, column in enumerate(columns):
                    features[:, there, place[there] + k] = column
            integrand = Integrand(
                given.family,
                rows.y[positions],
                starts,
                eta[part],
                features,
                given.columns(part),
                _at(rows.trials, positions),
            )
            found[part] = integrand.log_integrals()
    return found


def _at(values: np.ndarray | None, positions: np.ndarray) -> np.ndarray | None:
    return None if values is None else values[positions]
