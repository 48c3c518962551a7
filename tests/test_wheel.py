"""The wheel: built, installed in a clean environment, and run from there."""

import os
import subprocess
import sys
import venv
import zipfile
from pathlib import Path

import pytest

from stanhier.stan.program import Program
from stanhier.stan.program_text import shipped_programs

ROOT = Path(__file__).resolve().parent.parent

RUN = """
from pathlib import Path
import stanhier
from stanhier.cmdstan import locate
from stanhier.stan.program import Program
from stanhier.stan.program_text import shipped_programs
print(Path(stanhier.__file__).parent)
for name in shipped_programs():
    print(name, Program(name).compiled_exe())
print(locate.content_name())
"""


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    build = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(folder), str(ROOT)]
    subprocess.run(build, check=True, capture_output=True)
    return next(folder.glob("*.whl"))


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The Python of an environment that has the wheel, and of this one only what the wheel depends on."""
    folder = tmp_path_factory.mktemp("clean")
    venv.create(folder, with_pip=False, symlinks=True)
    site = next(folder.glob("lib/python*/site-packages"))
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(site)
    # lines of a .pth file add folders, but do not run the .pth files in them: no editable stanhier comes along
    dependencies = {str(Path(path)) for path in sys.path if path.endswith("site-packages")}
    (site / "dependencies.pth").write_text("\n".join(sorted(dependencies)) + "\n")
    return folder / "bin" / "python"


@pytest.mark.slow
def test_the_wheel_holds_the_programs_and_the_driver(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        names = set(archive.namelist())
    for kind, package in (("stan_models", "stanhier/stan_models"), ("stanhier", "stanhier")):
        files = [path.relative_to(ROOT / kind) for path in (ROOT / kind).rglob("*") if path.is_file()]
        files = {file.as_posix() for file in files if "__pycache__" not in file.parts}
        assert files
        assert {f"{package}/{file}" for file in files} <= names
    assert "stanhier/py.typed" in names
    assert not [name for name in names if name.startswith(("tests/", "examples/", "scripts/"))]


@pytest.mark.slow
def test_the_wheel_runs_where_nothing_else_of_the_checkout_is(
    installed: Path, cmdstan_home: Path, tmp_path: Path
) -> None:
    environment = {name: value for name, value in os.environ.items() if name not in {"PYTHONPATH", "CMDSTAN"}}
    command = [installed, "-W", "error::ImportWarning", "-c", RUN]
    said = subprocess.check_output(command, cwd=tmp_path, env=environment, text=True).splitlines()
    assert said[0].startswith(str(installed.parent.parent))
    found = dict(line.split(" ", 1) for line in said[1:-1])
    assert found == {name: str(Program(name).compiled_exe()) for name in shipped_programs()}, "one cache serves both"
    assert cmdstan_home.name.startswith(said[-1]), "and one home"


@pytest.mark.slow
def test_a_model_of_the_wheel_samples(installed: Path, cmdstan_home: Path, tmp_path: Path) -> None:
    code = (
        "import stanhier as sh\n"
        "fit = sh.LinearRegression('y ~ x', {'x': [1.0, 2, 3, 4, 5], 'y': [1.1, 1.9, 3.2, 3.9, 5.1]}).sample(\n"
        "    seed=1, show_progress=False)\n"
        "print(float(fit.posterior['beta'].mean()))\n"
    )
    said = subprocess.check_output([installed, "-c", code], cwd=tmp_path, text=True)
    assert abs(float(said.splitlines()[-1]) - 1) < 0.2
