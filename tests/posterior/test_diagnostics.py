"""What the verdict says, and what it cannot know."""

import dataclasses

import numpy as np
import pytest

import stanhier as sh
from stanhier.posterior.diagnostics import diagnose, watched
from stanhier.reports.html import fit_html
from tests.tools import variants
from tests.tools.fake_fit import fake_fit


def clean(chains, draws=500):
    """A fit with independent draws and nothing to complain of."""
    fit = fake_fit(variants.LINEAR["default"](), chains=chains, draws=draws)
    statistics = {**fit.draws.statistics, "diverging": np.zeros((chains, draws), dtype=bool)}
    return fit.again(fit.model, dataclasses.replace(fit.draws, statistics=statistics))


def test_of_one_chain_r_hat_is_unknown_and_said_to_be():
    fit = clean(1)
    diagnosis = fit.diagnose()
    assert diagnosis.ok
    said = str(diagnosis)
    assert "R-hat unknown" in said
    assert "chains=4" in said
    assert "nan" not in said
    assert "No problems" not in said
    assert "1 chain of 500 draws, R-hat unknown" in repr(fit)
    assert "No problems" not in fit_html(fit)
    assert "whether chains agree" in fit_html(fit)


def test_of_several_chains_it_is_known():
    said = str(clean(2).diagnose())
    assert said.startswith("No problems found in sampling.\nOf what all groups share: R-hat at most 1.0")
    assert repr(clean(2)).endswith("2 chains of 500 draws, no problems found in sampling")
    assert "No problems found in sampling." in fit_html(clean(2))


def test_a_verdict_counts_what_was_found():
    fit = clean(2)
    assert fit.diagnose().verdict == "No problems found in sampling."
    for problems, words in ((("a",), "1 problem found in sampling."), (("a", "b"), "2 problems found in sampling.")):
        found = dataclasses.replace(fit.diagnose(), problems=problems)
        assert found.verdict == words
        assert str(found).startswith("Problems:\n- a")
        assert words in found._repr_html_()


def test_too_few_draws_have_no_nan_in_their_verdict():
    said = str(clean(2, draws=2).diagnose())
    assert "too few to check anything" in said
    assert "R-hat unknown; bulk ESS unknown; tail ESS unknown" in said
    assert "nan" not in said


@pytest.mark.parametrize(("r_hat", "written"), [(1.0103, "1.010300"), (1.0106, "1.011"), (1.2, "1.200")])
def test_what_is_above_the_limit_is_written_so(r_hat, written, monkeypatch):
    fit = clean(4)
    monkeypatch.setattr(
        "stanhier.posterior.diagnostics.convergence", lambda values: np.tile([r_hat, 4e3, 4e3], (len(values), 1))
    )
    (problem,) = diagnose(fit.draws, watched(fit.draws, fit.model.engine.coordinates)).problems
    assert f"(greatest {written}, " in problem


def test_effective_sample_sizes_are_rounded_down(monkeypatch):
    """Or 399.7 would be below 400 in one place, and 400 in the other."""
    fit = clean(4)
    monkeypatch.setattr(
        "stanhier.posterior.diagnostics.convergence", lambda values: np.tile([1.0, 399.7, 399.7], (len(values), 1))
    )
    diagnosis = diagnose(fit.draws, watched(fit.draws, fit.model.engine.coordinates))
    assert "below 400" in diagnosis.problems[0]
    assert "(least 399)" in diagnosis.problems[0]
    assert "bulk ESS at least 399;" in str(diagnosis)


def test_numbers_are_those_of_the_summary():
    """Of the intercept at predictors of 0 too, which slopes far from 0 make much less certain."""
    data = variants.frame()
    data["x"] += 20
    fit = fake_fit(sh.VaryingIntercept("y ~ x + (1 | g)", data), draws=200)
    rng, location = np.random.default_rng(1), fit.draws.values["location"].copy()
    location[:, :, 1] += 0.5 * np.cumsum(rng.normal(0, 1, (4, 200)), axis=1)  # a slope that does not mix
    fit = fit.again(fit.model, dataclasses.replace(fit.draws, values={**fit.draws.values, "location": location}))
    table, shown = fit.diagnose().table, fit.summary(var_names=fit.model.parameters.population, round_to="none")
    for column in ("r_hat", "ess_bulk", "ess_tail"):
        np.testing.assert_allclose(table.loc[shown.index, column], shown[column], rtol=1e-9)
    assert table.loc["mu_alpha", "r_hat"] > 1.1
    assert table.loc["mu_alpha (predictors at their means)", "r_hat"] < 1.1
    assert any("mu_alpha" in problem and "R-hat" in problem for problem in fit.diagnose().problems)


def test_without_slopes_there_is_one_intercept():
    fit = fake_fit(sh.VaryingIntercept("y ~ 1 + (1 | g)", variants.frame()), draws=50)
    assert list(fit.diagnose().table.index) == ["mu_alpha", "sigma_alpha", "sigma"]


@pytest.mark.slow
@pytest.mark.usefixtures("cmdstan_home")
def test_a_chain_that_was_sampled_alone():
    fit = sh.LinearRegression("y ~ x", variants.frame()).sample(
        chains=1, iter_sampling=2000, seed=1, show_progress=False
    )
    assert fit.diagnose().ok
    assert "R-hat unknown" in str(fit.diagnose())


def test_standard_deviations_and_correlations_are_checked_by_their_names():
    fit = fake_fit(variants.SEVERAL["two blocks"](), draws=100)
    table = fit.diagnose().table
    population = fit.model.parameters.without_effects()
    names = [name for parameter in population for name in parameter.scalar_names]
    assert sorted(table.index) == sorted([*names, "alpha (predictors at their means)"])
    assert {"cor_school[Intercept, x]", "cor_school[z, exp(z)]"} <= set(table.index)
    assert not any("cor_school[x, z]" in name for name in table.index), "of different blocks"
    assert np.isfinite(table.to_numpy()).all()
    stuck = {**fit.draws.values, "cor": np.sort(fit.draws.values["cor"], axis=1)}
    worse = fit.again(fit.model, dataclasses.replace(fit.draws, values=stuck)).diagnose()
    assert any("cor_school[Intercept, x]" in problem and "R-hat" in problem for problem in worse.problems)


def test_what_is_constant_gives_no_alarm():
    """Such as a standard deviation of which all draws are 0: nothing can be told of it."""
    fit = clean(4)
    sampled = fit.model.engine.coordinates.sampled(fit.draws)
    with np.errstate(divide="ignore", invalid="ignore"):
        diagnosis = diagnose(fit.draws, {**sampled, "nothing": np.zeros((4, 500))})
    assert not any("nothing" in problem for problem in diagnosis.problems)
    assert "nan" not in str(diagnosis)
