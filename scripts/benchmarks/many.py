"""Many small models one after another and at the same time: fits per second, and what each costs beside Stan.

`python -m scripts.benchmarks.many WAY MODELS OUTPUT` measures one way in a process of its own; `many` runs all.
"""

import contextlib
import json
import os
import subprocess
import sys
import tempfile
import time
import warnings
from collections.abc import Iterator
from concurrent.futures import Executor, ProcessPoolExecutor, ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from scripts.benchmarks.case import Case
from scripts.benchmarks.peers import CHAINS, DRAWS, WARMUP, load
from scripts.benchmarks.process import OUTPUT, OWN_PYTHON, PEERS_PYTHON, run_reporting
from scripts.benchmarks.records import Measurement

__all__ = ["WAYS", "Way", "many", "small"]

ROWS, GROUPS = 200, 10
CORES = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
SAMPLING = {"chains": CHAINS, "iter_warmup": WARMUP, "iter_sampling": DRAWS, "seed": 1}


@dataclass(frozen=True)
class Way:
    """A way to fit them all.

    Attributes
    ----------
    title : str
    share : float
        Part of the models that is fitted this way; the slow ways get fewer.
    workers : int
        Number of worker processes or threads; 1 where one fit comes after another.
    peer : str or None
        The peer that is called in a plain loop.
    busy : int or None
        Processors that it keeps busy; by default as many as it has workers.
    """

    title: str
    share: float = 1.0
    workers: int = 1
    peer: str | None = None
    busy: int | None = None

    @property
    def processors(self) -> int:
        """Processors that it can keep busy here."""
        return min(self.workers if self.busy is None else self.busy, CORES)


WAYS = {
    "processes": Way("fit_many, its own processes", workers=CORES),
    "folder": Way("fit_many, into a folder of netCDF files", 0.5, workers=CORES),
    "threads": Way("fit_many, threads", 0.5, workers=CORES),
    "processes_1": Way("fit_many, 1 process", 0.1, workers=1),
    "processes_2": Way("fit_many, 2 processes", 0.2, workers=2),
    "processes_4": Way("fit_many, 4 processes", 0.2, workers=4),
    "dask_1": Way("fit_many, local Dask cluster of 1 worker", 0.1, workers=1),
    "dask_2": Way("fit_many, local Dask cluster of 2 workers", workers=2),
    "dask_4": Way("fit_many, local Dask cluster of 4 workers", 0.2, workers=4),
    "stanhier": Way("loop over model.sample()", 0.1, peer="stanhier", busy=CHAINS),
    "stan_noncentred": Way("loop over cmdstanpy, compiled once", 0.1, peer="stan_noncentred", busy=CHAINS),
    "pymc": Way("loop over PyMC, own sampler", 0.01, peer="pymc", busy=CHAINS),
    "nutpie": Way("loop over PyMC, nutpie", 0.01, peer="nutpie", busy=CHAINS),
    "alone": Way("the chains alone, without Python", 0.1),
}
"""By name. `alone` is what the others are held against: Stan's own processes, one after another."""


def small(number: int) -> Case:
    """Simulate the data of one of the models: 200 rows in 10 groups, one predictor."""
    rng = np.random.default_rng([ROWS, number])
    codes = rng.integers(GROUPS, size=ROWS)
    codes[:GROUPS] = np.arange(GROUPS)
    x = rng.standard_normal(ROWS)
    y = 1 + 0.5 * x + rng.standard_normal(GROUPS)[codes] + rng.standard_normal(ROWS)
    table = pd.DataFrame({"y": y, "x": x, "group": codes})
    return Case("many", table, "y", ("x",), "group", sigma_alpha=5.0, sigma=5.0)


def many(models: int, *, peers: list[str], limit: float) -> list[Measurement]:
    """Measure every way, each in its own process."""
    measured = []
    for name, way in WAYS.items():
        if way.peer is not None and way.peer not in peers:
            continue
        number = max(round(models * way.share), 5)
        foreign = way.peer in ("pymc", "nutpie")
        report = OUTPUT / "reports" / "many.json"
        report.parent.mkdir(parents=True, exist_ok=True)
        python = str(PEERS_PYTHON if foreign else OWN_PYTHON)
        command = [python, "-m", "scripts.benchmarks.many", name, str(number), str(report)]
        loaded = os.getloadavg()[0]
        found, trouble = run_reporting(command, report, limit=limit, log=OUTPUT / "logs" / "many.txt")
        case = f"{models} models"
        if trouble or not found.get("done"):
            measured.append(Measurement("many", case, name, "status", note=trouble or "no fit", load=loaded))
            print(f"  {way.title}: {trouble or 'no fit'}", flush=True)
            continue
        rate = found["done"] / found["seconds"]
        cost = way.processors / rate
        note = f"{found['done']} fits"
        measured.append(Measurement("many", case, name, "rate", "fits/s", (rate,), note, loaded))
        measured.append(Measurement("many", case, name, "cost", "s", (cost,), note, loaded))
        print(f"  {way.title}: {rate:.3g} fits per second ({note})", flush=True)
    return measured


