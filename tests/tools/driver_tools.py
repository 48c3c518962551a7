"""What the tests of the driver share: two compiled programs, running them by hand, reading what they wrote."""

import json
import os
import shutil
import subprocess
from pathlib import Path

import cmdstanpy
import numpy as np
import pytest
from filelock import FileLock

__all__ = ["COIN", "SCALE", "make_programs", "read_csv", "run"]

COIN = {"N": 10, "y": [0, 1, 0, 0, 0, 0, 0, 0, 0, 1]}
SCALE = {"scale": 0.5}


def make_programs(home: Path, factory: pytest.TempPathFactory) -> Path:
    """A folder, with a space and accents in its name, with the programs of ``programs/`` and their data.

    It is made once, and shared by all processes that run tests.
    """
    base = factory.getbasetemp()
    base = base.parent if "PYTEST_XDIST_WORKER" in os.environ else base
    folder = base / "mes modèles"
    with FileLock(base / "programs.lock"):
        if not folder.exists():
            work = base / "modèles en cours"
            work.mkdir(exist_ok=True)
            _fill(work, home)
            work.rename(folder)
    return folder


def _fill(folder: Path, home: Path) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CMDSTAN", str(home))
        for name, options in (("bernoulli", {}), ("normal", {"STAN_THREADS": True})):
            shutil.copy(Path(__file__).resolve().parents[1] / "programs" / f"{name}.stan", folder)
            cmdstanpy.CmdStanModel(stan_file=str(folder / f"{name}.stan"), cpp_options=options)
    (folder / "coin.json").write_text(json.dumps(COIN))
    (folder / "scale.json").write_text(json.dumps(SCALE))


def run(program: Path, *words: str, folder: Path | None = None, code: int = 0) -> str:
    """Run a program; check its exit code; return stdout and stderr."""
    done = subprocess.run([program, *words], cwd=folder, capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode == code, done.stdout + done.stderr
    return done.stdout + done.stderr


def read_csv(path: Path) -> tuple[list[str], np.ndarray]:
    """Names and rows of a Stan CSV file."""
    lines = [line for line in path.read_text(encoding="utf-8").splitlines() if not line.startswith("#")]
    return lines[0].split(","), np.array([[float(x) for x in line.split(",")] for line in lines[1:]])
