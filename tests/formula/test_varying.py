import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import stanhier as sh
from stanhier.formula.parse import parse


def terms_of(right):
    """Name, effects, whether there is an intercept, and whether they are correlated, term by term."""
    return [
        (term.name, [str(effect) for effect in term.effects], term.has_intercept, term.correlated)
        for term in parse(f"y ~ {right}").terms
    ]


@pytest.mark.parametrize(
    ("right", "terms"),
    [
        ("x", []),
        ("(1 | g)", [("g", ["1"], True, True)]),
        ("(1 || g)", [("g", ["1"], True, False)]),
        ("(1 + x | g)", [("g", ["1", "x"], True, True)]),
        ("(x | g)", [("g", ["1", "x"], True, True)]),
        ("(x + 1 | g)", [("g", ["1", "x"], True, True)]),
        ("((1 + x) | g)", [("g", ["1", "x"], True, True)]),
        ("(0 + x | g)", [("g", ["x"], False, True)]),
        ("(x - 1 | g)", [("g", ["x"], False, True)]),
        ("(-1 + x | g)", [("g", ["x"], False, True)]),
        ("(x || g)", [("g", ["1", "x"], True, False)]),
        ("(1 + x + z + C(k) | g)", [("g", ["1", "x", "z", "C(k)"], True, True)]),
        ("(scale(x) + C(k) | g)", [("g", ["1", "scale(x)", "C(k)"], True, True)]),
        ("(x*z | g)", [("g", ["1", "x", "z", "x:z"], True, True)]),
        ("(bs(x, df=4) | g)", [("g", ["1", "bs(x, df=4)"], True, True)]),
        ("(1 | a / b)", [("a", ["1"], True, True), ("a:b", ["1"], True, True)]),
        ("(x || a/b/c)", [(name, ["1", "x"], True, False) for name in ("a", "a:b", "a:b:c")]),
        ("(1 | a:b) + x", [("a:b", ["1"], True, True)]),
        ("x + (1 + x | a) + z + (1 | b)", [("a", ["1", "x"], True, True), ("b", ["1"], True, True)]),
        ("(1 | g) + (0 + x | g)", [("g", ["1"], True, True), ("g", ["x"], False, True)]),
        ("(0 + x | g) + (1 | g)", [("g", ["x"], False, True), ("g", ["1"], True, True)]),
        ("(1 | a:b) + (0 + x | b:a)", [("a:b", ["1"], True, True), ("a:b", ["x"], False, True)]),
        ("(`my x` | `my g` / h)", [(name, ["1", "my x"], True, True) for name in ("my g", "my g:h")]),
        ("(C(a) | b) + (C(b) | a)", [("b", ["1", "C(a)"], True, True), ("a", ["1", "C(b)"], True, True)]),
        ("C(g) + (1 | g)", [("g", ["1"], True, True)]),
        ("(x | x2) + (x2 | x)", [("x2", ["1", "x"], True, True), ("x", ["1", "x2"], True, True)]),
    ],
)
def test_what_varies_is_read_as_lme4_does(right, terms):
    assert terms_of(right) == terms


@pytest.mark.parametrize(
    ("right", "common", "has_intercept"),
    [
        ("(1 + x | g)", ["1"], True),
        ("(0 + x | g)", ["1"], True),
        ("(x | g) + (1 | h)", ["1"], True),
        ("0 + (1 + x | g)", [], False),
        ("0 + z + (x | g)", ["z"], False),
        ("z + (x | g) - 1", ["z"], False),
        ("(x | g) + z", ["1", "z"], True),
    ],
)
def test_the_common_part_is_what_stands_outside(right, common, has_intercept):
    parsed = parse(f"y ~ {right}")
    assert [str(term) for term in parsed.common.rhs] == common
    assert parsed.has_intercept is has_intercept


@pytest.mark.parametrize(
    ("right", "group"),
    [
        ("x", None),
        ("(1 | g)", "g"),
        ("x + (1 || `my g`)", "my g"),
        ("(x | g)", None),
        ("(0 + x | g)", None),
        ("(1 | a:b)", None),
        ("(1 | a/b)", None),
        ("(1 | a) + (1 | b)", None),
        ("(1 | g) + (0 + x | g)", None),
    ],
)
def test_the_group_is_that_of_a_varying_intercept_alone(right, group):
    assert parse(f"y ~ {right}").group == group


def test_columns_are_those_of_all_parts():
    parsed = parse("log(y) ~ x + (scale(z) + C(k) | b / a) + (log(`my w`) || c:b)")
    assert parsed.columns == ("k", "my w", "x", "y", "z")
    assert parsed.predictor_columns == ("k", "my w", "x", "z")
    assert parsed.factor_columns == ("b", "a", "c")
    assert parsed.calculated == {"y", "z", "my w"}
    assert parsed.labels == {"k"}
    assert {"log(y)", "scale(z)", "C(k)"} < set(parsed.expressions)
    assert [term.text for term in parsed.terms] == ["scale(z) + C(k) | b / a"] * 2 + ["log(`my w`) || c:b"]


def test_effects_count_for_what_a_row_depends_on():
    assert parse("y ~ x + (log(z) | g)").is_row_by_row
    assert not parse("y ~ x + (center(z) | g)").is_row_by_row


