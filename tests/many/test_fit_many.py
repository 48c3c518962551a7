"""Many models over threads, processes and a cluster: the same draws, nothing lost, nothing left behind."""

import os
import signal
import subprocess
import sys
import threading
import time
import warnings
from concurrent.futures import BrokenExecutor, Future, ProcessPoolExecutor, ThreadPoolExecutor
from dataclasses import replace

import numpy as np
import psutil
import pytest

import stanhier as sh
from stanhier.many import fitting as many_models
from stanhier.many.folder import FitFolder, identity_of
from stanhier.posterior import sampling as sampling_task
from stanhier.posterior.diagnostics import SamplingWarning
from stanhier.stan import crews as workers
from stanhier.stan import tasks
from tests.tools import variants
from tests.tools.fake_fit import fake_fit

SHORT = {"chains": 2, "iter_warmup": 200, "iter_sampling": 150, "seed": 5}
NAMES = ["Ulm", "../x", "a/b", "a b", "", "N" * 300]


def model(k=0, **changes):
    return sh.VaryingIntercept("y ~ x + (1 | g)", variants.frame(40, 5, k), **changes)


def some_models():
    return {name: model(k) for k, name in enumerate(NAMES)}


def doubled(task):
    if task == "die":
        os.kill(os.getpid(), signal.SIGKILL)
    if task == "fail":
        raise ZeroDivisionError("by zero")
    return 2 * task


def touch_after(task):
    seconds, mark = task
    time.sleep(seconds)
    mark.touch()


def collected(found, **keywords):
    """All fits; what is said of too few draws is not what these tests are about."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", SamplingWarning)
        return sh.fit_many(found, **{**SHORT, **keywords}).collect()


def without_stan(monkeypatch, *, failing=(), like=None):
    """Let made-up draws take the place of Stan's, in this process alone; count the models that are sampled."""
    sampled = []
    fit = fake_fit(model() if like is None else like)
    diagnosis = fit.diagnose()

    def made_up(task):
        seed = task.keywords["seed"]
        sampled.append(seed)
        if len(sampled) - 1 in failing:
            raise sh.SamplingError("Chain 2: it had enough.")
        values = {**fit.draws.values, "location": fit.draws.values["location"] * 2.0 ** (seed % 3)}
        return replace(fit.draws, seed=seed, values=values), diagnosis

    monkeypatch.setattr(many_models, "sample_and_diagnose", made_up)
    monkeypatch.setattr(many_models, "_compile_once", lambda _: None)
    return sampled


@pytest.fixture
def threads():
    with ThreadPoolExecutor(2) as pool:
        yield pool


