"""What the commands say where programs came with the package."""

from pathlib import Path

import pytest

from stanhier import cli
from stanhier.stan import doctor, program_place
from stanhier.stan.program import Program
from stanhier.stan.program_text import shipped_programs
from tests.tools.fake_cmdstan import PROGRAM
from tests.tools.shipped_parts import exe_in, put


def test_doctor_asks_for_nothing_that_is_not_needed(
    came: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path / "empty"))
    assert cli.main(["doctor"]) == 0
    said = capsys.readouterr().out
    assert said.count("came compiled with stanhier, and runs") == len(shipped_programs())
    assert said.count('none: needed for sample(engine="textbook") alone') == 3
    assert "Install g++" in said
    assert "!!" not in said


def test_doctor_says_why_one_is_not_used(
    came: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    put(exe_in(came), "#!/bin/sh\nexit 3\n")
    assert cli.main(["doctor"]) == 1
    said = capsys.readouterr().out
    assert said.count("not compiled yet") == 1
    assert "what came compiled with stanhier is not used: it does not run: it ends with code 3" in said
    exe_in(came).parent.rename(came / f"{PROGRAM}-0123456789ab")
    assert cli.main(["doctor"]) == 1
    assert "what came compiled with stanhier is of another text" in capsys.readouterr().out
    Program(PROGRAM).exe()
    capsys.readouterr()
    assert cli.main(["doctor"]) == 0
    assert "compiled plain, and runs\n" in capsys.readouterr().out
    monkeypatch.setenv("CMDSTAN", str(tmp_path / "nowhere"))
    assert cli.main(["doctor"]) == 1
    assert "Correct it, or unset it" in capsys.readouterr().out


def test_what_another_environment_compiled_is_no_leftover(came: Path, tmp_path: Path) -> None:
    away = came.rename(tmp_path / "not here")
    compiled = Program(PROGRAM).exe()
    assert compiled.is_relative_to(program_place.programs_dir())
    away.rename(came)
    assert Program(PROGRAM).exe() == exe_in(came)
    old = program_place.programs_dir() / f"{PROGRAM}-0123456789ab-01234567"
    old.mkdir()
    assert doctor.leftovers() == [old]


def test_compile_compiles_what_did_not_come(
    came: Path, own_cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from concurrent.futures import ThreadPoolExecutor

    monkeypatch.setattr(cli, "ProcessPoolExecutor", lambda _workers, **_options: ThreadPoolExecutor(1))
    with monkeypatch.context() as patch:
        patch.setenv("PATH", str(tmp_path / "empty"))
        assert cli.main(["compile"]) == 0
    said = capsys.readouterr().out
    assert said.count("came compiled with stanhier") == len(shipped_programs())
    assert str(exe_in(came)) in said
    assert not own_cache.exists()
    put(exe_in(came), "#!/bin/sh\nexit 3\n")
    assert cli.main(["compile"]) == 0
    said = capsys.readouterr().out
    assert said.count("came compiled with stanhier") == len(shipped_programs()) - 1
    assert "compiled in" in said
    assert cli.main(["compile", "--threads"]) == 0
    assert capsys.readouterr().out.count("compiled in") == len(shipped_programs())
