"""How cost grows with rows, groups and predictors: time and memory of each step.

`python -m scripts.benchmarks.scaling MODEL ROWS GROUPS PREDICTORS OUTPUT` measures one size in a process of its own, so
that peaks of memory are its own; `scale` runs the sizes one after the other.
"""

import json
import os
import sys
import time
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from scripts.benchmarks.process import OUTPUT, OWN_PYTHON, run_reporting
from scripts.benchmarks.records import Measurement

__all__ = ["STEPS", "Size", "scale", "sizes", "slope_sizes"]

STEPS = ("build", "sample", "all groups", "ten groups", "summary", "predict")
NEW_ROWS = 1000
SLOPE, COUNTED_SLOPE = "varying slope", "varying slope of 0 to 3"
"""Models whose intercept and slope vary; the second's predictor has few values, so that many groups are alike."""
UNEVEN, NAMED = "varying intercept of uneven groups", "varying intercept of named groups"
"""Models of groups whose sizes nearly all differ, and of groups whose labels are text."""
BYTES_PER_VALUE = 8


@dataclass(frozen=True)
class Size:
    """One size to measure, and the plot that it belongs to."""

    varies: str
    model: str
    rows: int
    groups: int
    predictors: int

    @property
    def case(self) -> str:
        """Its label in the records."""
        return f"{self.varies}: {self.model}, {self.rows} rows, {self.groups} groups, {self.predictors} predictors"

    @property
    def along(self) -> int:
        """The number that varies."""
        return {"rows": self.rows, "groups": self.groups, "predictors": self.predictors}[self.varies.split()[0]]

    @property
    def memory(self) -> float:
        """Bytes of the input alone."""
        return self.rows * (self.predictors + 2.0) * BYTES_PER_VALUE

    @classmethod
    def parse(cls, case: str) -> "Size":
        """Read a label back."""
        varies, _, rest = case.partition(": ")
        model, *numbers = rest.split(", ")
        rows, groups, predictors = (int(part.split()[0]) for part in numbers)
        return cls(varies, model, rows, groups, predictors)


def sizes(*, quick: bool) -> list[Size]:
    """The sizes, small to large on each axis; the largest only where they fit into half of the memory that is free."""
    top = 6 if quick else 8
    rows = [10**3, 10**4, 10**6] if quick else [10**k for k in range(3, top + 1)]
    every = [Size("rows", "varying intercept", n, 100, 1) for n in rows]
    every += [Size("rows x 5", "varying intercept", n, 100, 5) for n in rows if n <= 10**7]
    every += [Size("rows x 5", "linear regression", n, 0, 5) for n in rows if n <= 10**7 and not quick]
    n_grouped = 10**5 if quick else 2 * 10**6
    every += [Size("groups", "varying intercept", n_grouped, j, 1) for j in (2, *(10**k for k in range(1, top - 1)))]
    every += [
        Size("predictors", "varying intercept", 100_000, 1000, k)
        for k in ((1, 5, 20) if quick else (1, 2, 5, 10, 20, 50, 100, 200, 500))
    ]
    every += [Size("groups", UNEVEN, 10 ** (top - 2), 10**k, 5) for k in range(2, top - 3)]
    return every + [Size("rows", NAMED, n, 10_000, 1) for n in rows if 10**5 <= n <= 10**7]


def slope_sizes(*, quick: bool) -> list[Size]:
    """The sizes with a slope by group: rows that grow, and up to a million groups."""
    top = 5 if quick else 7
    every = [Size("rows", SLOPE, 10**k, 1000, 1) for k in range(4, top + 1)]
    return every + [Size("groups", COUNTED_SLOPE, 10**top, 10**k, 1) for k in range(3, top)]


def scale(chosen: list[Size], *, limit: float) -> list[Measurement]:
    """Measure sizes, each in its own process."""
    measured: list[Measurement] = []
    for size in chosen:
        free = _free_memory()
        load = os.getloadavg()[0]
        if size.memory > free / 2:
            note = (
                f"left out: the input of {size.memory / 1e9:.1f} GB is more than half of the {free / 1e9:.1f} GB free"
            )
            measured.append(Measurement("scaling", size.case, "build", "time", "s", note=note, load=load))
            print(f"  {size.case}: {note}", flush=True)
            continue
        report = OUTPUT / "reports" / "scaling.json"
        report.parent.mkdir(parents=True, exist_ok=True)
        numbers = [str(n) for n in (size.rows, size.groups, size.predictors)]
        command = [str(OWN_PYTHON), "-m", "scripts.benchmarks.scaling", size.model, *numbers, str(report)]
        steps, trouble = run_reporting(command, report, limit=limit, log=OUTPUT / "logs" / "scaling.txt")
        rows = []
        for step in STEPS:
            if step not in steps:
                continue
            found = steps[step]
            rows.append(Measurement("scaling", size.case, step, "time", "s", tuple(found["wall"]), load=load))
            rows.append(Measurement("scaling", size.case, step, "processor time", "s", tuple(found["cpu"]), load=load))
            rows.append(Measurement("scaling", size.case, step, "extra memory", "MB", (found["memory"],), load=load))
        if steps:
            peak = max(found["peak"] for found in steps.values())
            rows.append(Measurement("scaling", size.case, "process", "peak memory", "MB", (peak,), load=load))
        if trouble:
            missing = next((s for s in STEPS if s not in steps), STEPS[-1])
            rows.append(Measurement("scaling", size.case, missing, "trouble", note=trouble, load=load))
        measured += rows
        times = "  ".join(f"{m.subject} {m.median:.3g}" for m in rows if m.quantity == "time")
        print(f"  {size.case}: {times} {trouble}", flush=True)
    return measured


