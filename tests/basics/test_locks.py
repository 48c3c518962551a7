"""Locks are taken on files that are locks, and nothing that another may have put in their place is touched."""

import os
import stat
from pathlib import Path

import filelock
import pytest

from stanhier.basics.locks import file_lock, is_private


def put_link(lock: Path, victim: Path, kind: str) -> None:
    match kind:
        case "symbolic":
            lock.symlink_to(victim)
        case "to a link":
            lock.with_name("between").symlink_to(victim)
            lock.symlink_to(lock.with_name("between"))
        case "hard":
            os.link(victim, lock)


@pytest.mark.parametrize("kind", ["symbolic", "to a link", "hard"])
def test_links_are_refused_and_nothing_is_emptied(tmp_path: Path, kind: str) -> None:
    victim, lock = tmp_path / "victim", tmp_path / "x.lock"
    victim.write_text("precious")
    victim.chmod(0o640)
    put_link(lock, victim, kind)
    with pytest.raises(OSError, match=r"It is a link or no file where a lock belongs: remove it: '.*x\.lock'"):
        file_lock(lock)
    assert victim.read_text() == "precious"
    assert stat.S_IMODE(victim.stat().st_mode) == 0o640


@pytest.mark.parametrize("target", ["nowhere", "folder"])
def test_links_to_anything_else_are_refused(tmp_path: Path, target: str) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "x.lock").symlink_to(tmp_path / target)
    with pytest.raises(OSError, match="remove it"):
        file_lock(tmp_path / "x.lock")
    assert not (tmp_path / "nowhere").exists()


def test_a_pipe_is_refused(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "x.lock")
    with pytest.raises(OSError, match="remove it"):
        file_lock(tmp_path / "x.lock")


def test_the_lock_itself_follows_no_link(tmp_path: Path) -> None:
    victim, lock = tmp_path / "victim", tmp_path / "x.lock"
    victim.write_text("precious")
    taken = file_lock(lock)
    lock.symlink_to(victim)  # put there after it was looked at
    with pytest.raises((OSError, filelock.Timeout)):
        taken.acquire(timeout=0)
    assert victim.read_text() == "precious"


def test_one_holds_it_at_a_time(tmp_path: Path) -> None:
    with file_lock(tmp_path / "x.lock"):
        child = os.fork()
        if child == 0:
            try:
                file_lock(tmp_path / "x.lock").acquire(timeout=0)
            except filelock.Timeout:
                os._exit(3)
            os._exit(0)
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 3
    file_lock(tmp_path / "x.lock").acquire(timeout=0).lock.release()


def test_private_folders(tmp_path: Path) -> None:
    own = tmp_path / "own"
    own.mkdir(mode=0o700)
    assert is_private(own)
    own.chmod(0o755)
    assert is_private(own)
    for mode in (0o720, 0o702, 0o777, 0o1777):
        own.chmod(mode)
        assert not is_private(own)
    own.chmod(0o700)
    (tmp_path / "link").symlink_to(own)
    assert not is_private(tmp_path / "link")
    (tmp_path / "file").touch()
    assert not is_private(tmp_path / "file")
    with pytest.raises(FileNotFoundError):
        is_private(tmp_path / "nothing")
    if os.getuid() == 0:
        os.chown(own, 65534, 65534)
        assert not is_private(own)
