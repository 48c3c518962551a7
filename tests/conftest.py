"""What tests share."""

import os
import signal
import subprocess
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from threadpoolctl import threadpool_limits

from stanhier.basics.threads import n_threads
from stanhier.cmdstan import install
from tests.tools.fake_cmdstan import make_parts, use_parts


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers() -> int:
    """Take a process for each core that there is for us; more than 8 would want much memory."""
    return min(n_threads(), 8)


def pytest_configure() -> None:
    """Share the cores out among the processes that run tests: what each starts has its own share of threads too."""
    workers = int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1"))
    if workers > 1:
        share = max(1, n_threads() // workers)
        threadpool_limits(share)
        for library in ("OPENBLAS", "MKL", "OMP"):
            os.environ.setdefault(f"{library}_NUM_THREADS", str(share))


def pytest_addoption(parser: pytest.Parser) -> None:
    """Take `--one-case`, for what hardly depends on the cases of a test, such as the versions of libraries."""
    parser.addoption(
        "--one-case",
        action="store_true",
        help="run the first case of each test, and every case of those marked versions",
    )


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out what `--one-case` does not want."""
    if not config.getoption("--one-case"):
        return
    first = {item.nodeid.partition("[")[0]: item for item in reversed(items)}
    wanted = {id(item) for item in items if item.get_closest_marker("versions")} | {id(item) for item in first.values()}
    config.hook.pytest_deselected(items=[item for item in items if id(item) not in wanted])
    items[:] = [item for item in items if id(item) in wanted]


@pytest.fixture(scope="session", autouse=True)
def hang_ups() -> None:
    """Let processes that tests start end by SIGHUP, also where the tests run under nohup, which they would inherit."""
    if signal.getsignal(signal.SIGHUP) is signal.SIG_IGN:
        signal.signal(signal.SIGHUP, signal.SIG_DFL)


@pytest.fixture(scope="session")
def cmdstan_home() -> Path:
    """A ready CmdStan home that stanhier built, in the ordinary cache, where ``scripts/setup`` has put it."""
    return install(progress=False)


@pytest.fixture
def disk_of(tmp_path: Path) -> Iterator[Callable[[int], Path]]:
    """Makes disks of so many kB."""
    disks: list[Path] = []

    def make(size: int) -> Path:
        disk = tmp_path / f"disk of {size} kB"
        disk.mkdir()
        mounted = subprocess.run(
            ["mount", "-t", "tmpfs", "-o", f"size={size}k", "tmpfs", disk], capture_output=True, check=False
        )
        if mounted.returncode != 0:
            pytest.skip("a small disk can be mounted by root alone")
        disks.append(disk)
        return disk

    yield make
    for disk in disks:
        subprocess.run(["umount", disk], check=True)


@pytest.fixture
def small_disk(disk_of: Callable[[int], Path]) -> Path:
    """A disk of 256 kB."""
    return disk_of(256)


@pytest.fixture
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty cache, with a space and accents in its path, on a machine without any CmdStan."""
    folder = tmp_path / "mé câche"
    monkeypatch.setenv("STANHIER_CACHE", str(folder))
    monkeypatch.setenv("HOME", str(tmp_path / "no-such-home"))
    for name in ("CMDSTAN", "CXX", "MAKE"):
        monkeypatch.setenv(name, "")  # so that it is put back, also where stanhier sets CMDSTAN
        monkeypatch.delenv(name)
    return folder


@pytest.fixture
def parts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, own_cache: Path) -> Path:
    """The parts of a CmdStan that is built in no time; stanhier builds from them, into `own_cache`."""
    folder = tmp_path / "parts"
    folder.mkdir()
    make_parts(folder)
    use_parts(folder, monkeypatch)
    return folder


@pytest.fixture
def threads() -> Iterator[ThreadPoolExecutor]:
    """An executor of two threads."""
    with ThreadPoolExecutor(2) as pool:
        yield pool
