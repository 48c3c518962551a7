"""Build the pages: gather their sources, run the examples, let Sphinx run the code on pages, and check the links.

What Sphinx reads is put together in a folder of its own, so that nothing that is made stands beside what is written.
"""

import argparse
import shutil
from pathlib import Path

from sphinx.cmd.build import main as sphinx

from scripts.pages.gallery import write_gallery
from scripts.pages.links import linked, wrong_links
from scripts.pages.readme import write_readme
from scripts.pages.reference import write_reference

__all__ = ["build"]

PAGES = Path(__file__).resolve().parent
ROOT = PAGES.parents[1]
WITH_CODE = ("tutorial", "howto", "inside")
"""Folders of pages that are Python files, which sphinx-gallery runs."""


def build(folder: Path, *, keep: bool = False) -> Path:
    """Build the site.

    Parameters
    ----------
    folder : Path
        Where it goes: `source`, what Sphinx reads, and `html`, the site.
    keep : bool
        Whether pages and examples whose text is what it was when they last ran are not run again.

    Returns
    -------
    Path
        The folder of the site.

    Raises
    ------
    RuntimeError
        If an example or code on a page fails, if Sphinx warns, or if a link leads nowhere.
    """
    source, site = folder / "source", folder / "html"
    kept = {source / name for name in (*WITH_CODE, "gallery")} if keep else set()
    for old in {site, folder / "doctrees", *source.glob("*")} - kept:
        shutil.rmtree(old) if old.is_dir() else old.unlink(missing_ok=True)
    gather(source)
    write_readme(ROOT, source)
    write_reference(source / "reference")
    write_gallery(ROOT / "examples", source / "gallery", keep=keep)
    options = [
        "-W",
        "--keep-going",
        "-n",
        "-q",
        "-j",
        "auto",
        "-c",
        str(PAGES),
        "-d",
        str(folder / "doctrees"),
    ]
    if sphinx([*options, str(source), str(site)]) != 0:
        raise RuntimeError("Sphinx has found something wrong; it says what above.")
    wrong = wrong_links(site)
    if wrong:
        raise RuntimeError(
            "\n".join(["Links that lead nowhere, or fetch something from outside:", *wrong])
        )
    return site


def gather(source: Path) -> None:
    """Copy what is written."""
    for path in PAGES.rglob("*.md"):
        place = source / path.relative_to(PAGES)
        place.parent.mkdir(parents=True, exist_ok=True)
        text = linked(path.read_text(encoding="utf-8"), path.relative_to(ROOT).as_posix())
        place.write_text(text, encoding="utf-8")
    for path in PAGES.glob("static/*"):
        copy_to(path, source / path.relative_to(PAGES))
    for name in WITH_CODE:
        shutil.rmtree(source / "code" / name, ignore_errors=True)
        for path in (PAGES / name).glob("*.*"):
            copy_to(path, source / "code" / name / path.name)


def copy_to(path: Path, target: Path) -> None:
    """Copy a file, into a folder that may not be there yet."""
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copy2(path, target)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument(
        "--keep", action="store_true", help="do not run again what has not changed"
    )
    arguments = parser.parse_args()
    build(arguments.folder.resolve(), keep=arguments.keep)
