"""What partial pooling did to groups: row by row, as points, and in the plane of two effects."""

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest

import stanhier as sh
from tests.tools import synthetic
from tests.tools.drawn import labels_of, segments, texts_overlap
from tests.tools.explicit_fit import crossed, explicit_fit, sleep_study, sleepy, wide_effects
from tests.tools.fake_fit import fake_fit


def own_means(fit):
    """What the rows of each group alone say of its mean at predictors of 0."""
    return fit.model.engine.own_effects(fit.draws, 0)[:, 0] + float(fit.posterior["mu_alpha"].mean())


def test_groups_are_drawn_at_predictors_of_zero_when_asked(three):
    forest, pooled = three.plot_forest(at=0), three.plot_shrinkage(at=0)
    table = three.group_summary(at=0)
    np.testing.assert_allclose(forest.lines[0].get_xdata(), np.sort(table["median"]))
    np.testing.assert_allclose(np.sort(pooled.lines[1].get_xdata()), np.sort(table["mean"]))
    np.testing.assert_allclose(pooled.lines[0].get_xdata(), np.sort(own_means(three)))
    for ax in (forest, pooled):
        assert ax.get_xlabel().startswith("mean pressure at predictors of 0")
        assert "mu_alpha, the mean of the groups" in ax.get_legend_handles_labels()[1]
    with pytest.raises(sh.StanhierError, match=r"plot_forest\(at='median'\): 'at' must be \"mean\""):
        three.plot_forest(at="median")
    with pytest.raises(sh.StanhierError, match=r"plot_shrinkage\(at=1\): 'at' must be \"mean\""):
        three.plot_shrinkage(at=1)


def yearly(shift):
    """A trend over years, written as years or as years since the first."""
    rng = np.random.default_rng(4)
    g, year = np.repeat(np.arange(15), 12), rng.integers(0, 25, 180)
    y = -2.5 * year + rng.normal(0, 30, 15)[g] + rng.normal(0, 60, 180)
    data = pd.DataFrame({"y": y, "year": year + shift, "g": [f"s{k:02d}" for k in g]})
    return fake_fit(sh.VaryingIntercept("y ~ year + (1 | g)", data))


def test_where_years_begin_changes_no_picture_of_groups():
    forests, pooled = zip(*((fit.plot_forest(), fit.plot_shrinkage()) for fit in map(yearly, (0, 1990))), strict=True)
    for k in (0, 1):
        ends = [np.array(segments(ax, k))[:, :, 0] for ax in forests]
        np.testing.assert_allclose(ends[1], ends[0], rtol=1e-6)
    for k in (0, 1):
        np.testing.assert_allclose(pooled[1].lines[k].get_xdata(), pooled[0].lines[k].get_xdata(), rtol=1e-6)
    far = yearly(1990).plot_forest(at=0)
    assert np.ptp(np.array(segments(far))[0][:, 0]) > 20 * np.ptp(np.array(segments(forests[1]))[0][:, 0])


def moved(ax):
    """How far pooling moved each group."""
    lines = {line.get_label().split(":")[0]: line.get_xdata() for line in ax.lines}
    return lines["partial pooling"] - lines["no pooling"]


def test_both_ends_of_an_arrow_are_of_the_same_draws():
    fit = yearly(1990)
    # Far from the data the intercept is hardly known, and a mean or median of it is off by more than arrows are long.
    error = fit.posterior["mu_alpha"].std() / np.sqrt(1000)
    far, near = moved(fit.plot_shrinkage(at=0)), moved(fit.plot_shrinkage())
    assert error > np.abs(near).max()
    np.testing.assert_allclose(far, near, atol=1e-6 * error)
    spread = float(fit.posterior["sigma_alpha"].mean())
    assert abs(near.mean()) < 0.1 * spread, "to the middle, not to one side"
    at = fit.plot_shrinkage(at={"year": 2010})
    np.testing.assert_allclose(moved(at), near, atol=1e-6 * error)
    assert at.get_xlabel() == "mean y at year = 2010"


def test_shrinkage_of_few_groups_shows_both_estimates_and_sizes(three):
    ax = three.plot_shrinkage()
    handles, words = ax.get_legend_handles_labels()
    assert [w.split(":")[0] for w in words[:2]] == ["no pooling", "partial pooling"]
    raw, pooled = (handle.get_xdata() for handle in handles[:2])
    centre = next(line for line in ax.lines if line.get_label() == "the mean of the groups").get_xdata()[0]
    assert (np.abs(pooled - centre) < np.abs(raw - centre) + 0.3).all(), "pulled to the mean"
    sizes = sorted(int(label.split("n = ")[1].rstrip(")")) for label in labels_of(ax.yaxis))
    assert sizes == [5, 12, 40]
    assert not texts_overlap(ax.get_figure())


