"""The scripts of the checkout, each from another folder, and setup from nothing."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from scripts.lowest_versions import lowest

ROOT = Path(__file__).resolve().parent.parent
SCRIPTS = [
    ROOT / "scripts" / name for name in ("setup", "check", "test", "lowest", "demo", "docs", "wheel", "release")
] + [ROOT / ".ci" / "run"]


TESTS = "python -m pytest"


def run(script: Path, folder: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [script], cwd=folder, env={**os.environ, **environment}, capture_output=True, text=True, check=False
    )


def pretend(folder: Path, name: str, body: str) -> Path:
    """Write a program that stands for another one."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / name
    path.write_text(f"#!/bin/bash\n{body}\n")
    path.chmod(0o755)
    return path


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A checkout with the scripts alone, at a path with a blank."""
    folder = tmp_path / "my checkout"
    for script in SCRIPTS:
        copy = folder / script.relative_to(ROOT)
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(script, copy)
    (folder / "pyproject.toml").write_text("[project]\n")
    return folder


@pytest.fixture
def tools(tmp_path: Path) -> Path:
    """A folder to use as PATH: only what the scripts use of the system, and no Python."""
    folder = tmp_path / "tools"
    folder.mkdir()
    for name in ("bash", "cat", "cksum", "dirname", "env", "mkdir", "rm", "find", "sort", "mktemp", "chmod", "cp"):
        found = shutil.which(name)
        assert found is not None
        (folder / name).symlink_to(found)
    return folder


PYTHON = """
case "$*" in
  *version_info*) exit {recent} ;;
  *"-m venv"*) mkdir -p .venv/bin && cp "$0" .venv/bin/python && echo "made by {name}" >> "$LOG" ;;
  *"pip install"*) echo "installed" >> "$LOG"
                   printf '#!/bin/bash\\necho stanhier "$@" >> "$LOG"\\n' > .venv/bin/stanhier
                   chmod +x .venv/bin/stanhier ;;
  *) echo "python $*" >> "$LOG" ;;
