"""Factors whose groups cannot tell the effects that are asked for: refused before anything is sampled."""

from stanhier.basics.errors import DataError
from stanhier.basics.words import listed, quoted, shortened
from stanhier.design.column_moments import ColumnMoments
from stanhier.design.columns import CONSTANT
from stanhier.design.design import Design
from stanhier.design.groupings import Grouping

__all__ = ["refuse_unidentified"]


def refuse_unidentified(design: Design, moments: ColumnMoments, *, own_intercepts: bool) -> None:
    """Refuse factors with fewer groups than effects, and effects that no row tells from another.

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


def _refuse_constant(grouping: Grouping, moments: ColumnMoments, said: str) -> None:
    for effect, column in zip(grouping.effects, grouping.columns, strict=True):
        if column != CONSTANT and not moments.sd[column] > 0:
            value = moments.mean[column]
            why = "is 0 in every row" if value == 0 else f"is always {value:g}, like an intercept but for its unit"
            raise DataError(
                f"{said}: '{shortened(effect)}', which varies by '{grouping.name}', {why}; nothing can be told of it. "
                "Leave it out of the grouping term."
            )
