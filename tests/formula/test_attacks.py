"""Grouping terms from strangers: the closed language holds in effects and factors, and any text is read or refused."""

import string

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import stanhier as sh
from stanhier.formula.parse import parse


@pytest.mark.parametrize(
    "effects",
    [
        "__import__('os')",
        "__import__('os').system('true')",
        "I(x.__class__)",
        "x.__class__()",
        "log(x).tofile('file')",
        "I(lambda: 1)",
        "{lambda: 1}",
        "{__import__('os')}",
        "open('file')",
        "np.load('file')",
        "I([v for v in x])",
        "I(x if x else 1)",
        "I(f'{x}')",
        "I(x := 3)",
        "I(9**9**9)",
        "I(x, '`', __import__('os').system('true'), '`')",
        'I(x, "`", open("file"), "`")',
        """C(k, " + str(__import__('os').system('true'))) #")""",
        "``",
        "I(``)",
        "`x",
        "I(`x)",
        "I(__ｉｍｐｏｒｔ__)",
        "log(_quoted_61_)",
    ],
)
@pytest.mark.parametrize("place", ["({} | g)", "x + (0 + z + {} || a / b)", "(1 | g) + ({} | h)"])
def test_effects_are_of_the_closed_language(effects, place):
    with pytest.raises(sh.FormulaError):
        parse(f"y ~ {place.format(effects)}")


@pytest.mark.parametrize(
    "effects", ["().__class__", "x.__class__", "(lambda: 1)()", "I(x, `'`, open('f', 'w'), `'`)", "`x | z` + {log(x)}"]
)
def test_effects_are_read_as_predictors_are(effects):
    common, varying = parse(f"y ~ {effects}"), parse(f"y ~ ({effects} | g)")
    assert list(varying.terms[0].effects) == list(common.common.rhs)
    assert varying.expressions == common.expressions
    assert varying.columns == common.columns
    assert all(expression.functions <= {"I", "log"} for expression in varying.expressions.values())


@pytest.mark.parametrize("side", ["({} | g)", "(1 | {})", "(1 | a / {})"])
@pytest.mark.parametrize(
    "made", ["open({path!r}, 'w')", "{{open({path!r}, 'w')}}", "I(x, `'`, open({path!r}, 'w'), `'`)"]
)
def test_no_text_is_run(side, made, tmp_path):
    path = tmp_path / "made"
    formula = f"y ~ x + {side.format(made.format(path=str(path)))}"
    with pytest.raises(sh.StanhierError):
        sh.VaryingIntercept(formula, {"y": [1.0, 2.0, 4.0, 3.0], "x": [1.0, 2.0, 3.0, 5.0], "g": list("abab")})
    assert not path.exists()


def test_names_in_backticks_are_names_whatever_is_in_them():
    name = "__import__('os') | g) + (1"
    parsed = parse(f"y ~ (`{name}` | `{name} / h`)")
    assert parsed.predictor_columns == (name,)
    assert parsed.factor_columns == (f"{name} / h",)


PARTS = [
    "1",
    "0",
    "x",
    "z",
    "g",
    "a/b",
    "a:b",
    "`my x`",
    "``",
    "`",
    "'",
    '"',
    "log(x)",
    "C(k)",
    "I(",
    "(",
    ")",
    "[",
    "{",
    "}",
]
SIGNS = [
    " + ",
    " - ",
    "|",
    " | ",
    "||",
    ":",
    "/",
    "*",
    "**",
    " in ",
    "%in%",
    "~",
    ",",
    ".",
    " ",
    "-",
    "\\",
    "\n",
    "&",
    "==",
]


@settings(max_examples=400, deadline=None)
@given(st.lists(st.sampled_from(PARTS + SIGNS), max_size=14).map("".join))
def test_signs_in_any_order_are_a_formula_or_refused(right):
    for text in (f"y ~ {right}", f"y ~ x + ({right} | g)", f"y ~ x + (1 | {right})", right):
        try:
            parsed = parse(text)
        except sh.FormulaError:
            continue
        assert parsed.text == text


@settings(max_examples=300, deadline=None)
@given(st.text(alphabet=string.printable + "`|()µ𝐱\u2212\ud800", max_size=30))
def test_any_text_is_a_formula_or_refused(right):
    for text in (f"y ~ ({right} | g)", f"y ~ (1 | {right})", f"y ~ {right}"):
        try:
            parsed = parse(text)
        except sh.FormulaError:
            continue
        assert parsed.text == text
