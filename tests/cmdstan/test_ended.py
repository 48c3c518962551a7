"""A build that is ended, in whatever way, leaves no compiler running; and a compiler that is ended is told of."""

import contextlib
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from stanhier.basics.errors import CmdStanError
from stanhier.cmdstan import cache, install
from stanhier.cmdstan.build import what_to_do
from stanhier.stan.program import Program
from tests.tools.fake_cmdstan import PROGRAM, start, wait_for

pytestmark = pytest.mark.alone

ENDS = ["SIGINT", "SIGTERM", "SIGHUP", "SIGKILL"]


def end(running: subprocess.Popen[str], name: str) -> str:
    """Send a signal to the process alone; check its exit code, and give what it said."""
    number = getattr(signal, name)
    os.kill(running.pid, number)
    said, _ = running.communicate(timeout=20)
    if name in ("SIGTERM", "SIGHUP"):
        assert running.returncode == 128 + number
    return said


def assert_gone(processes: list[psutil.Process]) -> None:
    _, alive = psutil.wait_procs(processes, timeout=5)
    assert alive == []


def builders(mark: Path) -> list[psutil.Process]:
    """What runs for a build: the make that the mark names, and whatever is above or below it."""
    make = psutil.Process(int(mark.read_text()))
    keeper = make.parent()
    assert keeper is not None
    assert "keeper.py" in " ".join(keeper.cmdline())
    time.sleep(0.05)
    below = make.children(recursive=True)
    assert any("sleep" in process.name() for process in below)
    return [keeper, make, *below]


@pytest.mark.parametrize("name", ENDS)
@pytest.mark.parametrize("action", ["install", "compile"])
def test_nothing_goes_on(parts: Path, tmp_path: Path, action: str, name: str) -> None:
    if action == "compile":
        install(progress=False)
    mark = tmp_path / "mark"
    running = start(parts, action, FAKE_SECONDS="60", FAKE_MARK=str(mark))
    wait_for(mark)
    processes = builders(mark)
    said = end(running, name)
    assert_gone(processes)
    if name != "SIGKILL":
        assert list((cache.cache_dir() / "staging").iterdir()) == []
    assert ("KeyboardInterrupt" in said) == (name == "SIGINT")


@pytest.mark.parametrize("name", ["SIGTERM", "SIGHUP", "SIGKILL"])
def test_nothing_goes_on_in_a_thread(parts: Path, tmp_path: Path, name: str) -> None:
    install(progress=False)
    mark = tmp_path / "mark"
    running = start(parts, "compile-in-a-thread", FAKE_SECONDS="60", FAKE_MARK=str(mark))
    wait_for(mark)
    processes = builders(mark)
    running.send_signal(getattr(signal, name))
    running.communicate(timeout=20)
    assert running.returncode == -getattr(signal, name)
    assert_gone(processes)


@pytest.mark.parametrize("name", ENDS)
@pytest.mark.parametrize("whole_group", [False, True])
def test_the_command_line_ends_its_workers(
    parts: Path, own_cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, *, whole_group: bool
) -> None:
    home = install(progress=False).rename(tmp_path / "cmdstan")  # the workers know nothing of the parts
    mark = tmp_path / "mark"
    running = subprocess.Popen(
        [sys.executable, "-c", "import sys; from stanhier.cli import main; sys.exit(main(['compile', '--jobs', '2']))"],
        env={**os.environ, "CMDSTAN": str(home), "FAKE_SECONDS": "60", "FAKE_MARK": str(mark)},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )
    deadline = time.monotonic() + 30
    while commands(below := everything_below(running.pid)).count("keeper.py") < 2:
        assert time.monotonic() < deadline
        time.sleep(0.05)
    wait_for(mark)
    below = everything_below(running.pid)
    if whole_group:
        os.killpg(running.pid, getattr(signal, name))
        running.communicate(timeout=20)
    else:
        end(running, name)
    assert_gone(below)
    if name == "SIGKILL" and whole_group:
        return
    assert list((own_cache / "staging").iterdir()) == []


ELSEWHERE = """
import os, signal, sys, threading, time
from pathlib import Path
from stanhier.cli import main

def take() -> None:
    while not Path(os.environ["FAKE_MARK"]).exists():
        time.sleep(0.01)
    time.sleep(0.1)
    signal.pthread_kill(threading.get_ident(), signal.SIGTERM)
    time.sleep(60)

threading.Thread(target=take, daemon=True).start()
sys.exit(main(["compile", "--jobs", "2"]))
"""


def test_the_command_line_hears_what_another_thread_gets(parts: Path, own_cache: Path, tmp_path: Path) -> None:
    home = install(progress=False).rename(tmp_path / "cmdstan")
    environment = {**os.environ, "CMDSTAN": str(home), "FAKE_SECONDS": "60", "FAKE_MARK": str(tmp_path / "mark")}
    command = [sys.executable, "-c", ELSEWHERE]
    done = subprocess.run(command, env=environment, timeout=30, capture_output=True, text=True, check=False)
    assert done.returncode == 128 + signal.SIGTERM
    assert "Traceback" not in done.stderr
    assert list((own_cache / "staging").iterdir()) == []


def everything_below(number: int) -> list[psutil.Process]:
    """List the processes that one has started, directly or not."""
    return psutil.Process(number).children(recursive=True)


