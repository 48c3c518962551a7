import numpy as np
import pandas as pd
import pytest
from scipy import optimize, stats

import stanhier as sh
from stanhier.engines import mixtures
from stanhier.engines.gaussian.effects import conditional_moments
from tests.tools import variants
from tests.tools.fake_fit import fake_fit


@pytest.fixture(scope="module")
def fit():
    return fake_fit(variants.VARYING["default"]())


def exact(fit, group, probability):
    """Mean, sd and a quantile of one group's mixture, by a root finder."""
    draws = fit.draws
    mean, sd = conditional_moments(
        fit.model.engine.compressed,
        np.array([group]),
        draws.flat("location"),
        draws.flat("sigma"),
        draws.flat("sigma_alpha"),
    )
    mean = mean[:, 0] + fit.posterior["mu_alpha"].to_numpy().ravel()
    quantile = optimize.brentq(lambda x: stats.norm.cdf(x, mean, sd[:, 0]).mean() - probability, -1e3, 1e3, xtol=1e-10)
    return mean.mean(), np.sqrt(mean.var() + np.square(sd).mean()), quantile


def test_summaries_are_those_of_the_mixture(fit):
    table = fit.group_summary(at=0, prob=0.8)
    assert table.index.name == "g"
    for group in range(9):
        mean, sd, lower = exact(fit, group, 0.1)
        assert table["mean"].iloc[group] == pytest.approx(mean, rel=1e-10)
        assert table["sd"].iloc[group] == pytest.approx(sd, rel=1e-10)
        assert table["lower"].iloc[group] == pytest.approx(lower, abs=1e-3 * sd)
        assert table["median"].iloc[group] == pytest.approx(exact(fit, group, 0.5)[2], abs=1e-3 * sd)
        assert table["upper"].iloc[group] == pytest.approx(exact(fit, group, 0.9)[2], abs=1e-3 * sd)


def test_summaries_at_the_mean_of_the_predictors(fit):
    table = fit.group_summary(at="mean")
    slopes = fit.posterior["beta"].to_numpy() @ fit.model.design.X.mean(axis=0)
    draws = fit.posterior["alpha"].to_numpy() + slopes[..., None]
    spread = draws.std(axis=(0, 1))
    np.testing.assert_allclose(table["mean"], draws.mean(axis=(0, 1)), atol=0.15 * spread.min())
    np.testing.assert_allclose(table["sd"], spread, rtol=0.1)
    np.testing.assert_allclose(table["median"], np.median(draws, axis=(0, 1)), atol=0.2 * spread.min())
    pd.testing.assert_frame_equal(fit.group_summary(), table)
    with pytest.raises(sh.StanhierError, match=r"group_summary\(at=True\): 'at' must be \"mean\""):
        fit.group_summary(at=True)


def test_part_of_the_draws_gives_nearly_the_same_intervals(fit, monkeypatch):
    everything = fit.group_summary(at=0)
    monkeypatch.setattr(mixtures, "MIXTURE_VALUES", 1)
    some = fit.group_summary(at=0)
    pd.testing.assert_frame_equal(some[["mean", "sd"]], everything[["mean", "sd"]])
    assert (abs(some["lower"] - everything["lower"]) < 0.25 * everything["sd"]).all()
    assert not some["lower"].equals(everything["lower"])


def test_known_standard_errors_give_one_stratum_per_group():
    schools = fake_fit(variants.VARYING["known se"]())
    table = schools.group_summary(["H", "A"], at=0)
    assert list(table.index) == ["H", "A"]
    assert table.loc["A", "mean"] == pytest.approx(exact(schools, 0, 0.5)[0], rel=1e-10)


def test_draws_of_some_groups_are_those_of_the_posterior(fit):
    some = fit.group_draws([7, 2])
    np.testing.assert_array_equal(some, fit.posterior["alpha"].sel(g=[7, 2]))
    assert some.dims == ("chain", "draw", "g")


def test_what_is_no_group_is_refused(fit):
    with pytest.raises(sh.DataError, match="'g' has no group 99, 'x'"):
        fit.group_draws([1, 99, "x"])
    with pytest.raises(sh.StanhierError, match=r"group_summary\(prob=1\)"):
        fit.group_summary(prob=1)
