"""What the README shows as code runs as it stands there, where it needs no data of the reader's own."""

import re
from pathlib import Path

import pandas as pd
import pytest

import stanhier as sh

ROOT = Path(__file__).parents[1]
BLOCKS = re.findall(
    r"^```python\n(.*?)^```", (ROOT / "README.md").read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE
)


def runnable():
    return [block for block in BLOCKS if "examples/data/" in block]


def test_the_blocks_are_found():
    assert len(runnable()) == 2
    for block in BLOCKS:
        compile(block, "README.md", "exec")


@pytest.mark.slow
@pytest.mark.parametrize("block", runnable(), ids=lambda block: block.split("\n")[0][:20])
@pytest.mark.filterwarnings("ignore::stanhier.SamplingWarning")  # one row of the sleep study surprises
def test_a_block_runs(block, cmdstan_home, tmp_path, monkeypatch, capsys):
    for folder in ("examples",):
        (tmp_path / folder).symlink_to(ROOT / folder)
    monkeypatch.chdir(tmp_path)
    names = {"pd": pd, "sh": sh}
    exec(compile(block, "README.md", "exec"), names)
    assert isinstance(names["fit"], sh.Fit)
    assert names["fit"].diagnose().ok


def test_every_grouping_term_of_the_table_is_taken():
    rows = (ROOT / "README.md").read_text(encoding="utf-8").split("### Effects that vary by groups")[1].split("```")[0]
    terms = [term.replace("\\|", "|") for term in re.findall(r"^\| `([^`]*)`", rows, re.MULTILINE)]
    assert len(terms) == 8
    n = 96
    columns = {name: [(7 * k**2 + 3 * k * seed) % (seed + 4) for k in range(n)] for seed, name in enumerate("xzk")}
    groups = {
        name: [k * factor % size for k in range(n)] for name, factor, size in (("g", 1, 8), ("a", 5, 6), ("b", 7, 9))
    }
    data = pd.DataFrame({"y": [(k * k * 13) % 17 for k in range(n)], **columns, **groups})
    for term in terms:
        model = sh.Model(f"y ~ x + {term}", data)
        assert {"sd_g", "sd_a:b", "sd_a"} & set(model.parameters.population), term
