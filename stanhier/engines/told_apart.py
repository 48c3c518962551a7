"""Effects that no group can tell apart: columns of which one is a combination of the others in all rows."""

from collections.abc import Iterable, Iterator

import numpy as np

from stanhier.basics.errors import DataError
from stanhier.basics.words import some_of
from stanhier.design.design import Design
from stanhier.design.in_memory import InMemoryDesign
from stanhier.engines.rows.reducer import summed_rows
from stanhier.engines.triangular import triangular_factor

__all__ = ["factors_of_rows", "refuse_same_effects"]

_NOTHING_LEFT = 1e-13
"""Of a column, when the others are taken away: some hundred roundings."""
_BLOCK_ROWS = 1 << 16


def refuse_same_effects(design: Design, factors: Iterable[np.ndarray]) -> None:
    """Refuse effects of a factor which are combinations of its other effects, in the rows of all groups together.

    A column that is constant within each group is none of these, as long as groups differ in it.

    Parameters
    ----------
    design : Design
    factors : iterable of numpy.ndarray, shape (q, q)
        Of each grouping: the triangular factor of the columns of its effects over all rows.

    Raises
    ------
    DataError
        With the factor, the effects and the remedy.
    """
    for grouping, factor in zip(design.groupings, factors, strict=True):
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


def factors_of_rows(design: Design) -> Iterator[np.ndarray]:
    """Give the factors of a design with its rows, or with the `SummedRows` that were made of them."""
    for grouping in design.groupings:
        if grouping.n_effects == 1:  # which no other is a combination of
            yield np.eye(1)
        else:
            yield triangular_factor(map(grouping.effect_matrix, _columns(design)), grouping.n_effects)


def _columns(design: Design) -> Iterator[np.ndarray]:
    if isinstance(design, InMemoryDesign):
        yield from (block for _, block in design.blocks(_BLOCK_ROWS))
    else:
        yield summed_rows(design).sums.columns
