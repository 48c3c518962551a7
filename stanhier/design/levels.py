"""Which columns stand for categories, and what these are."""

from typing import Any

import numpy as np
import pandas as pd

from stanhier.design.design import Design

__all__ = ["levels_of", "stands_for_categories"]


def stands_for_categories(design: Design, name: str) -> bool:
    """Tell whether a model takes a column for categories: texts, truth values, numbers in `C(...)`, labels of groups.

    A predictor counts as that, if groups are called by it too: years are numbers in `year + (1 | year)`.
    """
    if name not in design.formula.predictor_columns:
        return name in design.formula.factor_columns
    known = design.kinds[name]
    return isinstance(known.dtype, pd.CategoricalDtype) or known.dtype.kind == "b" or name in design.formula.labels


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
    if not stands_for_categories(design, name):
        return None
    column = known if frame is None else frame[name]
    return list(np.unique(column.to_numpy()))
