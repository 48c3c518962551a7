"""The inventory of models with several factors: names, dimensions, and the numbers behind them."""

import numpy as np
import pandas as pd
import pytest

from stanhier.engines.parameters import Role, correlated_pairs, inventory_of
from stanhier.engines.term_parameters import factors_as_written, inventory_of_terms
from stanhier.formula.parse import parse
from tests.tools.factors import factor


def listed(*factors, predictors=("days",), has_intercept=True, sigma=True):
    return inventory_of_terms(predictors, has_intercept=has_intercept, factors=factors, sigma_is_estimated=sigma)


def test_the_order_is_that_of_tables():
    inventory = listed(factor("a", "Intercept days"), factor("a:b"))
    names = ["alpha", "sd_a", "cor_a", "sd_a:b", "beta", "sigma", "effect_a", "effect_a:b"]
    assert [parameter.name for parameter in inventory] == names
    assert inventory.population == names[:-2]
    assert [parameter.name for parameter in inventory.scales] == ["sd_a", "sd_a:b", "sigma"]
    assert [parameter.name for parameter in inventory.location] == ["alpha", "beta"]
    assert [(p.term, p.factor) for p in inventory.all_of(Role.GROUP_SD)] == [(0, "a"), (1, "a:b")]


def test_what_is_known_or_not_there_is_not_listed():
    inventory = listed(factor("a", "days"), predictors=(), has_intercept=False, sigma=False)
    assert [parameter.name for parameter in inventory] == ["sd_a", "effect_a"]
    assert [parameter.name for parameter in listed()] == ["alpha", "beta", "sigma"]


def test_numbers_are_named_as_tables_have_them():
    inventory = listed(factor("a", "Intercept days x"), predictors=("days", "x"))
    assert inventory["alpha"].scalar_names == ["alpha"]
    assert inventory["beta"].scalar_names == ["beta[days]", "beta[x]"]
    assert inventory["sd_a"].scalar_names == ["sd_a[Intercept]", "sd_a[days]", "sd_a[x]"]
    assert inventory["cor_a"].scalar_names == ["cor_a[Intercept, days]", "cor_a[Intercept, x]", "cor_a[days, x]"]
    assert inventory["effect_a"].scalar_names[:4] == [
        "effect_a[a0, Intercept]",
        "effect_a[a0, days]",
        "effect_a[a0, x]",
        "effect_a[a1, Intercept]",
    ]
    assert [len(parameter.scalar_names) for parameter in inventory] == [parameter.size for parameter in inventory]


def test_effects_of_different_blocks_have_no_correlation():
    (cor,) = listed(factor("a", "Intercept u v w", blocks=(2, 2))).all_of(Role.GROUP_COR)
    assert cor.scalar_names == ["cor_a[Intercept, u]", "cor_a[v, w]"]
    assert cor.shape == (4, 4)
    assert cor.size == 2
    assert listed(factor("a", "Intercept u", blocks=(1, 1))).of(Role.GROUP_COR) is None


def test_pairs_stand_row_by_row_of_the_lower_triangle():
    assert correlated_pairs((4,)) == [(0, 1), (0, 2), (1, 2), (0, 3), (1, 3), (2, 3)]
    assert correlated_pairs((1, 3, 1)) == [(1, 2), (1, 3), (2, 3)]
    assert correlated_pairs(()) == []


def test_numbers_are_taken_from_arrays_in_the_order_of_their_names():
    inventory = listed(factor("a", "Intercept u v", blocks=(1, 2)))
    matrices = np.arange(2 * 9).reshape(2, 3, 3)
    np.testing.assert_array_equal(inventory["cor_a"].scalars(matrices), [[5], [14]])
    effects = np.arange(2 * 9).reshape(1, 2, 3, 3)
    np.testing.assert_array_equal(inventory["effect_a"].scalars(effects), np.arange(18).reshape(1, 2, 9))
    np.testing.assert_array_equal(inventory["sigma"].scalars(np.ones((4, 5))), np.ones((4, 5, 1)))


def test_one_dimension_holds_the_effects_of_one_factor_and_those_of_factors_with_intercepts_alone():
    inventory = listed(factor("a", "Intercept u"))
    assert inventory["sd_a"].dims == ("effect",)
    assert inventory["cor_a"].dims == ("effect", "effect_other")
    assert inventory["effect_a"].dims == ("a", "effect")
    inventory = listed(factor("a"), factor("b"))
    assert {inventory[name].dims for name in ("sd_a", "sd_b")} == {("effect",)}
    assert inventory["effect_b"].dims == ("b", "effect")


def test_several_factors_with_several_effects_have_dimensions_of_their_own():
    inventory = listed(factor("a", "Intercept u"), factor("b", "Intercept u"))
    assert inventory["effect_a"].dims == ("a", "effect_of_a")
    assert inventory["cor_b"].dims == ("effect_of_b", "effect_of_b_other")


