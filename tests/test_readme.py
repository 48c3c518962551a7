"""What the README and the pages in detail show as code runs as it stands there."""

import functools
import re
import textwrap
from pathlib import Path

import dask.dataframe
import duckdb
import numpy as np
import pandas as pd
import polars as pl
import pytest

import stanhier as sh
from stanhier.engines.multilevel.cross_products import MAX_VALUES
from stanhier.engines.multilevel.sizes import MOST_DENSE, MOST_KEPT

ROOT = Path(__file__).parents[1]
DETAIL = ROOT / "scripts" / "pages" / "detail"
PAGES = [ROOT / "README.md", *sorted(DETAIL.glob("*.md"))]
FENCED = re.compile(r"^( *)```python\n(.*?)^ *```", re.DOTALL | re.MULTILINE)


def blocks():
    """The code of all pages, each block with the name of its page."""
    found = [(page, match[2]) for page in PAGES for match in FENCED.finditer(page.read_text(encoding="utf-8"))]
    return [pytest.param(textwrap.dedent(code), id=f"{page.stem}-{n}") for n, (page, code) in enumerate(found)]


def products():
    """Rows of a few products, as the page on many fits has them."""
    rng = np.random.default_rng(1)
    frame = pd.DataFrame({"x": rng.standard_normal(90), "g": np.arange(90) % 5, "product": np.repeat(list("abc"), 30)})
    frame["product"] = frame["product"].replace("a", "A-113")
    return frame.assign(y=frame["x"] + rng.standard_normal(90))


def trips(folder):
    """Rows of trips in files of a folder, as the page on data has them, and a table to join them with."""
    rng = np.random.default_rng(1)
    frame = pd.DataFrame({"x1": rng.standard_normal(120), "x2": rng.standard_normal(120), "site": np.arange(120) % 6})
    frame["y"] = frame["x1"] + rng.standard_normal(120)
    (folder / "trips").mkdir()
    for part in range(2):
        frame[part::2].to_parquet(folder / "trips" / f"{part}.parquet")
    return {"trips": frame, "sites": pd.DataFrame({"site": range(6), "area": 1.0})}


def test_the_blocks_are_found():
    assert len(blocks()) == 7
    pages = "".join(page.read_text(encoding="utf-8") for page in PAGES)
    assert pages.count("```python") == 7


@pytest.mark.slow
@pytest.mark.parametrize("code", blocks())
@pytest.mark.filterwarnings("ignore::stanhier.SamplingWarning")  # one row of the sleep study surprises
def test_a_block_runs(code, cmdstan_home, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    names = {"functools": functools, "np": np, "pd": pd, "sh": sh}
    if "sh.datasets." not in code:
        names |= {"data": products(), "dask": dask, "duckdb": duckdb, "pl": pl, **trips(tmp_path)}
        code = code.replace("s3://bucket/", "").replace("range(1000)", "range(3)")
    exec(compile(code, "page", "exec"), names)
    if "fits" in names:
        assert not names["fits"].failures
        assert len(names["fits"]) == 3
    else:
        assert isinstance(names["fit"], sh.Fit)
        assert names["fit"].diagnose().ok


def test_rows_are_taken_from_everywhere_that_the_page_on_data_shows(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    code = next(block.values[0] for block in blocks() if block.id.startswith("data-")).replace("s3://bucket/", "")
    sources = re.findall(r"^rows = (.*)$", code, re.MULTILINE)
    assert len(sources) == 4
    names = {"dask": dask, "duckdb": duckdb, "pl": pl, **trips(tmp_path)}
    positive = int((names["trips"]["x1"] > 0).sum())
    for source, rows in zip(sources, (120, positive, 120, 120), strict=True):
        model = sh.VaryingIntercept("y ~ x1 + x2 + (1 | site)", eval(source, names))
        assert f"  {rows} rows in 6 groups of 'site'" in str(model), source


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
