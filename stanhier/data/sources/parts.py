"""Some rows of a source: those without missing values, or of groups.

Groups are fetched, many at a time; one that is too large stays where it is.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from stanhier.basics.errors import DataError
from stanhier.data.groups import groups_of
from stanhier.data.libraries import Library
from stanhier.data.missing import LeftOut, complete_rows
from stanhier.data.sources.source import Source, Task

__all__ = ["CompleteRows", "FetchedRows", "GroupRows", "fetch"]


@dataclass(frozen=True)
class _SomeRows:
    """Some rows of a source, called and typed as it is.

    Attributes
    ----------
    whole : Source
    """

    whole: Source

    @property
    def name(self) -> str:
        """What they are of."""
        return self.whole.name

    @property
    def library(self) -> Library:
        """What holds the rows of the source."""
        return self.whole.library

    @property
    def columns(self) -> tuple[str, ...]:
        """All columns of the source."""
        return self.whole.columns

    def empty(self, columns: Sequence[str]) -> pd.DataFrame:
        """Give some columns without rows."""
        return self.whole.empty(columns)


@dataclass(frozen=True)
class CompleteRows(_SomeRows):
    """The rows of a source without missing values in some of its columns.

    Attributes
    ----------
    needed : tuple of str
        These columns, which are read whatever else is.
    """

    needed: tuple[str, ...]

    def reduce[T](self, columns: Sequence[str], task: Task[T]) -> T:
        """Do a task on these rows."""
        return self.counted(columns, task)[0]

    def counted[T](self, columns: Sequence[str], task: Task[T]) -> tuple[T, LeftOut]:
        """Do a task on these rows, and count the others.

        Raises
        ------
        DataError
            If there are others alone.
        """
        read = tuple(dict.fromkeys([*columns, *self.needed]))
        result, left_out = self.whole.reduce(read, _OfComplete(task, self.needed, tuple(columns)))
        if 0 < left_out.n_rows == left_out.n_left_out:
            raise DataError(f"No row is without missing values: {left_out}.")
        return result, left_out


@dataclass(frozen=True)
class FetchedRows(_SomeRows):
    """Rows of a source that were fetched, and are read as the source's own would be.

    Attributes
    ----------
    frame : pandas.DataFrame
    """

    frame: pd.DataFrame

    def reduce[T](self, columns: Sequence[str], task: Task[T]) -> T:
        """Do a task on the rows."""
        return task(iter([self.frame[list(columns)]]))


@dataclass(frozen=True)
class GroupRows(_SomeRows):
    """The rows of one group of a source, which are looked for each time they are read.

    Attributes
    ----------
    by : tuple of str
        The columns whose labels tell groups apart.
    group : str
        Name of the group.
    """

    by: tuple[str, ...]
    group: str

    def reduce[T](self, columns: Sequence[str], task: Task[T]) -> T:
        """Do a task where the source is, on the rows of the group."""
        return self.whole.reduce(
            tuple(dict.fromkeys([*columns, *self.by])), _OfGroup(task, self.by, self.group, tuple(columns))
        )


def fetch(
    source: Source, columns: Sequence[str], by: tuple[str, ...], names: Iterable[str]
) -> Iterator[tuple[str, FetchedRows]]:
    """Fetch the rows of some groups, going over the source once.

    Parameters
    ----------
    source : Source
    columns : sequence of str
    by : tuple of str
        The columns whose labels tell groups apart.
    names : iterable of str
        Names of the groups.

    Yields
    ------
    name, and the rows of the group
    """
    places = {name: k for k, name in enumerate(names)}
    needed = tuple(dict.fromkeys([*columns, *by]))
    parts = source.reduce(needed, _Fetch(by, places, tuple(columns)))
    codes = np.concatenate([part_codes for part_codes, _ in parts]) if parts else np.zeros(0, dtype=int)
    frame = pd.concat([part for _, part in parts], ignore_index=True) if parts else source.empty(columns)
    del parts
    order = np.argsort(codes, kind="stable")
    ends = np.searchsorted(codes[order], np.arange(len(places)), side="right")
    start = 0
    for name, end in zip(places, ends, strict=True):
        # A copy, so that what is made of one group does not keep all of them in memory.
        yield name, FetchedRows(source, frame.iloc[order[start:end]].reset_index(drop=True))
        start = end


@dataclass(frozen=True)
class _Fetch:
    """Picks the rows of some groups where they are."""

    by: tuple[str, ...]
    places: Mapping[str, int]
    columns: tuple[str, ...]

    def __call__(self, frames: Iterator[pd.DataFrame]) -> list[tuple[np.ndarray, pd.DataFrame]]:
        found = []
        for frame in frames:
            groups = groups_of(frame, self.by)
            codes = np.array([self.places.get(name, -1) for name in groups.names])[groups.codes]
            wanted = codes >= 0
            if wanted.any():
                found.append((codes[wanted], frame.loc[wanted, list(self.columns)]))
        return found

    def merge(self, results: Iterable[list[tuple[np.ndarray, pd.DataFrame]]]) -> list[tuple[np.ndarray, pd.DataFrame]]:
        return [part for result in results for part in result]


@dataclass(frozen=True)
class _OfGroup[T]:
    """Does a task on the rows of one group alone."""

    task: Task[T]
    by: tuple[str, ...]
    group: str
    columns: tuple[str, ...]

    def __call__(self, frames: Iterator[pd.DataFrame]) -> T:
        return self.task(part for frame in frames for part in self._rows(frame))

    def merge(self, results: Iterable[T]) -> T:
        return self.task.merge(results)

    def _rows(self, frame: pd.DataFrame) -> Iterator[pd.DataFrame]:
        groups = groups_of(frame, self.by)
        if self.group in groups.names:
            yield frame.loc[groups.codes == groups.names.index(self.group), list(self.columns)]


@dataclass(frozen=True)
class _OfComplete[T]:
    """Does a task on the rows without missing values alone, and counts the others."""

    task: Task[T]
    needed: tuple[str, ...]
    columns: tuple[str, ...]

    def __call__(self, frames: Iterator[pd.DataFrame]) -> tuple[T, LeftOut]:
        counts: list[LeftOut] = []
        return self.task(self._complete(frames, counts)), LeftOut().merge(counts)

    def merge(self, results: Iterable[tuple[T, LeftOut]]) -> tuple[T, LeftOut]:
        found, counts = zip(*results, strict=True)
        return self.task.merge(found), LeftOut().merge(counts)

    def _complete(self, frames: Iterator[pd.DataFrame], counts: list[LeftOut]) -> Iterator[pd.DataFrame]:
        for frame in frames:
            complete, left_out = complete_rows(frame, self.needed)
            counts.append(left_out)
            if complete.any():
                rows = frame[list(self.columns)]
                yield rows if complete.all() else rows[complete]
