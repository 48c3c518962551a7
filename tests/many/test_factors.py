"""Many models with slopes that vary and several factors: by groups of rows, in a folder, summed up."""

import numpy as np
import pandas as pd
import pytest

import stanhier as sh
from stanhier.design.streamed import StreamedDesign
from stanhier.many import grouped
from stanhier.many.folder import identity_of
from stanhier.posterior.parameter_table import ParameterTable
from tests.tools import variants
from tests.tools.fake_fit import fake_fit
from tests.tools.many_fits import SHORT, collected, without_stan

FORMULA = "y ~ x + (1 + x | school / `class`) + (1 | rater)"


def rows():
    return variants.several(400).assign(year=np.resize([2001, 2002], 400))


def models_of(data, formula=FORMULA, **changes):
    keywords = {"priors": None, "sigma": None, "se": None, "context": None} | changes
    return {name: make() for name, make in grouped.models_by_group(formula, data, "year", **keywords)}


def assert_same_model(one, other):
    assert type(one) is type(other) is sh.Model
    assert one.priors.keys() == other.priors.keys()
    for mine, theirs in zip(one.design.groupings, other.design.groupings, strict=True):
        assert (mine.name, mine.effects, mine.blocks) == (theirs.name, theirs.effects, theirs.blocks)
        assert list(mine.levels) == list(theirs.levels)
    for key, value in other.stan_data.items():
        np.testing.assert_allclose(one.stan_data[key], value, rtol=1e-8, atol=1e-8, err_msg=key)


@pytest.mark.parametrize("where", ["here", "elsewhere"])
def test_each_model_is_that_of_its_rows(where, tmp_path):
    data = rows()
    data.to_parquet(tmp_path / "rows.parquet")
    priors = {"sd": {"school": sh.HalfNormal(3)}, "cor": {"school": sh.LKJ(2)}}
    found = models_of(data if where == "here" else tmp_path / "rows.parquet", priors=priors)
    assert list(found) == ["2001", "2002"]
    for name, model in found.items():
        assert isinstance(model.design, StreamedDesign) == (where == "elsewhere")
        assert_same_model(model, sh.Model(FORMULA, data[data["year"] == int(name)], priors=priors))
        assert model.priors["cor"]["school"] == sh.LKJ(2)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"priors": {"tau": sh.HalfNormal(1)}}, "'tau'.*no such parameter"),
        ({"formula": "y ~ x + (1 | school / year)"}, "'year' is a column of `by`"),
        ({"formula": "y ~ x + (year | school)"}, "'year' is a column of `by`"),
        ({"formula": "y ~ x + (1 + nothing | school)"}, "no column 'nothing'"),
    ],
)
def test_what_is_wrong_for_all_is_said_at_once(changes, words):
    with pytest.raises(sh.StanhierError, match=words):
        models_of(rows(), **changes)


def test_tables_have_standard_deviations_and_correlations_one_by_one():
    fit = fake_fit(sh.Model("y ~ x + (1 + x | school) + (1 | rater)", rows()), draws=60)
    table = ParameterTable.of(fit.draws, fit.diagnose(), fit.model.engine.coordinates)
    assert table.names == (
        "alpha",
        "beta[x]",
        "sd_school[Intercept]",
        "sd_school[x]",
        "cor_school[Intercept, x]",
        "sd_rater[Intercept]",
        "sigma",
    )
    posterior = fit.posterior
    found = pd.DataFrame(table.values, index=table.names, columns=["mean", "sd", *"lmu", "r_hat", *"bt"])
    correlations = posterior["cor_school"].to_numpy()[:, :, 0, 1]
    assert found.loc["cor_school[Intercept, x]", "mean"] == pytest.approx(correlations.mean())
    assert found.loc["cor_school[Intercept, x]", "sd"] == pytest.approx(correlations.std(ddof=1))
    assert found.loc["sd_rater[Intercept]", "mean"] == pytest.approx(float(posterior["sd_rater"].mean()))
    summary = fit.summary(var_names=fit.model.parameters.population)
    assert set(summary.index) == set(table.names)
    np.testing.assert_allclose(found.loc[summary.index, "mean"], summary["mean"])
    np.testing.assert_allclose(found.loc[summary.index, "r_hat"], summary["r_hat"])
    assert np.isfinite(found["r_hat"]).all()


def test_what_is_in_a_folder_is_not_sampled_again(monkeypatch, threads, tmp_path):
    models = {"a": sh.Model("y ~ x + (1 + x | school)", rows())}
    sampled = without_stan(monkeypatch, like=models["a"])
    first = collected(models, executor=threads, folder=tmp_path)
    second = collected(models, executor=threads, folder=tmp_path)
    assert len(sampled) == 1
    assert second.summary().equals(first.summary())
    assert ("a", "cor_school[Intercept, x]") in second.summary().index
    assert second["a"].model.priors == models["a"].priors
    np.testing.assert_array_equal(second["a"].posterior["cor_school"], first["a"].posterior["cor_school"])


@pytest.mark.parametrize(
    "changed",
    [
        lambda data: sh.Model("y ~ x + (x || school)", data),
        lambda data: sh.Model("y ~ x + (1 + x | school)", data, priors={"cor": sh.LKJ(2)}),
        lambda data: sh.Model("y ~ x + (1 + x | school)", data, priors={"sd": {"school": {"x": sh.HalfNormal(9)}}}),
        lambda data: sh.Model("y ~ x + (1 + x | school)", data.assign(school=np.roll(data["school"], 1))),
        lambda data: sh.Model("y ~ x + (1 + x | rater)", data),
    ],
)
def test_another_structure_or_prior_is_another_model(changed):
    one = sh.Model("y ~ x + (1 + x | school)", rows())
    assert identity_of(one, {}) == identity_of(sh.Model("y ~ x + (1 + x | school)", rows()), {})
    assert identity_of(one, {}) != identity_of(changed(rows()), {})


@pytest.mark.slow
@pytest.mark.usefixtures("cmdstan_home")
@pytest.mark.filterwarnings("ignore::stanhier.SamplingWarning")
def test_many_fits_are_those_one_by_one(threads, tmp_path):
    data = rows()
    formula = "y ~ x + (1 + x | school) + (1 | rater)"
    fits = sh.fit_many(formula, data, by="year", executor=threads, folder=tmp_path, **SHORT).collect()
    assert fits.failures == {}
    seed = fits["2001"].draws.seed
    alone = sh.Model(formula, data[data["year"] == 2001]).sample(**{**SHORT, "seed": seed})
    np.testing.assert_allclose(fits["2001"].posterior["cor_school"], alone.posterior["cor_school"], rtol=1e-8)
    assert fits.summary().loc["2002"].index.tolist() == [
        "alpha",
        "beta[x]",
        "sd_school[Intercept]",
        "sd_school[x]",
        "cor_school[Intercept, x]",
        "sd_rater[Intercept]",
        "sigma",
    ]
    with_rows = fits["2001"].group_summary("school")
    pd.testing.assert_frame_equal(with_rows, sh.load(next(tmp_path.glob("2001*.nc"))).group_summary("school"))
