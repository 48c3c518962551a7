"""Ranks of groups, against those of their draws written out and against closed forms."""

import numpy as np
import pandas as pd
import pytest
from scipy import stats

import stanhier as sh
from stanhier.posterior import ranks
from tests.tools import family_fits, variants
from tests.tools.fake_fit import fake_fit


@pytest.fixture(scope="module")
def fit():
    return fake_fit(variants.VARYING["default"](), draws=500)


@pytest.fixture(scope="module")
def slopes():
    return fake_fit(sh.Model("y ~ x + z + (1 + x | school)", variants.several(400)), draws=200)


def ranked(values):
    """Ranks in each draw, shape (draws, groups), 1 the highest."""
    return np.stack([stats.rankdata(-draw) for draw in values])


def test_ranks_are_those_of_the_draws(fit):
    draws = fit.posterior["alpha"].to_numpy().reshape(2000, -1)
    expected = ranked(draws)
    table = fit.group_ranks(top=3, prob=0.8)
    assert list(table.columns) == ["rank", "lower", "median", "upper", "top_3"]
    assert (np.diff(table["rank"]) >= 0).all(), "the best first"
    own = table.loc[fit.model.design.groupings[0].levels]
    np.testing.assert_allclose(own["rank"], expected.mean(axis=0))
    np.testing.assert_allclose(own["top_3"], (expected <= 3).mean(axis=0))
    ends = np.quantile(expected, [0.1, 0.5, 0.9], axis=0, method="inverted_cdf")
    np.testing.assert_array_equal(own[["lower", "median", "upper"]].to_numpy().T, ends)
    assert table["rank"].sum() == pytest.approx(sum(range(1, len(table) + 1)))
    assert table["top_3"].sum() == pytest.approx(3)


def test_the_lowest_may_be_the_best(fit):
    high, low = fit.group_ranks(), fit.group_ranks(best="low")
    np.testing.assert_allclose(low["rank"], (len(high) + 1 - high["rank"]).loc[low.index])


def test_of_two_groups_the_better_one_is_known_in_closed_form():
    rng = np.random.default_rng(0)
    data = pd.DataFrame({"g": np.repeat(["a", "b"], 40), "y": np.repeat([0.0, 0.3], 40) + rng.normal(size=80)})
    fit = fake_fit(sh.VaryingIntercept("y ~ 1 + (1 | g)", data, sigma=1.0), draws=5000)
    table = fit.group_ranks(top=1)
    # Given the spread s of the groups, b less a is normal: each has the precision 40 + s**-2 around its own mean.
    s, mu = (fit.posterior[name].to_numpy().ravel() for name in ("sigma_alpha", "mu_alpha"))
    a, b = ((40 * own + mu / s**2) / (40 + s**-2) for own in data.groupby("g")["y"].mean())
    expected = stats.norm.cdf((b - a) / np.sqrt(2 / (40 + s**-2))).mean()
    assert table.loc["b", "top_1"] == pytest.approx(expected, abs=0.01)
    assert table.loc["b", "rank"] == pytest.approx(2 - expected, abs=0.01)


def test_levels_are_ranked_among_all(fit):
    everything, some = fit.group_ranks(), fit.group_ranks([3, 0])
    pd.testing.assert_frame_equal(some, everything.loc[some.index])
    assert len(some) == 2


def test_where_slopes_vary_ranks_depend_on_where_groups_are_compared(slopes):
    own = slopes.group_draws().to_numpy().reshape(800, -1, 2)
    levels = slopes.model.design.groupings[0].levels
    for at, x in (("mean", variants.several(400)["x"].mean()), (0, 0.0), ({"x": 4.0}, 4.0)):
        expected = ranked(own[:, :, 0] + x * own[:, :, 1]).mean(axis=0)
        np.testing.assert_allclose(slopes.group_ranks(at=at).loc[levels, "rank"], expected)
    by_slope = slopes.group_ranks(effect="x")
    np.testing.assert_allclose(by_slope.loc[levels, "rank"], ranked(own[:, :, 1]).mean(axis=0))


def test_a_tenth_are_the_best_unless_it_is_said():
    data = pd.DataFrame({"g": np.arange(300) % 30, "y": np.random.default_rng(1).normal(size=300)})
    fit = fake_fit(sh.VaryingIntercept("y ~ 1 + (1 | g)", data), draws=20)
    assert fit.group_ranks().columns[-1] == "top_3"
    most = fake_fit(sh.VaryingIntercept("y ~ 1 + (1 | g)", data[data["g"] < 18]), draws=20)
    assert most.group_ranks().columns[-1] == "top_2", "1.8 of 18, rounded"


def test_ends_of_intervals_are_ranks():
    """The least rank that at least so much of the draws do not exceed: with few draws nothing lies between two."""
    fit = fake_fit(variants.VARYING["default"](), chains=2, draws=5)
    expected = np.sort(ranked(fit.posterior["alpha"].to_numpy().reshape(10, -1)), axis=0)
    table = fit.group_ranks(prob=0.5).loc[fit.model.design.groupings[0].levels]
    np.testing.assert_array_equal(table[["lower", "median", "upper"]].to_numpy().T, expected[[2, 4, 7]])


def test_of_many_groups_evenly_spaced_draws_are_ranked(fit, monkeypatch):
    n_groups = len(fit.model.design.groupings[0].levels)
    monkeypatch.setattr(ranks, "MAX_VALUES", n_groups * 400)
    some = fit.group_ranks()
    monkeypatch.undo()
    np.testing.assert_allclose(some["rank"], fit.group_ranks().loc[some.index, "rank"], atol=0.6)
    assert np.allclose((some.iloc[:, -1] * 400) % 1, 0)
    monkeypatch.setattr(ranks, "MAX_VALUES", n_groups * 99)
    with pytest.raises(sh.DataError, match=r"group_ranks\(\): .* groups, of which fewer than 100 draws fit"):
        fit.group_ranks()


@pytest.mark.parametrize("name", ["bernoulli", "poisson", "student_t"])
def test_every_family_has_ranks(name):
    fit = family_fits.fit(family_fits.model(name, family_fits.TERMS[1]))
    own = fit.group_draws("h").to_numpy().reshape(60, -1)
    table = fit.group_ranks("h", top=1)
    levels = fit.model.design.groupings[1].levels
    np.testing.assert_allclose(table.loc[levels, "top_1"], (ranked(own) == 1).mean(axis=0))


def test_what_cannot_be_ranked_is_refused(fit, slopes):
    with pytest.raises(sh.StanhierError, match=r"group_ranks\(best='top'\): 'best' must be \"high\" or \"low\""):
        fit.group_ranks(best="top")
    with pytest.raises(sh.StanhierError, match=r"group_ranks\(top=0\): 'top' must be an integer of at least 1"):
        fit.group_ranks(top=0)
    with pytest.raises(sh.StanhierError, match=r"group_ranks\(top=99\): 'school' has 6 groups"):
        slopes.group_ranks(top=99)
    with pytest.raises(sh.StanhierError, match=r"effect='z'\): there is no such effect.*'Intercept', 'x'"):
        slopes.group_ranks(effect="z")
    with pytest.raises(sh.StanhierError, match=r"group_ranks\(at='0'\): 'at' must be"):
        slopes.group_ranks(at="0")
    with pytest.raises(sh.StanhierError, match=r"group_ranks\(prob=2\)"):
        slopes.group_ranks(prob=2)
    with pytest.raises(sh.DataError, match="has no groups"):
        fake_fit(variants.LINEAR["default"](), draws=20).group_ranks()
