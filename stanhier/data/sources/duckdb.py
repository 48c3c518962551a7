"""DuckDB relations: DuckDB runs the query and hands its rows over as Arrow batches."""

from collections.abc import Iterator
from typing import Any

from stanhier.data.libraries import DUCKDB
from stanhier.data.sources.source import ArrowSource, batch_rows, needed

__all__ = ["duckdb_source"]


def duckdb_source(relation: Any) -> ArrowSource:
    """Open a `duckdb.DuckDBPyRelation`."""
    needed("pyarrow", "duckdb", "A DuckDB relation")

    def batches(columns: list[str]) -> Iterator[Any]:
        quoted = ", ".join('"{}"'.format(name.replace('"', '""')) for name in columns)
        return iter(relation.project(quoted).to_arrow_reader(batch_rows(columns)))

    return ArrowSource("a DuckDB relation", relation.limit(0).to_arrow_table().schema, batches, DUCKDB)
