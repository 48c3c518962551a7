"""What executors do not tell, on this Python and on one that keeps it elsewhere."""

import subprocess
import sys
from concurrent.futures import Executor, ProcessPoolExecutor, ThreadPoolExecutor

import psutil
import pytest

from stanhier.basics.threads import in_threads, n_threads
from stanhier.stan.crews import AHEAD, ROOM_ELSEWHERE, OwnProcesses, crew_of
from stanhier.stan.executors import n_workers

ENDING = """
import threading
from concurrent.futures import ThreadPoolExecutor
{before}
from stanhier.stan.executors import before_exit

free = threading.Event()
before_exit(lambda: (print("called"), free.set()))
if {waits}:
    ThreadPoolExecutor(1).submit(free.wait, {seconds})
print("the end")
"""


def counts(_):
    """How many threads a task may start, and how many it does."""
    from threading import get_ident

    return n_threads(), len(set(in_threads(lambda _: get_ident(), range(50))))


def own_id(_):
    return psutil.Process().pid


class Remote(Executor):
    """An executor that says nothing of itself."""


class Odd(Executor):
    def __init__(self, workers):
        self._max_workers = workers


def test_executors_of_the_standard_library_tell_their_size():
    with ThreadPoolExecutor(3) as pool:
        assert n_workers(pool) == 3
        assert crew_of(pool, own=OwnProcesses).room == AHEAD * 3
    with ProcessPoolExecutor(2) as pool:
        assert n_workers(pool) == 2


@pytest.mark.versions
@pytest.mark.parametrize("executor", [Remote(), Odd(None), Odd(0), Odd("4"), Odd(True), Odd(lambda: 3)])
def test_others_have_room(executor):
    assert n_workers(executor) is None
    assert crew_of(executor, own=OwnProcesses).room == ROOM_ELSEWHERE


def test_a_worker_keeps_to_one_thread_and_only_a_crews_own_are_ended():
    one, other = OwnProcesses(1), OwnProcesses(1)
    assert one.submit(counts, None).result() == (1, 1)
    ended, kept = (psutil.Process(crew.submit(own_id, None).result()) for crew in (one, other))
    one.abandon(interrupted=True)
    assert not ended.is_running() or ended.status() == psutil.STATUS_ZOMBIE
    assert other.submit(own_id, None).result() == kept.pid
    other.finish()
    assert not kept.is_running() or kept.status() == psutil.STATUS_ZOMBIE
    other.abandon(interrupted=True)  # there is nothing left to end


@pytest.mark.parametrize(
    ("before", "waits"),
    [
        ("", True),
        # Where Python has changed, it is called all the same, after the executors' tasks.
        ("del threading._register_atexit", False),
        ("threading._register_atexit = None", False),
        ("threading._register_atexit = lambda: None", False),
    ],
)
def test_before_exit(before, waits):
    code = ENDING.format(before=before, waits=waits, seconds=60)
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=30)
    assert done.stdout.splitlines() == ["the end", "called"]