def test_no_pooling_means_are_group_means_less_the_slopes(three):
    data = three.model.design.frame
    slopes = three.posterior["beta"].mean(("chain", "draw")).to_numpy()
    expected = (pd.Series(three.model.design.y - three.model.design.X @ slopes)).groupby(three.model.design.group.codes)
    np.testing.assert_allclose(own_means(three), expected.mean(), rtol=1e-9)
    assert len(data) == 57


def test_shrinkage_of_many_groups_shows_sizes_as_areas(many):
    ax = many.plot_shrinkage()
    areas = ax.collections[0].get_sizes()
    sizes = 1 + np.arange(120) % 30
    assert len(areas) == 120
    assert np.corrcoef(areas, sizes)[0, 1] > 0.999
    words = ax.get_legend_handles_labels()[1]
    assert "1 row" in words
    assert "30 rows" in words


def test_shrinkage_says_standard_errors_where_they_are_known():
    assert "A (se 15)" in labels_of(synthetic.schools().plot_shrinkage().yaxis)


def test_shrinkage_needs_groups():
    with pytest.raises(sh.StanhierError, match="no groups, so nothing is pooled"):
        synthetic.line().plot_shrinkage()


@pytest.fixture(scope="module")
def sleep():
    return sleep_study()


def least_squares(fit, days):
    """Each subject's mean at `days` and slope by its own rows alone, shape (2, groups)."""
    found = [
        np.polyfit(rows["days"] - days, rows["reaction"], 1)[::-1]
        for _, rows in fit.model.design.frame.assign(g=fit.model.design.groupings[0].codes).groupby("g")
    ]
    return np.array(found).T


@pytest.mark.parametrize(("at", "days"), [("mean", 4.5), (0, 0.0)])
def test_two_effects_are_drawn_against_each_other(sleep, at, days):
    ax = sleep.plot_shrinkage(at=at)
    handles, words = ax.get_legend_handles_labels()
    drawn = dict(zip(words, handles, strict=True))
    own = np.array(drawn["no pooling: own least squares"].get_data())
    pooled = np.array(drawn["partial pooling: posterior mean"].get_data())
    np.testing.assert_allclose(own, least_squares(sleep, days), rtol=1e-8)
    slopes = sleep.posterior["beta"].to_numpy() + sleep.posterior["effect_subject"].sel(effect="days").to_numpy()
    np.testing.assert_allclose(pooled[1], slopes.reshape(1000, -1).mean(axis=0))
    (arrows,) = (c for c in ax.collections if hasattr(c, "U"))
    np.testing.assert_allclose(np.stack([arrows.U, arrows.V]), pooled - own, rtol=1e-9)
    np.testing.assert_allclose(arrows.XY.T, own)
    assert not texts_overlap(ax.figure)


@pytest.mark.parametrize(("at", "days"), [("mean", 4.5), (0, 0.0)])
def test_ellipses_hold_their_share_of_the_population(sleep, at, days):
    ax = sleep.plot_shrinkage(at=at)
    posterior = sleep.posterior
    sd, cor = posterior["sd_subject"].to_numpy(), posterior["cor_subject"].to_numpy()
    covariance = (sd[..., :, None] * cor * sd[..., None, :]).reshape(-1, 2, 2).mean(axis=0)
    turned = np.array([[1.0, days], [0.0, 1.0]])
    covariance = turned @ covariance @ turned.T
    slope = float(posterior["beta"].mean())
    mean = np.array([float(posterior["alpha"].mean()) + days * slope, slope])
    lines = {line.get_label(): np.array(line.get_data()) for line in ax.lines}
    np.testing.assert_allclose(lines["mean of the population"][:, 0], mean)
    for prob in (0.5, 0.9):
        away = lines[f"{100 * prob:g} % of the population"] - mean[:, None]
        distance = np.einsum("kn,kl,ln->n", away, np.linalg.inv(covariance), away)
        np.testing.assert_allclose(1 - np.exp(-distance / 2), prob, rtol=1e-8)


