"""Links and pictures of the built pages: whether what they point at is there, and nothing is fetched from outside."""

from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

__all__ = ["wrong_links"]

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
