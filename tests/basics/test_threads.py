"""How many threads there may be: affinity, control groups and the company of other workers."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import stanhier as sh
from stanhier.basics import threads
from tests.tools import variants
from tests.tools.fake_fit import fake_fit

COUNT = "import os; from stanhier.basics.threads import n_threads; {before}; print(n_threads())"


def counted(before: str = "pass") -> int:
    """The number that a process of its own counts."""
    return int(subprocess.check_output([sys.executable, "-c", COUNT.format(before=before)], text=True))


def write(folder: Path, **files: str) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in files.items():
        (folder / name.replace("__", ".")).write_text(text)


@pytest.fixture
def limit(tmp_path):
    """What is found where /proc/self/cgroup says this."""

    def read(said: str) -> int | None:
        (tmp_path / "own").write_text(said)
        return threads.cgroup_limit(tmp_path / "own", tmp_path / "groups")

    return read


@pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="no affinity on this system")
def test_affinity_counts():
    mine = os.sched_getaffinity(0)
    assert counted() == min(len(mine), threads.cgroup_limit() or len(mine))
    assert counted(f"os.sched_setaffinity(0, {{{min(mine)}}})") == 1


def test_a_worker_beside_others_counts_one():
    assert counted("from stanhier.basics import threads; threads.keep_to_one_thread()") == 1


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        ({"cpu__max": "200000 100000\n"}, 2),
        ({"cpu__max": "150000 100000\n"}, 2),
        ({"cpu__max": "1000 100000\n"}, 1),
        ({"cpu__max": "max 100000\n"}, None),
        ({"cpu__max": "broken\n"}, None),
        ({"cpu__max": "100000 0\n"}, None),
        ({"cpu__max": ""}, None),
        ({}, None),
    ],
)
def test_version_2(files, expected, limit, tmp_path):
    write(tmp_path / "groups" / "a" / "b", **files)
    assert limit("0::/a/b\n") == expected


@pytest.mark.parametrize(
    ("quota", "expected"), [("300000\n", 3), ("250000\n", 3), ("-1\n", None), ("\n", None), ("ä\n", None)]
)
@pytest.mark.parametrize(
    ("line", "folder"), [("4:cpu,cpuacct:/a", "cpu,cpuacct"), ("4:cpu,cpuacct:/a", "cpu"), ("1:cpu:/a", "cpu")]
)
def test_version_1(quota, expected, line, folder, limit, tmp_path):
    write(tmp_path / "groups" / folder / "a", cpu__cfs_quota_us=quota, cpu__cfs_period_us="100000\n")
    assert limit(f"9:name=systemd:/a\n2:cpuacct:/a\n3:cpuset:/a\n{line}\n0::/\n") == expected


def test_a_group_has_no_more_than_those_above_it(limit, tmp_path):
    groups = tmp_path / "groups"
    write(groups / "a" / "b" / "c", cpu__max="800000 100000")
    write(groups / "a", cpu__max="max 100000")
    assert limit("0::/a/b/c\n") == 8
    write(groups / "a", cpu__max="300000 100000")
    assert limit("0::/a/b/c\n") == 3
    write(groups, cpu__max="50000 50000")
    assert limit("0::/a/b/c\n") == 1


def test_a_container_that_sees_the_path_of_its_host(limit, tmp_path):
    write(tmp_path / "groups", cpu__max="200000 100000")
    assert limit("0::/docker/0123abcd\n") == 2
    assert limit("0::/../../elsewhere\n") == 2
    write(tmp_path / "groups" / "cpu", cpu__cfs_quota_us="100000", cpu__cfs_period_us="100000")
    assert limit("1:cpu:/docker/0123abcd\n0::/\n") == 1


def test_both_versions_side_by_side(limit, tmp_path):
    write(tmp_path / "groups" / "unified" / "a", cpu__max="200000 100000")
    assert limit("1:name=systemd:/a\n0::/a\n") == 2


def test_without_control_groups_there_is_no_limit(tmp_path):
    assert threads.cgroup_limit(tmp_path / "nothing", tmp_path) is None


def test_a_limit_is_kept_to(monkeypatch):
    monkeypatch.setattr(threads, "cgroup_limit", lambda: 1)
    assert threads.n_threads() == 1
    monkeypatch.setattr(threads, "cgroup_limit", lambda: None)
    assert 1 <= threads.n_threads() <= os.cpu_count()


def test_results_have_the_order_of_the_arguments_and_errors_come_through():
    assert threads.in_threads(pow, [2, 3, 4], [5, 2, 0]) == [32, 9, 1]
    assert threads.in_threads(pow) == []
    with pytest.raises(ZeroDivisionError):
        threads.in_threads(pow, [1, 0], [1, -1])


def test_group_effects_do_not_depend_on_the_number(monkeypatch):
    fit = fake_fit(sh.VaryingIntercept("y ~ x + (1 | g)", variants.frame(400, 200, 1)))
    levels = fit.posterior["g"].to_numpy()
    found = []
    for number in (1, 2, 7):
        monkeypatch.setattr(threads, "n_threads", lambda number=number: number)
        found.append((fit.group_draws(levels).to_numpy(), fit.group_summary().to_numpy()))
    for draws, summary in found[1:]:
        assert np.array_equal(draws, found[0][0])
        assert np.array_equal(summary, found[0][1])
