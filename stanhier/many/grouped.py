"""One model for each group of rows, from data of any kind."""

from collections.abc import Callable, Iterator, Mapping, Sequence
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
from stanhier.data.libraries import library_of
from stanhier.data.missing import checked_missing, refuse_missing
from stanhier.data.row_numbers import given_column
from stanhier.data.sources import open_source
from stanhier.design.absent import refuse_absent
from stanhier.design.whole_columns import whole_columns
from stanhier.engines.parameters import Inventory, inventory_of
from stanhier.engines.prior_names import named_priors
from stanhier.engines.prior_warnings import said_of_priors
from stanhier.engines.term_parameters import factors_as_written, inventory_of_terms
from stanhier.families.family import Family
from stanhier.families.known import family_of
from stanhier.families.noise import Noise
from stanhier.formula.parse import ParsedFormula, parse
from stanhier.many.asked import Maker
from stanhier.many.elsewhere import GroupsElsewhere
from stanhier.model import Model
from stanhier.regressions import class_of

__all__ = ["models_by_group"]


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
    weights: str | Any | None = None,
    missing: str = "error",
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
    priors, sigma, se, weights, context, family, missing
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
    kind = class_of(parsed, known)
    _check_for_all(parsed, columns, priors, _parameters_of(parsed, Noise.of(sigma, se, weights, known), kind, known))
    checked_missing(missing, "drop")
    beside = {"family": known, "trials": trials, "offset": offset, "missing": missing}
    make = _ModelMaker(kind, formula, context, {"priors": priors, "sigma": sigma, **beside})
    noise = {name: given for name, given in (("se", se), ("weights", weights)) if given is not None}
    columns_beside = [name for name in (se, weights, trials, offset) if isinstance(name, str)]
    named = [*parsed.columns, *parsed.factor_columns, *columns_beside]
    wanted = tuple(dict.fromkeys(named))
    source = open_source(data)
    if source is not None:
        refuse_absent([*columns, *wanted], source.columns, parsed, source.name)
        whole_columns(parsed)  # refuses what no group of such rows can have
        return GroupsElsewhere.of(make, source, wanted, columns, noise)
    refuse_absent([*columns, *wanted], column_names(data), parsed, "the data")
    return _GroupsHere.of(make, data, wanted, columns, noise)


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

    def __call__(self, name: str, data: Any, noise: Mapping[str, Any]) -> Model:
        """Make the model of a group, with its standard errors or weights, if there are any."""
        model = self._kind.made_before(self._formula, data, self._context, **self._arguments, **noise)
        said = [] if self._has_warned else said_of_priors(model)
        if said:
            self._has_warned = True
            warn(f"In the model of {quoted(name)}, the first of which this is so: {said[0]}", PriorWarning)
        return model


@dataclass(frozen=True)
class _GroupsHere:
    """Groups of rows that are in memory."""

    make: _ModelMaker
    part: Callable[[np.ndarray], Any]
    noise: Mapping[str, str | pd.Series]
    groups: RowGroups

    @classmethod
    def of(
        cls, make: _ModelMaker, data: Any, columns: tuple[str, ...], by: tuple[str, ...], noise: Mapping[str, Any]
    ) -> Self:
        frame, library = as_frame(data, by), library_of(data)
        if len(frame) == 0:
            raise DataError("`data` has no rows.")
        refuse_missing(frame, by, library)
        index = frame.index if isinstance(data, pd.DataFrame) else None
        noise = {name: _column_or_values(name, given, len(frame), index) for name, given in noise.items()}
        return cls(make, partial(_rows_of, _only(data, columns)), noise, groups_of(frame, by, library))

    def __len__(self) -> int:
        return len(self.groups.names)

    def __iter__(self) -> Iterator[tuple[str, Maker]]:
        for name, rows in zip(self.groups.names, self.groups.rows(), strict=True):
            yield name, partial(self._model, name, rows)

    def _model(self, name: str, rows: np.ndarray) -> Model:
        noise = {
            argument: given.iloc[rows].to_numpy() if isinstance(given, pd.Series) else given
            for argument, given in self.noise.items()
        }
        return self.make(name, self.part(rows), noise)


def _column_or_values(argument: str, given: Any, n_rows: int, index: pd.Index | None) -> str | pd.Series:
    """Give the name of a column as it is, and values as a column with one for each row."""
    column = given_column(argument, given, n_rows, index)
    return str(given) if column is None else column


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
