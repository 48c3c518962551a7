"""Many models over threads, processes and a cluster: the same draws, nothing lost, nothing left behind."""

import os
import signal
import subprocess
import sys
import threading
import time
import warnings

import numpy as np
import pandas as pd
import psutil
import pytest

import stanhier as sh
from stanhier.posterior.diagnostics import SamplingWarning
from tests.tools import variants
from tests.tools.many_fits import NAMES, SHORT, collected, model, some_models

pytestmark = pytest.mark.alone

SCRIPT = """
import sys, time
import stanhier as sh
from tests.tools import variants

frames = (variants.frame(40, 5, k) for k in range(int(sys.argv[1])))
fits = sh.fit_many(
    ((k, sh.VaryingIntercept("y ~ x + (1 | g)", frame)) for k, frame in enumerate(frames)),
    folder=sys.argv[2], chains=2, iter_warmup=200, iter_sampling=int(sys.argv[3]), seed=5,
)
for name, fit in fits:
    print(name, flush=True)
print(len(fits), "fits", flush=True)
"""


def run(folder, *arguments):
    """A script without `if __name__ == "__main__"`, as people write them."""
    script = folder / "script.py"
    # Python's own handler, as in a terminal: a process started in the background may ignore the signal.
    head = "import signal; signal.signal(signal.SIGINT, signal.default_int_handler)"
    script.write_text(f"{head}\n{SCRIPT}")
    return subprocess.Popen(
        [sys.executable, "-W", "ignore", script, *map(str, arguments)],
        env={**os.environ, "PYTHONPATH": os.getcwd()},  # noqa: PTH109
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def children_of(process):
    """The children of a process, none if it has ended meanwhile."""
    try:
        return process.children()
    except psutil.NoSuchProcess:
        return []


def offspring(process):
    return psutil.Process(process.pid).children(recursive=True)


def gone(processes, seconds=30.0):
    """Whether they all end within that time; in a container nobody may be there to collect the dead."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if all(not p.is_running() or p.status() == psutil.STATUS_ZOMBIE for p in processes):
            return True
        time.sleep(0.1)
    return False


def chains_of(processes):
    found = []
    for process in processes:
        try:
            if process.name() == "varying_intercept" and "method=sample" in process.cmdline():
                found.append(process)
        except psutil.Error:
            continue
    return found


@pytest.fixture(scope="module")
def in_processes(cmdstan_home, tmp_path_factory):
    folder = tmp_path_factory.mktemp("fits")
    return folder, collected(some_models(), folder=folder)


@pytest.mark.slow
@pytest.mark.usefixtures("cmdstan_home")
class TestWithStan:
    def test_processes_give_what_sample_gives(self, in_processes):
        _, fits = in_processes
        assert not fits.failures
        fit = fits["../x"]
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", SamplingWarning)
            alone = model(1).sample(**SHORT | {"seed": fit.draws.seed})
        assert np.array_equal(alone.draws.values["location"], fit.draws.values["location"])
        np.testing.assert_allclose(fits.summary().loc[("../x", "sigma"), "mean"], alone.posterior["sigma"].mean())

    def test_threads_give_the_same(self, in_processes, threads):
        _, fits = in_processes
        again = collected(some_models(), executor=threads)
        assert again.summary().sort_index().equals(fits.summary().sort_index())

    def test_a_cluster_gives_the_same(self, in_processes):
        distributed = pytest.importorskip("distributed")
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            cluster = distributed.LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=None)
            with cluster, distributed.Client(cluster) as client:
                again = collected(some_models(), executor=client.get_executor())
                ranks = sh.sbc(model_with_priors(), n=20, seed=1, executor=client.get_executor()).ranks
        _, fits = in_processes
        assert again.summary().sort_index().equals(fits.summary().sort_index())
        assert ranks.equals(sh.sbc(model_with_priors(), n=20, seed=1).ranks)

    def test_it_is_resumed_by_another_process(self, in_processes):
        folder, fits = in_processes
        written = {path: path.stat().st_mtime_ns for path in folder.glob("*.nc")}
        again = collected(some_models(), folder=folder)
        assert {path: path.stat().st_mtime_ns for path in folder.glob("*.nc")} == written
        assert again.summary().loc[fits.names].equals(fits.summary())

    def test_folds_and_pooling_do_not_depend_on_the_executor(self, threads):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", SamplingWarning)
            fit = model().sample(**SHORT)
            own, theirs = (fit.kfold(k=3, executor=executor) for executor in (None, threads))
            pooled = [
                sh.pooling("y ~ x", variants.frame(40, 5, 0), group="g", executor=executor, **SHORT).estimates
                for executor in (None, threads)
            ]
        assert own.elpd == theirs.elpd
        assert pooled[0].equals(pooled[1])

    def test_groups_of_rows_give_what_sample_gives(self, tmp_path):
        data = pd.concat([variants.frame(40, 5, k).assign(shop="ab"[k % 2], product=k) for k in range(5)])
        data.loc[data["product"] == 3, "x"] = 1.0
        data.to_parquet(tmp_path / "rows.parquet", row_group_size=60)
        here = collected("y ~ x + (1 | g)", data=data, by=["shop", "product"])
        assert here.names == ["a, 0", "a, 2", "a, 4", "b, 1"]
        assert list(here.failures) == ["b, 3"]
        fit = here["a", 2]
        rows = data[data["product"] == 2]
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", SamplingWarning)
            alone = sh.VaryingIntercept("y ~ x + (1 | g)", rows).sample(**SHORT | {"seed": fit.draws.seed})
        assert np.array_equal(alone.draws.values["location"], fit.draws.values["location"])
        folder = tmp_path / "fits"
        elsewhere = collected("y ~ x + (1 | g)", data=tmp_path / "rows.parquet", by=["shop", "product"], folder=folder)
        assert elsewhere.names == here.names
        assert list(elsewhere.failures) == list(here.failures)
        assert elsewhere["a", 2].draws.seed == fit.draws.seed
        assert elsewhere["a", 2].model.design.n_rows == 40
        found, wanted = elsewhere.summary(), here.summary()
        assert (abs(found["mean"] - wanted["mean"]) < 6 * wanted["sd"] / np.sqrt(wanted["ess_bulk"])).all()

    def test_a_generator_that_raises_loses_nothing(self, tmp_path):
        data = pd.concat([variants.frame(40, 5, k).assign(product=k) for k in range(4)])
        data = data[(data["product"] != 3) | (data.index == 7)]
        models = ((name, sh.VaryingIntercept("y ~ x + (1 | g)", rows)) for name, rows in data.groupby("product"))
        fits = sh.fit_many(models, folder=tmp_path, **SHORT)
        with pytest.raises(sh.DataError, match=r"stopped early, after '2': .*only one row"):
            fits.collect()
        with pytest.warns(SamplingWarning, match="stopped early, after '2'"):
            assert list(fits.summary().index.get_level_values("fit").unique()) == ["0", "1", "2"]
        assert len(list(tmp_path.glob("*.nc"))) == 3

    def test_a_chain_that_dies_fails_its_model_alone(self, threads):
        killed = []

        def kill_one():
            while not killed:
                for chain in chains_of(psutil.Process().children(recursive=True)):
                    chain.kill()
                    killed.append(chain.pid)
                    return

        killer = threading.Thread(target=kill_one)
        killer.start()
        fits = collected(some_models(), executor=threads, iter_sampling=5000)
        killer.join()
        (error,) = fits.failures.values()
        assert isinstance(error, sh.SamplingError)
        assert "SIGKILL" in str(error)
        assert len(fits) == len(NAMES) - 1

    def test_a_worker_that_is_killed_loses_no_model(self, tmp_path):
        process = run(tmp_path, 12, tmp_path / "fits", 2000)
        assert process.stdout.readline()
        worker = None
        while worker is None:
            assert process.poll() is None, "it has ended before a worker was seen at work"
            worker = next((p for p in offspring(process) if chains_of(children_of(p))), None)
        worker.kill()
        said, words = process.communicate(timeout=120)
        assert said.endswith("12 fits\n")
        assert "Traceback" not in words

    @pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL])
    def test_nothing_is_left_behind(self, number, tmp_path):
        process = run(tmp_path, 100, tmp_path / "fits", 20_000)
        for _ in range(2):
            assert process.stdout.readline()
        started = []
        while not chains_of(started):  # at any one moment all workers may be between two chains
            started = offspring(process)
        process.send_signal(number)
        _, words = process.communicate(timeout=60)
        assert gone(started)
        if number == signal.SIGINT:
            assert words.count("Traceback (most recent call last)") - words.count("During handling of") == 1, words
            assert "KeyboardInterrupt" in words
        kept = list((tmp_path / "fits").glob("*.nc"))
        assert 2 <= len(kept) < 100, "it was stopped on the way"
        again = run(tmp_path, 2, tmp_path / "fits", 20_000)
        said, words = again.communicate(timeout=120)
        assert said.endswith("2 fits\n"), words
        assert set(kept) <= set((tmp_path / "fits").glob("*.nc"))


def model_with_priors():
    priors = {"mu_alpha": sh.Normal(0, 2), "beta": sh.Normal(0, 1), "sigma_alpha": sh.HalfNormal(1)}
    return model(priors=priors | {"sigma": sh.HalfNormal(1)})
