"""Files that somebody has prepared: loading one gives a fit or a StanhierError, and executes nothing."""

import contextlib
import copy
import json
import pickle
import shutil
import subprocess
import sys
import time
from pathlib import Path

import h5py
import numpy as np
import pandas as pd
import pytest
import xarray as xr

import stanhier as sh
from stanhier.storage.labels import labels_to_json
from tests.tools import variants
from tests.tools.fake_fit import fake_fit
from tests.tools.hostile_files import ATTACKS, prepared

TRACE = "trace"


class Bomb:
    """Leaves a trace when it is unpickled."""

    def __init__(self, folder):
        self.folder = folder

    def __reduce__(self):
        import os

        return os.mkdir, (str(self.folder / TRACE),)


@pytest.fixture(scope="module")
def saved(tmp_path_factory):
    folder = tmp_path_factory.mktemp("saved")
    fake_fit(variants.VARYING["default"]()).save(folder / "grouped.nc")
    fake_fit(variants.LINEAR["default"]()).save(folder / "linear.nc")
    named = variants.frame().assign(g=[f"group {g}" for g in variants.frame()["g"]])
    fake_fit(sh.VaryingIntercept("y ~ x + (1 | g)", named)).save(folder / "named.nc")
    return folder


@pytest.fixture
def path(saved, tmp_path):
    target = tmp_path / "fit.nc"
    target.write_bytes((saved / "grouped.nc").read_bytes())
    return target


def describe(path, change):
    with h5py.File(path, "r+") as file:
        description = json.loads(file.attrs["stanhier"])
        change(description)
        file.attrs["stanhier"] = json.dumps(description)


def assert_refused(path, words=r"fit\.nc is (not a netCDF file, or it is )?damaged"):
    with pytest.raises(sh.StanhierError, match=words):
        sh.load(path)
    assert [file.name for file in path.parent.iterdir()] == [path.name]


FORMULAS = [
    '__import__("os").mkdir("{trace}")',
    'y ~ __import__("os").mkdir("{trace}") + (1 | g)',
    'y ~ x + {{open("{trace}", "w")}} + (1 | g)',
    "y ~ I(().__class__.__base__.__subclasses__()) + (1 | g)",
    'y ~ (lambda: open("{trace}", "w"))() + (1 | g)',
    'y ~ [open("{trace}", "w") for _ in x] + (1 | g)',
    'y ~ x + (1 | open("{trace}", "w"))',
    'open("{trace}", "w") ~ x + (1 | g)',
    "y ~ `x` + f\"{{open('{trace}')}}\" + (1 | g)",
]


@pytest.mark.parametrize("formula", FORMULAS)
def test_a_formula_in_a_file_is_held_to_the_closed_list(formula, path):
    describe(path, lambda d: d.update(formula=formula.format(trace=path.parent / TRACE)))
    assert_refused(path)


def test_names_of_functions_in_a_file_are_not_looked_up_anywhere(path):
    describe(path, lambda d: d.update(functions=["system"], formula="y ~ system(x) + (1 | g)"))
    with pytest.raises(sh.StanhierError, match=r"load\(\.\.\., context="):
        sh.load(path)


@pytest.mark.parametrize("where", ["", "posterior", "stanhier_data", "stanhier_data/column_0", "stanhier_draws/sigma"])
@pytest.mark.parametrize(
    "name", ["stanhier", "labels", "number", "column", "dtype", "units", "_FillValue", "scale_factor"]
)
def test_pickles_in_attributes_stay_bytes(where, name, path):
    """Wherever a pickle is put: the fit comes back as it was, or the file is refused."""
    bomb = pickle.dumps(Bomb(path.parent))
    with h5py.File(path, "r+") as file:
        (file[where] if where else file).attrs[name] = np.void(bomb)
    with contextlib.suppress(sh.StanhierError):
        assert np.isfinite(sh.load(path).draws.values["location"]).all()
    assert not (path.parent / TRACE).exists()