def _model(number: int) -> Any:
    import stanhier as sh

    case = small(number)
    priors = {"mu_alpha": sh.Normal(*case.intercept), "beta": sh.Normal(*case.beta)}
    priors |= {"sigma_alpha": sh.HalfCauchy(case.sigma_alpha), "sigma": sh.HalfCauchy(case.sigma)}
    return sh.VaryingIntercept(case.formula, case.table, priors=priors)


def _executor(name: str, workers: int, stack: ExitStack) -> Executor | None:
    """Start what the fits run on, and let it come to life: that is not timed, but where `fit_many` does it itself."""
    kind = name.partition("_")[0]
    if kind == "dask":
        from distributed import Client, LocalCluster

        cluster = stack.enter_context(LocalCluster(n_workers=workers, threads_per_worker=1, dashboard_address=None))
        return stack.enter_context(Client(cluster)).get_executor()
    if kind == "threads":
        return stack.enter_context(ThreadPoolExecutor(workers))
    if name.startswith("processes_"):
        import multiprocessing

        context = multiprocessing.get_context("spawn")
        return stack.enter_context(ProcessPoolExecutor(workers, mp_context=context))
    return None


def _at_once(name: str, number: int) -> Iterator[None]:
    """Fit through `fit_many`; yield after each fit."""
    import stanhier as sh

    with ExitStack() as stack:
        executor = _executor(name, WAYS[name].workers, stack)
        folder = stack.enter_context(tempfile.TemporaryDirectory()) if name == "folder" else None
        yield  # from here on it is timed
        models = ((k, _model(k)) for k in range(number))
        for _ in sh.fit_many(models, executor=executor, folder=folder, progress=False, **SAMPLING):
            yield


def _in_a_loop(peer_name: str, number: int) -> Iterator[None]:
    peer = load(peer_name)
    peer.run(peer.prepare(small(number)), 1)  # imports, and the compilation of programs that are compiled once
    yield
    for k in range(number):
        peer.run(peer.prepare(small(k)), 1)
        yield


def _alone(number: int) -> Iterator[None]:
    """The commands of the chains of `fit_many`, and nothing else."""
    from cmdstanpy import write_stan_json

    from stanhier.stan.program import Program

    data = [_model(k).stan_data for k in range(number)]
    executable = Program("varying_intercept").exe()
    with tempfile.TemporaryDirectory() as folder:
        for k in range(number):
            write_stan_json(f"{folder}/{k}.json", data[k])
        yield
        for k in range(number):
            words = f"id=1 random seed=1 data file={folder}/{k}.json output file={folder}/draws.csv method=sample"
            words += f" num_samples={DRAWS} num_warmup={WARMUP} num_chains={CHAINS} algorithm=hmc engine=nuts"
            words += " adapt engaged=1 delta=0.9"
            subprocess.run([executable, *words.split()], check=True, stdout=subprocess.DEVNULL)
            yield


def _main(name: str, number: int, output: Path) -> None:
    """Time it, and write after each fit, so that what is stopped has still said how far it came."""
    warnings.simplefilter("ignore")
    way = WAYS[name]
    steps = _alone(number) if name == "alone" else _in_a_loop(way.peer, number) if way.peer else _at_once(name, number)
    next(steps)
    clock = time.perf_counter()
    written = 0.0
    for done, _ in enumerate(steps, start=1):
        seconds = time.perf_counter() - clock
        if done == number or seconds > written + 1:
            written = seconds
            part = Path(f"{output}.part")
            part.write_text(json.dumps({"done": done, "seconds": seconds}))
            part.replace(output)


if __name__ == "__main__":
    with contextlib.redirect_stdout(sys.stderr):
        _main(sys.argv[1], int(sys.argv[2]), Path(sys.argv[3]))
