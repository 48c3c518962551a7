"""What is given as `data` and holds no rows with names is refused with what makes rows of it."""

import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import stanhier as sh
from tests.tools.fake_fit import fake_fit

duckdb = pytest.importorskip("duckdb")
pa = pytest.importorskip("pyarrow")
pl = pytest.importorskip("polars")

FRAME = pd.DataFrame({"y": [1.0, 2.0, 4.0, 3.0], "x": [1.0, 5.0, 2.0, 2.5]})
OBJECTS = {
    "nothing": (None, "not None: methods with inplace=True"),
    "list of dicts": (FRAME.to_dict("records"), r"list of dict: make one with pd.DataFrame\(data\)"),
    "list of lists": (FRAME.to_numpy().tolist(), r"list of list: make one with pd.DataFrame\(data\)"),
    "an array": (FRAME.to_numpy(), r"ndarray of numpy: .* pd.DataFrame\(data, columns=\[...\]\)"),
    "an array with names": (FRAME.to_records(), r"recarray of numpy: make one with pd.DataFrame\(data\)"),
    "a Series": (FRAME["y"], r"Series of pandas: give the frame .* data.to_frame\(\)"),
    "Series of Polars": (pl.Series([1.0]), "Series of polars: give the frame"),
    "groups": (FRAME.groupby("x"), r"DataFrameGroupBy of pandas: give the frame itself; .*\(1 \| name\)"),
    "groups of Polars": (pl.from_pandas(FRAME).group_by("x"), "GroupBy of polars: give the frame itself"),
    "a Dataset": (FRAME.to_xarray(), r"Dataset of xarray: data.to_dataframe\(\).reset_index\(\)"),
    "array of xarray": (FRAME["y"].to_xarray(), r"DataArray of xarray: data.to_series\(\).reset_index\(\)"),
    "batch of Arrow": (pa.RecordBatch.from_pandas(FRAME), r"RecordBatch of pyarrow: data.to_pandas\(\)"),
    "reader of Arrow": (pa.Table.from_pandas(FRAME).to_reader(), r"data.read_all\(\) reads it into one"),
    "a connection": (duckdb.connect(), r"DuckDBPyConnection of duckdb: .*data.sql\('SELECT \* FROM ...'\)"),
    "an iterator": (iter([1]), r"list_iterator: make one with pd.DataFrame\(list\(data\)\)"),
    "bytes": (b"x,y\n1,2", r"bytes: .*pd.read_csv\(io.BytesIO\(data\)\)"),
    "a class": (pd.DataFrame, "the class DataFrame: make an object of it"),
    "a number": (3, r"not int\."),
    "a function": (len, "not builtin_function"),
}


@pytest.mark.parametrize("kind", OBJECTS)
def test_other_objects_are_refused(kind):
    data, words = OBJECTS[kind]
    with pytest.raises(sh.DataError, match=r"`data` must be a data frame or a dict of arrays.*(?:" + words + ")"):
        sh.LinearRegression("y ~ x", data)


@pytest.mark.versions
@pytest.mark.parametrize("kind", ["list of dicts", "list of lists", "an array with names", "a Dataset"])
def test_what_is_advised_makes_a_frame(kind):
    data, _ = OBJECTS[kind]
    with pytest.raises(sh.DataError) as refusal:
        sh.LinearRegression("y ~ x", data)
    code = re.search(r"(?:: |make one with )([a-z][\w.]*\(.*\))\.$", str(refusal.value).replace("make one with ", ""))[
        1
    ]
    made = eval(code, {"data": data, "pd": pd})
    assert len(made) == 4
    if kind != "list of lists":
        sh.LinearRegression("y ~ x", made)


READERS = {
    "rows.csv": "pd.read_csv('{}')",
    "rows.CSV": "pd.read_csv('{}')",
    "rows.csv.gz": "pd.read_csv('{}')",
    "rows.tsv": "pd.read_csv('{}', sep='\\t')",
    "rows.txt": "pd.read_csv('{}', sep=...)",
    "rows.xlsx": "pd.read_excel('{}')",
    "rows.feather": "pd.read_feather('{}')",
    "rows.dta": "pd.read_stata('{}')",
    "rows.sav": "pd.read_spss('{}')",
    "rows.json": "pd.read_json('{}')",
    "rows.db": "duckdb.sql(\"SELECT * FROM sqlite_scan('{}', '...')\")",
}


@pytest.mark.parametrize("as_path", [False, True])
@pytest.mark.parametrize("name", READERS)
def test_files_of_other_formats_say_what_reads_them(name, as_path, tmp_path):
    path = tmp_path / name
    given = path if as_path else str(path)
    with pytest.raises(sh.DataError, match="there is no such file") as absent:
        sh.LinearRegression("y ~ x", given)
    assert READERS[name].format(path) in str(absent.value)
    path.write_text("y,x\n1,2\n", encoding="utf-8")
    with pytest.raises(sh.DataError, match="paths are taken of Parquet files alone") as refusal:
        sh.LinearRegression("y ~ x", given)
    assert f"data={READERS[name].format(path)}." in str(refusal.value)
    assert "no such file" not in str(refusal.value)


