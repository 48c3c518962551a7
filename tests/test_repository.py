"""What stands beside the code: it names files and versions that there are."""

import re
import tomllib
from pathlib import Path

import pytest

import stanhier as sh

ROOT = Path(__file__).parents[1]
DETAIL = ROOT / "scripts" / "pages" / "detail"


PAGES = ["README.md", "CONTRIBUTING.md", *(str(path.relative_to(ROOT)) for path in sorted(DETAIL.glob("*.md")))]


@pytest.mark.parametrize("page", PAGES)
def test_links_lead_to_files_and_headings(page: str) -> None:
    links = re.findall(r"\]\(([^)\s]+)\)", (ROOT / page).read_text())
    for link in [link for link in links if "://" not in link]:
        path, _, heading = link.partition("#")
        file = (ROOT / page).parent / path if path else ROOT / page
        assert file.exists(), link
        assert not heading or heading in headings(file), link
    assert len(links) > 10 or page != "README.md"


def headings(page: Path) -> list[str]:
    """What links to the headings of a page say after the #, as forges have it."""
    found = re.findall(r"^#+ (.+)$", page.read_text(), re.MULTILINE)
    return [re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in found]


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
