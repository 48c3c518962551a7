"""The wheels: built, installed in clean environments, and run from there."""

import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest

from scripts.wheels import files
from scripts.wheels.description import described
from scripts.wheels.files import LARGEST, platform_wheel
from stanhier.stan.program import Program
from stanhier.stan.program_text import shipped_programs
from tests.tools.wheel_trials import ALONE, EXES, environment_with, run

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
    """The Python of an environment with the pure wheel."""
    return environment_with(wheel, tmp_path_factory.mktemp("clean"))


@pytest.fixture(scope="module")
def of_platform(wheel: Path, cmdstan_home: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel of this platform, with the programs that the cache has."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CMDSTAN", "")
        return platform_wheel(wheel, tmp_path_factory.mktemp("platform") / "wheel")


@pytest.fixture(scope="module")
def with_programs(of_platform: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The Python of an environment with the wheel of this platform."""
    return environment_with(of_platform, tmp_path_factory.mktemp("compiled"))


@pytest.fixture
def bare(tmp_path: Path) -> dict[str, str]:
    """Environment variables of a machine without compiler, make, CmdStan and cache: of no program at all."""
    for name in ("bin", "home"):
        (tmp_path / name).mkdir()
    return {
        "PATH": str(tmp_path / "bin"),
        "HOME": str(tmp_path / "home"),
        "STANHIER_CACHE": str(tmp_path / "cache"),
        "TMPDIR": str(tmp_path),
    }


@pytest.mark.slow
def test_the_wheel_holds_the_programs_and_the_driver(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        names = set(archive.namelist())
    for kind, package in (("stan_models", "stanhier/stan_models"), ("stanhier", "stanhier")):
        kept = [path.relative_to(ROOT / kind) for path in (ROOT / kind).rglob("*") if path.is_file()]
        wanted = {file.as_posix() for file in kept if "__pycache__" not in file.parts}
        assert wanted
        assert {f"{package}/{file}" for file in wanted} <= names
    assert "stanhier/py.typed" in names
    assert not [name for name in names if name.startswith(("tests/", "examples/", "scripts/"))]
    assert "Root-Is-Purelib: true" in of_wheel(wheel, "WHEEL")
    assert of_wheel(wheel, "METADATA").endswith(described((ROOT / "README.md").read_text(encoding="utf-8")))


def test_the_description_has_no_link_or_picture_that_only_the_repository_has() -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    links = re.findall(r"\]\(([^)]*)\)", described(readme))
    assert len(links) > 2
    assert all(link.startswith("https://") for link in links)
    assert "priors (`scripts/pages/detail/priors.md`)" in described(readme)
    kept = "A [site](https://a.org/b_(c)), `f(x)[0]`.\n\n![logo](https://a.org/x.png)\n"
    assert described(f"![a picture](x/y.png)\n\n{kept}[page](x/y.md#z)\n") == f"{kept}page (`x/y.md#z`)\n"


def of_wheel(wheel: Path, name: str) -> str:
    with zipfile.ZipFile(wheel) as archive:
        return archive.read(next(file for file in archive.namelist() if file.endswith(f".dist-info/{name}"))).decode()


@pytest.mark.slow
def test_compiled_programs_come_into_no_other_file(tmp_path: Path) -> None:
    tree = tmp_path / "tree"
    shutil.copytree(ROOT / "stanhier", tree / "stanhier", ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("stan_models", "scripts/wheels"):
        shutil.copytree(ROOT / name, tree / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, tree)
    (tree / "stanhier" / "compiled" / "program-0").mkdir(parents=True)
    (tree / "stanhier" / "compiled" / "program-0" / "program").write_bytes(b"\x7fELF")
    made = tmp_path / "made"
    build = [sys.executable, "-m", "build", "--wheel", "--sdist", "--no-isolation", "--outdir", str(made), str(tree)]
    subprocess.run(build, check=True, capture_output=True)
    with zipfile.ZipFile(next(made.glob("*.whl"))) as archive, tarfile.open(next(made.glob("*.tar.gz"))) as source:
        for names in (archive.namelist(), source.getnames()):
            assert any(name.endswith("stanhier/stan/shipped.py") for name in names)
            assert not [name for name in names if "compiled" in name]


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


@pytest.mark.slow
def test_the_wheel_of_a_platform_is_the_pure_one_and_the_programs(wheel: Path, of_platform: Path) -> None:
    assert of_platform.stat().st_size < LARGEST
    assert "none-any" not in of_platform.name
    assert "Root-Is-Purelib: false" in of_wheel(of_platform, "WHEEL")
    described = of_wheel(of_platform, "METADATA")
    with zipfile.ZipFile(wheel) as pure, zipfile.ZipFile(of_platform) as archive:
        more = {name for name in archive.namelist() if not name.endswith("/")} - set(pure.namelist())
        for name in pure.namelist():
            assert ".dist-info/" in name or archive.read(name) == pure.read(name)
        compiled = {name for name in more if name.startswith("stanhier/compiled/")}
        licenses = {Path(name).name for name in more - compiled}
        exes = {name for name in compiled if Path(name).name in shipped_programs()}
        assert licenses == {path.name for path in files.LICENSES.iterdir()}
        assert all(f"License-File: {name}\n" in described for name in licenses)
        assert {Path(name).parent.name for name in exes} == {Program(n).shipped_folder for n in shipped_programs()}
        for name in exes:
            assert archive.getinfo(name).external_attr >> 16 & 0o111 == 0o111
            record = json.loads(archive.read(f"{Path(name).parent}/stanhier.json"))
            assert record["sha256"] == hashlib.sha256(archive.read(name)).hexdigest()


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="auditwheel is for Linux")
def test_it_is_tagged_for_the_oldest_linux_and_looks_for_libraries_within(of_platform: Path, tmp_path: Path) -> None:
    said = files.run(sys.executable, "-m", "auditwheel", "show", of_platform)
    tag = of_platform.stem.rpartition("-")[2]
    assert tag.startswith("manylinux_2_")
    assert f'platform tag: "{tag}"' in " ".join(said.split())
    with zipfile.ZipFile(of_platform) as archive:
        exes = [name for name in archive.namelist() if "/compiled/" in name and Path(name).name in shipped_programs()]
        assert len(exes) == len(shipped_programs())
        for exe in (archive.extract(name, tmp_path) for name in exes):
            assert files.run("patchelf", "--print-rpath", exe) == "$ORIGIN\n"
            assert "libtbb" in files.run("patchelf", "--print-needed", exe)


@pytest.mark.slow
def test_everything_works_with_the_wheel_alone(
    with_programs: Path, of_platform: Path, bare: dict[str, str], tmp_path: Path
) -> None:
    done = run(with_programs, ALONE, bare, tmp_path)
    assert done.returncode == 0, done.stderr
    said = json.loads(done.stdout.splitlines()[-1])
    assert set(said["exes"]) == set(shipped_programs())
    assert all(exe.startswith(str(with_programs.parent.parent)) for exe in said["exes"].values())
    estimates = [*[said["slopes"][name] for name in ("linear_regression", "varying_intercept", "multilevel")]]
    estimates += [said[name] for name in ("mode", "laplace", "pathfinder", "variational", "loaded")]
    assert all(abs(slope - 2) < 0.5 for slope in estimates)
    assert abs(said["slopes"]["explicit_effects"] - 0.2) < 0.2
    assert said["many"] == [["0", "1"], {}]
    assert said["sbc"] == 20
    assert "no C++ compiler is there. Install" in said["textbook"]
    assert said["CMDSTAN"] is None
    assert "compil" not in done.stderr, "no word on where programs come from"
    assert not list((tmp_path / "cache").rglob("*")), "and nothing is kept"
    assert not list((tmp_path / "bin").iterdir())


@pytest.mark.slow
def test_the_commands_of_the_wheel_alone(with_programs: Path, bare: dict[str, str], tmp_path: Path) -> None:
    def command(*words: str) -> subprocess.CompletedProcess[str]:
        line = [with_programs, "-m", "stanhier", *words]
        return subprocess.run(line, cwd=tmp_path, env=bare, capture_output=True, text=True, timeout=300, check=False)

    doctor = command("doctor")
    assert (doctor.returncode, doctor.stdout.count("came compiled")) == (0, len(shipped_programs()) + 3)
    compiled = command("compile")
    assert (compiled.returncode, compiled.stdout.count("came compiled")) == (0, len(shipped_programs()))
    assert not (tmp_path / "cache").exists()
    asked = command("install")
    assert asked.returncode == 1
    assert "no C++ compiler is there. Install" in asked.stderr


@pytest.mark.slow
def test_what_does_not_fit_its_text_or_does_not_run_is_compiled_as_ever(
    of_platform: Path, cmdstan_home: Path, bare: dict[str, str], tmp_path: Path
) -> None:
    python = environment_with(of_platform, tmp_path / "changed")
    package = next((tmp_path / "changed").glob("lib/python*/site-packages/stanhier"))
    compiled = {name: package / "compiled" / Program(name).shipped_folder / name for name in shipped_programs()}
    for library in compiled["multilevel"].parent.glob("libtbb*"):
        library.unlink()  # as where a library of the system is missing
    header = package / "stan_models" / "functions" / "prior.stanfunctions"
    header.write_text(f"{header.read_text()}// changed\n")
    changed = {name for name in shipped_programs() if "functions/prior.stanfunctions" in Program(name).included}
    assert changed
    assert "multilevel" not in changed
    found = json.loads(run(python, EXES, bare, tmp_path).stdout)
    for name in shipped_programs():
        if name in changed | {"multilevel"}:
            assert "no C++ compiler is there" in found[name]
        else:
            assert found[name] == str(compiled[name])
    ready = {name: value for name, value in os.environ.items() if name not in {"PYTHONPATH", "CMDSTAN"}}
    found = json.loads(run(python, EXES.replace(".exe()", ".compiled_exe()"), ready, tmp_path).stdout)
    assert found["multilevel"] == str(Program("multilevel").exe()), "as ever, and here it has been compiled before"
    assert all(found[name] == "None" for name in changed)


@pytest.mark.slow
def test_the_twenty_lines_run_with_the_wheel_alone(installed: Path, cmdstan_home: Path, tmp_path: Path) -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    code = re.search(r"^## Twenty lines\n\n```python\n(.*?)^```", readme, re.DOTALL | re.MULTILINE)
    assert code is not None
    quiet = "import warnings\nwarnings.simplefilter('error', FutureWarning)\n"
    said = subprocess.check_output([installed, "-c", quiet + code[1]], cwd=tmp_path, text=True)
    assert "No problems found in sampling." in said
    assert {path.name for path in tmp_path.iterdir()} == {"subjects.png", "sleepstudy.nc"}
