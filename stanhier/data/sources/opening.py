"""From what the user gives as `data` to the adapter that reads it."""

import os
from typing import Any

import narwhals as nw
from narwhals import dependencies as kinds

from stanhier.data.sources.dask import DaskSource
from stanhier.data.sources.duckdb import duckdb_source
from stanhier.data.sources.ibis import ibis_source
from stanhier.data.sources.parquet import parquet_source
from stanhier.data.sources.parts import FetchedRows, GroupRows
from stanhier.data.sources.polars import polars_source
from stanhier.data.sources.source import Source
from stanhier.data.sources.spark import SparkSource

__all__ = ["open_source"]

_ADAPTERS = (
    (kinds.is_polars_lazyframe, polars_source),
    (kinds.is_duckdb_relation, duckdb_source),
    (kinds.is_ibis_table, ibis_source),
    (kinds.is_dask_dataframe, DaskSource),
    (kinds.is_pyspark_dataframe, SparkSource),
    (kinds.is_pyspark_connect_dataframe, SparkSource),
)


def open_source(data: Any) -> Source | None:
    """Open data whose rows are not in memory.

    Parameters
    ----------
    data : object
        A path or pattern of paths of Parquet files; a lazy frame of Polars, a DuckDB relation, an Ibis table, a Dask
        or a PySpark data frame; groups of the rows of one of these.

    Returns
    -------
    Source or None
        None if it is anything else.

    Raises
    ------
    DataError
        If it cannot be read, or a package is missing that reads it.
    """
    if isinstance(data, str | os.PathLike):
        return parquet_source(data)
    if isinstance(data, FetchedRows | GroupRows):
        return data
    native = nw.to_native(data, pass_through=True)
    for is_one, adapter in _ADAPTERS:
        if is_one(native):
            return adapter(native)
    return None
