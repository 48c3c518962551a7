"""What messages advise, in the words of the library that holds the user's data."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import narwhals as nw
from narwhals import dependencies as kinds

from stanhier.data.written import Reading

__all__ = ["DASK", "DICT", "DUCKDB", "IBIS", "PANDAS", "POLARS", "PYARROW", "SPARK", "Library", "library_of", "parquet"]


ISO_DATE = "%Y-%m-%d"


@dataclass(frozen=True)
class Library:
    """How one library of data frames says what is needed.

    Attributes
    ----------
    column : str
        A column of text, `{name}`, or `{sql}` as SQL quotes it. It stands for `{value}` in what follows.
    replaced : str
        Replaces `{old}` by `{new}` in text.
    extracted : str
        Takes the first number out of text.
    number, date, time, clock, text : str
        Makes numbers, dates (year-month-day), times (with seconds or without), or text of the values.
    from_bytes : str
        Makes text of bytes in UTF-8.
    whole : str
        What stands around such an expression; `{value}` and `{sql}`.
    missing : str
        Leaves out the rows where one of the columns `{listed}` is missing; or `{each}`, joined by `and_`, where there
        is an expression for each.
    each, and_ : str
    formed : str
        Makes dates of text in the format `{form}`, where the library knows the codes of `strftime`.
    not_a_number : str
        Added for those that are floats, where the library tells NaN from missing.
    days : str
        Makes days since the first of dates; empty where there is no plain code for that.
    called : str
        The argument that the data were given as, which stands for `{data}`.
    """

    column: str
    replaced: str
    extracted: str
    number: str
    date: str
    time: str
    clock: str
    text: str
    from_bytes: str
    missing: str
    whole: str = "{value}"
    each: str = ""
    and_: str = ""
    not_a_number: str = ""
    formed: str = ""
    days: str = ""
    called: str = "data"

    def as_argument(self, name: str) -> "Library":
        """Give the words for data that were given as another argument than `data`."""
        return replace(self, called=name)

    def without_missing(self, names: Sequence[str], floats: Collection[str] = ()) -> str:
        """Say how to leave out the rows where any of some columns is missing, some of which are floats."""
        with_nan = [name for name in names if name in floats]
        each = self.and_.join(
            self.each.format(name=name, sql=_sql(name))
            + (self.not_a_number.format(sql=_sql(name)) if self.each and name in with_nan else "")
            for name in names
        )
        said = self.missing.format(listed=list(names), each=each, data=self.called)
        return said + (self.not_a_number.format(listed=with_nan) if with_nan and not self.each else "")

    def converted(self, name: str, reading: Reading) -> str:
        """Say how to convert a column of text."""
        value = self._column(name)
        for old, new in reading.replacements:
            value = self.replaced.format(value=value, old=repr(old), new=repr(new))
        if reading.how == "measure":
            value = self.extracted.format(value=value)
        last: str = getattr(self, "number" if reading.how == "measure" else reading.how)
        if reading.how == "date" and reading.form not in ("", ISO_DATE):
            last = self.formed
        return self._whole(last.format(value=value, form=repr(reading.form)), name)

    def remedy(self, name: str, reading: Reading) -> str:
        """Say how to convert a column of text: with code, or in words where no plain conversion gives its values."""
        after = ""
        if reading.how in ("date", "time", "clock"):
            after = f" and make numbers of that, such as {'days' if reading.how == 'date' else 'hours'} since the first"
        if reading.special or (reading.how == "date" and reading.form != ISO_DATE and not self.formed):
            to = "numbers" if not after else "dates" if reading.how == "date" else "times"
            why = reading.special or f"their format is {reading.form!r}"
            return f"to {to} yourself ({why}){after}"
        return f"with {self.converted(name, reading)}{after}"

    def among(self, name: str, special: str) -> str:
        """Say how to convert text among numbers, which `special` says why no plain conversion does."""
        if special:
            return f"convert it to numbers yourself ({special})"
        how = self.converted(name, Reading("numbers", "number", (), (), ()))
        return f"{how} makes numbers of what reads as one, and the rest missing"

    def decoded(self, name: str) -> str:
        """Say how to make text of a column of bytes in UTF-8."""
        return self._whole(self.from_bytes.format(value=self._column(name)), name)

    def as_text(self, name: str) -> str:
        """Say how to make text of a column."""
        return self._whole(self.text.format(value=self._column(name)), name)

    def since_first(self, name: str) -> str:
        """Give the code that makes days since the first of a column of dates or times; empty where there is none."""
        return self._whole(self.days.format(value=self._column(name)), name) if self.days else ""

    def _column(self, name: str) -> str:
        return self.column.format(name=name, sql=_sql(name), data=self.called)

    def _whole(self, value: str, name: str) -> str:
        return self.whole.format(value=value, sql=_sql(name), data=self.called)


def _like_pandas(column: str, missing: str, functions: str = "pd") -> Library:
    return Library(
        column=column,
        replaced="{value}.str.replace({old}, {new})",
        extracted="{value}.str.extract(r'(-?[0-9.]+)')[0]",
        number=functions + ".to_numeric({value}, errors='coerce')",
        date=functions + ".to_datetime({value}, format='%Y-%m-%d', errors='coerce')",
        time=functions + ".to_timedelta({value}, errors='coerce')",
        clock=functions + ".to_timedelta({value} + ':00', errors='coerce')",
        text="{value}.astype(str)",
        from_bytes="{value}.str.decode('utf-8')",
        missing=missing,
        formed=functions + ".to_datetime({value}, format={form}, errors='coerce')",
        days="({value} - {value}.min()).dt.days",
    )


_FINITE = " AND isfinite({sql})"
"""Not `isnan`: where the statistics of a Parquet file leave NaN out, DuckDB 2.0 takes it that there is none."""


def _like_sql(missing: str, whole: str) -> Library:
    return Library(
        column="{sql}",
        replaced="replace({value}, {old}, {new})",
        extracted="regexp_extract({value}, '-?[0-9.]+')",
        number="TRY_CAST({value} AS DOUBLE)",
        date="TRY_CAST({value} AS DATE)",
        time="TRY_CAST({value} AS TIME)",
        clock="TRY_CAST({value} || ':00' AS TIME)",
        text="CAST({value} AS VARCHAR)",
        from_bytes="decode({value})",
        formed="CAST(try_strptime({value}, {form}) AS DATE)",
        missing=missing,
        whole=whole,
        each="{sql} IS NOT NULL",
        and_=" AND ",
        not_a_number=_FINITE,
    )


def parquet(path: str) -> Library:
    """Give words for Parquet files, which have no rows to work on: a query over them."""
    source = "'" + path.replace("'", "''").replace("{", "{{").replace("}", "}}") + "'"
    # Text for the user to read; nothing here is run.
    return _like_sql(
        missing=f'{{data}}=duckdb.sql("""SELECT * FROM {source} WHERE {{each}}""")',  # noqa: S608
        whole=f'{{data}}=duckdb.sql("""SELECT * REPLACE ({{value}} AS {{sql}}) FROM {source}""")',  # noqa: S608
    )


PANDAS = _like_pandas("{data}[{name!r}]", "{data}.dropna(subset={listed})")
DICT = _like_pandas("pd.Series({data}[{name!r}])", "pd.DataFrame({data}).dropna(subset={listed})")
DASK = _like_pandas("{data}[{name!r}]", "{data}.dropna(subset={listed})", "dd")
PYARROW = replace(
    _like_pandas("{data}[{name!r}].to_pandas()", "{data}.filter({each}), where pc is pyarrow.compute,"),
    each="~pc.field({name!r}).is_null(nan_is_null=True)",
    and_=" & ",
)
POLARS = Library(
    column="pl.col({name!r})",
    replaced="{value}.str.replace_all({old}, {new}, literal=True)",
    extracted="{value}.str.extract(r'(-?[0-9.]+)')",
    number="{value}.cast(pl.Float64, strict=False)",
    date="{value}.str.to_date('%Y-%m-%d', strict=False)",
    time="{value}.str.to_time('%H:%M:%S', strict=False)",
    clock="{value}.str.to_time('%H:%M', strict=False)",
    text="{value}.cast(pl.String)",
    from_bytes="{value}.cast(pl.String)",
    formed="{value}.str.to_date({form}, strict=False)",
    days="({value} - {value}.min()).dt.total_days()",
    missing="{data}.drop_nulls({listed})",
    whole="{data}.with_columns({value})",
    not_a_number=".drop_nans({listed})",
)
DUCKDB = _like_sql("WHERE {each} in the query", "{value} in the query")
IBIS = Library(
    column="{data}[{name!r}]",
    replaced="{value}.replace({old}, {new})",
    extracted="{value}.re_extract('-?[0-9.]+', 0)",
    number="{value}.try_cast('float64')",
    date="{value}.try_cast('date')",
    time="{value}.try_cast('time')",
    clock="{value}.try_cast('time')",
    text="{value}.cast('string')",
    from_bytes="{value}.cast('string')",
    missing="{data}.drop_null({listed})",
    not_a_number=".filter([~ibis._[name].isnan() for name in {listed}])",
)
SPARK = Library(
    column="`{name}`",
    replaced="replace({value}, {old}, {new})",
    extracted="regexp_extract({value}, '-?[0-9.]+', 0)",
    number="try_cast({value} AS double)",
    date="to_date({value})",
    time="to_timestamp({value})",
    clock="to_timestamp({value}, 'H:mm')",
    text="string({value})",
    from_bytes="decode({value}, 'UTF-8')",
    missing="{data}.dropna(subset={listed})",
    whole='F.expr("{value}")',
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
