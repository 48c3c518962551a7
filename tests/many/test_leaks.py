"""Many fits in one process leave memory, files, threads and processes where they were.

As a script, `python tests/many/test_leaks.py 1000` prints what a thousand fits leave.
"""

import gc
import json
import os
import subprocess
import sys
import tempfile
import threading
import tracemalloc
import warnings
from pathlib import Path

import pytest

import stanhier as sh
from tests.tools import variants

pytestmark = pytest.mark.alone

WARM = 20
KILOBYTES_PER_FIT = 5
"""Growth of what Python and numpy hold: a fraction of the draws of one of these fits (about 100)."""
MEGABYTES = 60
"""Growth of the whole process: the system gets memory back in pieces, so that this goes up and down by 30."""


def held():
    """What this process holds: memory of Python and numpy, memory in all, files, threads, processes."""
    import psutil

    gc.collect()
    now, _ = tracemalloc.get_traced_memory()
    process = psutil.Process()
    temporary = [str(path) for path in Path(tempfile.gettempdir()).rglob("*")]
    return {
        "kilobytes": now / 1e3,
        "megabytes": process.memory_full_info().uss / 1e6,
        "files": process.num_fds(),
        "threads": threading.active_count(),
        "processes": len(process.children(recursive=True)),
        "temporary": sorted(temporary),
    }


def fit_once(k, folder):
    build = variants.VARYING["default"] if k % 2 else variants.LINEAR["default"]
    fit = build().sample(chains=2, iter_warmup=150, iter_sampling=500, seed=k, show_progress=False)
    fit.diagnose()
    fit.predict(variants.frame()[:5])
    if k % 10 == 0:
        fit.save(folder / "fit.nc")
        fit = sh.load(folder / "fit.nc")
        fit.summary()
    if k % 10 == 5:
        build().laplace(seed=k)
        with pytest.raises(sh.SamplingError):
            build().sample(chains=1, seed=k, inits=1e200, show_progress=False)
    return fit.draws.values["sigma"].nbytes


def main(n):
    warnings.simplefilter("ignore", sh.SamplingWarning)
    tracemalloc.start()
    with tempfile.TemporaryDirectory() as folder:
        for k in range(n):
            fit_once(k, Path(folder))
            if k + 1 in (WARM, n):
                print(json.dumps({"fits": k + 1, **held()}), flush=True)  # noqa: T201
            elif (k + 1) % 100 == 0:
                print(k + 1, held(), file=sys.stderr, flush=True)  # noqa: T201


@pytest.mark.slow
def test_many_fits_leave_nothing(cmdstan_home, tmp_path):
    environment = {**os.environ, "TMPDIR": str(tmp_path)}
    done = subprocess.run(
        [sys.executable, "-m", "tests.many.test_leaks", "60"],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        cwd=Path(__file__).resolve().parents[2],
    )
    assert done.returncode == 0, done.stderr
    early, late = (json.loads(line) for line in done.stdout.splitlines())
    for name in ("files", "threads", "processes", "temporary"):
        assert late[name] == early[name], name
    assert (late["kilobytes"] - early["kilobytes"]) / (late["fits"] - early["fits"]) < KILOBYTES_PER_FIT
    assert late["megabytes"] - early["megabytes"] < MEGABYTES
    assert list(tmp_path.iterdir()) == []


if __name__ == "__main__":
    main(int(sys.argv[1]))
