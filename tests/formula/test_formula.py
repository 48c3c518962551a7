import pytest

import stanhier as sh
from stanhier.formula.parse import parse


@pytest.mark.parametrize(
    ("text", "group", "rhs"),
    [
        ("y ~ x", None, "1 + x"),
        ("y ~ 1", None, "1"),
        ("y ~ 0 + x", None, "x"),
        ("y ~ x + (1 | g)", "g", "1 + x"),
        ("y ~ (1 | g)", "g", "1"),
        ("y ~ (1 | g) + x", "g", "1 + x"),
        ("y ~ 1 + (1|`my group`)", "my group", "1"),
        ("y ~ x + (1 | g) + z", "g", "1 + x + z"),
        ("y ~ log(x) + (x + z):w + (1 | g)", "g", "1 + log(x) + x:w + z:w"),
        ("log(y) ~ I(x**2)", None, "1 + I(x**2)"),
        ("y ~ (x + (1 | g))", "g", "1 + x"),
        ("y ~ ((1 | g)) + x", "g", "1 + x"),
        ("y ~ (`a|b` + x) + (1 | `c|d`)", "c|d", "1 + a|b + x"),
        ("`y~1` ~ `a(b` + (1 | g)", "g", "1 + a(b"),
    ],
)
def test_grouping_term_is_cut_out(text, group, rhs):
    parsed = parse(text)
    assert parsed.group == group
    assert str(parsed.common.rhs).replace(" ", "") == rhs.replace(" ", "")
    assert parsed.text == text


def test_columns_of_the_common_part():
    assert parse("log(y) ~ center(x) * z + (1 | g)").columns == ("x", "y", "z")


@pytest.mark.parametrize("text", ["y ~ x", "y ~ (1 | g)"])
def test_the_intercept_is_there(text):
    assert parse(text).has_intercept


@pytest.mark.parametrize("text", ["y ~ 0 + x", "y ~ x - 1", "y ~ -1 + x + (1 | g)"])
def test_the_intercept_can_be_removed(text):
    assert not parse(text).has_intercept


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("y", "a formula has a response"),
        ("~ x", "a formula has a response"),
        ("y ~", "a formula has a response"),
        ("y ~ x ~ z", "a formula has a response"),
        ("y ~ x +", "cannot be read"),
        ("y ~ (1 | g", "never closed"),
        ("y ~ x | z", "one set of predictors"),
        ("y + z ~ x", "left of '~' must be one response"),
        ("y/z ~ x", r"its terms are: y, y:z. A ratio of measurements is I\(y / z\); counts .* offset=, .* trials="),
        ("`a b` / `c d` ~ x", r"A ratio of measurements is I\(`a b` / `c d`\)"),
        ("y / (z:w) ~ x", r"its terms are: y, y:z:w\.$"),
        (3, "must be a string"),
        ("y + (1 | g) ~ x", r"\(1 \| g\) belongs to the right"),
        ("y ~ x)", "never opened"),
        ("y ~ ``", "`` is no name in formulas"),
        ("1 ~ x", "must be one response; its terms are: 1"),
        ("y:x ~ z", "must be one response"),
        ("C(y) ~ z", "makes categories"),
        ("y ~ y", "'y' cannot be on the right"),
        ("y ~ (1 | y)", "'y' cannot be on the right"),
        ("y ~ (1 | y:g)", "'y' cannot be on the right"),
        ("y ~ (1 | g / y)", "'y' cannot be on the right"),
        ("y ~ (y | g)", "'y' cannot be on the right"),
        ("y ~ x + (0 + log(y) | g)", "'y' cannot be on the right"),
        ("log(y) ~ (scale(y) || g)", "the response is calculated from 'y', which cannot be on the right"),
        ("y ~ (Intercept | g)", "cannot be called 'Intercept'"),
        ("y ~ (`1` | g)", "reads as a number"),
        ("y ~ x + 1 | g", r"within parentheses, as in \(1 \| g\) for an intercept and \(1 \+ x \| g\) for"),
        ("(x | g) ~ z", r"\(x \| g\) belongs to the right"),
        ("y ~ z + (x ~ w | g)", "one '~'"),
        ("y (~ | g)", "'~'"),
        ("y ~ log(y)", "'y' cannot be on the right"),
        ("y ~ x:scale(y)", "'y' cannot be on the right"),
        ("log(y) ~ x + y", "the response is calculated from 'y', which cannot be on the right"),
        ("log(`a b`) ~ x + C(`a b`)", "the response is calculated from 'a b', which cannot be on the right"),
        ("log(y) ~ x + (1 | y)", "the response is calculated from 'y', which cannot be on the right"),
        ("I(y / w) ~ x * w + exp(y)", "calculated from 'w', 'y', which cannot be on the right"),
        ("y ~ 2:x", r"numbers other than 0 and 1 .* I\(2 \* x\)"),
        ("y ~ x:3:z", "numbers other than 0 and 1"),
        ("y ~ (2 + x):z", "numbers other than 0 and 1"),
        ("y ~ z + x:(w + 0.5)", "numbers other than 0 and 1"),
        ("y ~ x - 2", "numbers other than 0 and 1"),
        ("y ~ 0*x", "a 0 stands in sums alone"),
        ("y ~ z + 0:x", "a 0 stands in sums alone"),
        ("y ~ x:0", "a 0 stands in sums alone"),
        ("y ~ x / 0", "a 0 stands in sums alone"),
        ("y ~ 1*x", "a 1 stands in sums alone"),
        ("y ~ Intercept", "cannot be called 'Intercept'"),
        ("y ~ `1`", "reads as a number"),
        ("y ~ .", "name the columns"),
        ("y ~ `\ud800`", "not valid Unicode"),
        ("y ~ x**2", r"write I\(x\*\*2\)"),
        ("y ~ x^3", "stands for their interactions"),
        ("y ~ (a + b)**0", "cannot be read|integer from 1 to 100"),
        ("y ~ (a + b)**1000000000", "integer from 1 to 100"),
        ("y ~ " + "*".join(f"x{k}" for k in range(40)), "more than 20,000 terms"),
        ("y ~ " + " + ".join(["x"] * 40_000), "too long"),
    ],
)
def test_what_is_no_formula_is_refused(text, words):
    with pytest.raises(sh.FormulaError, match=words):
        parse(text)


@pytest.mark.parametrize(
    "text",
    ["I(y - x) ~ x", "I(y - g) ~ x + (1 | g)", "log(y) ~ `log(y)`", "y ~ (0 + x):z", "y ~ (x - 1)*z", "y ~ 0 + x:z"],
)
def test_what_only_looks_like_it_is_accepted(text):
    assert parse(text).text == text
