"""The rows of stanhier/input.md about columns and their values."""

from collections.abc import Iterator
from decimal import Decimal
from fractions import Fraction
from typing import Any

import numpy as np
import pandas as pd
import pytest

import stanhier as sh
from tests.tools.input_cases import (
    DATES,
    FEW,
    FLAGS,
    TEXT,
    WHOLE,
    N,
    Pair,
    accepted,
    base,
    case,
    groups,
    line,
    refused,
    rest,
)

# --- Numbers
HEADING = "Numbers"


@case(HEADING, "integers of 8 to 64 bits, signed or not")
def _() -> Iterator[Pair]:
    for kind in ("int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64"):
        yield line(x=WHOLE.astype(kind)), line(x=WHOLE.astype(float))


@case(HEADING, "unsigned integers of 2<sup>63</sup> and more")
def _() -> Iterator[Pair]:
    large = WHOLE.astype("uint64") * 2**60 + np.uint64(2**63)
    yield line(x=large), line(x=large.astype(float))


@case(HEADING, "integers in a calculation, such as `I(n**30)`")
def _() -> Iterator[Pair]:
    yield line("y ~ I(n**30)"), line("y ~ I(n**30)", n=base()["n"].astype(float))
    yield line("I(y * n**40) ~ x"), line("I(y * n**40) ~ x", n=base()["n"].astype(float))


@case(HEADING, "float16, float32, longdouble, any byte order")
def _() -> Iterator[Pair]:
    for kind in ("float16", "float32", "longdouble", ">f8", ">f4", ">i4"):
        yield line(x=WHOLE.astype(kind)), line(x=WHOLE.astype(float))


@case(HEADING, "`Decimal`, `Fraction` and Python's numbers in an object column")
def _() -> Iterator[Pair]:
    for kind in (Decimal, Fraction, int, float, np.int8, np.float32):
        yield line(x=pd.Series([kind(int(v)) for v in WHOLE], dtype=object)), line(x=WHOLE.astype(float))


refused(
    HEADING,
    "Python integers too large for a float",
    lambda: line(x=pd.Series(rest(WHOLE.tolist(), 10**400), dtype=object)),
)
refused(HEADING, "complex numbers", lambda: line(x=WHOLE + 1j))


@case(HEADING, "sizes from 1e-12 to 1e12, side by side")
def _() -> Iterator[Pair]:
    plain = line("y ~ x + n")
    expected = plain.sample(**FEW).draws.flat("location")
    for unit_y, unit_x, unit_n in ((1e12, 1e-12, 1e12), (1e-12, 1e12, 1.0), (1e-12, 1e-12, 1e12)):
        model = line("y ~ x + n", y=base()["y"] * unit_y, x=WHOLE * unit_x, n=base()["n"] * unit_n)
        sums, same = model.engine.compressed.within / [unit_x, unit_n, unit_y], plain.engine.compressed.within
        np.testing.assert_allclose(sums, same, rtol=1e-12, atol=1e-14)
        draws = model.sample(**FEW).draws.flat("location") / [unit_y, unit_y / unit_x, unit_y / unit_n]
        # 200 draws tell a mean to about 0.1 standard deviations.
        assert (np.abs(draws.mean(axis=0) - expected.mean(axis=0)) < 0.5 * expected.std(axis=0)).all()
        np.testing.assert_allclose(draws.std(axis=0), expected.std(axis=0), rtol=0.4)
        yield model, None


@case(HEADING, "a predictor with mean 1e9 and standard deviation 1")
def _() -> Iterator[Pair]:
    far, near = line(x=WHOLE + 1e9), line()
    np.testing.assert_allclose(far.engine.compressed.within, near.engine.compressed.within, rtol=1e-12, atol=1e-14)
    yield far, None


refused(HEADING, "numbers beyond 1e100", lambda: line(x=rest(WHOLE, 1e101)))
refused(HEADING, "infinity", lambda: line(x=rest(WHOLE, -np.inf)))
refused(HEADING, "infinity that a formula makes, `log(0)`", lambda: line("y ~ log(x)", x=rest(range(1, N + 1), 0)))
refused(HEADING, "a response with a spread below double precision", lambda: line(y=rest([1e-200] * N, 2e-200)))


