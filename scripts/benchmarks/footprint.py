"""What a small fit costs around Stan: import, each step, memory, and the size of the saved file.

`python -m scripts.benchmarks.footprint OUTPUT` measures one process; `footprint` runs it.
"""

import os
import subprocess
import sys
import tempfile
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

from scripts.benchmarks.process import OWN_PYTHON
from scripts.benchmarks.records import Measurement
from scripts.benchmarks.scaling import _data, _forget_peak, _memory
from scripts.benchmarks.steps import Found, in_process, timed, written

__all__ = ["footprint"]

CASE = "900 rows, 85 groups, 1 predictor"
ROWS, GROUPS, PREDICTORS = 900, 85, 1


def footprint(*, repeats: int) -> list[Measurement]:
    """Measure the import of the package in new processes, and the steps of a small fit in one."""
    load = os.getloadavg()[0]
    measured = []
    for subject, code in (("python alone", "pass"), ("import stanhier", "import stanhier")):
        values = []
        for _ in range(repeats):
            clock = time.perf_counter()
            subprocess.run([OWN_PYTHON, "-c", code], check=True)
            values.append(time.perf_counter() - clock)
        measured.append(Measurement("footprint", "a new process", subject, "time", "s", tuple(values), load=load))
    measured += in_process("footprint", CASE, repeats=repeats, limit=300)
    for m in measured:
        print(f"  {m.case}: {m.subject} {m.median:.4g} {m.unit} {m.note}", flush=True)
    return measured


def _main(output: Path, repeats: int) -> None:
    warnings.simplefilter("ignore")
    data = _data(ROWS, GROUPS, PREDICTORS)
    import stanhier as sh

    formula = "y ~ x1 + (1 | group)"
    found: Found = {}
    found["first call, imports included"] = timed(
        lambda: sh.VaryingIntercept(formula, data).sample(seed=1).posterior.load(), 1
    )
    fit = sh.VaryingIntercept(formula, data).sample(seed=1)
    _ = fit.summary()
    model = fit.model
    fits: list[Any] = []

    def steps() -> dict[str, Callable[[], Any]]:
        return {
            "VaryingIntercept(...)": lambda: sh.VaryingIntercept(formula, data),
            "model.stan_data": lambda: model.stan_data,
            "model.sample()": lambda: fits.append(model.sample(seed=2)),
            "fit.posterior": lambda: fits.pop().posterior["alpha"],
            "fit.summary()": fit.summary,
            "fit.group_summary()": fit.group_summary,
            "fit.predict(data)": lambda: fit.predict(data),
        }

    for name, step in steps().items():
        found[name] = timed(step, repeats)
    before = _memory("VmRSS")
    _forget_peak()
    kept = [sh.VaryingIntercept(formula, data).sample(seed=i) for i in range(10)]
    for one in kept:
        _ = one.posterior
    found["a fit that is kept, group effects drawn"] = ("memory", "MB", [(_memory("VmRSS") - before) / len(kept)])
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "fit.nc"
        found["fit.save(...)"] = timed(lambda: fit.save(path), repeats)
        found["saved file"] = ("size", "MB", [path.stat().st_size / 1e6])
        found["load(...)"] = timed(lambda: sh.load(path), repeats)
    written(found, output)


if __name__ == "__main__":
    _main(Path(sys.argv[1]), int(sys.argv[2]))