def test_effects_may_call_functions_of_the_users_own():
    assert parse("y ~ (f(x) | g)", {"f": np.sin, "h": np.cos}).context == {"f": np.sin}
    with pytest.raises(sh.FormulaError, match="'f' is a function and a column here"):
        parse("y ~ f + (f(x) | g)", {"f": np.sin})
    with pytest.raises(sh.FormulaError, match="calls 'f'"):
        parse("y ~ (f(x) | g)")


@pytest.mark.parametrize(
    ("right", "words"),
    [
        ("(1 | g) + (1 | g)", r"the intercept varies twice by 'g', in \(1 \| g\) and in \(1 \| g\)"),
        ("(1 + x | g) + (x | g)", "the intercept and 'x' vary twice by 'g'"),
        ("(x + z | g) + (0 + z | g)", r"'z' varies twice by 'g', in \(x \+ z \| g\) and in \(0 \+ z \| g\)"),
        ("(x || g) + (1 | g)", "the intercept varies twice by 'g'"),
        ("(x | g) + (1 | h) + (x | g)", "the intercept and 'x' vary twice by 'g'"),
        ("(1 | a/b) + (1 | a)", "the intercept varies twice by 'a'.*where a / b stands for a and a:b; leave it out"),
        ("(1 | a/b) + (1 | a/c)", "the intercept varies twice by 'a'"),
        ("(1 | a:b) + (1 | b:a)", "the intercept varies twice by 'a:b'"),
        ("(x:z | g) + (0 + z:x | g)", "varies twice by 'g'"),
        ("(log(`my x`) | g) + (0 + log(`my x`) | g)", r"'log\(`my x`\)' varies twice by 'g'"),
        ("(1 | `a:b`) + (0 + x | a:b)", "two grouping factors are called 'a:b'.*rename the column"),
        ("(0 | g)", r"\(0 \| g\) lets nothing vary; write \(1 \| g\)"),
        ("(-1 | g)", "lets nothing vary"),
        ("(0 + 0 || g)", "lets nothing vary"),
        ("(| g)", r"\(\| g\) does not say what varies; write \(1 \| g\)"),
        ("( || g)", "does not say what varies"),
        ("(1 | )", "names no groups"),
        ("(|)", "does not say what varies"),
        ("(2 | g)", "numbers other than 0 and 1"),
        ("(2*x | g)", "numbers other than 0 and 1"),
        ("(x**2 | g)", r"write I\(x\*\*2\)"),
        ("(. | g)", "name the columns"),
        ("(x + | g)", "misses a term"),
        ("(x z | g)", "two names stand side by side"),
        ("(x, z | g)", r"added with '\+'"),
        ("(x < 1 | g)", r"write I\(x < 1\)"),
        ("(x - z | g)", "takes away a term that is not there"),
        ("(mo(x) | g)", "no counterpart"),
        ("(offset(x) | g)", "an offset stands beside the formula"),
        ("(s(x) | g)", "no penalised smooths"),
        ("(factor(x) | g)", r"write C\(x\)"),
        (f"({' + '.join(f'x{k}' for k in range(101))} | g)", "lets 102 terms vary, and 100 are the most"),
        (f"(({' + '.join(f'x{k}' for k in range(30))})**2 | g)", "more than 100 terms"),
        (f"(1 | {'/'.join('abcdefghijkl')}) + (1 | {'/'.join('mnopqrstuvwx')})", "more than 20 grouping terms"),
        (
            " + ".join(f"({' + '.join(f'I(x + {20 * j + k})' for k in range(20))} | g{j})" for j in range(16)),
            "300 diff",
        ),
    ],
)
def test_what_says_something_twice_or_nothing_is_refused(right, words):
    with pytest.raises(sh.FormulaError, match=words) as refusal:
        parse(f"y ~ {right}")
    assert len(str(refusal.value)) < 2500


NAMES = ["g", "h", "`my g`", "k.1"]
EFFECTS = ["x", "z", "`my x`", "log(x)", "C(k)", "x:z"]


@settings(max_examples=200, deadline=None)
@given(
    intercept=st.sampled_from(["", "0 + ", "1 + "]),
    effects=st.lists(st.sampled_from(EFFECTS), min_size=1, unique=True),
    bar=st.sampled_from(["|", " | ", "||"]),
    factors=st.lists(st.sampled_from(NAMES), min_size=1, unique=True),
    sign=st.sampled_from(["/", " / ", ":"]),
    before=st.sampled_from(["", "x + ", "0 + w + "]),
)
def test_every_combination_that_lme4_takes_is_taken(intercept, effects, bar, factors, sign, before):
    parsed = parse(f"y ~ {before}({intercept}{' + '.join(effects)}{bar}{sign.join(factors)})")
    names = [name.strip("`") for name in factors]
    nested = [tuple(names[: n + 1]) for n in range(len(names))]
    assert [term.factors for term in parsed.terms] == (nested if "/" in sign else nested[-1:])
    for term in parsed.terms:
        assert term.has_intercept == (intercept != "0 + ")
        assert term.correlated == (bar != "||")
        assert len(term.effects) == len(effects) + term.has_intercept
    assert parsed.group is None
