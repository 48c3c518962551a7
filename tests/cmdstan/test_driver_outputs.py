"""What the driver writes beside draws, and what it refuses."""

import json
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest

from tests.tools.driver_tools import read_csv, run


def test_optimiser_says_whether_it_converged(programs: Path, tmp_path: Path) -> None:
    words = ["optimize", "data", f"file={programs / 'coin.json'}", "random", "seed=1", "init=1"]
    run(programs / "bernoulli", *words, folder=tmp_path)
    names, rows = read_csv(tmp_path / "output.csv")
    assert names == ["lp__", "converged__", "theta"]
    assert rows[-1, 1] > 0
    assert "# Optimization terminated normally" in (tmp_path / "output.csv").read_text()
    run(programs / "bernoulli", "optimize", "iter=1", *words[1:], folder=tmp_path)
    assert read_csv(tmp_path / "output.csv")[1][-1, 1] == 40, "the code for too few iterations"


@pytest.mark.parametrize("resampled", [True, False])
@pytest.mark.parametrize("program", ["bernoulli", "normal"])
def test_pathfinder_says_which_path_a_draw_is_from(
    programs: Path, tmp_path: Path, program: str, resampled: bool
) -> None:
    data = "coin" if program == "bernoulli" else "scale"
    words = ["pathfinder", "num_paths=3", "num_draws=40", "num_psis_draws=50", f"psis_resample={int(resampled)}"]
    words += ["save_single_paths=1", "id=4", "data", f"file={programs / f'{data}.json'}", "random", "seed=1"]
    run(programs / program, *words, folder=tmp_path)
    names, rows = read_csv(tmp_path / "output.csv")
    assert names[:3] == ["lp_approx__", "lp__", "path__"]
    assert len(rows) == (50 if resampled else 120)
    for path in (4, 5, 6):
        assert read_csv(tmp_path / f"output_path_{path}.csv")[0] == names
        draws = read_csv(tmp_path / f"output_path_{path}.csv")[1]
        assert draws.shape == (40, len(names))
        assert set(draws[:, 2]) == {path}
        ours = {tuple(row) for row in rows[rows[:, 2] == path]}
        assert ours <= {tuple(row) for row in draws}
        assert len(ours) == 40 or resampled
        assert json.loads((tmp_path / f"output_path_{path}.json").read_text())["0"]["iter"] == 0
    few = ["pathfinder", "num_paths=2", "num_draws=10", "num_psis_draws=50", *words[6:]]
    assert "num_psis_draws is larger" in run(programs / program, *few, folder=tmp_path)
    single = ["pathfinder", "num_paths=1", "num_draws=30", *words[6:]]
    run(programs / program, *single, folder=tmp_path)
    names, rows = read_csv(tmp_path / "output.csv")
    assert names[2] == "path__"
    assert set(rows[:, 2]) == {4}
    assert len(rows) == 30


def test_metric_and_config_are_saved(programs: Path, tmp_path: Path) -> None:
    words = ["sample", "num_chains=2", "adapt", "save_metric=1", "algorithm=hmc", "metric=dense_e"]
    words += ["data", f"file={programs / 'scale.json'}", "output", "file=fit.csv", "save_cmdstan_config=1"]
    run(programs / "normal", *words, folder=tmp_path)
    saved = json.loads((tmp_path / "fit_metric_2.json").read_text())
    assert saved["metric_type"] == "dense_e"
    assert np.shape(saved["inv_metric"]) == (3, 3)
    config = json.loads((tmp_path / "fit_config.json").read_text())
    assert config["method"]["sample"]["algorithm"]["hmc"]["metric"]["value"] == "dense_e"
    assert config["model_name"].endswith("_model")
    assert config["method"]["value"] == "sample"
    assert config["output"]["sig_figs"] == 8
    assert config["stan_minor_version"] == "39"
    assert config["mpi_enabled"] is False
    assert config["stanc_version"].startswith("stanc3 v2.39")
    assert "--filename-in-msg=normal.stan" in config["stancflags"]


