"""One process of one peer on one data set.

`python -m scripts.benchmarks.worker PEER CASE OUTPUT STARTED BUDGET REPEATS`

STARTED is the clock at which the process was asked for, so the time from a new process includes Python's own start and
all imports; making the data is taken off. What is known so far is written to OUTPUT after each run, so a process that
is stopped has still said what it measured.
"""

import contextlib
import json
import os
import resource
import sys
import time
import traceback
import warnings
from importlib.metadata import version
from pathlib import Path
from typing import Any

__all__ = ["main"]

JUDGED = 3
"""Runs whose draws are kept, and judged afterwards."""


def main(peer_name: str, case_name: str, output: str, started: float, budget: float, repeats: int) -> None:
    """Run, and write what was measured.

    Parameters
    ----------
    peer_name, case_name : str
    output : str
        File to write.
    started : float
        Seconds since the epoch.
    budget : float
        Seconds after which no further repeat is started.
    repeats : int
        Calls after the first one at most; with 0 only the time of the first is wanted.
    """
    warnings.simplefilter("ignore")
    from scripts.benchmarks.cases import build
    from scripts.benchmarks.peers import PEERS, NotApplicableError, load
    from scripts.benchmarks.watching import Watching

    info = PEERS[peer_name]
    report: dict[str, Any] = {"version": "", "first": None, "new_process": None, "warm": [], "note": ""}
    clock = time.perf_counter()
    case = build(case_name)
    making_data = time.perf_counter() - clock
    try:
        report["version"] = version(info.package)
        clock = time.perf_counter()
        with Watching() as memory:
            peer = load(peer_name)
            prepared = peer.prepare(case)
            result = peer.run(prepared, 1)
        report["first"] = time.perf_counter() - clock
        report["new_process"] = time.time() - started - making_data
        report["first_memory"] = memory.seen
        _write(report, output)
        results: list[Any] = []
        if case.alone is not None and repeats:  # one call is long enough, and starts are lost in it
            report["warm"], results, report["memory"] = [report["first"]], [result], _peak_memory()
        for repeat in range(repeats if case.alone is None else 0):
            if report["warm"] and sum(report["warm"]) + report["warm"][-1] > budget:
                break
            clock = time.perf_counter()
            result = peer.run(prepared, repeat + 2)
            report["warm"].append(time.perf_counter() - clock)
            results = [*results[1 - JUDGED :], result]
            report["memory"] = _peak_memory()
            _write(report, output)
    except NotApplicableError as err:
        report["note"] = f"not applicable: {err}"
    except ImportError as err:
        report["note"] = f"not installed: {err}"
    except Exception as err:  # noqa: BLE001  a peer may fail in any way, and that is a result
        traceback.print_exc()
        report["note"] = f"failed: {type(err).__name__}: {str(err).strip().splitlines()[0] if str(err) else ''}"[:200]
    else:
        if repeats:
            report |= _judge(peer, results, case, point=info.point)
    _write({**report, "complete": True}, output)


def _judge(peer: Any, results: list[Any], case: Any, *, point: bool) -> dict[str, Any]:
    """Effective sample sizes of the warm runs that are kept, and the moments of the last."""
    from scripts.benchmarks.quality import moments, smallest_ess

    if point:
        estimate, _ = peer.draws(results[-1], case)
        return {"estimate": {name: values.tolist() for name, values in estimate.items()}}
    every = [peer.draws(result, case) for result in results]
    sizes = [smallest_ess(draws) for draws, _ in every]
    return {
        "ess": [size for size, _ in sizes],
        "ess_of": sizes[-1][1],
        "divergences": [number for _, number in every],
        "moments": moments(every[-1][0]).as_dict(),
    }


def _peak_memory() -> float:
    """MB of the process, and of its largest child."""
    both = (resource.getrusage(who).ru_maxrss for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return sum(both) / (1 << 20 if sys.platform == "darwin" else 1 << 10)


def _write(report: dict[str, Any], output: str) -> None:
    part = Path(f"{output}.part")
    part.write_text(json.dumps(report))
    part.replace(output)


if __name__ == "__main__":
    with contextlib.redirect_stdout(sys.stderr):
        main(sys.argv[1], sys.argv[2], sys.argv[3], float(sys.argv[4]), float(sys.argv[5]), int(sys.argv[6]))
    # Some libraries leave threads behind that would hold the process.
    sys.stderr.flush()
    os._exit(0)
