"""Whatever comes in, either a model comes out or a StanhierError, and the caller's data stay as they were.

`HYPOTHESIS_PROFILE=search` looks at thousands of random examples instead of the same few hundred."""

import datetime as dt
import os
import warnings
from copy import deepcopy
from decimal import Decimal
from fractions import Fraction

import numpy as np
import pandas as pd
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import stanhier as sh
from tests.tools.any_input import SEARCHING, kind_for, made, same

settings.register_profile("same", derandomize=True, deadline=None, database=None, print_blob=False)


settings.register_profile("search", max_examples=3000, deadline=None, database=None)


settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "same"))


NAMES = [
    "y",
    "x",
    "z",
    "g",
    "alpha",
    "beta",
    "sigma",
    "chain",
    "draw",
    "my-col",
    "it's",
    "a|b",
    "log",
    "é",
    "",
    "1",
    "~",
]


def examples(n):
    return settings(
        max_examples=3000 if SEARCHING else n,
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.filter_too_much],
    )


def floats():
    plain = st.floats(-100, 100)
    return st.one_of(plain, plain, st.floats(), st.sampled_from([1e-12, 1e12, 1e300, 5e-324, np.inf, np.nan, 0.0]))


TEXT = st.text(st.sampled_from("ab1 '\"\\`~|[]\n\0é😀/\ud800"), max_size=3)


ITEMS = [
    floats(),
    st.integers(-5, 5),
    st.integers(-(2**70), 2**70),
    st.booleans(),
    TEXT,
    st.sampled_from(["1", "2.5", "", "NA", "-"]),
    st.none() | st.integers(0, 3),
    st.none() | TEXT,
    st.sampled_from([Decimal("1.5"), Decimal("NaN"), Decimal("sNaN"), Decimal("1e400"), Fraction(1, 3), 2]),
    st.sampled_from([1, "a", None, 2.5, b"x", 1j, (1, 2), [3], {}, pd.NA, pd.NaT, np.bool_(True), np.float32(1), True]),
    st.dates(dt.date(1900, 1, 1), dt.date(2200, 1, 1)),
]


DTYPES = """
    float16 float32 >f8 longdouble int8 uint8 uint64 Int64 UInt8 Float32 boolean string category object complex128
    datetime64[s] timedelta64[s] Sparse[float] S2 str
""".split()


@st.composite
def columns(draw, n, *, plain):
    """A column of any kind; if plain, one of those that people mostly have."""
    if plain:
        items = draw(st.sampled_from([st.floats(-9, 9), st.integers(-3, 3), st.sampled_from("abc"), st.booleans()]))
        return pd.Series(draw(st.lists(items, min_size=n, max_size=n)), dtype=None if n else object)
    values = draw(st.lists(draw(st.sampled_from(ITEMS)), min_size=n, max_size=n))
    if draw(st.integers(0, 5)) == 0:
        values = values[:1] * n
    as_objects = n == 0 or draw(st.booleans()) or any("\ud800" in str(value) for value in values)
    column = pd.Series(values, dtype=object if as_objects else None)
    if draw(st.booleans()):
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                column = column.astype(draw(st.sampled_from(DTYPES)))
        except (TypeError, ValueError, ArithmeticError, AttributeError):
            pass  # values that are none of this dtype stay as they are
    how = draw(st.sampled_from(["", "", "", "masked", "unused", "ordered", "period", "interval"]))
    if how == "masked" and column.dtype.kind in "if":
        return np.ma.array(column.to_numpy(), mask=draw(st.lists(st.booleans(), min_size=n, max_size=n)))
    if how in ("unused", "ordered"):
        try:
            return pd.Series(pd.Categorical(column, ordered=how == "ordered")).cat.add_categories(["unused"])
        except (TypeError, ValueError, ArithmeticError, NotImplementedError):
            return column
    if how == "period":
        return pd.Series(pd.period_range("2020", periods=n, freq="M"))
    if how == "interval":
        return pd.Series(pd.interval_range(0, n)) if n else column
    return column


@st.composite
def frames(draw):
    n = draw(st.integers(0, 12) | st.integers(5, 12))
    names = dict.fromkeys(["x", "z", "g", *draw(st.lists(st.sampled_from(NAMES), max_size=2))])
    parts = {name: draw(columns(n, plain=draw(st.integers(0, 3)) > 0)) for name in names}
    response = st.floats(-9, 9) if draw(st.integers(0, 9)) else floats()
    parts["y"] = pd.Series(draw(st.lists(response, min_size=n, max_size=n)), dtype=float)
    if draw(st.booleans()):
        return {name: part.tolist() if draw(st.integers(0, 4)) == 0 else part for name, part in parts.items()}
    frame = pd.DataFrame({name: pd.Series(part) for name, part in parts.items()})
    if draw(st.integers(0, 9)) == 0:
        frame.columns = [draw(st.sampled_from(["y", "x", "g", 1, ("a", "b")])) for _ in frame.columns]
    indexes = [
        pd.RangeIndex(n),
        pd.Index([0] * n),
        pd.Index(["a"] * n),
        pd.date_range("2020", periods=n),
        pd.MultiIndex.from_product([["a"], range(n)]),
        pd.Index([np.nan] * n),
        pd.RangeIndex(n)[::-1],
    ]
    return frame.set_axis(draw(st.sampled_from(indexes)), axis=0)


