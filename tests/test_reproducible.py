"""The same seed gives the same draws, bit for bit, wherever they are made; the order of rows does not matter.

As a program, `python -m tests.test_reproducible`, it prints what a fit is made from and gives, as JSON.
"""

import hashlib
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import stanhier as sh
from stanhier.stan.nuts import RawDraws

ROOT = Path(__file__).resolve().parent.parent
LEVELS = ["g7", "g100", "g3"]
MOST_CORES = os.cpu_count() or 1


def frame(n=6000, n_groups=150, n_predictors=9, seed=8):
    """Enough rows, and groups of different weight, for a library of linear algebra to want threads."""
    rng = np.random.default_rng(seed)
    codes = np.concatenate([np.arange(n_groups), rng.integers(0, n_groups, n - n_groups)])
    X = rng.standard_normal((n, n_predictors))
    y = X.sum(axis=1) + rng.standard_normal(n_groups)[codes] + rng.standard_normal(n)
    columns = {f"x{k}": X[:, k] for k in range(n_predictors)}
    return pd.DataFrame({"y": y, **columns, "g": [f"g{code}" for code in codes], "se": rng.uniform(0.5, 2, n)})


def models(data):
    predictors = " + ".join(name for name in data if name.startswith("x"))
    return {
        "linear": sh.LinearRegression(f"y ~ {predictors}", data),
        "varying": sh.VaryingIntercept(f"y ~ {predictors} + (1 | g)", data),
        "varying, known se": sh.VaryingIntercept(f"y ~ {predictors} + (1 | g)", data, se="se"),
    }


def digest(values):
    return hashlib.sha256(np.ascontiguousarray(values).tobytes()).hexdigest()


def digests(parallel_chains):
    """What goes to Stan, and what comes of it, for each model."""
    data = frame()
    found = {}
    for name, model in models(data).items():
        fit = model.sample(
            seed=3, parallel_chains=parallel_chains, iter_warmup=150, iter_sampling=100, show_progress=False
        )
        found[f"{name}: data"] = digest(np.concatenate([np.ravel(v).astype(float) for v in model.stan_data.values()]))
        found |= {f"{name}: {key}": digest(values.to_numpy()) for key, values in fit.posterior.items()}
        found[f"{name}: prediction"] = digest(fit.predict_draws(data[:20], kind="response").to_numpy())
        if model.engine.grouped:
            found[f"{name}: groups"] = digest(fit.group_draws(LEVELS).to_numpy())
            found[f"{name}: summary"] = digest(fit.group_summary().to_numpy())
    return found | wide_digests()


def wide_digests():
    """Of matrices so large that a library of linear algebra would divide the work."""
    model = models(frame(1000, 50, 300))["varying"]
    rng = np.random.default_rng(4)
    raw = RawDraws(
        z=rng.standard_normal((4, 500, 301)),
        z_scale=rng.standard_normal((4, 500, 2)),
        statistics={},
        seed=4,
        max_treedepth=10,
        cmdstan="",
    )
    return {
        "wide: data": digest(np.concatenate([np.ravel(v).astype(float) for v in model.stan_data.values()])),
        "wide: draws": digest(model.engine.coordinates.draws(raw).values["location"]),
    }


def elsewhere(*prefix, parallel_chains, **environment):
    """The digests of another process."""
    done = subprocess.run(
        [*prefix, sys.executable, "-m", "tests.test_reproducible", str(parallel_chains)],
        cwd=ROOT,
        env=os.environ | environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


@pytest.fixture(scope="module")
def expected(cmdstan_home):
    return digests(MOST_CORES)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::stanhier.SamplingWarning")  # the runs are short
class TestSameSeed:
    @pytest.mark.parametrize("parallel_chains", [1, 2, 4])
    def test_any_number_of_chains_at_a_time(self, expected, parallel_chains):
        assert digests(parallel_chains) == expected

    @pytest.mark.parametrize("threads", ["1", "2"])
    def test_any_number_of_threads_of_linear_algebra(self, expected, threads):
        names = ("OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "OMP_NUM_THREADS", "VECLIB_MAXIMUM_THREADS")
        assert elsewhere(parallel_chains=2, **dict.fromkeys(names, threads)) == expected

    @pytest.mark.skipif(shutil.which("taskset") is None, reason="no taskset here to take cores away")
    def test_one_core(self, expected):
        assert elsewhere("taskset", "-c", "0", parallel_chains=4) == expected

    @pytest.mark.usefixtures("cmdstan_home")
    def test_another_seed_gives_other_draws(self):
        model = models(frame(200, 10))["varying"]
        one, other = (
            model.sample(seed=seed, iter_warmup=100, iter_sampling=50, show_progress=False) for seed in (1, 2)
        )
        assert not np.array_equal(one.posterior["sigma"], other.posterior["sigma"])


def shuffled(data, seed=1):
    return data.iloc[np.random.default_rng(seed).permutation(len(data))]


def cross_products(rows):
    """What a factor stands for: it is known up to the signs of its rows."""
    return rows.T @ rows


@pytest.mark.parametrize("name", ["linear", "varying", "varying, known se"])
def test_order_of_rows_does_not_change_the_compressed_data(name):
    data = frame()
    one, other = (models(d)[name].engine.compressed for d in (data, shuffled(data)))
    for attribute in ("n_rows", "mean", "sd", "log_weights", "weights"):
        np.testing.assert_allclose(getattr(other, attribute), getattr(one, attribute), rtol=1e-12, atol=1e-12)
    np.testing.assert_allclose(other.means + other.origin, one.means + one.origin, rtol=1e-12, atol=1e-12)
    scale = np.abs(cross_products(one.within)).max()
    np.testing.assert_allclose(cross_products(other.within), cross_products(one.within), atol=1e-12 * scale)


@pytest.mark.slow
@pytest.mark.usefixtures("cmdstan_home")
@pytest.mark.parametrize("name", ["linear", "varying", "varying, known se"])
def test_order_of_rows_does_not_change_the_posterior(name):
    data = frame(600, 20, 3)
    one, other = (models(d)[name].sample(seed=5, show_progress=False) for d in (data, shuffled(data)))
    ours, theirs = (fit.summary() for fit in (one, other))
    theirs = theirs.loc[ours.index]
    error = np.hypot(ours["mcse_mean"], theirs["mcse_mean"])
    assert (np.abs(ours["mean"] - theirs["mean"]) < 5 * error).all()
    error = np.hypot(ours["mcse_sd"], theirs["mcse_sd"])
    assert (np.abs(ours["sd"] - theirs["sd"]) < 5 * error).all()


if __name__ == "__main__":
    sys.stdout.write(json.dumps(digests(int(sys.argv[1]))))
