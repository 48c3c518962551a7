"""Effects that no group can tell apart: columns of which one is a combination of the others in all rows."""

from collections.abc import Iterator

import numpy as np

from stanhier.basics.errors import DataError
from stanhier.basics.words import some_of
from stanhier.design.design import Design
from stanhier.engines.multilevel.layout import dense_slices
from stanhier.engines.multilevel.statistics import Statistics
from stanhier.engines.triangular import triangular_factor

__all__ = ["refuse_same_effects"]

_NOTHING_LEFT = 1e-13
"""Of a column, when the others are taken away: some hundred roundings."""


def refuse_same_effects(design: Design, statistics: Statistics) -> None:
    """Refuse effects of a factor which are combinations of its other effects, in the rows of all groups together.

    A column that is constant within each group is none of these, as long as groups differ in it.

    Raises
    ------
    DataError
        With the factor, the effects and the remedy.
    """
    for grouping, factor in zip(design.groupings, _factors_of_effects(statistics), strict=True):
        scaled = factor / np.maximum(np.linalg.norm(factor, axis=0), np.finfo(float).tiny)
        lost = np.flatnonzero(np.abs(np.diagonal(scaled)) <= _NOTHING_LEFT)
        if not len(lost):
            continue
        k = int(lost[0])
        weights = np.linalg.lstsq(scaled[:k, :k], scaled[:k, k], rcond=None)[0]
        others = some_of([repr(grouping.effects[i]) for i in np.flatnonzero(np.abs(weights) > 1e-9)])
        raise DataError(
            f"'{design.formula.text}': of what varies by '{grouping.name}', '{grouping.effects[k]}' is in every row a "
            f"combination of {others}, so no group can tell them apart; leave one of them out of the grouping term."
        )


def _factors_of_effects(statistics: Statistics) -> Iterator[np.ndarray]:
    """Give the triangular factor, shape (q, q), of the columns of each term's effects over all rows."""
    places = dense_slices(statistics.terms, statistics.eliminated)
    for t, term in enumerate(statistics.terms):
        rows = [statistics.R.reshape(-1, term.q)] if t == statistics.eliminated else []
        if t != statistics.eliminated:
            # A level's columns are 0 in the rows of the other levels: their sum is the column of all.
            both = (statistics.B.reshape(-1, statistics.T.shape[1]), statistics.T)
            rows = [part[:, places[t]].reshape(-1, term.n_levels, term.q).sum(axis=1) for part in both]
        yield triangular_factor(rows, term.q)
