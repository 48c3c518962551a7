"""Grouping factors without rows, for what depends on their names, levels and effects alone."""

from dataclasses import dataclass

import pandas as pd

__all__ = ["Factor", "factor"]


@dataclass(frozen=True, eq=False)
class Factor:
    name: str
    levels: pd.Index
    effects: tuple[str, ...]
    columns: tuple[int, ...]
    blocks: tuple[int, ...]


def factor(name, effects="Intercept", blocks=None, n=3, columns=None):
    """A factor of n levels; all its effects are correlated, and their columns are the first ones, unless told."""
    effects = tuple(effects.split())
    slopes = iter(range(len(effects)))
    columns = tuple(-1 if effect == "Intercept" else next(slopes) for effect in effects) if columns is None else columns
    blocks = (len(effects),) if blocks is None else blocks
    return Factor(name, pd.Index([f"{name}{k}" for k in range(n)]), effects, columns, blocks)
