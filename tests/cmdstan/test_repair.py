"""Homes and programs that were moved, damaged or became old: found before they do harm, and repaired."""

import json
import shutil
import subprocess
from pathlib import Path

import cmdstanpy
import pytest

from stanhier import cli
from stanhier.basics.errors import CmdStanError
from stanhier.cmdstan import cache, ensure_cmdstan, executable, install, installer, locate
from stanhier.stan.program import Program
from stanhier.stan.program_text import shipped_programs
from tests.tools.driver_tools import run
from tests.tools.fake_cmdstan import PROGRAM

HEADER = "include/boost/version.hpp"


def damage(home: Path, how: str) -> str:
    """Damage a home in one of the ways in which disks, copies and hands do; say which file."""
    name = "makefile" if "makefile" in how else "bin/stanc" if "stanc" in how else HEADER
    content = (home / name).read_bytes()
    match how:
        case "the makefile's content":
            (home / name).write_bytes(b"#" * len(content))
        case "a truncated header":
            (home / name).write_bytes(content[: len(content) // 2])
        case "an empty header":
            (home / name).write_bytes(b"")
        case "one letter of a header":
            (home / name).write_bytes(content[:-1] + b"?")
        case "a missing header":
            (home / name).unlink()
        case "stanc may not be run":
            (home / name).chmod(0o644)
        case "the list of headers":
            name = "headers.json"
            (home / name).write_bytes(b"?" + (home / name).read_bytes()[1:])
    return name


@pytest.mark.parametrize(
    "how",
    [
        "the makefile's content",
        "a truncated header",
        "an empty header",
        "one letter of a header",
        "a missing header",
        "stanc may not be run",
        "the list of headers",
    ],
)
@pytest.mark.parametrize("action", ["compile", "install"])
def test_a_damaged_home_is_built_anew_before_it_compiles_anything(
    parts: Path, caplog: pytest.LogCaptureFixture, capsys: pytest.CaptureFixture[str], how: str, action: str
) -> None:
    home = install(progress=False)
    name = damage(home, how)
    assert installer.damaged_files(home) == [name]
    if action == "compile":
        assert Program(PROGRAM).exe().is_file()
        assert f"is damaged ({name}): building it anew" in caplog.text
    else:
        assert cli.main(["install"]) == 0
        assert f"is damaged: {name}" in capsys.readouterr().err
    assert locate.built_homes() == [home]
    assert installer.damaged_files(home) == []


def test_many_damaged_files_are_not_all_named(parts: Path, capsys: pytest.CaptureFixture[str]) -> None:
    home = install(progress=False)
    headers = sorted((home / "include").rglob("*.hpp")) + sorted((home / "driver").rglob("*")) + [home / "makefile"]
    for path in [*headers, home / "lib" / "libsundials_cvodes.a", home / "build" / "one.o"]:
        path.write_bytes(path.read_bytes()[:-1] + b"?")
    assert len(installer.damaged_files(home)) > 5
    install()
    assert " more\n" in capsys.readouterr().err


def test_a_damaged_home_that_cmdstan_names_is_refused(
    parts: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    home = shutil.copytree(install(progress=False), tmp_path / "copied", symlinks=True)
    monkeypatch.setenv("CMDSTAN", str(home))
    assert Program(PROGRAM).exe().is_file(), "a copy of a home is as good as the home"
    damage(home, "a truncated header")
    with pytest.raises(CmdStanError, match=rf"is damaged: {HEADER}\. .*unset CMDSTAN"):
        Program(PROGRAM).rebuild()
    assert cli.main(["doctor"]) == 1
    assert "which CMDSTAN names" in capsys.readouterr().out


def test_doctor_knows_a_moved_home(
    parts: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    home = install(progress=False).rename(tmp_path / "my home")
    monkeypatch.setenv("CMDSTAN", str(home))
    cli.main(["doctor"])
    said = capsys.readouterr().out
    assert f"2.39.0, built by stanhier, yours by CMDSTAN, in {home}" in said
    assert "unset CMDSTAN" not in said


def test_a_program_that_no_longer_runs_is_found_and_compiled_anew(
    parts: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    caplog: pytest.LogCaptureFixture,
) -> None:
    system = tmp_path / "system"
    system.write_text("glibc 2.17")
    monkeypatch.setenv("FAKE_SYSTEM", str(system))
    for name in shipped_programs():
        Program(name).exe()
    assert cli.main(["doctor"]) == 0
    system.write_text("glibc 2.40")
    monkeypatch.setattr(executable, "_compared", set())  # as in a new process
    assert not Program(PROGRAM).is_compiled
    assert cli.main(["doctor"]) == 1
    said = capsys.readouterr().out
    assert "!!  linear_regression  plain: it does not run: stan_version_major = 2" in said
    assert "or `stanhier compile`" in said
    exe = Program(PROGRAM).exe()
    assert "it does not run: " in caplog.text
    assert subprocess.run([exe, "info"], check=True, capture_output=True).stdout.startswith(b"stan_version")


@pytest.mark.parametrize("how", ["missing", "truncated", "another"])
def test_the_library_beside_a_program_belongs_to_it(parts: Path, monkeypatch: pytest.MonkeyPatch, how: str) -> None:
    exe = Program(PROGRAM).exe()
    library = exe.with_name("libtbb.so.2")
    assert library.read_bytes() == b"library"
    assert not library.is_symlink()
    if how == "missing":
        library.unlink()
    else:
        library.write_bytes(b"lib" if how == "truncated" else b"another")
    monkeypatch.setattr(executable, "_compared", set())
    assert "libtbb" in Program(PROGRAM).fault() or how == "missing"
    assert not Program(PROGRAM).is_compiled
    assert Program(PROGRAM).exe() == exe
    assert library.read_bytes() == b"library"
    assert Program(PROGRAM).fault() == ""


def test_a_cache_that_was_copied_serves_as_it_is(
    parts: Path, own_cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    exe = Program(PROGRAM).exe()
    copied = shutil.copytree(own_cache, tmp_path / "copied cache", symlinks=True)
    shutil.rmtree(own_cache)
    monkeypatch.setenv("STANHIER_CACHE", str(copied))
    monkeypatch.setenv("FAKE_FAILURE", "nothing is to be built")
    assert ensure_cmdstan().parent == copied / "homes"
    assert Program(PROGRAM).exe() == copied / exe.relative_to(own_cache)


def test_a_home_of_another_version_is_left_alone_until_it_is_removed(
    parts: Path, own_cache: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    home = install(progress=False)
    old = home.with_name("cmdstan-2.35.0-0123456789-01234567")
    shutil.copytree(home, old, symlinks=True)
    (old / "makefile").write_text((home / "makefile").read_text().replace("2.39.0", "2.35.0"))
    left = own_cache / "staging" / "cmdstan-2.35.0-0123456789-01234567.999999999-abcdef"
    left.mkdir()
    exe = Program(PROGRAM).exe()
    assert ensure_cmdstan() == home
    assert cli.main(["doctor"]) == 1, "the other program is not compiled yet"
    said = capsys.readouterr().out
    assert "`stanhier install --remove-old` removes them" in said
    assert f"{old} (" in said
    assert cli.main(["install", "--remove-old"]) == 0
    said = capsys.readouterr()
    assert said.out == f"{home}\n"
    assert f"removed {old} (" in said.err
    assert f"removed {left} (" in said.err
    assert locate.built_homes() == [home]
    assert Program(PROGRAM).compiled_exe() == exe
    assert not list((own_cache / "staging").iterdir())
    shutil.copytree(home, old, symlinks=True)
    marker = json.loads((old / locate.MARKER).read_text())
    (old / locate.MARKER).write_text(json.dumps({**marker, "content": "cmdstan-2.35.0-0123456789"}))
    monkeypatch.setenv("CMDSTAN", str(old))
    assert cli.main(["install", "--remove-old"]) == 0
    assert old.is_dir(), "it is in use"
    capsys.readouterr()
    cli.main(["doctor"])
    assert "an earlier or later stanhier built it; unset CMDSTAN to use 2.39.0" in capsys.readouterr().out


def test_what_another_process_is_making_is_no_leftover(parts: Path, capsys: pytest.CaptureFixture[str]) -> None:
    install(progress=False)
    with cache.staging("somebody") as work:
        assert cli.main(["install", "--remove-old"]) == 0
        assert work.is_dir()
    assert "removed" not in capsys.readouterr().err


@pytest.mark.slow
def test_a_moved_cache_and_a_moved_home(
    cmdstan_home: Path, tmp_path: Path, own_cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Stan's real programs: they find TBB wherever they and the home are moved to."""
    shutil.copytree(cmdstan_home, own_cache / "homes" / cmdstan_home.name, symlinks=True)
    exe = Program(PROGRAM).exe()
    moved = tmp_path / "moved"
    own_cache.rename(moved)
    monkeypatch.setenv("STANHIER_CACHE", str(moved))
    assert Program(PROGRAM).compiled_exe() == moved / exe.relative_to(own_cache)
    lone = shutil.copytree(moved / exe.parent.relative_to(own_cache), tmp_path / "lone")
    home = (moved / "homes" / cmdstan_home.name).rename(tmp_path / "a home")
    assert "stan_version_minor = 39" in run(lone / exe.name, "info")
    monkeypatch.setenv("CMDSTAN", str(home))
    shutil.copy(Path(__file__).resolve().parents[1] / "programs" / "bernoulli.stan", tmp_path)
    model = cmdstanpy.CmdStanModel(stan_file=str(tmp_path / "bernoulli.stan"))
    assert model.exe_info()["stan_version_minor"] == "39"
