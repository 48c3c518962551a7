"""How the Gaussian engine reduces rows: to sums that merge exactly."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd

from stanhier.design.blocks import RowGroups, Rows
from stanhier.engines.gaussian.compression import Compressed, compressed_from
from stanhier.engines.gaussian.pieces import Piece, merge, piece_of
from stanhier.engines.plain_arrays import check_arrays

__all__ = ["GaussianReducer"]

_NUMBERS = {"n_rows": int, "log_weights": float}
_ARRAYS = ("mean", "sd", "origin", "within", "weights", "means")


@dataclass(frozen=True)
class GaussianReducer:
    """A `Reducer` of rows to sufficient statistics.

    Attributes
    ----------
    has_intercept : bool
        Whether the population has one.
    """

    has_intercept: bool

    merge = staticmethod(merge)

    def piece(
        self,
        rows: Rows,
        *,
        weights: np.ndarray | None = None,
        groups: Sequence[RowGroups] = (),
        offset: np.ndarray | None = None,  # noqa: ARG002 - the response is less it
    ) -> Piece:
        """Reduce some rows, which are in the groups of one factor or of none."""
        if not groups:
            return piece_of(rows, weights=weights, n_groups=int(self.has_intercept))
        (own,) = groups
        return piece_of(rows, weights=weights, codes=own.codes, labels=own.labels, n_groups=own.n_levels)

    def labels(self, piece: Piece) -> tuple[pd.Index, ...]:
        """Give the groups of a piece in their order."""
        return (piece.labels,)

    def size(self, piece: Piece) -> int:
        """Count the groups."""
        return len(piece.labels)

    def total(self, piece: Piece, order: Sequence[np.ndarray] | None = None) -> Compressed:
        """Give the sufficient statistics of all rows."""
        if order:
            labels, weights, means = piece.labels[order[0]], piece.weights[order[0]], piece.means[order[0]]
            piece = replace(piece, labels=labels, weights=weights, means=means)
        return compressed_from(piece)

    def n_rows(self, reduced: Compressed) -> int:
        """Count the rows."""
        return reduced.n_rows

    def plain(self, reduced: Compressed) -> dict[str, Any]:
        """Give the sufficient statistics by name."""
        return {name: getattr(reduced, name) for name in (*_NUMBERS, *_ARRAYS)}

    def from_plain(self, plain: Mapping[str, Any]) -> Compressed:
        """Make them from what `plain` gave.

        Raises
        ------
        ValueError
            If a shape, a type or a value is not what compressing gives.
        """
        numbers = {name: kind(plain[name]) for name, kind in _NUMBERS.items()}
        arrays = {name: np.asarray(plain[name]) for name in _ARRAYS}
        n_columns, n_groups = arrays["mean"].size, arrays["weights"].size
        shapes = {
            **dict.fromkeys(("mean", "sd", "origin"), (n_columns,)),
            "within": (n_columns, n_columns),
            "weights": (n_groups,),
            "means": (n_groups, n_columns),
        }
        check_arrays(arrays, shapes)
        if not n_groups <= numbers["n_rows"] or numbers["n_rows"] < 1 or not np.isfinite(numbers["log_weights"]):
            raise ValueError(f"{numbers['n_rows']} rows in {n_groups} groups")
        if (arrays["sd"] < 0).any() or (arrays["weights"] <= 0).any():
            raise ValueError("negative deviations or weights")
        values: dict[str, Any] = {**numbers, **arrays}
        return Compressed(**values)