class TestTasks:
    def test_results_come_as_they_finish_and_failures_stop_nothing(self, threads):
        crew = workers.crew_of(threads, own=workers.OwnProcesses)
        results = dict(tasks.run_tasks(doubled, [("a", 1), ("b", "fail"), ("c", None), ("d", 4)], crew))
        assert results["a"] == 2
        assert results["c"] is None
        assert results["d"] == 8
        assert str(results["b"]) == "ZeroDivisionError: by zero"

    @pytest.mark.slow
    def test_a_task_that_kills_its_worker_is_named_and_the_others_are_done(self):
        crew = workers.OwnProcesses(2)
        results = dict(tasks.run_tasks(doubled, [(k, "die" if k == 3 else k) for k in range(9)], crew))
        assert {k: v for k, v in results.items() if k != 3} == {k: 2 * k for k in range(9) if k != 3}
        assert "worker process died, tried alone too" in str(results[3])

    def test_a_broken_pool_of_the_callers_is_replaced(self):
        with ProcessPoolExecutor(1) as pool:
            with pytest.raises(BrokenExecutor):
                pool.submit(doubled, "die").result()
            crew = workers.crew_of(pool, own=workers.OwnProcesses)
            assert dict(tasks.run_tasks(doubled, [("a", 1)], crew)) == {"a": 2}

    @pytest.mark.slow
    def test_workers_that_never_live_are_told_from_tasks_that_kill(self):
        with pytest.raises(sh.StanhierError, match="die before they have done anything"):
            list(tasks.run_tasks(doubled, [(k, "die") for k in range(3)], workers.OwnProcesses(1)))

    def test_no_more_is_asked_for_than_there_is_room(self, threads):
        asked, done = [], 0

        def source():
            for k in range(40):
                asked.append(k)
                yield k, k

        crew = workers.crew_of(threads, own=workers.OwnProcesses)
        for _ in tasks.run_tasks(doubled, source(), crew):
            done += 1
            assert len(asked) <= done + crew.room
        assert done == 40

    def test_filters_of_warnings_are_left_as_they_were(self, threads):
        came = {"first": threading.Event(), "second": threading.Event()}
        first_left = threading.Event()

        def hushed(name):
            """Come and go in turns: the second puts back what the first had set."""
            if name == "second":
                assert came["first"].wait(60)
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                came[name].set()
                assert (came["second"] if name == "first" else first_left).wait(60)
            first_left.set()
            return name

        before = list(warnings.filters)
        crew = workers.crew_of(threads, own=workers.OwnThreads)
        results = dict(tasks.results_of(hushed, [(name, name) for name in came], crew))
        assert results == {"first": "first", "second": "second"}
        assert warnings.filters == before

    def test_what_is_dropped_is_ended(self, tmp_path):
        early, late = tmp_path / "early", tmp_path / "late"
        results = tasks.run_tasks(touch_after, [(0, (0, early)), (1, (100, late))], workers.OwnProcesses(1))
        next(results)
        results.close()
        assert early.exists()
        assert not late.exists()
        assert not [p for p in psutil.Process().children(recursive=True) if "multiprocessing.spawn" in p.cmdline()]

    def test_a_task_that_the_executor_cancels_is_a_failure(self):
        class Closed(ThreadPoolExecutor):
            def submit(self, *_):
                future = Future()
                future.cancel()
                future.set_running_or_notify_cancel()
                return future

        crew = workers.crew_of(Closed(1), own=workers.OwnProcesses)
        ((_, error),) = tasks.run_tasks(doubled, [("a", 1)], crew)
        assert isinstance(error, sh.SamplingError)
        assert "cancelled" in str(error)

    def test_an_executor_that_is_none_or_closed_is_refused(self):
        with pytest.raises(sh.StanhierError, match=r"`executor` must be .*Executor, not int"):
            workers.crew_of(3, own=workers.OwnProcesses)
        pool = ThreadPoolExecutor(1)
        pool.shutdown()
        crew = workers.crew_of(pool, own=workers.OwnProcesses)
        with pytest.raises(sh.StanhierError, match="takes no tasks: cannot schedule new futures after shutdown"):
            list(tasks.run_tasks(doubled, [("a", 1)], crew))


class TestNames:
    def test_seeds_depend_on_the_name_alone(self, monkeypatch, threads):
        by_order = {}
        for names in (NAMES, NAMES[::-1], NAMES[2:3]):
            without_stan(monkeypatch)
            fits = collected({name: model() for name in names}, executor=threads)
            by_order[tuple(names)] = {name: fit.draws.seed for name, fit in fits}
        first, *others = by_order.values()
        assert len(set(first.values())) == len(NAMES)
        assert all(first[name] == seed for other in others for name, seed in other.items())
        assert collected({"Ulm": model()}, executor=threads, seed=6)["Ulm"].draws.seed != first["Ulm"]

    @pytest.mark.parametrize("name", [*NAMES, "C:\\con", "\0", "\ud800", "é"])
    def test_a_file_stays_in_its_folder(self, name, tmp_path):
        file = FitFolder(tmp_path).file(name)
        assert file.parent == tmp_path
        assert len(file.name) < 100
        file.write_bytes(b"")

    def test_names_that_look_alike_have_files_of_their_own(self, tmp_path):
        folder = FitFolder(tmp_path)
        names = ["a/b", "a b", "a_b", "A_b", "a_b ", "x" * 300, "x" * 301]
        assert len({folder.file(name).name.lower() for name in names}) == len(names)

    def test_names_need_not_be_text(self, monkeypatch, threads):
        without_stan(monkeypatch)
        fits = collected({3: model(), ("shop", 1): model()}, executor=threads)
        assert 3 in fits
        assert fits[3] is fits["3"]
        assert fits["shop", 1] is dict(fits)["('shop', 1)"]

    def test_two_models_of_one_name_are_refused(self, monkeypatch, threads):
        without_stan(monkeypatch)
        with pytest.raises(sh.StanhierError, match="two models are called '1'"):
            collected([(1, model()), ("1", model())], executor=threads)


