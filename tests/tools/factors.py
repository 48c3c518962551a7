"""Grouping factors without rows, for what depends on their names, levels and effects alone."""

import pandas as pd

from stanhier.design.columns import CONSTANT
from stanhier.design.groupings import Grouping

__all__ = ["factor"]


def factor(name, effects="Intercept", blocks=None, n=3, columns=None):
    """A factor of n levels; all its effects are correlated, and their columns are the first ones, unless told."""
    effects = tuple(effects.split())
    slopes = iter(range(len(effects)))
    columns = (
        tuple(CONSTANT if effect == "Intercept" else next(slopes) for effect in effects) if columns is None else columns
    )
    blocks = (len(effects),) if blocks is None else blocks
    return Grouping(
        factors=tuple(name.split(":")),
        effects=effects,
        columns=columns,
        blocks=blocks,
        levels=pd.Index([f"{name}{k}" for k in range(n)]),
    )
