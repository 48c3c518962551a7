"""Child processes with a limit on their time."""

import json
import os
import signal
import subprocess
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from scripts.benchmarks.case import ROOT

__all__ = ["OUTPUT", "OWN_PYTHON", "PEERS_PYTHON", "run_reporting"]

OUTPUT = ROOT / "scripts" / "benchmarks" / "output"
OWN_PYTHON = ROOT / ".venv" / "bin" / "python"
PEERS_PYTHON = OUTPUT / "peers" / "bin" / "python"


def run_reporting(
    command: Sequence[str], report: Path, *, limit: float, log: Path, folder: Path = ROOT
) -> tuple[dict[str, Any], str]:
    """Run a command that writes a JSON report as it goes.

    Parameters
    ----------
    command : sequence of str
    report : Path
        What the command writes; each write starts the clock of `limit` anew.
    limit : float
        Seconds.
    log : Path
        Gets what the command prints.
    folder : Path
        Where the command runs.

    Returns
    -------
    dict
        The last report; empty if there was none.
    str
        Why it is not complete: `time-out`, `failed` with a number, or nothing.
    """
    report.unlink(missing_ok=True)
    log.parent.mkdir(parents=True, exist_ok=True)
    # An installed package has its bytecode, whatever the shell says; without, Python compiles a checkout at each start.
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    with log.open("ab") as file:
        child = subprocess.Popen(command, cwd=folder, env=environment, stdout=file, stderr=file, start_new_session=True)
        try:
            trouble = _wait(child, report, limit)
        finally:
            if child.poll() is None:
                os.killpg(child.pid, signal.SIGKILL)  # the child's own group: itself and the samplers it started
                child.wait()
    if not report.exists():
        return {}, trouble
    return json.loads(report.read_text()), trouble


def _wait(child: "subprocess.Popen[bytes]", report: Path, limit: float) -> str:
    changed, started = 0.0, time.monotonic()
    while True:
        try:
            code = child.wait(timeout=0.05)
        except subprocess.TimeoutExpired:
            written = report.stat().st_mtime if report.exists() else 0.0
            if written != changed:
                changed, started = written, time.monotonic()
            if time.monotonic() - started > limit:
                return "time-out"
        else:
            return "" if code == 0 else f"failed: the process ended with {code}"