def commands(processes: list[psutil.Process]) -> str:
    lines = []
    for process in processes:
        with contextlib.suppress(psutil.Error):  # it has just ended
            lines += process.cmdline()
    return "\n".join(lines)


FROM_GITHUB = """
import signal, subprocess, sys
signal.signal(signal.SIGINT, signal.default_int_handler)
import cmdstanpy
from stanhier.cmdstan import install_from_github
def install(**_):
    make = subprocess.Popen(["sh", "-c", f"echo $$ > '{sys.argv[1]}'; sleep 60; true"])
    return make.wait() == 0
cmdstanpy.install_cmdstan = install
install_from_github()
"""


@pytest.mark.parametrize("name", ["SIGINT", "SIGTERM", "SIGHUP"])
def test_what_cmdstanpy_builds_ends_too(own_cache: Path, tmp_path: Path, name: str) -> None:
    mark = tmp_path / "mark"
    running = subprocess.Popen(
        [sys.executable, "-c", FROM_GITHUB, str(mark)],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )
    wait_for(mark)
    processes = [psutil.Process(int(mark.read_text())), *everything_below(running.pid)]
    end(running, name)
    assert_gone(processes)


def test_a_hangup_that_is_ignored_stays_ignored(parts: Path, tmp_path: Path) -> None:
    mark = tmp_path / "mark"
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        running = start(parts, "install", FAKE_SECONDS="1", FAKE_MARK=str(mark))
    finally:
        signal.signal(signal.SIGHUP, before)
    wait_for(mark)
    running.send_signal(signal.SIGHUP)
    said, _ = running.communicate(timeout=30)
    assert running.returncode == 0, said


@pytest.mark.parametrize("name", ["SIGTERM", "SIGHUP"])
def test_signals_are_as_they_were_afterwards(parts: Path, name: str) -> None:
    before = signal.getsignal(getattr(signal, name))
    Program(PROGRAM).exe()
    assert signal.getsignal(getattr(signal, name)) is before


@pytest.mark.parametrize(
    ("words", "remedy"),
    [
        ("g++: fatal error: Killed signal terminated program cc1plus", "killed, most likely for want of memory"),
        ("collect2: fatal error: ld terminated with signal 9 [Killed]", "killed, most likely for want of memory"),
        ("clang++: error: unable to execute command: Killed", "killed, most likely for want of memory"),
        ("make: *** [makefile:9: model] Killed", "--jobs 1"),
        ("cc1plus: out of memory allocating 65536 bytes after a total of 1 bytes", r"ulimit -v"),
        ("virtual memory exhausted: Cannot allocate memory", r"ulimit -v"),
        ("stanc: error while loading shared libraries: libm.so.6: failed to map segment from shared object", "-v"),
        ("g++: internal compiler error: CPU time limit exceeded signal terminated program cc1plus", r"ulimit -t"),
        ("g++: fatal error: File size limit exceeded signal terminated program as", r"ulimit -f"),
        ("as: model.o: File too large", r"ulimit -f"),
        ("/bin/sh: 1: Cannot fork: Resource temporarily unavailable", r"ulimit -u"),
        ("cc1plus: error: No space left on device", "disk is full"),
        ("g++: internal compiler error: Segmentation fault signal terminated program cc1plus", "fault of its own"),
        ("clang: error: clang frontend command failed due to signal (use -v to see invocation)", "fault of its own"),
        ("make: *** [makefile:9: model] Terminated", "ended by a signal: by another program"),
    ],
)
@pytest.mark.parametrize("action", ["install", "compile"])
def test_what_ended_a_compiler_is_told_with_a_remedy(
    parts: Path, monkeypatch: pytest.MonkeyPatch, action: str, words: str, remedy: str
) -> None:
    if action == "compile":
        install(progress=False)
    monkeypatch.setenv("FAKE_FAILURE", words)
    with pytest.raises(CmdStanError, match=rf"(?s){remedy}") as caught:
        _ = install(progress=False) if action == "install" else Program(PROGRAM).exe()
    assert words in str(caught.value)
    assert str(caught.value).endswith(what_to_do(words))


def test_an_error_of_the_program_is_no_such_end() -> None:
    assert what_to_do("model.hpp:3:1: error: 'foo' was not declared in this scope\nmake: *** [m] Error 1") == ""


LIMITS = {
    "ulimit -f 200": "larger than this process may write",
    "ulimit -v 400000": "ran out of memory",
    "ulimit -t 3": "more time than this process may",
}


@pytest.mark.slow
@pytest.mark.parametrize("limit", list(LIMITS))
def test_limits_of_the_process(cmdstan_home: Path, own_cache: Path, limit: str) -> None:
    code = "from stanhier.stan.program import Program; Program('linear_regression').exe()"
    ran = subprocess.run(
        ["sh", "-c", f'{limit}; exec "$0" -c "$1"', sys.executable, code],
        env={**os.environ, "CMDSTAN": str(cmdstan_home), "OPENBLAS_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.returncode == 1
    assert "CmdStanError" in ran.stderr
    assert LIMITS[limit] in ran.stderr.splitlines()[-1]
    assert list((own_cache / "staging").iterdir()) == []
