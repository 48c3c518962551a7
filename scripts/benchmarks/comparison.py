"""Peers side by side on each data set."""

import os
import subprocess
import time
from collections.abc import Iterable
from typing import Any

from scripts.benchmarks.case import MissingDataError
from scripts.benchmarks.cases import build
from scripts.benchmarks.peers import PEERS
from scripts.benchmarks.process import OUTPUT, OWN_PYTHON, PEERS_PYTHON, run_reporting
from scripts.benchmarks.quality import Moments, agreement, point_distance
from scripts.benchmarks.records import Measurement

__all__ = ["LIMIT", "compare", "judge"]

REFERENCE = "stanhier"
SIMULATED = "sim_"
LIMIT, OWN_LIMIT = 120.0, 300.0
"""Seconds that a call may take where nothing else is said; of the reference always so many, since all need it."""


def compare(
    case: str, peers: Iterable[str], *, limit: float | None, budget: float, repeats: int, given_up: set[str]
) -> list[Measurement]:
    """Run peers one after the other on one data set, the reference first.

    Parameters
    ----------
    case : str
    peers : iterable of str
    limit : float or None
        Seconds that one call, or one new process, may take; None for what the case or else `LIMIT` says.
    budget : float
        Seconds for the repeats of one peer in one process; there is always one.
    repeats : int
        Calls after the first at most; new processes are at most 3.
    given_up : set of str
        Peers that were too slow on simulated data that are smaller; those that are too slow now are added.
    """
    try:
        built = build(case)
    except MissingDataError as err:
        print(f"  {case}: left out, {err}")
        return [Measurement("comparison", case, REFERENCE, "status", note=f"left out: {err}")]
    limit = limit or built.limit or LIMIT
    names = [REFERENCE, *(name for name in peers if name != REFERENCE and built.alone is None)]
    measured: list[Measurement] = []
    reference: Moments | None = None
    for name in names:
        clock = time.monotonic()
        if name in given_up and case.startswith(SIMULATED):
            rows = [_row(case, name, "status", note=f"not tried: over {limit:g} s on smaller data")]
        elif not _python(name).exists():
            rows = [_row(case, name, "status", note="not installed: the peers' environment could not be made")]
        else:
            patience = max(limit, OWN_LIMIT) if name == REFERENCE else limit
            rows, found = _measure(case, name, reference, limit=patience, budget=budget, repeats=repeats)
            if name == REFERENCE:
                reference = found
        if any(m.quantity == "status" and m.note.startswith("time-out") for m in rows) and case.startswith(SIMULATED):
            given_up.add(name)
        measured += rows
        print(f"  {case:14} {name:18} {_said(rows)} ({time.monotonic() - clock:.0f} s)", flush=True)
    return measured


def _python(peer: str) -> Any:
    return OWN_PYTHON if PEERS[peer].own_environment else PEERS_PYTHON


def _measure(
    case: str, peer: str, reference: Moments | None, *, limit: float, budget: float, repeats: int
) -> tuple[list[Measurement], Moments | None]:
    load = os.getloadavg()[0]
    if PEERS[peer].module == "with_cmdstanpy":
        _compile(peer, case)
    report, trouble = _process(case, peer, limit=limit, budget=budget, repeats=repeats)
    new_processes = [report["new_process"]] if report.get("new_process") else []
    while new_processes and not trouble and len(new_processes) < 3 and sum(new_processes) < budget:
        again, again_trouble = _process(case, peer, limit=limit, budget=0, repeats=0)
        if again_trouble or not again.get("new_process"):
            break
        new_processes.append(again["new_process"])
    if not report.get("warm") and not (report.get("note") or trouble):
        trouble = "failed: nothing was measured"
    rows = [
        _row(case, peer, "status", note=(_timed_out(trouble, report, limit) or report.get("note") or "ok"), load=load),
        _row(case, peer, "version", note=report.get("version", "")),
    ]
    for quantity, values in (
        ("first", [report["first"]] if report.get("first") else []),
        ("warm", report.get("warm", [])),
        ("new process", new_processes),
    ):
        rows.append(_row(case, peer, quantity, "s", values, load=load))
    if report.get("memory"):
        rows.append(_row(case, peer, "memory", "MB", [report["memory"]]))
    for what, size in report.get("first_memory", {}).items():
        rows.append(_row(case, peer, f"memory in first call, {what}", "MB", [size]))
    if not report.get("warm"):
        return rows, None
    found, more = judge(case, peer, report, reference)
    return rows + more, found


