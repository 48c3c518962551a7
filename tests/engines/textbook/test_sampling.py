"""Textbook programs sampled, against the engine that integrates effects out."""

import arviz as az
import numpy as np
import pytest

import stanhier as sh
from stanhier.engines.textbook.switch import textbook_regression
from tests.tools import variants
from tests.tools.textbook_models import SAMPLED, sampled, sleep, textbook_model

pytestmark = pytest.mark.slow

KEYWORDS = {"chains": 2, "iter_sampling": 2000, "show_progress": False, "adapt_delta": 0.99}


def test_fits_by_two_engines_agree(cmdstan_home):
    model = variants.VARYING["default"]()
    fit = model.sample(seed=3, show_progress=False)
    slow = sampled(textbook_regression(model), **KEYWORDS)
    found = fit.agreement(slow)
    assert found.ok, found
    assert len(found.table) == 15
    assert found.missing == ()


def test_fits_of_another_prior_do_not_agree(cmdstan_home):
    fit = variants.VARYING["default"]().sample(seed=3, show_progress=False)
    other = variants.VARYING["at zero"]().sample(seed=3, show_progress=False)
    assert not fit.agreement(other).ok


def test_one_intercept_of_a_general_model_is_a_varying_intercept(cmdstan_home):
    frame, formula = sleep(), "reaction ~ days + (1 | subject)"
    fit = sh.VaryingIntercept(formula, frame).sample(seed=4, show_progress=False)
    general = sampled(textbook_model(formula, frame), **KEYWORDS)
    pairs = [("mu_alpha", "alpha"), ("sigma_alpha", "sd_subject"), ("beta", "beta"), ("sigma", "sigma")]
    for ours, theirs in pairs:
        one, two = fit.posterior[ours].to_numpy(), general.posterior[theirs].to_numpy()
        one, two = one.reshape(one.shape[:2]), two.reshape(two.shape[:2])
        assert abs(one.mean() - two.mean()) < 4.5 * np.hypot(az.mcse(one), az.mcse(two))
        errors = np.hypot(az.mcse(one, method="sd"), az.mcse(two, method="sd"))
        assert abs(one.std() - two.std()) < 4.5 * errors
    ours = (fit.posterior["alpha"] - fit.posterior["mu_alpha"]).to_numpy()
    theirs = general.posterior["effect_subject"].to_numpy()[..., 0]
    for j in range(18):
        error = np.hypot(az.mcse(ours[..., j]), az.mcse(theirs[..., j]))
        assert abs(ours[..., j].mean() - theirs[..., j].mean()) < 4.5 * error


@pytest.mark.parametrize("name", SAMPLED)
def test_fits_of_any_structure_agree_with_those_by_the_fast_engine(name, cmdstan_home):
    model = sh.Model(data=sleep(), **SAMPLED[name])
    fit = model.sample(seed=5, chains=4, iter_sampling=2000, show_progress=False)
    slow = sampled(textbook_regression(model), **KEYWORDS, max_treedepth=12)
    found = fit.agreement(slow)
    assert found.ok, found
    assert found.missing == ()
    assert len(found.table) == sum(parameter.size for parameter in model.parameters)


def test_a_fit_of_slopes_has_all_that_follows(cmdstan_home):
    model = textbook_model("reaction ~ days + (1 + days | subject) + (1 | room)", sleep())
    fit = sampled(model, **KEYWORDS)
    assert fit.posterior["effect_subject"].shape == (2, 2000, 18, 2)
    assert fit.posterior["cor_subject"].shape == (2, 2000, 2, 2)
    predicted = fit.predict(sleep())
    assert np.corrcoef(predicted["mean"], sleep()["reaction"])[0, 1] > 0.8
    own = sh.Model(model.formula, sleep()).sample(seed=5, show_progress=False)
    assert fit.loo().elpd == pytest.approx(own.loo().elpd, abs=1.5)


def test_the_same_seed_gives_the_same_draws(cmdstan_home):
    model = textbook_model("reaction ~ days + (1 + days | subject) + (1 | room)", sleep())
    one, two = (sampled(model, chains=1, iter_warmup=100, iter_sampling=50, seed=7) for _ in range(2))
    for name, values in one.draws.values.items():
        np.testing.assert_array_equal(values, two.draws.values[name])
