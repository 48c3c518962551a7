"""What others put into a shared temporary folder harms nothing of ours."""

import os
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from stanhier.stan import run_folder

LOCK = "in-use.lock"


@pytest.fixture
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A temporary folder that is shared, as /tmp is."""
    folder = tmp_path / "shared"
    folder.mkdir()
    folder.chmod(0o1777)
    monkeypatch.setattr("tempfile.tempdir", str(folder))
    run_folder._remove_abandoned.cache_clear()
    return folder


@pytest.fixture
def victim(tmp_path: Path) -> Path:
    file = tmp_path / "victim"
    file.write_text("precious")
    file.chmod(0o600)
    return file


def symbolic(folder: Path, victim: Path) -> None:
    (folder / LOCK).symlink_to(victim)


def hard(folder: Path, victim: Path) -> None:
    os.link(victim, folder / LOCK)


def of_another_user(folder: Path, victim: Path) -> None:
    symbolic(folder, victim)
    os.chown(folder, 65534, 65534)


def plain_of_another_user(folder: Path, victim: Path) -> None:
    (folder / LOCK).touch()
    os.chown(folder, 65534, 65534)


def open_to_all(folder: Path, victim: Path) -> None:
    (folder / LOCK).touch()
    folder.chmod(0o777)


def a_link_to_a_folder(folder: Path, victim: Path) -> None:
    elsewhere = victim.parent / "elsewhere"
    elsewhere.mkdir(mode=0o700)
    (elsewhere / LOCK).touch()
    folder.rmdir()
    folder.symlink_to(elsewhere)


TRAPS = [symbolic, hard, of_another_user, plain_of_another_user, open_to_all, a_link_to_a_folder]


@pytest.mark.parametrize("trap", TRAPS)
def test_traps_are_left_alone(temporary: Path, victim: Path, trap: Callable[[Path, Path], None]) -> None:
    if "user" in trap.__name__ and os.getuid() != 0:
        pytest.skip("only root can give a folder away")
    folder = temporary / "stanhier-run-x"
    folder.mkdir(mode=0o700)
    trap(folder, victim)
    long_ago = time.time() - 3600
    os.utime(folder, (long_ago, long_ago), follow_symlinks=False)
    if folder.is_symlink():
        os.utime(folder, (long_ago, long_ago))
    with run_folder.run_folder({"N": 1}) as (own, _):
        assert own.parent == temporary
    assert victim.read_text() == "precious"
    assert victim.stat().st_mode & 0o777 == 0o600
    assert folder.is_dir()
    assert (folder / LOCK).exists()


def test_an_own_one_that_is_abandoned_goes(temporary: Path) -> None:
    folder = temporary / "stanhier-run-x"
    folder.mkdir(mode=0o700)
    (folder / LOCK).touch()
    (folder / "data.json").write_text("{}")
    (folder / "link").symlink_to(temporary.parent)
    long_ago = time.time() - 3600
    os.utime(folder, (long_ago, long_ago))
    with run_folder.run_folder({"N": 1}):
        assert not folder.exists()
    assert temporary.is_dir()
