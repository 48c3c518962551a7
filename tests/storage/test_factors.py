"""Fits with slopes that vary and several factors come back the same to the bit."""

import json

import h5py
import numpy as np
import pandas as pd
import pytest
import xarray as xr

import stanhier as sh
from tests.tools import variants
from tests.tools.fake_fit import fake_fit


def there_and_back(fit, tmp_path):
    fit.save(tmp_path / "fit.nc")
    return sh.load(tmp_path / "fit.nc")


def assert_same(loaded, fit):
    assert type(loaded.model) is sh.Model
    assert loaded.model.formula == fit.model.formula
    assert loaded.model.priors == fit.model.priors
    for name, values in fit.draws.values.items():
        np.testing.assert_array_equal(loaded.draws.values[name], values)
    assert loaded.idata.identical(fit.idata)
    assert str(loaded.diagnose()) == str(fit.diagnose())
    for one, other in zip(loaded.model.design.groupings, fit.model.design.groupings, strict=True):
        assert (one.name, one.effects, one.columns, one.blocks) == (
            other.name,
            other.effects,
            other.columns,
            other.blocks,
        )
        pd.testing.assert_index_equal(one.levels, other.levels, exact=False)
        pd.testing.assert_frame_equal(
            loaded.group_summary(one.name), fit.group_summary(one.name), check_exact=True, check_index_type=False
        )
    for key, value in fit.model.stan_data.items():
        np.testing.assert_array_equal(loaded.model.stan_data[key], value)


@pytest.mark.parametrize("name", list(variants.SEVERAL))
def test_every_structure_comes_back_to_the_bit(name, tmp_path):
    fit = fake_fit(variants.SEVERAL[name](), draws=40)
    loaded = there_and_back(fit, tmp_path)
    assert_same(loaded, fit)
    new = variants.several()[:9]
    pd.testing.assert_frame_equal(
        loaded.predict(new, kind="response"), fit.predict(new, kind="response"), check_exact=True
    )
    assert set(fit.draws.values) <= {"location", "sigma", "sd", "cor", "dense", "lambda"}


def test_priors_of_factors_come_back_as_they_were_given(tmp_path):
    priors = {"sd": {"school": {"x": sh.HalfNormal(3)}, "rater": sh.Exponential(2)}, "cor": {"school": sh.LKJ(3)}}
    model = sh.Model("y ~ x + (1 + x | school) + (1 | rater)", variants.several(), priors=priors)
    loaded = there_and_back(fake_fit(model, draws=30), tmp_path).model.priors
    assert loaded["sd"]["school"]["x"] == sh.HalfNormal(3)
    assert loaded["sd"]["rater"] == {"Intercept": sh.Exponential(2)}
    assert loaded["cor"] == {"school": sh.LKJ(3)}
    assert set(loaded["sd"]["school"]) == {"Intercept", "x"}


@pytest.mark.parametrize(
    "labels",
    [
        pd.Categorical(np.resize(["low", "mid", "high"], 160), categories=["low", "mid", "high"], ordered=True),
        pd.Timestamp("2024-02-27") + pd.to_timedelta(np.resize(np.arange(5), 160), unit="D"),
        np.resize([True, False], 160),
        np.resize(["a/b", "c d", "é 北"], 160),
    ],
    ids=["ordered", "dates", "booleans", "text"],
)
def test_combinations_of_labels_of_every_kind_come_back(labels, tmp_path):
    data = variants.several().assign(own=labels)
    fit = fake_fit(sh.Model("y ~ x + (1 | own:rater) + (0 + x | school)", data), draws=30)
    loaded = there_and_back(fit, tmp_path)
    assert_same(loaded, fit)
    pd.testing.assert_frame_equal(loaded.predict(data[:20]), fit.predict(data[:20]), check_exact=True)


@pytest.mark.parametrize("se", [None, "se"])
def test_rows_that_were_never_in_memory(se, tmp_path):
    data = variants.several()
    data.to_parquet(tmp_path / "rows.parquet")
    formula = "y ~ x + C(kind) + (1 + scale(z) | school / `class`) + (x || rater)"
    fit = fake_fit(sh.Model(formula, tmp_path / "rows.parquet", se=se), draws=40)
    loaded = there_and_back(fit, tmp_path)
    assert_same(loaded, fit)
    pd.testing.assert_frame_equal(loaded.predict(data[:9]), fit.predict(data[:9]), check_exact=True)


