"""What the blocks have to show before they can be encoded: levels of categories, moments of expressions."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import reduce
from typing import Any

import numpy as np
import pandas as pd

from stanhier.basics.errors import DataError
from stanhier.data.frames import clean_columns
from stanhier.data.kinds import as_predictor
from stanhier.data.libraries import Library
from stanhier.data.missing import DROP_LEAVES_OUT
from stanhier.data.slips import refuse_numbers_as_text, warn_of_identifiers
from stanhier.data.sources import Source
from stanhier.design.moments import Moments
from stanhier.design.tally import Tally
from stanhier.design.whole_columns import WholeColumn, whole_columns
from stanhier.families.family import Family
from stanhier.families.known import GAUSSIAN
from stanhier.formula.parse import ParsedFormula

__all__ = ["MAX_LEVELS", "Learnt", "learn"]

MAX_LEVELS = 10_000
"""Levels of a categorical predictor at most: each one is a column of the design."""


@dataclass(frozen=True)
class Learnt:
    """What is known of the columns, which with the formula gives the encoding of every row.

    Attributes
    ----------
    kinds : pandas.DataFrame
        A few rows, cleaned: the kind of each column, each level of the categories, and in the rows each level of each
        `C(...)`.
    moments : dict of Moments by call
        Of `center(...)`, `scale(...)` and `standardize(...)`.
    """

    kinds: pd.DataFrame
    moments: dict[str, Moments]


def learn(formula: ParsedFormula, source: Source, family: Family = GAUSSIAN) -> Learnt:
    """Learn what the formula needs to know of all rows, in one pass over the columns that it needs it of.

    Parameters
    ----------
    formula : ParsedFormula
    source : Source
    family : Family
        Whether the response may be categories.

    Returns
    -------
    Learnt

    Raises
    ------
    FormulaError
        If the formula needs something that cannot be learnt block by block.
    DataError
        If a column cannot be used.
    """
    whole = whole_columns(formula)
    empty = source.empty(formula.columns)
    categorical = frozenset(str(name) for name, column in empty.items() if _is_categorical(column))
    numeric = [name for name in formula.columns if name not in categorical]
    kinds = clean_columns(empty, numeric, calculated=formula.calculated, library=source.library)
    if formula.is_row_by_row and not categorical:
        # Any row tells formulaic as much as all of them: it has numbers to encode, and nothing to learn.
        return Learnt(pd.DataFrame({name: pd.Series([1]).astype(kinds[name].dtype) for name in numeric}), {})
    task = _Look(tuple(formula.columns), categorical, whole)
    seen = source.reduce(formula.columns, task)
    labels = formula.labels
    if family.takes_categories and formula.response_column is not None:
        labels |= {formula.response_column}
    return seen.learnt(kinds, labels, formula.response_column, source.library)


@dataclass(frozen=True)
class _Levels:
    """Values of a categorical column that occur, and the order that its type gives them, if it is one for all rows."""

    used: pd.Index
    order: pd.Index | None
    ordered: bool

    @classmethod
    def of(cls, name: str, column: pd.Series) -> "_Levels":
        order, ordered = None, False
        if isinstance(column.dtype, pd.CategoricalDtype):
            order, ordered = column.cat.categories, bool(column.cat.ordered)
        try:
            return cls(pd.Index(np.asarray(column.dropna().unique(), dtype=object), dtype=object), order, ordered)
        except TypeError as err:
            raise DataError(f"Column '{name}' holds values that are neither numbers nor text: {err}.") from err

    def merge(self, other: "_Levels", name: str) -> "_Levels":
        used = self.used.append(other.used).unique()
        if len(used) > MAX_LEVELS:
            raise DataError(
                f"Column '{name}' has more than {MAX_LEVELS:,} different values, and each would be a predictor; is it "
                f"a number written as text, or a group for (1 | {name})?"
            )
        same = self.order is not None and other.order is not None and self.order.equals(other.order)
        return _Levels(used, self.order if same else None, self.ordered)

    def dtype(self, name: str, n_rows: int, library: Library, *, labels: bool, numeric: bool) -> Any:
        """Give the type of the cleaned column, which knows its levels."""
        if self.order is not None:
            dtype: Any = pd.CategoricalDtype(self.order[self.order.isin(self.used)], ordered=self.ordered)
        else:
            dtype = as_predictor(pd.Series(self.used, dtype=object), name, labels=True, library=library).dtype
        if isinstance(dtype, pd.CategoricalDtype) and not labels:
            refuse_numbers_as_text(dtype, name, n_rows, library, chosen=self.order is not None, numeric=numeric)
            if not numeric:
                warn_of_identifiers(dtype, name, n_rows)
        return dtype


@dataclass(frozen=True)
class _Seen:
    """What some blocks have shown."""

    rows: pd.DataFrame | None = None
    levels: dict[str, _Levels] = field(default_factory=dict)
    moments: dict[str, Moments] = field(default_factory=dict)
    tally: Tally = field(default_factory=Tally)

    def learnt(self, kinds: pd.DataFrame, labels: frozenset[str], response: str | None, library: Library) -> Learnt:
        if self.rows is None:
            floats = [str(name) for name, column in kinds.items() if column.dtype.kind == "f"]
            self.tally.refuse(library, floats, further=DROP_LEAVES_OUT)
        assert self.rows is not None
        n_rows = self.tally.n_rows
        dtypes = dict(kinds.dtypes) | {
            name: levels.dtype(name, n_rows, library, labels=name in labels, numeric=name == response)
            for name, levels in self.levels.items()
        }
        return Learnt(self.rows.astype(dtypes).reset_index(drop=True), self.moments)


@dataclass(frozen=True)
class _Look:
    """Looks at blocks where they are."""

    columns: tuple[str, ...]
    categorical: frozenset[str]
    whole: tuple[WholeColumn, ...]

    def __call__(self, frames: Iterator[pd.DataFrame]) -> _Seen:
        return self.merge(map(self._look, frames))

    def merge(self, results: Iterable[_Seen]) -> _Seen:
        return reduce(self._merge_two, results, _Seen())

    def _look(self, frame: pd.DataFrame) -> _Seen:
        levels = {name: _Levels.of(name, frame[name]) for name in sorted(self.categorical)}
        tally = Tally(len(frame))
        for name in self.columns:
            tally.count_missing(name, frame[name])
        complete = frame[list(self.columns)].dropna()
        if len(complete) == 0:
            return _Seen(None, levels, {}, tally)
        moments = {w.call: w.moments(complete) for w in self.whole if not w.needs_levels}
        moments_here = {call: m for call, m in moments.items() if m is not None}
        return _Seen(self._examples(complete), levels, moments_here, tally)

    def _merge_two(self, a: _Seen, b: _Seen) -> _Seen:
        levels = dict(a.levels)
        for name, other in b.levels.items():
            levels[name] = levels[name].merge(other, name) if name in levels else other
        moments = dict(a.moments)
        for call, theirs in b.moments.items():
            moments[call] = moments[call].merge(theirs) if call in moments else theirs
        rows = [some.rows for some in (a, b) if some.rows is not None]
        examples = self._examples(pd.concat(rows, ignore_index=True)) if rows else None
        return _Seen(examples, levels, moments, a.tally.merge([b.tally]))

    def _examples(self, frame: pd.DataFrame) -> pd.DataFrame:
        """Pick the first row, and for each level of each `C(...)` the first row that has it."""
        wanted = np.zeros(len(frame), dtype=bool)
        wanted[0] = True
        for whole in self.whole:
            if whole.needs_levels:
                new = ~whole.values(frame).duplicated().to_numpy()
                if new.sum() > MAX_LEVELS:
                    raise DataError(
                        f"'{whole.call}' has more than {MAX_LEVELS:,} levels, and each would be a predictor; let the "
                        "column be a grouping term, (1 | g), or use it as a number."
                    )
                wanted |= new
        # Categories differ from block to block; what the rows hold does not.
        return frame[wanted].astype(dict.fromkeys(self.categorical, object))


def _is_categorical(column: pd.Series) -> bool:
    return column.dtype.kind == "O"  # text and categories
