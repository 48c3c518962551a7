"""Where the time goes, where there is still some to lose: a small call, a script, a file, rows in Parquet.

`python -m scripts.benchmarks.parts REPORT REPEATS` measures all of it in one process, with scripts and programs that
it starts; `parts` runs it.
"""

import resource
import shutil
import subprocess
import sys
import tempfile
import time
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

from scripts.benchmarks import parquet
from scripts.benchmarks.process import OUTPUT, OWN_PYTHON
from scripts.benchmarks.records import Measurement
from scripts.benchmarks.scaling import _data
from scripts.benchmarks.steps import Found, in_process, timed, written

__all__ = ["parts"]

CASE = "where the time goes"
CHAIN = "num_warmup=1000 num_samples=1000"
PARQUET_ROWS = 10_000_000
IMPORTS = (
    ("pandas, with numpy", "import pandas"),
    ("scipy.special, linalg, optimize", "import scipy.special, scipy.linalg, scipy.optimize"),
    ("formulaic", "import formulaic"),
    ("cmdstanpy, with xarray", "import cmdstanpy"),
    ("stanhier itself", "import stanhier as sh; sh.LinearRegression"),
    ("model and sample(), first time", "sh.LinearRegression('y ~ x', data).sample(seed=1, show_progress=False)"),
)
"""What a script that samples a model does one after another, and what each is called."""
SCRIPT = """
import time
def said(clock):
    print(time.perf_counter() - clock, flush=True)
    return time.perf_counter()
clock = time.perf_counter()
{steps}
"""


def parts(*, repeats: int, limit: float) -> list[Measurement]:
    """Take apart what a small call, a script, a file and rows in Parquet take."""
    measured = in_process("parts", CASE, repeats=repeats, limit=limit)
    for m in measured:
        print(f"  {m.subject} {m.median:.4g} {m.unit} {m.note}", flush=True)
    return measured


def _main(report: Path, repeats: int) -> None:
    warnings.simplefilter("ignore")
    found: Found = {}
    for part in (_small_call, _script, _file, _parquet):
        found |= part(repeats)
        written(found, report)


def _small_call(repeats: int) -> Found:
    """Take one warm call apart: Python's own work, its chains, and what a chain does."""
    from cmdstanpy import write_stan_json

    import stanhier as sh
    from stanhier.stan.program import Program

    data = _data(100, 0, 1)
    model = sh.LinearRegression("y ~ x1", data)
    model.sample(seed=1)
    calls: dict[str, list[float]] = {"wall": [], "python": [], "chains": []}
    for _ in range(5 * repeats):
        wall, python, chains = time.perf_counter(), time.process_time(), _of_children()
        sh.LinearRegression("y ~ x1", data).sample(seed=1)
        calls["wall"].append(time.perf_counter() - wall)
        calls["python"].append(time.process_time() - python)
        calls["chains"].append(_of_children() - chains)
    call = "100 rows, 1 predictor: "
    found: Found = {
        f"{call}model and sample()": ("time", "s", calls["wall"]),
        f"{call}processor time of Python in it": ("time", "s", calls["python"]),
        f"{call}processor time of its four chains": ("time", "s", calls["chains"]),
    }
    with tempfile.TemporaryDirectory() as folder:
        rows, draws = Path(folder) / "data.json", Path(folder) / "draws.csv"
        write_stan_json(str(rows), model.stan_data)
        exe = str(Program("linear_regression").exe())
        sampling = f"{exe} sample {CHAIN} thin=%d data file={rows} random seed=1 output file={draws}"
        commands = {
            "a chain, alone": sampling % 1,
            "a chain that writes one draw": sampling % 1000,
            "a chain's process, which does nothing": f"{exe} info",
            "a process that does nothing": "true",
        }
        for name, command in commands.items():
            found[f"{call}{name}"] = timed(partial(_run, command.split()), 5 * repeats)
    return found


def _script(repeats: int) -> Found:
    """Take a script apart that samples a small model: what it imports, the call, and the end of Python."""
    made = (  # not counted
        "import numpy as np; x = np.linspace(-1, 1, 100); data = {'x': x, 'y': np.sin(50 * x)}; "
        "clock = time.perf_counter()"
    )
    steps = [f"{step}; clock = said(clock)" for _, step in IMPORTS]
    script = SCRIPT.format(steps="\n".join([*steps[:1], made, *steps[1:]]))
    values: dict[str, list[float]] = {}
    for _ in range(repeats):
        clock = time.perf_counter()
        done = subprocess.run([str(OWN_PYTHON), "-c", script], check=True, capture_output=True, text=True)
        whole = time.perf_counter() - clock
        took = [float(line) for line in done.stdout.split()]
        for (name, _), seconds in zip(IMPORTS, took, strict=True):
            values.setdefault(name, []).append(seconds)
        values.setdefault("start and end of Python", []).append(whole - sum(took))
        values.setdefault("all of it", []).append(whole)
    return {f"a script that samples: {name}": ("time", "s", times) for name, times in values.items()}


def _file(repeats: int) -> Found:
    """Take apart what it takes to write the file of a fit."""
    import xarray as xr

    import stanhier as sh

    fit = sh.VaryingIntercept("y ~ x1 + (1 | group)", _data(200, 10, 1)).sample(seed=1)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "fit.nc"
        fit.save(path)
        with _time_in(xr.DataTree, "to_netcdf") as inside:
            whole = timed(lambda: fit.save(path), 3 * repeats)
    return {
        "200 rows, 10 groups: fit.save(...)": whole,
        "200 rows, 10 groups: xarray and h5netcdf in it": ("time", "s", inside),
    }


def _parquet(repeats: int) -> Found:
    """Take apart what it takes to build a model from files."""
    import numpy as np

    import stanhier as sh
    from stanhier.data.sources import open_source
    from stanhier.engines.gaussian import pieces

    folder = OUTPUT / "parquet"
    formula = f"y ~ {parquet.FORMULA} + (1 | site)"
    columns = [*parquet.FORMULA.split(" + "), "y", "site"]
    what = f"{PARQUET_ROWS:,} rows in Parquet, {parquet.GROUPS:,} groups: "
    found: Found = {}
    try:
        parquet.write_rows(folder, PARQUET_ROWS)
        source: Any = open_source(folder)
        sh.VaryingIntercept(formula, folder)
        found[f"{what}reading alone"] = timed(lambda: sum(b.num_rows for b in source.batches(columns)), repeats)
        with _time_in(np.linalg, "qr") as factors, _time_in(pieces, "_sums") as sums:
            found[f"{what}VaryingIntercept(...)"] = timed(lambda: sh.VaryingIntercept(formula, folder), repeats)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    found[f"{what}triangular factors in it"] = ("time", "s", [sum(factors) / repeats])
    found[f"{what}sums, squares, and sums by group in it"] = ("time", "s", [sum(sums) / repeats])
    return found


@contextmanager
def _time_in(owner: Any, name: str) -> Iterator[list[float]]:
    """Take the time of each call of a function, by the name that its callers use."""
    function: Callable[..., Any] = getattr(owner, name)
    values: list[float] = []

    def call(*args: Any, **kwargs: Any) -> Any:
        clock = time.perf_counter()
        try:
            return function(*args, **kwargs)
        finally:
            values.append(time.perf_counter() - clock)

    setattr(owner, name, call)
    try:
        yield values
    finally:
        setattr(owner, name, function)


def _of_children() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def _run(words: list[str]) -> None:
    subprocess.run(words, check=True, stdout=subprocess.DEVNULL)


if __name__ == "__main__":
    _main(Path(sys.argv[1]), int(sys.argv[2]))
