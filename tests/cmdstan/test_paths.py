"""A cache may be anywhere: no character of its path means anything to make, to a shell or to stanc."""

import os
import shutil
import subprocess
import tempfile
from pathlib import Path

import pytest

from stanhier.basics.errors import CmdStanError
from stanhier.cmdstan import build, ensure_cmdstan, install
from stanhier.cmdstan.build import in_a_plain_path
from stanhier.stan.program import Program
from tests.tools import variants
from tests.tools.fake_cmdstan import PROGRAM

NAMES = [
    *(f"a{character}b" for character in "'\"()$;&,=\\ #%:~*?[]{}|<>!^@+\t\né`-"),
    *("-j", "~", "$HOME", "$$", "${CXX}", "a:=b", "%.stan", "#", "\\", "it's", '"', " lead and trail ", "a\\ b"),
    *("x;touch evil;y", "x&touch evil&y", "x|touch evil", "x\ntouch evil\n", "$(touch evil)", "`touch evil`"),
    *("$(shell touch evil)", "$(error no)", "x';touch evil;'", 'x";touch evil;"', "x --touch evil", "x>evil"),
]


@pytest.fixture
def working_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "here"
    folder.mkdir()
    monkeypatch.chdir(folder)
    return folder


def assert_nothing_ran(tmp_path: Path) -> None:
    assert [path for path in tmp_path.rglob("*") if path.name.startswith("evil")] == []


@pytest.mark.parametrize("name", NAMES)
def test_programs_compile_in_a_cache_of_any_name(
    parts: Path, tmp_path: Path, working_folder: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    root = tmp_path / "caches" / name
    monkeypatch.setenv("STANHIER_CACHE", str(root))
    home = install(progress=False)
    assert home.is_relative_to(root)
    exe = Program(PROGRAM).exe()
    assert exe.is_relative_to(root)
    assert "stan_version_major" in subprocess.check_output([exe, "info"], text=True)
    assert Program(PROGRAM).exe(threads=True) != exe
    assert Program(PROGRAM).model().exe_file == str(exe)
    assert_nothing_ran(tmp_path)


@pytest.mark.parametrize("name", [name for name in NAMES if "\n" not in name])
def test_temporary_folders_may_be_anywhere_too(
    parts: Path, tmp_path: Path, working_folder: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    temporary = tmp_path / "temporary" / name
    temporary.mkdir(parents=True)
    monkeypatch.setattr("tempfile.tempdir", str(temporary))
    monkeypatch.setenv("TMPDIR", str(temporary))
    assert Program(PROGRAM).exe().is_file()
    assert_nothing_ran(tmp_path)


def test_a_failure_names_the_file_that_the_user_knows(
    parts: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("STANHIER_CACHE", str(tmp_path / "a & b"))
    monkeypatch.setenv("FAKE_FAILURE", "error: no such thing")
    install_without_failing(monkeypatch)
    with pytest.raises(CmdStanError, match=r"did not compile\.\n") as caught:
        Program(PROGRAM).exe()
    assert "stanhier-" not in str(caught.value)  # the link


def install_without_failing(monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as here:
        here.delenv("FAKE_FAILURE")
        install(progress=False)


def test_a_link_goes_when_it_has_served(tmp_path: Path) -> None:
    folder = tmp_path / "a b"
    folder.mkdir()
    with in_a_plain_path(folder) as plain:
        assert plain != folder
        assert plain.samefile(folder)
        assert plain.parent.stat().st_mode & 0o777 == 0o700
    assert not plain.parent.exists()
    assert folder.is_dir()


def test_without_a_place_for_a_link_the_remedy_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(build, "is_plain", lambda _path: False)
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    with (
        pytest.raises(CmdStanError, match=r"Set TMPDIR or STANHIER_CACHE to a folder whose path"),
        in_a_plain_path(tmp_path),
    ):
        pass


@pytest.mark.slow
def test_a_program_compiles_and_samples_in_a_cache_of_the_worst_name(
    cmdstan_home: Path, own_cache: Path, tmp_path: Path, working_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = tmp_path / """a'b"c(d$e;touch evil;f&touch evil&g,h=i\\j k#l%m~n*o`touch evil`p$(touch evil)q"""
    monkeypatch.setenv("STANHIER_CACHE", str(root))
    home = root / "homes" / cmdstan_home.name
    shutil.copytree(cmdstan_home, home, symlinks=True, copy_function=os.link)
    assert ensure_cmdstan() == home
    exe = Program("varying_intercept").exe()  # one that includes files and a header
    assert exe.is_relative_to(root)
    assert "stan_version_major" in subprocess.check_output([exe, "info"], text=True)

    fit = variants.VARYING["default"]().sample(seed=1, iter_warmup=300, iter_sampling=300, show_progress=False)
    assert fit.draws.shape == (4, 300)
    assert_nothing_ran(tmp_path)
    assert not list(Path(tempfile.gettempdir()).glob("evil*"))
