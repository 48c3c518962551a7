"""Make the files of a release: check that everything says one version, build them, try each. Nothing is uploaded."""

import argparse
import re
import sys
import tomllib
from pathlib import Path

from scripts.wheels.files import build
from scripts.wheels.tools import run
from scripts.wheels.trial import try_out
from stanhier.basics.words import some_of
from stanhier.cmdstan.disk import fingerprint

__all__ = ["notes", "problems"]

ROOT = Path(__file__).resolve().parents[2]
DATED = re.compile(r"^## (\S+) - (\d{4}-\d{2}-\d{2})$", re.MULTILINE)


def problems(root: Path) -> list[str]:
    """Say what stands against a release of what is in a checkout.

    Parameters
    ----------
    root : Path
        The checkout.

    Returns
    -------
    list of str
        Sentences; empty when all is well.
    """
    version = str(_project(root)["version"])
    said = {
        "stanhier.__version__": _found(r'^VERSION = "(.+)"$', root / "stanhier" / "basics" / "version.py"),
        "CITATION.cff": _found(r"^version: (.+)$", root / "CITATION.cff"),
    }
    wrong = [f"{where} is {other}, pyproject.toml says {version}." for where, other in said.items() if other != version]
    return [*wrong, *_changelog(root, version), *_tree_and_tags(root, version)]


def notes(root: Path) -> list[str]:
    """Say what does not stand against a release, and should be known.

    Parameters
    ----------
    root : Path
        The checkout.

    Returns
    -------
    list of str
        Sentences.
    """
    project = _project(root)
    tag = f"v{project['version']}"
    said = [] if project.get("urls") else ["pyproject.toml has no [project.urls]: nobody will find the sources."]
    return said if tag in _git("tag", root).split() else [*said, f"There is no tag {tag} yet."]


def main(folder: Path) -> int:
    """Check, build, try and print; the exit code is 1 when something is wrong."""
    wrong = problems(ROOT)
    for sentence in wrong:
        print(f"scripts/release: {sentence}", file=sys.stderr)
    if wrong:
        return 1
    files = build(folder)
    for file in files:
        print(f"{file.name}: {try_out(file, str(_project(ROOT)['version']))}", flush=True)
    for file in files:
        print(f"{fingerprint(file)}  {file}  {file.stat().st_size / 1e6:.2f} MB")
    for sentence in notes(ROOT):
        print(f"Note: {sentence}")
    return 0


def _project(root: Path) -> dict[str, object]:
    project: dict[str, object] = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    return project


def _changelog(root: Path, version: str) -> list[str]:
    """Say what is wrong with the heading of this version: it is dated, the newest, and nothing is left above it."""
    text = (root / "CHANGELOG.md").read_text(encoding="utf-8")
    dated = DATED.search(text)
    if dated is None or dated[1] != version:
        newest = "none" if dated is None else f"the one of {dated[1]}"
        return [f'CHANGELOG.md has no newest heading "## {version} - YYYY-MM-DD"; its newest dated one is {newest}.']
    _, _, unreleased = text[: dated.start()].partition("\n## Unreleased\n")
    return [f"CHANGELOG.md has changes under Unreleased, above {version}."] if unreleased.strip() else []


def _tree_and_tags(root: Path, version: str) -> list[str]:
    """Say what is wrong with the tree and the tags."""
    if not (root / ".git").exists():
        return [f"{root} is no git checkout, so that nobody can tell what would be released."]
    wrong = []
    changed = _git("status --porcelain", root).splitlines()
    if changed:
        wrong.append(f"The tree is not clean: {some_of([line[3:] for line in changed])}.")
    here = [tag for tag in _git("tag --points-at HEAD", root).split() if re.match(r"v\d", tag)]
    wrong += [f"This commit has the tag {tag}, pyproject.toml says {version}." for tag in here if tag != f"v{version}"]
    if f"v{version}" not in here and f"v{version}" in _git("tag", root).split():
        wrong.append(f"The tag v{version} is on another commit: {version} has been released before.")
    return wrong


def _git(words: str, root: Path) -> str:
    return run("git", *words.split(), folder=root)


def _found(pattern: str, file: Path) -> str:
    found = re.search(pattern, file.read_text(encoding="utf-8"), re.MULTILINE)
    return "nowhere" if found is None else found[1]


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    sys.exit(main(parser.parse_args().folder.resolve()))
