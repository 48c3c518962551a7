"""Sets of rows whose effects are integrated out: which, with what they are multiplied by, and in what portions."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from stanhier.basics.threads import in_threads
from stanhier.engines.engine import BLOCK_VALUES
from stanhier.engines.multilevel.set_densities import in_one_set
from stanhier.engines.rows.given_effects import FamilyRows, GivenEffects
from stanhier.engines.rows.integration import MOST_BY_QUADRATURE, Integrand

__all__ = ["Apart", "LevelEffects", "at_positions", "effects_of_sets", "set_effects", "set_integrals", "set_weights"]

type Apart = Sequence[tuple[np.ndarray, np.ndarray]]
"""For each factor the level of each row, (N,), whose effect is taken as drawn, by its position among those of the
draws, and the level whose effect is integrated out; -1 for none."""

_CHUNK = 1 << 12
"""Rows times effects of the sets that are looked at together."""
_NEAR = 1 << 14
"""Rows times draws of which effects are integrated out together: few, so that they stay near the processor."""


def effects_of_sets(rows: FamilyRows, codes: np.ndarray, known: Sequence[np.ndarray] | None) -> Apart:
    """Tell effects that are taken as drawn from those that are integrated out.

    Parameters
    ----------
    rows, codes, known
        As for `set_densities`.
    """
    apart = []
    for term, grouping in enumerate(rows.groupings):
        alone = in_one_set(grouping.codes, codes)[grouping.codes] if known is None else known[term][grouping.codes] < 0
        levels = grouping.codes if known is None else known[term][grouping.codes]
        apart.append((np.where(alone, -1, levels), np.where(alone, grouping.codes, -1)))
    return apart


def set_integrals(
    rows: FamilyRows, codes: np.ndarray, n_sets: int, given: GivenEffects, apart: Apart
) -> Iterator[tuple[np.ndarray, np.ndarray, np.ndarray]]:
    """Give sets, their rows, set by set, and their log densities (S, n): of sets with as many effects together.

    Parameters
    ----------
    rows : FamilyRows
    codes : numpy.ndarray of int, shape (N,)
        For each row the position of its set.
    n_sets : int
    given : GivenEffects
    apart : Apart
    """
    yield from _portions(rows, codes, n_sets, given, apart, lambda one, _: one.log_integrals(), beyond=-1)


def set_weights(
    rows: FamilyRows,
    codes: np.ndarray,
    n_sets: int,
    given: GivenEffects,
    apart: Apart,
    *,
    beyond: int = MOST_BY_QUADRATURE,
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Give sets of more effects than `beyond`, and the weights of importance sampling (points, S, n), as logarithms.

    The other arguments are those of `set_integrals`.
    """
    portions = _portions(rows, codes, n_sets, given, apart, lambda one, _: one.log_weights(), beyond=beyond)
    yield from ((sets, weights) for sets, _, weights in portions)


@dataclass(frozen=True)
class LevelEffects:
    """Draws of the effects of one level.

    Attributes
    ----------
    term : int
        The position of its factor.
    level : int
    standardised : numpy.ndarray, shape (q, S)
        Before they are multiplied by the factor of their covariance matrix.
    """

    term: int
    level: int
    standardised: np.ndarray


