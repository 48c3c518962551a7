"""Steps of work timed in one process of their own, which reports as it goes."""

import json
import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from scripts.benchmarks.process import OUTPUT, OWN_PYTHON, run_reporting
from scripts.benchmarks.records import Measurement

__all__ = ["Found", "in_process", "timed", "written"]

type Found = dict[str, tuple[str, str, list[float]]]
"""Quantity, unit and values by step."""


def in_process(section: str, case: str, *, repeats: int, limit: float) -> list[Measurement]:
    """Run `python -m scripts.benchmarks.SECTION REPORT REPEATS`, and give what it found.

    Parameters
    ----------
    section : str
        Also the name of the module.
    case : str
        What the measurements are of.
    repeats : int
        How often each step is taken.
    limit : float
        Seconds from one report to the next.
    """
    load = os.getloadavg()[0]
    report = OUTPUT / "reports" / f"{section}.json"
    report.parent.mkdir(parents=True, exist_ok=True)
    command = [str(OWN_PYTHON), "-m", f"scripts.benchmarks.{section}", str(report), str(repeats)]
    found, trouble = run_reporting(command, report, limit=limit, log=OUTPUT / "logs" / f"{section}.txt")
    measured = [
        Measurement(section, case, step, quantity, unit, tuple(values), load=load)
        for step, (quantity, unit, values) in found.items()
    ]
    if trouble:
        measured.append(Measurement(section, case, "all", "trouble", note=trouble, load=load))
    return measured


def timed(step: Callable[[], Any], repeats: int) -> tuple[str, str, list[float]]:
    """Take a step several times."""
    values = []
    for _ in range(repeats):
        clock = time.perf_counter()
        step()
        values.append(time.perf_counter() - clock)
    return "time", "s", values


def written(found: Found, report: Path) -> None:
    """Report what has been found so far."""
    new = report.with_suffix(".new")
    new.write_text(json.dumps(found))
    new.replace(report)
