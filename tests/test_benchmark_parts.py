"""The benchmark of rows in files, and that of the parts of a call, without timing anything."""

import json
import sys
from pathlib import Path

import pandas as pd
import pytest

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from scripts.benchmarks import parquet, parts  # noqa: E402
from scripts.benchmarks.page import render  # noqa: E402
from scripts.benchmarks.records import Measurement  # noqa: E402


def test_parquet_is_written_whole_and_held_against_the_reader(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parquet, "BLOCK_ROWS", 300)
    monkeypatch.setattr(parquet, "FILE_ROWS", 1000)
    parquet.write_rows(tmp_path / "rows", 2300)
    assert len(list((tmp_path / "rows").iterdir())) == 3
    frame = pd.read_parquet(tmp_path / "rows")
    assert list(frame.columns) == parquet.COLUMNS
    assert len(frame.drop_duplicates()) == 2300
    case = "2,000,000 rows in files, 5 predictors, 10,000 groups"
    page = render(
        [
            Measurement("parquet", case, "pyarrow", "time", "s", (0.1,)),
            Measurement("parquet", case, "grouped", "time", "s", (0.25,)),
            Measurement("parquet", case, "grouped", "memory", "MB", (700.0,)),
            Measurement("parquet", case, "duckdb", "trouble", note="time-out"),
        ],
        [],
        folder="x",
    )
    assert "| VaryingIntercept(...) | 0.25 | 8 | 2.5 | 700 |" in page
    assert "| DuckDB alone | time-out |" in page


def test_models_of_rows_in_files_are_measured(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parquet, "GROUPS", 20)
    parquet.write_rows(tmp_path / "rows", 2000)
    for step in ("linear", "grouped"):
        parquet._main(step, tmp_path / "rows", tmp_path / "found.json")
        found = json.loads((tmp_path / "found.json").read_text())
        assert {name: unit for name, (_, unit) in found.items()} == {"time": "s", "sampling": "s", "memory": "MB"}


def test_what_is_inside_takes_less_than_the_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parts, "OUTPUT", tmp_path)
    monkeypatch.setattr(parquet, "GROUPS", 20)
    monkeypatch.setattr(parts, "PARQUET_ROWS", 3000)
    parts._main(tmp_path / "found.json", 1)
    found = {name: values for name, (_, _, values) in json.loads((tmp_path / "found.json").read_text()).items()}
    assert all(min(values) > 0 for values in found.values())
    script = {name: values[0] for name, values in found.items() if name.startswith("a script")}
    whole = script.pop("a script that samples: all of it")
    assert sum(script.values()) == pytest.approx(whole)
    steps = [name.removeprefix("a script that samples: ") for name in script]
    assert steps == [*(name for name, _ in parts.IMPORTS), "start and end of Python"]
    rows = {
        name.split(": ")[1]: values[0] for name, values in found.items() if name.startswith("3,000 rows in Parquet")
    }
    building = rows.pop("VaryingIntercept(...)")
    del rows["reading alone"]
    assert sum(rows.values()) < building
    assert found["200 rows, 10 groups: xarray and h5netcdf in it"][0] < found["200 rows, 10 groups: fit.save(...)"][0]
    assert not (tmp_path / "parquet").exists()
