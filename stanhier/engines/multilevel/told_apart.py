"""What tells whether effects of a factor are combinations of each other, of rows that were reduced."""

from collections.abc import Iterator

import numpy as np

from stanhier.engines.multilevel.layout import dense_slices
from stanhier.engines.multilevel.statistics import Statistics
from stanhier.engines.triangular import triangular_factor

__all__ = ["factors_of_effects"]


def factors_of_effects(statistics: Statistics) -> Iterator[np.ndarray]:
    """Give the triangular factor, shape (q, q), of the columns of each term's effects over all rows."""
    places = dense_slices(statistics.terms, statistics.eliminated)
    for t, term in enumerate(statistics.terms):
        rows = [statistics.R.reshape(-1, term.q)] if t == statistics.eliminated else []
        if t != statistics.eliminated:
            # A level's columns are 0 in the rows of the other levels: their sum is the column of all.
            both = (statistics.B.reshape(-1, statistics.T.shape[1]), statistics.T)
            rows = [part[:, places[t]].reshape(-1, term.n_levels, term.q).sum(axis=1) for part in both]
        yield triangular_factor(rows, term.q)
