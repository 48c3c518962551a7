"""cmdstanpy reads for us without polars, so that processes forked after a fit can fit too; for others as ever."""

import os
import signal
import subprocess
import sys
import threading

import numpy as np
import pytest
from cmdstanpy.utils import stancsv

from stanhier.stan.calling_cmdstanpy import calling_cmdstanpy

LINES = [b"1.5,-2.25e-310,nan\n", b"0.1,inf,-inf\n", b"3,1e400,123456789.123456789\n"]

FORK = """
import multiprocessing
import sys
import warnings
from stanhier import SamplingWarning
from tests.tools import variants
warnings.filterwarnings("ignore", category=SamplingWarning)
warnings.filterwarnings("ignore", message=".*multi-threaded, use of fork", category=DeprecationWarning)
import polars  # installed: cmdstanpy would take it

def fit(method):
    model = variants.VARYING["default"]()
    short = {"iter_warmup": 200, "iter_sampling": 200, "show_progress": False} if method == "sample" else {}
    if method == "variational":
        short = {"require_converged": False}
    done = getattr(model, method)(seed=1, **short)
    return float(done.estimates["sigma"] if method == "optimize" else done.posterior["sigma"].mean())

def trivial(number):
    return number + 1

methods = ["sample", "optimize", "laplace", "pathfinder", "variational"]
before = [fit(method) for method in methods]
with multiprocessing.get_context("fork").Pool(2) as pool:
    assert pool.map(trivial, range(4)) == [1, 2, 3, 4]
    assert pool.map(fit, methods) == before
    assert pool.map(fit, methods) == before
print("through")
"""


def run_to_the_end(code, seconds):
    """Run Python code in a group of processes that is killed, all of it, when the time is over."""
    process = subprocess.Popen(
        [sys.executable, "-c", code],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )
    try:
        said, _ = process.communicate(timeout=seconds)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        said, _ = process.communicate()
        raise AssertionError(f"it hung: {said}") from None
    assert process.returncode == 0, said
    return said


@pytest.mark.slow
def test_processes_forked_after_a_fit_can_fit(cmdstan_home):
    assert run_to_the_end(FORK, seconds=120).endswith("through\n")


@pytest.mark.slow
def test_a_fit_starts_no_other_reader(cmdstan_home):
    code = FORK.replace("import polars", "#").partition("with multiprocessing")[0]
    said = run_to_the_end(f"{code}\nprint([name for name in sys.modules if name.startswith('polars')])", seconds=120)
    assert said.endswith("[]\n")


def test_numbers_are_those_that_others_read():
    with calling_cmdstanpy():
        ours = stancsv.csv_bytes_list_to_numpy(LINES)
    theirs = stancsv.csv_bytes_list_to_numpy(LINES)
    assert ours.tobytes() == theirs.tobytes() == np.array([line.split(b",") for line in LINES], dtype=float).tobytes()


@pytest.mark.parametrize("lines", [[], [b"\n"]])
def test_no_numbers_at_all(lines):
    with calling_cmdstanpy():
        assert stancsv.csv_bytes_list_to_numpy(lines).shape == (0, 0)


@pytest.mark.parametrize("line", [b"1,2\n", b"1,2,x3\n", b"1,,3\n", b"1,2,3,4\n", b"1,2,# 3\n"])
def test_lines_of_anything_else_are_refused(line):
    with calling_cmdstanpy(), pytest.raises(ValueError, match=r"."):
        stancsv.csv_bytes_list_to_numpy([*LINES, line])


def test_calls_of_others_are_left_alone(monkeypatch):
    pytest.importorskip("polars")
    read = []
    monkeypatch.setattr("polars.read_csv", lambda *_, **__: read.append(threading.current_thread().name) or 1 / 0)

    def others():
        with pytest.raises(ZeroDivisionError):
            stancsv.csv_bytes_list_to_numpy(LINES)

    with calling_cmdstanpy():
        stancsv.csv_bytes_list_to_numpy(LINES)
        assert read == []
        thread = threading.Thread(target=others, name="another")
        thread.start()
        thread.join()
    others()
    assert read == ["another", "MainThread"]
