"""Every example runs, prints what it promises and writes its pictures."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pyarrow.parquet as pq
import pytest

EXAMPLES = Path(__file__).parents[1] / "examples"

PROMISES = {
    "cbpp": (
        ["sd_herd[Intercept]", "No problems found in sampling.", "no herds", "stays healthy"],
        [f"cbpp_{picture}" for picture in ("herds", "posterior", "ppc", "prediction", "trace")],
    ),
    "eight_schools": (
        ["sigma_alpha", "alpha[H]", "No problems found in sampling."],
        [f"eight_schools_{picture}" for picture in ("forest", "prior_posterior", "shrinkage", "trace")],
    ),
    "flights": (
        ["sd_month[I(miles / 1000)]", "No problems found in sampling.", "From July to December", "months alone"],
        [f"flights_{picture}" for picture in ("carriers", "months", "ppc", "scales")],
    ),
    "grouped_data": (["alpha[group 5]", "true mean", "response"], ["grouped_data_ppc", "grouped_data_trace"]),
    "growth": (
        ["sd_child[Intercept]", "No problems found in sampling.", "heavy tails", "new girl"],
        [f"growth_{picture}" for picture in ("children", "forest", "ppc", "scales", "shrinkage")],
    ),
    "large_table": (
        ["sd_depot[km]", "No problems found in sampling.", "have their true slope", "equal slopes"],
        [f"large_table_{picture}" for picture in ("depots", "posterior", "ppc")],
    ),
    "linear_regression": (
        ["beta[x]", "True slope 2"],
        [f"linear_regression_{picture}" for picture in ("posterior", "prediction", "trace")],
    ),
    "many_centres": (
        ["sd_clinic[Intercept]", "No problems found in sampling.", "no clinics", "A ninth clinic"],
        [f"many_centres_{picture}" for picture in ("effects", "forest", "posterior", "ppc", "prediction")],
    ),
    "meta_analysis": (
        ["sigma_alpha", "No problems found in sampling.", "latitude explains", "in a new trial"],
        [f"meta_analysis_{picture}" for picture in ("forest", "latitude", "prior_posterior", "shrinkage")],
    ),
    "penicillin": (
        ["sd_plate[Intercept]", "Share of the variance", "No problems found in sampling.", "samples alone"],
        [f"penicillin_{picture}" for picture in ("plates", "ppc", "scales", "shrinkage")],
    ),
    "school_results": (
        ["sd_school:class[Intercept]", "Share of the variance", "top_5", "slopes too"],
        [f"school_results_{picture}" for picture in ("ppc", "ranks", "shares", "shrinkage")],
    ),
    "sleepstudy": (
        ["beta[days]", "sigma_alpha", "No problems found in sampling.", "partial pooling"],
        [f"sleepstudy_{picture}" for picture in ("comparison", "forest", "pooling", "ppc", "predictions", "trace")],
    ),
    "sleepstudy_slopes": (
        ["cor_subject[Intercept, days]", "No problems found in sampling.", "single test", "intercepts and slopes vary"],
        [
            f"sleepstudy_slopes_{picture}"
            for picture in ("comparison", "correlation", "forest", "ppc", "predictions", "shrinkage")
        ],
    ),
}


def test_every_example_is_tested():
    assert {p.stem for p in EXAMPLES.glob("[a-z]*.py")} == set(PROMISES)


@pytest.mark.parametrize("name", PROMISES)
def test_an_example_says_where_its_data_are_from(name):
    words = (EXAMPLES / f"{name}.py").read_text().split('"""')[1]
    assert re.search(r"\([A-Z][^()]+ \d{4}\)|[A-Z]\w+ \(\d{4}\)|simulated|Bureau", words)


def test_files_of_flights_name_their_source_and_are_small():
    files = sorted((EXAMPLES / "flights").glob("*.parquet"))
    assert [file.stem for file in files] == [f"2013-{month:02d}" for month in range(1, 13)]
    described = " ".join((EXAMPLES / "flights" / "README.md").read_text().split())
    assert f"{sum(pq.read_metadata(file).num_rows for file in files):,} rows" in described
    for file in files:
        schema = pq.read_schema(file)
        assert b"Bureau of Transportation Statistics" in schema.metadata[b"source"]
        assert all(f"`{name}`" in described for name in schema.names)
        assert file.stat().st_size < 50_000


def test_the_picture_of_the_readme_is_made_by_an_example_and_small():
    pictures = re.findall(r"!\[[^\]]+\]\((examples/pictures/\w+\.png)\)", (EXAMPLES.parent / "README.md").read_text())
    assert [EXAMPLES.parent / picture for picture in pictures] == list((EXAMPLES / "pictures").iterdir())
    for picture in pictures:
        assert Path(picture).stem in {name for _, made in PROMISES.values() for name in made}
        assert (EXAMPLES.parent / picture).stat().st_size < 100_000


@pytest.mark.slow
@pytest.mark.parametrize("name", PROMISES)
def test_example(name, cmdstan_home, tmp_path):
    script = EXAMPLES / f"{name}.py"
    command = [sys.executable, "-W", "error::FutureWarning", script, "--seed", "2", "--folder", tmp_path]
    result = subprocess.run(command, capture_output=True, text=True, check=False, env={**os.environ, "COLUMNS": "100"})
    assert result.returncode == 0, result.stderr
    words, pictures = PROMISES[name]
    for word in words:
        assert word in result.stdout
    for picture in pictures:
        assert (tmp_path / f"{picture}.png").stat().st_size > 10_000
