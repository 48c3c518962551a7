"""Models of slopes and several factors as a whole: published estimates, and that only what the data mean counts."""

from dataclasses import replace

import numpy as np
import pytest

import stanhier as sh

FLAT = {name: sh.Flat() for name in ("alpha", "sigma", "sd")}
LONG = {"seed": 11, "iter_sampling": 4000, "show_progress": False}
SLOPES = "reaction ~ days + (1 + days | subject)"


def sleep():
    return sh.datasets.sleepstudy()


def penicillin():
    return sh.datasets.penicillin()


@pytest.fixture(scope="module")
def slopes(cmdstan_home):
    return sh.Model(SLOPES, sleep()).sample(**LONG)


def mode_of(values):
    """Mode of draws: of a histogram smoothed by a normal kernel."""
    from scipy import stats

    grid = np.linspace(*np.quantile(values, [0.01, 0.99]), 400)
    return grid[stats.gaussian_kde(values.ravel()).evaluate(grid).argmax()]


def test_sleepstudy_is_near_the_published_estimates(cmdstan_home):
    """Bates et al. (2015), table 2: sds 24.740 and 5.922, correlation 0.066, residual 25.592; REML."""
    fit = sh.Model(SLOPES, sleep(), priors={**FLAT, "beta": sh.Flat()}).sample(**LONG)
    posterior = fit.posterior
    assert float(posterior["alpha"].mean()) == pytest.approx(251.405, abs=0.5)
    assert float(posterior["beta"].mean()) == pytest.approx(10.467, abs=0.1)
    sd = posterior["sd_subject"].to_numpy()
    # With flat priors on 18 groups' sds posteriors are skewed: their modes lie where restricted likelihood has its own.
    assert mode_of(sd[..., 0]) == pytest.approx(24.74, abs=1.0)
    assert mode_of(sd[..., 1]) == pytest.approx(5.922, abs=0.25)
    assert mode_of(posterior["sigma"].to_numpy()) == pytest.approx(25.592, abs=0.4)
    assert float(posterior["cor_subject"][:, :, 0, 1].median()) == pytest.approx(0.066, abs=0.06)


def test_penicillin_is_near_the_published_estimates(cmdstan_home):
    """Bates et al. (2015): plate 0.847, sample 1.932, residual 0.550."""
    fit = sh.Model("diameter ~ 1 + (1 | plate) + (1 | sample)", penicillin(), priors=FLAT).sample(**LONG)
    posterior = fit.posterior
    assert mode_of(posterior["sd_plate"].to_numpy()) == pytest.approx(0.847, abs=0.03)
    assert mode_of(posterior["sigma"].to_numpy()) == pytest.approx(0.550, abs=0.01)
    # Six samples: the mode is that of the likelihood, below the restricted one, and the median above.
    sd_sample = posterior["sd_sample"].to_numpy()
    assert mode_of(sd_sample) < 1.932 * 1.1
    assert np.median(sd_sample) > 1.932
    assert float(posterior["alpha"].mean()) == pytest.approx(22.972, abs=0.1)


def test_neither_the_order_of_rows_nor_the_names_of_groups_count(slopes):
    data = sleep().sample(frac=1, random_state=3)
    data["subject"] = "s" + (1000 - data["subject"]).astype(str)
    other = sh.Model(SLOPES, data).sample(**LONG)
    agreed = slopes.agreement(other)
    assert agreed.ok, agreed
    means = other.group_effects().rename(index=lambda name: 1000 - int(name[1:]), level="subject")
    np.testing.assert_allclose(slopes.group_effects()["mean"], means["mean"].sort_index(), atol=0.8)


def test_units_do_not_count(slopes):
    data = sleep()
    data["days"] *= 1e6
    data["reaction"] *= 1e-6
    other = sh.Model(SLOPES, data).sample(**LONG)
    values = dict(other.draws.values)
    values["location"] = values["location"] * np.array([1e6, 1e12])
    values["sd"] = values["sd"] * np.array([1e6, 1e12])
    values["sigma"] = values["sigma"] * 1e6
    agreed = slopes.agreement(sh.Fit(slopes.model, replace(other.draws, values=values)))
    assert agreed.ok, agreed


@pytest.mark.parametrize(
    ("one", "two"),
    [
        ("reaction ~ days + (days || subject)", "reaction ~ days + (1 | subject) + (0 + days | subject)"),
        ("reaction ~ days + (1 | half / subject)", "reaction ~ days + (1 | half) + (1 | half:subject)"),
    ],
)
def test_two_ways_to_write_a_model_are_one(one, two, cmdstan_home):
    data = sleep().assign(half=lambda frame: frame["subject"] > 340)
    keywords = {"seed": 2, "iter_sampling": 1000, "show_progress": False}
    first, second = (sh.Model(formula, data).sample(**keywords) for formula in (one, two))
    # Sums of unaligned memory may differ in their last bit, and chains of last bits in all.
    assert first.posterior.coords.to_dataset().identical(second.posterior.coords.to_dataset())
    assert set(first.posterior) == set(second.posterior)
    agreed = first.agreement(second)
    assert agreed.ok, agreed


def test_the_order_of_factors_does_not_count(cmdstan_home):
    formulas = ("diameter ~ 1 + (1 | plate) + (1 | sample)", "diameter ~ 1 + (1 | sample) + (1 | plate)")
    one, two = (sh.Model(formula, penicillin()).sample(**LONG) for formula in formulas)
    agreed = one.agreement(two)
    assert agreed.ok, agreed


@pytest.mark.parametrize("effects", ["0 + scale(days)", "center(days)"])
def test_predictors_far_from_0_lose_no_digits(effects, cmdstan_home):
    formula = f"reaction ~ center(days) + ({effects} | subject)"
    far = sleep().assign(days=lambda frame: frame["days"] + 1e6)
    one, two = (sh.Model(formula, data) for data in (sleep(), far))
    for name in ("R", "mean", "sd"):
        np.testing.assert_allclose(
            getattr(one.engine.statistics, name), getattr(two.engine.statistics, name), rtol=1e-9, atol=1e-9
        )
    agreed = one.sample(**LONG).agreement(two.sample(**LONG))
    assert agreed.ok, agreed
