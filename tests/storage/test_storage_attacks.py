"""Files that somebody has prepared: loading one gives a fit or a StanhierError, and executes nothing."""

import contextlib
import copy
import json
import pickle
import time

import h5py
import numpy as np
import pytest

import stanhier as sh
from tests.tools import variants
from tests.tools.damaged_files import assert_refused, describe

pytestmark = pytest.mark.alone

TRACE = "trace"


class Bomb:
    """Leaves a trace when it is unpickled."""

    def __init__(self, folder):
        self.folder = folder

    def __reduce__(self):
        import os

        return os.mkdir, (str(self.folder / TRACE),)


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
    *("engine", "family", "offset", "trials", "weights", "left_out", "nu"),
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
    later = ("functions", "means", "failed_chains", "engine", "family", "offset", "trials", "weights", "left_out", "nu")
    if key in ("version", *later):
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
    with h5py.File(path, "r+"):
        pass  # HDF5 cuts the checksum off: without it the bytes are read
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
    with pytest.raises(sh.StanhierError, match=r"There is no file|needs the path of a file|is a folder instead"):
        sh.load(path)
