"""Draws as one table: the names and numbers of the posterior, whatever the model."""

import numpy as np
import pandas as pd
import pytest

import stanhier as sh
from stanhier.posterior import labelled
from tests.tools import variants
from tests.tools.fake_fit import fake_fit
from tests.tools.family_fits import ARGUMENTS, fit, model

MODELS = {
    **{f"linear, {name}": variants.LINEAR[name] for name in ("default", "known se", "no intercept", "no predictors")},
    **{f"varying, {name}": variants.VARYING[name] for name in ("default", "fixed sigma", "known se")},
    **variants.SEVERAL,
    "dates": lambda: sh.VaryingIntercept("y ~ x + (1 | g)", dated()),
    "booleans": lambda: sh.Model("y ~ x + (1 | g)", variants.frame().assign(g=np.arange(80) % 2 == 0)),
}


def dated():
    data = variants.frame()
    return data.assign(g=pd.Timestamp("2020-01-01") + pd.to_timedelta(data["g"], unit="D"))


def made(name, draws=12):
    return fake_fit(MODELS[name](), chains=2, draws=draws)


@pytest.mark.filterwarnings("ignore")  # of ArviZ's on so few draws
@pytest.mark.parametrize("name", MODELS)
def test_the_columns_are_those_of_the_summary_and_of_these_draws(name):
    one = made(name)
    summary = one.summary(round_to="none")
    table = one.to_dataframe(groups=True)
    assert list(table.columns) == ["chain", "draw", *summary.index]
    assert not table.columns.has_duplicates
    np.testing.assert_allclose(table.iloc[:, 2:].mean(), summary["mean"], rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(table.iloc[:, 2:].std(), summary["sd"], rtol=1e-9, atol=1e-9)
    shared = one.to_dataframe()
    n_effects = sum(own.size for own in one.model.parameters if own.name not in one.model.parameters.population)
    pd.testing.assert_frame_equal(shared, table.iloc[:, : len(table.columns) - n_effects])


@pytest.mark.parametrize("name", ARGUMENTS)
def test_every_family(name):
    one = fit(model(name))
    table = one.to_dataframe(groups=["g"])
    auxiliary = [extra for extra in ("nu", "shape", "sigma") if extra in one.posterior]
    first = ["chain", "draw", "alpha", "sd_g[Intercept]", "sd_g[x]", "cor_g[Intercept, x]", "beta[x]"]
    assert list(table.columns[: len(first)]) == first
    assert set(auxiliary) <= set(table.columns)
    for extra in auxiliary:
        np.testing.assert_array_equal(table[extra], one.posterior[extra].to_numpy().ravel())
    effect = one.posterior["effect_g"].sel(g=3, effect="x").to_numpy().ravel()
    np.testing.assert_array_equal(table["effect_g[3, x]"], effect)


def test_rows_are_draws_chain_by_chain(tmp_path):
    one = made("slope", draws=5)
    table = one.to_dataframe(groups=True)
    assert table["chain"].tolist() == [0] * 5 + [1] * 5
    assert table["draw"].tolist() == [0, 1, 2, 3, 4] * 2
    beta = one.posterior["beta"].sel(predictor="x", chain=1, draw=3).item()
    assert table.query("chain == 1 and draw == 3")["beta[x]"].item() == beta
    assert {column.kind for column in table.dtypes} == {"i", "f"}
    table.to_parquet(tmp_path / "draws.parquet")
    pd.testing.assert_frame_equal(pd.read_parquet(tmp_path / "draws.parquet"), table)


def test_parameters_and_factors_are_chosen():
    one = made("crossed")
    names = lambda **keywords: list(one.to_dataframe(**keywords).columns[2:])  # noqa: E731
    assert names(var_names="beta") == ["beta[x]"]
    assert names(var_names=["beta", "alpha"]) == ["alpha", "beta[x]"]  # in the order of the model
    raters = [f"effect_rater[{rater}, Intercept]" for rater in range(5)]
    assert names(var_names="effect_rater") == raters
    assert names(var_names=["alpha"], groups="rater") == ["alpha", *raters]
    assert names(groups=[]) == names() == names(groups=False)
    assert names(groups=["school", "rater"]) == names(groups=True)
    assert names(groups=["rater"]) == [*names(), *raters]


def test_what_there_is_none_of():
    one, plain = made("crossed"), made("linear, default")
    with pytest.raises(sh.StanhierError, match=r"no parameter 'bta'; they are: alpha, sd_school, sd_rater, beta"):
        one.to_dataframe(["bta"])
    with pytest.raises(sh.StanhierError, match=r"\(groups='pupil'\): there is no such factor.*'school', 'rater'"):
        one.to_dataframe(groups=["pupil"])
    with pytest.raises(sh.StanhierError, match="no such factor in the model; it has none"):
        plain.to_dataframe(groups=["g"])
    assert plain.to_dataframe(groups=True).equals(plain.to_dataframe())
    for wrong in (3, [], None.__class__):
        with pytest.raises(sh.StanhierError, match="'var_names' must be a name or a list of names: alpha"):
            one.to_dataframe(wrong)
    with pytest.raises(sh.StanhierError, match="'groups' must be names of factors, or True"):
        one.to_dataframe(groups=3)
    with pytest.raises(sh.StanhierError, match=r"has no keyword 'group'. Effects of groups are added by groups="):
        one.to_dataframe(group="school")


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("crossed", r"24 draws of the effects of 'effect_school', 'effect_rater' are 264 values, more than the 100 .*"),
        ("varying, default", r"24 draws of the effects of 'alpha' are 216 values.*group_draws\('g', \[0, \.\.\.\]\)"),
    ],
)
def test_more_effects_than_fit_are_refused_with_the_remedy(name, words, monkeypatch):
    one = made(name)
    monkeypatch.setattr(labelled, "MAX_VALUES", 100)
    with pytest.raises(sh.StanhierError, match=words):
        one.to_dataframe(groups=True)
    assert len(one.to_dataframe()) == 24


def test_the_remedy_names_a_factor_whose_dimension_has_another_name(monkeypatch):
    data = pd.DataFrame(
        {"y": np.random.default_rng(1).standard_normal(24), "x": np.arange(24.0), "row": np.arange(24) % 6}
    )
    one = fake_fit(sh.VaryingIntercept("y ~ x + (1 | row)", data), draws=50)
    assert one.posterior["alpha"].dims[-1] != "row"
    monkeypatch.setattr(labelled, "MAX_VALUES", 100)
    with pytest.raises(sh.StanhierError, match=r"group_draws\('row', \[0, \.\.\.\]\) gives those of some levels"):
        one.to_dataframe(groups=True)
    assert one.group_draws("row", [0]).shape[-1] == 1
