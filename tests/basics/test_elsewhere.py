"""Attributes that people know from other packages: their errors say what is called so here."""

import copy
import pickle
import re

import pandas as pd
import pytest

import stanhier as sh
from stanhier.basics import elsewhere
from tests.tools.fake_fit import fake_fit

DATA = pd.DataFrame({"y": [1.0, 2.0, 4.0, 3.0], "x": [0.0, 1.0, 2.0, 4.0]})


@pytest.fixture(scope="module")
def fit():
    return fake_fit(sh.LinearRegression("y ~ x", DATA), chains=2, draws=20)


def said(owner, name):
    with pytest.raises(AttributeError) as caught:
        getattr(owner, name)
    return str(caught.value)


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("ranef", "'Fit' object has no attribute 'ranef'. fit.group_effects(\"g\") says"),
        ("fixef", "fit.summary() has coefficients"),
        ("VarCorr", 'fit.posterior["sd_g"]'),
        ("params", 'fit.posterior["beta"]'),
        ("conf_int", "fit.summary(prob=0.95)"),
        ("pp_check", "fit.plot_ppc()"),
        ("conditional_effects", 'fit.plot_prediction("x")'),
        ("log_likelihood", "fit.idata.log_likelihood"),
        ("plot_energy", "arviz.plot_energy(fit.idata)"),
        ("to_netcdf", 'fit.save("fit.nc")'),
    ],
)
def test_a_fit_says_what_is_called_so_here(fit, name, words):
    assert words in said(fit, name)
    assert "Sample first, fit = model.sample(). " in said(fit.model, name) or words in said(fit.model, name)


def test_what_belongs_to_the_fit_is_said_of_models_and_of_the_package(fit):
    for name in elsewhere._OF_FITS:
        assert hasattr(fit, name), "a name that a fit has no longer"
        assert said(fit.model, name).endswith(
            f"has no attribute '{name}'. It is the fit's: fit = model.sample(), then fit.{name}."
        )
    assert said(sh, "loo") == "module 'stanhier' has no attribute 'loo'. It is the fit's: fit.loo."


def test_functions_of_other_packages_lead_to_models():
    for name in ("lmer", "brm", "stan_glmer", "MixedLM"):
        assert f"module 'stanhier' has no attribute '{name}'. model = sh.Model(" in said(sh, name)
    assert 'family="bernoulli"' in said(sh, "glmer")
    assert "Priors are sh.Normal" in said(sh, "Uniform")


def test_calls_in_what_is_said_are_there(fit):
    texts = [*elsewhere.OF_FIT.values(), *elsewhere.OF_MODEL.values(), *elsewhere.OF_PACKAGE.values()]
    for text in texts:
        for owner, name in re.findall(r"\b(fit\.model|fit|model|sh|arviz)\.([a-zA-Z]\w*)", text):
            at = {"fit": fit, "fit.model": fit.model, "model": fit.model, "sh": sh}.get(owner)
            if owner == "arviz":
                import arviz as at
            if name not in ("nc", "idata"):
                assert hasattr(at, name), (text, name)


def test_other_attributes_are_missing_as_they_were(fit):
    for owner in (fit, fit.model):
        assert not hasattr(owner, "ranef")
        assert not hasattr(owner, "fixef")
        assert said(owner, "nothing") == f"'{type(owner).__name__}' object has no attribute 'nothing'"
        assert "ranef" not in dir(owner)
        assert getattr(owner, "coef", None) is None
    assert not hasattr(sh, "lmer")
    assert "lmer" not in dir(sh)


def test_fits_are_copied_and_pickled_as_before(fit):
    for again in (copy.copy(fit), copy.deepcopy(fit), pickle.loads(pickle.dumps(fit))):
        pd.testing.assert_frame_equal(again.to_dataframe(), fit.to_dataframe())
