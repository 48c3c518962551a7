"""Factors whose groups cannot tell the effects that are asked for: refused before anything is sampled."""

from itertools import combinations

import numpy as np

from stanhier.basics.errors import DataError
from stanhier.basics.words import listed, quoted, shortened
from stanhier.design.column_moments import ColumnMoments
from stanhier.design.columns import CONSTANT
from stanhier.design.design import Design
from stanhier.design.groupings import Grouping

__all__ = ["refuse_unidentified"]


def refuse_unidentified(design: Design, moments: ColumnMoments, *, own_intercepts: bool) -> None:
    """Refuse factors with fewer groups than effects, factors of the same groups, and effects that no row tells.

    A varying intercept may have one group: then its mean is the parameter, and the textbook's model is meant.

    Parameters
    ----------
    design : Design
    moments : ColumnMoments
    own_intercepts : bool
        Whether the groups' intercepts are parameters themselves, around `mu_alpha`.

    Raises
    ------
    DataError
        With the factor, the rule and the remedy.
    """
    if own_intercepts:
        return
    said = quoted(design.formula.text)
    for grouping in design.groupings:
        n_levels = len(grouping.levels)
        if n_levels == 1:
            (level,) = grouping.levels.tolist()
            raise DataError(
                f"{said}: the factor '{grouping.name}' has one level, {quoted(level)}, so nothing can be "
                "told of how its effects vary; leave its term out of the formula."
            )
        if n_levels < grouping.n_effects:
            raise DataError(
                f"{said}: the factor '{grouping.name}' has {n_levels} levels and {grouping.n_effects} effects vary by "
                f"it ({listed(grouping.effects, 5)}); it takes at least as many levels as effects. Leave effects out."
            )
        _refuse_constant(grouping, moments, said)
    for (t, one), (s, other) in combinations(enumerate(design.groupings), 2):
        shared = [effect for effect, column in zip(one.effects, one.columns, strict=True) if column in other.columns]
        if shared and len(one.levels) == len(other.levels) and _are_same_groups(design, t, s):
            raise DataError(
                f"{said}: '{one.name}' and '{other.name}' put all rows into the same {len(one.levels)} groups, and "
                f"{listed(shared, 5)} varies by both, so nothing can tell the one from the other; leave it out of one "
                "of the grouping terms."
            )


def _are_same_groups(design: Design, term: int, other: int) -> bool:
    """Tell whether two factors of as many levels differ in labels alone, as far as is known without the rows."""
    above = design.levels_above(term, other)
    above = design.levels_above(other, term) if above is None else above
    return above is not None and len(np.unique(above)) == len(above)


def _refuse_constant(grouping: Grouping, moments: ColumnMoments, said: str) -> None:
    for effect, column in zip(grouping.effects, grouping.columns, strict=True):
        if column != CONSTANT and not moments.sd[column] > 0:
            value = moments.mean[column]
            why = "is 0 in every row" if value == 0 else f"is always {value:g}, like an intercept but for its unit"
            raise DataError(
                f"{said}: '{shortened(effect)}', which varies by '{grouping.name}', {why}; nothing can be told of it. "
                "Leave it out of the grouping term."
            )
