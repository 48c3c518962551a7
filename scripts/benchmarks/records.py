"""One measurement, and a list of them as JSON and CSV."""

import csv
import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass, fields
from math import isnan, nan
from pathlib import Path
from statistics import median
from typing import Any

__all__ = ["Measurement", "merge", "read_csv", "write_csv", "write_json"]


@dataclass(frozen=True)
class Measurement:
    """What was measured, how often, and what came out.

    Attributes
    ----------
    section : str
        `comparison`, `scaling`, `guard`, `footprint`, `after`, `many` or `parquet`.
    case : str
        The data, or the size that varies, such as `rows=1000000`.
    subject : str
        The peer, or the step of the work.
    quantity : str
        `warm`, `first`, `new process`, `ESS`, `memory` and so on.
    unit : str
    values : tuple of float
        One for each repeat; empty where nothing came out, and `note` says why.
    note : str
    load : float
        The machine's load average at the start of the measurement.
    """

    section: str
    case: str
    subject: str
    quantity: str
    unit: str = ""
    values: tuple[float, ...] = ()
    note: str = ""
    load: float = nan

    @property
    def median(self) -> float:
        """The median of the repeats; nan where there are none."""
        return median(self.values) if self.values else float("nan")

    @property
    def key(self) -> tuple[str, str, str, str]:
        """What tells this measurement from the others."""
        return self.section, self.case, self.subject, self.quantity


def merge(old: Iterable[Measurement], new: Iterable[Measurement]) -> list[Measurement]:
    """Put new measurements in the place of old ones; a comparison on some data replaces all rows of that data.

    Rows of one comparison are only comparable if they are from one run, so they are not mixed.
    """
    new = list(new)
    redone = {(m.section, m.case) for m in new}
    return [m for m in old if (m.section, m.case) not in redone] + new


def write_json(measurements: Iterable[Measurement], path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps([_plain(m) for m in measurements], indent=1) + "\n")


def _plain(m: Measurement) -> dict[str, Any]:
    return {**asdict(m), "load": None if isnan(m.load) else m.load}  # JSON has no nan


def write_csv(measurements: Iterable[Measurement], path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", newline="") as file:
        table = csv.writer(file, lineterminator="\n")
        table.writerow(f.name for f in fields(Measurement))
        for m in measurements:
            values = " ".join(f"{v:.9g}" for v in m.values)
            table.writerow([m.section, m.case, m.subject, m.quantity, m.unit, values, m.note, f"{m.load:.1f}"])


def read_csv(path: Path) -> list[Measurement]:
    """Read what `write_csv` wrote; nothing where there is no such file."""
    if not path.exists():
        return []
    with path.open(newline="") as file:
        return [
            Measurement(
                **{**one, "values": tuple(map(float, one["values"].split())), "load": float(one["load"])}  # type: ignore[arg-type]
            )
            for one in csv.DictReader(file)
        ]
