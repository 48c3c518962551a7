"""Pictures of groups and coefficients: forests, and what pooling did."""

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest

import stanhier as sh
from stanhier import plots
from tests.tools import synthetic
from tests.tools.drawn import labels_of, segments, texts_overlap
from tests.tools.fake_fit import fake_fit


def group_means(fit):
    """The groups' means at the mean of the predictors, draw by draw."""
    posterior = fit.posterior
    means = posterior["beta"].copy(data=np.broadcast_to(fit.model.design.X.mean(axis=0), posterior["beta"].shape))
    return posterior["alpha"] + (posterior["beta"] * means).sum("predictor")


def own_means(fit):
    """What the rows of each group alone say of its mean at predictors of 0."""
    return fit.model.engine.own_effects(fit.draws, 0)[:, 0] + float(fit.posterior["mu_alpha"].mean())


def test_forest_sorts_the_groups_and_names_them(three):
    ax = three.plot_forest()
    medians = group_means(three).median(("chain", "draw"))
    drawn = ax.lines[0].get_xdata()
    np.testing.assert_allclose(drawn, np.sort(medians))
    assert labels_of(ax.yaxis)[int(np.argmin(medians.to_numpy()[np.argsort(medians)]))] in labels_of(ax.yaxis)
    order = [str(v) for v in medians["clinic"].to_numpy()[np.argsort(medians.to_numpy())]]
    for label, name in zip(labels_of(ax.yaxis), order, strict=True):
        start = label.replace(r"\$", "$").strip()
        assert name.startswith(start[:12]), "the user's own names, whatever they hold"
    assert max(map(len, labels_of(ax.yaxis))) <= plots.shared.MAX_LABEL + 2
    assert ax.get_ylabel() == "clinic"
    assert ax.get_xlabel().startswith("mean pressure at the mean of the predictors\n")
    assert not texts_overlap(ax.get_figure())


def test_forest_draws_central_intervals(three):
    ax = three.plot_forest(prob=0.8)
    draws = group_means(three).to_numpy().reshape(-1, 3)
    ends = np.array(segments(ax, 0))[:, :, 0]
    order = np.argsort(np.median(draws, axis=0))
    np.testing.assert_allclose(ends, np.quantile(draws, [0.1, 0.9], axis=0).T[order])
    inner = np.array(segments(ax, 1))[:, :, 0]
    np.testing.assert_allclose(inner, np.quantile(draws, [0.25, 0.75], axis=0).T[order])
    assert "50 % and 80 %" in ax.get_xlabel()


def test_forest_of_many_groups_shows_fifty_and_sums_up_the_rest(many):
    ax = many.plot_forest()
    names = labels_of(ax.yaxis)
    assert names.count("70 groups between") == 1
    assert len(names) == plots.MAX_GROUPS + 1
    medians = many.group_summary()["median"]
    exact = group_means(many).median(("chain", "draw")).to_series().sort_values()
    assert names[:25] == list(exact.index[:25])
    assert names[25:50] == list(exact.index[-25:])
    assert len(medians) == 120
    assert [len(c.get_segments()) for c in ax.collections] == [70, 50, 50]
    assert not texts_overlap(ax.get_figure())


def test_forest_takes_axes_groups_and_coefficients(many):
    figure, ax = plt.subplots()
    assert many.plot_forest(groups=["g007", "g003"], ax=ax) is ax
    assert sorted(labels_of(ax.yaxis)) == ["g003", "g007"]
    assert figure.axes == [ax]
    ends = np.array(segments(ax))[:, :, 0]
    draws = group_means(many).sel(clinic=labels_of(ax.yaxis)).to_numpy().reshape(-1, 2)
    np.testing.assert_allclose(ends, np.quantile(draws, [0.05, 0.95], axis=0).T)
    assert labels_of(many.plot_forest(groups="g007").yaxis) == ["g007"]
    slopes = many.plot_forest(var_names="beta")
    assert labels_of(slopes.yaxis) == ["age", "sex[T.male]"]
    assert labels_of(synthetic.line().plot_forest().yaxis) == ["x"]


def test_forest_of_several_kinds_of_coefficients(three):
    ax = three.plot_forest(var_names=["mu_alpha", "beta"])
    assert labels_of(ax.yaxis) == ["intercept", "age", "sex[T.male]"]
    medians = three.posterior[["mu_alpha", "beta"]].median(("chain", "draw"))
    np.testing.assert_allclose(ax.lines[0].get_xdata(), [medians["mu_alpha"], *medians["beta"]])
    assert ax.get_xlabel().startswith("pressure: value at predictors of 0 (intercept), change per unit")
    assert labels_of(synthetic.line().plot_forest(var_names=["beta", "alpha"]).yaxis) == ["intercept", "x"]


def test_groups_are_drawn_at_predictors_of_zero_when_asked(three):
    forest, pooled = three.plot_forest(at=0), three.plot_shrinkage(at=0)
    medians = np.sort(three.posterior["alpha"].median(("chain", "draw")))
    np.testing.assert_allclose(forest.lines[0].get_xdata(), medians)
    np.testing.assert_allclose(np.sort(pooled.lines[1].get_xdata()), medians)
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


def test_forest_refuses_what_it_cannot_draw(three):
    with pytest.raises(sh.StanhierError, match="no group 'elsewhere' in 'clinic'"):
        three.plot_forest(groups=["elsewhere"])
    with pytest.raises(sh.StanhierError, match=r"plot_forest\(groups=\[\]\): no group is named"):
        three.plot_forest(groups=[])
    with pytest.raises(sh.StanhierError, match="'prob' must be a number between 0 and 1"):
        three.plot_forest(prob=90)
    with pytest.raises(sh.StanhierError, match=r"must be among mu_alpha, beta, alpha; plot_posterior\(\) draws sigma"):
        three.plot_forest(var_names=["beta", "sigma"])
    with pytest.raises(sh.StanhierError, match="'alpha' are the groups, which have a picture of their own"):
        three.plot_forest(var_names=["alpha", "beta"])
    with pytest.raises(sh.StanhierError, match="coefficients have no groups"):
        synthetic.line().plot_forest(groups=["a"])


def test_forest_works_where_there_is_no_room_for_all_draws(many, monkeypatch):
    expected = many.plot_forest().lines[1].get_xdata()
    from stanhier.fit import Fit
    from stanhier.plots import factors
    from stanhier.posterior import labelled

    monkeypatch.setattr(labelled, "MAX_VALUES", 10)
    monkeypatch.setattr(factors, "_BLOCK_VALUES", 7 * 1000)
    small = Fit(many.model, many.draws)
    assert "alpha" not in small.posterior
    np.testing.assert_allclose(small.plot_forest().lines[1].get_xdata(), expected)


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
