"""Formulaic's own parts are used in one file, which a new version of it may break."""

import ast
import re
from pathlib import Path

import pandas as pd
import pytest

import stanhier as sh
from stanhier.formula.formulaic_parts import call_text, categories_of, evaluate_expression, state_of, tokens_of

DOCUMENTED = {"formulaic", "formulaic.errors", "formulaic.formula"}
PACKAGE = Path(sh.__file__).parent


def test_no_other_file_uses_what_is_not_documented():
    for path in PACKAGE.rglob("*.py"):
        text = path.read_text(encoding="utf-8")
        if path.name != "formulaic_parts.py":
            modules = set(re.findall(r"^\s*(?:from|import) (formulaic[\w.]*)", text, flags=re.MULTILINE))
            assert modules <= DOCUMENTED, path
            assert not re.search(r"\.(transform_state|encoder_state|eval_method|operator_resolver)\b", text), path


def test_tokens_have_their_places():
    text = "y ~ log(`my col`) + {x + 1}:`a b`"
    found = [(kind, token, text[start:stop]) for kind, token, start, stop in tokens_of(text)]
    assert found == [
        ("name", "y", "y"),
        ("operator", "~", "~"),
        ("python", "log(`my col`)", "log(`my col`)"),
        ("operator", "+", "+"),
        ("python", "x + 1", "{x + 1"),
        ("operator", ":", ":"),
        ("name", "a b", "`a b"),
    ]


def test_what_a_call_has_learnt_is_found():
    data = pd.DataFrame({"y": [1.0, 2.0, 4.0], "x": [1.0, 2.0, 6.0]})
    spec = sh.LinearRegression("y ~ center(x)", data).design.columns.specs[0]
    (call,) = (node for node in ast.walk(ast.parse("center( x )")) if isinstance(node, ast.Call))
    assert state_of(spec, call_text(call))["center"] == pytest.approx(3.0)
    assert state_of(spec, "center(z)") is None


def test_expressions_are_evaluated_with_transforms_and_functions_of_the_users_own():
    index = pd.Index([3, 5, 7])
    columns = {"x": pd.Series([1.0, 2.0, 6.0], index=index)}
    values = evaluate_expression("center(f(x))", columns, {"f": lambda x: 2 * x}, index)
    assert values.tolist() == [-4.0, -2.0, 6.0]
    assert values.index.equals(index)


def test_levels_that_were_learnt_are_found():
    data = pd.DataFrame({"y": [1.0, 2.0, 4.0, 3.0, 7.0, 5.0], "x": [1.0, 2.0, 6.0, 4.0, 3.0, 1.5]})
    data = data.assign(k=list("abbaba"), p=[3, 1, 3, 1, 1, 3])
    spec = sh.LinearRegression("y ~ x + k + C(p)", data).design.columns.specs[0]
    found = {expression: (names & {"k", "p", "x"}, levels) for expression, names, levels in categories_of(spec)}
    assert found == {"k": ({"k"}, ["a", "b"]), "C(p)": ({"p"}, [1, 3])}
