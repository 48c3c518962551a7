"""Try a file of a release as somebody would who has just heard of stanhier: a fresh environment, and a first sample."""

import os
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory

from scripts.wheels.tools import run

__all__ = ["try_out"]

FIRST = """
import sys
import stanhier as sh
if sh.__version__ != sys.argv[1]:
    sys.exit(f"it is version {sh.__version__}")
data = {"x": [1.0, 2, 3, 4, 5, 6, 7, 8], "y": [1.1, 1.9, 3.2, 3.9, 5.1, 6.2, 6.8, 8.1], "g": list("aabbccdd")}
fits = [sh.Model(formula, data).sample(seed=1, show_progress=False) for formula in ("y ~ x", "y ~ x + (1 | g)")]
if any(abs(float(fit.posterior["beta"].mean()) - 1) > 0.2 for fit in fits):
    sys.exit("the slope is wrong")
"""


def try_out(file: Path, version: str) -> str:
    """Install a file with all that it needs, and sample.

    Parameters
    ----------
    file : Path
        An sdist or a wheel. One with compiled programs has to do without compiler, make, CmdStan and cache; the others
        use those of this machine.
    version : str
        The version that it is to have.

    Returns
    -------
    str
        What was done, and how long it took.

    Raises
    ------
    RuntimeError
        If it cannot be installed, has another version, or does not sample.
    """
    with TemporaryDirectory() as work:
        folder = Path(work)
        python = folder / "environment" / "bin" / "python"
        started = time.monotonic()
        run(sys.executable, "-m", "venv", folder / "environment")
        run(python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", file)
        installed = time.monotonic()
        environment = _bare(folder) if _has_programs(file) else _ours()
        run(python, "-c", FIRST, version, folder=folder, environment=environment)
        alone = "without compiler, CmdStan and cache " if _has_programs(file) else ""
        return (
            f"installed in {installed - started:.0f} s, "
            f"first samples {alone}in {time.monotonic() - installed:.0f} s, imports and all"
        )


def _has_programs(file: Path) -> bool:
    return file.suffix == ".whl" and not file.stem.endswith("-none-any")


def _bare(folder: Path) -> dict[str, str]:
    """Give the environment variables of a machine on which there is nothing."""
    places = {name: folder / name for name in ("PATH", "HOME", "STANHIER_CACHE")}
    for name in ("PATH", "HOME"):
        places[name].mkdir()
    return {name: str(place) for name, place in places.items()}


def _ours() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
