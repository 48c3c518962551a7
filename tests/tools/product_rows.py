"""Rows of products and shops, in memory and elsewhere, for tests of one model for each group."""

import duckdb
import numpy as np
import pandas as pd
import polars as pl
import pyarrow.parquet as pq
import pytest

from tests.tools import variants


def rows(n=600):
    rng = np.random.default_rng(2)
    data = variants.frame(n, 9, 3)
    data["product"] = rng.choice(["Zange", "Axt", "Säge, klein", "'s"], n)
    data["shop"] = rng.integers(0, 3, n)
    data["day"] = pd.Timestamp("2024-03-30") + pd.to_timedelta(rng.integers(0, 3, n), unit="D")
    data["open"] = rng.random(n) < 0.5
    data["kind"] = rng.choice(["a", "b"], n)
    data["unused"] = None
    return data


def bad_rows():
    """Of these products, one has a single row, one a constant predictor and one a missing value."""
    data = rows()
    axes = np.flatnonzero(data["product"] == "Axt")
    data.loc[axes[1:], "product"] = "Zange"
    data.loc[data["product"] == "'s", "x"] = 3.0
    data.loc[np.flatnonzero(data["product"] == "Säge, klein")[4], "y"] = np.nan
    return data


def write(path):
    """Three files of small row groups, and one with groups of which no model can be made."""
    for k in range(3):
        rows()[k * 200 : (k + 1) * 200].to_parquet(path / f"part-{k}.parquet", row_group_size=70, index=False)
    bad_rows().to_parquet(path / "bad.parquet", index=False)
    return path


HERE = {
    "pandas": lambda folder, files: pd.concat(
        [pd.read_parquet(file) for file in sorted(folder.glob(files))], ignore_index=True
    ),
    "dict": lambda folder, files: {
        name: column.to_numpy() for name, column in HERE["pandas"](folder, files).items() if name != "unused"
    },
    "polars": lambda folder, files: pl.read_parquet(folder / files),
    "pyarrow": lambda folder, files: pq.read_table(sorted(folder.glob(files))),
}
ELSEWHERE = {
    "parquet": lambda folder, files: str(folder / files),
    "polars lazy": lambda folder, files: pl.scan_parquet(folder / files),
    "duckdb": lambda folder, files: duckdb.sql(f"SELECT * FROM '{folder}/{files}'"),
    "dask": lambda folder, files: pytest.importorskip("dask.dataframe").from_pandas(
        HERE["pandas"](folder, files), npartitions=3, sort=False
    ),
}