def test_factors_of_different_effects_have_dimensions_of_their_own():
    inventory = listed(factor("a", "Intercept u"), factor("b"))
    assert inventory["sd_a"].dims == ("effect_of_a",)
    assert inventory["cor_a"].dims == ("effect_of_a", "effect_of_a_other")
    assert inventory["effect_b"].dims == ("b", "effect_of_b")


@pytest.mark.parametrize(
    "factors",
    [
        [factor("x", "Intercept u"), factor("sd_x"), factor("effect_x", "v")],
        [factor("sd_x"), factor("x", "Intercept u"), factor("effect_of_x")],
        [factor("a/b"), factor("a_b", "u"), factor("a:b", "Intercept v")],
        [factor("effect"), factor("effect_other", "u v"), factor("of_effect")],
        [factor("predictor"), factor("sigma"), factor("alpha"), factor("beta", "Intercept beta")],
        [factor("x"), factor("x_2"), factor("sd_x", "u v")],
    ],
    ids=lambda factors: "+".join(one.name for one in factors),
)
def test_whatever_factors_are_called_a_posterior_can_be_made_and_kept(factors, tmp_path):
    import xarray as xr

    inventory = listed(*factors)
    names = [parameter.name for parameter in inventory]
    assert len(set(names)) == len(names)
    variables, coords = {}, {}
    for parameter in inventory:
        variables[parameter.name] = (("chain", "draw", *parameter.dims), np.ones((1, 2, *parameter.shape)))
        for dim, labels in zip(parameter.dims, parameter.coords, strict=True):
            assert list(coords.setdefault(dim, labels)) == list(labels)
            coords[dim] = labels
    assert not set(coords) & set(variables)
    tree = xr.DataTree.from_dict({"posterior": xr.Dataset(variables, {k: list(v) for k, v in coords.items()})})
    tree.to_netcdf(tmp_path / "kept.nc", engine="h5netcdf")
    with xr.open_datatree(tmp_path / "kept.nc", engine="h5netcdf") as kept:
        assert set(kept["posterior"].data_vars) == set(names)
        for parameter in inventory:
            assert kept["posterior"][parameter.name].dims == ("chain", "draw", *parameter.dims)


def test_names_of_the_numbers_are_those_of_arviz():
    import arviz_base as az
    import xarray as xr

    inventory = listed(factor("a", "Intercept days x"), factor("b"), predictors=("days", "x"))
    variables = {p.name: (("chain", "draw", *p.dims), np.ones((1, 2, *p.shape))) for p in inventory}
    coords = {dim: list(labels) for p in inventory for dim, labels in zip(p.dims, p.coords, strict=True)}
    dataset = xr.Dataset(variables, coords)
    labeller = az.labels.BaseLabeller()
    named = {
        labeller.make_label_flat(name, selection, positions)
        for name, selection, positions in az.xarray_sel_iter(dataset, skip_dims={"chain", "draw"})
    }
    assert {name for parameter in inventory for name in parameter.scalar_names} <= named


def test_several_parameters_of_a_role_are_told_apart_by_factor():
    inventory = listed(factor("a"), factor("b"))
    assert inventory.of(Role.GROUP_SD, 1).name == "sd_b"
    assert inventory.of(Role.GROUP_SD, 2) is None
    with pytest.raises(ValueError, match="2 parameters are the standard deviation"):
        inventory.of(Role.GROUP_SD)


def test_one_intercept_is_listed_as_ever():
    inventory = inventory_of(["x"], has_intercept=True, group=("g", pd.Index(["u", "v"])), sigma_is_estimated=True)
    assert [p.name for p in inventory] == ["mu_alpha", "sigma_alpha", "beta", "sigma", "alpha"]
    assert (inventory["alpha"].dim, list(inventory["alpha"].labels)) == ("g", ["u", "v"])
    assert (inventory["sigma"].dim, inventory["sigma"].labels, inventory["sigma"].size) == (None, None, 1)
    assert inventory["alpha"].term is None


@pytest.mark.parametrize(
    ("terms", "names", "correlated"),
    [
        ("(1 | g)", ["g"], []),
        ("(1 + x | g)", ["g"], ["g"]),
        ("(x || g)", ["g"], []),
        ("(1 | g) + (0 + C(k) | g)", ["g"], ["g"]),
        ("(x | a / b) + (1 | g)", ["a", "a:b", "g"], ["a", "a:b"]),
    ],
)
def test_a_formula_alone_tells_factors_and_where_there_may_be_correlations(terms, names, correlated):
    factors = factors_as_written(parse(f"y ~ x + {terms}").terms)
    inventory = inventory_of_terms(["x"], has_intercept=True, factors=factors, sigma_is_estimated=True)
    assert [parameter.factor for parameter in inventory.all_of(Role.GROUP_SD)] == names
    assert [parameter.factor for parameter in inventory.all_of(Role.GROUP_COR)] == correlated
