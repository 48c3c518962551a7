"""The programs that a home makes, through an unmodified CmdStanPy and by hand."""

import json
import logging
import shutil
import subprocess
from pathlib import Path

import cmdstanpy
import numpy as np
import pytest

from tests.tools.driver_tools import COIN, SCALE, make_programs, read_csv, run

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module", autouse=True)
def quiet() -> None:
    logging.getLogger("cmdstanpy").setLevel(logging.ERROR)


@pytest.fixture(scope="module")
def programs(cmdstan_home: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_programs(cmdstan_home, tmp_path_factory)


@pytest.fixture
def coin(programs: Path, cmdstan_home: Path, monkeypatch: pytest.MonkeyPatch) -> cmdstanpy.CmdStanModel:
    monkeypatch.setenv("CMDSTAN", str(cmdstan_home))
    return cmdstanpy.CmdStanModel(exe_file=str(programs / "bernoulli"))


@pytest.fixture
def normal(programs: Path, cmdstan_home: Path, monkeypatch: pytest.MonkeyPatch) -> cmdstanpy.CmdStanModel:
    monkeypatch.setenv("CMDSTAN", str(cmdstan_home))
    monkeypatch.setenv("STAN_NUM_THREADS", "2")
    return cmdstanpy.CmdStanModel(exe_file=str(programs / "normal"))


def test_info(coin: cmdstanpy.CmdStanModel, normal: cmdstanpy.CmdStanModel) -> None:
    assert coin.exe_info()["STAN_THREADS"] == "false"
    assert normal.exe_info()["STAN_THREADS"] == "true"
    assert [normal.exe_info()[f"stan_version_{part}"] for part in ("major", "minor", "patch")] == ["2", "39", "0"]


@pytest.mark.parametrize("metric", ["diag_e", "dense_e", "unit_e"])
def test_sample(normal: cmdstanpy.CmdStanModel, metric: str) -> None:
    fit = normal.sample(SCALE, seed=7, chains=2, metric=metric, show_progress=False)
    assert fit.metric_type == metric
    assert fit.draws().shape == (1000, 2, 12)
    np.testing.assert_allclose(fit.stan_variable("x").mean(), 0, atol=0.15)
    np.testing.assert_allclose(fit.stan_variable("y").std(axis=0), np.sqrt(1.25), rtol=0.1)
    np.testing.assert_allclose(fit.stan_variable("sum_y"), fit.stan_variable("y").sum(axis=1), atol=2e-5)
    if metric == "dense_e":
        assert fit.metric is not None
        assert fit.metric.shape == (2, 3, 3)


def test_chains_in_one_process_equal_processes(normal: cmdstanpy.CmdStanModel) -> None:
    together = normal.sample(SCALE, seed=7, chains=3, show_progress=False, force_one_process_per_chain=False)
    apart = normal.sample(SCALE, seed=7, chains=3, show_progress=False, force_one_process_per_chain=True)
    np.testing.assert_array_equal(together.draws(), apart.draws())
    assert not np.array_equal(together.draws()[:, 0], together.draws()[:, 1])


def test_sample_without_adaptation_and_with_everything_saved(coin: cmdstanpy.CmdStanModel, tmp_path: Path) -> None:
    fit = coin.sample(
        COIN,
        seed=3,
        chains=1,
        adapt_engaged=False,
        iter_warmup=20,
        iter_sampling=30,
        thin=2,
        save_warmup=True,
        step_size=0.4,
        save_diagnostics=True,
        save_profile=True,
        sig_figs=12,
        output_dir=tmp_path,
        show_progress=False,
    )
    assert fit.draws(inc_warmup=True).shape == (25, 1, 8)
    assert fit.step_size is not None
    assert fit.step_size[0] == pytest.approx(0.4)
    names, rows = read_csv(Path(fit.runset.diagnostic_files[0]))
    assert names[-3:] == ["theta", "p_theta", "g_theta"]
    assert rows.shape == (25, 10)
    profile = Path(fit.runset.profile_files[0]).read_text()
    assert profile.startswith("name,thread_id,total_time,forward_time,reverse_time,")
    assert "\nlikelihood," in profile
    _, rows = read_csv(Path(fit.runset.csv_files[0]))
    assert len(str(rows[5, -1])) >= 11


def test_fixed_param(normal: cmdstanpy.CmdStanModel) -> None:
    fit = normal.sample(
        SCALE, seed=1, chains=2, fixed_param=True, show_progress=False, force_one_process_per_chain=True
    )
    assert np.ptp(fit.stan_variable("x")[:1000]) == 0
    np.testing.assert_allclose(fit.stan_variable("y_rep")[:1000].std(), 0.5, rtol=0.1)


def test_methods(normal: cmdstanpy.CmdStanModel) -> None:
    for algorithm in ("LBFGS", "BFGS", "Newton"):
        mode = normal.optimize(SCALE, seed=1, algorithm=algorithm)
        assert mode.optimized_params_dict["x"] == pytest.approx(0, abs=1e-3)
    mode = normal.optimize(SCALE, seed=1, jacobian=True, save_iterations=True)
    assert mode.optimized_iterations_np is not None
    assert len(mode.optimized_iterations_np) > 1
    laplace = normal.laplace_sample(SCALE, mode=mode, seed=1, draws=4000)
    np.testing.assert_allclose(laplace.stan_variable("y").std(axis=0), np.sqrt(1.25), rtol=0.1)
    for paths in (1, 4):
        path = normal.pathfinder(SCALE, seed=1, num_paths=paths, draws=500)
        np.testing.assert_allclose(path.stan_variable("x").mean(), 0, atol=0.2)
    for algorithm in ("meanfield", "fullrank"):
        normal.variational(SCALE, seed=1, algorithm=algorithm, require_converged=False, draws=50)


def test_generated_quantities(normal: cmdstanpy.CmdStanModel) -> None:
    fit = normal.sample(SCALE, seed=7, chains=2, sig_figs=17, show_progress=False)
    again = normal.generate_quantities(SCALE, previous_fit=fit, seed=1, sig_figs=17)
    assert again.draws().shape == (1000, 2, 2)
    np.testing.assert_array_equal(again.stan_variable("sum_y"), fit.stan_variable("sum_y"))
    assert not np.array_equal(again.stan_variable("y_rep"), fit.stan_variable("y_rep"))


def test_log_prob_and_diagnose(normal: cmdstanpy.CmdStanModel) -> None:
    point = {"x": 0.3, "y": [1.0, -0.5]}
    value = normal.log_prob(point, SCALE, sig_figs=17)
    assert list(value.columns) == ["lp__", "g_x", "g_y.1", "g_y.2"]
    gradient = [-0.3 + (0.7 - 0.8) / 0.25, -0.7 / 0.25, 0.8 / 0.25]
    expected = -0.5 * 0.3**2 - 0.5 * (0.7**2 + 0.8**2) / 0.25
    np.testing.assert_allclose(value.iloc[0], [expected, *gradient], rtol=1e-12)
    table = normal.diagnose(inits=point, data=SCALE)
    np.testing.assert_allclose(table["model"], gradient, rtol=1e-5)
    assert table["error"].abs().max() < 1e-6


def test_inits_and_metrics_by_chain(programs: Path, tmp_path: Path) -> None:
    """Numbered files are found from the first chain's number on; the unnumbered file need not exist."""
    for chain, x in ((5, 3.0), (6, -3.0)):
        (tmp_path / f"init_{chain}.json").write_text(json.dumps({"x": x, "y": [x, x]}))
        (tmp_path / f"metric_{chain}.json").write_text(json.dumps({"inv_metric": [chain, 1, 1]}))
    words = ["id=5", "data", f"file={programs / 'scale.json'}", "random", "seed=1", "init=init.json"]
    words += ["method=sample", "num_chains=2", "num_warmup=0", "num_samples=1", "adapt", "engaged=0", "algorithm=hmc"]
    words += ["stepsize=1e-6", "metric_file=metric.json"]
    run(programs / "normal", *words, folder=tmp_path)
    for chain, x in ((5, 3.0), (6, -3.0)):
        names, rows = read_csv(tmp_path / f"output_{chain}.csv")
        assert rows[0, names.index("x")] == pytest.approx(x, abs=0.05)
        assert f"# {chain}, 1, 1\n" in (tmp_path / f"output_{chain}.csv").read_text()
    (tmp_path / "init_6.json").unlink()
    assert 'Cannot read "init_6.json"' in run(programs / "normal", *words, folder=tmp_path, code=1)


def test_files_named_one_per_chain(programs: Path, tmp_path: Path) -> None:
    """A list with commas names the file of each chain, as it stands."""
    for name, x in (("low", -3.0), ("high", 3.0)):
        (tmp_path / f"{name}.json").write_text(json.dumps({"x": x, "y": [x, x]}))
    data = ["id=5", "data", f"file={programs / 'scale.json'}", "random", "seed=1"]
    output = ["output", "file=a.csv,b.csv", "diagnostic_file=c.csv,d.csv", "save_cmdstan_config=1", "method=sample"]
    numbers = ["num_chains=2", "num_warmup=20", "num_samples=3", "adapt", "save_metric=1", "algorithm=hmc"]
    run(programs / "normal", *data, "init=high.json,low.json", *output, *numbers, "stepsize=1e-9", folder=tmp_path)
    expected = {"a.csv", "b.csv", "c.csv", "d.csv", "a_metric.json", "b_metric.json", "a_config.json"}
    assert {path.name for path in tmp_path.iterdir()} == expected | {"low.json", "high.json"}
    run(
        programs / "normal",
        *data,
        "method=generate_quantities",
        "num_chains=2",
        "fitted_params=b.csv,a.csv",
        "output",
        "file=e.csv,f.csv",
        folder=tmp_path,
    )
    for sample, quantities in (("b", "e"), ("a", "f")):
        names, rows = read_csv(tmp_path / f"{sample}.csv")
        again, values = read_csv(tmp_path / f"{quantities}.csv")
        sums = rows[:, [names.index("y.1"), names.index("y.2")]].sum(axis=1)
        np.testing.assert_allclose(values[:, again.index("sum_y")], sums, rtol=1e-7)
    three = ["sample", "num_chains=3", *data, "output", "file=a.csv,b.csv"]
    assert "names 2 files for 3 chains" in run(programs / "normal", *three, folder=tmp_path, code=1)
    one = ["sample", "num_samples=1", *data, "output", "file=with,comma.csv"]
    run(programs / "normal", *one, folder=tmp_path)
    assert (tmp_path / "with,comma.csv").is_file()


def test_numbers_have_eight_digits_unless_told_otherwise(programs: Path, tmp_path: Path) -> None:
    (tmp_path / "point.json").write_text('{"theta": 0.3}')
    words = ["log_prob", "constrained_params=point.json", "jacobian=0", "data", f"file={programs / 'coin.json'}"]
    for figures, digits in (([], 8), (["sig_figs=-1"], 6), (["sig_figs=15"], 15)):
        run(programs / "bernoulli", *words, "output", "file=out.csv", *figures, folder=tmp_path)
        last = (tmp_path / "out.csv").read_text().splitlines()[-1]
        assert len(last.split(",")[0].strip("-").replace(".", "")) == digits, last


def test_a_program_without_parameters_is_sampled_as_asked(
    cmdstan_home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CMDSTAN", str(cmdstan_home))
    (tmp_path / "dice.stan").write_text("generated quantities { real u = uniform_rng(0, 1); }")
    dice = cmdstanpy.CmdStanModel(stan_file=str(tmp_path / "dice.stan"))
    fit = dice.sample(seed=1, chains=2, iter_sampling=2000, show_progress=False)
    assert fit.metric_type == "diag_e"
    assert "lp__" in fit.column_names
    assert "treedepth__" in fit.column_names
    np.testing.assert_allclose(fit.stan_variable("u").mean(), 0.5, atol=0.03)
    fixed = dice.sample(seed=1, chains=1, fixed_param=True, show_progress=False)
    assert "treedepth__" not in fixed.column_names


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
