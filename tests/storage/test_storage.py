"""Saved fits come back the same to the bit, and files that are no fits are refused with a reason."""

import json
import os
import pickle
import stat
from contextlib import suppress

import h5py
import numpy as np
import pandas as pd
import pytest
import xarray as xr

import stanhier as sh
from stanhier.storage import netcdf as storage
from stanhier.storage.labels import labels_to_json
from tests.tools import variants
from tests.tools.fake_fit import fake_fit


def there_and_back(fit, tmp_path):
    fit.save(tmp_path / "fit.nc")
    return sh.load(tmp_path / "fit.nc")


def assert_same(loaded, fit):
    assert type(loaded.model) is type(fit.model)
    assert loaded.model.formula == fit.model.formula
    assert loaded.model.priors == fit.model.priors
    assert loaded.model.design.predictors == fit.model.design.predictors
    assert list(loaded.draws.values) == list(fit.draws.values)
    for name, values in fit.draws.values.items():
        np.testing.assert_array_equal(loaded.draws.values[name], values)
    for name, values in fit.draws.statistics.items():
        assert loaded.draws.statistics[name].dtype == values.dtype
        np.testing.assert_array_equal(loaded.draws.statistics[name], values)
    assert (loaded.draws.seed, loaded.draws.max_treedepth) == (fit.draws.seed, fit.draws.max_treedepth)
    assert loaded.idata.identical(fit.idata)
    assert str(loaded.diagnose()) == str(fit.diagnose())


def grouped(labels, *, name="g"):
    data = variants.frame().rename(columns={"g": name})
    data[name] = labels
    quoted = name if name.isidentifier() else f"`{name}`"
    return fake_fit(sh.VaryingIntercept(f"y ~ x + (1 | {quoted})", data)), data


