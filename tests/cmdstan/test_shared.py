"""A cache that several users share: what one builds the others can read, and where they cannot they are told."""

import os
import shutil
import stat
import traceback
from collections.abc import Callable
from pathlib import Path

import pytest

from stanhier.cmdstan import ensure_cmdstan, install
from stanhier.stan.doctor import examine
from stanhier.stan.program import Program
from stanhier.stan.program_text import shipped_programs
from tests.tools.fake_cmdstan import PROGRAM

SOMEBODY = 65534


@pytest.fixture
def closed_umask():
    before = os.umask(0o077)
    yield
    os.umask(before)


@pytest.fixture
def shared(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, parts: Path) -> Path:
    """A cache that everybody may read."""
    root = tmp_path / "shared"
    root.mkdir()
    root.chmod(0o755)
    monkeypatch.setenv("STANHIER_CACHE", str(root))
    return root


def as_somebody(action: Callable[[], object], ways: Path) -> str:
    """Run something as another user, who gets into every folder above; give what came of it, or the error."""
    if os.getuid() != 0:
        pytest.skip("only root can be somebody else")
    for folder in ways.parents:
        folder.chmod(folder.stat().st_mode | 0o011)
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            os.setgroups([])
            os.setgid(SOMEBODY)
            os.setuid(SOMEBODY)
            said = str(action())
        except BaseException as err:  # noqa: BLE001
            said = f"{type(err).__name__}: {err}\n" + ("" if "StanError" in repr(err) else traceback.format_exc())
        os.write(writing, said.encode())
        os._exit(0)
    os.close(writing)
    with os.fdopen(reading, "rb") as stream:
        said = stream.read().decode()
    os.waitpid(child, 0)
    return said


def public_python() -> str:
    """Find a Python that everybody may run: that of the tests may be root's own."""
    found = shutil.which("python3", path="/usr/bin:/usr/local/bin")
    return found or pytest.skip("there is no Python of the system")


@pytest.mark.usefixtures("closed_umask")
def test_what_one_user_builds_others_use(shared: Path) -> None:
    exe = Program(PROGRAM).exe()
    assert as_somebody(ensure_cmdstan, shared) == str(ensure_cmdstan())
    assert as_somebody(Program(PROGRAM).exe, shared) == str(exe)
    assert as_somebody(lambda: os.access(exe, os.X_OK), shared) == "True"
    wrong = as_somebody(lambda: [finding.text for finding in examine() if not finding.well], shared)
    assert wrong.count("not compiled yet") == len(shipped_programs()) - 1
    assert "ermission" not in wrong
    said = as_somebody(lambda: Program(PROGRAM).exe(threads=True), shared)
    assert said.startswith("CmdStanError: The cache cannot be written: Permission denied")
    for path in shared.rglob("*"):
        if not path.is_symlink():
            assert not path.stat().st_mode & 0o022, path


@pytest.mark.usefixtures("closed_umask")
@pytest.mark.parametrize("mode", [0o700, 0o750, 0o755, 0o775, 0o777, 0o1777, 0o2775])
def test_modes_are_those_of_the_cache(shared: Path, mode: int) -> None:
    shared.chmod(mode)
    Program(PROGRAM).exe()
    for folder in shared.iterdir():
        if folder.is_dir():
            assert stat.S_IMODE(folder.stat().st_mode) == mode, folder
    files = [path for path in (*(shared / "homes").rglob("*"), *(shared / "programs").rglob("*")) if path.is_file()]
    assert files
    for file in files:
        assert file.stat().st_mode & 0o044 == mode & 0o044, file
        assert not file.stat().st_mode & 0o022, file
    locks = list((shared / "locks").iterdir())
    assert locks
    assert all(stat.S_IMODE(lock.stat().st_mode) == mode & 0o666 for lock in locks)


@pytest.mark.usefixtures("closed_umask")
def test_users_who_may_write_build_side_by_side(shared: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shared.chmod(0o777)
    install(progress=False)
    monkeypatch.setattr("sys.executable", public_python())
    exe = as_somebody(Program(PROGRAM).exe, shared)
    assert exe == str(Program(PROGRAM).exe())
    assert Path(exe).stat().st_uid == SOMEBODY


@pytest.mark.parametrize(
    "closed", ["", "homes", "homes/*", "homes/*/stanhier.json", "programs", "programs/*", "programs/*/*"]
)
def test_what_cannot_be_read_is_told_with_the_remedy(shared: Path, closed: str) -> None:
    Program(PROGRAM).exe()
    for path in [shared] if not closed else shared.glob(closed):
        path.chmod(0o700 if path.is_dir() else 0o600)
    said = as_somebody(Program(PROGRAM).exe, shared)
    assert said.startswith("CmdStanError: The cache cannot be read: Permission denied")
    assert f"chmod -R go+rX {shared}" in said
    assert "STANHIER_CACHE" in said
    assert not as_somebody(examine, shared).startswith("PermissionError")


@pytest.mark.parametrize("link", ["symbolic", "hard"])
def test_a_lock_that_is_a_link_empties_nothing(shared: Path, tmp_path: Path, link: str) -> None:
    install(progress=False)
    victim = tmp_path / "victim"
    victim.write_text("precious")
    (shared / "locks").mkdir(exist_ok=True)
    for lock in [shared / "locks" / f"{Program(PROGRAM).place(threads=False).name}.lock"]:
        lock.unlink(missing_ok=True)
        os.link(victim, lock) if link == "hard" else lock.symlink_to(victim)
    with pytest.raises(Exception, match=r"It is a link or no file where a lock belongs: remove it") as caught:
        Program(PROGRAM).exe()
    assert type(caught.value).__name__ == "CmdStanError"
    assert victim.read_text() == "precious"


def test_the_compilers_version_is_not_written_through_a_link(shared: Path, tmp_path: Path) -> None:
    victim = tmp_path / "victim"
    victim.write_text("precious")
    (shared / "compilers.json").symlink_to(victim)
    (shared / f"compilers.json.{os.getpid()}").symlink_to(victim)
    install(progress=False)
    assert victim.read_text() == "precious"
