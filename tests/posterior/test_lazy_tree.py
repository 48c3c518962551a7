"""Trees that have more groups than they list."""

import copy
import gc
import pickle
import weakref

import numpy as np
import pytest
import xarray as xr

from stanhier.posterior.lazy_tree import LazyGroups, Recipe, lazy_tree
from tests.tools import variants
from tests.tools.fake_fit import fake_fit


@pytest.fixture
def fit():
    return fake_fit(variants.LINEAR["default"]())


@pytest.fixture
def made():
    """The names of the groups that were made, in order."""
    return []


@pytest.fixture
def plain():
    dataset = xr.Dataset({"a": ("draw", np.arange(3.0))}, attrs={"of": "group"})
    return xr.DataTree.from_dict({"/": xr.Dataset(attrs={"of": "root"}), "posterior": dataset})


@pytest.fixture
def tree(plain, made, fit):
    def recipe(name, lack=None):
        def make(model, draws):
            assert (model, draws) == (fit.model, fit.draws)
            made.append(name)
            return xr.Dataset({name: ("draw", np.ones(3))})

        return Recipe(lambda *_: lack, make)

    recipes = {"more": recipe("more"), "never": recipe("never", "it cannot be.")}
    return lazy_tree(plain.copy(), LazyGroups(fit.model, fit.draws, recipes))


def test_a_tree_can_be_made_of_datasets(plain, fit):
    groups = LazyGroups(fit.model, fit.draws, {})
    plain.attrs = {}
    assert lazy_tree({"posterior": plain["posterior"].to_dataset()}, groups).identical(plain)


def test_a_group_is_made_once_when_asked_for(tree, made):
    assert "more" in tree
    assert "more" in tree.children
    assert made == []
    assert tree.more["more"].size == 3
    assert tree["more"] is tree.more
    assert tree.get("more") is tree.children["more"]
    assert tree["more/more"].size == tree["/more/more"].size == 3
    assert made == ["more"]


def test_other_names_are_missing_as_in_any_tree(tree):
    for name in ("other", "never"):
        assert name not in tree
        assert name not in tree.children
        assert not hasattr(tree, name)
        assert tree.get(name) is None
    with pytest.raises(KeyError, match="Could not find node at other"):
        tree["other"]
    with pytest.raises(AttributeError, match="has no attribute 'other'"):
        tree.other  # noqa: B018
    with pytest.raises(KeyError, match="idata has no group 'never': it cannot be"):
        tree["never"]
    with pytest.raises(AttributeError, match="idata has no group 'never': it cannot be"):
        tree.never  # noqa: B018


@pytest.mark.parametrize("asked", [False, True])
def test_whatever_goes_over_all_groups_finds_those_listed(tree, plain, made, asked, tmp_path):
    if asked:
        assert tree["more"].data_vars
    made.clear()
    assert repr(tree) == repr(plain)
    assert tree._repr_html_().count("more") == plain._repr_html_().count("more")
    assert tree.identical(plain)
    assert plain.identical(tree)
    assert list(tree) == list(tree.children) == list(tree.children.keys()) == ["posterior"]
    assert len(tree.children) == len(tree) == 1
    assert tree.groups == plain.groups
    assert tree.attrs == plain.attrs
    assert tree.nbytes == plain.nbytes
    assert tree.sel(draw=[0]).identical(plain.sel(draw=[0]))
    assert tree.map_over_datasets(lambda x: 2 * x).identical(plain.map_over_datasets(lambda x: 2 * x))
    assert (tree + 1).identical(plain + 1)
    assert tree.mean("draw").identical(plain.mean("draw"))
    tree.to_netcdf(tmp_path / "tree.nc", engine="h5netcdf")
    xr.testing.assert_identical(xr.load_datatree(tmp_path / "tree.nc", engine="h5netcdf"), plain)
    assert made == []


@pytest.mark.parametrize(
    "copied",
    [copy.copy, copy.deepcopy, lambda t: t.copy(), lambda t: t.copy(deep=True), lambda t: t.assign(b=xr.DataArray(1))],
)
def test_copies_have_the_same_groups(tree, made, copied):
    other = copied(tree)
    assert list(other.children) == ["posterior"]
    assert made == []
    assert other["more"] is tree["more"]
    assert made == ["more"]


def test_a_copy_can_be_changed_alone(tree, plain):
    other = tree.copy()
    other["more"] = xr.DataTree(xr.Dataset({"mine": 1}))
    other["posterior/b"] = 2
    del other["posterior"]["a"]
    assert list(other.children) == ["posterior", "more"]
    assert list(other["more"].data_vars) == ["mine"]
    assert list(tree["more"].data_vars) == ["more"]
    assert tree.identical(plain)
    other.update({"further": xr.DataTree(xr.Dataset({"c": 1}))})
    del other["posterior"]
    assert list(other.children) == ["more", "further"]
    other.children = {}
    assert list(other.children) == []


def test_a_pickle_holds_what_is_listed(tree, plain):
    before = pickle.dumps(plain)
    assert tree["more"].data_vars
    after = pickle.dumps(tree)
    assert len(after) < 2 * len(before)
    again = pickle.loads(after)
    assert type(again) is xr.DataTree
    assert again.identical(plain)


def test_a_pickled_fit_makes_its_groups_again(fit):
    size = len(pickle.dumps(fit))
    assert fit.idata["log_likelihood"].data_vars
    assert fit.idata.children.keys() >= {"posterior", "sample_stats"}
    whole = pickle.dumps(fit)
    again = pickle.loads(whole)
    assert again.idata.identical(fit.idata)
    np.testing.assert_array_equal(again.idata["log_likelihood"]["y"], fit.idata["log_likelihood"]["y"])
    assert again.idata["log_likelihood"] is not fit.idata["log_likelihood"]
    assert size < len(whole)
    assert copy.deepcopy(fit).idata["log_likelihood"].identical(fit.idata["log_likelihood"])


def test_a_tree_is_gone_with_its_fit():
    """The groups and the fit are in no circle, so memory is free at once."""
    fit = fake_fit(variants.LINEAR["default"]())
    assert fit.idata["log_likelihood"].data_vars
    gone = weakref.ref(fit)
    gc.disable()
    try:
        del fit
        assert gone() is None
    finally:
        gc.enable()
