"""One case for each row of stanhier/input.md, by heading and the text of its first cell.

A case makes the model of its row, or several, each with the same data given plainly where these are to give the same
model. Where the row says that the input is refused, making it raises.
"""

import datetime as dt
from collections.abc import Callable, Iterator
from decimal import Decimal
from fractions import Fraction
from functools import cache
from typing import Any

import numpy as np
import pandas as pd
import pytest

import stanhier as sh

Pair = tuple[Any, Any]
CASES: dict[tuple[str, str], Callable[[], Iterator[Pair]]] = {}
FEW = {"chains": 1, "iter_warmup": 200, "iter_sampling": 200, "seed": 1}
N = 12


def case(heading: str, row: str) -> Callable[[Callable[[], Iterator[Pair]]], Callable[[], Iterator[Pair]]]:
    def register(function: Callable[[], Iterator[Pair]]) -> Callable[[], Iterator[Pair]]:
        assert (heading, row) not in CASES
        CASES[heading, row] = function
        return function

    return register


def accepted(heading: str, row: str, make: Callable[[], Any]) -> None:
    case(heading, row)(lambda: iter([(make(), None)]))


refused = accepted
"""Making raises; the table says with which words."""


@cache
def _frame() -> pd.DataFrame:
    rng = np.random.default_rng(7)
    return pd.DataFrame(
        {
            "y": rng.standard_normal(N),
            "x": np.arange(N) % 5,
            "n": [3, 1, 4, 1, 5, 9, 2, 6, 5, 3, 5, 8],
            "kind": list("abc") * 4,
            "g": np.repeat([0, 1, 2, 3], 3),
        }
    )


def frame(**columns: Any) -> pd.DataFrame:
    return _frame().assign(**columns)


def line(formula: str = "y ~ x", **keywords: Any) -> Any:
    arguments = {k: keywords.pop(k) for k in ("priors", "sigma", "se", "context", "data") if k in keywords}
    data = arguments.pop("data", None)
    return sh.LinearRegression(formula, frame(**keywords) if data is None else data, **arguments)


def groups(g: Any = None, formula: str = "y ~ x + (1 | g)", **keywords: Any) -> Any:
    return sh.VaryingIntercept(formula, frame() if g is None else frame(g=g), **keywords)


def rest(values: Any, first: Any) -> list[Any]:
    """The values with the third one replaced."""
    return [*list(values)[:2], first, *list(values)[3:]]


WHOLE = np.arange(N) % 5
TEXT = [f"level {k % 3}" for k in range(N)]
FLAGS = np.arange(N) % 3 == 0
DATES = pd.Series(pd.date_range("2020", periods=4)).repeat(3).reset_index(drop=True)
FLAT = {"alpha": sh.Flat(), "beta": sh.Flat()}

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
    yield line("y ~ I(n**30)"), line("y ~ I(n**30)", n=_frame()["n"].astype(float))
    yield line("I(y * n**40) ~ x"), line("I(y * n**40) ~ x", n=_frame()["n"].astype(float))


@case(HEADING, "float16, float32, longdouble, any byte order")
def _() -> Iterator[Pair]:
    for kind in ("float16", "float32", "longdouble", ">f8", ">f4", ">i4"):
        yield line(x=WHOLE.astype(kind)), line(x=WHOLE.astype(float))


@case(HEADING, "`Decimal`, `Fraction` and Python's numbers in an object column")
def _() -> Iterator[Pair]:
    for kind in (Decimal, Fraction, int, float, np.int8, np.float32):
        yield line(x=pd.Series([kind(int(v)) for v in WHOLE], dtype=object)), line(x=WHOLE.astype(float))


refused(HEADING, "Python integers too large for a float", lambda: line(x=rest(WHOLE.tolist(), 10**400)))
refused(HEADING, "complex numbers", lambda: line(x=WHOLE + 1j))