class TestCollection:
    def test_one_failure_is_reported_by_name(self, monkeypatch, threads):
        without_stan(monkeypatch, failing=(1,))
        fits = sh.fit_many(some_models(), executor=threads, **SHORT)
        with pytest.warns(
            SamplingWarning, match=r"1 of 6 models could not be fitted: .*Chain 2: it had enough"
        ) as said:
            fits.collect()
        assert len(said) == 1
        (name,) = fits.failures
        assert len(fits) == 5
        assert name not in fits
        with pytest.raises(sh.StanhierError, match=r"no fit of .*it had enough"):
            fits[name]
        with pytest.raises(sh.StanhierError, match="no fit of 'Berlin'"):
            fits["Berlin"]
        assert "1 failed: " in repr(fits)

    def test_warnings_are_gathered(self, monkeypatch, threads):
        without_stan(monkeypatch)
        with pytest.warns(SamplingWarning, match=r"draws of 6 of 6 fits cannot be trusted: .* and 1 more") as said:
            fits = sh.fit_many(some_models(), executor=threads, **SHORT).collect()
        assert len(said) == 1
        assert set(fits.problems) == set(NAMES)
        assert fits.problems["Ulm"] == fits["Ulm"].diagnose().problems

    def test_the_table_is_what_each_fit_says(self, monkeypatch, threads):
        without_stan(monkeypatch)
        fits = collected({"a": model(), "b": model()}, executor=threads)
        table = fits.summary()
        assert table.index.names == ["fit", "parameter"]
        wanted = fits["b"].summary(var_names=["mu_alpha", "beta", "sigma_alpha", "sigma"], round_to="none")
        found = table.loc["b"]
        assert set(found.index) == set(wanted.index)
        for column in ("mean", "sd", "r_hat", "ess_bulk"):
            np.testing.assert_allclose(found[column], wanted[column][found.index].astype(float), rtol=1e-9)
        sigma = fits["b"].posterior["sigma"].to_numpy()
        np.testing.assert_allclose(
            found.loc["sigma", ["lower", "median", "upper"]], np.quantile(sigma, (0.05, 0.5, 0.95))
        )

    def test_iterating_again_gives_the_same(self, monkeypatch, threads):
        without_stan(monkeypatch)
        fits = collected(some_models(), executor=threads)
        first = dict(fits)
        assert [name for name, _ in fits] == fits.names
        assert all(fit is first[name] for name, fit in fits)

    def test_work_goes_on_while_somebody_iterates(self, monkeypatch, threads):
        sampled = without_stan(monkeypatch)
        fits = sh.fit_many(((k, model()) for k in range(30)), executor=threads, **SHORT)
        assert sampled == []
        assert "not started" in repr(fits)
        next(iter(fits))
        assert 1 <= len(sampled) < 10
        assert "under way" in repr(fits)
        with pytest.warns(SamplingWarning):
            assert len(fits) == 30

    def test_nothing_asked_is_said(self, threads):
        with pytest.warns(SamplingWarning, match="fitted nothing"):
            sh.fit_many({"a": model()}, executor=threads)

    @pytest.mark.parametrize(
        ("arguments", "words"),
        [
            ({"models": model()}, "models by name, or pairs"),
            ({"models": {"a": 3}}, "'a' must be a model, not int"),
            ({"models": [model()]}, "pairs of name and model"),
            ({"chans": 2}, r"fit_many\(\) has no keyword 'chans'.*'chains'"),
            ({"chains": 0}, r"fit_many\(chains=0\)"),
            ({"output_dir": "here"}, "does not take 'output_dir'"),
            ({"data": {}}, "has no keyword 'data'"),
            ({"seed": [1, 2, 3, 4]}, "give one number"),
            ({"folder": "/dev/null/x"}, "folder /dev/null/x cannot be used"),
            ({"folder": f"/tmp/{'x' * 300}"}, "cannot be used: File name too long"),
        ],
    )
    def test_arguments_are_checked(self, arguments, words, threads):
        with pytest.raises(sh.StanhierError, match=words):
            sh.fit_many(**{"models": {"a": model()}, "executor": threads, **arguments}).collect()


