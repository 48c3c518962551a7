"""Blocks to pieces: every block is encoded as the whole would be, checked, and compressed where it is."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from formulaic import ModelSpec

from stanhier.basics.errors import DataError
from stanhier.basics.words import quoted
from stanhier.data.factors import factor_codes
from stanhier.data.kinds import is_categorical
from stanhier.data.libraries import PANDAS, Library
from stanhier.data.row_numbers import column_numbers, refuse_not_counts
from stanhier.design.blocks import MAX_BLOCK_VALUES, ArrayRows, Reducer, RowGroups, Rows, Stack
from stanhier.design.columns import Columns, FactorEffects, arranged, sides_of
from stanhier.design.encoding import evaluate, learn_spec, predictor_names
from stanhier.design.learning import Learnt
from stanhier.design.response import categories_of, events
from stanhier.design.rows import EncodedRows, RowEncoder
from stanhier.design.tally import Tally
from stanhier.design.whole_columns import put_moments, whole_columns
from stanhier.families.family import Family
from stanhier.families.known import GAUSSIAN
from stanhier.families.noise import RowNoise
from stanhier.formula.parse import ParsedFormula

__all__ = ["Beside", "Encoding", "Reduce", "encoding_of", "gathered"]


@dataclass(frozen=True)
class Beside:
    """What stands beside the formula.

    Attributes
    ----------
    noise : RowNoise or None
        How the noise of rows differs, by a column.
    offset : str or None
        The column of what is added to the linear predictor.
    trials : str, int or None
        The column of numbers of trials, or one number for all rows.
    """

    noise: RowNoise | None = None
    offset: str | None = None
    trials: str | int | None = None

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns among them."""
        names = (None if self.noise is None else self.noise.column, self.offset, self.trials)
        return tuple(name for name in names if isinstance(name, str))


@dataclass(frozen=True)
class Encoding:
    """How a row becomes predictors and response.

    Attributes
    ----------
    formula : ParsedFormula
    learnt : Learnt
    columns : Columns
        Of the right-hand side.
    effects : tuple of FactorEffects
        What varies by each factor.
    response_spec : formulaic.ModelSpec
        Of the left-hand side.
    family : Family
    categories : tuple or None
        The two categories of a response that is no number; the second is the event.
    """

    formula: ParsedFormula
    learnt: Learnt
    columns: Columns
    effects: tuple[FactorEffects, ...]
    response_spec: ModelSpec
    family: Family = GAUSSIAN
    categories: tuple[Any, Any] | None = None

    def clean(self, frame: pd.DataFrame, tally: Tally) -> pd.DataFrame | None:
        """Bring the columns to the kinds of the model; None if some values cannot be used, which are counted."""
        names = self.formula.columns
        for name in names:
            tally.count_unusable(name, frame[name])
        if not tally.is_clean:
            return None
        cleaned = {name: _as_kind(name, frame[name], self.learnt.kinds[name].dtype) for name in names}
        return pd.DataFrame(cleaned, index=frame.index, copy=False)

    def response(self, clean: pd.DataFrame, tally: Tally) -> np.ndarray:
        """Give the response of clean rows as numbers, counting what is not finite."""
        name = self.formula.response
        if self.categories is not None:
            return events(clean[self.formula.response_column], self.categories, name)
        if name in clean.columns:
            return clean[name].to_numpy(dtype=float)
        y: np.ndarray = evaluate(self.response_spec, clean, self.formula).to_numpy(dtype=float)[:, 0]
        tally.count_infinite(name, y)
        return y

    def rows(self, clean: pd.DataFrame, y: np.ndarray, tally: Tally) -> Rows:
        """Encode clean rows with their response, counting what is not finite."""
        encoder = RowEncoder(self.columns, clean, self.formula)
        if encoder.is_plain:
            return EncodedRows(encoder, y, self.columns)
        X = np.empty((len(clean), self.columns.n_columns))
        encoder.write(slice(0, len(clean)), X)
        for k, name in enumerate(self.columns.names):
            tally.count_infinite(name, X[:, k])
        return ArrayRows(X, y, len(self.columns.extra))


def encoding_of(formula: ParsedFormula, learnt: Learnt, family: Family = GAUSSIAN) -> Encoding:
    """Let formulaic learn the encoding from a few rows, and what they cannot show from what all rows have shown.

    Raises
    ------
    FormulaError
        If formulaic cannot evaluate the formula.
    DataError
        If the response is not one numeric column, nor of two categories where the family takes these.
    """
    sides = [*sides_of(formula), formula.common.lhs]
    specs = [learn_spec(side, learnt.kinds, formula, are_all=False) for side in sides]
    calls = whole_columns(formula)
    strange = sorted(learnt.moments.keys() - {whole.call for whole in calls})
    if strange:
        raise DataError(f"What was learnt of {quoted(strange[0])} belongs to no call of {quoted(formula.text)}.")
    for whole in calls:
        if not whole.needs_levels and whole.call in learnt.moments:
            for spec in specs:
                put_moments(spec, whole, learnt.moments[whole.call])
    categories = categories_of(formula, learnt.kinds, family)
    names = predictor_names(specs[-1])
    is_number = formula.response not in learnt.kinds or learnt.kinds[formula.response].dtype.kind in "iufb"
    if categories is None and (len(names) != 1 or not is_number):
        raise DataError(
            f"The response '{formula.response}' is not one numeric column (it became {list(names)}). "
            'Two categories are of family="bernoulli".'
        )
    return Encoding(formula, learnt, *arranged(formula, specs[:-1]), specs[-1], family, categories)