def test_a_fit_with_added_groups_comes_back(tmp_path):
    data = variants.several()
    fit = fake_fit(sh.Model("y ~ x + (1 + x | school)", data), draws=100)
    updated = fit.update_group(data.iloc[:5].assign(school="Neu"), reweight=False)
    loaded = there_and_back(updated, tmp_path)
    assert loaded.model.stages == (160, 165)
    assert_same(loaded, updated)


def changed(path, change):
    with h5py.File(path, "r+") as file:
        change(file)
    return path


def _beyond(file):
    file["stanhier_draws/cor"][0, 0, 0] = 1.5


def _negative(file):
    file["stanhier_draws/sd"][0, 0, 0] = -0.1


def _unknown_factor(file):
    described = json.loads(file.attrs["stanhier"])
    described["priors"]["cor"] = {"nobody": {"prior": "LKJ", "eta": 1.0}}
    file.attrs["stanhier"] = json.dumps(described)


def _wrong_kind(file):
    described = json.loads(file.attrs["stanhier"])
    described["priors"]["sd"]["school"]["x"] = {"prior": "LKJ", "eta": 1.0}
    file.attrs["stanhier"] = json.dumps(described)


def _of_another_class(file):
    described = json.loads(file.attrs["stanhier"])
    described["model"] = "VaryingIntercept"
    file.attrs["stanhier"] = json.dumps(described)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (_beyond, "draws of cor that are beyond 1"),
        (_negative, "draws of sd that are negative"),
        (_unknown_factor, "which is no factor of the formula"),
        (_wrong_kind, "PriorError"),
        (_of_another_class, "use Model"),
        (lambda file: file["stanhier_draws"].__delitem__("cor"), "draws of .* instead of"),
    ],
)
def test_what_is_no_fit_is_damage(change, words, tmp_path):
    fit = fake_fit(sh.Model("y ~ x + (1 + x | school)", variants.several()), draws=30)
    fit.save(tmp_path / "fit.nc")
    with xr.open_datatree(tmp_path / "fit.nc", engine="h5netcdf") as opened:
        opened.load().to_netcdf(tmp_path / "other.nc", engine="h5netcdf")  # without the checksum
    path = changed(tmp_path / "other.nc", change)
    with pytest.raises(sh.StanhierError, match=rf"other\.nc is damaged: .*{words}"):
        sh.load(path)


def _fewer_labels(file):
    stored = file["stanhier_compressed/labels_1"]
    labels = json.loads(stored[:].tobytes().decode())
    text = json.dumps({**labels, "values": labels["values"][:-1]}).encode()
    stored[:] = np.frombuffer(text.ljust(len(stored)), dtype=np.uint8)


def _other_columns(file):
    file["stanhier_compressed/columns"][1] = 1


def _other_blocks(file):
    del file["stanhier_compressed/blocks"], file["stanhier_compressed/n_blocks"]
    file["stanhier_compressed/blocks"] = [2, 1]
    file["stanhier_compressed/n_blocks"] = [1, 1]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (_fewer_labels, r"n_levels \[6, 5\] in place of \[6, 4\]"),
        (_other_columns, r"columns \[-1, 1, 1\] in place of \[-1, 0, 1\]"),
        (_other_blocks, r"blocks \[1, 1\] in place of \[2, 1\]"),
    ],
)
def test_rows_of_other_groups_or_effects_are_damage(change, words, tmp_path):
    variants.several().to_parquet(tmp_path / "rows.parquet")
    model = sh.Model("y ~ x + z + (x || school) + (0 + z | rater)", tmp_path / "rows.parquet")
    fake_fit(model, draws=30).save(tmp_path / "fit.nc")
    with xr.open_datatree(tmp_path / "fit.nc", engine="h5netcdf") as opened:
        opened.load().to_netcdf(tmp_path / "other.nc", engine="h5netcdf")
    path = changed(tmp_path / "other.nc", change)
    with pytest.raises(sh.StanhierError, match=rf"other\.nc is damaged: .*{words}"):
        sh.load(path)
