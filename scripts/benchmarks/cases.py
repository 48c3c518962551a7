"""The data sets and the model on each: what every peer fits.

Priors are of few kinds, so that every peer can have the same: normal(mean, sd) on intercept and slopes,
half-Cauchy on the scales; LKJ(1) on correlations; gamma on degrees of freedom. They apply to the parameters as
written: the intercept at x = 0.
"""

from collections.abc import Callable

import numpy as np
import pandas as pd

from scripts.benchmarks.case import ROOT, Case, MissingDataError
from scripts.benchmarks.families import FAMILIES
from scripts.benchmarks.slopes import insteval, pastes, penicillin, several_slopes, with_slope

__all__ = ["CASES", "build", "simulated"]

SHARED = ROOT.parent / "shared" / "data"
EIGHT_SCHOOLS = ([28.0, 8.0, -3.0, 7.0, -1.0, 1.0, 18.0, 12.0], [15.0, 10.0, 16.0, 11.0, 9.0, 11.0, 10.0, 18.0])


def build(name: str) -> Case:
    """Read or simulate a data set.

    Raises
    ------
    MissingDataError
        If its file is not on this machine.
    """
    return CASES[name]()


def _linear() -> Case:
    np.random.seed(42)  # noqa: NPY002  the data of examples/linear_regression.py
    x = np.random.randn(100)  # noqa: NPY002
    y = 2 * x + np.random.randn(100)  # noqa: NPY002
    return Case("linear regression, simulated", pd.DataFrame({"x": x, "y": y}), "y", ("x",), sigma=5.0)


def _grouped() -> Case:
    np.random.seed(10)  # noqa: NPY002  the data of examples/grouped_data.py
    rows = []
    for group, size in enumerate(np.random.randint(10, 20, size=5)):  # noqa: NPY002
        a = np.random.rand() * 5  # noqa: NPY002
        rows.append(pd.DataFrame({"group": f"group {group + 1}", "y": a + np.random.randn(size)}))  # noqa: NPY002
    table = pd.concat(rows, ignore_index=True)
    return Case("five groups, simulated, sigma known", table, "y", group="group", sigma_alpha=5.0, known_sigma=1.0)


def _sleepstudy() -> Case:
    path = ROOT / "stanhier" / "datasets" / "sleepstudy.csv"
    table = pd.read_csv(path, comment="#").astype({"subject": str})
    return Case(
        "sleep study",
        table,
        "reaction",
        ("days",),
        "subject",
        intercept=(250.0, 100.0),
        beta=(0.0, 50.0),
        sigma_alpha=50.0,
        sigma=50.0,
    )


def _eight_schools() -> Case:
    effect, se = EIGHT_SCHOOLS
    table = pd.DataFrame({"effect": effect, "se": se, "school": list("ABCDEFGH")})
    return Case("eight schools", table, "effect", group="school", intercept=(0.0, 5.0), sigma_alpha=5.0, se="se")


def _radon(file: str, title: str) -> Case:
    path = SHARED / file
    if not path.exists():
        raise MissingDataError(f"{path.name} is not on this machine")
    table = pd.read_csv(path)
    return Case(
        title, table, "log_radon", ("floor_measure", "log_uppm"), "county", beta=(0.0, 10.0), sigma_alpha=5.0, sigma=5.0
    )


def simulated(n: int, groups: int, k: int = 5) -> Case:
    """Make up n rows of k predictors in groups, each of which has a row."""
    rng = np.random.default_rng(n)
    codes = rng.integers(groups, size=n)
    codes[:groups] = np.arange(groups)  # every group has a row
    X = rng.standard_normal((n, k))
    beta = np.linspace(-1, 1, k)
    y = 1 + 0.7 * rng.standard_normal(groups)[codes] + X @ beta + 1.5 * rng.standard_normal(n)
    table = pd.DataFrame({f"x{i + 1}": X[:, i] for i in range(k)})
    table["group"] = np.array([f"g{j:06d}" for j in range(groups)])[codes]
    table["y"] = y
    predictors = tuple(f"x{i + 1}" for i in range(k))
    return Case("simulated", table, "y", predictors, "group", sigma_alpha=5.0, sigma=5.0)


CASES: dict[str, Callable[[], Case]] = {
    "linear": _linear,
    "grouped": _grouped,
    "sleepstudy": _sleepstudy,
    "eight_schools": _eight_schools,
    "radon_mn": lambda: _radon("radon_mn.csv", "radon, Minnesota"),
    "radon_all": lambda: _radon("radon_all.csv", "radon, all states"),
    "sim_100k": lambda: simulated(100_000, 1_000),
    "sim_1m": lambda: simulated(1_000_000, 5_000),
    "sleepstudy_slopes": lambda: with_slope(_sleepstudy(), "days", (50.0, 20.0)),
    "radon_mn_slopes": lambda: with_slope(_radon("radon_mn.csv", "radon, Minnesota"), "floor_measure", (5.0, 5.0)),
    "three_effects": several_slopes,
    "penicillin": penicillin,
    "pastes": pastes,
    "insteval": insteval,
    **FAMILIES,
}
