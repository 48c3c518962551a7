"""Rows that are not in memory, brought here in their order and no faster than they are taken."""

import time

import dask.dataframe as dd
import duckdb
import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

from stanhier.data.sources import OrderedSource, open_source, source


@pytest.fixture(scope="module")
def data():
    return pd.DataFrame({"x": np.arange(1000) * 0.5, "label": np.resize(["a", "b", "ü"], 1000), "unused": 1})


@pytest.fixture(scope="module")
def folder(data, tmp_path_factory):
    path = tmp_path_factory.mktemp("rows")
    for k in range(3):
        data.iloc[[range(400), range(400, 400), range(400, 1000)][k]].to_parquet(
            path / f"part-{k}.parquet", row_group_size=170, index=False
        )
    return path


SOURCES = {
    "Parquet": str,
    "Polars": lambda folder: pl.scan_parquet(folder / "*.parquet"),
    "DuckDB": lambda folder: duckdb.sql(f"SELECT * FROM '{folder}/*.parquet'"),
    "Dask": lambda folder: dd.from_pandas(pd.read_parquet(folder), npartitions=3, sort=False),
}


@pytest.mark.versions
@pytest.mark.parametrize("size", [100, 1 << 18])
@pytest.mark.parametrize("name", SOURCES)
def test_blocks_are_the_rows_in_their_order(name, size, data, folder, monkeypatch):
    monkeypatch.setattr(source, "BATCH_ROWS", size)
    opened = open_source(SOURCES[name](folder))
    assert isinstance(opened, OrderedSource)
    blocks = list(opened.blocks(["label", "x"]))
    assert all(len(block) for block in blocks)
    assert all(list(block.columns) == ["label", "x"] for block in blocks)
    together = pd.concat(blocks, ignore_index=True)
    np.testing.assert_array_equal(together["x"], data["x"])
    assert together["label"].tolist() == data["label"].tolist()


def test_parquet_is_read_no_further_than_it_is_taken(tmp_path):
    """PyArrow by itself reads all of a file of this size ahead, while nobody takes its rows."""
    rows, groups = 1 << 17, 24
    pd.DataFrame({"x": np.random.default_rng(1).random(rows * groups)}).to_parquet(
        tmp_path / "rows.parquet", row_group_size=rows
    )
    before = pa.total_allocated_bytes()
    blocks = open_source(tmp_path / "rows.parquet").blocks(["x"])
    first = next(blocks)
    assert len(first) == rows
    time.sleep(0.3)
    assert pa.total_allocated_bytes() - before < 0.25 * 8 * rows * groups
    blocks.close()