class TestFolder:
    def test_what_is_there_is_not_sampled_again(self, monkeypatch, threads, tmp_path):
        sampled = without_stan(monkeypatch, failing=(0,))
        first = collected(some_models(), executor=threads, folder=tmp_path)
        assert len(first) == 5
        sampled = without_stan(monkeypatch)
        second = collected(some_models(), executor=threads, folder=tmp_path)
        assert len(sampled) == 1, "what has failed is tried again"
        assert len(second) == 6
        assert (
            second.summary()
            .drop(index=list(first.failures), level="fit")
            .sort_index()
            .equals(first.summary().sort_index())
        )
        for name, fit in first:
            assert np.array_equal(second[name].draws.values["location"], fit.draws.values["location"])
        assert first["a/b"] is not first["a/b"], "fits are on the disk, not in memory"
        assert not list(tmp_path.glob(".*.part"))

    @pytest.mark.parametrize(
        "change",
        [
            {"data": lambda d: d.assign(y=d["y"] + 1e-6)},
            {"priors": {"sigma": sh.HalfNormal(3)}},
            {"formula": "y ~ (1 | g)"},
            {"keywords": {"iter_sampling": 151}},
            {"keywords": {"seed": 6}},
        ],
    )
    def test_another_model_takes_its_place(self, change, monkeypatch, threads, tmp_path):
        sampled = without_stan(monkeypatch)
        collected({"a": model()}, executor=threads, folder=tmp_path)
        data = change.get("data", lambda d: d)(variants.frame(40, 5, 0))
        other = sh.VaryingIntercept(change.get("formula", "y ~ x + (1 | g)"), data, priors=change.get("priors"))
        monkeypatch.setattr(many_models, "file_of", lambda *_: b"new")  # made-up draws fit one formula alone
        monkeypatch.setattr(
            many_models.ParameterTable, "of", lambda *_, **__: many_models.ParameterTable((), np.empty((0, 8)))
        )
        collected({"a": other}, executor=threads, folder=tmp_path, **change.get("keywords", {}))
        assert len(sampled) == 2
        assert FitFolder(tmp_path).file("a").read_bytes() == b"new"

    def test_damaged_files_are_made_anew(self, monkeypatch, threads, tmp_path):
        sampled = without_stan(monkeypatch)
        collected({"a": model()}, executor=threads, folder=tmp_path)
        file = FitFolder(tmp_path).file("a")
        file.write_bytes(file.read_bytes()[:1000])
        fits = collected({"a": model()}, executor=threads, folder=tmp_path)
        assert len(sampled) == 2
        assert fits["a"].draws.shape == (2, 40)

    def test_two_at_the_same_time_are_refused(self, monkeypatch, threads, tmp_path):
        without_stan(monkeypatch)
        one = sh.fit_many(some_models(), executor=threads, folder=tmp_path, **SHORT)
        next(iter(one))
        with pytest.raises(sh.StanhierError, match=r"Another fit_many\(\) is fitting into"):
            collected(some_models(), executor=threads, folder=tmp_path)
        with pytest.warns(SamplingWarning):
            assert len(one) == 6
        assert len(collected(some_models(), executor=threads, folder=tmp_path)) == 6

    def test_a_model_that_cannot_travel_is_written_here(self, monkeypatch, threads, tmp_path):
        without_stan(monkeypatch)
        monkeypatch.setattr(many_models, "MAX_ROWS", 10)
        fits = collected({"a": model()}, executor=threads, folder=tmp_path)
        assert fits["a"].draws.shape == (2, 40)

    def test_a_folder_without_room_for_names_is_refused(self, monkeypatch, threads, tmp_path):
        without_stan(monkeypatch)
        deep = tmp_path
        while len(str(deep)) < 4050:
            deep = deep / ("d" * min(200, 4070 - len(str(deep))))
        with pytest.raises(sh.StanhierError, match="cannot be used: File name too long"):
            collected({"a": model()}, executor=threads, folder=deep)

    def test_functions_of_the_users_own_are_there_when_a_fit_is_loaded(self, monkeypatch, threads, tmp_path):
        own = sh.VaryingIntercept("y ~ f(x) + (1 | g)", variants.frame(40, 5, 0), context={"f": lambda x: x**2})
        without_stan(monkeypatch, like=own)
        for _ in range(2):
            fits = collected({"a": own}, executor=threads, folder=tmp_path)
            assert fits["a"].model.design.predictors == ("f(x)",)

    def test_the_same_model_has_the_same_identity(self):
        one, other = (sh.VaryingIntercept("y ~ x + (1 | g)", variants.frame(40, 5, 0)) for _ in range(2))
        assert identity_of(one, SHORT) == identity_of(other, SHORT)


def test_a_task_travels_without_the_rows():
    import pickle

    sizes = [
        len(
            pickle.dumps(
                sampling_task.SamplingTask.of(sh.VaryingIntercept("y ~ x + (1 | g)", variants.frame(n, 5, 1)), SHORT)
            )
        )
        for n in (100, 10_000)
    ]
    assert sizes[1] < 1.2 * sizes[0]
    assert sizes[1] < 20_000


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
        started = offspring(process)
        assert chains_of(started)
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


def test_progress_is_shown_when_asked_for(monkeypatch, threads, capsys):
    without_stan(monkeypatch)
    collected(some_models(), executor=threads, progress=True)
    assert "6/6" in capsys.readouterr().err
    collected(some_models(), executor=threads)
    assert capsys.readouterr().err == ""
