"""Two fits compared: differences in Monte Carlo errors, against numbers worked out by hand."""

from dataclasses import replace

import arviz as az
import numpy as np
import pandas as pd
import pytest
from scipy import stats

import stanhier as sh
from stanhier.basics.errors import StanhierError
from stanhier.fit import Fit
from stanhier.posterior.agreement import agreement
from stanhier.posterior.approximation import Mode
from tests.tools import variants
from tests.tools.fake_fit import fake_fit


@pytest.fixture(scope="module")
def model():
    return variants.VARYING["default"]()


def moved(fit, name, change):
    """The same fit with other draws of one quantity."""
    values = {**fit.draws.values, name: change(fit.draws.values[name])}
    return Fit(fit.model, replace(fit.draws, values=values), diagnosis=fit.diagnose())


def test_fits_of_one_posterior_agree(model):
    found = agreement(fake_fit(model, seed=1), fake_fit(model, seed=2, draws=300, chains=3))
    assert found.ok
    assert found.verdict.startswith("The fits agree in 15 parameters: means differ by at most ")
    assert found.missing == ()
    n = len(found.table)
    assert n == 15  # mu_alpha, sigma_alpha, three slopes, sigma, nine groups
    assert found.limit == pytest.approx(stats.norm.ppf(1 - 0.01 / (2 * 2 * n)))


def test_the_numbers_are_means_and_sds_in_monte_carlo_errors(model):
    one, two = fake_fit(model, seed=1), fake_fit(model, seed=2)
    table = agreement(one, two).table
    for name in ("sigma", "beta"):
        label = name if name == "sigma" else "beta[z]"
        ours, theirs = (
            fit.posterior[name].sel({} if name == "sigma" else {"predictor": "z"}).to_numpy() for fit in (one, two)
        )
        error = np.hypot(az.mcse(ours), az.mcse(theirs))
        assert table.loc[label, "mean"] == pytest.approx(ours.mean())
        assert table.loc[label, "mean_other"] == pytest.approx(theirs.mean())
        assert table.loc[label, "mean_errors"] == pytest.approx((ours.mean() - theirs.mean()) / error)
        assert table.loc[label, "sd_ratio"] == pytest.approx(ours.std() / theirs.std())
        error = np.hypot(az.mcse(ours, method="sd"), az.mcse(theirs, method="sd"))
        assert table.loc[label, "sd_errors"] == pytest.approx((ours.std() - theirs.std()) / error)
    largest = table[["mean_errors", "sd_errors"]].abs().max(axis=1)
    assert largest.is_monotonic_decreasing


def test_a_mean_that_is_off_comes_first_and_is_named(model):
    fit = fake_fit(model, seed=1)
    other = moved(fake_fit(model, seed=2), "sigma", lambda sigma: 1.2 * sigma)
    found = agreement(fit, other)
    assert not found.ok
    assert found.table.index[0] == "sigma"
    assert found.table["mean_errors"].iloc[0] < -found.limit
    assert "The fits differ in 15 parameters: means differ by at most " in repr(found)
    assert "(sigma)" in found.verdict


def test_an_sd_that_is_off_is_found_where_means_agree(model):
    fit = fake_fit(model, seed=1)
    other = moved(fake_fit(model, seed=1), "sigma", lambda sigma: sigma.mean() + 1.3 * (sigma - sigma.mean()))
    found = agreement(fit, other)
    assert not found.ok
    assert found.table.loc["sigma", "mean_errors"] == pytest.approx(0, abs=1e-9)
    assert found.table.loc["sigma", "sd_ratio"] == pytest.approx(1 / 1.3)
    assert found.table.index[0] == "sigma"


def test_a_fit_agrees_with_itself_without_any_difference(model):
    fit = fake_fit(model)
    found = agreement(fit, fit)
    assert found.ok
    assert (found.table[["mean_errors", "sd_errors"]] == 0).all(axis=None)
    assert (found.table["sd_ratio"] == 1).all()


def test_chance_makes_fits_differ_rarely(model):
    fits = [fake_fit(model, seed=seed, draws=100) for seed in range(40)]
    differing = sum(not agreement(one, two).ok for one, two in zip(fits[::2], fits[1::2], strict=True))
    assert differing <= 2  # by chance at most 0.2 of the 20


def test_a_parameter_that_stands_still_in_one_fit_alone_differs(model):
    fit = fake_fit(model)
    other = moved(fake_fit(model, seed=2), "sigma", lambda sigma: np.full_like(sigma, 0.5))
    found = agreement(fit, other)
    assert found.table.loc["sigma", "sd_ratio"] == np.inf
    assert not found.ok


def test_parameters_that_one_fit_has_alone_are_named(model):
    smaller = variants.VARYING["fixed sigma"]()
    found = agreement(fake_fit(model), fake_fit(smaller))
    assert "sigma (this fit alone)" in found.missing
    assert "beta[z] (this fit alone)" in found.missing
    assert "Not compared: " in str(found)
    back = agreement(fake_fit(smaller), fake_fit(model))
    assert "sigma (the other fit alone)" in back.missing


def test_fits_without_a_common_parameter_are_refused(model):
    other = sh.LinearRegression("y ~ 0 + I(x*2)", variants.frame(), sigma=1)
    with pytest.raises(StanhierError, match=r"no parameter in common; this one has mu_alpha.*the other one beta\["):
        agreement(fake_fit(model), fake_fit(other))


def test_what_is_no_fit_is_refused(model):
    with pytest.raises(StanhierError, match=r"agreement\(other=3\): 'other' must be a fit"):
        agreement(fake_fit(model), 3)
    mode = Mode(model, pd.Series({"mu_alpha": 1.0, "sigma": 2.0}), fake_fit(model).draws)
    assert "\n" in repr(mode)
    words = r"^agreement\(other=Mode of VaryingIntercept\('.*'\), a point estimate\): 'other' must be a fit, .*it\.$"
    with pytest.raises(StanhierError, match=words):
        agreement(fake_fit(model), mode)


def test_too_few_draws_are_refused(model):
    with pytest.raises(StanhierError, match=r"3 draws per chain has no Monte Carlo errors.*iter_sampling"):
        agreement(fake_fit(model), fake_fit(model, draws=3))


def test_what_diagnoses_found_is_said_beside_the_verdict(model):
    found = agreement(fake_fit(model), fake_fit(model, seed=2, divergences=7))
    assert found.ok
    assert "Monte Carlo errors may be wrong: of the other fit, 7 of 1000 draws diverged" in str(found)


def test_long_tables_are_shown_by_their_beginning(model):
    text = str(agreement(fake_fit(model), fake_fit(model, seed=2)))
    assert len(text.splitlines()) == 12  # the verdict, the names of the columns, ten parameters
