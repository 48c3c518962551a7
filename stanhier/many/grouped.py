"""One model for each group of rows, from data of any kind."""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Protocol, Self

import narwhals as nw
import numpy as np
import pandas as pd

from stanhier.basics.errors import DataError, FormulaError, StanhierError
from stanhier.basics.warned import PriorWarning, warn
from stanhier.basics.words import quoted
from stanhier.data.frames import as_frame, column_names
from stanhier.data.groups import RowGroups, groups_of
from stanhier.data.libraries import Library, library_of
from stanhier.data.missing import refuse_missing
from stanhier.data.sources import Source, open_source
from stanhier.data.sources.parts import GroupRows, fetch
from stanhier.data.standard_errors import error_series
from stanhier.design.absent import refuse_absent
from stanhier.design.tally import Tally
from stanhier.design.whole_columns import whole_columns
from stanhier.engines.parameters import Inventory, inventory_of
from stanhier.engines.prior_distance import distance_of
from stanhier.engines.prior_names import named_priors
from stanhier.engines.term_parameters import factors_as_written, inventory_of_terms
from stanhier.families.family import Family
from stanhier.families.known import family_of
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
    family: str | Family = "gaussian",
    trials: str | int | None = None,
    offset: str | None = None,
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
    priors, sigma, se, context, family
        As for a model, the same for all.
    trials, offset
        As for a model, columns; the number of trials may be one for all rows.

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
    known = family_of(family)
    kind = class_of(parsed) if known.is_gaussian else Model
    _check_for_all(parsed, columns, priors, _parameters_of(parsed, Noise.of(sigma, se, known), kind, known))
    beside = {"family": known, "trials": trials, "offset": offset}
    make = _ModelMaker(kind, formula, context, {"priors": priors, "sigma": sigma, **beside})
    columns_beside = [name for name in (se, trials, offset) if isinstance(name, str)]
    named = [*parsed.columns, *parsed.factor_columns, *columns_beside]
    wanted = tuple(dict.fromkeys(named))
    source = open_source(data)
    if source is not None:
        refuse_absent([*columns, *wanted], source.columns, parsed, source.name)
        whole_columns(parsed)  # refuses what no group of such rows can have
        return _GroupsElsewhere.of(make, source, wanted, columns, se)
    refuse_absent([*columns, *wanted], column_names(data), parsed, "the data")
    return _GroupsHere.of(make, data, wanted, columns, se)


def _columns_of(by: Any) -> tuple[str, ...]:
    columns = (by,) if isinstance(by, str) else tuple(by) if isinstance(by, list | tuple) else ()
    if not columns or not all(isinstance(name, str) for name in columns):
        raise StanhierError(f"fit_many(by={quoted(by)}): `by` must be the name of a column, or a list of names.")
    if len(set(columns)) < len(columns):
        raise StanhierError(f"fit_many(by={quoted(by)}): `by` names a column twice.")
    return columns


def _check_for_all(formula: ParsedFormula, by: tuple[str, ...], priors: Any, parameters: Inventory) -> None:
    used = next((name for name in by if name in (*formula.columns, *formula.factor_columns)), None)
    if used is not None:
        raise FormulaError(
            f"{quoted(formula.text)}: '{used}' is a column of `by`, which has one value in each model; leave it out "
            "of the formula."
        )
    named_priors(priors, parameters, predictors=formula.predictor_columns, group=formula.group)


def _parameters_of(formula: ParsedFormula, noise: Noise, kind: type[Model], family: Family) -> Inventory:
    # Which categories and levels there are is known of each group alone.
    predictors, estimated = formula.predictor_columns or ["any"], noise.is_estimated
    if kind is Model:
        factors, auxiliary = factors_as_written(formula.terms), family.beside_sigma
        return inventory_of_terms(
            predictors,
            has_intercept=formula.has_intercept,
            factors=factors,
            sigma_is_estimated=estimated,
            auxiliary=auxiliary,
        )
    group = None if formula.group is None else (formula.group, pd.Index([]))
    return inventory_of(predictors, has_intercept=formula.has_intercept, group=group, sigma_is_estimated=estimated)


