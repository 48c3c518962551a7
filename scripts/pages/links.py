"""Links: those of the repository's pages made those of the site's, and whether links of the built pages lead anywhere.

Pages in Markdown point at files of the repository, so that they can be read there too.
"""

import re
from html.parser import HTMLParser
from os.path import normpath, relpath
from pathlib import Path, PurePosixPath
from urllib.parse import unquote, urlsplit

__all__ = ["FILES", "linked", "wrong_links"]

FILES = {
    "stanhier/input.md": "input.md",
    "scripts/benchmarks/README.md": "benchmarks.md",
    "CHANGELOG.md": "changes.md",
}
"""Files of the repository outside the folder of pages that are pages too, and their places in the site."""
PAGES = "scripts/pages/"

FETCHED = {"img", "script", "link", "iframe", "source"}
"""Tags of what a browser asks for when a page is opened; links in `a` are for the reader to follow."""


class _Page(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.links: list[tuple[str, str]] = []
        self.places: set[str] = set()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        for name, value in attrs:
            if name == "id" and value:
                self.places.add(value)
            if name in ("href", "src") and value is not None:
                self.links.append((tag, value))


def linked(text: str, page: str) -> str:
    """Point the links of a page at places in the site; those to files that are no pages become names.

    Parameters
    ----------
    text : str
        A page in Markdown, or a part of one.
    page : str
        The file that it is in, as the repository has it; parts of the README go into the first page.

    Returns
    -------
    str
        The same for the site.
    """
    here = PurePosixPath(page)
    folder = PurePosixPath(place_of(page) or "index.md").parent

    def link(match: re.Match[str]) -> str:
        words, path, anchor = match.groups(default="")
        if not path or "://" in path:
            return match[0]
        file = normpath(here.parent / path)
        place = place_of(file)
        return f"`{file}`" if place is None else f"[{words}]({relpath(place, folder)}{anchor})"

    return re.sub(r"\[([^\]]*)\]\(([^)#\s]*)(#[^)\s]*)?\)", link, text)


def place_of(file: str) -> str | None:
    """Give the place in the site of a file of the repository, if it has one."""
    if file.startswith(PAGES):  # of pages with code sphinx-gallery makes reStructuredText
        return re.sub(r"\.py$", ".rst", file.removeprefix(PAGES))
    return FILES.get(file)


def wrong_links(site: Path) -> list[str]:
    """Find links that lead nowhere, and what would be fetched from the network.

    Parameters
    ----------
    site : Path
        The folder of HTML files.

    Returns
    -------
    list of str
        A line for each: the page, the link, and what is wrong.
    """
    site, pages = site.resolve(), {}
    for path in sorted(site.rglob("*.html")):
        pages[path] = page = _Page()
        page.feed(path.read_text(encoding="utf-8"))
    wrong = []
    for path, page in pages.items():
        name = path.relative_to(site)
        for tag, link in page.links:
            parts = urlsplit(link)
            if parts.scheme in ("http", "https") or link.startswith("//"):
                if tag in FETCHED:
                    wrong.append(f"{name}: {link} is fetched from the network")
                continue
            if parts.scheme:
                continue
            target = (path.parent / unquote(parts.path)).resolve() if parts.path else path
            if target.is_dir():
                target /= "index.html"
            if not target.is_relative_to(site):
                wrong.append(f"{name}: {link} leaves the site")
            elif not target.is_file():
                wrong.append(f"{name}: {link} is not there")
            elif (
                parts.fragment
                and target in pages
                and unquote(parts.fragment) not in pages[target].places
            ):
                wrong.append(f"{name}: {link} has no such place")
    return wrong
