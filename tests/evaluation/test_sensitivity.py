"""How much results depend on priors: power scaling as ArviZ has it, quiet where priors are vague and data plenty."""

import arviz as az
import numpy as np
import pandas as pd
import polars as pl
import pytest

import stanhier as sh
from stanhier.evaluation.checks import sensitivity
from stanhier.evaluation.checks.evidence import some_draws
from stanhier.evaluation.checks.sensitivity import power_scaled
from tests.tools import family_fits, variants
from tests.tools.fake_fit import fake_fit

NOT_KNOWN = "how much results depend on the priors, by powers of these"


def line(prior, *, n=100, slope=0.0):
    """A line of which the slope has this prior: sigma is known, so that all is normal."""
    x = np.linspace(-1, 1, n)
    y = slope * x + np.random.default_rng(4).normal(0, 1, n)
    return fake_fit(sh.LinearRegression("y ~ x", {"x": x, "y": y}, sigma=1.0, priors={"beta": prior}))


FITS = {
    "linear": lambda: fake_fit(variants.LINEAR["default"]()),
    "groups": lambda: fake_fit(variants.VARYING["default"]()),
    "slopes": lambda: fake_fit(variants.SEVERAL["slope"]()),
    "crossed": lambda: fake_fit(variants.SEVERAL["crossed"]()),
    "bernoulli": lambda: family_fits.fit(family_fits.model("bernoulli"), draws=100),
    "binomial": lambda: family_fits.fit(family_fits.model("binomial"), draws=100),
}


@pytest.mark.parametrize("name", FITS)
def test_it_is_what_arviz_says_of_the_fit(name):
    fit = FITS[name]()
    table, lack = power_scaled(fit.model, fit.draws)
    assert lack is None
    names = [one.name for one in fit.model.parameters.without_effects() if not one.name.startswith("cor_")]
    expected = az.psense_summary(fit.idata, var_names=names, round_to=12)
    rows = [one for one in table.index if one in expected.index]
    assert len(rows) == len(expected)
    for column in ("prior", "likelihood"):
        np.testing.assert_allclose(table.loc[rows, column], expected.loc[rows, column], rtol=1e-6, atol=1e-9)


@pytest.mark.parametrize(("sd", "matters"), [(0.1, True), (10, False)])
def test_a_prior_that_says_as_much_as_the_data_matters(sd, matters):
    """Of 100 rows the slope has a standard error of 0.17."""
    found = line(sh.Normal(0, sd)).check()
    assert (found.sensitivity.loc["beta[x]", "prior"] >= 0.05) is np.bool_(matters)
    said = [note for note in found.notes if "by power scaling above 0.05, for beta[x] (" in note]
    assert len(said) == matters
    assert found.ok


def test_a_contradicted_prior_says_whether_that_matters():
    (far,) = [one for one in line(sh.Normal(-2, 0.3), slope=1).check().problems if "contradict the prior" in one]
    assert "The posterior depends on it (sensitivity 0." in far
    rows = line(sh.Normal(-4, 1), n=20_000, slope=1)
    (vague,) = [one for one in rows.check().problems if "contradict the prior" in one]
    assert "The posterior hardly depends on it (sensitivity 0.0" in vague


def test_what_is_not_looked_at_is_said(monkeypatch):
    data = variants.frame()
    streamed = fake_fit(sh.VaryingIntercept("y ~ x + (1 | g)", pl.from_pandas(data).lazy()))
    found = streamed.check()
    assert f"{NOT_KNOWN}, for which the rows have to be in memory" in str(found)
    assert list(found.sensitivity.columns) == ["prior", "likelihood"]
    assert len(found.sensitivity) == 0
    flat = fake_fit(variants.LINEAR["flat"]())
    assert power_scaled(flat.model, some_draws(flat.draws))[1] is None
    assert len(flat.check().sensitivity) == 0
    whole = fake_fit(variants.SEVERAL["crossed"]())
    monkeypatch.setattr(sensitivity, "MAX_VALUES", 1000)
    assert power_scaled(whole.model, whole.draws.only(np.arange(50)))[1] == f"{NOT_KNOWN}, of more than 20 rows"
    monkeypatch.undo()
    monkeypatch.setattr("stanhier.posterior.joint_likelihood.MAX_TOGETHER", 5)
    assert "effects would have to be integrated out together" in power_scaled(whole.model, some_draws(whole.draws))[1]


def test_streamed_fits_tell_arviz_what_is_lacking():
    data = pl.from_pandas(variants.frame()).lazy()
    fit = fake_fit(sh.VaryingIntercept("y ~ x + (1 | g)", data))
    said = "idata has no group 'log_likelihood': it is about the rows of the model, which are not in memory"
    for tree in (fit.idata, fit.add_groups({"more": fit.posterior[["sigma"]]})):
        for ask in (az.psense_summary, az.loo):
            with pytest.raises(sh.StanhierError, match=said):
                ask(tree)
        assert not hasattr(tree, "log_likelihood")
        with pytest.raises(AttributeError, match="no attribute 'nothing'"):
            _ = tree.sample_stats.nothing
    assert isinstance(az.psense(fit.idata, var_names="sigma"), type(fit.posterior))
    in_memory = fake_fit(sh.VaryingIntercept("y ~ x + (1 | g)", variants.frame()))
    assert not hasattr(in_memory.idata.sample_stats, "log_likelihood")
    assert isinstance(in_memory.check().sensitivity, pd.DataFrame)
