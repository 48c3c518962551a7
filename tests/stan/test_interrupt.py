"""Sampling that is interrupted leaves no process and no file behind."""

import os
import signal
import subprocess
import sys
import time

import psutil
import pytest

pytestmark = [pytest.mark.alone, pytest.mark.slow]

LONG_RUN = """
import signal
signal.signal(signal.SIGINT, signal.default_int_handler)
import stanhier as sh
from tests.tools import variants
model = variants.VARYING["default"]()
"""
ENDED = {"terminated": signal.SIGTERM, "hung up": signal.SIGHUP}
CALLS = {
    "sample": "model.sample(chains=4, parallel_chains=4, iter_sampling=50_000_000, seed=1)",
    # More chains than run at the same time: those that wait must not be started.
    "chains that wait": "model.sample(chains=6, parallel_chains=2, iter_sampling=50_000_000, seed=1)",
    "one process": "model.sample(force_one_process_per_chain=False, iter_sampling=50_000_000, seed=1)",
    "silent": "model.sample(chains=4, parallel_chains=4, iter_sampling=50_000_000, refresh=50_000_000, seed=1, "
    "show_progress=False)",
    "silent in one process": "model.sample(iter_sampling=50_000_000, refresh=50_000_000, seed=1, show_progress=False, "
    "force_one_process_per_chain=False)",
    "variational": "model.variational(iter=500_000_000, tol_rel_obj=1e-300, seed=1)",
}
SILENT = [call for call in CALLS if call.startswith("silent")]
PROCESSES = {
    "sample": 4,
    "chains that wait": 2,
    "one process": 1,
    "silent": 4,
    "silent in one process": 1,
    "variational": 1,
}
"""How many each of them has under way, once it is."""


def chains():
    """The programs that run, of anybody: their process ids."""
    return {
        p.info["pid"]
        for p in psutil.process_iter(["pid", "name", "status"])
        if p.info["name"] == "varying_intercept" and p.info["status"] != psutil.STATUS_ZOMBIE
    }


@pytest.fixture
def start(cmdstan_home, tmp_path):
    """Start one of the calls in a process of its own; wait for its chains; give both."""
    environment = {**os.environ, "TMPDIR": str(tmp_path)}

    def run(call, *, setup="", **kwargs):
        # Python's own handler, as in a terminal or a notebook: a process started in the background may ignore Ctrl-C.
        code = f"{LONG_RUN}\n{setup}\n{CALLS[call]}"
        process = subprocess.Popen(
            [sys.executable, "-c", code], env=environment, stderr=subprocess.PIPE, text=True, **kwargs
        )
        processes.append(process)
        deadline = time.monotonic() + 60
        mine = set()
        while len(mine) < PROCESSES[call] and time.monotonic() < deadline:
            time.sleep(0.1)
            mine = {child.pid for child in psutil.Process(process.pid).children() if child.pid in chains()}
        assert len(mine) == PROCESSES[call]
        return process, mine

    processes = []
    yield run
    for process in processes:
        process.kill()
        process.wait()
        process.stderr.close()


def assert_ended(mine, seconds=20):
    deadline = time.monotonic() + seconds
    while mine & chains() and time.monotonic() < deadline:
        time.sleep(0.1)
    assert not mine & chains()


@pytest.mark.parametrize("call", [call for call in CALLS if call not in SILENT])
@pytest.mark.parametrize("kind", ["Ctrl-C in a terminal", "Ctrl-C in a notebook", "terminated", "hung up"])
def test_nothing_is_left(kind, call, start, tmp_path):
    process, mine = start(call, start_new_session=True)
    assert list(tmp_path.glob("stanhier-run-*"))
    if kind == "Ctrl-C in a terminal":
        os.killpg(process.pid, signal.SIGINT)
    else:
        process.send_signal(ENDED.get(kind, signal.SIGINT))
    _, words = process.communicate(timeout=30)
    assert_ended(mine, seconds=1)
    assert list(tmp_path.iterdir()) == []
    if kind in ENDED:
        assert process.returncode == 128 + ENDED[kind]
    else:
        assert "KeyboardInterrupt" in words


def test_a_handler_of_the_users_own_is_left_alone(start, tmp_path):
    setup = "signal.signal(signal.SIGTERM, lambda *_: sys.exit(7))"
    process, mine = start("sample", setup=f"import sys; {setup}")
    process.terminate()
    process.communicate(timeout=30)
    assert process.returncode == 7
    assert_ended(mine, seconds=1)
    assert list(tmp_path.iterdir()) == []


def test_chains_of_a_killed_process_end_and_the_next_one_removes_its_files(start, tmp_path):
    process, mine = start("sample")
    process.kill()
    process.communicate()
    assert_ended(mine)
    left = list(tmp_path.glob("stanhier-run-*"))
    assert len(left) == 1
    long_ago = time.time() - 3600
    os.utime(left[0], (long_ago, long_ago))
    process, mine = start("sample")
    assert not left[0].exists()
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=30)
    assert_ended(mine, seconds=1)
    # What is left is the empty folder that cmdstanpy makes for itself when it is imported.
    assert [list(folder.iterdir()) for folder in tmp_path.iterdir()] == [[]]


@pytest.mark.parametrize("call", SILENT)
def test_chains_of_a_killed_process_end_also_when_they_have_nothing_to_say(call, start):
    process, mine = start(call)
    others, of_others = start(call)
    time.sleep(2)
    process.kill()
    process.communicate()
    assert_ended(mine, seconds=2)
    assert of_others <= chains()
    others.kill()
    others.communicate()
    assert_ended(of_others, seconds=2)


def test_sigterm_is_as_it_was_afterwards(cmdstan_home):
    from tests.tools import variants

    before = signal.getsignal(signal.SIGTERM)
    variants.LINEAR["default"]().sample(chains=1, iter_sampling=400, seed=1, show_progress=False)
    assert signal.getsignal(signal.SIGTERM) is before
