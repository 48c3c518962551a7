"""The rows that are predicted and averaged over: their columns, which can be changed and encoded anew."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd

from stanhier.basics.errors import DataError, StanhierError
from stanhier.basics.words import listed, quoted
from stanhier.data.frames import as_frame, column_names
from stanhier.data.kinds import is_categorical
from stanhier.data.libraries import PANDAS, Library, library_of
from stanhier.data.missing import n_missing
from stanhier.data.row_numbers import column_numbers
from stanhier.data.sources import Source, in_order, open_source
from stanhier.data.wrong_data import called
from stanhier.design.design import Design
from stanhier.design.new_rows import NewRows
from stanhier.engines.regression import Regression
from stanhier.posterior.fitted import Fitted
from stanhier.posterior.labelled import MAX_VALUES

__all__ = ["Cells", "Fixed", "Shifted", "State", "UserRows", "user_rows"]


@dataclass(frozen=True)
class Fixed:
    """A value that a column has in all rows."""

    value: Any

    @property
    def key(self) -> str:
        """The same for the same value."""
        return f"= {self.value!r}"


@dataclass(frozen=True, eq=False)
class Shifted:
    """What is added to a column of numbers: a number, or one for each row."""

    amount: Any

    @property
    def key(self) -> str:
        """The same for the same number."""
        return f"+ {self.amount!r}" if np.ndim(self.amount) == 0 else f"object {id(self)}"


type State = Mapping[str, Fixed | Shifted]
"""What is changed in the rows, by column; nothing where it is empty."""


@dataclass(frozen=True)
class Cells:
    """Groups of rows, by values of some columns.

    Attributes
    ----------
    codes : numpy.ndarray of int, shape (N,)
        For each row the position of its group.
    labels : pandas.DataFrame
        The values of each group; of one group of all rows no columns.
    """

    codes: np.ndarray
    labels: pd.DataFrame

    @property
    def number(self) -> int:
        """How many there are."""
        return len(self.labels)


@dataclass(frozen=True)
class UserRows:
    """Rows as the user has them.

    Attributes
    ----------
    fit : Fitted
    frame : pandas.DataFrame
    beside : NewRows or None
        Of the rows of the fit, what stands beside the formula and is no column of theirs.
    group_effects : bool
        Whether effects of groups are looked at.
    missing_labels : bool
        Whether labels of groups may be missing.
    where : str
        The method, for messages.
    library : Library
        What holds the user's data, for messages.
    """

    fit: Fitted[Regression]
    frame: pd.DataFrame
    beside: NewRows | None
    group_effects: bool
    missing_labels: bool
    where: str
    library: Library

    @property
    def n_rows(self) -> int:
        """N."""
        return len(self.frame)

    @property
    def design(self) -> Design:
        """What the model knows of its data."""
        return self.fit.model.design

    @property
    def seen(self) -> pd.DataFrame:
        """Rows that tell what values a column has: those of the fit, else these."""
        known = self.fit.model.in_memory
        return self.frame if known is None else known.frame

    def changed(self, state: State) -> NewRows:
        """Encode the rows with some columns changed.

        Raises
        ------
        DataError
            If the formula or a factor has no place for the values.
        """
        columns = {name: self._column(name, change) for name, change in state.items()}
        rows = self.design.encode(
            self.frame.assign(**columns),
            with_groups=self.group_effects,
            with_effects=self.group_effects,
            missing_labels=self.missing_labels,
            library=self.library,
        )
        if self.beside is None:
            return rows
        return replace(rows, offset=self.beside.offset, trials=self.beside.trials, row_noise=self.beside.row_noise)

    def numbers(self, name: str) -> np.ndarray:
        """Give a column of finite numbers as floats, shape (N,).

        Raises
        ------
        DataError
            If it is absent, not numeric, or has infinite values; if it has missing ones, with all columns that have.
        """
        if name in self.frame.columns and n_missing(self.frame[name]):
            self.changed({})  # which names them all
        return column_numbers(self.frame, name)

    def _column(self, name: str, change: Fixed | Shifted) -> Any:
        if isinstance(change, Shifted):
            return self.frame[name] + change.amount
        known: Any = self.design.kinds.get(name, self.seen.get(name))
        if known is not None and is_categorical(known):
            code = known.cat.categories.get_loc(change.value)
            return pd.Categorical.from_codes(np.full(self.n_rows, code), dtype=known.dtype)
        return pd.Series([change.value] * self.n_rows, index=self.frame.index)

    def cells(self, by: Any) -> Cells:
        """Group the rows by columns.

        Raises
        ------
        StanhierError
            If `by` is no column, or a column has missing values.
        """
        names = self.columns_of(by)
        if not names:
            return Cells(np.zeros(self.n_rows, dtype=int), pd.DataFrame(index=range(1)))
        for name in names:
            if n_missing(self.frame[name]):
                raise DataError(f"{self.where}(by={quoted(by)}): column '{name}' has missing values; leave them out.")
        columns = self.frame[names].reset_index(drop=True)  # an index may be called as a column is
        try:
            codes = columns.groupby(names, sort=True, observed=True).ngroup().to_numpy()
        except TypeError as err:
            raise DataError(f"{self.where}(by={quoted(by)}): these values cannot be sorted ({err}).") from err
        first = np.unique(codes, return_index=True)[1]
        labels = columns.iloc[first].reset_index(drop=True)
        # What the formula calculates with is held as floats.
        whole = [name for name in names if labels[name].dtype.kind == "f" and _are_whole(labels[name])]
        return Cells(codes, labels.astype(dict.fromkeys(whole, int)))

    def columns_of(self, by: Any) -> list[str]:
        """Give the columns by which rows are grouped.

        Raises
        ------
        StanhierError
            If `by` is no column of the rows.
        """
        if by is None:
            return []
        names = [by] if isinstance(by, str) else list(by) if isinstance(by, list | tuple) else None
        if not names or len(set(map(repr, names))) < len(names):
            raise StanhierError(
                f"{self.where}(by={quoted(by)}): 'by' must be a column or a list of columns, each once; without it all "
                "rows are averaged."
            )
        for name in names:
            if name not in self.frame.columns:
                there = list(map(str, self.frame.columns))
                parts = name.split(":") if isinstance(name, str) else []
                if len(parts) > 1 and all(part in there for part in parts):
                    raise DataError(
                        f"{self.where}(by={quoted(by)}): there is no column {quoted(name)} in the rows; by the "
                        f"combinations of several it is by={quoted(parts)}."
                    )
                other = "" if self.beside is None else " Other columns of your data can be had with new=data."
                raise DataError(
                    f"{self.where}(by={quoted(by)}): there is no column {quoted(name)} in the rows; they have "
                    f"{listed(there)}.{other}"
                )
        return [str(name) for name in names]


def user_rows(
    fit: Fitted[Regression], new: Any, by: Any, *, group_effects: bool, new_groups: str, where: str
) -> UserRows:
    """Take the rows of the fit, or new ones.

    Parameters
    ----------
    fit : Fitted
    new : data frame, mapping of arrays, path, lazy frame, or None
        None for the rows of the fit.
    by : str, sequence of str, or None
        Columns that are needed beside those of the model.
    group_effects : bool
    new_groups : {"error", "sample"}
    where : str
        The method, for messages.

    Raises
    ------
    DataError
        If rows of the fit are asked for and are not in memory, or there are no new ones, or too many to be in memory.
    """
    missing_labels = new_groups == "sample"
    if new is None:
        known = fit.model.in_memory
        if known is None:
            raise DataError(
                f"{where}() takes the rows of the fit, and they are not in memory; give rows to predict, such as a "
                "sample of your data, with new=."
            )
        response = known.formula.response_column
        columns = [name for name in known.frame.columns if name != response]
        return UserRows(fit, known.frame[columns], known.as_new, group_effects, missing_labels, where, PANDAS)
    design, source = fit.model.design, _opened(new, where)
    there = column_names(new) if source is None else source.columns
    asked = [by] if isinstance(by, str) else list(by) if isinstance(by, list | tuple) else []
    wanted = [*design.needed(with_groups=group_effects, with_effects=group_effects), *asked]
    wanted = [*wanted, *design.columns_beside(there if there is not None else ())]
    wanted = list(dict.fromkeys(name for name in wanted if there is None or name in there))
    with called("new"):
        frame = as_frame(new, wanted) if source is None else _read(source, wanted, where)
    if len(frame) == 0:
        raise DataError(f"{where}(new=...): there are no rows.")
    library = (library_of(new) if source is None else source.library).as_argument("new")
    return UserRows(fit, frame, None, group_effects, missing_labels, where, library)


def _opened(new: Any, where: str) -> Source | None:
    """Open rows that are not in memory; None for those that are."""
    try:
        with called("new"):
            return open_source(new)
    except DataError:
        if not isinstance(new, str) or new not in ("mean", "median"):
            raise
        raise DataError(
            f"{where}(new={quoted(new)}): 'new' takes rows; give a data frame of one row with the {new}s of the "
            "columns (of categories a level)."
        ) from None


def _read(source: Source, columns: list[str], where: str) -> pd.DataFrame:
    """Read columns of all rows into memory."""
    ordered, size = in_order(source, where), 0
    frames = [ordered.empty(columns)]
    for frame in ordered.blocks(columns or source.columns[:1]):
        size += len(frame)
        if size * max(len(columns), 1) > MAX_VALUES:
            raise DataError(
                f"{where}(new=...): the rows of {source.name} are more than fit comfortably in memory (20 million "
                "values); average over a sample of them."
            )
        frames.append(frame)
    return pd.concat(frames[1:], ignore_index=True) if size else frames[0]


def _are_whole(column: pd.Series) -> bool:
    return bool((column % 1 == 0).all() and column.abs().max() < 2**53)
