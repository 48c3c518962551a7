"""PySpark data frames: partitions are worked on where they are, through Arrow, and the results merged in a tree."""

import pickle
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from stanhier.sources.source import Task, needed

__all__ = ["SparkSource"]

_FAN_IN = 8


@dataclass(frozen=True)
class SparkSource:
    """A `pyspark.sql.DataFrame`, of Spark itself or of Spark Connect."""

    frame: Any

    @property
    def name(self) -> str:
        """What it is."""
        return "a PySpark data frame"

    @property
    def columns(self) -> tuple[str, ...]:
        """All columns."""
        return tuple(self.frame.columns)

    def empty(self, columns: Sequence[str]) -> pd.DataFrame:
        """Give some columns without rows."""
        empty: pd.DataFrame = self._some(columns).limit(0).toPandas()
        return empty

    def reduce[T](self, columns: Sequence[str], task: Task[T]) -> T:
        """Do a task on the executors; only its results, as bytes, travel."""
        needed("pyarrow", "spark", "A PySpark data frame")
        frame = self._some(columns)

        def on_partition(frames: Iterator[pd.DataFrame]) -> Iterator[pd.DataFrame]:
            yield _packed(task(part for part in frames if len(part)))

        def together(frames: Iterator[pd.DataFrame]) -> Iterator[pd.DataFrame]:
            results = [result for part in frames for result in _unpacked(part)]
            if results:
                yield _packed(task.merge(results))

        parts = frame.mapInPandas(on_partition, "result binary")
        n_parts = frame.rdd.getNumPartitions() if hasattr(frame, "rdd") else _FAN_IN
        while n_parts > _FAN_IN:
            n_parts = -(-n_parts // _FAN_IN)
            parts = parts.repartition(n_parts).mapInPandas(together, "result binary")
        return task.merge(_unpacked(parts.toPandas()))

    def _some(self, columns: Sequence[str]) -> Any:
        return self.frame.select(*("`{}`".format(name.replace("`", "``")) for name in columns))


def _packed(result: Any) -> pd.DataFrame:
    return pd.DataFrame({"result": [pickle.dumps(result)]})


def _unpacked(frame: pd.DataFrame) -> list[Any]:
    # Written a moment ago by the executors of the same Spark session, which runs the caller's code in any case.
    return [pickle.loads(bytes(packed)) for packed in frame["result"]]  # noqa: S301