@case(HEADING, "sizes from 1e-12 to 1e12, side by side")
def _() -> Iterator[Pair]:
    plain = line("y ~ x + n").stan_data
    for unit_y, unit_x, unit_n in ((1e12, 1e-12, 1e12), (1e-12, 1e12, 1.0), (1e-12, 1e-12, 1e12)):
        model = line("y ~ x + n", y=_frame()["y"] * unit_y, x=WHOLE * unit_x, n=_frame()["n"] * unit_n)
        scale = np.log([unit_x, unit_n])
        for predictor, log_unit in zip(("x", "n"), scale, strict=True):
            prior = model.priors["beta"][predictor]
            assert np.log(prior.sigma) == pytest.approx(
                np.log(line("y ~ x + n").priors["beta"][predictor].sigma) + np.log(unit_y) - log_unit, rel=1e-12
            )
        assert plain.keys() == model.stan_data.keys()
        yield model, None


@case(HEADING, "a predictor with mean 1e9 and standard deviation 1")
def _() -> Iterator[Pair]:
    far, near = line(x=WHOLE + 1e9), line()
    np.testing.assert_allclose(far.compressed.within, near.compressed.within, rtol=1e-12, atol=1e-14)
    yield far, None


refused(HEADING, "numbers beyond 1e100", lambda: line(x=rest(WHOLE, 1e101)))
refused(HEADING, "infinity", lambda: line(x=rest(WHOLE, -np.inf)))
refused(HEADING, "infinity that a formula makes, `log(0)`", lambda: line("y ~ log(x)", x=rest(range(1, N + 1), 0)))
refused(HEADING, "a response with a spread below double precision", lambda: line(y=rest([1e-200] * N, 2e-200)))

# --- Missing values
HEADING = "Missing values"
refused(HEADING, "NaN", lambda: line(x=rest(WHOLE, np.nan)))
refused(HEADING, "`None` among numbers", lambda: line(data={"y": _frame()["y"].tolist(), "x": rest(WHOLE, None)}))
refused(HEADING, "`None` among texts", lambda: line(x=rest(TEXT, None)))
refused(HEADING, "`pd.NA`", lambda: line(x=pd.array(rest(WHOLE, pd.NA), dtype="Int64")))
refused(HEADING, "`NaT`", lambda: line(x=rest(DATES, pd.NaT)))
refused(HEADING, '`Decimal("NaN")`', lambda: line(x=[Decimal(v) for v in rest(WHOLE.tolist(), "NaN")]))
refused(HEADING, "a category that is missing", lambda: line(x=pd.Categorical(rest(TEXT, None))))
refused(
    HEADING,
    "a masked array with something masked",
    lambda: line(data={"y": _frame()["y"], "x": np.ma.array(WHOLE, mask=np.arange(N) == 2)}),
)


@case(HEADING, "a masked array with nothing masked")
def _() -> Iterator[Pair]:
    yield line(data={"y": _frame()["y"].to_numpy(), "x": np.ma.array(WHOLE, mask=False)}), line()


refused(HEADING, "a group that is missing", lambda: groups(rest(TEXT, None)))
refused(HEADING, "a response that is missing", lambda: line(y=rest(_frame()["y"], np.nan)))
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
    cut = pd.cut(_frame()["n"], [0, 3, 6, 9])
    yield line(x=cut), line(x=cut.cat.codes.astype(str).map("level {}".format))


refused(HEADING, "a predictor with a single category", lambda: line(x=["a"] * N))
refused(HEADING, "text that reads as numbers, as a predictor", lambda: line(x=WHOLE.astype(str)))
refused(
    HEADING,
    "text that reads as numbers, with `NA` or blanks between",
    lambda: line(x=["1", "NA", "2.5", "", "1e3", "-", *["3"] * 6]),
)


@case(HEADING, "text that reads as numbers, in `C(x)`")
def _() -> Iterator[Pair]:
    yield line("y ~ C(x)", x=WHOLE.astype(str)), line("y ~ C(x)")


@case(HEADING, "text that reads as numbers, as labels of groups")
def _() -> Iterator[Pair]:
    yield groups(WHOLE.astype(str)), groups(WHOLE)


refused(HEADING, "text or categories as the response", lambda: line("kind ~ x"))


@case(HEADING, "text with half a character (a surrogate), also as labels")
def _() -> Iterator[Pair]:
    half = pd.Series(["a", "b", "\ud800"] * 4, dtype=object)
    with pytest.raises(sh.DataError, match=r"'g' holds '\\ud800', which is not valid Unicode"):
        groups(half)
    yield line(x=half), None


