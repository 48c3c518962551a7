"""The pages: complete, true to the package, and whole when they are built and opened."""

import inspect
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

import stanhier as sh
from scripts.pages import reference
from scripts.pages.links import FILES, linked, wrong_links
from scripts.pages.order import ORDER
from scripts.pages.readme import DATA, PARTS, sections_of, speed, with_speed, write_readme

from .tools.browser import Browser

ROOT = Path(__file__).parents[1]
PAGES = ROOT / "scripts" / "pages"
FOLDERS = ("tutorial", "howto", "inside")


def directives(folder):
    """What the pages of the reference document, by page."""
    found = {}
    for path in folder.rglob("*.rst"):
        page = path.relative_to(folder).with_suffix("").as_posix()
        found |= dict.fromkeys(re.findall(r"^\.\. auto\w+:: (\S+)$", path.read_text(), re.MULTILINE), page)
    return found


def test_the_reference_has_every_public_name_once_and_no_other(tmp_path):
    reference.write_reference(tmp_path)
    texts = "\n".join(path.read_text() for path in tmp_path.rglob("*.rst"))
    listed = re.findall(r"^\.\. auto\w+:: (\S+)$", texts, re.MULTILINE)
    assert len(listed) == len(set(listed))
    assert directives(tmp_path) == reference.public_objects()
    assert {f"stanhier.{name}" for name in sh.__all__} <= set(listed)
    for cls in (sh.Model, sh.Fit):
        public = {name for name in vars(cls) if not name.startswith("_")}
        internal = {name for names in reference.INTERNAL.values() for name in names.split()}
        assert {f"stanhier.{cls.__name__}.{name}" for name in public - internal} <= set(listed)
    index = (tmp_path / "index.rst").read_text()
    pages = index.split(":hidden:")[1].split()
    assert sorted(pages) == sorted(set(directives(tmp_path).values()))


def test_names_kept_from_the_reference_are_there():
    classes = {base.__name__: base for name in sh.__all__ for base in getattr(getattr(sh, name), "__mro__", ())}
    for name, hidden in reference.INTERNAL.items():
        for member in hidden.split():
            assert member in dir(classes[name]), f"{name}.{member}"


def test_what_functions_give_back_is_found():
    assert {"Agreement", "Calibration", "Diagnosis", "ManyFits", "Mode", "Pooling"} <= set(reference.results())


def test_everything_in_the_reference_has_a_docstring():
    for path in reference.public_objects():
        module, _, rest = path.rpartition(".")
        thing = sh
        for part in path.split(".")[1:]:
            thing = inspect.getattr_static(thing, part) if inspect.isclass(thing) else getattr(thing, part)
        assert inspect.getdoc(thing), (module, rest)


def test_parts_of_the_readme_and_other_files_become_pages(tmp_path):
    write_readme(ROOT, tmp_path)
    assert {path.stem for path in (tmp_path / "parts").glob("*.md")} == set(PARTS.values())
    assert "[why](detail/why_fast.md)" in (tmp_path / "parts" / "how_fast.md").read_text()
    assert (tmp_path / "parts" / "twenty_lines.md").read_text().startswith("\n```python\nimport pandas")
    assert (tmp_path / "input.md").read_text().startswith("# What goes in, kind by kind\n")
    assert all((tmp_path / page).is_file() for page in FILES.values())


def test_links_of_the_repository_become_those_of_the_site():
    inside = "scripts/pages/detail/models.md"
    for theirs, ours in {
        "[a](families.md), [b](#limits), [c](https://mc-stan.org)": None,
        "[a](../exact.md#limits)": None,
        "[a](../../../stanhier/input.md)": "[a](../input.md)",
        "[a](../../benchmarks/README.md#how)": "[a](../benchmarks.md#how)",
        "[a](../inside/models.py)": "[a](../inside/models.rst)",
        "[rows.hpp](../../../stan_models/functions/rows.hpp)": "`stan_models/functions/rows.hpp`",
    }.items():
        assert linked(theirs, inside) == (ours or theirs)
    assert linked("[a](scripts/pages/detail/data.md), [b](CHANGELOG.md)", "README.md") == (
        "[a](detail/data.md), [b](changes.md)"
    )


def test_sections_that_pages_need_are_in_the_readme():
    sections = sections_of((ROOT / "README.md").read_text())
    assert set(PARTS) <= set(sections)


def test_pages_in_detail_are_listed_in_their_index():
    pages = {path.stem for path in (PAGES / "detail").glob("*.md")} - {"index"}
    index = (PAGES / "detail" / "index.md").read_text()
    assert set(re.findall(r"^\| \[[^\]]+\]\((\w+)\.md\)", index, re.MULTILINE)) == pages
    assert pages <= set(index.split(":hidden:")[1].split())


def test_the_first_page_has_the_times_of_the_benchmark():
    table = speed((ROOT / "scripts" / "benchmarks" / "README.md").read_text())
    lines = table.splitlines()
    assert len(lines) == len(DATA) + 2
    for line in lines[2:]:
        assert 0 < float(line.split("|")[2]) < 100
    assert table in (ROOT / "README.md").read_text(), "python -m scripts.pages.readme puts them there"


