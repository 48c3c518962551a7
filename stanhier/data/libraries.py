"""What messages advise, in the words of the library that holds the user's data."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import narwhals as nw
from narwhals import dependencies as kinds

from stanhier.data.written import Reading

__all__ = ["DASK", "DICT", "DUCKDB", "IBIS", "PANDAS", "POLARS", "PYARROW", "SPARK", "Library", "library_of", "parquet"]


@dataclass(frozen=True)
class Library:
    """How one library of data frames says what is needed; `{name}` is a column.

    Attributes
    ----------
    missing : str
        Leaves out the rows where one of the columns `{listed}` is missing; or `{each}`, joined by `and_`, where there
        is an expression for each.
    each, and_ : str
    not_a_number : str
        Added for those that are floats, where the library tells NaN from missing.
    plain, comma, thousands, measure, date, time : str
        Convert a column of text, as `Reading.how` says.
    text : str
        Makes text of a column.
    """

    missing: str
    plain: str
    comma: str
    thousands: str
    measure: str
    date: str
    time: str
    text: str
    each: str = ""
    and_: str = ""
    not_a_number: str = ""

    def without_missing(self, names: Sequence[str], floats: Collection[str] = ()) -> str:
        """Say how to leave out the rows where any of some columns is missing, some of which are floats."""
        with_nan = [name for name in names if name in floats]
        each = self.and_.join(
            self.each.format(name=name, sql=_sql(name))
            + (self.not_a_number.format(sql=_sql(name)) if self.each and name in with_nan else "")
            for name in names
        )
        said = self.missing.format(listed=list(names), each=each)
        return said + (self.not_a_number.format(listed=with_nan) if with_nan and not self.each else "")

    def converted(self, name: str, reading: Reading) -> str:
        """Say how to convert a column of text."""
        template: str = getattr(self, reading.how)
        return template.format(name=name, sql=_sql(name), separator=reading.separator)

    def as_text(self, name: str) -> str:
        """Say how to make text of a column."""
        return self.text.format(name=name, sql=_sql(name))


_FINITE = " AND isfinite({sql})"
"""Not `isnan`: where the statistics of a Parquet file leave NaN out, DuckDB 2.0 takes it that there is none."""


def _like_pandas(column: str, missing: str, functions: str = "pd") -> Library:
    number = f"{functions}.to_numeric({column}%s, errors='coerce')"
    return Library(
        missing=missing,
        plain=number % "",
        comma=number % ".str.replace(',', '.')",
        thousands=number % ".str.replace({separator!r}, '', regex=False)",
        measure=number % ".str.extract(r'(-?[0-9.]+)')[0]",
        date=f"{functions}.to_datetime({column})",
        time=f"{functions}.to_timedelta({column})",
        text=f"{column}.astype(str)",
    )


def _like_sql(missing: str, wrap: str, each: str, not_a_number: str) -> Library:
    return Library(
        missing=missing,
        each=each,
        and_=" AND ",
        not_a_number=not_a_number,
        plain=wrap % "TRY_CAST({sql} AS DOUBLE)",
        comma=wrap % "TRY_CAST(replace({sql}, ',', '.') AS DOUBLE)",
        thousands=wrap % "TRY_CAST(replace({sql}, '{separator}', '') AS DOUBLE)",
        measure=wrap % "TRY_CAST(regexp_extract({sql}, '-?[0-9.]+') AS DOUBLE)",
        date=wrap % "TRY_CAST({sql} AS DATE)",
        time=wrap % "TRY_CAST({sql} AS TIME)",
        text=wrap % "CAST({sql} AS VARCHAR)",
    )


def parquet(path: str) -> Library:
    """Give words for Parquet files, which have no rows to work on: a query over them."""
    source = "'" + path.replace("'", "''").replace("{", "{{").replace("}", "}}") + "'"
    return _like_sql(
        # Text for the user to read; nothing here is run.
        missing=f'data=duckdb.sql("""SELECT * FROM {source} WHERE {{each}}""")',  # noqa: S608
        wrap='data=duckdb.sql("""SELECT * REPLACE (%s AS {{sql}}) FROM {}""")'.format(source.replace("%", "%%")),  # noqa: S608
        each="{sql} IS NOT NULL",
        not_a_number=_FINITE,
    )


_POLARS_NUMBER = "data.with_columns(pl.col({name!r})%s.cast(pl.Float64, strict=False))"
_POLARS_PART = "data.with_columns(pl.col({name!r})%s)"

PANDAS = _like_pandas("data[{name!r}]", "data.dropna(subset={listed})")
DICT = _like_pandas("pd.Series(data[{name!r}])", "pd.DataFrame(data).dropna(subset={listed})")
DASK = _like_pandas("data[{name!r}]", "data.dropna(subset={listed})", "dd")
PYARROW = replace(
    _like_pandas("data[{name!r}].to_pandas()", "data.filter({each}), where pc is pyarrow.compute,"),
    each="~pc.field({name!r}).is_null(nan_is_null=True)",
    and_=" & ",
)
POLARS = Library(
    missing="data.drop_nulls({listed})",
    not_a_number=".drop_nans({listed})",
    plain=_POLARS_NUMBER % "",
    comma=_POLARS_NUMBER % ".str.replace(',', '.', literal=True)",
    thousands=_POLARS_NUMBER % ".str.replace_all({separator!r}, '', literal=True)",
    measure=_POLARS_NUMBER % ".str.extract(r'(-?[0-9.]+)')",
    date=_POLARS_PART % ".str.to_date(strict=False)",
    time=_POLARS_PART % ".str.to_time(strict=False)",
    text=_POLARS_PART % ".cast(pl.String)",
)
DUCKDB = _like_sql("WHERE {each} in the query", "%s in the query", "{sql} IS NOT NULL", _FINITE)
IBIS = Library(
    missing="data.drop_null({listed})",
    not_a_number=".filter([~ibis._[name].isnan() for name in {listed}])",
    plain="data[{name!r}].try_cast('float64')",
    comma="data[{name!r}].replace(',', '.').try_cast('float64')",
    thousands="data[{name!r}].replace({separator!r}, '').try_cast('float64')",
    measure="data[{name!r}].re_extract('-?[0-9.]+', 0).try_cast('float64')",
    date="data[{name!r}].try_cast('date')",
    time="data[{name!r}].try_cast('time')",
    text="data[{name!r}].cast('string')",
)
SPARK = Library(
    missing="data.dropna(subset={listed})",
    plain='F.expr("try_cast(`{name}` AS double)")',
    comma="F.expr(\"try_cast(replace(`{name}`, ',', '.') AS double)\")",
    thousands="F.expr(\"try_cast(replace(`{name}`, '{separator}', '') AS double)\")",
    measure="F.expr(\"try_cast(regexp_extract(`{name}`, '-?[0-9.]+', 0) AS double)\")",
    date="F.to_date({name!r})",
    time="F.to_timestamp({name!r})",
    text="F.col({name!r}).cast('string')",
)


def library_of(data: Any) -> Library:
    """Give the words of the library that holds data in memory; pandas' where it is none that we know."""
    native = nw.to_native(data, pass_through=True)
    if kinds.is_polars_dataframe(native):
        return POLARS
    if kinds.is_pyarrow_table(native):
        return PYARROW
    return DICT if isinstance(native, Mapping) else PANDAS


def _sql(name: str) -> str:
    return name if name.isidentifier() else '"' + name.replace('"', '""') + '"'
