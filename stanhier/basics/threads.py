"""How many threads a step may use here, and one thread for linear algebra on small matrices."""

import math
import os
import sys
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from threading import Lock
from typing import Any

from threadpoolctl import ThreadpoolController

__all__ = ["cgroup_limit", "in_threads", "keep_to_one_thread", "n_threads", "one_blas_thread"]

_lock = Lock()
_inside = 0
_limit: Any = None
_one_thread = False


def n_threads() -> int:
    """Count the threads, or processes, that a step may keep busy here.

    As many as processors that this process may run on and that its control group grants it the time of; one in a worker
    process of ours, which has company on the other processors.
    """
    return 1 if _one_thread else max(1, min(_processors(), cgroup_limit() or sys.maxsize))


def keep_to_one_thread() -> None:
    """Have this process, a worker beside others, count one thread from now on."""
    global _one_thread
    _one_thread = True


def in_threads[R](function: Callable[..., R], *arguments: Iterable[Any]) -> list[R]:
    """Call a function on each of the arguments, as `map` does, in as many threads as there may be, and BLAS in one.

    Parameters
    ----------
    function : callable
        One that spends its time where other threads can run meanwhile, as numpy and scipy do with large arrays.
    arguments : iterable

    Returns
    -------
    list
        The results, in the order of the arguments.
    """
    with one_blas_thread(), ThreadPoolExecutor(n_threads()) as pool:
        return list(pool.map(function, *arguments))


def cgroup_limit(own: Path = Path("/proc/self/cgroup"), root: Path = Path("/sys/fs/cgroup")) -> int | None:
    """Count the processors whose time Linux grants the control group of this process, as a container's limit says.

    A group has no more than those above it, so the least counts; part of a processor counts as one. See "CPU Interface
    Files" in the kernel's Documentation/admin-guide/cgroup-v2.rst, and scheduler/sched-bwc.rst for version 1.

    Parameters
    ----------
    own : Path
        Tells the groups of this process.
    root : Path
        Where the groups are.

    Returns
    -------
    int or None
        None where there is no limit, or no control groups.
    """
    try:
        lines = own.read_text(encoding="utf-8", errors="surrogateescape").splitlines()
    except OSError:  # no Linux
        return None
    found = []
    for line in lines:
        _, _, rest = line.partition(":")
        controllers, _, group = rest.partition(":")
        if not controllers:
            hierarchies, limit = [root, root / "unified"], _version_2
        elif "cpu" in controllers.split(","):
            hierarchies, limit = [root / controllers, root / "cpu"], _version_1
        else:
            continue
        # A container may see itself as the root, by a path that is the host's: then folders are missing on the way.
        parts = [part for part in Path(group).parts if part not in ("/", "..")]
        for hierarchy in hierarchies:
            found += [limit(hierarchy.joinpath(*parts[:depth])) for depth in range(len(parts) + 1)]
    limits = [share for share in found if share is not None]
    return max(1, math.ceil(min(limits))) if limits else None


def _version_2(group: Path) -> float | None:
    quota, _, period = _said(group / "cpu.max").partition(" ")
    return _share(quota, period)


def _version_1(group: Path) -> float | None:
    return _share(_said(group / "cpu.cfs_quota_us"), _said(group / "cpu.cfs_period_us"))


def _said(file: Path) -> str:
    try:
        return file.read_text(encoding="ascii").strip()
    except (OSError, ValueError):
        return ""


def _share(quota: str, period: str) -> float | None:
    """Divide the microseconds of a processor by those of the period; a quota of "max" or -1 is none."""
    return int(quota) / int(period) if quota.isdecimal() and period.isdecimal() and int(period) > 0 else None


def _processors() -> int:
    if sys.version_info >= (3, 13):
        return os.process_cpu_count() or 1
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


@contextmanager
def one_blas_thread() -> Iterator[None]:
    """Hold BLAS to one thread meanwhile: the same bits on any machine, and with 200 predictors a third faster.

    Several threads wait for each other where matrices are small, and their number changes last bits. It belongs to the
    process, so the first to enter sets it and the last to leave restores it.
    """
    global _inside, _limit
    with _lock:
        if _inside == 0:
            _limit = _libraries().limit(limits=1, user_api="blas")
        _inside += 1
    try:
        yield
    finally:
        with _lock:
            _inside -= 1
            if _inside == 0:
                _limit.restore_original_limits()


@cache
def _libraries() -> ThreadpoolController:
    # Looking at all loaded libraries takes milliseconds; numpy's and scipy's own are there once they are imported.
    import scipy.linalg  # noqa: F401

    return ThreadpoolController()