esac
"""


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: path.name)
def test_scripts_are_executable_and_parse(script: Path) -> None:
    assert os.access(script, os.X_OK)
    subprocess.run(["bash", "-n", script], check=True)
    assert "set -euo pipefail" in script.read_text()


def test_setup_takes_the_first_recent_python_and_installs_once(checkout: Path, tools: Path, tmp_path: Path) -> None:
    log = tmp_path / "log"
    pretend(tools, "python", PYTHON.format(recent=1, name="python"))
    pretend(tools, "python3.13", PYTHON.format(recent=0, name="python3.13"))
    pretend(tools, "python3.12", PYTHON.format(recent=0, name="python3.12"))
    done = run(checkout / "scripts" / "setup", tmp_path, PATH=str(tools), LOG=str(log))
    assert done.returncode == 0, done.stderr
    assert log.read_text().splitlines() == ["made by python3.13", "installed", "stanhier install", "stanhier compile"]
    log.unlink()
    assert run(checkout / "scripts" / "setup", tmp_path, PATH=str(tools), LOG=str(log)).returncode == 0
    assert log.read_text().splitlines() == ["stanhier install", "stanhier compile"]
    log.unlink()
    (checkout / "pyproject.toml").write_text("[project]\nname = 'changed'\n")
    assert run(checkout / "scripts" / "setup", tmp_path, PATH=str(tools), LOG=str(log)).returncode == 0
    assert "installed" in log.read_text()


def test_setup_without_a_recent_python_uses_uv_or_says_so(checkout: Path, tools: Path, tmp_path: Path) -> None:
    log = tmp_path / "log"
    pretend(tools, "python3", PYTHON.format(recent=1, name="python3"))
    done = run(checkout / "scripts" / "setup", tmp_path, PATH=str(tools), LOG=str(log))
    assert done.returncode == 1
    assert len(done.stderr.splitlines()) == 2
    assert "no Python 3.12 or later" in done.stderr
    python = pretend(tmp_path / "of uv", "python", PYTHON.format(recent=0, name="uv"))
    pretend(tools, "uv", f'mkdir -p .venv/bin && cp "{python}" .venv/bin/python && echo "uv $*" >> "$LOG"')
    done = run(checkout / "scripts" / "setup", tmp_path, PATH=str(tools), LOG=str(log))
    assert done.returncode == 0, done.stderr
    assert log.read_text().splitlines()[0] == "uv venv --quiet --seed --python >=3.12 .venv"


def test_setup_stops_where_an_installation_fails(checkout: Path, tools: Path, tmp_path: Path) -> None:
    body = PYTHON.format(recent=0, name="python").replace('echo "installed" >> "$LOG"', "exit 7")
    pretend(tools, "python", body)
    for _ in range(2):  # and does not think, the second time, that it is done
        done = run(checkout / "scripts" / "setup", tmp_path, PATH=str(tools), LOG=str(tmp_path / "log"))
        assert done.returncode == 7


def test_demo_runs_every_example_and_names_the_new_pictures(checkout: Path, tmp_path: Path) -> None:
    pretend(checkout / "scripts", "setup", "sleep 0.05")
    pretend(checkout / ".venv" / "bin", "python", 'echo "running $1"; touch "examples/output/$(basename "$1" .py).png"')
    (checkout / "examples" / "output").mkdir(parents=True)
    (checkout / "examples" / "output" / "old.png").write_text("")
    os.utime(checkout / "examples" / "output" / "old.png", (1, 1))
    for name in ("one", "two", "_shared"):
        (checkout / "examples" / f"{name}.py").write_text("")
    done = run(checkout / "scripts" / "demo", tmp_path)
    assert done.returncode == 0, done.stderr
    assert "running examples/one.py" in done.stdout
    pictures = done.stdout.partition("Pictures:\n")[2].split()
    assert pictures == ["examples/output/one.png", "examples/output/two.png"]


def test_check_fails_on_stan_code_that_is_not_formatted(checkout: Path, cmdstan_home: Path, tmp_path: Path) -> None:
    for name in ("ruff", "mypy", "python"):
        pretend(checkout / ".venv" / "bin", name, "true")
    pretend(checkout / ".venv" / "bin", "stanhier", f'echo "{cmdstan_home}"')
    models = checkout / "stan_models"
    shutil.copytree(ROOT / "stan_models", models)
    done = run(checkout / "scripts" / "check", tmp_path)
    assert done.returncode == 0, done.stderr
    (models / "functions" / "bad.stanfunctions").write_text("real one( ) { return 1 ; }\n")
    done = run(checkout / "scripts" / "check", tmp_path)
    assert done.returncode == 1
    assert "bad.stanfunctions is not formatted" in done.stderr
    pretend(checkout / ".venv" / "bin", "python", '[[ "$*" != scripts/names.py ]]')
    assert run(checkout / "scripts" / "check", tmp_path).returncode == 1
    pretend(checkout / ".venv" / "bin", "mypy", "exit 5")
    assert run(checkout / "scripts" / "check", tmp_path).returncode == 5


def test_test_passes_its_arguments_on_and_ci_runs_it(checkout: Path, tmp_path: Path) -> None:
    for name in ("setup", "check"):
        pretend(checkout / "scripts", name, f'echo "{name}"')
    pretend(checkout / ".venv" / "bin", "python", 'echo "python" "$@"')
    pretend(checkout / "scripts", "lowest", 'echo "lowest" "$@"; exit 6')
    script = [checkout / "scripts" / "test", "-m", "not slow"]
    said = subprocess.check_output(script, cwd=tmp_path, text=True, env={**os.environ, "CI": ""})
    assert said.splitlines() == ["setup", "check", f"{TESTS} -m not slow"]
    done = run(checkout / ".ci" / "run", tmp_path, CI="")
    both = [f"{TESTS} -n auto --dist loadfile -m not alone", f"{TESTS} -m alone"]
    assert done.stdout.splitlines() == ["setup", "check", *both]
    done = run(checkout / ".ci" / "run", tmp_path, CI="true")
    assert done.stdout.splitlines() == ["setup", "check", *both, "lowest"]
    assert done.returncode == 6
    for failing in both:
        pretend(checkout / ".venv" / "bin", "python", f'[[ "python $*" != "{failing}" ]]')
        assert run(checkout / ".ci" / "run", tmp_path, CI="true").returncode == 1


def test_docs_builds_the_pages_and_says_where_they_are(checkout: Path, tmp_path: Path) -> None:
    pretend(checkout / "scripts", "setup", 'echo "setup"')
    pretend(checkout / ".venv" / "bin", "python", 'echo "python" "$@"; exit ${CODE:-0}')
    done = run(checkout / "scripts" / "docs", tmp_path)
    assert done.stdout.splitlines()[:2] == ["setup", "python -m scripts.pages.build build/docs"]
    assert done.stdout.splitlines()[-1] == f"Pages: {checkout / 'build' / 'docs' / 'html' / 'index.html'}"
    script = [checkout / "scripts" / "docs", "--keep"]
    assert "build/docs --keep" in subprocess.check_output(script, cwd=tmp_path, text=True)
    failed = run(checkout / "scripts" / "docs", tmp_path, CODE="3")
    assert failed.returncode == 3
    assert "Pages:" not in failed.stdout


@pytest.mark.parametrize(("name", "module"), [("wheel", "files"), ("release", "release")])
def test_wheels_and_releases_are_made_after_the_set_up(checkout: Path, tmp_path: Path, name: str, module: str) -> None:
    pretend(checkout / "scripts", "setup", 'echo "setup"')
    pretend(checkout / ".venv" / "bin", "python", 'echo "python" "$@"; exit ${CODE:-0}')
    done = run(checkout / "scripts" / name, tmp_path)
    assert done.stdout.splitlines() == ["setup", f"python -m scripts.wheels.{module} dist"]
    assert run(checkout / "scripts" / name, tmp_path, CODE="3").returncode == 3


OLDEST = """
case "$*" in
  *version_info*) exit {other} ;;
  *"-m venv"*) mkdir -p .venv-lowest/bin && cp "$0" .venv-lowest/bin/python && echo "made" >> "$LOG" ;;
  *lowest_versions*) echo "numpy==2.0" ; echo "$VERSION" ;;
  *"pip install"*) echo "${{@: -2}}" >> "$LOG"; exit ${{FAILS:-0}} ;;
  *) echo "$*" >> "$LOG" ;;
