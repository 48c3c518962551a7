"""Terms whose levels lie within those of another, as g:h within g: found from the codes of the rows."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from stanhier.engines.multilevel.layout import TermShape, effect_slices

__all__ = ["Chains", "find_chains"]


@dataclass(frozen=True)
class Chains:
    """Which terms lie within which.

    Attributes
    ----------
    above : tuple of int
        Of each term the position of the next coarser one of its chain, -1 of terms that have none.
    parents : tuple of numpy.ndarray of int, shape (J,)
        Of each term with one above: the level there that each of its levels lies in; of others empty.
    """

    above: tuple[int, ...]
    parents: tuple[np.ndarray, ...]

    @property
    def units(self) -> list[list[int]]:
        """The chains, finest term first; a term in none is one by itself."""
        finest = [t for t in range(len(self.above)) if t not in self.above]
        units = []
        for term in finest:
            unit = [term]
            while self.above[unit[-1]] >= 0:
                unit.append(self.above[unit[-1]])
            units.append(unit)
        return units

    def parent_effects(self, terms: Sequence[TermShape]) -> np.ndarray:
        """Give for each effect of all terms the position of its parent's effect, counted from 1; 0 without one."""
        places = effect_slices(terms)
        found = [
            places[above].start + parents + 1 if above >= 0 else np.zeros(term.n_effects, dtype=int)
            for term, above, parents in zip(terms, self.above, self.parents, strict=True)
        ]
        return np.concatenate([np.empty(0, dtype=int), *found])


def find_chains(terms: Sequence[TermShape], codes: Sequence[np.ndarray], constants: Sequence[np.ndarray]) -> Chains:
    """Find the chains: of terms with nothing but an intercept, each with one finer term and one coarser at most.

    Parameters
    ----------
    terms : sequence of TermShape
    codes : sequence of numpy.ndarray of int, shape (M,)
    constants : sequence of numpy.ndarray of bool, shape (q,)
        Of each term which effects are multiplied by 1.
    """
    above, parents = [-1] * len(terms), [np.empty(0, dtype=int)] * len(terms)
    usable = [t for t, term in enumerate(terms) if term.q == 1 and constants[t].all()]
    # From the finest on, each goes into the finest term that has room for it.
    by_size = sorted(usable, key=lambda t: (-terms[t].n_levels, t))
    for position, term in enumerate(by_size):
        for coarser in by_size[position + 1 :]:
            if coarser in above:
                continue
            found = _parents(codes[term], codes[coarser], terms[term].n_levels)
            if found is not None:
                above[term], parents[term] = coarser, found
                break
    return Chains(tuple(above), tuple(parents))


def _parents(codes: np.ndarray, coarser: np.ndarray, n_levels: int) -> np.ndarray | None:
    """Give the coarser level that each level lies in, 0 of one without rows; None if one lies in several."""
    parents = np.zeros(n_levels, dtype=int)
    parents[codes] = coarser
    return parents if (parents[codes] == coarser).all() else None
