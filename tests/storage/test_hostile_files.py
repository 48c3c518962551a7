"""Files that would fill memory, and fields of every wrong kind: refused, or a fit that works."""

import copy
import json
import shutil
import subprocess
import sys
from pathlib import Path

import h5py
import numpy as np
import pandas as pd
import pytest
import xarray as xr

import stanhier as sh
from stanhier.storage.labels import labels_to_json
from tests.tools import variants
from tests.tools.damaged_files import assert_refused, describe
from tests.tools.fake_fit import fake_fit
from tests.tools.hostile_files import ATTACKS, prepared

MEASURED = """
import json, resource, sys, time, warnings
from pathlib import Path

import stanhier as sh

warnings.simplefilter("ignore")
sh.load(sys.argv[1]).summary()
in_use = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
resource.setrlimit(resource.RLIMIT_AS, (in_use + 400_000_000,) * 2)
for path in sys.argv[2:]:
    start = time.process_time()
    try:
        fit = sh.load(path)
        repr(fit), fit._repr_html_(), fit.summary(var_names=["beta"]), fit.diagnose()
        said = None
    except sh.StanhierError as err:
        said = str(err)
    fit = None
    print(json.dumps([said, time.process_time() - start]), flush=True)
"""


@pytest.fixture(scope="module")
def outcomes(saved, tmp_path_factory):
    """What becomes of every attack, in a process that may take 400 MB more than one that has loaded a good file."""
    good, folder = saved / "named.nc", tmp_path_factory.mktemp("attacks")
    paths = [str(prepared(name, good, folder)) for name in ATTACKS]
    command = [sys.executable, "-c", MEASURED, str(good), *paths]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=Path(__file__).parents[2])
    assert done.returncode == 0, done.stderr[-2000:]
    shutil.rmtree(folder)
    return dict(zip(ATTACKS, map(json.loads, done.stdout.splitlines()), strict=True))


TAKEN = {
    "a dimension of any length",  # netCDF tools see a name and a length, and we not even these
    "groups within groups",
    "texts that share one piece in posterior/more",  # a group for other programs, which is not read
    "values of another type",
    "one long label among many",
}


@pytest.mark.skipif(sys.platform != "linux", reason="memory is limited by Linux's ways")
@pytest.mark.parametrize("name", ATTACKS)
def test_a_file_that_would_fill_memory_is_refused_at_once(name, outcomes):
    said, seconds = outcomes[name]
    assert (said is None) == (name in TAKEN), said
    assert seconds < 3
    if said is not None:
        assert "damaged" in said
        assert "llocate" not in said, "memory ran out"
        assert len(said) < 600


def places(value, place=()):
    yield place
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, one in inner:
        yield from places(one, (*place, key))


STRANGE = [
    *(None, True, 0, -1, 1, 3.7, float("nan"), float("inf"), 10**400, 2**70, 1e308, "", "x", "x" * 20_000),
    *([], [1, 2], [[1]], ["x"], {}, {"a": 1}, {"prior": "Normal"}),
]


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
def test_every_field_of_every_wrong_kind_gives_a_working_fit_or_a_stanhier_error(path):
    with h5py.File(path) as file:
        description = json.loads(file.attrs["stanhier"])
    taken = 0
    for place in places(description):
        for strange in STRANGE:
            whole = {"root": copy.deepcopy(description)}
            *before, last = ("root", *place)
            inner = whole
            for key in before:
                inner = inner[key]
            inner[last] = strange
            with h5py.File(path, "r+") as file:
                file.attrs["stanhier"] = json.dumps(whole["root"])
            try:
                fit = sh.load(path)
            except sh.StanhierError as err:
                assert len(str(err)) < 700, place  # noqa: PT017
                continue
            taken += 1
            assert repr(fit)
            assert fit._repr_html_()
            assert len(fit.summary(var_names=["beta"])) == 3
            assert np.isfinite(fit.predict(variants.frame()[:3])).all(axis=None)
            if place[0] not in ("version", "priors"):
                fit.report(path.with_name("report.html"))
            fit.save(path.with_name("again.nc"))
    assert taken > 20


@pytest.mark.parametrize("text", ['"format": 2, "format": 2', '"seed": 1, "seed": 1'])
def test_a_field_that_is_there_twice_is_damage(text, path):
    with h5py.File(path, "r+") as file:
        file.attrs["stanhier"] = "{" + text + ", " + file.attrs["stanhier"][1:]
    assert_refused(path, words="a field is there twice")