def test_new_times_take_the_place_of_old_ones():
    readme, benchmarks = ((ROOT / folder / "README.md").read_text() for folder in (".", "scripts/benchmarks"))
    stale = re.sub(r"(\| 180 rows, 18 people \| )[^|]*", r"\g<1>99 ", readme)
    assert stale != readme
    assert with_speed(stale, benchmarks) == readme


def test_links_are_checked(tmp_path):
    (tmp_path / "a.html").write_text('<h1 id="top"></h1><a href="b.html#here">1</a><a href="https://mc-stan.org">2</a>')
    (tmp_path / "b.html").write_text('<p id="here"></p><a href="a.html#top">3</a><img src="x%20y.png"><a href="#here">')
    (tmp_path / "x y.png").write_bytes(b"")
    assert wrong_links(tmp_path) == []
    bad = '<a href="c.html"></a><a href="b.html#there"></a><a href="../z.html"></a><script src="https://cdn.net/x.js">'
    (tmp_path / "a.html").write_text(bad)
    assert wrong_links(tmp_path) == [
        "a.html: c.html is not there",
        "a.html: b.html#there has no such place",
        "a.html: ../z.html leaves the site",
        "a.html: https://cdn.net/x.js is fetched from the network",
        "b.html: a.html#top has no such place",
    ]


@pytest.mark.parametrize("folder", FOLDERS)
def test_pages_with_code_are_titled_and_in_the_order(folder):
    pages = sorted((PAGES / folder).glob("*.py"))
    assert {page.stem for page in pages} <= set(ORDER)
    for page in pages:
        title, rule = page.read_text().split('"""')[1].strip().splitlines()[:2]
        assert rule == "=" * len(title), page
    assert (PAGES / folder / "GALLERY_HEADER.rst").is_file()


EXPLAINED = [page for folder in ("tutorial", "howto") for page in sorted((PAGES / folder).glob("*.py"))]


@pytest.mark.parametrize("page", EXPLAINED, ids=lambda page: page.stem)
def test_every_picture_is_explained(page):
    """After the code that draws it stands what to look for, and what is or would be bad."""
    cells = re.split(r"^# %%\n", page.read_text(), flags=re.MULTILINE)
    drawn = [k for k, cell in enumerate(cells) if re.search(r"^[^#\n]*(\.plot(_\w+)?|subplots)\(", cell, re.MULTILINE)]
    assert drawn or page.parent.name == "howto"
    assert [k for k in drawn if not re.search(r"^# \*\*What (is|would be) bad\.\*\*", cells[k + 1], re.MULTILINE)] == []
    explained = sum("# **What to look for.**" in cell for cell in cells)
    assert explained >= len(drawn) - (page.stem == "sample")  # where the second picture is the bad one


def test_no_page_that_is_downloaded_hides_a_library_from_others():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    libraries = {re.split(r"[>=\[]", one)[0].replace("-", "_") for one in project["dependencies"]}
    assert "arviz" in libraries
    assert not {*ORDER} & {*libraries, *sys.stdlib_module_names}


def test_every_page_in_the_order_is_there():
    assert {page.stem for folder in FOLDERS for page in (PAGES / folder).glob("*.py")} == set(ORDER)


@pytest.fixture(scope="module")
def site(cmdstan_home, tmp_path_factory):
    """The whole site, with all of its code run."""
    folder = tmp_path_factory.mktemp("docs")
    command = [sys.executable, "-m", "scripts.pages.build", folder]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return folder / "html"


@pytest.mark.slow
def test_the_site_has_all_pages_and_is_small(site):
    pages = {path.relative_to(site).with_suffix("").as_posix() for path in site.rglob("*.html")}
    written = {path.relative_to(PAGES).with_suffix("").as_posix() for path in PAGES.rglob("*.md")}
    with_code = {f"{folder}/{path.stem}" for folder in FOLDERS for path in (PAGES / folder).glob("*.py")}
    examples = {f"gallery/{path.stem}" for path in (ROOT / "examples").glob("[!_]*.py")}
    documented = {f"reference/{page}" for page in reference.public_objects().values()}
    assert {*written, *with_code, *examples, *documented} <= pages
    assert sum(path.stat().st_size for path in site.rglob("*") if path.is_file()) < 40e6


@pytest.mark.slow
def test_pages_lack_no_picture_and_ask_for_nothing_outside_their_folder(site, tmp_path):
    browser = Browser(tmp_path)
    try:
        for page in sorted(site.rglob("*.html")):
            browser.open(page, width=1250)
            missing = "Array.from(document.images).filter(i => !i.complete || i.naturalWidth == 0).map(i => i.src)"
            assert browser.evaluate(missing) == [], page
            assert browser.complaints() == [], page
            assert [url for url in browser.requests() if not url.startswith(site.resolve().as_uri())] == [], page
    finally:
        browser.close()
