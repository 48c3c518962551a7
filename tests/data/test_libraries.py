"""What messages advise does what they say, in each library."""

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

import stanhier as sh
from stanhier.data import libraries
from stanhier.data.written import Reading
from tests.tools.advised import converted, ways

N = 40
WRITTEN = {
    "numbers and a trace": ([f"{k}.5" for k in range(N - 1)] + ["T"], 38.5),
    "decimal commas": ([f"{k},5" for k in range(N)], 39.5),
    "decimal commas and thousands": ([f"{k + 1}.000,5" for k in range(N)], 40000.5),
    "decimal commas and blanks": ([f"{k + 1}\u00a0000,5" for k in range(N)], 40000.5),
    "thousands": ([f"{k + 1},500" for k in range(N)], 40500),
    "millions": ([f"{k + 1},500,000.5" for k in range(N)], 40500000.5),
    "millions with dots": ([f"{k + 1}.500.000" for k in range(N)], 40500000),
    "thousands with blanks": ([f"{k + 1} 500" for k in range(N)], 40500),
    "thousands with apostrophes": ([f"{k + 1}’500" for k in range(N)], 40500),
    "exponents with decimal commas": ([f"{k},5e+01" for k in range(N)], 395),
    "a unit": ([f"{k}.5 kg" for k in range(N)], 39.5),
    "a unit and decimal commas": ([f"{k},5 kg" for k in range(N)], 39.5),
    "dollars and thousands": ([f"${k + 1},500.25" for k in range(N)], 40500.25),
    "euros": ([f"{k + 1}.500,25 €" for k in range(N)], 40500.25),
    "per cent": ([f"{k}.5%" for k in range(N)], 39.5),
    "a true minus sign": ([f"\N{MINUS SIGN}{k}.5" for k in range(N)], -0.5),
}


def largest_of(words, data, folder):
    """The largest number in the column that the advised code makes."""
    return pd.Series(converted("the x", words, data, folder)).max()


@pytest.mark.versions
@pytest.mark.parametrize("how", WRITTEN)
def test_text_becomes_numbers(how, tmp_path):
    column, largest = WRITTEN[how]
    for name, data in ways("the x", column, tmp_path):
        with pytest.raises(sh.DataError) as refusal:
            sh.LinearRegression("y ~ `the x`", data)
        assert largest_of(str(refusal.value), data, tmp_path) == largest, name


def test_text_becomes_dates(tmp_path):
    days = pd.date_range("2024-01-01", periods=N)
    for name, data in ways("the x", list(days.strftime("%Y-%m-%d")), tmp_path):
        with pytest.raises(sh.DataError, match=r"reads as dates .*such as days since the first") as refusal:
            sh.LinearRegression("y ~ `the x`", data)
        assert pd.Timestamp(largest_of(str(refusal.value), data, tmp_path)) == days[-1], name


@pytest.mark.versions
@pytest.mark.parametrize("form", ["%H:%M", "%H:%M:%S"])
def test_text_becomes_times(form, tmp_path):
    times = pd.date_range("2024-01-01", periods=N, freq="17min")
    for name, data in ways("the x", list(times.strftime(form)), tmp_path):
        with pytest.raises(sh.DataError, match=r"reads as times .*such as hours since the first") as refusal:
            sh.LinearRegression("y ~ `the x`", data)
        assert str(largest_of(str(refusal.value), data, tmp_path))[-8:] == "11:03:00", name


def test_labels_become_text(tmp_path):
    bad = pl.Series([bytes([k % 3]) for k in range(N)])
    expected = {"Polars": "pl.col('the x').cast(pl.String)", "DuckDB": 'CAST("the x" AS VARCHAR) in the query'}
    for name, data in ways("the x", bad, tmp_path):
        with pytest.raises(
            sh.DataError, match="holds bytes, which cannot be labels together; make them text"
        ) as refusal:
            sh.VaryingIntercept("y ~ 1 + (1 | `the x`)", data)
        assert expected.get(name, "") in str(refusal.value)


@pytest.mark.parametrize("library", ["IBIS", "DASK", "SPARK"])
def test_the_others_have_words_for_everything(library):
    words = getattr(libraries, library)
    for how in ("number", "measure", "date", "time", "clock"):
        said = words.converted("x", Reading("numbers", how, ((",", ""),), (), ()))
        assert "x" in said
        assert "{" not in said
    assert "['x', 'g']" in words.without_missing(["x", "g"], ["x"])
    assert "x" in words.as_text("x")


def test_the_path_of_files_may_have_any_signs():
    words = libraries.parquet("a {b} 100% 's/*.parquet")
    assert "FROM 'a {b} 100% ''s/*.parquet' WHERE x IS NOT NULL" in words.without_missing(["x"])
    assert "FROM 'a {b} 100% ''s/*.parquet'" in words.as_text("x")


@pytest.mark.parametrize("kind", ["pandas", "with time zones", "dict", "polars", "pyarrow"])
def test_the_code_that_makes_days_of_dates_does(kind):
    days = pd.date_range("2020-02-27", periods=12, tz="UTC" if kind == "with time zones" else None)
    frame = pd.DataFrame({"y": np.arange(12.0) ** 0.5, "the day": days[::-1]})
    as_given = {"dict": dict, "polars": pl.from_pandas, "pyarrow": pa.Table.from_pandas}.get(kind, lambda one: one)
    data = as_given(frame)
    with pytest.raises(sh.DataError, match="turn it into numbers first, for example days since a date, ") as caught:
        sh.LinearRegression("y ~ `the day`", data)
    code = str(caught.value).partition("since a date, ")[2].rstrip(".")
    made = eval(code, {"data": data, "pd": pd, "pl": pl})
    column = made["the day"] if kind == "polars" else made
    assert list(column) == list(range(11, -1, -1))
