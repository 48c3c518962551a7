"""The command line."""

import subprocess
import sys
from pathlib import Path

import pytest

import stanhier as sh
from stanhier import cli
from stanhier.cmdstan import cache, install, installer, locate
from stanhier.stan.program import Program
from stanhier.stan.program_text import shipped_programs

pytestmark = pytest.mark.alone


@pytest.fixture
def in_process(monkeypatch: pytest.MonkeyPatch) -> None:
    """Compile in this process, where the parts of a test are used, instead of in others."""
    from concurrent.futures import ThreadPoolExecutor

    monkeypatch.setattr(cli, "ProcessPoolExecutor", lambda _workers, **_options: ThreadPoolExecutor(1))


def test_install_prints_where_it_is_and_nothing_else(parts: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["install"]) == 0
    said = capsys.readouterr()
    assert said.out == f"{locate.built_homes()[0]}\n"
    assert "is ready after" in said.err
    assert cli.main(["install", "--jobs", "1"]) == 0
    assert capsys.readouterr() == (said.out, "")
    assert cli.main(["install", "--force"]) == 0
    assert "is ready after" in capsys.readouterr().err
    assert cli.main(["install", "--native"]) == 0
    assert "native" in capsys.readouterr().out


def test_errors_are_one_message_and_exit_code_1(
    parts: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path / "empty"))
    assert cli.main(["install"]) == 1
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err.startswith("stanhier: Stan programs are compiled, and no C++ compiler is there.")
    assert len(said.err.splitlines()) == 1


@pytest.mark.parametrize("words", [[], ["instal"], ["install", "--jobs", "0"]])
def test_wrong_words_are_refused(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as refused:
        cli.main(words)
    assert refused.value.code == 2
    assert "usage: stanhier" in capsys.readouterr().err


def test_from_github_calls_cmdstanpys_installer(
    parts: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    import cmdstanpy

    asked = {}

    def pretend(**options: object) -> bool:
        asked.update(options)
        return works

    monkeypatch.setattr(cmdstanpy, "install_cmdstan", pretend)
    monkeypatch.setattr(cmdstanpy, "cmdstan_path", lambda: str(tmp_path))
    works = True
    assert cli.main(["install", "--from-github", "--jobs", "3"]) == 0
    assert capsys.readouterr().out == f"{tmp_path}\n"
    assert asked == {"version": None, "cores": 3, "progress": True}
    works = False
    assert cli.main(["install", "--from-github"]) == 1
    assert "could not be installed from GitHub" in capsys.readouterr().err


def test_compile_names_every_program_and_says_when_it_is_there(
    parts: Path, in_process: None, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main(["compile"]) == 0
    lines = capsys.readouterr().out.splitlines()
    for name in shipped_programs():
        assert sum(line.startswith(name) and "compiled in" in line for line in lines) == 1
        assert Program(name).is_compiled
        assert Program(name).compiled_exe(threads=True) is None
    assert str(cache.cache_dir()) in lines[-1]
    assert cli.main(["compile"]) == 0
    assert capsys.readouterr().out.count("is there") == len(shipped_programs())
    assert cli.main(["compile", "--threads"]) == 0
    assert all(Program(name).compiled_exe(threads=True) for name in shipped_programs())


def test_compile_goes_on_after_a_program_that_fails(
    parts: Path, in_process: None, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    install(progress=False)
    monkeypatch.setenv("FAKE_FAILURE", "error: no")
    assert cli.main(["compile"]) == 1
    said = capsys.readouterr().err
    for name in shipped_programs():
        assert f"{name}.stan did not compile" in said


def test_doctor_says_what_is_missing_and_what_to_do(
    parts: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main(["doctor"]) == 1
    said = capsys.readouterr().out
    assert "!!  CmdStan" in said
    assert "stanhier install" in said
    assert said.count("stanhier compile") == len(shipped_programs())
    assert "ok  compiler" in said
    monkeypatch.setenv("PATH", str(tmp_path / "empty"))
    assert cli.main(["doctor"]) == 1
    said = capsys.readouterr().out
    assert "!!  compiler" in said
    assert "!!  make" in said


def test_doctor_is_content_when_all_is_there_and_names_leftovers(
    parts: Path, own_cache: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in shipped_programs():
        Program(name).exe()
    capsys.readouterr()
    assert cli.main(["doctor"]) == 0
    said = capsys.readouterr().out
    assert "2.39.0, built by stanhier" in said
    assert str(own_cache) in said
    assert "All is well" in said
    assert "leftovers" not in said
    old = own_cache / "homes" / "cmdstan-2.34.0-0123456789-01234567"
    old.mkdir()
    assert cli.main(["doctor"]) == 0
    assert str(old) in capsys.readouterr().out


@pytest.mark.parametrize("content", ["whOle\n", "who"])
def test_doctor_finds_a_damaged_home(parts: Path, capsys: pytest.CaptureFixture[str], content: str) -> None:
    home = install(progress=False)
    (home / "build" / "one.o").write_text(content)
    assert installer.damaged_files(home) == ["build/one.o"]
    assert cli.main(["doctor"]) == 1
    said = capsys.readouterr().out
    assert f"damaged in {home}: build/one.o" in said
    assert "stanhier install --force" in said


def test_doctor_reports_the_users_cmdstan(
    parts: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("CMDSTAN", str(tmp_path / "nowhere"))
    assert cli.main(["doctor"]) == 1
    assert "nowhere, where there is no CmdStan" in capsys.readouterr().out


def test_an_interrupt_is_no_traceback(
    parts: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def interrupt(**_options: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(cli, "install", interrupt)
    assert cli.main(["install"]) == 130
    assert "interrupted" in capsys.readouterr().err


def test_the_module_runs_as_a_script(cmdstan_home: Path) -> None:
    said = subprocess.check_output([sys.executable, "-m", "stanhier.cli", "install"], text=True)
    assert said == f"{cmdstan_home}\n"


def test_the_package_runs_as_a_module_too():
    command = [sys.executable, "-m", "stanhier", "--help"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stdout.startswith("usage: stanhier [-h] [--version] {install,doctor,compile}")


def test_version(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        cli.main(["--version"])
    assert ended.value.code == 0
    assert capsys.readouterr().out == f"stanhier {sh.__version__}\n"
