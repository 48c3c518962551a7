"""How the engine of rows reduces rows that are not in memory: to distinct rows with sums, which merge exactly."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd

from stanhier.basics.errors import DataError
from stanhier.basics.words import bytes_in_words
from stanhier.design.blocks import RowGroups, Rows
from stanhier.design.column_moments import ColumnMoments
from stanhier.design.design import Design
from stanhier.engines.plain_arrays import check_arrays
from stanhier.engines.rows.likelihood import POISSON, family_code
from stanhier.engines.rows.sums import CellPiece, RowSums, merge, most_cells, piece_of
from stanhier.families.family import Family

__all__ = ["CellsReducer", "SummedRows", "summed_rows"]

_SUMS = ("offset", "y", "n", "often")


@dataclass(frozen=True)
class SummedRows:
    """All that a model keeps of rows that are not in memory.

    Attributes
    ----------
    sums : RowSums
        Levels in their order.
    n_levels : tuple of int
    mean, sd : numpy.ndarray, shape (K + E + 1,)
        Of the columns and the response.
    """

    sums: RowSums
    n_levels: tuple[int, ...]
    mean: np.ndarray
    sd: np.ndarray

    @property
    def n_rows(self) -> int:
        """Number of rows."""
        return int(self.sums.often.sum())

    @property
    def moments(self) -> ColumnMoments:
        """What default priors are scaled by."""
        return ColumnMoments(self.mean, self.sd)


@dataclass(frozen=True)
class CellsReducer:
    """A `Reducer` of rows to distinct rows with sums.

    Attributes
    ----------
    family : Family
        One that merges rows, with another link than the identity.
    """

    family: Family
    merge = staticmethod(merge)

    @property
    def _is_poisson(self) -> bool:
        return family_code(self.family.name, self.family.link) == POISSON

    def piece(
        self,
        rows: Rows,
        *,
        weights: np.ndarray | None = None,
        groups: Sequence[RowGroups] = (),
        offset: np.ndarray | None = None,
    ) -> CellPiece:
        """Sum up some rows; their weights are numbers of trials."""
        if self._is_poisson and offset is not None:  # the mean is exposure times exp(the rest)
            weights, offset = _exposures(offset), None
        return piece_of(rows, n=weights, offset=offset, groups=groups)

    def labels(self, piece: CellPiece) -> tuple[pd.Index, ...]:
        """Give the levels of each factor of a piece in their order."""
        return piece.labels

    def size(self, piece: CellPiece) -> int:
        """Count the distinct rows."""
        return piece.sums.n_cells

    def total(self, piece: CellPiece, order: Sequence[np.ndarray] | None = None) -> SummedRows:
        """Give the sums of all rows; the levels of each factor in another order if one is given.

        Raises
        ------
        DataError
            If there are too many distinct rows.
        """
        moments, sums = piece.moments, piece.sums
        if piece.is_given_up:
            raise DataError(self._too_many(moments.n, sums))
        if order is not None:
            codes = [np.argsort(own)[code] for own, code in zip(order, sums.codes, strict=False)]
            sums = replace(sums, codes=tuple(codes)).sorted_and_summed()
        n_levels = tuple(len(labels) for labels in piece.labels)
        return SummedRows(sums, n_levels, moments.means, moments.sd)

    def _too_many(self, n_rows: int, sums: RowSums) -> str:
        """Say what rows with too many distinct ones would need."""
        width = sums.columns.shape[1] + len(sums.codes) + 3
        return (
            f"More than {most_cells(sums):,} of the {n_rows:,} rows are distinct, too many to keep: rows of "
            f'family="{self.family.name}" that are not in memory become one sum for all with the same predictors, '
            f"groups and offset. In memory they take about {bytes_in_words(8.0 * n_rows * width)}; read them, or as "
            "many as fit, into a data frame, and make the model of them; or round predictors, so that more are alike."
        )

    def n_rows(self, reduced: SummedRows) -> int:
        """Count the rows."""
        return reduced.n_rows

    def plain(self, reduced: SummedRows) -> dict[str, Any]:
        """Give the distinct rows by name, without what is empty, which files have no place for."""
        sums = reduced.sums
        plain: dict[str, Any] = {"n_rows": reduced.n_rows, "mean": reduced.mean, "sd": reduced.sd}
        plain |= {name: getattr(sums, name) for name in _SUMS}
        if sums.columns.shape[1]:
            plain["cells"] = sums.columns
        if sums.codes:
            plain |= {"codes": np.column_stack(sums.codes), "n_levels": np.array(reduced.n_levels)}
        return plain

    def from_plain(self, plain: Mapping[str, Any]) -> SummedRows:
        """Make them from what `plain` gave.

        Raises
        ------
        ValueError
            If a shape, a type or a value is not what summing gives.
        """
        n_rows = int(plain["n_rows"])
        arrays = {name: np.asarray(plain[name]) for name in ("mean", "sd", *_SUMS)}
        n_cells, width = arrays["y"].size, arrays["mean"].size
        arrays["cells"] = np.asarray(plain["cells"]) if width > 1 else np.empty((n_cells, 0))
        shapes = {
            **dict.fromkeys(("mean", "sd"), (width,)),
            **dict.fromkeys(_SUMS, (n_cells,)),
            "cells": (n_cells, width - 1),
        }
        check_arrays(arrays, shapes)
        codes, n_levels = _levels(plain, n_cells)
        sums = RowSums(arrays["cells"], codes, *(arrays[name] for name in _SUMS))
        self._check(sums, n_rows)
        if (arrays["sd"] < 0).any():
            raise ValueError("negative deviations")
        return SummedRows(sums, n_levels, arrays["mean"], arrays["sd"])

    def _check(self, sums: RowSums, n_rows: int) -> None:
        """Refuse sums that no rows have."""
        y, n, often = sums.y, sums.n, sums.often
        if n_rows < 1 or (often < 1).any() or (often != np.round(often)).any() or often.sum() != n_rows:
            raise ValueError(f"{n_rows} rows, of which {often.sum():g} are there")
        if (y < 0).any() or (y != np.round(y)).any() or (n < 0).any():
            raise ValueError("sums of responses, trials or exposures that are none")
        if self._is_poisson:
            return
        if (y > n).any() or (n != np.round(n)).any() or (not self.family.takes_trials and (n != often).any()):
            raise ValueError("successes and trials that do not fit each other")


def summed_rows(design: Design) -> SummedRows:
    """Give what was made of the rows of a design, where these are not in memory."""
    summed = design.reduce(CellsReducer(design.family))
    assert isinstance(summed, SummedRows)
    return summed


def _exposures(offset: np.ndarray) -> np.ndarray:
    """Give exp(offset).

    Raises
    ------
    DataError
        If that is too large for a number.
    """
    with np.errstate(over="ignore"):
        exposures = np.exp(offset)
    if not np.isfinite(exposures).all():
        raise DataError(
            f"`offset` is up to {offset.max():g}, and exp of it, what counts are multiplied by, is too large for a "
            "number; an offset of counts is the logarithm of an exposure."
        )
    return np.asarray(exposures)


def _levels(plain: Mapping[str, Any], n_cells: int) -> tuple[tuple[np.ndarray, ...], tuple[int, ...]]:
    if "n_levels" not in plain:
        return (), ()
    n_levels, codes = np.asarray(plain["n_levels"]), np.asarray(plain["codes"])
    for found in (n_levels, codes):
        if not np.issubdtype(found.dtype, np.integer):
            raise ValueError(f"levels by {found.dtype}")
    if n_levels.ndim != 1 or codes.shape != (n_cells, len(n_levels)):
        raise ValueError(f"codes of shape {codes.shape}")
    for own, size in zip(codes.T, n_levels.tolist(), strict=True):
        if size < 1 or own.min() < 0 or own.max() >= size or len(np.unique(own)) != size:
            raise ValueError(f"groups that are none of {size}")
    return tuple(np.ascontiguousarray(own, dtype=np.intp) for own in codes.T), tuple(n_levels.tolist())
