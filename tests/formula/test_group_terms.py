import pytest

import stanhier as sh
from stanhier.formula.group_terms import split_group_terms


@pytest.mark.parametrize(
    ("text", "common", "terms"),
    [
        ("y ~ x", "y ~ x", []),
        ("y ~ x + (1 | g)", "y ~ x", [("1", "g", True)]),
        ("y ~ (1 | g)", "y ~1", [("1", "g", True)]),
        ("y ~ + (1 | g)", "y ~1", [("1", "g", True)]),
        ("y ~ (1 | g) + x", "y ~ x", [("1", "g", True)]),
        ("y ~ x + (1 + x || g) + z", "y ~ x + z", [("1 + x", "g", False)]),
        ("y ~ (x | a) + (0 + z | `b|c`) + w", "y ~ w", [("x", "a", True), ("0 + z", "`b|c`", True)]),
        ("y ~ (1 | a / b) + (1 | c)", "y ~1", [("1", "a / b", True), ("1", "c", True)]),
        ("y ~ (scale(x) + C(k) | g)", "y ~1", [("scale(x) + C(k)", "g", True)]),
    ],
)
def test_any_number_of_terms_is_taken_apart(text, common, terms):
    left, found = split_group_terms(text)
    assert left == common
    assert [(term.effects, term.factors, term.correlated) for term in found] == terms


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("y ~ ((1 | g) | h)", "within another one"),
        ("y ~ (x + (1 | g) | h)", "within another one"),
        ("y ~ (1 | g | h)", r"\(1 \| g \| h\) has 2 bars; .* terms of their own, \(1 \| g\) \+ \(1 \| h\)"),
        ("y ~ (1 ||| g)", r"has 3 bars; .* or two side by side, \(1 \+ x \|\| g\)"),
        ("y ~ (1 | | g)", "has 2 bars"),
        ("y ~ (I(x | z) | g)", "has 2 bars"),
        ("y ~ (x]", "']' at position 7 was never opened"),
        ("y ~ x[1", r"'\[' at position 6 is never closed"),
        ("y ~ " + " + ".join(["(1 | g)"] * 21), "has 21 grouping terms, and 20 are the most"),
    ],
)
def test_terms_that_do_not_fit_together_are_refused(text, words):
    with pytest.raises(sh.FormulaError, match=words):
        split_group_terms(text)


@pytest.mark.parametrize(
    ("predictors", "words"),
    [
        ("x + (1 | g) * z", r"after it stands '\*'"),
        ("(x + (1 | g)) : z", "within parentheses, and after them stands ':'"),
        ("((x + (1 | g)) + z)**2", r"within parentheses, and after them stands '\*'"),
        ("z * (x + (1 | g))", r"within parentheses, and before them stands '\*'"),
        ("x - (z + (1 | g))", "within parentheses, and before them stands '-'"),
        ("x * (1 | g) * z", r"before it stands '\*'"),
        ("x:(1 | g)", "before it stands ':'"),
        ("x / (1 | g)", "before it stands '/'"),
        ("x - (1 | g)", "before it stands '-'"),
        ("x * + (1 | g) + z", r"before it stands '\*'"),
        ("x in + (1 | g) + z", "before it stands another term"),
        ("x %in% (1 | g)", "before it stands '%'"),
        ("log(x + 3)(1 | g)", "before it stands another term"),
        ("(1 | g) x", "after it stands another term"),
        ("x + (1 | g)z", "after it stands another term"),
        ("(1 | g) `a`", "after it stands another term"),
        ("x + ((1 | g)) * z", r"after it stands '\*'"),
        ("(1 | g)**2", r"after it stands '\*'"),
        ("(1 | g) +", r"the '\+' after it adds nothing"),
        ("x + (1 | g) + * z", r"the '\+' after it adds nothing"),
        ("0 + (+ (1 | g))", "within parentheses of its own"),
    ],
)
def test_a_term_that_is_not_added_is_refused(predictors, words):
    said = rf"the grouping term \(1 \| g\) can only be added .*{words}; write it last, y ~ \.\.\. \+ \(1 \| g\)"
    with pytest.raises(sh.FormulaError, match=said):
        split_group_terms(f"y ~ {predictors}")


@pytest.mark.parametrize(
    ("predictors", "common"),
    [
        ("0 + x + (1 | g)", "0 + x"),
        ("x - 1 + (1 | g)", "x - 1"),
        ("x + (1 | g) - 1", "x - 1"),
        ("x\n  + (1 | g)\n  + z", "x\n  + z"),
        ("(x + (1 | g))", "(x)"),
        ("x + ((1 | g) + z)", "x + ( z)"),
        ("(x + (1 | g)) + z", "(x) + z"),
        ("((1 | g))", "1"),
        ("0 + ((1 | g))", "0"),
        ("x*z + (1 | g) + x:k", "x*z + x:k"),
        ("`p * (1 | q)` + (1 | `a (| b`)", "`p * (1 | q)`"),
        ("C(t, Treatment('b*(|')) + (1 | g)", "C(t, Treatment('b*(|'))"),
    ],
)
def test_a_term_that_is_added_leaves_the_others_as_they_are(predictors, common):
    left, found = split_group_terms(f"y ~ {predictors}")
    assert left.removeprefix("y ~").strip() == common
    assert [term.effects for term in found] == ["1"]
