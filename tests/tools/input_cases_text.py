"""The rows of stanhier/input.md about text, categories and dates."""

from collections.abc import Iterator

import pandas as pd
import pytest

import stanhier as sh
from tests.tools.input_cases import (
    DATES,
    FLAGS,
    WHOLE,
    N,
    Pair,
    base,
    case,
    groups,
    line,
    refused,
)
from tests.tools.input_cases_columns import arrow

# --- Booleans, text and categories
HEADING = "Booleans, text and categories"


@case(HEADING, "booleans as a predictor")
def _() -> Iterator[Pair]:
    for column in (FLAGS, FLAGS.astype(object), FLAGS.tolist()):
        model = line(x=column)
        assert model.design.predictors == ("x",)
        yield model, line(x=FLAGS.astype(int))


@case(HEADING, "booleans as the response")
def _() -> Iterator[Pair]:
    with pytest.warns(sh.ResponseWarning, match='family="bernoulli"'):
        booleans = line(y=FLAGS)
    with pytest.warns(sh.ResponseWarning, match='family="bernoulli"'):
        yield booleans, line(y=FLAGS.astype(float))


@case(HEADING, "text as a predictor")
def _() -> Iterator[Pair]:
    model = line(x=list("cab") * 4)
    assert model.design.predictors == ("x[T.b]", "x[T.c]")
    yield model, line(x=pd.Categorical(list("cab") * 4))
    yield model, line(x=pd.Series(list("cab") * 4, dtype=object))


@case(HEADING, "a categorical with unused levels")
def _() -> Iterator[Pair]:
    yield line(x=pd.Categorical(list("bca") * 4, categories=list("zabcd"))), line(x=list("bca") * 4)


@case(HEADING, "an ordered categorical")
def _() -> Iterator[Pair]:
    model = line(x=pd.Categorical(list("cab") * 4, categories=list("cba"), ordered=True))
    assert model.design.predictors == ("x[T.b]", "x[T.a]")
    yield model, None


@case(HEADING, "a categorical of numbers")
def _() -> Iterator[Pair]:
    model = line(x=pd.Categorical(WHOLE % 3))
    assert model.design.predictors == ("x[T.1]", "x[T.2]")
    yield model, line("y ~ C(x)", x=WHOLE % 3)


@case(HEADING, "intervals, as `pd.cut` makes them")
def _() -> Iterator[Pair]:
    cut = pd.cut(base()["n"], [0, 3, 6, 9])
    plain = line(x=cut.cat.codes.astype(str).map("level {}".format))
    yield line(x=cut), plain
    yield line(x=pd.arrays.IntervalArray(cut)), plain


refused(HEADING, "a predictor with a single category", lambda: line(x=["a"] * N))
refused(HEADING, "text that reads as numbers, as a predictor", lambda: line(x=WHOLE.astype(str)))
refused(
    HEADING,
    "text that reads as numbers, with `NA` or blanks between",
    lambda: line(x=["1", "NA", "2.5", "", "1e3", "-", *["3"] * 6]),
)


refused(
    HEADING,
    "text most of whose values read as numbers, with a few that do not: `T`, `<0.5`, `2.3 or 2.4`",
    lambda: line(x=["T", "<0.5", *(f"{k}.5" for k in range(N - 2))]),
)


@case(HEADING, "numbers with decimal commas, or with separators of thousands, as text")
def _() -> Iterator[Pair]:
    with pytest.raises(sh.DataError, match=r"\.str\.replace\(','"):
        line(x=[f"{k},5" for k in WHOLE])
    yield line(x=[f"{k},500" for k in range(1, N + 1)]), None


refused(
    HEADING,
    "numbers with units, signs or currencies as text, more than 12 of them or hardly any rows for each",
    lambda: line(x=[f"{k} kg" for k in range(N)]),
)
refused(HEADING, "dates or times as text, likewise", lambda: line(x=[f"2024-01-{k + 10}" for k in range(N)]))


@case(
    HEADING,
    "text that reads as numbers which a plain conversion would get wrong: brackets or a minus behind for negative "
    "numbers, fractions, `0.5k` and `1.5M`, several units, `5h 30m`, other digits",
)
def _() -> Iterator[Pair]:
    forms = ("{}.5-", "{} 3/4", "{}h 30m", "{}.5k", "1.{} M", "${}.5|€{}.5", "\uff11{}")
    for form in forms:
        of_row = form.split("|")
        with pytest.raises(sh.DataError, match=r"Convert it to numbers yourself \("):
            line(x=[of_row[k % len(of_row)].format(k + 1) for k in range(N)])
    yield line(x=[f"({k}.5)" for k in range(N)]), None


@case(HEADING, "dates or times as text, in several forms, in one that may be read in two ways, or with AM and PM")
def _() -> Iterator[Pair]:
    for form in ("0{}/03/2024|2024-03-0{}", "{}:30 AM|{}:30 PM"):
        with pytest.raises(sh.DataError, match=r"Convert it to (dates|times) yourself \("):
            line(x=[form.split("|")[k % 2].format(k % 9 + 1) for k in range(N)])
    yield line(x=[f"{k + 1:02}/03/2024" for k in range(N)]), None


