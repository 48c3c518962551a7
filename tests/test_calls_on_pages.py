"""What pages call is there: names of the package with their keywords, and parameters."""

import ast
import inspect
import re
from pathlib import Path

import cmdstanpy
import numpy as np
import pandas as pd
import pytest

import stanhier as sh
from scripts.pages import reference
from stanhier.stan.keyword_types import SampleKeywords

ROOT = Path(__file__).parents[1]
PAGES = ROOT / "scripts" / "pages"
COMING_FROM = sorted((PAGES / "coming_from").glob("*.md"))
OTHERS = [
    ROOT / "README.md",
    *(path for path in sorted(PAGES.rglob("*.md")) if path not in COMING_FROM),
    *sorted(PAGES.glob("*/*.py")),
]
KNOWN = {"sh": sh, "model": sh.Model, "fit": sh.Fit, "fits": reference.results()["ManyFits"]}
FENCED = re.compile(r"^ *```python\n(.*?)^ *```", re.DOTALL | re.MULTILINE)


def calls(path):
    """The pieces of our own code between backticks on a page."""
    text = path.read_text()
    if path.suffix == ".py":  # its comments are reStructuredText; what is no comment is run by the build
        found = re.findall(r"``([^`]+)``", "\n".join(re.findall(r"^# (.*)$", text, re.MULTILINE)))
    else:
        found = re.findall(r"`([^`\n]+)`", FENCED.sub("", text.replace("\\|", "|")))
    return [code for code in found if re.search(r"\b(sh|model|fit|fits)\.\w", code)]


def keywords_of(function):
    """The names that a function takes by keyword; those of Stan's sampler too, where it hands them on."""
    parameters = inspect.signature(function).parameters.values()
    names = {parameter.name for parameter in parameters}
    takes_more = any(parameter.kind is parameter.VAR_KEYWORD for parameter in parameters)
    return names | set(SampleKeywords.__annotations__) if takes_more else names


def check(code):
    """Compare the names and keywords in a piece of code with the package, and say how many there were."""
    checked = 0
    for node in ast.walk(ast.parse(code)):
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id in KNOWN:
            assert hasattr(KNOWN[node.value.id], node.attr), code
            checked += 1
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            owner = node.func.value
            if isinstance(owner, ast.Name) and owner.id in KNOWN:
                function = getattr(KNOWN[owner.id], node.func.attr)
                assert {keyword.arg for keyword in node.keywords} <= keywords_of(function), code
    return checked


@pytest.mark.parametrize("path", COMING_FROM, ids=lambda path: path.stem)
def test_calls_on_pages_for_users_of_other_packages_exist(path):
    """Tables have a call in each row; what stands on the right must be there, with its keywords."""
    columns = {line.split("|")[1].strip() for line in path.read_text().splitlines() if line.startswith("| `")}
    theirs = " ".join(columns).replace("\\", "")
    ours = [code for code in calls(path) if code not in theirs]  # fit and model are names of other packages too
    checked = sum(check(code) for code in [*ours, *FENCED.findall(path.read_text())])
    assert checked >= (10 if path.stem != "index" else 1)


@pytest.mark.parametrize("path", OTHERS, ids=lambda path: path.stem)
def test_calls_between_backticks_exist(path):
    found = calls(path)
    assert sum(check(code) for code in found) >= len(found)


def test_calls_of_cmdstanpy_exist():
    table = (PAGES / "coming_from" / "cmdstanpy.md").read_text().split("## What differs")[0]
    theirs = " ".join(line.split(" | ")[0] for line in table.splitlines() if line.startswith("| "))
    named = re.findall(r"\b(model|fit|cmdstanpy)\.(\w+)\(", theirs)
    assert len(named) > 8
    owners = {"model": cmdstanpy.CmdStanModel, "fit": cmdstanpy.CmdStanMCMC, "cmdstanpy": cmdstanpy}
    assert not [(owner, name) for owner, name in named if not hasattr(owners[owner], name)]


PARAMETERS = [path for path in COMING_FROM if "name | here |" in path.read_text()]


@pytest.mark.parametrize("path", PARAMETERS, ids=lambda path: path.stem)
def test_parameters_on_pages_for_users_of_other_packages_exist(path):
    """Their names stand beside ours, those of the numbers of a posterior."""
    data = pd.DataFrame({"x": np.arange(12.0), "g": list("abcd") * 3, "y": np.arange(12) % 5})
    models = [sh.Model("y ~ x + (1 + x | g)", data, family=one) for one in ("student_t", "negative_binomial")]
    ours = {name for model in models for parameter in model.parameters for name in parameter.scalar_names}
    rows = path.read_text().split("name | here |\n")[1].split("\n\n")[0].splitlines()[1:]
    named = [name for row in rows for name in re.findall(r"`([^`]+)`", row.split(" | ")[-1])]
    assert len(named) > 4
    assert set(named) <= ours


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
