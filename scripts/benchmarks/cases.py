"""The data sets and the model on each: what every peer fits.

Priors are of two kinds only, so that every peer can have the same: normal(mean, sd) on intercept and slopes,
half-Cauchy on the scales. They apply to the parameters as written: the intercept at x = 0.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import pandas as pd

__all__ = ["CASES", "Case", "MissingDataError", "build", "simulated"]

ROOT = Path(__file__).resolve().parents[2]
SHARED = ROOT.parent / "shared" / "data"
EIGHT_SCHOOLS = ([28.0, 8.0, -3.0, 7.0, -1.0, 1.0, 18.0, 12.0], [15.0, 10.0, 16.0, 11.0, 9.0, 11.0, 10.0, 18.0])


class MissingDataError(Exception):
    """The data are not on this machine."""


@dataclass(frozen=True)
class Case:
    """Data, and the model that is fitted to them.

    Attributes
    ----------
    title : str
    table : pandas.DataFrame
    response : str
    predictors : tuple of str
    group : str or None
    intercept, beta : tuple of float
        Mean and standard deviation of their normal priors; `beta` for every slope.
    sigma_alpha, sigma : float or None
        Scale of their half-Cauchy priors; `sigma` is None where the residual standard deviation is known.
    se : str or None
        Column of the known standard error of each row.
    known_sigma : float or None
    """

    title: str
    table: pd.DataFrame
    response: str
    predictors: tuple[str, ...] = ()
    group: str | None = None
    intercept: tuple[float, float] = (0.0, 10.0)
    beta: tuple[float, float] = (0.0, 10.0)
    sigma_alpha: float | None = None
    sigma: float | None = None
    se: str | None = None
    known_sigma: float | None = None

    @property
    def formula(self) -> str:
        """The model in lme4's notation."""
        terms = list(self.predictors) or ["1"]
        return f"{self.response} ~ {' + '.join([*terms, *([f'(1 | {self.group})'] if self.group else [])])}"

    @cached_property
    def X(self) -> np.ndarray:  # noqa: N802
        """Predictors, shape (N, K), no intercept column."""
        return np.ascontiguousarray(self.table[list(self.predictors)].to_numpy(dtype=float))

    @cached_property
    def y(self) -> np.ndarray:
        """Response, shape (N,)."""
        return self.table[self.response].to_numpy(dtype=float)

    @cached_property
    def _factorised(self) -> tuple[np.ndarray, np.ndarray]:
        levels, codes = np.unique(self.table[self.group].to_numpy(), return_inverse=True)
        return levels, codes

    @property
    def levels(self) -> np.ndarray:
        """The groups' labels, sorted."""
        return self._factorised[0]

    @property
    def codes(self) -> np.ndarray:
        """The group of each row, 0 to J - 1."""
        return self._factorised[1]

    @property
    def known_se(self) -> np.ndarray | None:
        """Known standard deviation of each row; None where sigma is estimated."""
        if self.se is not None:
            return self.table[self.se].to_numpy(dtype=float)
        return None if self.known_sigma is None else np.full(len(self.table), self.known_sigma)


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
    path = ROOT / "examples" / "data" / "sleepstudy.csv"
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
}
