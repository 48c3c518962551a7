"""Distinct rows with sums of responses as rows of a family: several answers are so many of so many."""

from dataclasses import dataclass

import numpy as np

from stanhier.design.design import Design
from stanhier.engines.rows.given_effects import FamilyRows
from stanhier.engines.rows.sums import RowSums
from stanhier.families.binary import Binomial
from stanhier.families.family import Family

__all__ = ["family_rows"]


@dataclass(frozen=True)
class _Codes:
    codes: np.ndarray


@dataclass(frozen=True)
class _SummedRows:
    """As `FamilyRows`."""

    y: np.ndarray
    X: np.ndarray
    offset: np.ndarray | None
    trials: np.ndarray | None
    groupings: tuple[_Codes, ...]
    matrices: tuple[np.ndarray, ...]

    def effect_matrix(self, term: int, positions: np.ndarray | None = None) -> np.ndarray:
        """Give what the effects of a factor are multiplied by, shape (N, q), or (n, q) in n rows by their positions."""
        return self.matrices[term] if positions is None else self.matrices[term][positions]


def family_rows(design: Design, sums: RowSums) -> tuple[Family, FamilyRows]:
    """Give the family that sums of responses have, binomial or Poisson, and the distinct rows.

    Parameters
    ----------
    design : Design
        Of the rows that were summed up.
    sums : RowSums
    """
    counts = design.family.link == "log"
    rows = _SummedRows(
        y=sums.y,
        X=sums.columns[:, : len(design.predictors)],
        offset=sums.offset + np.log(sums.n) if counts else sums.offset,
        trials=None if counts else sums.n,
        groupings=tuple(_Codes(codes) for codes in sums.codes),
        matrices=tuple(one.effect_matrix(sums.columns) for one in design.groupings),
    )
    return design.family if counts else Binomial(link=design.family.link), rows
