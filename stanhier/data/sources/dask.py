"""Dask data frames: each partition is worked on where it is, and the results are merged in a tree."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from stanhier.data.libraries import DASK, Library
from stanhier.data.sources.source import Task, needed

__all__ = ["DaskSource"]

_FAN_IN = 8


@dataclass(frozen=True)
class DaskSource:
    """A `dask.dataframe.DataFrame`; the scheduler is Dask's own choice, a cluster where a client is connected."""

    frame: Any

    @property
    def name(self) -> str:
        """What it is."""
        return "a Dask data frame"

    @property
    def library(self) -> Library:
        """How messages say what to do with its rows."""
        return DASK

    @property
    def columns(self) -> tuple[str, ...]:
        """All columns."""
        return tuple(self.frame.columns)

    def empty(self, columns: Sequence[str]) -> pd.DataFrame:
        """Give some columns without rows."""
        kinds = self.frame[list(columns)].dtypes
        return pd.DataFrame({column: pd.Series(dtype=kind) for column, kind in kinds.items()})

    def blocks(self, columns: Sequence[str]) -> Iterator[pd.DataFrame]:
        """Bring some columns of all rows to this process, partition by partition."""
        for part in self.frame[list(columns)].to_delayed():
            frame = part.compute()
            if len(frame):
                yield frame

    def reduce[T](self, columns: Sequence[str], task: Task[T]) -> T:
        """Do a task on the workers; only its results travel."""
        dask: Any = needed("dask", "dask", "A Dask data frame")
        on_partition = dask.delayed(_on_partition, pure=True)
        together = dask.delayed(_together, pure=True)
        shared = dask.delayed(task)
        parts = [on_partition(shared, part) for part in self.frame[list(columns)].to_delayed()]
        while len(parts) > 1:
            parts = [together(shared, parts[k : k + _FAN_IN]) for k in range(0, len(parts), _FAN_IN)]
        (result,) = dask.compute(parts[0])
        merged: T = result
        return merged


def _on_partition[T](task: Task[T], frame: pd.DataFrame) -> T:
    return task(iter([frame] if len(frame) else []))


def _together[T](task: Task[T], results: list[T]) -> T:
    return task.merge(results)