def test_wrong_metric_is_refused(programs: Path, tmp_path: Path) -> None:
    (tmp_path / "metric.json").write_text('{"inv_metric": [1, 2]}')
    words = ["sample", "algorithm=hmc", "metric_file=metric.json", "data", f"file={programs / 'scale.json'}"]
    assert "Cannot get inverse" in run(programs / "normal", *words, folder=tmp_path, code=1)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["sample", "num_sample=5"], 'num_sample=5 is either mistyped or misplaced.\n  Did you mean "num_samples"?'),
        (["sample", "id=1", "num_warmup=5"], '"num_warmup" is allowed after "method=sample"'),
        (["id=1", "id=2"], '"id" was given before'),
        (["sample", "num_samples"], '"num_samples" needs a value'),
        (["sample", "adapt", "delta=2"], '2 is not a valid value for "delta"\n  Accepted: a number > 0 and < 1.'),
        (["sample", "num_samples=1.5"], '1.5 is not a valid value for "num_samples"'),
        (["optimize", "algorithm=hmc"], "Accepted: bfgs | lbfgs | newton."),
        (["random", "seed=4294967296"], '4294967296 is not a valid value for "seed"'),
        (["sample", "adapt", "engaged=0", "save_metric=1", "data", "file=coin.json"], "needs adaptation"),
        (["num_threads=2"], "compiled without STAN_THREADS"),
        (["laplace", "data", "file=coin.json"], "needs a mode"),
        (["generate_quantities", "data", "file=coin.json"], "needs draws: fitted_params="),
        (["log_prob", "data", "file=coin.json"], "needs constrained_params="),
        (["data", "file=missing.json"], 'Cannot read "missing.json": No such file'),
        (["data", "file=broken.json"], 'Cannot read "broken.json"'),
        (["sample"], "variable does not exist"),
        (["data", "file=coin.json", "output", "file=no/such/folder.csv"], "Cannot write"),
        (["data", "file=coin.json", "output", "file=/dev/full"], "No space left on device"),
        (
            ["data", "file=coin.json", "method=generate_quantities", "fitted_params=other.csv"],
            'no column "theta", a parameter of this model',
        ),
    ],
)
def test_errors(programs: Path, tmp_path: Path, words: list[str], message: str) -> None:
    shutil.copy(programs / "coin.json", tmp_path)
    (tmp_path / "broken.json").write_text('{"N": 10, "y": [')
    (tmp_path / "other.csv").write_text("mu\n1\n2\n")
    assert message in run(programs / "bernoulli", *words, folder=tmp_path, code=1)


def test_help(programs: Path, tmp_path: Path) -> None:
    assert "Usage:" in run(programs / "bernoulli", folder=tmp_path, code=1)
    assert "max_depth=<a whole number >= 1" in run(programs / "bernoulli", "help-all", folder=tmp_path)
    text = run(programs / "bernoulli", "pathfinder", "help", folder=tmp_path)
    assert "num_paths" in text
    assert "num_warmup" not in text


def test_a_killed_run_ends_at_once(programs: Path, tmp_path: Path) -> None:
    words = ["sample", "num_samples=100000000", "data", f"file={programs / 'coin.json'}"]
    process = subprocess.Popen([programs / "bernoulli", *words], cwd=tmp_path, stdout=subprocess.DEVNULL)
    process.terminate()
    assert process.wait(timeout=60) == -15


def test_what_cannot_be_compiled(cmdstan_home: Path, tmp_path: Path) -> None:
    """What the makefile says of a program that stanc refuses, and of undefined functions without their header."""
    (tmp_path / "wrong.stan").write_text("parameters { real x } model { }")
    build = ["make", "STANCFLAGS+=--filename-in-msg=wrong.stan", str(tmp_path / "wrong")]
    done = subprocess.run(build, cwd=cmdstan_home, capture_output=True, text=True, check=False)
    assert done.returncode != 0
    assert "Syntax error in 'wrong.stan'" in done.stdout + done.stderr
    (tmp_path / "out.stan").write_text(
        "functions { real f(real x); } parameters { real x; } model { x ~ normal(f(x), 1); }"
    )
    build = ["make", "STANCFLAGS+=--allow-undefined", str(tmp_path / "out")]
    done = subprocess.run(build, cwd=cmdstan_home, capture_output=True, text=True, check=False)
    assert done.returncode != 0
    assert "user_header.hpp that defines them" in done.stdout + done.stderr
    assert sorted(path.name for path in tmp_path.iterdir()) == ["out.stan", "wrong.stan"]