class _ModelMaker:
    """Makes the model of each group, and says once what may hold for all of them."""

    def __init__(
        self,
        kind: type[Model],
        formula: str,
        context: Mapping[str, Callable[..., Any]] | None,
        arguments: Mapping[str, Any],
    ) -> None:
        self._kind = kind
        self._formula = formula
        self._context = context
        self._arguments = arguments
        self._has_warned = False

    def __call__(self, name: str, data: Any, se: Any) -> Model:
        """Make the model of a group."""
        model = self._kind.made_before(self._formula, data, self._context, **self._arguments, se=se)
        far = None if self._has_warned else distance_of(model.chosen, model.design, model.engine.moments)
        if far is not None:
            self._has_warned = True
            warn(f"In the model of {quoted(name)}, the first of which this is so: {far}", PriorWarning)
        return model


@dataclass(frozen=True)
class _GroupsHere:
    """Groups of rows that are in memory."""

    make: _ModelMaker
    part: Callable[[np.ndarray], Any]
    se: str | pd.Series | None
    groups: RowGroups

    @classmethod
    def of(cls, make: _ModelMaker, data: Any, columns: tuple[str, ...], by: tuple[str, ...], se: Any) -> Self:
        frame, library = as_frame(data, by), library_of(data)
        if len(frame) == 0:
            raise DataError("`data` has no rows.")
        refuse_missing(frame, by, library)
        errors = se if se is None or isinstance(se, str) else error_series(se, len(frame))
        return cls(make, partial(_rows_of, _only(data, columns)), errors, groups_of(frame, by, library))

    def __len__(self) -> int:
        return len(self.groups.names)

    def __iter__(self) -> Iterator[tuple[str, Maker]]:
        for name, rows in zip(self.groups.names, self.groups.rows(), strict=True):
            yield name, partial(self._model, name, rows)

    def _model(self, name: str, rows: np.ndarray) -> Model:
        se = self.se.iloc[rows].to_numpy() if isinstance(self.se, pd.Series) else self.se
        return self.make(name, self.part(rows), se)


def _only(data: Any, columns: tuple[str, ...]) -> Any:
    """Give some columns of data in memory, of the library that holds them."""
    native: Any = nw.to_native(data, pass_through=True)
    if isinstance(native, Mapping):
        return dict(as_frame({name: native[name] for name in columns}).items())
    return native[list(columns)] if isinstance(native, pd.DataFrame) else native.select(list(columns))


def _rows_of(data: Any, rows: np.ndarray) -> Any:
    """Give some rows of data in memory, so that messages about them are in the words of the same library."""
    if isinstance(data, dict):
        return {name: column.iloc[rows] for name, column in data.items()}
    if isinstance(data, pd.DataFrame):
        return data.iloc[rows]
    return nw.from_native(data, eager_only=True)[rows].to_native()


@dataclass(frozen=True)
class _GroupsElsewhere:
    """Groups of rows that are not in memory: fetched as many at a time as there is room for."""

    make: _ModelMaker
    se: str | None
    source: Source
    columns: tuple[str, ...]
    by: tuple[str, ...]
    counts: dict[str, int]

    @classmethod
    def of(cls, make: _ModelMaker, source: Source, columns: tuple[str, ...], by: tuple[str, ...], se: Any) -> Self:
        if se is not None and not isinstance(se, str):
            raise DataError("`se` must be the name of a column where the rows of `data` are not in memory.")
        found, tally = source.reduce(by, _Count(by, source.library))
        kinds = source.empty(by).dtypes
        tally.refuse(source.library, [name for name in by if kinds[name].kind == "f"])
        try:
            names = sorted(found, key=lambda name: found[name][0])
        except TypeError as err:
            raise DataError(f"The labels in {', '.join(map(repr, by))} are of different kinds: {err}.") from err
        return cls(make, se, source, columns, by, {name: found[name][1] for name in names})

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
                yield name, partial(self.make, name, GroupRows(self.source, self.by, name), self.se)
            else:
                waiting[name] = count
        yield from self._fetched(waiting)

    def _fetched(self, names: Collection[str]) -> Iterator[tuple[str, Maker]]:
        for name, rows in fetch(self.source, self.columns, self.by, names) if names else ():
            yield name, partial(self.make, name, rows, self.se)


@dataclass(frozen=True)
class _Count:
    """Counts the rows of each group where they are."""

    by: tuple[str, ...]
    library: Library

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
        groups = groups_of(complete, self.by, self.library)
        counts = np.bincount(groups.codes).tolist()
        return dict(zip(groups.names, zip(groups.labels, counts, strict=True), strict=True)), tally