def test_effects_are_drawn_row_by_row_where_asked(sleep):
    panels = sleep.plot_shrinkage(kind="rows")
    own = least_squares(sleep, 4.5)
    order = np.argsort(own[0])
    for ax, values in zip(panels, own, strict=True):
        np.testing.assert_allclose(ax.lines[0].get_xdata(), values[order], rtol=1e-8)
    assert not texts_overlap(panels.figure)
    _, given = plt.subplots()
    assert list(sleep.plot_shrinkage(effects="days", ax=given)) == [given]
    np.testing.assert_allclose(given.lines[0].get_xdata(), np.sort(own[1]), rtol=1e-8)
    assert len(wide_effects().plot_shrinkage()) == 5


def test_groups_whose_rows_tell_no_slope_have_no_arrow():
    data = sleepy(n_groups=12)
    data = data[(data["subject"] != "310") | (data["days"] == 4)]
    fit = explicit_fit("reaction ~ days + (1 + days | subject)", data, sd={"subject": [25.0, 6.0]}, sigma=25.0)
    ax = fit.plot_shrinkage()
    assert ax.get_title() == "12 groups of subject (least squares: 1 without)"
    (arrows,) = (c for c in ax.collections if hasattr(c, "U"))
    assert len(arrows.U) == 11
    words = ax.get_legend_handles_labels()
    points = dict(zip(words[1], words[0], strict=True))
    assert len(points["partial pooling: posterior mean"].get_xdata()) == 12
    rows = fit.plot_shrinkage(effects="days")
    assert np.isnan(rows.lines[0].get_xdata()).sum() == 1
    assert "310 (n = 1)" in labels_of(rows.yaxis)


def test_least_squares_far_off_do_not_press_the_others_together():
    data = sleepy(n_groups=30)
    data = data[(data["subject"] != "310") | (data["days"] < 2)].copy()
    data.loc[(data["subject"] == "310") & (data["days"] == 1), "reaction"] += 600
    fit = explicit_fit("reaction ~ days + (1 + days | subject)", data, sd={"subject": [25.0, 6.0]}, sigma=25.0)
    ax = fit.plot_shrinkage()
    assert "1 out of sight" in ax.get_title()
    assert np.ptp(ax.get_ylim()) < 150
    assert np.ptp(fit.plot_shrinkage(effects="days").get_xlim()) < 150


def test_many_groups_have_no_arrows():
    fit = sleep_study(n_groups=120, n_rows=4)
    ax = fit.plot_shrinkage()
    assert not [c for c in ax.collections if hasattr(c, "U")]
    assert ax.get_title().startswith("120 groups of subject")
    panels = fit.plot_shrinkage(kind="rows")
    assert [len(panel.collections[0].get_sizes()) for panel in panels] == [120, 120]
    np.testing.assert_allclose(panels[1].collections[0].get_offsets()[:, 0], least_squares(fit, 1.5)[1], rtol=1e-7)
    for picture in (ax, panels):
        assert not texts_overlap(picture.figure)


def test_pictures_of_pooling_refuse_what_cannot_be(sleep):
    with pytest.raises(sh.StanhierError, match=r"the model has several factors.*'subject', 'item'"):
        crossed().plot_shrinkage()
    with pytest.raises(sh.StanhierError, match="no effect 'x'; the effects of 'subject' are 'Intercept', 'days'"):
        sleep.plot_shrinkage(effects=["Intercept", "x"])
    with pytest.raises(sh.StanhierError, match='\'kind\' must be "rows" or "plane"'):
        sleep.plot_shrinkage(kind="arrows")
    with pytest.raises(sh.StanhierError, match="this is of two effects, not 1; name two with effects=: the effects of"):
        sleep.plot_shrinkage(effects="days", kind="plane")
    with pytest.raises(sh.StanhierError, match=r"one pair of axes holds one effect, not 2; choose it with effects="):
        sleep.plot_shrinkage(kind="rows", ax=plt.subplots()[1])


def test_least_squares_of_the_engine_are_those_of_the_rows():
    fit = fake_fit(sh.Model("reaction ~ days + (1 + days | subject)", sleepy()))
    drawn = {line.get_label(): line.get_data() for line in fit.plot_shrinkage(at=0).lines}
    np.testing.assert_allclose(drawn["no pooling: own least squares"], least_squares(fit, 0.0), rtol=1e-7)
    pooled = np.array(drawn["partial pooling: posterior mean"])
    expected = fit.group_summary(at=0)["mean"].to_numpy().reshape(-1, 2).T
    np.testing.assert_allclose(pooled, expected, rtol=1e-8)