# --- Missing values
HEADING = "Missing values"
refused(HEADING, "NaN", lambda: line(x=rest(WHOLE, np.nan)))
refused(HEADING, "`None` among numbers", lambda: line(data={"y": base()["y"].tolist(), "x": rest(WHOLE, None)}))
refused(HEADING, "`None` among texts", lambda: line(x=rest(TEXT, None)))
refused(HEADING, "`pd.NA`", lambda: line(x=pd.array(rest(WHOLE, pd.NA), dtype="Int64")))
refused(HEADING, "`NaT`", lambda: line(x=rest(DATES, pd.NaT)))
refused(HEADING, '`Decimal("NaN")`', lambda: line(x=[Decimal(v) for v in rest(WHOLE.tolist(), "NaN")]))
refused(HEADING, "a category that is missing", lambda: line(x=pd.Categorical(rest(TEXT, None))))
refused(
    HEADING,
    "a masked array with something masked",
    lambda: line(data={"y": base()["y"], "x": np.ma.array(WHOLE, mask=np.arange(N) == 2)}),
)


@case(HEADING, "a masked array with nothing masked")
def _() -> Iterator[Pair]:
    yield line(data={"y": base()["y"].to_numpy(), "x": np.ma.array(WHOLE, mask=False)}), line()


refused(HEADING, "a group that is missing", lambda: groups(rest(TEXT, None)))
refused(HEADING, "a response that is missing", lambda: line(y=rest(base()["y"], np.nan)))
refused(
    HEADING,
    "missing values in several columns",
    lambda: line("y ~ x + n", x=[np.nan, *WHOLE[:-2], np.nan], n=pd.array(rest(WHOLE, pd.NA), dtype="Int64")),
)
refused(
    HEADING,
    "missing values in a Polars frame, also NaN",
    lambda: line(
        data=pytest.importorskip("polars").DataFrame({"y": base()["y"], "x": [None, np.nan, *WHOLE[2:] + 0.5]})
    ),
)
accepted(HEADING, "missing values in columns that the model does not use", lambda: line(n=[None] * N))


# --- Nullable, Arrow-backed and sparse columns
HEADING = "Nullable, Arrow-backed and sparse columns"


@case(HEADING, "`Int64`, `UInt8` and the other nullable integers")
def _() -> Iterator[Pair]:
    for kind in ("Int8", "Int64", "UInt8", "UInt64"):
        column = pd.array(WHOLE, dtype=kind)
        yield line(x=column), line()
        yield groups(column), groups(WHOLE)


@case(HEADING, "`Float32`, `Float64`")
def _() -> Iterator[Pair]:
    for kind in ("Float32", "Float64"):
        yield line(x=pd.array(WHOLE, dtype=kind)), line()


@case(HEADING, "`boolean`")
def _() -> Iterator[Pair]:
    yield line(x=pd.array(FLAGS, dtype="boolean")), line(x=FLAGS)


@case(HEADING, "`string`")
def _() -> Iterator[Pair]:
    yield line(x=pd.array(TEXT, dtype="string")), line(x=TEXT)
    yield groups(pd.array(TEXT, dtype="string")), groups(TEXT)


def arrow(values: Any, kind: str) -> pd.Series:
    pa = pytest.importorskip("pyarrow")
    kinds = {"decimal": pa.decimal128(10, 2), "dictionary": pa.dictionary(pa.int32(), pa.string())}
    return pd.Series(pd.arrays.ArrowExtensionArray(pa.array(list(values), type=kinds.get(kind) or getattr(pa, kind)())))


@case(HEADING, "Arrow integers, floats, decimals and booleans")
def _() -> Iterator[Pair]:
    for kind in ("int16", "uint64", "float32", "float64"):
        yield line(x=arrow(WHOLE, kind)), line()
    yield line(x=arrow([Decimal(int(v)) for v in WHOLE], "decimal")), line()
    yield line(x=arrow(FLAGS, "bool_")), line(x=FLAGS)
    yield groups(arrow(WHOLE, "int16")), groups(WHOLE)


@case(HEADING, "Arrow text and dictionaries")
def _() -> Iterator[Pair]:
    for kind in ("string", "large_string", "dictionary"):
        yield line(x=arrow(TEXT, kind)), line(x=TEXT)
        yield groups(arrow(TEXT, kind)), groups(TEXT)


refused(HEADING, "Arrow dates", lambda: line(x=arrow(DATES.dt.date, "date32")))


@case(HEADING, "sparse columns")
def _() -> Iterator[Pair]:
    yield line(x=pd.arrays.SparseArray(WHOLE)), line()
    yield line(x=pd.arrays.SparseArray(WHOLE.astype(float))), line()
    yield groups(pd.arrays.SparseArray(WHOLE)), groups(WHOLE)


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
    yield line(y=FLAGS), line(y=FLAGS.astype(float))


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
    yield line(x=cut), line(x=cut.cat.codes.astype(str).map("level {}".format))


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
    lambda: groups(pd.Series([*DATES.dt.date[:6], *DATES[6:].dt.to_pydatetime()], dtype=object)),
)