esac
"""


def test_the_lowest_versions_are_installed_once_and_tested(checkout: Path, tmp_path: Path) -> None:
    log, script = tmp_path / "log", checkout / "scripts" / "lowest"
    pretend(checkout / ".venv" / "bin", "python", OLDEST.format(other=0))

    def lines(version: str = "pandas==2.2.2", fails: str = "0", code: int = 0) -> list[str]:
        log.write_text("")
        done = run(script, tmp_path, LOG=str(log), VERSION=version, FAILS=fails)
        assert done.returncode == code, done.stderr
        return log.read_text().splitlines()

    installed = ["made", "--requirement .venv-lowest/requirements.txt", "--editable ."]
    assert lines(fails="7", code=7) == installed[:2]
    first = lines()
    assert first[:3] == installed
    (tests,) = first[3:]
    assert tests.startswith("-m pytest -n auto --dist loadfile -m not slow --one-case ")
    assert (checkout / ".venv-lowest" / "requirements.txt").read_text() == "numpy==2.0\npandas==2.2.2\n"
    assert lines() == [tests]
    assert lines(version="pandas==2.3") == first


CASES = """
import pytest

@pytest.mark.parametrize("x", [1, 2])
@pytest.mark.parametrize("y", [3, 4])
def test_one(x, y): pass

@pytest.mark.versions
@pytest.mark.parametrize("x", [1, 2])
def test_all(x): pass

class TestClass:
    @pytest.mark.parametrize("x", [5, 6])
    def test_one(self, x): pass

def test_without(): pass
"""


def test_one_case_of_each_test_or_all_that_depend_on_versions(tmp_path: Path) -> None:
    (tmp_path / "test_cases.py").write_text(CASES)
    command = [sys.executable, "-m", "pytest", "-p", "tests.conftest", "--collect-only", "-q", tmp_path]
    said = subprocess.check_output([*command, "-c", ROOT / "pyproject.toml", "--one-case"], text=True, cwd=ROOT)
    named = [line.rpartition("::")[2] for line in said.splitlines() if "::" in line]
    assert named == ["test_one[3-1]", "test_all[1]", "test_all[2]", "test_one[5]", "test_without"]
    assert "5/9 tests collected (4 deselected)" in said


def test_the_lowest_versions_want_python_3_12(checkout: Path, tools: Path, tmp_path: Path) -> None:
    pretend(checkout / ".venv" / "bin", "python", OLDEST.format(other=1))
    done = run(checkout / "scripts" / "lowest", tmp_path, LOG=os.devnull, VERSION="", PATH=str(tools))
    assert done.returncode == 1
    assert done.stderr == "scripts/lowest: no Python 3.12 here; install it and run this again.\n"


def pyproject(dependencies: str, **extras: str) -> str:
    listed = "".join(f"{name} = [{lines}]\n" for name, lines in extras.items())
    return f"[project]\ndependencies = [{dependencies}]\n[project.optional-dependencies]\n{listed}"


def test_lower_bounds_become_requirements() -> None:
    text = pyproject(
        '"numpy>=2.0"', polars='"pyarrow>=23", "polars>=1"', dev='"dask[b,a]>=3", "ruff>=1", "pyarrow>=23"'
    )
    assert lowest(text) == ["dask[a,b]==3", "numpy==2.0", "pyarrow==23"]
    ours = lowest((ROOT / "pyproject.toml").read_text())
    assert {line.partition("==")[0] for line in ours} > {"numpy", "pandas", "cmdstanpy", "pytest", "dask[dataframe]"}


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (pyproject('"numpy"', dev=""), "'numpy' in pyproject.toml: one lower bound"),
        (pyproject('"numpy>=2,<3"', dev=""), "one lower bound"),
        (pyproject('"numpy==2"', dev=""), "one lower bound"),
        (pyproject("", polars='"pyarrow>=22"', dev='"pyarrow>=23"'), "pyarrow has the lower bounds 22 and 23"),
    ],
)
def test_unclear_bounds_are_refused(text: str, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        lowest(text)
