"""Effects that no group tells apart are found, by the triangles of groups and by the columns of other factors."""

import numpy as np
import pandas as pd
import polars as pl
import pytest

import stanhier as sh


def frame(n=240):
    rng = np.random.default_rng(8)
    x = rng.standard_normal(n)
    groups = {name: rng.permutation(np.arange(n) % size) for name, size in (("many", 30), ("few", 6))}
    columns = {"y": rng.standard_normal(n), "x": x, "w": 3 * x - 2, "z": rng.standard_normal(n), "u": x + 1e-6 * x**2}
    return pd.DataFrame({**columns, **groups, "kind": rng.choice(list("abc"), n)})


@pytest.mark.parametrize("factor", ["many", "few"])
@pytest.mark.parametrize("se", [None, "half"])
def test_a_combination_is_named(factor, se):
    data = frame().assign(half=np.linspace(0.5, 0.6, 240))
    other = "few" if factor == "many" else "many"
    with pytest.raises(
        sh.DataError, match=f"varies by '{factor}', 'w' is in every row a combination of 'Intercept', 'x'"
    ):
        sh.Model(f"y ~ x + (x + z + w | {factor}) + (1 | {other})", data, se=se)
    with pytest.raises(sh.DataError, match=rf"varies by '{factor}', 'kind\[c\]' is in every row a combination of"):
        sh.Model(f"y ~ x + (1 | {factor}) + (0 + kind | {factor}) + (1 | {other})", data, se=se)


@pytest.mark.filterwarnings("ignore::stanhier.PriorWarning")
@pytest.mark.parametrize("factor", ["many", "few"])
def test_what_differs_a_little_or_lies_far_from_0_is_told_apart(factor):
    other = "few" if factor == "many" else "many"
    data = frame()
    for effects in ("x + u", "x + z", "0 + x + w", "x + kind", "far", "0 + kind"):
        model = sh.Model(f"y ~ x + ({effects} | {factor}) + (1 | {other})", data.assign(far=1e9 + data["z"]))
        assert model.design.groupings[0].name == factor


def test_rows_in_blocks_are_refused_alike(tmp_path):
    frame().to_parquet(tmp_path / "rows.parquet", row_group_size=50)
    with pytest.raises(sh.DataError, match="'w' is in every row a combination of 'Intercept', 'x'"):
        sh.Model("y ~ x + (x + w | few)", tmp_path / "rows.parquet")


@pytest.mark.parametrize("lazy", [False, True], ids=["memory", "blocks"])
@pytest.mark.parametrize("factor", ["many", "few"])
def test_other_families_refuse_the_same(factor, lazy):
    data = frame().assign(y=np.arange(240) % 4)
    source = pl.DataFrame(data).lazy() if lazy else data
    with pytest.raises(sh.DataError, match=f"varies by '{factor}', 'w' is in every row a combination of 'Intercept'"):
        sh.Model(f"y ~ x + (x + z + w | {factor}) + (1 | kind)", source, family="poisson")
    sh.Model(f"y ~ x + (x + z + u | {factor}) + (1 | kind)", source, family="poisson")


def test_effects_that_are_sampled_are_refused_alike():
    data = pd.concat([frame()] * 8, ignore_index=True).assign(a=lambda d: d.index % 500, b=lambda d: d.index % 450)
    with pytest.raises(sh.DataError, match="varies by 'a', 'w' is in every row a combination of 'Intercept', 'x'"):
        sh.Model("y ~ x + (x + w | a) + (1 | b)", data)
    gamma = {"sd": sh.Gamma(2, 1)}
    with pytest.raises(sh.DataError, match="varies by 'few', 'w' is in every row a combination of 'Intercept', 'x'"):
        sh.Model("y ~ x + (x + w | few)", frame(), priors=gamma)


@pytest.mark.parametrize("lazy", [False, True], ids=["memory", "blocks"])
@pytest.mark.parametrize("family", ["gaussian", "poisson"])
def test_factors_of_the_same_groups_are_refused(family, lazy):
    data = frame().assign(one="a")
    if family == "poisson":
        data["y"] = np.arange(240) % 4
    source = pl.DataFrame(data).lazy() if lazy else data
    with pytest.raises(sh.DataError, match="'few' and 'few:one' put all rows into the same 6 groups, and 'Intercept'"):
        sh.Model("y ~ x + (1 | few / one)", source, family=family)
    sh.Model("y ~ x + (1 | few) + (0 + x | few:one)", source, family=family)
    sh.Model("y ~ x + (1 | few / kind)", source, family=family)


def test_groups_of_other_names_are_the_same():
    data = frame().assign(other=lambda d: "s" + (100 - d["few"]).astype(str))
    with pytest.raises(sh.DataError, match="'x' varies by both"):
        sh.Model("y ~ x + (0 + x | few) + (x | other)", data)
    data.loc[3, "other"] = data.loc[4, "other"]
    sh.Model("y ~ x + (0 + x | few) + (x | other)", data)
