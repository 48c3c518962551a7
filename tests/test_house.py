"""The plan of the house, held: rooms import rooms further down alone, and so do the files within a room."""

import ast
from graphlib import TopologicalSorter
from pathlib import Path

import stanhier as sh

PACKAGE = Path(sh.__file__).parent
ROOMS = (
    *("__main__", "cli", "many", "loading", "regressions", "model", "fit"),
    *("reports", "evaluation", "marginal", "plots", "storage", "posterior", "engines", "design"),
    *("stan", "cmdstan", "formula", "families", "data", "datasets", "priors", "basics"),
)
"""From the roof to the ground."""


FILES = {
    ".".join(("stanhier", *path.relative_to(PACKAGE).with_suffix("").parts)).removesuffix(".__init__"): path
    for path in sorted(PACKAGE.rglob("*.py"))
    if "home" not in path.parts
}


def imports(path):
    """All imports of our own modules, in functions and under TYPE_CHECKING too, and whether each is in a function."""
    tree = ast.parse(path.read_text())
    inside = {id(n) for f in ast.walk(tree) if isinstance(f, ast.FunctionDef) for n in ast.walk(f)}
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] == "stanhier":
            for alias in node.names:
                whole = f"{node.module}.{alias.name}"
                yield whole if whole in FILES else node.module, id(node) in inside
        elif isinstance(node, ast.Import):
            yield from ((a.name, id(node) in inside) for a in node.names if a.name.split(".")[0] == "stanhier")


def test_rooms_import_rooms_further_down_alone():
    upwards = [
        f"{name} imports {other}"
        for name, path in FILES.items()
        if name != "stanhier"
        for other, _ in imports(path)
        if other == "stanhier" or ROOMS.index(other.split(".")[1]) < ROOMS.index(name.split(".")[1])
    ]
    assert not upwards


def test_no_file_imports_itself_on_a_way_round():
    graph = {name: {other for other, _ in imports(path) if other != name} for name, path in FILES.items()}
    del graph["stanhier"]  # the public names, found when they are asked for
    TopologicalSorter(graph).prepare()  # raises CycleError with the way round


def test_own_modules_are_imported_at_the_top_of_files():
    late = [
        f"{name} imports {other}" for name, path in FILES.items() for other, in_function in imports(path) if in_function
    ]
    assert not late


def test_the_inside_of_an_engine_is_the_engines_own():
    seen = [
        f"{name} imports {other}"
        for name, path in FILES.items()
        if not name.startswith("stanhier.engines")
        for other, _ in imports(path)
        if other.startswith(("stanhier.engines.gaussian", "stanhier.engines.multilevel"))
    ]
    assert not seen


def test_few_modules_stand_outside_the_rooms():
    outside = {path.stem for path in PACKAGE.glob("*.py")} - {"__init__"}
    assert len(outside) <= 6
    rooms = {path.name for path in PACKAGE.iterdir() if path.is_dir() and path.name != "__pycache__"}
    assert rooms | outside == set(ROOMS)


def test_public_names_are_no_modules():
    """A module of the same name would take the place of the function when something imports it first."""
    assert not {path.stem for path in PACKAGE.iterdir()} & set(sh.__all__)


def test_files_are_short():
    root = PACKAGE.parent
    files = [path for folder in ("stanhier", "tests", "scripts", "examples") for path in (root / folder).rglob("*.py")]
    files = [path for path in files if "output" not in path.parts]  # what the benchmark installs there is not ours
    lengths = {str(path.relative_to(root)): len(path.read_text().splitlines()) for path in files}
    assert len(lengths) > 300
    assert not {path: length for path, length in lengths.items() if length > 300}


def test_the_page_of_the_house_names_every_room():
    page = (PACKAGE / "README.md").read_text()
    assert [room for room in ROOMS if f"`{room}" not in page] == []