def _free_memory() -> float:
    """Bytes; infinite where the system does not say."""
    path = Path("/proc/meminfo")
    if not path.exists():
        return float("inf")
    line = next(line for line in path.read_text().splitlines() if line.startswith("MemAvailable"))
    return float(line.split()[1]) * 1024


def _data(rows: int, groups: int, predictors: int, model: str = "") -> dict[str, np.ndarray]:
    """Columns for a model whose slopes are all 1 / sqrt(K); made in place, so that they are all there is in memory."""
    rng = np.random.default_rng([rows, groups, predictors])
    data = {f"x{k + 1}": rng.standard_normal(rows) for k in range(predictors)}
    if model == COUNTED_SLOPE:
        data = {name: rng.integers(4, size=rows).astype(float) for name in data}
    y = rng.standard_normal(rows)
    for x in data.values():
        for part in _parts(rows):
            y[part] += x[part] / np.sqrt(predictors)
    if groups:
        codes = rng.integers(groups, size=rows)
        if model == UNEVEN:
            shares = rng.lognormal(0, 1, groups)
            codes = rng.choice(groups, size=rows, p=shares / shares.sum())
        codes[:groups] = np.arange(groups)
        effects = 0.5 * rng.standard_normal(groups)
        slopes = 0.3 * rng.standard_normal(groups) if model in (SLOPE, COUNTED_SLOPE) else None
        for part in _parts(rows):
            y[part] += effects[codes[part]]
            if slopes is not None:
                y[part] += slopes[codes[part]] * data["x1"][part]
        data["group"] = (
            np.array([f"group {k:07}" for k in range(groups)], dtype=object)[codes] if model == NAMED else codes
        )
    data["y"] = y
    return data


def _parts(rows: int) -> Iterator[slice]:
    for start in range(0, rows, 1 << 20):
        yield slice(start, start + (1 << 20))


def _steps(model: str, data: dict[str, np.ndarray], predictors: int) -> Iterator[tuple[str, Callable[[], Any]]]:
    """The steps of an analysis; each is run several times, and works on what the last run of the one before gave."""
    import stanhier as sh

    terms = [f"x{k + 1}" for k in range(predictors)]
    make, grouping, names = _kind(sh, model)
    formula = f"y ~ {' + '.join([*terms, *grouping])}"
    kept: dict[str, Any] = {}

    def build() -> None:
        kept["model"] = make(formula, data)

    def sample() -> None:
        kept["fit"] = kept["model"].sample(seed=1)

    new = {name: values[:NEW_ROWS] for name, values in data.items()}
    yield "build", build
    yield "sample", sample
    if grouping:
        yield "all groups", lambda: kept["fit"].group_summary()
        yield "ten groups", lambda: kept["fit"].group_draws(np.unique(data["group"][:10]))
    yield "summary", lambda: kept["fit"].summary(var_names=names)
    yield "predict", lambda: kept["fit"].predict(new)


def _kind(sh: Any, model: str) -> tuple[Any, list[str], list[str]]:
    """The class of a model, its grouping terms, and its parameters without effects of groups."""
    if model in (SLOPE, COUNTED_SLOPE):
        return sh.Model, ["(1 + x1 | group)"], ["alpha", "beta", "sd_group", "cor_group", "sigma"]
    if model in ("varying intercept", UNEVEN, NAMED):
        return sh.VaryingIntercept, ["(1 | group)"], ["mu_alpha", "sigma_alpha", "beta", "sigma"]
    return sh.LinearRegression, [], ["alpha", "beta", "sigma"]


def _measure(step: Callable[[], Any], *, budget: float = 2.0, most: int = 5) -> dict[str, Any]:
    wall: list[float] = []
    cpu: list[float] = []
    before = _memory("VmRSS")
    _forget_peak()
    while not wall or (len(wall) < most and sum(wall) + wall[-1] < budget):
        clock, processor = time.perf_counter(), time.process_time()
        step()
        wall.append(time.perf_counter() - clock)
        cpu.append(time.process_time() - processor)
        if len(wall) == 1:
            extra = _memory("VmHWM") - before
    return {"wall": wall, "cpu": cpu, "memory": extra, "peak": _memory("VmHWM")}


def _memory(what: str) -> float:
    """MB that the process has now (VmRSS) or had at most (VmHWM); nan where the system does not say."""
    path = Path("/proc/self/status")
    if not path.exists():
        return float("nan")
    return next(float(line.split()[1]) for line in path.read_text().splitlines() if line.startswith(what)) / 1024


def _forget_peak() -> None:
    path = Path("/proc/self/clear_refs")
    if path.exists():
        path.write_text("5")


def _main(model: str, rows: int, groups: int, predictors: int, output: Path) -> None:
    warnings.simplefilter("ignore")
    small = _data(200, 5 if groups else 0, 1, model)
    for _, step in _steps(model, small, 1):  # imports and first calls are not what is asked here
        step()
    data = _data(rows, groups, predictors, model)
    found: dict[str, Any] = {}
    for name, step in _steps(model, data, predictors):
        found[name] = _measure(step)
        part = output.with_suffix(".part")
        part.write_text(json.dumps(found))
        part.replace(output)


if __name__ == "__main__":
    _main(sys.argv[1], *(int(number) for number in sys.argv[2:5]), Path(sys.argv[5]))
