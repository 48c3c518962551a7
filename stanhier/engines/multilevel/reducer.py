"""How the multilevel engine reduces rows: to sums that merge exactly."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from stanhier.design.blocks import RowGroups, Rows
from stanhier.engines.multilevel.layout import TermShape, dense_terms, eliminated_term
from stanhier.engines.multilevel.pieces import Piece, merge, piece_of
from stanhier.engines.multilevel.statistics import Statistics, statistics_of
from stanhier.engines.plain_arrays import check_arrays

__all__ = ["MultilevelReducer"]

_NUMBERS = {"n_rows": int, "log_weights": float}
_ARRAYS = ("mean", "sd", "origin", "R", "B", "T")


@dataclass(frozen=True)
class MultilevelReducer:
    """A `Reducer` of rows to sufficient statistics.

    Attributes
    ----------
    has_intercept : bool
        Whether the population has an intercept.
    """

    has_intercept: bool = True
    merge = staticmethod(merge)

    def piece(
        self,
        rows: Rows,
        *,
        weights: np.ndarray | None = None,
        groups: Sequence[RowGroups] = (),
        offset: np.ndarray | None = None,  # noqa: ARG002 - the response is less it
    ) -> Piece:
        """Reduce some rows."""
        return piece_of(rows, weights=weights, groups=groups)

    def labels(self, piece: Piece) -> tuple[pd.Index, ...]:
        """Give the levels of each term of a piece in their order."""
        return piece.labels

    def size(self, piece: Piece) -> int:
        """Count the cells, which a piece has numbers of."""
        return len(piece.cells)

    def total(self, piece: Piece, order: Sequence[np.ndarray] | None = None) -> Statistics:
        """Give the sufficient statistics of all rows; the levels of each term in another order if one is given."""
        return statistics_of(piece, order, has_intercept=self.has_intercept)

    def n_rows(self, reduced: Statistics) -> int:
        """Count the rows."""
        return reduced.n_rows

    def plain(self, reduced: Statistics) -> dict[str, Any]:
        """Give the sufficient statistics by name; the terms by their numbers, one after the other."""
        terms = reduced.terms
        return {
            **{name: getattr(reduced, name) for name in (*_NUMBERS, *_ARRAYS)},
            "n_levels": np.array([term.n_levels for term in terms]),
            "n_blocks": np.array([len(term.blocks) for term in terms]),
            "blocks": np.array([size for term in terms for size in term.blocks]),
            "columns": np.array([column for term in terms for column in term.columns]),
            "level_weights": np.concatenate(reduced.level_weights),
        }

    def from_plain(self, plain: Mapping[str, Any]) -> Statistics:
        """Make them from what `plain` gave.

        Raises
        ------
        ValueError
            If a shape, a type or a value is not what reducing gives.
        """
        numbers = {name: kind(plain[name]) for name, kind in _NUMBERS.items()}
        arrays = {name: np.asarray(plain[name]) for name in (*_ARRAYS, "level_weights")}
        terms = _terms(plain, arrays["mean"].size)
        eliminated = eliminated_term(terms)
        own, n_columns = terms[eliminated], arrays["mean"].size
        n_dense = sum(terms[t].n_effects for t in dense_terms(terms, eliminated))
        n_seen, width = arrays["origin"].size, len(arrays["T"])
        if not 1 <= n_seen <= n_columns or width - n_dense not in (n_seen, n_seen + 1):
            raise ValueError(f"{width} columns of {n_columns}, {n_seen} of them seen, beside {n_dense} effects")
        shapes = {
            **dict.fromkeys(("mean", "sd"), (n_columns,)),
            "origin": (n_seen,),
            "R": (own.n_levels, own.q, own.q),
            "B": (own.n_levels, own.q, width),
            "T": (width, width),
            "level_weights": (sum(term.n_levels for term in terms),),
        }
        check_arrays(arrays, shapes)
        if numbers["n_rows"] < 1 or not np.isfinite(numbers["log_weights"]):
            raise ValueError(f"{numbers['n_rows']} rows")
        if (arrays["sd"] < 0).any() or (arrays["level_weights"] <= 0).any():
            raise ValueError("negative deviations or weights")
        ends = np.cumsum([term.n_levels for term in terms])[:-1]
        level_weights = tuple(np.split(arrays.pop("level_weights"), ends))
        values: dict[str, Any] = {**numbers, **arrays}
        return Statistics(terms=terms, eliminated=eliminated, level_weights=level_weights, **values)


def _terms(plain: Mapping[str, Any], n_columns: int) -> tuple[TermShape, ...]:
    n_levels, n_blocks, blocks, columns = (
        np.asarray(plain[name]) for name in ("n_levels", "n_blocks", "blocks", "columns")
    )
    for found in (n_levels, n_blocks, blocks, columns):
        if found.ndim != 1 or not np.issubdtype(found.dtype, np.integer):
            raise ValueError(f"terms by {found.dtype} of shape {found.shape}")
    fits = len(n_levels) == len(n_blocks) > 0 and n_blocks.sum() == len(blocks) and blocks.sum() == len(columns)
    if not fits or min(n_levels.min(), n_blocks.min(), blocks.min()) < 1:
        raise ValueError("numbers of levels, blocks and effects that do not fit each other")
    if columns.min() < -1 or columns.max() >= n_columns - 1:
        raise ValueError("effects of columns that are not there")
    terms: list[TermShape] = []
    for size, own in zip(n_levels.tolist(), np.split(blocks, np.cumsum(n_blocks)[:-1]), strict=True):
        first = sum(term.q for term in terms)
        terms.append(TermShape(size, tuple(own.tolist()), tuple(columns[first : first + own.sum()].tolist())))
    return tuple(terms)
