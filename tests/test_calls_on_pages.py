"""What pages call is there: names of the package with their keywords, and parameters."""

import ast
import inspect
import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import stanhier as sh
from stanhier.stan.keyword_types import SampleKeywords

PAGES = Path(__file__).parents[1] / "scripts" / "pages"
COMING_FROM = sorted((PAGES / "coming_from").glob("*.md"))
FENCED = re.compile(r"^```python\n(.*?)^```", re.DOTALL | re.MULTILINE)


def calls(path):
    """The pieces of our own code between backticks on a page."""
    text = FENCED.sub("", path.read_text().replace("\\|", "|"))
    return [code for code in re.findall(r"`([^`\n]+)`", text) if re.match(r"(sh|model|fit|fits)\.\w", code)]


def keywords_of(function):
    """The names that a function takes by keyword; those of Stan's sampler too, where it hands them on."""
    parameters = inspect.signature(function).parameters.values()
    names = {parameter.name for parameter in parameters}
    takes_more = any(parameter.kind is parameter.VAR_KEYWORD for parameter in parameters)
    return names | set(SampleKeywords.__annotations__) if takes_more else names


@pytest.mark.parametrize("path", COMING_FROM, ids=lambda path: path.stem)
def test_calls_on_pages_for_users_of_other_packages_exist(path):
    """Tables have a call in each row; what stands on the right must be there, with its keywords."""
    known = {"sh": sh, "model": sh.Model, "fit": sh.Fit}
    columns = {line.split("|")[1].strip() for line in path.read_text().splitlines() if line.startswith("| `")}
    theirs = " ".join(columns).replace("\\", "")
    ours = [code for code in calls(path) if code not in theirs]  # fit and model are names of other packages too
    checked = 0
    for code in [*ours, *FENCED.findall(path.read_text())]:
        for node in ast.walk(ast.parse(code)):
            if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id in known:
                assert hasattr(known[node.value.id], node.attr), code
                checked += 1
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
                owner = node.func.value
                if isinstance(owner, ast.Name) and owner.id in known:
                    function = getattr(known[owner.id], node.func.attr)
                    assert {keyword.arg for keyword in node.keywords} <= keywords_of(function), code
    assert checked >= (10 if path.stem != "index" else 1)


def test_formulas_and_priors_for_users_of_other_packages_are_taken():
    """Every model that is named with its data there can be made."""
    rng = np.random.default_rng(1)
    names = {"g": 6, "a": 4, "b": 8}
    data = pd.DataFrame({name: rng.integers(0, n, 96) for name, n in names.items()})
    data = data.assign(
        x=rng.standard_normal(96), s=rng.integers(1, 4, 96), n=5, trials=5, w=1.0, log_w=0.0, log_hours=0.0
    )
    numbers = data.assign(y=rng.standard_normal(96), successes=data["s"])
    counts = numbers.assign(y=rng.integers(0, 2, 96))
    made = 0
    for code in [code for path in COMING_FROM for code in calls(path) if re.match(r"sh\.[A-Z]\w+\(\"", code)]:
        rows = counts if "family=" in code and "student_t" not in code else numbers
        model = eval(code, {"sh": sh, "data": rows, "d": rows})
        assert isinstance(model, sh.Model), code
        made += 1
    assert made > 20