@dataclass(frozen=True)
class Reduce[P]:
    """Reduces blocks where they are.

    Attributes
    ----------
    encoding : Encoding
    beside : Beside
    reducer : Reducer
    library : Library
        What holds the rows, for messages.
    """

    encoding: Encoding
    beside: Beside
    reducer: Reducer[P, Any]
    library: Library = PANDAS

    def __call__(self, frames: Iterator[pd.DataFrame]) -> tuple[P | None, Tally]:
        """Give the sum of the pieces of all blocks, and what is wrong with their rows."""
        stack, tally = Stack(self.reducer), Tally()
        for frame in gathered(frames, stack, self.encoding.columns.n_columns + 1):
            here = Tally(len(frame))
            piece = self._piece(frame, here)
            tally = tally.merge([here])
            if piece is not None and tally.is_clean:
                stack.add(piece)
        return stack.total(), tally

    def merge(self, results: Iterable[tuple[P | None, Tally]]) -> tuple[P | None, Tally]:
        """Give the sum of the pieces, and the counts of all."""
        stack = Stack(self.reducer)
        pieces, tallies = zip(*results, strict=True)
        for piece in pieces:
            if piece is not None:
                stack.add(piece)
        return stack.total(), Tally().merge(tallies)

    def _piece(self, frame: pd.DataFrame, tally: Tally) -> P | None:
        formula = self.encoding.formula
        clean = self.encoding.clean(frame, tally)
        for name in formula.factor_columns:
            tally.count_missing(name, frame[name])
        noise = self._row_noise(frame, tally)
        offset, trials = self._numbers(self.beside.offset, frame, tally), self._trials(frame, tally)
        if clean is None or not tally.is_clean:
            return None
        y = self.encoding.response(clean, tally)
        self._check_response(y, trials, tally)
        if offset is not None and self.encoding.family.link == "identity":
            y, offset = y - offset, None
        rows = self.encoding.rows(clean, y, tally)
        if not tally.is_clean:
            return None
        weights = trials if noise is None else noise.weights
        return self.reducer.piece(rows, weights=weights, groups=self._groups(frame), offset=offset)

    def _check_response(self, y: np.ndarray, trials: np.ndarray | None, tally: Tally) -> None:
        if not tally.is_clean:
            return
        try:
            if isinstance(self.beside.trials, str) and trials is not None:
                refuse_not_counts(trials, f"Column '{self.beside.trials}'")
            self.encoding.family.check(y, self.encoding.formula.response, trials)
        except DataError as err:
            tally.unsuited = f"{err} The rows came block by block, and these are counted in one of {len(y):,} rows."

    def _trials(self, frame: pd.DataFrame, tally: Tally) -> np.ndarray | None:
        given = self.beside.trials
        return np.full(len(frame), float(given)) if isinstance(given, int) else self._numbers(given, frame, tally)

    def _numbers(self, name: str | None, frame: pd.DataFrame, tally: Tally) -> np.ndarray | None:
        """Give a column of finite numbers, counting what is none."""
        if name is None:
            return None
        if name not in self.encoding.formula.columns:  # else it is counted already
            tally.count_unusable(name, frame[name])
        is_clean = name not in tally.missing and name not in tally.infinite
        return column_numbers(frame, name) if is_clean else None

    def _groups(self, frame: pd.DataFrame) -> list[RowGroups]:
        groups = []
        for one in self.encoding.effects:
            codes, labels = _coded(frame, one.factors, self.library)
            groups.append(RowGroups(codes, len(labels), labels, one.columns, one.blocks))
        return groups

    def _row_noise(self, frame: pd.DataFrame, tally: Tally) -> RowNoise | None:
        """Give how the noise of rows differs, counting what cannot be."""
        noise = self.beside.noise
        if noise is None or noise.column is None:
            return None
        column = frame[noise.column]
        tally.count_missing(noise.column, column)
        try:
            values = column.to_numpy(dtype=float, na_value=np.nan)
        except (TypeError, ValueError) as err:
            raise DataError(f"Column '{noise.column}' must be numeric; it is {column.dtype}.") from err
        if noise.column not in tally.missing:
            tally.count_not_positive(f"Column '{noise.column}': {noise.words}", values)
        return noise.of(values)


def gathered(frames: Iterator[pd.DataFrame], stack: Stack[Any], width: int) -> Iterator[pd.DataFrame]:
    """Put small blocks together where there are many groups: a block should have more rows than there are groups."""
    waiting: list[pd.DataFrame] = []
    for frame in frames:
        waiting.append(frame)
        if sum(map(len, waiting)) >= min(2 * stack.size, MAX_BLOCK_VALUES // width):
            yield waiting[0] if len(waiting) == 1 else pd.concat(waiting, ignore_index=True)
            waiting = []
    if waiting:
        yield pd.concat(waiting, ignore_index=True)


def _as_kind(name: str, column: pd.Series, dtype: object) -> pd.Series:
    if not isinstance(dtype, pd.CategoricalDtype):
        return column if column.dtype == dtype else column.astype(dtype)  # type: ignore[call-overload]
    if is_categorical(column):
        codes = dtype.categories.get_indexer(column.cat.categories)[column.cat.codes]
    else:
        codes = dtype.categories.get_indexer(pd.Index(column))
    if (codes < 0).any():
        raise DataError(
            f"Column '{name}' has the value {quoted(column[codes < 0].iloc[0])}, which was not there when its levels "
            "were looked for: the data changed in between; make the model again."
        )
    return pd.Series(pd.Categorical.from_codes(codes, dtype=dtype), index=column.index)


def _coded(frame: pd.DataFrame, factors: Sequence[str], library: Library) -> tuple[np.ndarray, pd.Index]:
    """Give the groups of rows as codes, and labels that are alike whatever the type of the column."""
    codes, levels = factor_codes(frame, factors, library, sort=False)
    return codes, levels if levels.dtype.kind in "iuMm" else pd.Index(np.asarray(levels, dtype=object))
