"""Executables that came with the package: when they are used, and what is done instead where they are not."""

import os
import shutil
import signal
import subprocess
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import cmdstanpy
import pytest

from stanhier.basics.errors import CmdStanError
from stanhier.cmdstan import executable, install, toolchain
from stanhier.stan import program_place, program_text
from stanhier.stan.calling_cmdstanpy import calling_cmdstanpy
from stanhier.stan.crews import Crew
from stanhier.stan.program import Program
from stanhier.stan.rendered import RenderedProgram
from tests.tools.fake_cmdstan import PROGRAM
from tests.tools.shipped_parts import RUNS, exe_in, put

TEXT = "parameters { real x; }\nmodel { x ~ std_normal(); }\n"


def a_cmdstan(folder: Path) -> Path:
    (folder / "bin").mkdir(parents=True)
    (folder / "bin" / "stanc").write_text("#!/bin/sh\n")
    (folder / "bin" / "stanc").chmod(0o755)
    (folder / "makefile").write_text(
        "CMDSTAN_VERSION := 2.36.0\n%: %.stan\n\tprintf '#!/bin/sh\\n' > $@; chmod +x $@\n"
    )
    return folder


@pytest.fixture
def nothing_else(came: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A machine without compiler and make, where nobody may look for them either."""

    def looked(_: str) -> None:
        raise AssertionError("looked for on the PATH")

    monkeypatch.setenv("PATH", str(tmp_path / "empty"))
    monkeypatch.setattr(toolchain.shutil, "which", looked)
    return came


def test_it_is_used_without_a_look_for_cmdstan_compiler_or_make(nothing_else: Path, own_cache: Path) -> None:
    exe = exe_in(nothing_else)
    assert Program(PROGRAM).exe() == exe
    assert Program(PROGRAM).compiled_exe() == exe
    assert Program(PROGRAM).is_compiled
    assert Program(PROGRAM).model().exe_file == str(exe)
    assert "CMDSTAN" not in os.environ
    assert not own_cache.exists(), "nothing is kept, not even a folder"


def test_one_of_another_text_is_not_used(came: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "stan_models"
    (folder / "functions").mkdir(parents=True)
    path = folder / f"{PROGRAM}.stan"
    path.write_text(f"functions {{\n#include functions/one.stanfunctions\n}}\n{TEXT}")
    (folder / "functions" / "one.stanfunctions").write_text("real one();\n")
    header = folder / "functions" / "one.hpp"
    header.write_text("// one\n")
    monkeypatch.setattr(program_text, "stan_models_dir", lambda: folder)
    assert Program(PROGRAM).shipped() is None
    put(came / Program(PROGRAM).shipped_folder / PROGRAM)
    assert Program(PROGRAM).exe().is_relative_to(came)
    for changed in (path, header, folder / "functions" / "one.stanfunctions"):
        text = changed.read_text()
        changed.write_text(f"{text}// changed\n")
        assert Program(PROGRAM).shipped() is None
        changed.write_text(text)
    header.write_text("// another\n")
    compiled = Program(PROGRAM).exe()
    assert compiled.is_relative_to(program_place.programs_dir())
    assert Program(PROGRAM).compiled_exe() == compiled


def test_other_options_and_another_driver_are_not_what_came(
    came: Path, parts: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(program_place, "STANC_OPTIONS", {"warn-pedantic": True})
        assert Program(PROGRAM).shipped() is None
    assert Program(PROGRAM).shipped() is not None
    other = parts / "another home"
    other.mkdir()
    (other / "makefile").write_text((parts / "home" / "makefile").read_text())
    monkeypatch.setattr(program_place.locate, "HOME_FILES", other)
    assert Program(PROGRAM).shipped() is None


@pytest.mark.parametrize(
    ("script", "reason"),
    [
        ("#!/bin/sh\nkill -ILL $$\n", "it does not run"),
        ("#!/bin/sh\necho 'libtbb.so.2: cannot open shared object file' >&2\nexit 127\n", "libtbb.so.2: cannot open"),
        ("#!/no/such/loader\n", "it does not run"),
        ("\x7fELF, of another processor", "it does not run"),
    ],
)
def test_one_that_does_not_run_here_is_not_used(
    came: Path, script: str, reason: str, capfd: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    install(progress=False)
    exe = exe_in(came)
    put(exe, script)
    before = exe.read_bytes()
    found = Program(PROGRAM).shipped()
    assert found is not None
    assert reason in found.why_not
    capfd.readouterr()
    compiled = Program(PROGRAM).exe()
    assert compiled.is_relative_to(program_place.programs_dir())
    assert Program(PROGRAM).exe() == compiled
    said = capfd.readouterr()
    assert "compiled" not in said.out
    assert str(came) not in said.err, "compiled as ever, without a word on what came"
    assert not caplog.records
    assert exe.read_bytes() == before, "what came stays as it is"


@pytest.mark.parametrize("damage", ["one byte", "not executable", "no record", "library"])
def test_a_damaged_one_is_not_used(came: Path, damage: str) -> None:
    exe = exe_in(came)
    match damage:
        case "one byte":
            exe.write_text(f"{RUNS}#")
        case "not executable":
            exe.chmod(0o644)
        case "no record":
            exe.with_name("stanhier.json").unlink()
        case "library":
            exe.with_name("libtbb.so.2").write_text("another")
    found = Program(PROGRAM).shipped()
    assert found is not None
    assert found.why_not


def test_one_that_may_not_be_read_is_not_used(came: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(executable.os, "access", lambda *_: False)  # as root may read everything
        found = Program(PROGRAM).shipped()
    assert found is not None
    assert "Permission denied" in found.why_not


def test_the_cmdstan_that_is_chosen_comes_first(came: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    chosen = a_cmdstan(tmp_path / "conda")
    monkeypatch.setenv("CMDSTAN", str(chosen))
    found = Program(PROGRAM).shipped()
    assert found is not None
    assert found.why_not == f"CMDSTAN names {chosen}"
    assert Program(PROGRAM).exe().is_relative_to(program_place.programs_dir())
    monkeypatch.delenv("CMDSTAN")
    assert Program(PROGRAM).exe() == exe_in(came)
    cmdstanpy.set_cmdstan_path(str(chosen))
    assert Program(PROGRAM).exe().is_relative_to(program_place.programs_dir())
    monkeypatch.setenv("CMDSTAN", str(tmp_path / "nowhere"))
    with pytest.raises(CmdStanError, match="where there is no CmdStan"):
        Program(PROGRAM).exe()


def test_a_cmdstan_that_is_only_found_does_not(came: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    found = a_cmdstan(tmp_path / ".cmdstan" / "cmdstan-2.36.0")
    assert Program(PROGRAM).exe() == exe_in(came)
    with calling_cmdstanpy():  # asked for digits, cmdstanpy would take the one it finds, and set CMDSTAN
        model = Program(PROGRAM).model()
        with pytest.raises(ValueError, match="parsing Stan csv"):  # the script has run, and written nothing
            model.optimize(sig_figs=9, output_dir=str(tmp_path / "out"))
    assert "CMDSTAN" not in os.environ
    assert cmdstanpy.cmdstan_path() == str(found), "for others as ever"


def test_a_plain_home_of_stanhiers_speaks_for_it_and_a_native_one_against(
    came: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plain = install(progress=False)
    assert Program(PROGRAM).exe() == exe_in(came)
    monkeypatch.setenv("CMDSTAN", str(plain))  # as in a process that one with another program starts
    assert Program(PROGRAM).exe() == exe_in(came)
    monkeypatch.delenv("CMDSTAN")
    native = install(native=True, progress=False)
    found = Program(PROGRAM).shipped()
    assert found is not None
    assert str(native) in found.why_not
    assert Program(PROGRAM).exe().is_relative_to(program_place.programs_dir())
    monkeypatch.setenv("CMDSTAN", str(native))
    assert Program(PROGRAM).exe().is_relative_to(program_place.programs_dir())
    monkeypatch.setenv("CMDSTAN", str(plain))
    assert Program(PROGRAM).exe() == exe_in(came)
    monkeypatch.delenv("CMDSTAN")
    monkeypatch.setenv("PATH", str(tmp_path / "empty"))
    assert Program(PROGRAM).exe() == exe_in(came), "nothing else can be compiled any more"


def test_with_threads_it_is_compiled(came: Path) -> None:
    assert Program(PROGRAM).exe(threads=True).is_relative_to(program_place.programs_dir())
    assert Program(PROGRAM).exe() == exe_in(came)


def test_a_text_of_ones_own_says_what_to_install(came: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    written = RenderedProgram("textbook", TEXT)
    path = os.environ["PATH"]
    monkeypatch.setenv("PATH", str(tmp_path / "empty"))
    says = r'^sample\(engine="textbook"\) compiles a program for each model, and no C\+\+ compiler is there\. Install'
    with pytest.raises(CmdStanError, match=says):
        written.exe()
    monkeypatch.setenv("PATH", path)
    monkeypatch.setenv("MAKE", "no-such-make")
    with pytest.raises(CmdStanError, match="for each model, and no make is there"):
        written.exe()
    monkeypatch.delenv("MAKE")
    exe = written.exe()
    monkeypatch.setenv("PATH", str(tmp_path / "empty"))
    assert written.exe() == exe, "compiled once, it needs no compiler"


def test_when_workers_are_interrupted_its_chains_end_too(came: Path, threads: ThreadPoolExecutor) -> None:
    exe = exe_in(came)
    shutil.copy(str(shutil.which("sleep")), exe)
    with subprocess.Popen([exe, "60"]) as chain:
        Crew(threads, 1).abandon(interrupted=True)
        assert chain.wait(timeout=30) == -signal.SIGTERM
