"""PySpark data frames: partitions are worked on where they are, through Arrow, and the results merged in a tree."""

import pickle
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from stanhier.data.libraries import SPARK, Library
from stanhier.data.sources.source import Task, frame_of, needed

__all__ = ["SparkSource"]

_FAN_IN = 8
_RESULT = "result binary"


@dataclass(frozen=True)
class SparkSource:
    """A `pyspark.sql.DataFrame`, of Spark itself or of Spark Connect."""

    frame: Any

    @property
    def name(self) -> str:
        """What it is."""
        return "a PySpark data frame"

    @property
    def library(self) -> Library:
        """How messages say what to do with its rows."""
        return SPARK

    @property
    def columns(self) -> tuple[str, ...]:
        """All columns."""
        return tuple(self.frame.columns)

    def empty(self, columns: Sequence[str]) -> pd.DataFrame:
        """Give some columns without rows."""
        needed("pyarrow", "spark", "A PySpark data frame")
        types = needed("pyspark.sql.pandas.types", "spark", "A PySpark data frame")
        return frame_of(types.to_arrow_schema(self._some(columns).schema).empty_table())

    def reduce[T](self, columns: Sequence[str], task: Task[T]) -> T:
        """Do a task on the executors; only its results, as bytes, travel."""

        def on_partition(batches: Iterator[Any]) -> Iterator[Any]:
            yield _packed(task(frame_of(batch) for batch in batches if batch.num_rows > 0))

        def together(batches: Iterator[Any]) -> Iterator[Any]:
            results = [_unpacked(packed) for batch in batches for packed in batch.column("result").to_pylist()]
            if results:
                yield _packed(task.merge(results))

        frame = self._some(columns)
        parts = frame.mapInArrow(on_partition, _RESULT)
        n_parts = frame.rdd.getNumPartitions() if hasattr(type(frame), "rdd") else 1
        while n_parts > _FAN_IN:
            n_parts = -(-n_parts // _FAN_IN)
            parts = parts.repartition(n_parts).mapInArrow(together, _RESULT)
        return task.merge([_unpacked(row["result"]) for row in parts.collect()])

    def _some(self, columns: Sequence[str]) -> Any:
        return self.frame.select(*("`{}`".format(name.replace("`", "``")) for name in columns))


def _packed(result: Any) -> Any:
    import pyarrow as pa

    return pa.RecordBatch.from_pydict({"result": pa.array([pickle.dumps(result)], type=pa.binary())})


def _unpacked(packed: Any) -> Any:
    # Written a moment ago by executors of the same Spark session, which runs the caller's code in any case.
    return pickle.loads(bytes(packed))  # noqa: S301
