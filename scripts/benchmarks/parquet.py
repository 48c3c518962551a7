"""Rows that are never all in memory: Parquet files to a posterior, beside what reading them alone costs.

`python -m scripts.benchmarks.parquet STEP FOLDER OUTPUT` measures one step in a process of its own; `parquet` runs all.
"""

import json
import os
import shutil
import sys
import time
import warnings
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np

from scripts.benchmarks.process import OUTPUT, OWN_PYTHON, run_reporting
from scripts.benchmarks.records import Measurement
from scripts.benchmarks.scaling import _memory

__all__ = ["READERS", "STEPS", "parquet", "write_rows"]

PREDICTORS, GROUPS = 5, 10_000
BATCH_ROWS = 1 << 17
COLUMNS = [*(f"x{k}" for k in range(1, PREDICTORS + 1)), "y", "site"]
FORMULA = " + ".join(COLUMNS[:PREDICTORS])
BLOCK_ROWS, FILE_ROWS = 1 << 20, 10_000_000
BYTES_PER_ROW = 8 * (PREDICTORS + 1) + 2

READERS = {"pyarrow": "PyArrow alone, as stanhier asks it", "duckdb": "DuckDB alone", "polars": "Polars alone"}
STEPS = {**READERS, "linear": "LinearRegression(...)", "grouped": "VaryingIntercept(...)"}
"""What is measured, by name."""


def parquet(n_rows: int, *, repeats: int, limit: float) -> list[Measurement]:
    """Write a data set, go over it in each way, and delete it."""
    case = f"{n_rows:,} rows in files, {PREDICTORS} predictors, {GROUPS:,} groups"
    folder = OUTPUT / "parquet"
    load = os.getloadavg()[0]
    if shutil.disk_usage(OUTPUT.parent).free < 2 * n_rows * BYTES_PER_ROW:
        return [Measurement("parquet", case, "all", "trouble", note="not enough free disk space", load=load)]
    measured = []
    try:
        write_rows(folder, n_rows)
        size = sum(file.stat().st_size for file in folder.iterdir())
        measured.append(Measurement("parquet", case, "files", "size", "GB", (size / 1e9,), load=load))
        for step in STEPS:
            measured += _measure(step, case, folder, repeats=repeats, limit=limit)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    for m in measured:
        print(f"  {m.subject}: {m.quantity} {m.median:.4g} {m.unit} {m.note}", flush=True)
    return measured


def write_rows(folder: Path, n_rows: int) -> None:
    """Simulate a varying-intercept model into several files, block by block."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    effects = np.random.default_rng(1).standard_normal(GROUPS)
    for first in range(0, n_rows, FILE_ROWS):
        writer = None
        for start in range(first, min(first + FILE_ROWS, n_rows), BLOCK_ROWS):
            n = min(BLOCK_ROWS, min(first + FILE_ROWS, n_rows) - start)
            rng = np.random.default_rng([2, start])
            X, site = rng.standard_normal((PREDICTORS, n)), rng.integers(0, GROUPS, n)
            y = 1 + X.sum(axis=0) / 10 + effects[site] + rng.standard_normal(n)
            table = pa.table(dict(zip(COLUMNS, [*X, y, site], strict=True)))
            if writer is None:
                writer = pq.ParquetWriter(folder / f"rows-{first // FILE_ROWS:03}.parquet", table.schema)
            writer.write_table(table)
        assert writer is not None
        writer.close()


def _measure(step: str, case: str, folder: Path, *, repeats: int, limit: float) -> list[Measurement]:
    load = os.getloadavg()[0]
    report = OUTPUT / "reports" / f"parquet-{step}.json"
    report.parent.mkdir(parents=True, exist_ok=True)
    found: dict[tuple[str, str], list[float]] = {}
    for _ in range(repeats):
        command = [str(OWN_PYTHON), "-m", "scripts.benchmarks.parquet", step, str(folder), str(report)]
        once, trouble = run_reporting(command, report, limit=limit, log=OUTPUT / "logs" / f"parquet-{step}.txt")
        if trouble:
            return [Measurement("parquet", case, step, "trouble", note=trouble, load=load)]
        for quantity, (value, unit) in once.items():
            found.setdefault((quantity, unit), []).append(value)
    return [
        Measurement("parquet", case, step, q, unit, tuple(values), load=load) for (q, unit), values in found.items()
    ]


def _read_pyarrow(folder: Path) -> int:
    from stanhier.data.sources import open_source

    source: Any = open_source(folder)
    return sum(batch.num_rows for batch in source.batches(COLUMNS))


def _read_duckdb(folder: Path) -> int:
    import duckdb

    relation = duckdb.sql(f"SELECT {', '.join(COLUMNS)} FROM '{folder}/*.parquet'")
    return sum(batch.num_rows for batch in relation.to_arrow_reader(BATCH_ROWS))


def _read_polars(folder: Path) -> int:
    import polars as pl

    lazy = pl.scan_parquet(folder / "*.parquet").select(COLUMNS)
    return sum(part.to_arrow().num_rows for part in lazy.collect_batches(chunk_size=BATCH_ROWS))


def _import(step: str) -> None:
    """Import what a step needs before its clock starts."""
    if step in ("duckdb", "polars"):
        import_module(step)
    else:
        import stanhier as sh

        import_module("pyarrow.dataset")
        assert sh.LinearRegression  # a name's module is imported with its first use


def _main(step: str, folder: Path, output: Path) -> None:
    warnings.simplefilter("ignore")
    found: dict[str, tuple[float, str]] = {}

    def timed(quantity: str, call: Callable[[], Any]) -> Any:
        clock = time.perf_counter()
        result = call()
        found[quantity] = (time.perf_counter() - clock, "s")
        return result

    _import(step)
    if step in READERS:
        reader = {"pyarrow": _read_pyarrow, "duckdb": _read_duckdb, "polars": _read_polars}[step]
        timed("time", lambda: reader(folder))
    else:
        import stanhier as sh

        if step == "linear":
            model = timed("time", lambda: sh.LinearRegression(f"y ~ {FORMULA}", folder))
        else:
            model = timed("time", lambda: sh.VaryingIntercept(f"y ~ {FORMULA} + (1 | site)", folder))
        timed("sampling", lambda: model.sample(seed=1))
    found["memory"] = (_memory("VmHWM"), "MB")
    output.write_text(json.dumps(found))


if __name__ == "__main__":
    _main(sys.argv[1], Path(sys.argv[2]), Path(sys.argv[3]))
