"""Which columns stand for categories, and what these are."""

from typing import Any

import numpy as np
import pandas as pd

from stanhier.design.design import Design

__all__ = ["levels_of"]


def levels_of(design: Design, name: str, frame: pd.DataFrame | None = None) -> list[Any] | None:
    """Give the values of a column that stands for categories, truth values and numbers in `C(...)` too; else None.

    Parameters
    ----------
    design : Design
    name : str
        One of its columns.
    frame : pandas.DataFrame, optional
        Rows that tell which truth values and numbers there are; those of the fit by default, or a few that stand for
        them where they are not in memory.
    """
    known = design.kinds[name]
    if isinstance(known.dtype, pd.CategoricalDtype):
        return list(known.cat.categories)
    column = known if frame is None else frame[name]
    if known.dtype.kind == "b" or name in design.formula.labels:
        return list(np.unique(column.to_numpy()))
    return None