@pytest.mark.parametrize("kind", ["opaque", "bytes", "compound", "reference", "lists", "complex", "dates"])
def test_anything_but_numbers_and_text_is_refused(kind, path):
    bomb = pickle.dumps(Bomb(path.parent))
    with h5py.File(path, "r+") as file:
        group = file["stanhier_data"]
        del group["column_1"]
        if kind == "opaque":
            group["column_1"] = np.array([np.void(bomb)] * 80)
        elif kind == "bytes":
            group["column_1"] = np.array([bomb.replace(b"\0", b"0")] * 80)
        elif kind == "compound":
            group["column_1"] = np.zeros(80, dtype=[("a", "f8"), ("b", "S9")])
        elif kind == "reference":
            group.create_dataset("column_1", (80,), dtype=h5py.ref_dtype)
        elif kind == "lists":
            group.create_dataset("column_1", (80,), dtype=h5py.vlen_dtype("f8"))
        elif kind == "complex":
            group["column_1"] = np.zeros(80, dtype=complex)
        else:
            group["column_1"] = np.zeros(80, dtype="i8").view("M8[s]").astype(h5py.opaque_dtype("M8[s]"))
        group["column_1"].attrs.update({"column": "x", "number": "float64"})
    assert_refused(path)


def test_links_and_values_in_other_files_are_refused(path, saved):
    other = str(saved / "linear.nc")
    fresh = path.read_bytes()

    def soft(group):
        group["more"] = h5py.SoftLink("/posterior")

    def external(group):
        group["more"] = h5py.ExternalLink(other, "/posterior")

    def virtual(group):
        layout = h5py.VirtualLayout((2, 40), "f8")
        layout[:] = h5py.VirtualSource(other, "/stanhier_draws/sigma", (2, 40))
        group.create_virtual_dataset("more", layout)

    def raw(group):
        group.create_dataset("more", (4,), "u1", external=[("/etc/hostname", 0, 4)])

    for change in (soft, external, virtual, raw):
        path.write_bytes(fresh)
        with h5py.File(path, "r+") as file:
            change(file["stanhier_draws"])
        assert_refused(path, words="link|other files")


@pytest.mark.parametrize("where", ["stanhier_data/column_0", "posterior/draw", "posterior/more", "observed_data/row"])
@pytest.mark.parametrize("size", [10**9, 10**12, 2**62])
def test_sizes_that_no_file_can_hold_are_refused_before_memory_is_asked_for(where, size, path):
    with h5py.File(path, "r+") as file:
        if where in file:
            del file[where]
        file.create_dataset(where, (size,), "f8", chunks=(1000,), fillvalue=1.0)
    assert_refused(path, words=r"is larger than the file can hold")


def replace_array(path, where, values):
    with h5py.File(path, "r+") as file:
        attributes = dict(file[where].attrs)
        scales = [[scale.name for scale in dimension.values()] for dimension in file[where].dims]
        del file[where]
        made = file.create_dataset(where, data=values)
        for k, v in attributes.items():
            if k not in ("DIMENSION_LIST", "REFERENCE_LIST", "CLASS", "NAME"):
                made.attrs[k] = v
        for k, names in enumerate(scales[: made.ndim]):
            for name in names:
                if file[name].shape[0] == made.shape[k]:
                    made.dims[k].attach_scale(file[name])


CHANGES = {
    "negative sigma": ("stanhier_draws/sigma", lambda v: -v),
    "sigma that is not a number": ("stanhier_draws/sigma", lambda v: v * np.nan),
    "draws that are infinite": ("stanhier_draws/location", lambda v: v * np.inf),
    "draws as text": ("stanhier_draws/sigma", lambda v: v.astype("S9")),
    "draws of another shape": ("stanhier_draws/sigma", lambda v: v.ravel()),
    "a parameter less": ("stanhier_draws/location", lambda v: v[:, :, 1:]),
    "no draws": ("stanhier_draws/location", lambda v: v[:, :0]),
    "statistics of another shape": ("sample_stats/energy", lambda v: v[:1]),
    "statistics as text": ("sample_stats/energy", lambda v: v.astype("S9")),
    "rows that are missing": ("stanhier_data/column_0", lambda v: v[:3]),
    "a response that is not a number": ("stanhier_data/column_2", lambda v: v * np.nan),
    "no rows": ("stanhier_data/column_0", lambda v: v[:0]),
}


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("change", list(CHANGES))
def test_arrays_that_are_not_those_of_a_fit_are_refused(change, path):
    where, function = CHANGES[change]
    with h5py.File(path) as file:
        values = file[where][()]
    replace_array(path, where, np.ascontiguousarray(function(values)))
    assert_refused(path)


