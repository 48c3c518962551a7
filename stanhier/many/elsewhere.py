"""Groups of rows that are not in memory, fetched some at a time."""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any, Self

import numpy as np
import pandas as pd

from stanhier.basics.errors import DataError
from stanhier.data.groups import groups_of
from stanhier.data.libraries import Library
from stanhier.data.sources import Source
from stanhier.data.sources.parts import GroupRows, fetch
from stanhier.design.tally import Tally
from stanhier.many.asked import Maker
from stanhier.model import Model

__all__ = ["FETCHED_VALUES", "GroupsElsewhere"]

FETCHED_VALUES = 1 << 24
"""Values that are in memory at a time, at most, of rows that are not: about 130 MB of numbers."""


type ModelMaker = Callable[[str, Any, Mapping[str, Any]], Model]
"""Makes the model of a group from its name, its rows, and their standard errors or weights."""


@dataclass(frozen=True)
class GroupsElsewhere:
    """Groups of rows that are not in memory: fetched as many at a time as there is room for."""

    make: ModelMaker
    noise: Mapping[str, str]
    source: Source
    columns: tuple[str, ...]
    by: tuple[str, ...]
    counts: dict[str, int]

    @classmethod
    def of(
        cls,
        make: ModelMaker,
        source: Source,
        columns: tuple[str, ...],
        by: tuple[str, ...],
        noise: Mapping[str, Any],
    ) -> Self:
        """Go over the rows once, to count those of each group."""
        for argument, given in noise.items():
            if not isinstance(given, str):
                raise DataError(
                    f"`{argument}` must be the name of a column where the rows of `data` are not in memory."
                )
        found, tally = source.reduce(by, _Count(by, source.library))
        kinds = source.empty(by).dtypes
        tally.refuse(source.library, [name for name in by if kinds[name].kind == "f"])
        try:
            names = sorted(found, key=lambda name: found[name][0])
        except TypeError as err:
            raise DataError(f"The labels in {', '.join(map(repr, by))} are of different kinds: {err}.") from err
        return cls(make, noise, source, columns, by, {name: found[name][1] for name in names})

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
                yield name, partial(self.make, name, GroupRows(self.source, self.by, name), self.noise)
            else:
                waiting[name] = count
        yield from self._fetched(waiting)

    def _fetched(self, names: Collection[str]) -> Iterator[tuple[str, Maker]]:
        for name, rows in fetch(self.source, self.columns, self.by, names) if names else ():
            yield name, partial(self.make, name, rows, self.noise)


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
