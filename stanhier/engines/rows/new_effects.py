"""Effects of groups that have come since the draws were made, of any family: drawn given their rows, draw by draw."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from scipy import sparse

from stanhier.basics.arviz_arrays import array_stats
from stanhier.engines.draws import Draws
from stanhier.engines.multilevel.layout import EFFECTS, TermShape, effect_slices
from stanhier.engines.rows.given_effects import FamilyRows, GivenEffects
from stanhier.engines.rows.set_integrals import Apart, set_effects, set_weights

__all__ = ["drawn_new_effects", "linked", "new_effects_k"]


def linked(levels: Sequence[np.ndarray]) -> np.ndarray:
    """Put rows into sets of which no effect is shared: what is integrated out of one tells nothing of another.

    Parameters
    ----------
    levels : sequence of numpy.ndarray of int, shape (N,)
        For each factor the level of each row whose effect is not known; -1 where it is.

    Returns
    -------
    numpy.ndarray of int, shape (N,)
        For each row the position of its set.
    """
    n_rows = len(levels[0])
    first, rows, nodes = n_rows, [], []
    for codes in levels:
        there = np.flatnonzero(codes >= 0)
        rows.append(there)
        nodes.append(first + codes[there])
        first += int(codes.max(initial=-1)) + 1
    at = (np.concatenate(rows), np.concatenate(nodes))
    graph = sparse.coo_array((np.ones(len(at[0]), dtype=np.int8), at), shape=(first, first))
    labels = sparse.csgraph.connected_components(graph, directed=False)[1][:n_rows]
    return np.asarray(np.unique(labels, return_inverse=True)[1])


def drawn_new_effects(
    draws: Draws, rows: FamilyRows, given: GivenEffects, shapes: Sequence[TermShape], n_before: Sequence[int]
) -> Draws:
    """Fill the room for new groups with draws from what their rows, and all that was drawn, tell of their effects.

    Each draw takes one of the points of importance sampling around the mode, by its weight (sampling importance
    resampling, Rubin 1988): where Pareto k of these weights is low its distribution is the right one but for a share of
    one over the number of points.

    Parameters
    ----------
    draws : Draws
        As `with_room` gives them.
    rows : FamilyRows
        Those of the new groups, each in a new group of one factor at least.
    given : GivenEffects
        Of these draws.
    shapes : sequence of TermShape
        With the new groups.
    n_before : sequence of int
        Number of groups of each factor without them.
    """
    apart, codes = _apart(rows, n_before)
    effects = draws.values[EFFECTS].copy()
    flat = effects.reshape(draws.n_draws, -1)
    slices = effect_slices(shapes)
    for found in set_effects(rows, codes, given, apart, draws.seed):
        q = shapes[found.term].q
        start = slices[found.term].start + q * found.level
        flat[:, start : start + q] = np.einsum("skl,ls->sk", given.factors[found.term], found.standardised)
    return replace(draws, values={**draws.values, EFFECTS: effects})


def new_effects_k(rows: FamilyRows, given: GivenEffects, n_before: Sequence[int]) -> np.ndarray:
    """Give Pareto k of the importance sampling by which effects of new groups are drawn, of each set of them.

    Parameters
    ----------
    rows, n_before
        As for `drawn_new_effects`.
    given : GivenEffects
        Of some draws.
    """
    apart, codes = _apart(rows, n_before)
    found = np.zeros(int(codes.max()) + 1)
    for sets, logs in set_weights(rows, codes, len(found), given, apart, beyond=0):
        with np.errstate(all="ignore"):  # hopeless weights overflow; their k tells
            _, k = array_stats().psislw(-logs, axis=0)
        found[sets] = np.median(np.where(np.isnan(k), np.inf, k), axis=0)
    return found


def _apart(rows: FamilyRows, n_before: Sequence[int]) -> tuple[Apart, np.ndarray]:
    """Tell new effects from those that were drawn, and which rows share some."""
    codes = [grouping.codes for grouping in rows.groupings]
    are_new = [one >= n for one, n in zip(codes, n_before, strict=True)]
    apart = [(np.where(new, -1, one), np.where(new, one, -1)) for one, new in zip(codes, are_new, strict=True)]
    return apart, linked([integrated for _, integrated in apart])
