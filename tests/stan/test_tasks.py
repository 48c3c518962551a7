"""Tasks over threads, processes and executors of others: nothing lost, nothing left behind."""

import os
import signal
import threading
import time
import warnings
from concurrent.futures import BrokenExecutor, Future, ProcessPoolExecutor, ThreadPoolExecutor

import psutil
import pytest

import stanhier as sh
from stanhier.stan import crews as workers
from stanhier.stan import tasks


def doubled(task):
    if task == "die":
        os.kill(os.getpid(), signal.SIGKILL)
    if task == "fail":
        raise ZeroDivisionError("by zero")
    return 2 * task


def touch_after(task):
    seconds, mark = task
    time.sleep(seconds)
    mark.touch()


class TestTasks:
    def test_results_come_as_they_finish_and_failures_stop_nothing(self, threads):
        crew = workers.crew_of(threads, own=workers.OwnProcesses)
        results = dict(tasks.run_tasks(doubled, [("a", 1), ("b", "fail"), ("c", None), ("d", 4)], crew))
        assert results["a"] == 2
        assert results["c"] is None
        assert results["d"] == 8
        assert str(results["b"]) == "ZeroDivisionError: by zero"

    @pytest.mark.slow
    def test_a_task_that_kills_its_worker_is_named_and_the_others_are_done(self):
        crew = workers.OwnProcesses(2)
        results = dict(tasks.run_tasks(doubled, [(k, "die" if k == 3 else k) for k in range(9)], crew))
        assert {k: v for k, v in results.items() if k != 3} == {k: 2 * k for k in range(9) if k != 3}
        assert "worker process died, tried alone too" in str(results[3])

    def test_a_broken_pool_of_the_callers_is_replaced(self):
        with ProcessPoolExecutor(1) as pool:
            with pytest.raises(BrokenExecutor):
                pool.submit(doubled, "die").result()
            crew = workers.crew_of(pool, own=workers.OwnProcesses)
            assert dict(tasks.run_tasks(doubled, [("a", 1)], crew)) == {"a": 2}

    @pytest.mark.slow
    def test_workers_that_never_live_are_told_from_tasks_that_kill(self):
        with pytest.raises(sh.StanhierError, match="die before they have done anything"):
            list(tasks.run_tasks(doubled, [(k, "die") for k in range(3)], workers.OwnProcesses(1)))

    def test_no_more_is_asked_for_than_there_is_room(self, threads):
        asked, done = [], 0

        def source():
            for k in range(40):
                asked.append(k)
                yield k, k

        crew = workers.crew_of(threads, own=workers.OwnProcesses)
        for _ in tasks.run_tasks(doubled, source(), crew):
            done += 1
            assert len(asked) <= done + crew.room
        assert done == 40

    def test_filters_of_warnings_are_left_as_they_were(self, threads):
        came = {"first": threading.Event(), "second": threading.Event()}
        first_left = threading.Event()

        def hushed(name):
            """Come and go in turns: the second puts back what the first had set."""
            if name == "second":
                assert came["first"].wait(60)
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                came[name].set()
                assert (came["second"] if name == "first" else first_left).wait(60)
            first_left.set()
            return name

        before = list(warnings.filters)
        crew = workers.crew_of(threads, own=workers.OwnThreads)
        results = dict(tasks.results_of(hushed, [(name, name) for name in came], crew))
        assert results == {"first": "first", "second": "second"}
        assert warnings.filters == before

    def test_what_is_dropped_is_ended(self, tmp_path):
        early, late = tmp_path / "early", tmp_path / "late"
        results = tasks.run_tasks(touch_after, [(0, (0, early)), (1, (100, late))], workers.OwnProcesses(1))
        next(results)
        results.close()
        assert early.exists()
        assert not late.exists()
        assert not [p for p in psutil.Process().children(recursive=True) if "multiprocessing.spawn" in p.cmdline()]

    def test_a_task_that_the_executor_cancels_is_a_failure(self):
        class Closed(ThreadPoolExecutor):
            def submit(self, *_):
                future = Future()
                future.cancel()
                future.set_running_or_notify_cancel()
                return future

        crew = workers.crew_of(Closed(1), own=workers.OwnProcesses)
        ((_, error),) = tasks.run_tasks(doubled, [("a", 1)], crew)
        assert isinstance(error, sh.SamplingError)
        assert "cancelled" in str(error)

    def test_an_executor_that_is_none_or_closed_is_refused(self):
        with pytest.raises(sh.StanhierError, match=r"`executor` must be .*Executor, not int"):
            workers.crew_of(3, own=workers.OwnProcesses)
        pool = ThreadPoolExecutor(1)
        pool.shutdown()
        crew = workers.crew_of(pool, own=workers.OwnProcesses)
        with pytest.raises(sh.StanhierError, match="takes no tasks: cannot schedule new futures after shutdown"):
            list(tasks.run_tasks(doubled, [("a", 1)], crew))
