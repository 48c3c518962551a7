"""What the README and the pages in detail show as code runs as it stands there."""

import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import stanhier as sh
from stanhier.engines.multilevel.cross_products import MAX_VALUES
from stanhier.engines.multilevel.sizes import MOST_DENSE, MOST_KEPT

ROOT = Path(__file__).parents[1]
DETAIL = ROOT / "scripts" / "pages" / "detail"
PAGES = [ROOT / "README.md", *sorted(DETAIL.glob("*.md"))]
BLOCKS = [
    block
    for page in PAGES
    for block in re.findall(r"^```python\n(.*?)^```", page.read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE)
]


def runnable():
    return [block for block in BLOCKS if "sh.datasets." in block]


def test_the_blocks_are_found():
    assert len(runnable()) == 4
    for block in BLOCKS:
        compile(block, "page", "exec")


@pytest.mark.slow
@pytest.mark.parametrize("block", runnable(), ids=lambda block: block.split("\n")[0][:20])
@pytest.mark.filterwarnings("ignore::stanhier.SamplingWarning")  # one row of the sleep study surprises
def test_a_block_runs(block, cmdstan_home, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    names = {"pd": pd, "sh": sh}
    exec(compile(block, "page", "exec"), names)
    assert isinstance(names["fit"], sh.Fit)
    assert names["fit"].diagnose().ok


def test_the_limits_are_those_of_the_engine():
    text = " ".join((DETAIL / "models.md").read_text(encoding="utf-8").split())
    assert f"have at most {MOST_DENSE} effects together" in text
    assert f"at most {MOST_KEPT // 1_000_000} million" in text
    location = 3  # an intercept and two slopes; beside them stands the response
    numbers_of_a_group = 3 * (location + 1) * (location + 2) // 2
    assert f"about {MAX_VALUES // numbers_of_a_group // 100_000 * 100_000:,} groups with one slope" in text


def test_every_grouping_term_of_the_table_is_taken():
    rows = (DETAIL / "models.md").read_text(encoding="utf-8").split("## Effects that vary by groups")[1].split("```")[0]
    terms = [term.replace("\\|", "|") for term in re.findall(r"^\| `([^`]*)`", rows, re.MULTILINE)]
    assert len(terms) == 8
    rng = np.random.default_rng(1)
    sizes = {"x": 11, "z": 9, "k": 3, "g": 8, "a": 6, "b": 9}
    data = pd.DataFrame({"y": rng.standard_normal(96), **{name: rng.integers(0, n, 96) for name, n in sizes.items()}})
    for term in terms:
        model = sh.Model(f"y ~ x + {term}", data)
        assert {"sd_g", "sd_a:b", "sd_a"} & set(model.parameters.population), term
