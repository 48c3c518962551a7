"""One model for each group of rows, from data of any kind."""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Protocol, Self

import numpy as np
import pandas as pd

from stanhier.basics.errors import DataError, FormulaError, StanhierError
from stanhier.basics.words import quoted
from stanhier.data.frames import as_frame, require_columns
from stanhier.data.groups import groups_of
from stanhier.data.sources import Source, open_source
from stanhier.data.sources.parts import GroupRows, fetch
from stanhier.data.sources.source import require_source_columns
from stanhier.design.tally import Tally
from stanhier.design.whole_columns import whole_columns
from stanhier.engines.parameters import inventory_of
from stanhier.engines.prior_choice import named_priors
from stanhier.families.noise import Noise
from stanhier.formula.parse import ParsedFormula, parse
from stanhier.many.asked import Maker
from stanhier.model import Model
from stanhier.regressions import class_of

__all__ = ["models_by_group"]

FETCHED_VALUES = 1 << 24
"""Values that are in memory at a time, at most, of rows that are not: about 130 MB of numbers."""


class Grouped(Protocol):
    """Names of groups and functions that make their models, in the order of the groups."""

    def __len__(self) -> int:
        """Give the number of groups."""

    def __iter__(self) -> Iterator[tuple[str, Maker]]:
        """Give name and function of each."""


def models_by_group(
    formula: str,
    data: Any,
    by: str | Sequence[str] | None,
    *,
    priors: Mapping[str, Any] | None,
    sigma: float | None,
    se: str | Any | None,
    context: Mapping[str, Callable[..., Any]] | None,
) -> Grouped:
    """Prepare a model for each group of rows.

    What holds for all groups is checked here; what is wrong with the rows of one shows when its model is made.

    Parameters
    ----------
    formula : str
    data : data frame, mapping of arrays, path or lazy frame
        As for a model. Rows that are not in memory are gone over once here, to count those of each group.
    by : str or sequence of str
        The columns whose labels tell groups apart.
    priors, sigma, se, context
        As for a model, the same for all.

    Returns
    -------
    Grouped

    Raises
    ------
    FormulaError
        If the formula cannot be read, uses a column of `by`, or needs rows at once that are not in memory.
    DataError
        If a column is missing, or one of `by` cannot be labels.
    PriorError
        If `priors` has what is no parameter of the model.
    StanhierError
        If `by` is no names of columns.
    """
    columns = _columns_of(by)
    parsed = parse(formula, context)
    kind = class_of(parsed)
    _check_for_all(parsed, columns, priors, Noise.of(sigma, se))
    make = partial(_make, kind, formula, priors=priors, sigma=sigma, context=context)
    wanted = [*parsed.columns, *(name for name in (parsed.group, se) if isinstance(name, str))]
    source = open_source(data)
    if source is not None:
        whole_columns(parsed)  # refuses what no group of such rows can have
        return _GroupsElsewhere.of(make, source, tuple(dict.fromkeys(wanted)), columns, se)
    return _GroupsHere.of(make, data, tuple(dict.fromkeys(wanted)), columns, se)


def _columns_of(by: Any) -> tuple[str, ...]:
    columns = (by,) if isinstance(by, str) else tuple(by) if isinstance(by, list | tuple) else ()
    if not columns or not all(isinstance(name, str) for name in columns):
        raise StanhierError(f"fit_many(by={quoted(by)}): `by` must be the name of a column, or a list of names.")
    if len(set(columns)) < len(columns):
        raise StanhierError(f"fit_many(by={quoted(by)}): `by` names a column twice.")
    return columns


def _check_for_all(formula: ParsedFormula, by: tuple[str, ...], priors: Any, noise: Noise) -> None:
    used = next((name for name in by if name in formula.columns or name == formula.group), None)
    if used is not None:
        raise FormulaError(
            f"{quoted(formula.text)}: '{used}' is a column of `by`, which has one value in each model; leave it out "
            "of the formula."
        )
    group = None if formula.group is None else (formula.group, pd.Index([]))
    parameters = inventory_of(
        ["any"], has_intercept=formula.has_intercept, group=group, sigma_is_estimated=noise.is_estimated
    )
    named_priors(priors, parameters, (), formula.group)


def _make(kind: type[Model], formula: str, data: Any, *, se: Any, **keywords: Any) -> Model:
    return kind(formula, data, se=se, **keywords)