def test_what_reads_a_csv_file_makes_the_model(tmp_path):
    FRAME.to_csv(tmp_path / "rows.csv", index=False)
    for given in (tmp_path / "rows.csv", tmp_path / "*.csv"):
        with pytest.raises(sh.DataError) as refusal:
            sh.LinearRegression("y ~ x", str(given))
        import glob

        data = eval(re.search(r"data=(.*)\.$", str(refusal.value))[1], {"pd": pd, "glob": glob})
        assert sh.LinearRegression("y ~ x", data).design.n_rows == 4


PATHS = {
    "an empty text": ("", "not an empty text"),
    "blanks": ("  ", "not an empty text"),
    "a formula": ("y ~ x", "a formula: the formula comes first"),
    "the text of a file": ("y,x\n1,2\n", r"a text of several lines.* pd.read_csv\(io.StringIO\(...\)\)"),
    "a long text": ("x" * 100_000, r"a text of 100,000 characters \('x{39}"),
    "a null": ("rows\0.parquet", "unprintable characters"),
    "half a character": ("\ud800.parquet", "there is no such Parquet file"),
    "an address": ("https://example.org/rows.parquet", "an address; .*=pd.read_parquet"),
    "a bucket": ("s3://bucket/rows", "an address"),
    "the home folder": ("~/no-such-rows.parquet", "write the home folder out"),
    "no file": ("no-such-rows.parquet", "there is no such Parquet file, folder or pattern"),
    "no pattern": ("no-such-*.parquet", "there is no such Parquet file, folder or pattern"),
}


@pytest.mark.parametrize("kind", PATHS)
def test_text_that_is_no_path_is_refused(kind):
    text, words = PATHS[kind]
    with pytest.raises(sh.DataError, match=words) as refusal:
        sh.LinearRegression("y ~ x", text)
    assert len(str(refusal.value)) < 400


def test_an_empty_text_does_not_take_the_files_of_the_folder_one_is_in(tmp_path, monkeypatch):
    FRAME.to_parquet(tmp_path / "rows.parquet")
    monkeypatch.chdir(tmp_path)
    with pytest.raises(sh.DataError, match="an empty text"):
        sh.LinearRegression("y ~ x", "")
    assert sh.LinearRegression("y ~ x", ".").design.n_rows == 4


def test_folders_without_parquet_files(tmp_path):
    with pytest.raises(sh.DataError, match=r"a folder in which no file ends in '.parquet'\.$"):
        sh.LinearRegression("y ~ x", tmp_path)
    (tmp_path / "rows.csv").touch()
    with pytest.raises(sh.DataError, match=r"it has files that end in '.csv', of which pd.read_csv\(file\) reads one"):
        sh.LinearRegression("y ~ x", tmp_path)


@pytest.mark.parametrize("name", ["rows", "rows.parquet"])
def test_files_that_are_not_what_they_are_called(name, tmp_path):
    FRAME.to_csv(tmp_path / name)
    with pytest.raises(sh.DataError, match=r"cannot be read as Parquet.* with pd.read_csv or the like"):
        sh.LinearRegression("y ~ x", tmp_path / name)


def test_rows_of_a_new_group_that_are_not_in_memory_say_how_to_read_them():
    fit = fake_fit(sh.VaryingIntercept("y ~ x + (1 | g)", FRAME.assign(g=["a", "a", "b", "b"])))
    new = FRAME.assign(g="c")
    ways = {
        "data.collect()": pl.from_pandas(new).lazy(),
        "data.df()": duckdb.from_df(new),
        "pd.read_parquet('rows.parquet')": "rows.parquet",
        "pd.read_csv('rows.csv')": Path("rows.csv"),
    }
    for code, rows in ways.items():
        with pytest.raises(sh.DataError, match=r"^`rows` must be a data frame or a dict of arrays") as refusal:
            fit.update_group(rows)
        assert code in str(refusal.value)


@pytest.mark.parametrize(
    ("new", "words"),
    [
        ({"x": 0.5}, r"'x' is of type float; give a list with a value for each row, such as \[0.5\]"),
        ({"x": np.float64(0.5)}, r"'x' is of type float64; give a list"),
        ({"x": "a"}, r"'x' is of type str; give a list with a value for each row, such as \['a'\]"),
        ({"x": {1: 2}}, r"'x' is of type dict; give a list with a value for each row\."),
    ],
)
def test_one_row_is_given_as_lists(new, words):
    with pytest.raises(sh.DataError, match=words):
        fake_fit(sh.LinearRegression("y ~ x", FRAME)).predict(new)