@pytest.mark.parametrize("shift", [-100, -1, 1, 100])
def test_codes_without_a_label_are_refused(shift, path, saved):
    path.write_bytes((saved / "named.nc").read_bytes())
    with h5py.File(path, "r+") as file:
        (codes,) = [item for item in file["stanhier_data"].values() if "labels" in item.attrs]
        codes[...] = codes[()] + shift
    assert_refused(path)


ODD = [None, True, -1, float("nan"), 10**400, "x", [1, 2], {"a": 1}]
KEYS = [
    *("format", "version", "model", "formula", "sigma", "se", "priors", "functions", "means", "stages"),
    *("seed", "max_treedepth", "cmdstan", "method", "pareto_k", "failed_chains"),
]


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("key", KEYS)
def test_descriptions_of_any_kind_give_a_fit_or_a_stanhier_error(key, path):
    with h5py.File(path) as file:
        description = json.loads(file.attrs["stanhier"])
    assert set(KEYS) == set(description)
    for odd in ODD:
        changed = copy.deepcopy(description)
        changed[key] = odd
        with h5py.File(path, "r+") as file:
            file.attrs["stanhier"] = json.dumps(changed)
        try:
            fit = sh.load(path)
        except sh.StanhierError:
            continue
        fit.diagnose()
        repr(fit)
        fit.predict(variants.frame()[:3])
    with h5py.File(path, "r+") as file:
        del changed[key]
        file.attrs["stanhier"] = json.dumps(changed)
    if key in ("version", "functions", "means", "failed_chains"):
        sh.load(path)
    else:
        assert_refused(path)


@pytest.mark.parametrize(
    "text", ["", "null", "3", "[]", "[1]", '"x"', "{", "[" * 100_000, '{"format": ' + "9" * 5000 + "}"]
)
def test_descriptions_that_are_none(text, path):
    with h5py.File(path, "r+") as file:
        del file.attrs["stanhier"]
        # Long text goes beyond what an attribute holds, unless it is compact.
        file.attrs.create("stanhier", text[:60_000])
    assert_refused(path)


@pytest.mark.parametrize("seed", range(30))
@pytest.mark.filterwarnings("ignore")
def test_bytes_at_random_give_a_fit_or_a_stanhier_error(seed, path):
    rng = np.random.default_rng(seed)
    contents = bytearray(path.read_bytes())
    if seed % 3 == 0:
        contents = contents[: rng.integers(len(contents))]
    else:
        for place in rng.integers(0, len(contents), 1 if seed % 3 == 1 else 200):
            contents[place] = rng.integers(256)
    path.write_bytes(contents)
    with contextlib.suppress(sh.StanhierError):
        assert np.isfinite(sh.load(path).draws.values["location"]).all()


@pytest.mark.parametrize(
    "formula",
    [
        "y ~ poly(x, 99999 + 99999) + (1 | g)",
        "y ~ bs(x, df=1000*1000) + (1 | g)",
        "y ~ C(x):C(y + 1):poly(x, 90) + (1 | g)",
        "y ~ " + "()" * 30_000 + " + (1 | g)",
        "y ~ " + " + ".join(f"I(x + {k})" for k in range(3000)) + " + (1 | g)",
        "y ~ x + (1 | " + "g" * 90_000 + ")",
        "y ~ " + "x" * 10**6,
    ],
)
def test_a_formula_in_a_file_is_held_to_its_size(formula, path):
    describe(path, lambda description: description.update(formula=formula))
    start = time.perf_counter()
    with pytest.raises(sh.StanhierError, match="damaged") as refusal:
        sh.load(path)
    assert time.perf_counter() - start < 5
    assert len(str(refusal.value)) < 4500


@pytest.mark.parametrize("path", [None, 3, [], b"fit.nc", {"path": "fit.nc"}, "a\0b", "", ".", "x" * 5000, "\ud800"])
def test_what_is_no_path_of_a_file_is_refused(path):
    with pytest.raises(sh.StanhierError, match=r"There is no file|needs the path of a file"):
        sh.load(path)


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