def set_effects(
    rows: FamilyRows, codes: np.ndarray, given: GivenEffects, apart: Apart, seed: int
) -> Iterator[LevelEffects]:
    """Draw the effects that are integrated out given the rows of their sets and all else that was drawn.

    Parameters
    ----------
    rows, codes, given, apart
        As for `set_integrals`.
    seed : int
        Each set has random numbers of its own.
    """
    n_sets, widths = int(codes.max()) + 1, [factor.shape[-1] for factor in given.factors]
    places, _ = _places(codes, n_sets, widths, [integrated for _, integrated in apart])
    uniform = np.stack([np.random.default_rng([seed, 0x6E, k]).random(given.n_draws) for k in range(n_sets)], axis=1)

    def drawn(integrand: Integrand, sets: np.ndarray) -> np.ndarray:
        return integrand.drawn(uniform[integrand.first : integrand.first + len(integrand.eta)][:, sets])

    for sets, positions, effects in _portions(rows, codes, n_sets, given, apart, drawn, beyond=0):
        for term, (_, integrated) in enumerate(apart):
            levels, first = np.unique(integrated[positions], return_index=True)
            for level, row in zip(levels, positions[first], strict=True):
                if level >= 0:
                    place, column = places[term][row], int(np.searchsorted(sets, codes[row]))
                    yield LevelEffects(term, int(level), effects[place : place + widths[term], :, column])


def at_positions(values: np.ndarray | None, positions: np.ndarray) -> np.ndarray | None:
    """Give some of the values of rows, where there are any."""
    return None if values is None else values[positions]


def _portions(
    rows: FamilyRows,
    codes: np.ndarray,
    n_sets: int,
    given: GivenEffects,
    apart: Apart,
    found: Callable[[Integrand, np.ndarray], np.ndarray],
    *,
    beyond: int,
) -> Iterator[tuple[np.ndarray, np.ndarray, np.ndarray]]:
    """Give sets, ascending, their rows, and what is found of them, (..., S, n): of sets of more effects than some."""
    places, sizes = _places(codes, n_sets, [factor.shape[-1] for factor in given.factors], [own for _, own in apart])
    for size in np.unique(sizes[sizes > beyond]):
        wanted = np.flatnonzero(sizes[codes] == size)
        order = wanted[np.argsort(codes[wanted], kind="stable")]
        starts = np.flatnonzero(np.diff(codes[order], prepend=-1))
        ends = np.append(starts[1:], len(order))
        first = 0
        while first < len(starts):
            most = starts[first] + max(1, _CHUNK // max(int(size), 1))
            last = max(first + 1, int(np.searchsorted(ends, most, side="right")))
            positions = order[starts[first] : ends[last - 1]]
            sets = codes[order[starts[first:last]]]
            integrand, parts = _integrands(rows, given, positions, codes, int(size), places, [one for one, _ in apart])
            of_parts = in_threads(lambda part, integrand=integrand, sets=sets: found(integrand(part), sets), parts)
            yield sets, positions, np.concatenate(of_parts, axis=-2)
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


def _integrands(
    rows: FamilyRows,
    given: GivenEffects,
    positions: np.ndarray,
    codes: np.ndarray,
    size: int,
    places: Sequence[np.ndarray],
    drawn: Sequence[np.ndarray],
) -> tuple[Callable[[slice], Integrand], list[slice]]:
    """Give what makes the integrand of the sets of some rows from a part of the draws, and the parts."""
    starts = np.flatnonzero(np.diff(codes[positions], prepend=-1))
    matrices = [rows.effect_matrix(term, positions) for term in range(len(places))]
    own = [place[positions] for place in places]
    eta = given.population(rows, positions) + given.of_effects(rows, positions, [one[positions] for one in drawn])
    trials = at_positions(rows.trials, positions)
    step = max(1, min(_NEAR // len(positions), BLOCK_VALUES // (len(starts) * max(size, 1) ** 2)))

    def integrand(part: slice) -> Integrand:
        features = np.zeros((size, part.stop - part.start, len(positions)))
        for Z, place, factor in zip(matrices, own, given.factors, strict=True):
            there = np.flatnonzero(place >= 0)
            for k, column in enumerate(np.einsum("nk,skl->lsn", Z[there], factor[part])):
                features[place[there] + k, :, there] = column.T
        aux = given.columns(part)
        return Integrand(given.family, rows.y[positions], starts, eta[part], features, aux, trials, part.start)

    stops = range(step, given.n_draws + step, step)
    return integrand, [slice(stop - step, min(stop, given.n_draws)) for stop in stops]
