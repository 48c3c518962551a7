"""The face that all sources of rows have, and the sources that deliver them to this process."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from importlib import import_module
from types import ModuleType
from typing import Any, Protocol, runtime_checkable

import pandas as pd

from stanhier.basics.errors import DataError
from stanhier.data.libraries import PANDAS, Library

__all__ = ["ArrowSource", "OrderedSource", "Source", "Task", "batch_rows", "frame_of", "in_order", "needed"]

BATCH_ROWS = 1 << 18
"""Rows of a block that a source delivers, at most."""
BATCH_VALUES = 1 << 21
"""Values of such a block, at most."""


class Task[T](Protocol):
    """What is done with rows where they live; it travels there, and only what it gives travels back."""

    def __call__(self, frames: Iterator[pd.DataFrame]) -> T:
        """Go over blocks of rows."""

    def merge(self, results: Iterable[T]) -> T:
        """Give one result for the rows of several, at least one."""


class Source(Protocol):
    """Rows that are not in memory."""

    @property
    def name(self) -> str:
        """What it is, for messages."""

    @property
    def library(self) -> Library:
        """What holds the rows: how messages say what to do with them."""

    @property
    def columns(self) -> tuple[str, ...]:
        """All its columns."""

    def empty(self, columns: Sequence[str]) -> pd.DataFrame:
        """Give some columns without rows, of the kinds that their rows would have."""

    def reduce[T](self, columns: Sequence[str], task: Task[T]) -> T:
        """Do a task on some columns of all rows, each row once."""


@runtime_checkable
class OrderedSource(Source, Protocol):
    """Rows that are not in memory, and that have an order."""

    def blocks(self, columns: Sequence[str]) -> Iterator[pd.DataFrame]:
        """Bring some columns of all rows to this process, block by block and in their order."""


def in_order(source: Source, method: str) -> OrderedSource:
    """Give a source whose rows come in an order, as new data of a method must.

    Raises
    ------
    DataError
        If they have none.
    """
    if isinstance(source, OrderedSource):
        return source
    raise DataError(
        f"{method}(new): results are in the order of the rows, and those of {source.name} have none. Read them into "
        "memory, new=new.toPandas(), or, if they are too many, write them as Parquet files, "
        'new.write.parquet("folder"), and give the path, new="folder".'
    )


@dataclass(frozen=True)
class ArrowSource:
    """Rows that an engine delivers to this process as Arrow record batches.

    Attributes
    ----------
    name : str
    schema : pyarrow.Schema
        Of all columns.
    batches : callable
        Takes names of columns; gives an iterator of `pyarrow.RecordBatch`.
    library : Library
    unhurried : callable, optional
        Gives what `batches` does, and reads little ahead of whoever is slow with what there is; `batches` itself where
        that is so anyway.
    """

    name: str
    schema: Any
    batches: Callable[[list[str]], Iterable[Any]]
    library: Library = PANDAS
    unhurried: Callable[[list[str]], Iterable[Any]] | None = None

    @property
    def columns(self) -> tuple[str, ...]:
        """All columns."""
        return tuple(self.schema.names)

    def empty(self, columns: Sequence[str]) -> pd.DataFrame:
        """Give some columns without rows."""
        import pyarrow as pa

        return frame_of(pa.schema([self.schema.field(name) for name in columns]).empty_table())

    def reduce[T](self, columns: Sequence[str], task: Task[T]) -> T:
        """Do a task in this process, block by block."""
        return task(_frames(self.batches(list(columns))))

    def blocks(self, columns: Sequence[str]) -> Iterator[pd.DataFrame]:
        """Give some columns of all rows, block by block and in their order."""
        return _frames((self.unhurried or self.batches)(list(columns)))


def _frames(batches: Iterable[Any]) -> Iterator[pd.DataFrame]:
    return (frame_of(batch) for batch in batches if batch.num_rows > 0)


def batch_rows(columns: Sequence[str]) -> int:
    """Choose how many rows a block of some columns has: many, for the work that each block takes, but little memory."""
    return min(BATCH_ROWS, max(BATCH_VALUES // len(columns), 1))


def frame_of(table: Any) -> pd.DataFrame:
    """Bring an Arrow table or batch to pandas; columns without missing values are not copied."""
    import pyarrow as pa

    for k, field in enumerate(table.schema):
        if pa.types.is_decimal(field.type):  # what SQL makes of 1.5
            table = table.set_column(k, field.name, table.column(k).cast(pa.float64()))
    # What pandas noted in a file it wrote is left aside: a column that was its index is a column like any other.
    frame: pd.DataFrame = table.to_pandas(split_blocks=True, ignore_metadata=True, date_as_object=False)
    return frame


def needed(module: str, extra: str, what: str) -> ModuleType:
    """Import what an adapter needs.

    Raises
    ------
    DataError
        If it is not installed; with the command that installs it.
    """
    try:
        return import_module(module)
    except ImportError as err:
        raise DataError(
            f"{what} needs the package '{module.split('.')[0]}', which is not installed: "
            f"pip install 'stanhier[{extra}]'"
        ) from err
