"""The rows of stanhier/input.md about columns and their values."""

from collections.abc import Iterator
from decimal import Decimal
from fractions import Fraction
from typing import Any

import numpy as np
import pandas as pd
import pytest

import stanhier as sh
from tests.tools.fake_fit import fake_fit
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
    frame,
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
GAPS = [np.nan, *WHOLE[1:]]
refused(
    HEADING,
    "missing values in an array beside the formula, such as `se=`",
    lambda: line(x=GAPS, se=[1.0, None, 2.0, np.nan, *[3.0] * 8]),
)


@case(HEADING, 'missing values, with `missing="drop"`')
def _() -> Iterator[Pair]:
    plain = line(data=base().iloc[1:])
    with pytest.warns(sh.MissingWarning, match="^1 of 12 rows is left out for missing values: 'x' 1\\.$"):
        model = line(x=GAPS, missing="drop")
    yield model, plain
    yield line(missing="drop"), line()


refused(
    HEADING,
    'nothing but rows with missing values, with `missing="drop"`',
    lambda: line("y ~ n + x", x=GAPS, n=[None] * N, missing="drop"),
)
refused(HEADING, '`missing="omit"`', lambda: line(missing="omit"))
refused(HEADING, "new rows with missing values, in `predict()`", lambda: fake_fit(line()).predict({"x": GAPS}))


@case(HEADING, 'new rows with missing values, with `predict(missing="nan")`')
def _() -> Iterator[Pair]:
    fit = fake_fit(line())
    predicted = fit.predict(frame(x=GAPS), missing="nan")
    assert predicted.iloc[0].isna().all()
    pd.testing.assert_frame_equal(predicted.iloc[1:], fit.predict(base().iloc[1:]))
    yield fit.model, None


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
