"""Missing values: all of them in one message, with a remedy that works where the rows are."""

import re

import numpy as np
import pandas as pd
import pytest

import stanhier as sh
from tests.tools.fake_fit import fake_fit

duckdb = pytest.importorskip("duckdb")
pa = pytest.importorskip("pyarrow")
pl = pytest.importorskip("polars")

N = 60
FORMULA = "y ~ x + n + kind + (1 | `the group`)"
COUNTS = {"kind": 3, "n": 2, "x": 4, "y": 1, "the group": 5}


def rows(*, nan=False):
    """Nulls in every column, in rows of their own; in `x` also NaN, where it is asked for."""
    rng = np.random.default_rng(0)
    columns = {
        "y": rng.standard_normal(N).tolist(),
        "x": rng.standard_normal(N).tolist(),
        "n": (np.arange(N) % 7).tolist(),
        "kind": [f"kind {k % 3}" for k in range(N)],
        "the group": [f"g{k % 5}" for k in range(N)],
        "unused": [None] * N,
    }
    row = 0
    for name, count in COUNTS.items():
        columns[name][row : row + count] = [None] * count
        row += count
    frame = pl.DataFrame(columns)
    return frame.with_columns(pl.col("x").fill_null(float("nan"))) if nan else frame


def ways(frame, folder):
    frame.write_parquet(folder / "rows.parquet")
    yield "Polars", frame
    yield "Polars, lazy", frame.lazy()
    yield "pandas", frame.to_pandas()
    yield "a dict", frame.to_dict(as_series=False)
    yield "PyArrow", frame.to_arrow()
    yield "Parquet", folder / "rows.parquet"
    yield "DuckDB", duckdb.sql(f"SELECT * FROM '{folder / 'rows.parquet'}'")


def advised(words, data, folder):
    """Do what the message says."""
    code = re.search(r"drop those rows with (.*?)(, where pc is pyarrow.compute,)? or fill them in", words)[1]
    if code.startswith("WHERE"):
        condition = code.removesuffix(" in the query")
        return duckdb.sql(f"SELECT * FROM '{folder / 'rows.parquet'}' {condition}")
    import pyarrow.compute as pc

    return eval(code.removeprefix("data="), {"data": data, "pd": pd, "pl": pl, "pc": pc, "duckdb": duckdb})


@pytest.mark.parametrize("nan", [False, True], ids=["nulls", "NaN"])
def test_all_columns_are_named_and_the_remedy_works(nan, tmp_path):
    frame = rows(nan=nan)
    for name, data in ways(frame, tmp_path):
        with pytest.raises(sh.DataError) as refusal:
            sh.VaryingIntercept(FORMULA, data)
        words = str(refusal.value)
        listed = re.search(r"Columns have missing values in 60 rows: (.*?);", words)
        assert listed is not None, (name, words)
        assert dict(re.findall(r"'(.*?)' (\d+)", listed[1])) == {k: str(v) for k, v in COUNTS.items()}, name
        model = sh.VaryingIntercept(FORMULA, advised(words, data, tmp_path))
        assert model.design.n_rows == N - sum(COUNTS.values()), name


@pytest.mark.parametrize("column", ["x", "kind", "the group", "y"])
def test_a_single_column_is_named_with_its_count(column, tmp_path):
    frame = rows()
    others = [name for name in COUNTS if name != column]
    frame = frame.drop_nulls(others)
    for name, data in ways(frame, tmp_path):
        with pytest.raises(sh.DataError) as refusal:
            sh.VaryingIntercept(FORMULA, data)
        words = str(refusal.value)
        count = COUNTS[column]
        values = "value" if count == 1 else "values"
        assert f"Column '{column}' has {count} missing {values} in {len(frame)} rows; drop" in words, name
        model = sh.VaryingIntercept(FORMULA, advised(words, data, tmp_path))
        assert model.design.n_rows == len(frame) - count


def test_standard_errors_count_too(tmp_path):
    frame = rows().with_columns(pl.when(pl.col("n") == 3).then(None).otherwise(1.0).alias("se"))
    for name, data in ways(frame, tmp_path):
        with pytest.raises(sh.DataError, match=r"'the group' 5, 'se' \d"):
            sh.VaryingIntercept(FORMULA, data, se="se")
        assert name


def test_columns_without_any_value_are_named(tmp_path):
    frame = rows().with_columns(pl.lit(None, pl.Float64).alias("x"), pl.lit(None, pl.String).alias("kind"))
    for name, data in ways(frame, tmp_path):
        with pytest.raises(sh.DataError, match="'kind' 60, 'n' 2, 'x' 60"):
            sh.VaryingIntercept(FORMULA, data)
        assert name


def test_new_rows_with_missing_values(tmp_path):
    model = sh.VaryingIntercept(FORMULA, rows().drop_nulls(list(COUNTS)))
    fit = fake_fit(model)
    for name, data in ways(rows(), tmp_path):
        if name in ("Polars", "pandas", "PyArrow", "a dict"):
            with pytest.raises(sh.DataError, match="'kind' 3, 'n' 2, 'x' 4, 'the group' 5") as refusal:
                fit.predict(data)
            assert len(fit.predict(advised(str(refusal.value), data, tmp_path))) == N - sum(COUNTS.values()) + 1, name
            with pytest.raises(sh.DataError, match="'kind' 3, 'n' 2, 'x' 4, 'y' 1, 'the group' 5"):
                fit.update_group(data)


def test_an_absent_column_comes_before_missing_values():
    with pytest.raises(sh.DataError, match="no column 'absent'"):
        sh.LinearRegression("y ~ x + absent", rows())
