"""Environments with a wheel, and what is run in them."""

import subprocess
import sys
import venv
from pathlib import Path

# Every program, every way of running one, workers, files.
ALONE = """
import json, os, tempfile, warnings
import numpy as np
import stanhier as sh
from stanhier.stan.program import Program
from stanhier.stan.program_text import shipped_programs

if __name__ == "__main__":
    warnings.simplefilter("ignore", sh.SamplingWarning)
    rng = np.random.default_rng(1)
    g, x = np.repeat(np.arange(8), 12), rng.normal(size=96)
    y = 1 + 2 * x + rng.normal(size=8)[g] + rng.normal(size=96)
    data = {"y": y, "n": rng.poisson(np.exp(0.2 * x + 1)), "x": x, "g": g, "half": g // 4}
    few = {"chains": 2, "iter_warmup": 300, "iter_sampling": 200, "seed": 1}
    short = {**few, "show_progress": False}
    models = {
        "linear_regression": sh.Model("y ~ x", data),
        "varying_intercept": sh.VaryingIntercept("y ~ x + (1 | g)", data),
        "multilevel": sh.Model("y ~ x + (1 + x | g)", data),
        "explicit_effects": sh.Model("n ~ x + (1 | g)", data, family="poisson"),
    }
    assert {name: model.engine.program for name, model in models.items()} == dict(zip(models, models))
    said = {"exes": {name: str(Program(name).exe()) for name in shipped_programs()}}
    fits = {name: model.sample(**short) for name, model in models.items()}
    said["slopes"] = {name: float(fit.posterior["beta"].mean()) for name, fit in fits.items()}
    first = models["linear_regression"]
    first.sample(**short, sig_figs=12)
    said["mode"] = float(first.optimize().estimates["beta[x]"])
    for method, more in (("laplace", {}), ("pathfinder", {}), ("variational", {"require_converged": False})):
        said[method] = float(getattr(first, method)(seed=1, **more).posterior["beta"].mean())
    many = sh.fit_many("y ~ x", data, by="half", progress=False, **few)
    said["many"] = sorted(many.names), dict(many.failures)
    said["sbc"] = len(sh.sbc(first, n=20, seed=1, iter_warmup=200).ranks)
    fits["varying_intercept"].save("fit.nc")
    said["loaded"] = float(sh.load("fit.nc").posterior["beta"].mean())
    try:
        first.sample(engine="textbook", **short)
    except sh.StanhierError as err:
        said["textbook"] = str(err)
    said["CMDSTAN"] = os.environ.get("CMDSTAN")
    print(json.dumps(said))
"""


EXES = """
import json
import stanhier as sh
from stanhier.stan.program import Program
from stanhier.stan.program_text import shipped_programs
found = {}
for name in shipped_programs():
    try:
        found[name] = str(Program(name).exe())
    except sh.StanhierError as err:
        found[name] = str(err)
print(json.dumps(found))
"""


def environment_with(wheel: Path, folder: Path) -> Path:
    """Make an environment that has the wheel, and of this one only what the wheel depends on; give its Python."""
    venv.create(folder, with_pip=False, symlinks=True)
    python = folder / "bin" / "python"
    pip = [sys.executable, "-m", "pip", "--python", str(python), "--disable-pip-version-check", "install"]
    subprocess.run([*pip, "--quiet", "--no-deps", "--no-index", "--no-compile", str(wheel)], check=True)
    # lines of a .pth file add folders, but do not run the .pth files in them: no editable stanhier comes along
    dependencies = {str(Path(path)) for path in sys.path if path.endswith("site-packages")}
    site = next(folder.glob("lib/python*/site-packages"))
    (site / "dependencies.pth").write_text("\n".join(sorted(dependencies)) + "\n")
    return python


def run(python: Path, code: str, environment: dict[str, str], folder: Path) -> subprocess.CompletedProcess[str]:
    script = folder / "script.py"
    script.write_text(code)
    return subprocess.run(
        [python, script], cwd=folder, env=environment, capture_output=True, text=True, timeout=300, check=False
    )
