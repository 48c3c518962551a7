"""What stands beside the code: it names files and versions that there are."""

import re
import tomllib
from pathlib import Path

import pytest

import stanhier as sh

ROOT = Path(__file__).parents[1]


@pytest.mark.parametrize("page", ["README.md", "CONTRIBUTING.md", "stanhier/README.md"])
def test_links_and_paths_lead_to_files(page: str) -> None:
    text = (ROOT / page).read_text()
    linked = [link.split("#")[0] for link in re.findall(r"\]\(([^)\s]+)\)", text) if "://" not in link]
    assert linked or page == "stanhier/README.md"
    missing = [link for link in linked if link and not ((ROOT / page).parent / link).exists()]
    assert not missing


def test_contributing_names_what_there_is() -> None:
    named = re.findall(
        r"`((?:tests|scripts|stan_models|[a-z]+)/[\w/.*]+|[\w]+\.py)`", (ROOT / "CONTRIBUTING.md").read_text()
    )
    assert len(named) > 8
    assert not [path for path in named if not (list(ROOT.glob(path)) or list((ROOT / "stanhier").glob(path)))]


def test_the_citation_is_of_this_version() -> None:
    citation = (ROOT / "CITATION.cff").read_text()
    assert re.search(r"^version: (.+)$", citation, re.MULTILINE)[1] == sh.__version__
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert [author["name"] for author in project["authors"]] == re.findall(
        r'^  - name: "(.+)"$', citation, re.MULTILINE
    )
    assert f"license: {project['license']}" in citation
