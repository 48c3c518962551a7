"""The design of a model whose rows are not in memory."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, NoReturn

import numpy as np
import pandas as pd
from formulaic import ModelSpec

from stanhier.basics.errors import DataError
from stanhier.basics.words import bytes_in_words, quoted
from stanhier.data.factors import names_in_order
from stanhier.data.missing import DROP_LEAVES_OUT, LeftOut, checked_missing
from stanhier.data.row_numbers import is_calculation, trials_constant
from stanhier.data.sources import CompleteRows, Source, open_source
from stanhier.design.absent import refuse_absent
from stanhier.design.block_encoding import Beside, Encoding, Reduce, encoding_of
from stanhier.design.blocks import Reducer
from stanhier.design.design import Design
from stanhier.design.groupings import Grouping
from stanhier.design.learning import learn
from stanhier.design.making import build_design
from stanhier.families.family import Family
from stanhier.families.known import GAUSSIAN
from stanhier.families.noise import RowNoise
from stanhier.formula.parse import ParsedFormula

__all__ = ["StreamedDesign", "design_from", "design_of", "streamed_design"]


@dataclass(frozen=True, kw_only=True)
class StreamedDesign(Design):
    """What a model knows of data whose rows are not in memory.

    Attributes
    ----------
    encoding : Encoding
    reduced : object
        What the engine's reducer made of the rows as they came.
    size : int
        Number of rows.
    """

    encoding: Encoding
    reduced: Any
    size: int

    @property
    def n_rows(self) -> int:
        """Number of rows, N."""
        return self.size

    @property
    def kinds(self) -> pd.DataFrame:
        """The columns of the model: a few rows with the kinds and levels of all."""
        return self.encoding.learnt.kinds

    @property
    def response_spec(self) -> ModelSpec:
        """What formulaic has learnt for the response."""
        return self.encoding.response_spec

    def reduce[P, R](self, reducer: Reducer[P, R]) -> R:  # noqa: ARG002
        """Give what the engine made of the rows when these were gone over."""
        reduced: R = self.reduced
        return reduced


def design_of(
    formula: ParsedFormula,
    data: Any,
    reducer: Reducer[Any, Any],
    *,
    se: str | Any | None = None,
    weights: str | Any | None = None,
    family: Family = GAUSSIAN,
    offset: str | Any | None = None,
    trials: str | int | Any | None = None,
    missing: str = "error",
) -> Design:
    """Build the design of a model from data in memory, or from any source of rows.

    Parameters
    ----------
    formula : ParsedFormula
    data : object
        A data frame or mapping of arrays in memory; Parquet files or a lazy frame, as `open_source` takes them; or a
        streamed design that was made before.
    reducer : Reducer
        What the engine makes of rows that are not in memory, while these are gone over.
    se, weights, family, offset, trials, missing
        As `build_design` takes them.

    Returns
    -------
    Design

    Raises
    ------
    DataError, FormulaError
        As `build_design` and `streamed_design`.
    """
    if isinstance(data, StreamedDesign):
        return data
    source = open_source(data)
    if source is None:
        given = {"se": se, "weights": weights, "offset": offset, "trials": trials}
        return build_design(formula, data, **given, family=family, missing=missing)
    drops = checked_missing(missing, "drop")
    beside = _beside(source, se=se, weights=weights, offset=offset, trials=trials)
    if family.takes_trials and trials is None:
        family.check(np.zeros(1), formula.response)  # says what is missing
    if not family.merges_rows:
        _refuse_row_by_row(formula, source, family, beside)
    return streamed_design(formula, source, reducer, beside=beside, family=family, drops=drops)


def streamed_design[P](
    formula: ParsedFormula,
    source: Source,
    reducer: Reducer[P, Any],
    *,
    beside: Beside = Beside(),  # noqa: B008 - frozen
    family: Family = GAUSSIAN,
    drops: bool = False,
) -> StreamedDesign:
    """Build the design of a model from rows that are never all in memory.

    The rows are gone over once; where the formula has categories or `center`, `scale` and the like, those columns are
    gone over once before.

    Parameters
    ----------
    formula : ParsedFormula
    source : Source
    reducer : Reducer
    beside : Beside
    family : Family
        One whose rows merge.
    drops : bool
        Whether rows with missing values are left out.

    Returns
    -------
    StreamedDesign

    Raises
    ------
    DataError
        If there are no rows; if a column is missing, of a kind that cannot be used, or has missing or infinite values;
        if the response does not suit the family; if more is left of the rows than fits into memory.
    FormulaError
        If the formula needs the rows all at once, or cannot be evaluated.
    """
    wanted = _wanted(formula, source, beside)
    complete = CompleteRows(source, wanted) if drops else None
    encoding = encoding_of(formula, learn(formula, complete or source, family), family)
    task, left_out = Reduce(encoding, beside, reducer, source.library), LeftOut()
    if complete is not None:
        (piece, tally), left_out = complete.counted(wanted, task)
    else:
        piece, tally = source.reduce(wanted, task)
    floats = [str(name) for name, column in source.empty(wanted).items() if column.dtype.kind == "f"]
    tally.refuse(source.library, floats, further=DROP_LEAVES_OUT)
    assert piece is not None
    labels = reducer.labels(piece)[: len(encoding.effects)]  # one group of all rows where there is no factor
    sorted_labels = [_in_order(one.factors, own) for one, own in zip(encoding.effects, labels, strict=True)]
    reduced = reducer.total(piece, [order for order, _ in sorted_labels])
    levels = [levels for _, levels in sorted_labels]
    return design_from(encoding, reduced, tally.n_rows, levels, beside, left_out if left_out.n_left_out else None)


def design_from(
    encoding: Encoding,
    reduced: Any,
    n_rows: int,
    levels: Sequence[pd.Index],
    beside: Beside,
    left_out: LeftOut | None = None,
) -> StreamedDesign:
    """Put a streamed design together: from rows just reduced, or from a saved fit.

    Parameters
    ----------
    encoding : Encoding
    reduced : object
        What the engine's reducer made of the rows.
    n_rows : int
    levels : sequence of pandas.Index
        Labels of the groups of each factor.
    beside : Beside
    left_out : LeftOut, optional
        Rows with missing values that were left out.

    Returns
    -------
    StreamedDesign
    """
    groupings = tuple(
        Grouping(one.factors, one.effects, one.columns, one.blocks, labels)
        for one, labels in zip(encoding.effects, levels, strict=True)
    )
    return StreamedDesign(
        formula=encoding.formula,
        columns=encoding.columns,
        groupings=groupings,
        row_noise=beside.noise,
        family=encoding.family,
        has_offset=beside.offset is not None,
        offset_name=beside.offset,
        trials_name=beside.trials if isinstance(beside.trials, str) else None,
        trials_constant=beside.trials if isinstance(beside.trials, int) else None,
        categories=encoding.categories,
        left_out=left_out,
        encoding=encoding,
        reduced=reduced,
        size=n_rows,
    )


def _wanted(formula: ParsedFormula, source: Source, beside: Beside) -> tuple[str, ...]:
    """Give the columns that a model needs, which are all there."""
    wanted = tuple(dict.fromkeys([*formula.columns, *formula.factor_columns, *beside.columns]))
    refuse_absent(list(wanted), list(source.columns), formula, source.name)
    return wanted


def _beside(source: Source, *, se: Any, weights: Any, offset: Any, trials: Any) -> Beside:
    """Take what stands beside the formula: columns alone, since the rows are not in memory."""
    constant = trials_constant(trials)
    by_row = {"se": se, "weights": weights, "offset": offset, "trials": trials if constant is None else None}
    for argument, given in by_row.items():
        if is_calculation(given, source.columns) or not isinstance(given, str | None):
            number = " or one whole number" if argument == "trials" else ""
            raise DataError(
                f"`{argument}` must be the name of a column{number} where the rows of `data` are not in memory; it is "
                f"{quoted(given, 60)}. Let the query make the column."
            )
    return Beside(RowNoise.in_column(se, weights), offset, trials if constant is None else constant)


@dataclass(frozen=True)
class _CountRows:
    """Counts rows where they are."""

    def __call__(self, frames: Iterator[pd.DataFrame]) -> int:
        return sum(map(len, frames))

    def merge(self, results: Iterable[int]) -> int:
        return sum(results)


def _refuse_row_by_row(formula: ParsedFormula, source: Source, family: Family, beside: Beside) -> NoReturn:
    """Refuse a family whose rows do not merge, and say how much memory they would take."""
    wanted = _wanted(formula, source, beside)
    n_rows = source.reduce(wanted[:1], _CountRows())
    raise DataError(
        f'family="{family.name}" needs its rows in memory: nothing smaller tells as much as they do of what varies '
        f"around the linear predictor. They are {n_rows:,} rows of {len(wanted)} columns, about "
        f"{bytes_in_words(8.0 * n_rows * len(wanted))}; read them, or as many as fit, into a data frame, and make the "
        'model of them. "gaussian", "bernoulli", "binomial" and "poisson" take rows that are not in memory.'
    )


def _in_order(factors: Sequence[str], labels: pd.Index) -> tuple[np.ndarray, pd.Index]:
    if len(factors) > 1:
        return names_in_order(labels, factors)
    order = np.argsort(labels.to_numpy(), kind="stable")
    levels = labels[order]
    return order, pd.Index(levels.tolist()) if levels.dtype == object else levels
