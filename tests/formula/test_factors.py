import pytest

import stanhier as sh
from stanhier.formula.factors import expanded_factors
from stanhier.formula.group_terms import split_group_terms


def factors_of(written):
    text = f"y ~ {written if written.startswith('(x') else f'(1 | {written})'}"
    (term,) = split_group_terms(text)[1]
    return expanded_factors(term, text)


@pytest.mark.parametrize(
    ("written", "factors"),
    [
        ("g", [("g",)]),
        ("a.b", [("a.b",)]),
        ("größe", [("größe",)]),
        ("class", [("class",)]),
        ("`my group`", [("my group",)]),
        ("`1`", [("1",)]),
        ("`a/b`", [("a/b",)]),
        ("`a:b`", [("a:b",)]),
        ("a:b", [("a", "b")]),
        ("b:a", [("b", "a")]),
        ("a:b:c", [("a", "b", "c")]),
        ("a / b", [("a",), ("a", "b")]),
        ("a/b/c", [("a",), ("a", "b"), ("a", "b", "c")]),
        ("a:b/c", [("a", "b"), ("a", "b", "c")]),
        ("a/b:c", [("a",), ("a", "b", "c")]),
        ("`a / x` / `b|c`", [("a / x",), ("a / x", "b|c")]),
    ],
)
def test_nesting_is_expanded_as_lme4_does(written, factors):
    assert list(factors_of(written)) == factors


@pytest.mark.parametrize(
    ("written", "words"),
    [
        ("", r"\(1 \|\) names no groups"),
        ("   ", "names no groups"),
        ("g + h", r"crossed groups are terms of their own; write \(1 \| g\) \+ \(1 \| h\)\."),
        ("(x || g + h)", r"write \(x \|\| g\) \+ \(x \|\| h\)\."),
        ("`my g` + h/k", r"write \(1 \| `my g`\) \+ \(1 \| h/k\)\."),
        ("a:b + c", r"write \(1 \| a:b\) \+ \(1 \| c\)\."),
        ("a * b", r"a product of groups is written out; write \(1 \| a\) \+ \(1 \| b\) \+ \(1 \| a:b\)\."),
        ("`a*b` * c", r"write \(1 \| `a\*b`\) \+ \(1 \| c\) \+ \(1 \| `a\*b`:c\)\."),
        ("a*b*c", r"\(1 \| a:c\) \+ \(1 \| b:c\) \+ \(1 \| a:b:c\)\."),
        ("a*b*c*d", "combined by ':' and '/' alone"),
        ("C(g)", r"'C\(g\)' stands where .* groups are the values of columns as they are"),
        ("log(g)", "groups are the values of columns as they are"),
        ("a / factor(b)", r"'factor\(b\)' stands where"),
        ("gr(g, by=x)", "no weights, covariances or memberships"),
        ("mm(g, h)", "no weights, covariances or memberships"),
        ("1", r"a number is none.*\(1 \| `1`\)"),
        ("0", "a number is none"),
        ("2nd", r"begins like one stands in backticks: \(1 \| `2nd`\)"),
        ("a:1", "'1' stands where"),
        ("my group", r"backticks: \(1 \| `my group`\)"),
        ("my-group", "stands in backticks"),
        ("a^2", "combined by ':' and '/' alone"),
        ("a - b", "combined by ':' and '/' alone"),
        ("a & b", "combined by ':' and '/' alone"),
        ("a %in% b", r"combinations: \(1 \| a:b\)"),
        ("a in b", r"combinations: \(1 \| a:b\)"),
        ("(g)", "without parentheses"),
        ("a/(b:c)", "without parentheses"),
        ("'g'", "quotation marks"),
        ("{g}", "without parentheses"),
        ("[g]", "without parentheses"),
        ("a/", r"nothing stands where .* \(1 \| a / b\) for \(1 \| a\) \+ \(1 \| a:b\)"),
        ("/a", "nothing stands where"),
        ("a//b", "nothing stands where"),
        ("a::b", "nothing stands where"),
        ("a + ", "'a \\+' stands where"),
        ("``", "stands where"),
        (".", "stands where"),
        ("g, h", "stands where"),
        ("a:a", r"\(1 \| a:a\) names the column 'a' twice"),
        ("a/b/a", "names the column 'a' twice"),
        ("a/`a`", "names the column 'a' twice"),
        ("/".join(f"a{k}" for k in range(21)), "combines 21 columns, and 20 are the most"),
        (":".join(f"a{k}" for k in range(5000)), "combines 5,000 columns, and 20 are the most"),
    ],
)
def test_anything_else_is_refused_with_what_to_write(written, words):
    with pytest.raises(sh.FormulaError, match=words) as refusal:
        factors_of(written)
    assert len(str(refusal.value)) < 1200
