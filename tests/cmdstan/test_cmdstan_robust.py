"""What comes between: signals, full and read-only disks, damaged files, two processes at once."""

import subprocess
from pathlib import Path

import pytest

from stanhier.basics.errors import CmdStanError
from stanhier.cmdstan import cache, ensure_cmdstan, install, installer, locate, wheel
from stanhier.stan.program import Program
from stanhier.stan.program_place import programs_dir
from tests.tools.fake_cmdstan import PROGRAM, homes_are_complete, start, wait_for


def leftovers() -> list[Path]:
    return list((cache.cache_dir() / "staging").iterdir())


@pytest.fixture
def cache_disk(small_disk: Path, monkeypatch: pytest.MonkeyPatch, parts: Path) -> Path:
    """A disk of 256 kB that holds the cache."""
    monkeypatch.setenv("STANHIER_CACHE", str(small_disk / "cache"))
    return small_disk


def remount(disk: Path, options: str) -> None:
    subprocess.run(["mount", "-o", f"remount,{options}", disk], check=True)


@pytest.mark.parametrize("action", ["install", "compile"])
def test_killed_in_the_middle_and_run_again(parts: Path, tmp_path: Path, action: str) -> None:
    if action == "compile":
        install(progress=False)
    mark = tmp_path / "mark"
    killed = start(parts, action, FAKE_SECONDS="60", FAKE_MARK=str(mark))
    try:
        wait_for(mark)
        killed.kill()
        killed.wait()
        assert leftovers(), "it was not killed in the middle"
        assert homes_are_complete()
        if action == "install":
            assert locate.built_homes() == []
            assert locate.is_complete(install(progress=False))
        else:
            assert not programs_dir().exists()
            assert Program(PROGRAM).exe().is_file()
        assert leftovers() == []
    finally:
        killed.communicate()


@pytest.mark.slow
@pytest.mark.parametrize("action", ["install", "compile"])
def test_killed_at_every_change_of_the_disk(parts: Path, action: str) -> None:
    if action == "compile":
        install(progress=False)
    said, _ = start(parts, f"kill-{action}").communicate(timeout=120)
    assert int(said.splitlines()[-1]) > 10, said
    assert homes_are_complete()
    if action == "install":
        install(progress=False, force=True)
    else:
        assert Program(PROGRAM).is_compiled
        Program(PROGRAM).rebuild()
    assert leftovers() == []


@pytest.mark.parametrize("action", ["install", "compile"])
def test_two_at_once_do_the_work_once(parts: Path, tmp_path: Path, action: str) -> None:
    log = tmp_path / "log"
    if action == "compile":
        install(progress=False)
    mark, go = tmp_path / "mark", tmp_path / "go"
    both = [start(parts, action, FAKE_MARK=str(mark), FAKE_GO=str(go), FAKE_LOG=str(log))]
    wait_for(mark)
    both.append(start(parts, action, FAKE_LOG=str(log)))
    assert both[1].stdout is not None
    lines = []
    for line in both[1].stdout:
        lines.append(line)
        if "waiting for it" in line:
            break
    go.touch()
    said = [both[0].communicate()[0], "".join(lines) + both[1].stdout.read()]
    both[1].stdout.close()
    assert [process.wait() for process in both] == [0, 0], said
    assert said[0].splitlines()[-1] == said[1].splitlines()[-1]
    assert sum("waiting for it" in text for text in said) == 1
    if action == "compile":
        assert log.read_text() == "compiled\n"
    else:
        assert sum("is ready after" in text for text in said) == 1


def test_a_disk_that_is_too_small_is_refused_before_anything_is_fetched(
    cache_disk: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(installer, "NEEDED_BYTES", 1_000_000)
    monkeypatch.setattr(wheel, "fetch", None)  # calling it would fail
    with pytest.raises(CmdStanError, match=r"has 0 MB free; .* takes up to 1 MB\. Make room, or set STANHIER_CACHE"):
        install(progress=False)


@pytest.mark.parametrize("stage", ["fetching", "building"])
def test_a_disk_that_fills_up(cache_disk: Path, monkeypatch: pytest.MonkeyPatch, stage: str) -> None:
    if stage == "fetching":
        (cache_disk / "ballast").write_bytes(bytes(250_000))
    else:
        monkeypatch.setenv("FAKE_BYTES", "1000000")
    with pytest.raises(CmdStanError, match=r"(?s)disk.* is full.*Make room|The disk is full: make room"):
        install(progress=False)
    assert locate.built_homes() == []
    monkeypatch.delenv("FAKE_BYTES", raising=False)
    (cache_disk / "ballast").unlink(missing_ok=True)
    assert locate.is_complete(install(progress=False))
    assert leftovers() == []


def test_a_read_only_cache_serves_what_is_in_it(cache_disk: Path) -> None:
    exe = Program(PROGRAM).exe()
    remount(cache_disk, "ro")
    try:
        assert ensure_cmdstan() == locate.built_homes()[0]
        assert Program(PROGRAM).exe() == exe
        assert Program(PROGRAM).model().exe_file == str(exe)
        with pytest.raises(CmdStanError, match=r"cannot be written: Read-only file system.*set STANHIER_CACHE"):
            install(force=True, progress=False)
        with pytest.raises(CmdStanError, match=r"cannot be written: Read-only file system.*stanhier compile"):
            Program(PROGRAM).exe(threads=True)
    finally:
        remount(cache_disk, "rw")


def test_a_cache_of_another_user(parts: Path, own_cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def forbid(*_arguments: object, **_options: object) -> None:
        raise PermissionError(13, "Permission denied", str(own_cache))

    monkeypatch.setattr(Path, "mkdir", forbid)  # root may write everywhere, so that a real one would prove nothing
    with pytest.raises(CmdStanError, match=r"cannot be written: Permission denied.*as user \d+.*of your own"):
        install(progress=False)


def test_a_file_where_the_cache_should_be(parts: Path, own_cache: Path) -> None:
    own_cache.write_text("a file")
    with pytest.raises(CmdStanError, match=r"cannot be used: .*Not a directory|cannot be used: .*File exists"):
        install(progress=False)


def test_a_damaged_download_is_fetched_again(
    parts: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    damage_downloads(monkeypatch, times=1)
    assert locate.is_complete(install(progress=False))
    assert "checksum" in caplog.text


def test_a_download_that_stays_damaged_is_refused(parts: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    damage_downloads(monkeypatch, times=2)
    with pytest.raises(CmdStanError, match=r"checksum of httpstan.* is wrong, twice"):
        install(progress=False)
    assert locate.built_homes() == []
    assert leftovers() == []


def damage_downloads(monkeypatch: pytest.MonkeyPatch, *, times: int) -> None:
    """Change one byte of what is fetched, and count that pip's cache is avoided the second time."""
    intact, asked = wheel._fetch_with_pip, []

    def fetch(which: wheel.Wheel, folder: Path, options: tuple[str, ...]) -> Path:
        file = intact(which, folder, options)
        asked.append(options)
        if len(asked) <= times:
            content = bytearray(file.read_bytes())
            content[len(content) // 2] ^= 1
            file.write_bytes(content)
        assert ("--no-cache-dir" in options) == (len(asked) > 1)
        return file

    monkeypatch.setattr(wheel, "_fetch_with_pip", fetch)
