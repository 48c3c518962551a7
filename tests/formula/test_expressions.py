import pytest

import stanhier as sh
from stanhier.formula.expressions import read_expression


@pytest.mark.parametrize(
    ("expression", "columns"),
    [
        ("log(x)", {"x"}),
        ("log(`my col` + 1)", {"my col"}),
        ("C(g, contr.treatment('a'))", {"g"}),
        ("C(g, Treatment(reference='b'))", {"g"}),
        ("poly(x, degree=2)", {"x"}),
        ("np.sqrt(x) * z ** 2 / -3", {"x", "z"}),
        ("sqrt(x) * abs(z) / maximum(x, where(z > 0, w, 1))", {"x", "z", "w"}),
        ("sign", {"sign"}),
        ("I(x > 3)", {"x"}),
        ("bs(x, knots=[1, 2])", {"x"}),
        ("open", {"open"}),
    ],
)
def test_columns_are_found(expression, columns):
    assert read_expression(expression, "y ~ ...").columns == columns


@pytest.mark.parametrize(
    "expression",
    [
        "__import__('os').system('true')",
        "__import__",
        "x.__class__",
        "().__class__.__bases__[0]",
        "np.load('file')",
        "np.fromfile('file')",
        "np.lib.format.open_memmap('file')",
        "open('file')",
        "eval('1')",
        "[y for y in x]",
        "(lambda: 1)()",
        "(z := 1)",
        "f'{x}'",
        "x[0]",
        "x.tofile('file')",
        "9**9**9",
        "x**1000",
        "x**z",
        "'a' * 1000000000",
        "[0] * 1000000000",
        "I(*x)",
        "I(**x)",
        "C(g, contr.__class__)",
        "x if x else z",
        "x and z",
        "x is z",
        "await x",
        "b'x'",
        "1j * x",
        "x @ z",
        "x << 3",
        "I(" * 400 + "x" + ")" * 400,
        # Where backticks stand within text, and text within backticks, the two must not be told apart in another way.
        "I(x, '`', __import__('os').system('true'), '`')",
        'I(x, "`", open("file"), "`")',
        # formulaic pastes the text of transforms into Python between double quotes.
        """C(g, " + str(__import__('os').system('true'))) #")""",
        "C(g, 'it\"s')",
        "C(g, 'a\\\\')",
        "C(g, 'a\\nb')",
        "I(`lambda`: x)",
        "I(__ｉｍｐｏｒｔ__)",
        "poly(x, degree=1000000000)",
        "bs(x, df=1000000000)",
        "``",
        "I(``)",
        "I(`x)",
        "log(x)(x)",
        "np(x)",
        "np.log.at(x)",
        "sqrt.at(x)",
        "sqrt(x, out=z)",
        "sqrt(x, z)",
        "sqrt()",
        "hypot(x)",
        "exp10(x)",
        "x is not None",
        "I(x := 3)",
        "{x: 1}",
        "{x}",
        "I(...)",
        "I(x, y=lambda: 1)",
        "I(yield x)",
        "I(b'x')",
        "not x",
        "~x",
        "x[x > 0]",
        "'a' 'b' f'{x}'",
    ],
)
def test_everything_else_is_refused(expression):
    with pytest.raises(sh.FormulaError):
        read_expression(expression, "y ~ ...")


def test_quotation_marks_within_backticks_belong_to_the_name():
    expression = "I(`a'b` + __import__('os').system('true') + `c'd`)"
    assert read_expression(expression, "y ~ ...").columns == {"a'b` + __import__('os').system('true') + `c'd"}


@pytest.mark.parametrize(
    "factor",
    [
        "I(x, '`', open({path!r}, 'w'), '`')",
        "C(g, \" + str(open({path!r}, 'w'))) #\")",
        "C(g, levels=[\" + str(open({path!r}, 'w'))) #\"])",
        "I(x, `'`, open({path!r}, 'w'), `'`)",
        "{{open({path!r}, 'w')}}",
        "poly(x, \"]+str(open({path!r}, 'w')))#\")",
    ],
)
def test_no_text_is_run(factor, tmp_path):
    path = tmp_path / "made"
    data = {"y": [1.0, 2.0, 4.0, 3.0], "x": [1.0, 2.0, 3.0, 5.0], "g": list("abab")}
    with pytest.raises(sh.StanhierError):
        assert sh.LinearRegression(f"y ~ x + {factor.format(path=str(path))}", data)
    assert not path.exists()


def test_a_formula_cannot_reach_the_callers_variables():
    secret = [1.0, 2.0, 3.0]
    with pytest.raises(sh.DataError, match="no column 'secret'"):
        sh.LinearRegression("y ~ secret", {"y": [1.0, 2.0, 4.0]})
    assert secret
