"""Parts of the README, and other files of the repository that are pages too, so that nothing is written twice.

Run by itself, `python -m scripts.pages.readme`, it puts the times of the benchmark into the README.
"""

import re
import shutil
from pathlib import Path

from scripts.pages.links import FILES, linked

__all__ = ["speed", "with_speed", "write_readme"]

PARTS = {
    "For which models": "which_models",
    "How fast": "how_fast",
    "Install": "install",
    "Twenty lines": "twenty_lines",
}
"""Sections that the first page includes, without their headings."""

DATA = {
    "linear": "100 rows, no groups",
    "sleepstudy": "180 rows, 18 people",
    "sleepstudy_slopes": "the same, slopes vary too",
    "penicillin": "144 rows, 24 plates crossed with 6 samples",
    "radon_mn": "919 rows, 85 counties",
    "radon_all": "12,573 rows, 386 counties",
    "sim_1m": "1,000,000 rows, 10,000 groups",
    "poisson": "counts: 2,000 rows, 300 groups",
    "bernoulli": "yes or no: 10,000 rows, 200 groups",
}
"""Data sets of the benchmark whose times the README shows, and what they are."""
HEAD = "| data | seconds | effective draws per second | the same, Stan by hand |\n|---|---:|---:|---:|"


def write_readme(root: Path, source: Path) -> None:
    """Write the parts and the pages.

    Parameters
    ----------
    root : Path
        The repository.
    source : Path
        What Sphinx reads; sections of the README go to its folder `parts`.

    Raises
    ------
    KeyError
        If the README has no such section any more.
    """
    sections = sections_of((root / "README.md").read_text(encoding="utf-8"))
    (source / "parts").mkdir(parents=True, exist_ok=True)
    for title, name in PARTS.items():
        text = linked(sections[title], "README.md")
        (source / "parts" / f"{name}.md").write_text(text, encoding="utf-8")
    for file, page in FILES.items():
        shutil.copy2(root / file, source / page)
    table = (root / "stanhier" / "input.md").read_text(encoding="utf-8")
    (source / "input.md").write_text(
        table.replace("# What goes in\n", "# What goes in, kind by kind\n", 1), encoding="utf-8"
    )
    results = root / "scripts" / "benchmarks" / "results"
    shutil.copytree(results, source / "results", dirs_exist_ok=True)


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


if __name__ == "__main__":
    root = Path(__file__).resolve().parents[2]
    page = root / "README.md"
    measured = (root / "scripts" / "benchmarks" / "README.md").read_text(encoding="utf-8")
    page.write_text(with_speed(page.read_text(encoding="utf-8"), measured), encoding="utf-8")
