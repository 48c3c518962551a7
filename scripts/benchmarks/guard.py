"""What an earlier revision of the package took for the same calls, in the same run.

`python -m scripts.benchmarks.guard CASE CALLS OUTPUT` measures one process; `guard` runs the two revisions in turn.
"""

import json
import os
import subprocess
import sys
import time
import warnings
from pathlib import Path
from shutil import rmtree

from scripts.benchmarks.case import ROOT
from scripts.benchmarks.process import OUTPUT, OWN_PYTHON, run_reporting
from scripts.benchmarks.records import Measurement

__all__ = ["GUARDED", "guard"]

GUARDED = ("linear", "sleepstudy", "sim_100k")
"""A `LinearRegression`, and two of `VaryingIntercept`, small and larger; all are in the repository or simulated."""
ROUNDS, CALLS = 5, 7


def guard(before: str, *, rounds: int = ROUNDS, limit: float) -> list[Measurement]:
    """Time warm calls of the earlier revision and of the present package, a process of each in turn.

    Parameters
    ----------
    before : str
        A revision that git knows.
    rounds : int
        Processes of each.
    limit : float
        Seconds that one call may take; the first may have to compile the program of the earlier revision.
    """
    try:
        commit = _git("rev-parse", "--short", f"{before}^{{commit}}").decode().strip()
    except subprocess.CalledProcessError:
        print(f"  left out: git knows no revision {before}")
        return [Measurement("guard", GUARDED[0], "before", "trouble", note=f"left out: git knows no revision {before}")]
    folders = {"before": checked_out(commit), "now": ROOT}
    measured = []
    for case in GUARDED:
        load = os.getloadavg()[0]
        medians: dict[str, list[float]] = {side: [] for side in folders}
        trouble = ""
        for _ in range(rounds):
            for side, folder in folders.items():
                report, trouble = _process(case, folder, limit=limit)
                if trouble or not report:
                    break
                medians[side].append(report["median"])
            if trouble:
                break
        for side, values in medians.items():
            note = commit if side == "before" else ""
            measured.append(Measurement("guard", case, side, "warm", "s", tuple(values), note, load))
        if trouble:
            measured.append(Measurement("guard", case, side, "trouble", note=trouble, load=load))
        print("  " + case, *(f"{m.subject} {m.median:.4f} s" for m in measured[-2:] if m.values), trouble, flush=True)
    return measured


def checked_out(commit: str) -> Path:
    """Put the package of a commit into a folder of its own, with the present benchmark beside it."""
    folder = OUTPUT / "before" / commit
    if folder.exists():
        rmtree(folder)
    folder.mkdir(parents=True)
    archive = _git("archive", commit, "stanhier", "stan_models")
    subprocess.run(["tar", "-x", "-C", folder], input=archive, check=True)
    (folder / "scripts").symlink_to(ROOT / "scripts")
    return folder


def _git(*arguments: str) -> bytes:
    return subprocess.run(["git", "-C", ROOT, *arguments], check=True, capture_output=True).stdout


def _process(case: str, folder: Path, *, limit: float) -> tuple[dict[str, float], str]:
    report = OUTPUT / "reports" / "guard.json"
    report.parent.mkdir(parents=True, exist_ok=True)
    command = [str(OWN_PYTHON), "-m", "scripts.benchmarks.guard", case, str(CALLS), str(report)]
    return run_reporting(command, report, limit=limit, log=OUTPUT / "logs" / "guard.txt", folder=folder)


def _main(name: str, calls: int, output: Path) -> None:
    warnings.simplefilter("ignore")
    import stanhier as sh
    from scripts.benchmarks.cases import build
    from scripts.benchmarks.peers import load

    assert Path(sh.__file__).parent.parent == Path.cwd(), sh.__file__
    peer, case = load("stanhier"), build(name)
    prepared = peer.prepare(case)
    peer.run(prepared, 1)
    seconds = []
    for call in range(calls):
        clock = time.perf_counter()
        peer.run(prepared, call + 2)
        seconds.append(time.perf_counter() - clock)
    output.write_text(json.dumps({"median": sorted(seconds)[calls // 2]}))


if __name__ == "__main__":
    _main(sys.argv[1], int(sys.argv[2]), Path(sys.argv[3]))
