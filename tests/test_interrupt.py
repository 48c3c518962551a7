"""Sampling that is interrupted leaves no process and no file behind."""

import os
import signal
import subprocess
import sys
import time

import psutil
import pytest

pytestmark = pytest.mark.slow

LONG_RUN = """
from tests import variants
variants.VARYING["default"]().sample(iter_sampling=50_000_000, seed=1)
"""


def chains():
    return [
        p.info["pid"]
        for p in psutil.process_iter(["pid", "name"])
        if p.info["name"] == "varying_intercept" and p.status() != psutil.STATUS_ZOMBIE
    ]


@pytest.mark.parametrize("kind", ["interrupt", "terminate", "kill"])
def test_no_process_is_left(kind, cmdstan_home, tmp_path):
    before = set(chains())
    # Python's own handler, as in a terminal or a notebook: a process started in the background may ignore the signal.
    code = "import signal; signal.signal(signal.SIGINT, signal.default_int_handler)\n" + LONG_RUN
    environment = {**os.environ, "TMPDIR": str(tmp_path)}
    run = subprocess.Popen([sys.executable, "-c", code], env=environment, stderr=subprocess.PIPE, text=True)
    deadline = time.monotonic() + 60
    while not set(chains()) - before and time.monotonic() < deadline:
        time.sleep(0.1)
    started = set(chains()) - before
    assert started
    run.send_signal({"interrupt": signal.SIGINT, "terminate": signal.SIGTERM, "kill": signal.SIGKILL}[kind])
    _, words = run.communicate(timeout=30)
    while started & set(chains()) and time.monotonic() < deadline:
        time.sleep(0.1)
    assert not set(chains()) - before
    if kind == "interrupt":
        assert "KeyboardInterrupt" in words
        assert not list(tmp_path.glob("stanhier-*"))