refused(
    HEADING,
    "quarters, half-years and seasons as text, likewise, unless there are five rows for each",
    lambda: line(x=[f"{2000 + k // 4}Q{k % 4 + 1}" for k in range(N)]),
)
refused(
    HEADING,
    "half a column of text with decimals, half of it none, such as `x3.5`",
    lambda: line(x=[f"{'x' * (k % 2)}{k}.5" for k in range(N)]),
)
refused(
    HEADING,
    "a categorical of such text, without an order",
    lambda: line(x=pd.Categorical([f"{k}.5" for k in range(N - 1)] + ["T"])),
)


@case(HEADING, "a few labels that have digits: doses, bands of age, months, classes, codes")
def _() -> Iterator[Pair]:
    labels = (["10 mg", "20 mg", "none"], ["18-24", "25-34", ">64"], ["2020-01", "2020-02"], ["5a", "5b"], ["T1", "T2"])
    for few in labels:
        column = [few[k % len(few)] for k in range(N)]
        yield line(x=column), line(x=pd.Categorical(column, categories=sorted(few), ordered=True))


@case(HEADING, "text that reads as numbers, in `C(x)`")
def _() -> Iterator[Pair]:
    yield line("y ~ C(x)", x=WHOLE.astype(str)), line("y ~ C(x)")


@case(HEADING, "text that reads as numbers, as labels of groups")
def _() -> Iterator[Pair]:
    yield groups(WHOLE.astype(str)), groups(WHOLE)


@case(HEADING, "text with more than 10 levels and fewer than two rows for each, such as identifiers")
def _() -> Iterator[Pair]:
    column = [f"id {k:02}" for k in range(N)]
    with pytest.warns(UserWarning, match=r"Predictor 'x' has 12 levels in 12 rows.*\(1 \| x\); C\(x\)"):
        model = line(x=column)
    yield model, line("y ~ C(x)", x=column)


refused(HEADING, "text or categories as the response", lambda: line("kind ~ x"))


@case(HEADING, "text with half a character (a surrogate), also as labels")
def _() -> Iterator[Pair]:
    half = pd.Series(["a", "b", "\ud800"] * 4, dtype=object)
    with pytest.raises(sh.DataError, match=r"'g' holds '\\ud800', which is not valid Unicode"):
        groups(half)
    yield line(x=half), None


refused(HEADING, "bytes", lambda: line(x=[b"a", b"b"] * 6))
refused(HEADING, "numbers and text mixed in an object column", lambda: line(data={"y": base()["y"], "x": [1, "a"] * 6}))
refused(HEADING, "lists, tuples or other objects in a column", lambda: line(x=pd.Series([[1]] * N)))
refused(
    HEADING,
    "new data with a category that the fit has not seen",
    lambda: line("y ~ kind").design.encode({"kind": ["a", "new"]}),
)
refused(
    HEADING,
    "new data with numbers where the fit had categories",
    lambda: line("y ~ kind").design.encode({"kind": [1, 2]}),
)


# --- Dates
HEADING = "Dates"
refused(HEADING, "dates as a predictor", lambda: line(x=DATES))
refused(HEADING, "durations as a predictor", lambda: line(x=DATES - DATES[0]))


@case(HEADING, "periods, or `datetime.date` objects, as a predictor")
def _() -> Iterator[Pair]:
    with pytest.raises(sh.DataError, match="holds dates; turn it into numbers first"):
        line(x=DATES.dt.date)
    yield line(x=DATES.dt.to_period("D")), None


@case(HEADING, "dates and durations as labels of groups, with or without a time zone")
def _() -> Iterator[Pair]:
    for column in (DATES, DATES - DATES[0], DATES.dt.tz_localize("Europe/Oslo"), list(DATES)):
        yield groups(column), groups()


refused(HEADING, "periods as labels of groups", lambda: groups(DATES.dt.to_period("D")))


@case(HEADING, "days, as Polars, PyArrow and databases have them, or `datetime.date` objects, as labels of groups")
def _() -> Iterator[Pair]:
    for column in (DATES.dt.date, list(DATES.dt.date), pd.Categorical(DATES.dt.date), arrow(DATES.dt.date, "date32")):
        yield groups(column), groups(DATES)
    table = (
        pytest.importorskip("polars")
        .from_pandas(base().assign(g=DATES))
        .cast({"g": pytest.importorskip("polars").Date})
    )
    for data in (table, table.to_arrow(), table.lazy()):
        yield sh.VaryingIntercept("y ~ x + (1 | g)", data), groups(DATES)


refused(
    HEADING,
    "days and times of day together as labels of groups",
    lambda: groups(pd.Series([*DATES.dt.date[:6], *(day.to_pydatetime() for day in DATES[6:])], dtype=object)),
)
