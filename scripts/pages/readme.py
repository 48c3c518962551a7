"""Pages made of the README, so that nothing is written twice: its sections, and parts that other pages include.

Run by itself, `python -m scripts.pages.readme`, it puts the times of the benchmark into the README.
"""

import re
import shutil
from pathlib import Path

__all__ = ["speed", "with_speed", "write_readme"]

SECTIONS = {
    "The models": "models",
    "After the fit": "after_the_fit",
    "Many fits": "many_fits",
    "Data where they live": "data",
    "What goes in": "what_goes_in",
    "Where CmdStan comes from": "cmdstan",
}
"""Sections that become pages, and the names of their files."""
PARTS = {
    "For which models": "which_models",
    "How fast": "how_fast",
    "Install": "install",
    "Twenty lines": "twenty_lines",
}
"""Sections that pages include, without their headings."""
FILES = {"stanhier/input.md": "../input.md", "scripts/benchmarks/README.md": "../benchmarks.md"}
"""Files of the repository that are pages too; links to others become their names."""

DATA = {
    "linear": "100 rows, no groups",
    "sleepstudy": "180 rows, 18 people",
    "radon_mn": "919 rows, 85 counties",
    "radon_all": "12,573 rows, 386 counties",
    "sim_1m": "1,000,000 rows, 10,000 groups",
    "poisson": "counts: 2,000 rows, 300 groups",
    "bernoulli": "yes or no: 10,000 rows, 200 groups",
}
"""Data sets of the benchmark whose times the README shows, and what they are."""
HEAD = "| data | seconds | effective draws per second | the same, Stan by hand |\n|---|---:|---:|---:|"

INDEX = """# In detail

The sections of the README, a page each.

```{{toctree}}
{pages}
../input
```
"""


def write_readme(root: Path, source: Path) -> None:
    """Write the pages.

    Parameters
    ----------
    root : Path
        The repository.
    source : Path
        What Sphinx reads; the sections go to its folder `detail`.

    Raises
    ------
    KeyError
        If the README has no such section any more.
    """
    sections = sections_of((root / "README.md").read_text(encoding="utf-8"))
    places = {
        place: name
        for title, name in SECTIONS.items()
        for place in places_of(title, sections[title])
    }
    detail, parts = source / "detail", source / "parts"
    for folder in (detail, parts):
        folder.mkdir(parents=True, exist_ok=True)
    for title, name in SECTIONS.items():
        body = re.sub(r"^##(#+ )", r"#\1", sections[title], flags=re.MULTILINE)
        (detail / f"{name}.md").write_text(
            f"# {title}\n{linked(body, places)}", encoding="utf-8"
        )
    (detail / "index.md").write_text(
        INDEX.format(pages="\n".join(SECTIONS.values())), encoding="utf-8"
    )
    for title, name in PARTS.items():
        (parts / f"{name}.md").write_text(sections[title], encoding="utf-8")
    benchmarks = root / "scripts" / "benchmarks"
    table = (root / "stanhier" / "input.md").read_text(encoding="utf-8")
    (source / "input.md").write_text(
        table.replace("# What goes in\n", "# What goes in, kind by kind\n", 1), encoding="utf-8"
    )
    shutil.copy2(root / "CHANGELOG.md", source / "changes.md")
    shutil.copy2(benchmarks / "README.md", source / "benchmarks.md")
    shutil.copytree(benchmarks / "results", source / "results", dirs_exist_ok=True)


def speed(text: str) -> str:
    """Take a few columns of the benchmark's table of data sets, with what these are."""
    _, _, rest = text.partition("## Against what users would pick instead\n")
    rows = [
        [cell.strip() for cell in line.strip("|").split("|")]
        for line in rest.splitlines()
        if line.startswith("|")
    ]
    by_name = {row[0]: row for row in reversed(rows)}  # the first table is the one that counts
    lines = [f"| {words} | {' | '.join(by_name[name][1:4])} |" for name, words in DATA.items()]
    return "\n".join([HEAD, *lines, ""])


def with_speed(text: str, benchmarks: str) -> str:
    """Put these columns of the benchmark's page in place of those that the README has."""
    before, _, rest = text.partition(HEAD)
    _, _, after = rest.partition("\n\n")
    return f"{before}{speed(benchmarks)}\n{after}"


def sections_of(text: str) -> dict[str, str]:
    """Split Markdown at its headings of the second level."""
    pieces = re.split(r"^## (.+)\n", text, flags=re.MULTILINE)
    return dict(zip(pieces[1::2], pieces[2::2], strict=True))


def places_of(title: str, body: str) -> list[str]:
    """Give what links to the headings of a section say after the #, as GitHub has it."""
    headings = [title, *re.findall(r"^###+ (.+)$", body, flags=re.MULTILINE)]
    return [re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings]


def linked(body: str, places: dict[str, str]) -> str:
    """Point the links of a section at the pages."""

    def link(match: re.Match[str]) -> str:
        text, target = match.groups()
        if target.startswith("#"):
            return f"[{text}]({places[target[1:]]}.md{target})"
        if target in FILES:
            return f"[{text}]({FILES[target]})"
        return match[0] if "://" in target else f"`{target}`"

    return re.sub(r"\[([^\]]*)\]\(([^)\s]+)\)", link, body)


if __name__ == "__main__":
    root = Path(__file__).resolve().parents[2]
    page = root / "README.md"
    measured = (root / "scripts" / "benchmarks" / "README.md").read_text(encoding="utf-8")
    page.write_text(with_speed(page.read_text(encoding="utf-8"), measured), encoding="utf-8")
