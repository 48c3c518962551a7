"""Rows on several machines: the workers compress them, and only the pieces travel."""

import importlib.util
import os
import shutil
import signal
import time
from functools import partial

import dask.dataframe as dd
import numpy as np
import pandas as pd
import pytest
from distributed import Client, LocalCluster

import stanhier as sh
from stanhier.data.sources import dask as dask_source
from stanhier.formula.parse import parse
from tests.tools.designs import assert_same_design, design_of

FORMULAS = ["y ~ x + z + (1 | g)", "y ~ center(x) * s + C(z) + (1 | town)", "scale(y) ~ scale(x)"]

# Bokeh's absence, ports in use and workers that were killed on purpose are no errors of ours.
pytestmark = [
    pytest.mark.alone,
    pytest.mark.filterwarnings("default::UserWarning", "default::ResourceWarning", "default::RuntimeWarning"),
]


def _some_rows(n, *, seed):
    rng = np.random.default_rng(seed)
    frame = pd.DataFrame(
        {
            "x": rng.standard_normal(n) + 1000,
            "z": rng.integers(0, 4, n),
            "s": rng.choice(list("abc"), n),
            "g": rng.integers(0, 300, n),
            "town": rng.choice(["Ulm", "Bonn", "Jena"], n),
        }
    )
    return frame.assign(y=frame["x"] + frame["z"] + rng.standard_normal(n))


@pytest.fixture(scope="module")
def data():
    return _some_rows(6000, seed=2)


@pytest.fixture(scope="module")
def client():
    with (
        LocalCluster(n_workers=2, threads_per_worker=1, processes=True, dashboard_address=None) as cluster,
        Client(cluster) as connected,
    ):
        yield connected


@pytest.mark.slow
@pytest.mark.parametrize("formula", FORMULAS)
def test_dask_workers_give_the_numbers_of_one_process(client, data, formula):
    assert len(client.scheduler_info()["workers"]) == 2
    frame = dd.from_pandas(data, npartitions=21)
    assert_same_design(design_of(parse(formula), frame), design_of(parse(formula), data))


def _rows(part, forbidden):
    """Make rows, but not in the process that asks for the model."""
    assert os.getpid() != forbidden
    return _some_rows(500, seed=part)


@pytest.mark.slow
def test_rows_stay_where_they_are_made(client):
    frame = dd.from_map(_rows, range(4), forbidden=os.getpid())
    built = design_of(parse("y ~ x + (1 | g)"), frame)
    whole = pd.concat([_some_rows(500, seed=part) for part in range(4)])
    assert_same_design(built, design_of(parse("y ~ x + (1 | g)"), whole))


def _deadly_piece(task, frame, *, victim, folder):
    """Kill a worker with its second piece, so that what it made of the first is lost; others wait until it is gone."""
    if os.getpid() == victim and not (folder / "first").exists():
        (folder / "first").touch()
    elif os.getpid() == victim:
        (folder / "killed").touch()
        os.kill(victim, signal.SIGKILL)
    deadline = time.monotonic() + 60
    while os.getpid() != victim and not (folder / "killed").exists():
        assert time.monotonic() < deadline, "nothing was killed"
        time.sleep(0.01)
    return task(iter([frame]))


@pytest.mark.slow
def test_a_killed_worker_is_survived(client, data, monkeypatch, tmp_path):
    victim = next(iter(client.run(os.getpid).values()))
    monkeypatch.setattr(dask_source, "_on_partition", partial(_deadly_piece, victim=victim, folder=tmp_path))
    built = design_of(parse("y ~ x + (1 | g)"), dd.from_pandas(data, npartitions=20))
    assert (tmp_path / "killed").exists()
    assert victim not in client.run(os.getpid).values()
    assert_same_design(built, design_of(parse("y ~ x + (1 | g)"), data))


@pytest.mark.slow
def test_errors_on_workers_count_all_rows(client, data):
    holes = data.assign(x=data["x"].where(data.index % 100 > 0))
    with pytest.raises(sh.DataError, match="Column 'x' has 60 missing values in 6000 rows"):
        design_of(parse("y ~ x"), dd.from_pandas(holes, npartitions=7))


def test_columns_without_rows_keep_their_types(data):
    kinds = {
        "s": "category",
        "town": pd.CategoricalDtype(["Ulm", "Jena", "Bonn"], ordered=True),
        "z": "Int64",
        "g": "int16",
    }
    typed = data.assign(when=pd.Timestamp("2024-02-29", tz="Europe/Berlin"), late=data["x"] > 0).astype(kinds)
    columns = ["y", "s", "town", "z", "g", "when", "late"]
    empty = dask_source.DaskSource(dd.from_pandas(typed, npartitions=3)).empty(columns)
    assert len(empty) == 0
    assert empty.dtypes.to_dict() == typed[columns].dtypes.to_dict()


def test_partitions_without_rows_are_no_matter(data):
    frame = dd.from_pandas(data, npartitions=4)
    part = frame[frame["x"] > data["x"].iloc[:1500].max()]
    assert_same_design(design_of(parse("y ~ z"), part), design_of(parse("y ~ z"), part.compute()))


@pytest.mark.slow
@pytest.mark.skipif(
    importlib.util.find_spec("pyspark") is None or shutil.which("java") is None, reason="needs PySpark and Java"
)
@pytest.mark.filterwarnings("ignore:PySpark does not yet fully support pandas:FutureWarning")
def test_spark_executors_give_the_numbers_of_one_process(data, tmp_path):
    from pyspark.sql import SparkSession

    data.to_parquet(tmp_path / "whole.parquet")
    data.assign(x=data["x"].where(data.index % 100 > 0)).to_parquet(tmp_path / "holes.parquet")
    session = SparkSession.builder.master("local[2]").config("spark.ui.enabled", "false").getOrCreate()
    try:
        frame = session.read.parquet(str(tmp_path / "whole.parquet")).repartition(20)
        for formula in FORMULAS:
            assert_same_design(design_of(parse(formula), frame), design_of(parse(formula), data))
        with pytest.raises(sh.DataError, match="Column 'x' has 60 missing values in 6000 rows"):
            design_of(parse("y ~ x"), session.read.parquet(str(tmp_path / "holes.parquet")))
    finally:
        session.stop()
