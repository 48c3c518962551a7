"""What is started ends with its exit code, its words, and this process."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from stanhier.basics.ending import ends_chains_if_killed, run_to_the_end, signals_as_exit

pytestmark = pytest.mark.alone


def run(words: str, folder: Path) -> tuple[int, list[str]]:
    heard: list[str] = []
    code = run_to_the_end(["sh", "-c", words], folder=folder, environment=dict(os.environ), heard=heard.append)
    return code, heard


@pytest.mark.parametrize(
    ("words", "code", "heard"),
    [
        ("true", 0, []),
        ("echo one; echo two >&2; exit 7", 7, ["one", "two"]),
        ("printf 'no end'", 0, ["no end"]),
        ("printf '\\303\\251 \\377\\n'", 0, ["é \ufffd"]),
        ("printf 'a\\r\\n\\nb\\303'; sleep 0.4; printf '\\251\\n'", 0, ["a", "", "bé"]),
        ("kill -SEGV $$", 128 + signal.SIGSEGV, []),
        ("kill -KILL $$", 128 + signal.SIGKILL, []),
        ("cat; echo read", 0, ["read"]),
        ("pwd", 0, ["HERE"]),
    ],
)
def test_codes_and_words(tmp_path: Path, words: str, code: int, heard: list[str]) -> None:
    heard = [os.path.realpath(tmp_path) if line == "HERE" else line for line in heard]
    assert run(words, tmp_path) == (code, heard)


def test_what_is_left_running_is_ended(tmp_path: Path) -> None:
    code, heard = run("sleep 60 >/dev/null 2>&1 & echo $!", tmp_path)
    assert code == 0
    deadline = time.monotonic() + 5
    while psutil.pid_exists(int(heard[0])):
        assert time.monotonic() < deadline
        time.sleep(0.01)


ELSEWHERE = """
import os, signal, sys, threading, time
from pathlib import Path
from stanhier.basics.ending import run_to_the_end, signals_as_exit

def take() -> None:
    while not Path("begun").exists():
        time.sleep(0.01)
    time.sleep(0.1)  # now the main thread reads
    signal.pthread_kill(threading.get_ident(), signal.SIGTERM)
    time.sleep(60)

threading.Thread(target=take, daemon=True).start()
with signals_as_exit():
    run_to_the_end(["sh", "-c", "echo >begun; sleep 60"], folder=Path(), environment=dict(os.environ), heard=print)
"""


def test_a_signal_that_another_thread_gets_ends_it(tmp_path: Path) -> None:
    command = [sys.executable, "-c", ELSEWHERE]
    done = subprocess.run(command, cwd=tmp_path, timeout=20, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (128 + signal.SIGTERM, "")


def test_a_program_that_is_not_there(tmp_path: Path) -> None:
    heard: list[str] = []
    code = run_to_the_end([str(tmp_path / "no")], folder=tmp_path, environment=dict(os.environ), heard=heard.append)
    assert code == 127
    assert heard == [f"{tmp_path / 'no'} does not run: No such file or directory."]


def test_what_the_listener_raises_ends_it(tmp_path: Path) -> None:
    def stop(_line: str) -> None:
        raise KeyboardInterrupt

    start = time.monotonic()
    with pytest.raises(KeyboardInterrupt):
        run_to_the_end(["sh", "-c", "echo; sleep 60"], folder=tmp_path, environment=dict(os.environ), heard=stop)
    assert time.monotonic() - start < 30
    assert [p for p in psutil.Process().children(recursive=True) if p.name() in ("sh", "sleep")] == []


WATCHED = """
import subprocess, sys, time
from pathlib import Path
from stanhier.basics.ending import ends_chains_if_killed
folder = Path(sys.argv[1])
with ends_chains_if_killed(folder):
    chain = subprocess.Popen(["sleep", "61"]) if sys.argv[2] == "other" else subprocess.Popen(
        [sys.executable, "-c", "import time; time.sleep(61)", folder / "data.json"])
    print(chain.pid, flush=True)
    time.sleep(60)
"""


@pytest.mark.parametrize("kind", ["chain", "other"])
def test_chains_alone_end_with_a_killed_process(tmp_path: Path, kind: str) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", WATCHED, str(tmp_path / "run"), kind], stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        chain = psutil.Process(int(process.stdout.readline()))
        deadline = time.monotonic() + 20
        while len(psutil.Process(process.pid).children()) < 2:  # the watcher comes after half a second
            assert time.monotonic() < deadline
            time.sleep(0.05)
        time.sleep(0.2)
        process.kill()
    gone, _ = psutil.wait_procs([chain], timeout=5 if kind == "chain" else 1)
    assert bool(gone) == (kind == "chain")
    if kind == "other":
        chain.kill()


def test_watching_ends_with_the_block(tmp_path: Path) -> None:
    before = psutil.Process().children()
    with ends_chains_if_killed(tmp_path):
        pass
    with ends_chains_if_killed(tmp_path):
        deadline = time.monotonic() + 20
        while psutil.Process().children() == before:
            assert time.monotonic() < deadline
            time.sleep(0.05)
    assert psutil.Process().children() == before


@pytest.mark.parametrize("name", ["SIGTERM", "SIGHUP"])
def test_signals_unwind_once(name: str) -> None:
    number = getattr(signal, name)
    before = signal.getsignal(number)
    cleared = []

    def work() -> None:
        with signals_as_exit():
            try:
                os.kill(os.getpid(), number)
                time.sleep(5)
            finally:
                os.kill(os.getpid(), signal.SIGTERM)  # a second one, while what was begun is cleared away
                cleared.append(True)

    with pytest.raises(SystemExit) as caught:
        work()
    assert caught.value.code == 128 + number
    assert cleared
    assert signal.getsignal(number) is before


TWO_AT_ONCE = """
import os, signal
from stanhier.basics.ending import signals_as_exit

both = {signal.SIGHUP, signal.SIGTERM}
with signals_as_exit():
    signal.pthread_sigmask(signal.SIG_BLOCK, both)
    for number in both:
        os.kill(os.getpid(), number)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, both)
    print("not reached")
"""


def test_a_second_signal_that_has_come_already_says_nothing() -> None:
    command = [sys.executable, "-c", TWO_AT_ONCE]
    done = subprocess.run(command, timeout=20, capture_output=True, text=True, check=False)
    assert done.returncode in (128 + signal.SIGHUP, 128 + signal.SIGTERM)
    assert (done.stdout, done.stderr) == ("", "")