TERMS = """
    x g z 0 1 log(x) exp(x) center(x) scale(x) C(g) C(x) I(x**2) I(x>0) poly(x,2) bs(x,df=4) cr(x,df=3) np.sqrt(x)
    np.where(x>0,x,0) x:g x*g C(g,Treatment('a')) C(g,contr.sum) standardize(x) f(x) (x+z+g)**2 x/g y alpha beta
    sigma chain draw log é 2 2:x `my-col` `it's` `a|b` `1` `~` `` Intercept f(g) I(x/z) I(x==z) I(-x) I(x%2)
""".split()


TOKENS = """
    ~ + - * : / ** | || ( ) [ ] { } ' " ` , = . % %in% ^ \\ (1|g) (x|g) (1|x) 1e400 __import__('os') lambda :=
    f'{x}' # np .__class__ in not C( I( ｅ ² 🎲
""".split()


@st.composite
def formulas(draw):
    if draw(st.integers(0, 7)) == 0:
        start = draw(st.sampled_from(["", "y ~ ", "y ~ x + "]))
        pieces = st.sampled_from([*TOKENS, *TERMS, " ", "\n", "\0"])
        return start + draw(st.sampled_from(["", " "])).join(draw(st.lists(pieces, max_size=9)))
    response = draw(st.sampled_from(["y"] * 12 + ["log(y)", "I(y + 1)", "C(y)", "x", "`my-col`", "center(y)", "f(y)"]))
    terms = draw(st.lists(st.sampled_from(["x", "g", "z"]) | st.sampled_from(TERMS), max_size=3))
    group = draw(st.sampled_from([[]] * 3 + [["(1 | g)"]] * 3 + [["(1 | x)"], ["(1 | `my-col`)"], ["(1 | chain)"]]))
    return f"{response} ~ {' + '.join([*terms, *group]) or '1'}"


PRIORS = [
    None,
    None,
    {},
    {"alpha": sh.Normal(0, 1)},
    {"beta": sh.Flat()},
    {"beta": {"x": sh.Cauchy(0, 1)}},
    {"sigma": sh.Flat()},
    {"mu_alpha": sh.Flat(), "sigma_alpha": sh.Flat(), "beta": sh.Flat()},
    {"alpha": sh.Flat(), "beta": sh.Flat(), "sigma": sh.HalfCauchy(1)},
    {"sigma": sh.HalfNormal(1e-99)},
    {"alpha": sh.Normal(1e99, 1e-99)},
    {"alpha": 3},
    {1: 2},
    [],
    "prior",
    {"sigma": None},
    {"sigma": sh.Normal},
    {"beta": {}},
    {"beta": {1: None}},
    {"beta": []},
]


SIGMAS = [None, None, 1.0, 0, -1, np.nan, np.inf, "1", True, 1j, np.float32(2), Decimal(1), 1e-99, 1e99, 1e300, [1.0]]


ERRORS = [None, None, "x", "no", "", 1.0, [1.0] * 5, [1e-99] * 5, np.ones(3), [[1.0]], {"a": 1}, ["a"] * 5, 1j, True]


CONTEXTS = [None, None, {"f": np.tanh}, {"f": lambda x: x - x.mean()}, {"log": np.log}, {"f": 1}, 3]


@examples(400)
@given(formulas(), frames())
def test_any_frame_and_formula_make_a_model_or_an_error(formula, data):
    made(kind_for(formula), formula, data, context={"f": np.tanh} if "f(" in formula else None)


@examples(150)
@given(
    st.sampled_from(["y ~ x", "y ~ 1", "y ~ 0 + x", "y ~ x + (1 | g)", "y ~ f(x)"]),
    st.sampled_from(PRIORS),
    st.sampled_from(SIGMAS),
    st.sampled_from(ERRORS),
    st.sampled_from(CONTEXTS),
)
def test_any_argument_makes_a_model_or_an_error(formula, priors, sigma, se, context):
    data = pd.DataFrame({"y": [1.0, 2.0, 4.0, 3.0, 7.0], "x": [1.0, 5.0, 2.0, 2.5, 3.0], "g": list("abcab")})
    made(kind_for(formula), formula, data, priors=priors, sigma=sigma, se=se, context=context)


@examples(200)
@given(formulas(), frames(), frames())
def test_any_new_data_are_encoded_or_refused(formula, data, new):
    model = made(kind_for(formula), formula, data, context={"f": np.tanh} if "f(" in formula else None)
    if model is None:
        return
    before = deepcopy(new)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        try:
            rows = model.design.encode(new)
        except sh.StanhierError:
            return
        finally:
            same(new, before)
    assert np.isfinite(rows.X).all()
    assert rows.X.shape == (len(rows.index), len(model.design.predictors))
