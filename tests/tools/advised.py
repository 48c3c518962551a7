"""What messages advise, done: conversions of a column of text, in each library."""

import re

import duckdb
import pandas as pd
import polars as pl

from stanhier.basics.words import in_formula


def ways(name, column, folder):
    """A frame with this column, in each library that has its own words."""
    frame = pl.DataFrame({"y": [0.1 * k for k in range(len(column))], name: column})
    frame.write_parquet(folder / "rows.parquet")
    yield "pandas", frame.to_pandas()
    yield "a dict", frame.to_dict(as_series=False)
    yield "Polars", frame
    yield "Polars, lazy", frame.lazy()
    yield "PyArrow", frame.to_arrow()
    yield "DuckDB", duckdb.sql(f"SELECT * FROM '{folder / 'rows.parquet'}'")
    yield "Parquet", folder / "rows.parquet"


def converted(name, words, data, folder):
    """Do what the message says: the values that it makes of the column."""
    label = re.escape(in_formula(name))
    code = re.search(rf"Convert it with (.*?)(?: and make numbers.*)?, or write C\({label}\)", words)[1]
    if code.endswith(" in the query"):
        code = f'duckdb.sql("""SELECT {code.removesuffix(" in the query")} AS v FROM \'{folder / "rows.parquet"}\'""")'
    values = eval(code.removeprefix("data="), {"data": data, "pd": pd, "pl": pl, "duckdb": duckdb})
    if isinstance(values, pl.LazyFrame):
        values = values.collect()
    if isinstance(values, pl.DataFrame):
        return values[name].to_list()
    return (values if isinstance(values, pd.Series) else values.df().iloc[:, -1]).tolist()
