"""Polars lazy frames: the query runs in Polars' streaming engine."""

from collections.abc import Iterator
from typing import Any

from stanhier.data.libraries import POLARS
from stanhier.data.sources.source import ArrowSource, batch_rows, needed

__all__ = ["polars_source"]


def polars_source(frame: Any) -> ArrowSource:
    """Open a `polars.LazyFrame`."""
    needed("pyarrow", "polars", "A Polars lazy frame")

    def batches(columns: list[str]) -> Iterator[Any]:
        for part in frame.select(columns).collect_batches(chunk_size=batch_rows(columns), maintain_order=True):
            yield from part.to_arrow().to_batches()

    schema = frame.collect_schema().to_frame().to_arrow().schema
    return ArrowSource("a Polars lazy frame", schema, batches, POLARS)