def test_rows_that_no_stage_has_are_damage(path):
    for stages in ([79], [81], [40, 79]):
        describe(path, lambda d, stages=stages: d.update(stages=stages))
        assert_refused(path)


def test_groups_that_were_added_come_back_whatever_they_were_read_from(saved, tmp_path):
    """Their values, dates, truth values and texts; that they were compressed elsewhere is nothing to the file."""
    added = xr.Dataset(
        {
            "day": ("g", np.array(["2020-01-01", "2021-03-04", "1999-12-31"], dtype="M8[ns]")),
            "is": ("g", [True, False, True]),
            "count": (("g", "k"), np.arange(3000).reshape(3, 1000)),
        },
        coords={"g": ["one", "two", "three"]},
        attrs={"names": ["a", "b"], "numbers": [1, 2]},
    )
    packed = {"count": {"zlib": True, "chunksizes": (1, 500)}}
    added.to_netcdf(tmp_path / "other.nc", engine="h5netcdf", encoding=packed, unlimited_dims=["k"])
    with xr.open_dataset(tmp_path / "other.nc", engine="h5netcdf") as opened:
        others = opened.load()
    assert others["count"].encoding["zlib"]
    fit = sh.load(saved / "grouped.nc")
    fit.add_groups({"mine": others})
    fit.save(tmp_path / "fit.nc")
    loaded = sh.load(tmp_path / "fit.nc")
    xr.testing.assert_identical(loaded.idata["mine"].to_dataset(), others)
    with h5py.File(tmp_path / "fit.nc") as file:
        assert file["mine/count"].compression is None


def test_as_many_texts_as_labels_of_groups_may_be(saved, tmp_path):
    fit = sh.load(saved / "grouped.nc")
    labels = [f"group {k}" for k in range(20_000)]
    fit.add_groups({"mine": xr.Dataset({"alpha": ("g", np.arange(20_000.0))}, coords={"g": labels})})
    fit.save(tmp_path / "fit.nc")
    assert list(sh.load(tmp_path / "fit.nc").idata["mine"]["g"].values) == labels


def test_zones_that_no_file_can_hold_are_refused_when_saving(tmp_path):
    from dateutil import tz

    pytest.importorskip("pandas", minversion="3", reason="pandas 2 has no such zones either")
    zone = tz.tzfile("/usr/share/zoneinfo/Europe/Vienna")
    days = pd.DatetimeIndex(pd.date_range("2020", periods=3)).tz_localize(zone)
    with pytest.raises(sh.StanhierError, match=r"column 'g' has dates in the time zone .*tz_convert"):
        labels_to_json(days, "g")


@pytest.fixture(scope="module")
def compressed(tmp_path_factory):
    """A fit of rows that were never in memory."""
    folder = tmp_path_factory.mktemp("compressed")
    variants.frame().to_parquet(folder / "rows.parquet")
    fake_fit(sh.VaryingIntercept("y ~ scale(x) + (1 | g)", folder / "rows.parquet")).save(folder / "fit.nc")
    sh.load(folder / "fit.nc")
    return folder / "fit.nc"


@pytest.mark.parametrize("name", ["mean", "sd", "origin", "within", "weights", "means"])
@pytest.mark.parametrize(
    "change",
    [
        lambda v: v * np.nan,
        lambda v: v + np.inf,
        lambda v: v[:1],
        lambda v: v[:0],
        lambda v: v[None],
        lambda v: v.astype("f4"),
        lambda v: v.astype("S3"),
    ],
    ids=["NaN", "infinite", "short", "none", "more dimensions", "single precision", "text"],
)
def test_compressed_rows_that_are_those_of_no_rows_are_refused(name, change, compressed, path):
    path.write_bytes(compressed.read_bytes())
    with h5py.File(path, "r+") as file:
        group = file["stanhier_compressed"]
        values = group[name][()]
        del group[name]
        group[name] = change(values)
    assert_refused(path)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        *(("n_rows", value) for value in (0, -1, 3, 79, 2**62, np.nan, 80.5, "80")),
        *(("log_weights", value) for value in (np.nan, np.inf, "x")),
        *(("moments", value) for value in ("", "[]", "3", '{"scale(x)": [1]}', '{"scale(x)": ["a", ["b"], 0, 1]}', 3)),
    ],
)
def test_what_is_said_of_compressed_rows_is_checked(name, value, compressed, path):
    path.write_bytes(compressed.read_bytes())
    with h5py.File(path, "r+") as file:
        file["stanhier_compressed"].attrs[name] = value
    assert_refused(path)