refused(HEADING, "bytes", lambda: line(x=[b"a", b"b"] * 6))
refused(
    HEADING, "numbers and text mixed in an object column", lambda: line(data={"y": _frame()["y"], "x": [1, "a"] * 6})
)
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
refused(
    HEADING,
    "`datetime.date` objects as labels of groups",
    lambda: groups([dt.date(2020, 1, 1 + k // 3) for k in range(N)]),
)

# --- Groups
HEADING = "Groups"
ODD = ['it\'s "[x]"', "\n\t", "😀 ñ", ""]


@case(HEADING, "labels of any characters: quotes, brackets, newlines, emoji, the empty text")
def _() -> Iterator[Pair]:
    model = groups(np.repeat(ODD, 3))
    assert set(model.design.group.levels) == set(ODD)
    yield model, None


@case(HEADING, "integers, booleans, categories and intervals as labels")
def _() -> Iterator[Pair]:
    for column in (WHOLE, FLAGS, pd.Categorical(TEXT), pd.cut(WHOLE, [-1, 1, 3, 5]), pd.Categorical(WHOLE / 2)):
        yield groups(column), groups(pd.Series(column).astype("category").cat.codes)


@case(HEADING, "floats that are whole numbers")
def _() -> Iterator[Pair]:
    model = groups(WHOLE.astype(float))
    np.testing.assert_array_equal(model.design.encode({"x": [1], "g": np.array([4], dtype="int8")}).codes, [4])
    yield model, groups(WHOLE)
    yield groups(pd.Series([float(k) for k in WHOLE], dtype=object)), groups(WHOLE)


refused(HEADING, "fractions", lambda: groups(WHOLE / 2))
refused(HEADING, "infinite labels", lambda: groups(rest(WHOLE, np.inf)))
refused(HEADING, "labels of mixed kinds", lambda: groups(pd.Series([1, "a"] * 6)))
refused(HEADING, "complex labels", lambda: groups(WHOLE + 1j))


@case(HEADING, "levels that do not occur")
def _() -> Iterator[Pair]:
    yield groups(pd.Categorical(TEXT, categories=[*sorted(set(TEXT)), "never"])), groups(TEXT)


accepted(HEADING, "one group", lambda: groups(["all"] * N))
accepted(HEADING, "groups of one row", lambda: groups([*range(6), *[6] * 6]))
accepted(HEADING, "every row its own group", lambda: groups(range(N)))
accepted(HEADING, "a grouping column that is a predictor too", lambda: groups(formula="y ~ x + g + (1 | g)"))
refused(
    HEADING,
    "new data with labels of another kind than in the fit",
    lambda: groups().design.encode({"x": [1], "g": ["0"]}),
)

# --- Rows, columns and their index
HEADING = "Rows, columns and their index"


@case(HEADING, "a dict of arrays, lists, Series or Index objects")
def _() -> Iterator[Pair]:
    for make in (np.asarray, list, tuple, pd.Series, pd.Index, pd.array):
        yield line(data={"y": make(_frame()["y"].tolist()), "x": make(WHOLE.tolist())}), line()


refused(HEADING, "no data frame, no dict", lambda: line(data=[[1.0, 2.0]]))
refused(HEADING, "columns of different lengths", lambda: line(data={"y": np.zeros(N), "x": [1, 2, 3]}))
refused(
    HEADING,
    "Series with different row labels in a dict",
    lambda: line(data={"y": _frame()["y"], "x": _frame()["x"].sample(frac=1, random_state=1)}),
)
refused(HEADING, "a column of two dimensions", lambda: line(data={"y": np.zeros((N, 2)), "x": np.zeros(N)}))
refused(HEADING, "a column name that occurs twice", lambda: line(data=pd.DataFrame(np.eye(3), columns=["y", "x", "x"])))
refused(
    HEADING,
    "column names of several levels",
    lambda: line(data=pd.DataFrame(np.eye(2), columns=pd.MultiIndex.from_tuples([("y", "a"), ("x", "b")]))),
)
refused(HEADING, "a column that is not there", lambda: line("y ~ w"))
refused(HEADING, "no rows", lambda: line(data=_frame().iloc[:0]))
OWN = {"alpha": sh.Normal(0, 1), "beta": sh.Normal(0, 1), "sigma": sh.Exponential(1)}
refused(HEADING, "one row, with default priors", lambda: line(data=_frame().iloc[:1]))


@case(HEADING, "one row, with priors of your own")
def _() -> Iterator[Pair]:
    yield line(data=_frame().iloc[:1], priors=OWN), None
    own = {"mu_alpha": sh.Normal(0, 1), "sigma_alpha": sh.Exponential(1), "sigma": sh.Exponential(1)}
    yield sh.VaryingIntercept("y ~ (1 | g)", _frame().iloc[:1], priors=own), None


MANY = "y ~ x + n + I(x**2) + I(n**2) + x:n + I(x**3)"
accepted(HEADING, "more predictors than rows", lambda: line(MANY, data=_frame().iloc[:4]))
refused(
    HEADING,
    "more predictors than rows, with flat priors",
    lambda: line(MANY, data=_frame().iloc[:4], priors=FLAT),
)
refused(HEADING, "a constant predictor", lambda: line(x=3))
accepted(HEADING, "a constant predictor with a prior of its own", lambda: line(x=3, priors={"beta": sh.Normal(0, 1)}))
refused(HEADING, "a constant response", lambda: line(y=3.0))
accepted(HEADING, "collinear predictors", lambda: line("y ~ x + w", w=2 * WHOLE - 1))
refused(HEADING, "collinear predictors, with flat priors", lambda: line("y ~ x + w", w=2 * WHOLE - 1, priors=FLAT))


@case(HEADING, "predictors with correlation 1 - 1e-10")
def _() -> Iterator[Pair]:
    x, other = _frame()["n"] - _frame()["n"].mean(), np.random.default_rng(3).standard_normal(N)
    near = x / x.std() + 1.4e-5 * other / other.std()
    assert 1e-11 < 1 - np.corrcoef(x, near)[0, 1] < 1e-9
    yield line("y ~ x + w", x=x, w=near), None
    yield line("y ~ x + w", x=x, w=near, priors=FLAT), None


refused(HEADING, "a response that predictors reproduce exactly", lambda: line("y ~ x", y=2.0 * WHOLE + 1))


@case(HEADING, "any index: repeated, dates, several levels, missing")
def _() -> Iterator[Pair]:
    several = pd.MultiIndex.from_product([["a", "b"], range(6)])
    for index in ([0] * N, DATES, several, [np.nan] * N, list(range(N))[::-1], ODD * 3):
        yield line(data=_frame().set_axis(index, axis=0)), line()
        yield sh.VaryingIntercept("y ~ x + (1 | g)", _frame().set_axis(index, axis=0)), groups()


# --- Names
HEADING = "Names"


def renamed(name: str, formula: str) -> Any:
    """The model with another name for `x` as a predictor, or for `g` as a group."""
    kind = sh.VaryingIntercept if "|" in formula else sh.LinearRegression
    return kind(formula.format(name), _frame().rename(columns={"g" if "|" in formula else "x": name}))


@case(HEADING, "columns called `alpha`, `beta`, `sigma`, `mu_alpha`, `chain`, `draw`, `z`, `predictor` or `row`")
def _() -> Iterator[Pair]:
    for name in "alpha beta sigma mu_alpha sigma_alpha chain draw z predictor row X y_rep lp sample".split():
        yield renamed(name, "y ~ {}"), line()
        yield line(f"{name} ~ x", data=_frame().rename(columns={"y": name})), line()


@case(HEADING, "columns called like words of Stan or Python: `real`, `data`, `for`, `lambda`, `None`")
def _() -> Iterator[Pair]:
    for name in "real data int vector target for while lambda None True class import self print".split():
        yield renamed(name, "y ~ {}"), line()
        yield renamed(name, "y ~ x + (1 | {})"), groups()


refused(
    HEADING,
    "a column called like a Python keyword in a calculation, `log(lambda)`",
    lambda: renamed("lambda", "y ~ log(`{}` + 1)"),
)


@case(HEADING, "names with blanks, quotes, bars, tildes, brackets or accents")
def _() -> Iterator[Pair]:
    for name in (
        "two words",
        "it's",
        'the "best"',
        "a|b",
        "a~b",
        "a(b",
        "a]b",
        "Größe",
        "日本",
        "a:b",
        "a+b",
        "1 a",
        "%",
        "😀",
    ):
        yield renamed(name, "y ~ `{}`"), line()
        yield renamed(name, "y ~ x + (1 | `{}`)"), groups()


@case(HEADING, "a grouping column called `chain`, `draw`, `beta`, `alpha` or `sigma`")
def _() -> Iterator[Pair]:
    for name in ("chain", "draw", "beta", "alpha", "sigma"):
        yield renamed(name, "y ~ x + (1 | {})"), groups()


refused(HEADING, "a predictor called `Intercept`", lambda: renamed("Intercept", "y ~ {}"))
refused(HEADING, "a predictor whose name is a number", lambda: renamed("1", "y ~ `{}`"))
refused(HEADING, "a name that is a function and a column of one formula", lambda: line("y ~ log + log(x)", log=1.0))
refused(HEADING, "a column and an interaction of the same name", lambda: line("y ~ `x:n` + x:n", **{"x:n": WHOLE}))

# --- Formulas
HEADING = "Formulas"


@case(
    HEADING,
    "columns, `log(x)`, `np.sqrt(x)`, `center(x)`, `C(x)`, `I(x**2)`, `x:n`, `x*n`, `poly(x, 2)`, `bs(x, df=4)`",
)
def _() -> Iterator[Pair]:
    for term in "n log(n) np.sqrt(x) center(x) C(x) I(x**2) x:n x*n poly(x,2) bs(n,df=4) scale(x)".split():
        yield line(f"y ~ {term}"), None
        yield groups(formula=f"y ~ {term} + (1 | g)"), None


@case(HEADING, 'a function of your own, with `context={"f": f}`')
def _() -> Iterator[Pair]:
    yield line("y ~ f(x)", context={"f": np.sin}), line("y ~ np.sin(x)")


refused(HEADING, "a function of your own, without `context`", lambda: line("y ~ f(x)"))
refused(
    HEADING,
    "a function of your own that looks at other rows",
    lambda: line("y ~ f(x)", context={"f": lambda x: x - x.mean()}),
)
refused(HEADING, "a `context` that holds something else", lambda: line("y ~ f(x)", context={"f": 3}))


@case(HEADING, "any other Python: attributes, lambda, comprehensions, imports")
def _() -> Iterator[Pair]:
    for python in ("I(x.values)", "I(lambda: x)", "I([v for v in x])", "I(x if x else 1)", "I(f'{x}')", "open('x')"):
        with pytest.raises(sh.FormulaError, match="A formula may use columns, numbers, arithmetic"):
            line(f"y ~ {python}")
    yield line("y ~ __import__('os')"), None


refused(HEADING, "quotation marks or backslashes within text", lambda: line("""y ~ C(kind, Treatment("it's"))"""))
refused(HEADING, "something else than text", lambda: line(3))


@case(HEADING, "no `~`, or two")
def _() -> Iterator[Pair]:
    for formula in ("", "y", "y ~ x ~ n", "~ x"):
        with pytest.raises(sh.FormulaError, match="a formula has a response, one '~' and predictors"):
            line(formula)
    yield line("y ~"), None


refused(HEADING, "parentheses that do not match", lambda: line("y ~ (x + n"))
refused(HEADING, "an operator without a term", lambda: line("y ~ x +"))
refused(HEADING, "two responses", lambda: line("y + n ~ x"))
refused(HEADING, "the response among the predictors", lambda: line("y ~ x + y"))
refused(HEADING, "`.` for all other columns", lambda: line("y ~ ."))
refused(HEADING, "`x**2` for a square", lambda: line("y ~ x**2"))
refused(
    HEADING,
    "interactions of more than 20,000 terms",
    lambda: line("y ~ (" + " + ".join(f"x{k}" for k in range(30)) + ")**9"),
)
refused(HEADING, "two grouping terms", lambda: groups(formula="y ~ (1 | g) + (1 | kind)"))
refused(HEADING, "slopes that vary, `(x | g)`", lambda: groups(formula="y ~ x + (x | g)"))
refused(HEADING, "nested groups, `(1 | g/h)`", lambda: groups(formula="y ~ (1 | g/kind)"))
refused(HEADING, "a grouping term in a linear regression", lambda: line("y ~ x + (1 | g)"))
refused(HEADING, "a varying intercept without a grouping term", lambda: groups(formula="y ~ x"))
refused(HEADING, "a varying intercept without an intercept", lambda: groups(formula="y ~ 0 + x + (1 | g)"))

# --- Priors
HEADING = "Priors"
refused(HEADING, "a prior of no parameter of the model", lambda: line(priors={"tau": sh.HalfNormal(1)}))
refused(HEADING, "a prior on the real line for a scale", lambda: line(priors={"sigma": sh.Normal(0, 1)}))
refused(HEADING, "a prior on (0, inf) for an intercept or slope", lambda: line(priors={"alpha": sh.HalfNormal(1)}))
refused(HEADING, "a number or text for a prior", lambda: line(priors={"beta": 3}))
refused(HEADING, "the class instead of a prior", lambda: line(priors={"alpha": sh.Normal}))
refused(HEADING, "a slope that is no predictor", lambda: line(priors={"beta": {"w": sh.Normal(0, 1)}}))


@case(HEADING, "a scale that is 0, negative, infinite or no number")
def _() -> Iterator[Pair]:
    for scale in (0, -1, np.inf, np.nan, "1", True, None, 10**400, 1e-200):
        with pytest.raises(sh.PriorError, match=r"'sigma' (must be|is too far)"):
            sh.Normal(0, scale)
    yield sh.Normal(0, 0), None


refused(HEADING, "`priors` that is no dict", lambda: line(priors=[sh.Normal(0, 1)]))
refused(
    HEADING,
    "a flat prior on `sigma_alpha` with two groups",
    lambda: groups(FLAGS, priors={"sigma_alpha": sh.Flat()}),
)
refused(
    HEADING,
    "flat priors that leave nothing to learn `sigma` from",
    lambda: line(data=_frame().iloc[:3], priors={**FLAT, "sigma": sh.Flat()}),
)
refused(
    HEADING,
    "priors too far from the data in size for double precision",
    lambda: line(priors={"alpha": sh.Normal(1e99, 1e-99), "beta": sh.Normal(1e99, 1e-99)}).stan_data,
)

# --- Keywords
HEADING = "Keywords"


@case(HEADING, "`sigma` that is 0, negative, infinite or missing")
def _() -> Iterator[Pair]:
    for sigma in (-1, np.inf, np.nan):
        with pytest.raises(sh.DataError, match="`sigma` must be positive and finite"):
            line(sigma=sigma)
    yield line(sigma=0), None


refused(HEADING, "`sigma` that is no number", lambda: line(sigma="1"))
refused(HEADING, "`sigma` and `se` together", lambda: line(sigma=1.0, se="n"))
refused(HEADING, "standard errors that are 0 or negative", lambda: line(se="x"))
refused(HEADING, "standard errors of another number than the rows", lambda: line(se=[1.0, 2.0, 3.0]))


@case(HEADING, "standard errors as a column, an array or a list")
def _() -> Iterator[Pair]:
    for se in (_frame()["n"].to_numpy(), _frame()["n"].tolist(), _frame()["n"], _frame()["n"].astype("Int64")):
        yield line(se=se), line(se="n")


refused(HEADING, "`chains=0`", lambda: line().sample(chains=0))


@case(HEADING, "`seed=0`")
def _() -> Iterator[Pair]:
    one, other = (line().sample(**{**FEW, "seed": 0}) for _ in range(2))
    np.testing.assert_array_equal(one.draws.location, other.draws.location)
    assert one.draws.seed == 0
    yield line(), None


refused(HEADING, "`seed=-1`", lambda: line().sample(seed=-1))
refused(HEADING, "a keyword that is not one", lambda: line().sample(chain=4))
refused(HEADING, "an `adapt_delta` beyond 1", lambda: line().sample(adapt_delta=1.5))
