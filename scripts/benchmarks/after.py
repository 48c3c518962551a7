"""What follows from a fit where rows and groups are many: predictions, groups, averages, checks.

`python -m scripts.benchmarks.after REPORT REPEATS` measures in one process; `after` runs it.
"""

import sys
import tempfile
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from scripts.benchmarks.records import Measurement
from scripts.benchmarks.scaling import _forget_peak, _memory
from scripts.benchmarks.steps import Found, in_process, timed, written

__all__ = ["after"]

CASE = "4,000 draws"
ROWS, GROUPS, FEW_GROUPS, POOLED = 100_000, 20_000, 85, 429
LABELLED, LEFT_OUT = 5_000, 10_000


def after(*, repeats: int, limit: float) -> list[Measurement]:
    """Measure what follows from fits of many rows, and of many groups."""
    measured = in_process("after", CASE, repeats=repeats, limit=limit)
    for m in measured:
        print(f"  {m.subject} {m.median:.4g} {m.unit} {m.note}", flush=True)
    return measured


def rows(n: int, groups: int) -> pd.DataFrame:
    """Make up n rows of two predictors and a factor in groups; the groups' slopes of x vary."""
    rng = np.random.default_rng([n, groups])
    codes = rng.integers(groups, size=n)
    codes[:groups] = np.arange(groups)
    data = pd.DataFrame({"x": rng.standard_normal(n), "z": rng.standard_normal(n), "group": codes})
    data["k"] = np.array(["a", "b", "c"])[rng.integers(3, size=n)]
    effects = rng.standard_normal((groups, 2)) * (0.5, 0.3)
    data["y"] = 0.5 * data["x"] + effects[codes, 0] + effects[codes, 1] * data["x"] + rng.standard_normal(n)
    data["yes"] = rng.uniform(size=n) < 1 / (1 + np.exp(-data["y"]))
    return data


def _main(report: Path, repeats: int) -> None:
    warnings.simplefilter("ignore")
    import matplotlib as mpl

    import stanhier as sh

    mpl.use("Agg")
    found: Found = {}

    def measure(name: str, step: Any) -> None:
        found[name] = timed(step, repeats)
        written(found, report)

    def measure_memory(name: str, step: Any) -> None:
        before = _memory("VmRSS")
        _forget_peak()
        step()
        found[f"{name}, peak beside what there was"] = ("memory", "MB", [_memory("VmHWM") - before])
        written(found, report)

    new = rows(ROWS, FEW_GROUPS)
    fit = sh.Model("y ~ x + z + k + (1 + x | group)", new.iloc[:5_000]).sample(seed=1)
    _ = fit.summary()
    measure("fit.predict(new), 100,000 rows in 85 groups", lambda: fit.predict(new))
    measure('fit.predict(new, kind="response"), 100,000 rows', lambda: fit.predict(new, kind="response"))
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder)
        new.to_parquet(path / "new.parquet")
        measure(
            'fit.predict("new.parquet", to=...), 100,000 rows',
            lambda: fit.predict(path / "new.parquet", to=path / "found.parquet"),
        )
    yes = sh.Model("yes ~ x + z + k + (1 | group)", new.iloc[:5_000], family="bernoulli").sample(seed=1)
    measure('fit.comparisons("k", new=new), bernoulli, 100,000 rows', lambda: yes.comparisons("k", new=new))
    measure("fit.check(), 5,000 rows", fit.check)
    many = sh.VaryingIntercept("y ~ x + (1 | group)", rows(ROWS, GROUPS)).sample(seed=1)
    measure("fit.group_summary(), 20,000 groups", many.group_summary)
    measure("fit.group_ranks(), 20,000 groups", many.group_ranks)
    measure("fit.plot_forest(), 20,000 groups", lambda: _closed(many.plot_forest()))
    some = sh.VaryingIntercept("y ~ x + (1 | group)", rows(ROWS, LABELLED)).sample(seed=1)
    measure_memory("fit.posterior, 5,000 groups", lambda: some.posterior.load())
    # Rows are taken some hundred at a time, so that a million take no more.
    few = sh.VaryingIntercept("y ~ x + (1 | group)", rows(LEFT_OUT, FEW_GROUPS)).sample(seed=1)
    measure("fit.loo(), 10,000 rows", few.loo)
    measure_memory("fit.loo(), 10,000 rows", few.loo)
    pooled = rows(10 * POOLED, POOLED)
    measure("sh.pooling(...), 429 groups", lambda: sh.pooling("y ~ x + (1 | group)", pooled, seed=1))


def _closed(panels: Any) -> None:
    import matplotlib.pyplot as plt

    plt.close(panels.figure)


if __name__ == "__main__":
    _main(Path(sys.argv[1]), int(sys.argv[2]))