@pytest.mark.filterwarnings("ignore::stanhier.SamplingWarning")
@pytest.mark.parametrize("name", list(variants.ALL))
def test_every_kind_of_model_comes_back_to_the_bit(name, tmp_path):
    fit = fake_fit(variants.ALL[name]())
    loaded = there_and_back(fit, tmp_path)
    assert_same(loaded, fit)
    if fit.model.design.group is not None and fit.model.design.group.name == "school":
        new = variants.schools()
    else:
        new = variants.weighted()
        if name in ("varying, groups of one", "varying, two groups"):
            new = new.assign(g=np.arange(80) // (1 if "one" in name else 40))
    pd.testing.assert_frame_equal(
        loaded.predict(new, kind="response"), fit.predict(new, kind="response"), check_exact=True
    )
    one, other = loaded.loo(), fit.loo()
    np.testing.assert_array_equal(one.elpd_i, other.elpd_i)
    np.testing.assert_array_equal(one.pareto_k, other.pareto_k)
    replicated = (f.posterior_predictive(20)["posterior_predictive"]["y"] for f in (loaded, fit))
    np.testing.assert_array_equal(*replicated)
    for key, value in fit.model.stan_data.items():
        np.testing.assert_array_equal(loaded.model.stan_data[key], value)


NINE = np.arange(80) % 9
DAYS = pd.Timestamp("2024-02-27") + pd.to_timedelta(NINE, unit="D")
LABELS = {
    "integers": NINE,
    "floats": NINE.astype(float),
    "booleans": NINE > 3,
    "text": [f"a/b \"c\" '{k}' é 北" for k in NINE],
    "text without names": [["", " ", "\t", ".", "..", "/", "\\", "None", "nan"][k] for k in NINE],
    "ordered categories": pd.Categorical(
        [["low", "mid", "high"][k % 3] for k in NINE], categories=["low", "mid", "high"], ordered=True
    ),
    "categories not in order": pd.Categorical([f"c{k}" for k in NINE], categories=[f"c{k}" for k in (8, *range(8))]),
    "categories that do not occur": pd.Categorical(NINE % 4, categories=range(9)),
    "integer categories": pd.Categorical(NINE, categories=[8, 7, 6, 5, 4, 3, 2, 1, 0]),
    "boolean categories": pd.Categorical(NINE > 3, categories=[True, False]),
    "intervals": pd.cut(NINE, [-1, 2, 5, 9]),
    "dates": DAYS,
    "dates with a zone": DAYS.tz_localize("Europe/Vienna"),
    "dates as categories": pd.Categorical(DAYS),
    "nullable integers": pd.array(NINE, dtype="Int64"),
    "nullable booleans": pd.array(NINE > 3, dtype="boolean"),
}


@pytest.mark.versions
@pytest.mark.parametrize("kind", list(LABELS))
def test_groups_of_every_kind_come_back(kind, tmp_path):
    fit, data = grouped(LABELS[kind])
    loaded = there_and_back(fit, tmp_path)
    assert_same(loaded, fit)
    pd.testing.assert_index_equal(loaded.model.design.group.levels, fit.model.design.group.levels, exact=False)
    pd.testing.assert_frame_equal(loaded.predict(data), fit.predict(data), check_exact=True)


def test_labels_that_a_file_cannot_hold_are_refused():
    with pytest.raises(sh.StanhierError, match=r"column 'g' has labels of type tuple \(such as \(0, 'a'\)\)"):
        labels_to_json(pd.Index([(0, "a"), (1, "a")], tupleize_cols=False), "g")


@pytest.mark.parametrize(
    "name", ["a/b", "a b", "é 北", 'say "hi"', "it's", "sample", "draw", "x y/z", "..", "-", "alpha", "group", "row"]
)
def test_columns_of_any_name_come_back(name, tmp_path):
    fit, data = grouped(NINE, name=name)
    loaded = there_and_back(fit, tmp_path)
    assert_same(loaded, fit)
    pd.testing.assert_frame_equal(loaded.predict(data), fit.predict(data), check_exact=True)


def test_predictors_of_any_kind_and_name_come_back(tmp_path):
    data = variants.frame().assign(
        **{"a/b": 1.5, 'odd "name"': LABELS["ordered categories"], "flag": NINE > 3, "n": NINE}
    )
    data["a/b"] = np.arange(80.0)
    formula = 'y ~ scale(x) + center(z) + `a/b` + `odd "name"` + flag + poly(n, 2) + flag:n'
    fit = fake_fit(sh.LinearRegression(formula, data))
    loaded = there_and_back(fit, tmp_path)
    assert_same(loaded, fit)
    pd.testing.assert_frame_equal(loaded.predict(data[5:9]), fit.predict(data[5:9]), check_exact=True)


def test_standard_errors_without_a_name_come_back(tmp_path):
    data = variants.frame()
    fit = fake_fit(sh.LinearRegression("y ~ x", data, se=data["se"].to_numpy()))
    assert_same(there_and_back(fit, tmp_path), fit)


def test_replicated_data_come_back(tmp_path):
    fit, _ = grouped(NINE)
    fit.posterior_predictive(10, seed=4)
    loaded = there_and_back(fit, tmp_path)
    assert loaded.idata["posterior_predictive"].identical(fit.idata["posterior_predictive"])


@pytest.mark.parametrize(
    "labels", [NINE, LABELS["text"], LABELS["integer categories"]], ids=["int", "text", "category"]
)
def test_a_fit_with_added_groups_comes_back(labels, tmp_path):
    fit, data = grouped(labels)
    kind = "new" if isinstance(labels, list) else 50
    first = data.iloc[:3].assign(g=kind, x=[5.0, 6.0, 7.0])
    second = data.iloc[:2].assign(g="newer" if isinstance(labels, list) else 51)
    updated = fit.update_group(first, reweight=False).update_group(second, reweight=False)
    loaded = there_and_back(updated, tmp_path)
    assert loaded.model.stages == (80, 83, 85)
    assert_same(loaded, updated)
    new = pd.concat([data.astype({"g": object}), first, second])
    pd.testing.assert_frame_equal(loaded.predict(new), updated.predict(new), check_exact=True)
    for key, value in updated.model.stan_data.items():
        np.testing.assert_array_equal(loaded.model.stan_data[key], value)


def test_the_file_can_be_saved_again_to_the_same_contents(tmp_path):
    fit, _ = grouped(NINE)
    loaded = there_and_back(fit, tmp_path)
    loaded.save(tmp_path / "again.nc")
    with xr.open_datatree(tmp_path / "fit.nc") as one, xr.open_datatree(tmp_path / "again.nc") as other:
        assert one.identical(other)


def test_other_programs_read_the_file(tmp_path):
    import arviz as az

    fit, _ = grouped(NINE)
    fit.save(tmp_path / "fit.nc")
    tree = az.from_netcdf(tmp_path / "fit.nc")
    np.testing.assert_array_equal(tree["posterior"]["mu_alpha"], fit.posterior["mu_alpha"])
    assert b"stanhier" in (tmp_path / "fit.nc").read_bytes()


@pytest.mark.parametrize("share", [0.0, 0.01, 0.3, 0.7, 0.99])
def test_a_truncated_file_is_damaged(share, tmp_path):
    fit, _ = grouped(NINE)
    path = tmp_path / "fit.nc"
    fit.save(path)
    contents = path.read_bytes()
    path.write_bytes(contents[: int(share * len(contents))])
    with pytest.raises(sh.StanhierError, match=r"fit\.nc is not a netCDF file, or it is damaged"):
        sh.load(path)


def test_a_file_of_another_program_says_so(tmp_path):
    xr.Dataset({"a": ("b", [1.0])}).to_netcdf(tmp_path / "other.nc", engine="h5netcdf")
    with pytest.raises(sh.StanhierError, match=r"other\.nc was not written by stanhier; arviz\.from_netcdf may read"):
        sh.load(tmp_path / "other.nc")
    (tmp_path / "text.nc").write_text("a,b\n1,2\n")
    with pytest.raises(sh.StanhierError, match=r"text\.nc is not a netCDF file"):
        sh.load(tmp_path / "text.nc")
    with pytest.raises(sh.StanhierError, match=r"There is no file .*none\.nc"):
        sh.load(tmp_path / "none.nc")
    with pytest.raises(sh.StanhierError, match=r"is a folder instead of a file that Fit\.save wrote"):
        sh.load(tmp_path)


def test_nothing_is_unpickled(tmp_path):
    """A pickle that would leave a trace when it is loaded, under the name of a fit."""

    class Trace:
        def __reduce__(self):
            return os.mkdir, (str(tmp_path / "trace"),)

    (tmp_path / "fit.nc").write_bytes(pickle.dumps(Trace()))
    with pytest.raises(sh.StanhierError, match="not a netCDF file"):
        sh.load(tmp_path / "fit.nc")
    assert not (tmp_path / "trace").exists()
    fit, _ = grouped(LABELS["text"])
    fit.save(tmp_path / "real.nc")
    kinds = []
    with h5py.File(tmp_path / "real.nc") as file:
        file.visititems(lambda _, item: kinds.append(item.dtype) if isinstance(item, h5py.Dataset) else None)
    assert kinds
    assert all(kind.kind in "iuf" or h5py.check_string_dtype(kind) is not None for kind in kinds)


def rewrite(path, change):
    with xr.open_datatree(path, engine="h5netcdf") as opened:
        tree = opened.load()
    description = json.loads(tree.attrs["stanhier"])
    change(tree, description)
    tree.attrs["stanhier"] = json.dumps(description)
    tree.to_netcdf(path, engine="h5netcdf")


def test_a_newer_format_asks_for_an_upgrade(tmp_path):
    fit, _ = grouped(NINE)
    fit.save(tmp_path / "fit.nc")
    rewrite(
        tmp_path / "fit.nc", lambda _, d: d.update(format=storage.FORMAT + 1, version="7.0", model="CrossedEffects")
    )
    with pytest.raises(sh.StanhierError, match=r"written by stanhier 7\.0, in a newer format.*pip install --upgrade"):
        sh.load(tmp_path / "fit.nc")


@pytest.mark.parametrize(
    "change",
    [
        lambda _, d: d.pop("formula"),
        lambda _, d: d.update(model="Nothing"),
        lambda _, d: d.update(priors={"sigma": {"prior": "os.system", "command": "true"}}),
        lambda tree, _: tree.__delitem__("stanhier_draws"),
        lambda tree, _: tree.__delitem__("stanhier_data"),
        lambda _, d: d.update(stages="all"),
    ],
)
def test_missing_parts_are_damage(change, tmp_path):
    fit, _ = grouped(NINE)
    fit.save(tmp_path / "fit.nc")
    rewrite(tmp_path / "fit.nc", change)
    with pytest.raises(sh.StanhierError, match=r"fit\.nc is damaged: \w+: "):
        sh.load(tmp_path / "fit.nc")


@pytest.mark.parametrize("room", [0, 5_000, 40_000])
def test_a_full_disk_leaves_the_old_file(small_disk, room):
    """HDF5 ends the process where it cannot close a file, so that only bytes may meet the disk."""
    fit, _ = grouped(NINE)
    path = small_disk / "fit.nc"
    fit.save(path)
    before = path.read_bytes()
    rest = small_disk / "rest"
    with suppress(OSError), rest.open("wb", buffering=0) as file:
        while True:
            file.write(bytes(4096))
    os.truncate(rest, max(rest.stat().st_size - room, 0))
    with pytest.raises(sh.StanhierError, match=r"cannot be saved as .*fit\.nc: .*No space left on device"):
        fit.save(path)
    assert path.read_bytes() == before
    assert sorted(small_disk.iterdir()) == [path, rest]


def test_a_folder_that_is_not_there_is_named(tmp_path):
    fit, _ = grouped(NINE)
    with pytest.raises(sh.StanhierError, match=r"cannot be saved as .*nowhere.fit\.nc"):
        fit.save(tmp_path / "nowhere" / "fit.nc")


def test_saving_leaves_the_fit_alone_and_others_may_read_the_file(tmp_path):
    fit, _ = grouped(NINE)
    groups = set(fit.idata.children)
    fit.save(tmp_path / "fit.nc")
    assert set(fit.idata.children) == groups
    assert "stanhier" not in fit.idata.attrs
    mask = os.umask(0)
    os.umask(mask)
    assert stat.S_IMODE((tmp_path / "fit.nc").stat().st_mode) == 0o666 & ~mask