@dataclass(frozen=True)
class _GroupsHere:
    """Groups of rows that are in memory."""

    make: Callable[..., Model]
    frame: pd.DataFrame
    se: str | pd.Series | None
    names: list[str]
    rows: list[np.ndarray]

    @classmethod
    def of(cls, make: Callable[..., Model], data: Any, columns: tuple[str, ...], by: tuple[str, ...], se: Any) -> Self:
        frame = as_frame(data, tuple(dict.fromkeys([*by, *columns])))
        require_columns(frame, [*by, *columns])
        if len(frame) == 0:
            raise DataError("`data` has no rows.")
        errors = se if se is None or isinstance(se, str) else _error_series(se, len(frame))
        groups = groups_of(frame, by)
        return cls(make, frame[list(columns)], errors, groups.names, groups.rows())

    def __len__(self) -> int:
        return len(self.names)

    def __iter__(self) -> Iterator[tuple[str, Maker]]:
        for name, rows in zip(self.names, self.rows, strict=True):
            yield name, partial(self._model, rows)

    def _model(self, rows: np.ndarray) -> Model:
        se = self.se.iloc[rows].to_numpy() if isinstance(self.se, pd.Series) else self.se
        return self.make(self.frame.iloc[rows], se=se)


def _error_series(se: Any, n_rows: int) -> pd.Series:
    """Take standard errors that came as an array; what they are is checked with the rows of each group."""
    try:
        series = pd.Series(se, copy=False)
    except Exception as err:  # whatever an object's own conversion raises
        raise DataError("`se` must be a column name or an array of numbers.") from err
    if len(series) != n_rows:
        raise DataError(f"`se` has {len(series)} values, but `data` has {n_rows} rows.")
    return series


@dataclass(frozen=True)
class _GroupsElsewhere:
    """Groups of rows that are not in memory: fetched as many at a time as there is room for."""

    make: Callable[..., Model]
    source: Source
    columns: tuple[str, ...]
    by: tuple[str, ...]
    counts: dict[str, int]

    @classmethod
    def of(
        cls, make: Callable[..., Model], source: Source, columns: tuple[str, ...], by: tuple[str, ...], se: Any
    ) -> Self:
        if se is not None and not isinstance(se, str):
            raise DataError("`se` must be the name of a column where the rows of `data` are not in memory.")
        require_source_columns(source, [*by, *columns])
        found, tally = source.reduce(by, _Count(by))
        tally.refuse(source.library, [])
        try:
            names = sorted(found, key=lambda name: found[name][0])
        except TypeError as err:
            raise DataError(f"The labels in {', '.join(map(repr, by))} are of different kinds: {err}.") from err
        return cls(partial(make, se=se), source, columns, by, {name: found[name][1] for name in names})

    def __len__(self) -> int:
        return len(self.counts)

    def __iter__(self) -> Iterator[tuple[str, Maker]]:
        most = max(FETCHED_VALUES // (len(self.columns) + len(self.by)), 1)
        waiting: dict[str, int] = {}
        for name, count in self.counts.items():
            if sum(waiting.values()) + count > most:
                yield from self._fetched(waiting)
                waiting = {}
            if count > most:
                yield name, partial(self.make, GroupRows(self.source, self.by, name))
            else:
                waiting[name] = count
        yield from self._fetched(waiting)

    def _fetched(self, names: Collection[str]) -> Iterator[tuple[str, Maker]]:
        for name, rows in fetch(self.source, self.columns, self.by, names) if names else ():
            yield name, partial(self.make, rows)


@dataclass(frozen=True)
class _Count:
    """Counts the rows of each group where they are."""

    by: tuple[str, ...]

    def __call__(self, frames: Iterator[pd.DataFrame]) -> tuple[dict[str, tuple[Any, int]], Tally]:
        return self.merge(map(self._count, frames))

    def merge(
        self, results: Iterable[tuple[dict[str, tuple[Any, int]], Tally]]
    ) -> tuple[dict[str, tuple[Any, int]], Tally]:
        total: dict[str, tuple[Any, int]] = {}
        tally = Tally()
        for counts, theirs in results:
            tally = tally.merge([theirs])
            for name, (labels, count) in counts.items():
                total[name] = labels, count + (total[name][1] if name in total else 0)
        return total, tally

    def _count(self, frame: pd.DataFrame) -> tuple[dict[str, tuple[Any, int]], Tally]:
        tally = Tally(len(frame))
        for name in self.by:
            tally.count_missing(name, frame[name])
        complete = frame.dropna()
        if len(complete) == 0:
            return {}, tally
        groups = groups_of(complete, self.by)
        counts = np.bincount(groups.codes).tolist()
        return dict(zip(groups.names, zip(groups.labels, counts, strict=True), strict=True)), tally