def judge(
    case: str, peer: str, report: dict[str, Any], reference: Moments | None
) -> tuple[Moments | None, list[Measurement]]:
    """Say how well a peer's report agrees with the reference, and what its effective sample size is."""
    if "estimate" in report and reference is not None:
        distance, where = point_distance(report["estimate"], reference)
        return None, [_row(case, peer, "agreement", "posterior sd", [distance], f"point estimate; furthest: {where}")]
    if "moments" not in report:
        return None, []
    found = Moments.from_dict(report["moments"])
    ess = report["ess"]
    rates = [size / seconds for size, seconds in zip(ess, report["warm"][-len(ess) :], strict=True)]
    rows = [
        _row(case, peer, "ESS", "", ess, f"smallest: {report['ess_of']}"),
        _row(case, peer, "ESS per second", "1/s", rates),
        _row(case, peer, "R-hat", "", [found.r_hat]),
        _row(case, peer, "divergences", "", [float(n) for n in report["divergences"]]),
    ]
    if reference is not None:
        same = agreement(reference, found)
        rows.append(_row(case, peer, "sd ratio", "", same.sd_ratios))
        verdict = "agrees" if same.agrees else "differs"
        rows.append(
            _row(
                case,
                peer,
                "agreement",
                "Monte Carlo errors",
                [same.worst],
                f"{verdict}; worst of {2 * len(found.names)}: {same.where}, limit {same.limit:.1f}",
            )
        )
    return found, rows


def _process(case: str, peer: str, *, limit: float, budget: float, repeats: int) -> tuple[dict[str, Any], str]:
    report = OUTPUT / "reports" / f"{case}-{peer}{'' if repeats else '-again'}.json"
    report.parent.mkdir(parents=True, exist_ok=True)
    command = [str(_python(peer)), "-m", "scripts.benchmarks.worker", peer, case, str(report)]
    return run_reporting(
        [*command, repr(time.time()), str(budget), str(repeats)],
        report,
        limit=limit,
        log=OUTPUT / "logs" / f"{case}-{peer}.txt",
    )


def _compile(peer: str, case: str) -> None:
    """Compile the program once, before anything is timed, as stanhier's own programs are."""
    code = (
        "from scripts.benchmarks.cases import build; from scripts.benchmarks.peers import NotApplicableError, load\n"
        f"try: load({peer!r}).prepare(build({case!r}))\n"
        "except NotApplicableError: pass"
    )
    subprocess.run([OWN_PYTHON, "-c", code], cwd=OUTPUT.parents[2], check=False, capture_output=True)


def _timed_out(trouble: str, report: dict[str, Any], limit: float) -> str:
    if trouble != "time-out":
        return trouble
    if not report.get("first"):
        return f"time-out: no draws within {limit:g} s"
    return f"time-out: the first call took {report['first']:.0f} s, the next had no end within {limit:g} s"


def _row(
    case: str,
    peer: str,
    quantity: str,
    unit: str = "",
    values: Iterable[float] = (),
    note: str = "",
    load: float = float("nan"),
) -> Measurement:
    return Measurement("comparison", case, peer, quantity, unit, tuple(values), note, load)


def _said(rows: list[Measurement]) -> str:
    by = {m.quantity: m for m in rows}
    if by["status"].note != "ok":
        return by["status"].note
    text = f"{by['warm'].median:8.3f} s"
    if "ESS per second" in by:
        text += f"  ESS/s {by['ESS per second'].median:9.0f}"
    return text + (f"  {by['agreement'].note}" if "agreement" in by else "")
