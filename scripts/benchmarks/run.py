"""Run what was asked for, and write tables, plots and the page; started by `scripts/benchmark`."""

import argparse
import sys
from collections.abc import Iterator
from pathlib import Path

from scripts.benchmarks.after import after
from scripts.benchmarks.calibration import calibrate, draw_calibration, read, write
from scripts.benchmarks.case import ROOT
from scripts.benchmarks.cases import CASES
from scripts.benchmarks.comparison import LIMIT, compare
from scripts.benchmarks.footprint import footprint
from scripts.benchmarks.guard import guard
from scripts.benchmarks.machine import describe
from scripts.benchmarks.many import many
from scripts.benchmarks.options import (
    FAMILY_CASES,
    FAMILY_PEERS,
    GROUPS,
    PAGE_ONLY,
    QUICK_CASES,
    QUICK_PEERS,
    SECTIONS,
    SLOPE_CASES,
    SLOPE_PEERS,
    parser,
    words_of,
)
from scripts.benchmarks.page import render
from scripts.benchmarks.parquet import parquet
from scripts.benchmarks.parts import parts
from scripts.benchmarks.peers import chosen
from scripts.benchmarks.plots import draw
from scripts.benchmarks.process import OUTPUT
from scripts.benchmarks.records import Measurement, merge, read_csv, write_csv, write_json
from scripts.benchmarks.scaling import scale, sizes, slope_sizes
from scripts.benchmarks.slopes import fetch_insteval

__all__ = ["main"]

PAGE = ROOT / "scripts" / "benchmarks" / "README.md"
KEPT = ROOT / "scripts" / "benchmarks" / "results"
CALIBRATION = "calibration.json"


def main(arguments: list[str]) -> None:
    """Read the command line, measure, and write after each part, so that a run that is stopped is not lost."""
    made = parser()
    options = made.parse_args(arguments)
    known = (*CASES, *SECTIONS)
    wanted = (QUICK_CASES + SECTIONS if options.quick else known) if options.only is None else words_of(options.only)
    unknown = [name for name in wanted if name not in (*known, PAGE_ONLY)]
    if unknown:
        made.error(f"--only knows {', '.join((*known, *GROUPS, PAGE_ONLY))}; not {', '.join(unknown)}")
    try:
        peers = chosen(QUICK_PEERS if options.quick and options.peers is None else options.peers)
    except ValueError as err:
        made.error(f"--peers: {err}")
    folder = KEPT if options.keep else OUTPUT
    measurements = read_csv(KEPT / "results.csv") if options.keep else []
    for part in _measure(wanted, peers, options, folder):
        measurements = merge(measurements, [*describe(), *part])
        write_json(measurements, OUTPUT / "last.json")
        if options.keep:
            write_csv(measurements, KEPT / "results.csv")
    runs = read(folder / CALIBRATION) if options.keep or "calibration" in wanted else []
    pictures = draw(measurements, folder)
    if runs:
        pictures.append(draw_calibration(runs, folder / "calibration.png"))
    page = render(measurements, pictures, folder="results" if options.keep else ".", calibrations=runs)
    path = PAGE if options.keep else OUTPUT / "last.md"
    path.write_text(page)
    write_csv(measurements, folder / "results.csv")
    print(page[page.index("## Machine") :])
    print(f"Page: {path}")


def _measure(
    wanted: list[str], peers: list[str], options: argparse.Namespace, folder: Path
) -> Iterator[list[Measurement]]:
    repeats, budget = (3, 3.0) if options.quick else (options.repeats, options.budget)
    limit = LIMIT if options.limit is None else options.limit
    given_up: set[str] = set()
    if "insteval" in wanted:
        fetch_insteval()
    for name in wanted:
        if name == PAGE_ONLY:
            continue
        print(f"{name}:", flush=True)
        if name == "scaling":
            yield scale(sizes(quick=options.quick), limit=limit)
        elif name == "slope_scaling":
            yield scale(slope_sizes(quick=options.quick), limit=limit)
        elif name == "guard":
            yield [] if options.before is None else guard(options.before, limit=limit)
        elif name == "footprint":
            yield footprint(repeats=repeats if options.quick else 11)
        elif name == "parts":
            yield parts(repeats=min(repeats, 5), limit=max(limit, 300.0))
        elif name == "after":
            yield after(repeats=min(repeats, 3), limit=max(limit, 300.0))
        elif name == "many":
            yield many(50 if options.quick else options.models, peers=peers, limit=limit)
        elif name == "parquet":
            n_rows = 2_000_000 if options.quick else options.rows
            yield parquet(n_rows, repeats=min(repeats, 3), limit=max(limit, n_rows / 1e5))
        elif name == "calibration":
            simulations = 20 if options.quick else options.simulations
            write(calibrate(simulations=simulations, warmup=options.warmup), folder / CALIBRATION)
            yield []
        else:
            usual = SLOPE_PEERS if name in SLOPE_CASES else FAMILY_PEERS if name in FAMILY_CASES else None
            own_choice = options.peers is not None or options.quick or usual is None
            others = peers if own_choice else chosen(usual)
            yield compare(name, others, limit=options.limit, budget=budget, repeats=repeats, given_up=given_up)


if __name__ == "__main__":
    main(sys.argv[1:])
