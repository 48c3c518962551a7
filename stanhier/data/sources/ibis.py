"""Ibis tables: the backend runs the query and hands its rows over as Arrow batches."""

from collections.abc import Iterator
from typing import Any

from stanhier.data.libraries import IBIS
from stanhier.data.sources.source import ArrowSource, batch_rows, needed

__all__ = ["ibis_source"]


def ibis_source(table: Any) -> ArrowSource:
    """Open an `ibis.Table`."""
    needed("pyarrow", "parquet", "An Ibis table")

    def batches(columns: list[str]) -> Iterator[Any]:
        return iter(table.select(*columns).to_pyarrow_batches(chunk_size=batch_rows(columns)))

    return ArrowSource("an Ibis table", table.schema().to_pyarrow(), batches, IBIS)
