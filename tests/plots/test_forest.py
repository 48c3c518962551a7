"""Pictures of groups and coefficients side by side."""

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest

import stanhier as sh
from stanhier import plots
from tests.tools import synthetic
from tests.tools.drawn import labels_of, segments, texts_overlap
from tests.tools.explicit_fit import crossed, explicit_fit, nested, sleep_study, sleepy, wide_effects


def group_means(fit):
    """The groups' means at the mean of the predictors, draw by draw."""
    posterior = fit.posterior
    means = posterior["beta"].copy(data=np.broadcast_to(fit.model.design.X.mean(axis=0), posterior["beta"].shape))
    return posterior["alpha"] + (posterior["beta"] * means).sum("predictor")


def test_forest_sorts_the_groups_and_names_them(three):
    ax = three.plot_forest()
    medians = three.group_summary()["median"].sort_values()
    np.testing.assert_array_equal(ax.lines[0].get_xdata(), medians)
    draws = group_means(three)
    spread = draws.std(("chain", "draw")).to_series()
    assert (abs(medians - draws.median(("chain", "draw")).to_series()) < 0.1 * spread).all()
    for label, name in zip(labels_of(ax.yaxis), map(str, medians.index), strict=True):
        start = label.replace(r"\$", "$").strip()
        assert name.startswith(start[:12]), "the user's own names, whatever they hold"
    assert max(map(len, labels_of(ax.yaxis))) <= plots.shared.MAX_LABEL + 2
    assert ax.get_ylabel() == "clinic"
    assert ax.get_xlabel().startswith("mean pressure at the mean of the predictors\n")
    assert not texts_overlap(ax.get_figure())


def test_forest_draws_central_intervals(three):
    ax = three.plot_forest(prob=0.8)
    outer, inner = (three.group_summary(prob=prob).sort_values("median")[["lower", "upper"]] for prob in (0.8, 0.5))
    np.testing.assert_array_equal(np.array(segments(ax, 0))[:, :, 0], outer)
    np.testing.assert_array_equal(np.array(segments(ax, 1))[:, :, 0], inner)
    assert "50 % and 80 %" in ax.get_xlabel()


def test_forest_of_many_groups_shows_fifty_and_sums_up_the_rest(many):
    ax = many.plot_forest()
    names = labels_of(ax.yaxis)
    assert names.count("70 groups between") == 1
    assert len(names) == plots.MAX_GROUPS + 1
    exact = many.group_summary()["median"].sort_values()
    assert names[:25] == list(exact.index[:25])
    assert names[25:50] == list(exact.index[-25:])
    assert [len(c.get_segments()) for c in ax.collections] == [70, 50, 50]
    assert not texts_overlap(ax.get_figure())


def test_forest_takes_axes_groups_and_coefficients(many):
    figure, ax = plt.subplots()
    assert list(many.plot_forest(groups=["g007", "g003"], ax=ax)) == [ax]
    assert sorted(labels_of(ax.yaxis)) == ["g003", "g007"]
    assert figure.axes == [ax]
    ends = np.array(segments(ax))[:, :, 0]
    np.testing.assert_array_equal(ends, many.group_summary(labels_of(ax.yaxis))[["lower", "upper"]])
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
    from stanhier.posterior import labelled

    monkeypatch.setattr(labelled, "MAX_VALUES", 10)
    small = Fit(many.model, many.draws)
    assert "alpha" not in small.posterior
    np.testing.assert_allclose(small.plot_forest().lines[1].get_xdata(), expected)


def test_forest_is_where_it_is_asked_to_be(three):
    ax = three.plot_forest(at={"age": 40, "sex": "male"})
    assert " ".join(ax.get_xlabel().split()).startswith("mean pressure at age = 40, sex = male (median")
    table = three.group_summary(at={"age": 40, "sex": "male"})
    np.testing.assert_array_equal(ax.lines[0].get_xdata(), np.sort(table["median"]))
    some = three.plot_forest(at={"age": 40})
    assert "at age = 40, other predictors at their means" in " ".join(some.get_xlabel().split())
    with pytest.raises(sh.DataError, match=r"plot_forest\(at=\{'sex': 'man'\}\): 'sex' has no 'man' in the data"):
        three.plot_forest(at={"sex": "man"})


@pytest.fixture(scope="module")
def sleep():
    return sleep_study()


@pytest.fixture(scope="module")
def two():
    return crossed()


def own_coefficients(fit, days):
    """Each subject's mean at `days` and slope, draw by draw, shape (draws, groups)."""
    posterior = fit.posterior
    slope = posterior["beta"].sel(predictor="days") + posterior["effect_subject"].sel(effect="days")
    at = posterior["alpha"] + posterior["effect_subject"].sel(effect="Intercept") + slope * days
    return [one.transpose("chain", "draw", "subject").to_numpy().reshape(1000, -1) for one in (at, slope)]


@pytest.mark.parametrize(("at", "days"), [("mean", 4.5), (0, 0.0)])
def test_each_effect_has_a_panel_in_which_groups_keep_their_rows(sleep, at, days):
    panels = sleep.plot_forest(at=at)
    assert [ax.get_title() for ax in panels] == ["Intercept", "days"]
    draws = own_coefficients(sleep, days)
    order = np.argsort(np.median(draws[0], axis=0), kind="stable")
    for ax, values in zip(panels, draws, strict=True):
        np.testing.assert_allclose(ax.lines[0].get_xdata(), np.median(values, axis=0)[order])
        ends = np.array(segments(ax, 0))[:, :, 0]
        np.testing.assert_allclose(ends, np.quantile(values, [0.05, 0.95], axis=0).T[order])
    assert labels_of(panels[0].yaxis) == [str(308 + k) for k in order]
    beta = float(sleep.posterior["beta"].median())
    assert panels[1].lines[1].get_xdata()[0] == pytest.approx(beta), "the population's slope"
    assert panels[1].get_xlabel() == "reaction per unit of days"
    assert not texts_overlap(panels.figure)


def test_the_first_effect_named_sorts_the_groups(sleep):
    panels = sleep.plot_forest(effects=["days", "Intercept"])
    assert [ax.get_title() for ax in panels] == ["days", "Intercept"]
    assert (np.diff(panels[0].lines[0].get_xdata()) >= 0).all()
    assert (np.diff(panels[1].lines[0].get_xdata()) < 0).any()
    _, given = plt.subplots()
    assert list(sleep.plot_forest(effects="days", ax=given)) == [given]
    np.testing.assert_allclose(given.lines[0].get_xdata(), panels[0].lines[0].get_xdata())
    assert given.get_xlabel() == "reaction per unit of days\n(median, 50 % and 90 % intervals)"


def test_a_factor_is_named_by_itself_or_by_its_effects(two):
    item = two.plot_forest("item")
    assert sorted(labels_of(item.yaxis)) == [f"item {k}" for k in range(6)]
    posterior = two.posterior
    means = (
        posterior["alpha"]
        + posterior["beta"].sel(predictor="days") * 4.5
        + posterior["effect_item"].sel(effect_of_item="Intercept")
    )
    np.testing.assert_allclose(item.lines[0].get_xdata(), np.sort(means.median(("chain", "draw"))))
    again = two.plot_forest(var_names="effect_item", groups=["item 3", "item 1"])
    assert sorted(labels_of(again.yaxis)) == ["item 1", "item 3"]
    assert len(two.plot_forest(group="subject", groups="308")) == 2
    assert labels_of(two.plot_forest(var_names=["alpha", "beta"]).yaxis) == ["intercept", "days"]


def test_forests_of_several_factors_refuse_what_cannot_be(two):
    with pytest.raises(sh.StanhierError, match=r"the model has several factors.*'subject', 'item'"):
        two.plot_forest()
    with pytest.raises(sh.StanhierError, match=r"plot_forest\('items'\): there is no such factor.*'subject', 'item'"):
        two.plot_forest("items")
    with pytest.raises(sh.StanhierError, match=r"no effect 'day'; the effects of 'subject' are 'Intercept', 'days'"):
        two.plot_forest("subject", effects="day")
    with pytest.raises(sh.StanhierError, match=r"effects=\[\]\): no effect is named"):
        two.plot_forest("subject", effects=[])
    with pytest.raises(sh.StanhierError, match="'effects' must be a name or a list of names; the effects of"):
        two.plot_forest("subject", effects=3)
    with pytest.raises(
        sh.StanhierError, match=r"one pair of axes holds one effect, not 2.*effects=: 'Intercept', 'days'"
    ):
        two.plot_forest("subject", ax=plt.subplots()[1])
    with pytest.raises(sh.StanhierError, match="'effect_item' are the groups of 'item', not of 'subject'"):
        two.plot_forest("subject", var_names="effect_item")
    with pytest.raises(sh.StanhierError, match=r"'effect_subject' are the groups, .* draw the others in another"):
        two.plot_forest(var_names=["effect_subject", "effect_item"])
    with pytest.raises(
        sh.StanhierError, match="must be among alpha, beta, effect_subject, effect_item; plot_posterior"
    ):
        two.plot_forest(var_names="cor_subject")
    with pytest.raises(sh.StanhierError, match="coefficients have no groups"):
        two.plot_forest("subject", var_names="beta")


def test_effects_without_a_slope_of_the_population_vary_around_zero():
    data = sleepy()
    fit = explicit_fit("reaction ~ 1 + (0 + days | subject)", data, sd={"subject": [12.0]}, sigma=30.0)
    ax = fit.plot_forest()
    assert ax.lines[1].get_xdata()[0] == 0
    medians = fit.posterior["effect_subject"].median(("chain", "draw")).to_numpy()[:, 0]
    np.testing.assert_allclose(ax.lines[0].get_xdata(), np.sort(medians))


def test_many_effects_and_nested_groups_have_room():
    panels = wide_effects().plot_forest()
    assert [ax.get_title() for ax in panels] == ["Intercept", "x", "z", "dose[T.low]", "dose[T.medium]"]
    assert not texts_overlap(panels.figure)
    ax = nested().plot_forest("batch:cask")
    assert len(labels_of(ax.yaxis)) == 30
    assert ax.get_ylabel() == "batch:cask"
    assert not texts_overlap(ax.figure)


def test_the_rest_of_many_groups_keeps_its_rows_in_every_panel():
    panels = sleep_study(n_groups=70, n_rows=4).plot_forest()
    assert [len(c.get_segments()) for c in panels[1].collections] == [20, 50, 50]
    assert labels_of(panels[0].yaxis)[-1] == "20 groups between"
    assert (np.diff(panels[0].lines[0].get_xdata()) >= 0).all()
    assert (np.diff(panels[1].lines[0].get_xdata()) < 0).any()
    assert not texts_overlap(panels.figure)


def test_more_than_six_effects_are_named_or_left_out():
    rng = np.random.default_rng(3)
    g, x = np.repeat(np.arange(12), 30), rng.uniform(0, 10, 360)
    data = pd.DataFrame({"y": np.sin(x) + rng.normal(size=12)[g] + rng.normal(size=360), "x": x, "g": g})
    fit = explicit_fit("y ~ x + (1 + bs(x, df=7) | g)", data, sd={"g": [1.0] + [0.5] * 7}, cor=0.05)
    panels = fit.plot_forest()
    assert len(panels) == 6
    assert panels.figure.get_supxlabel() == "(median, 50 % and 90 % intervals); 6 of 8 effects"
    assert fit.plot_shrinkage().figure.get_supxlabel() == "6 of 8 effects"
    assert len(fit.plot_forest(effects=list(fit.model.design.groupings[0].effects))) == 8


def test_deviations_are_those_of_the_table():
    fit = crossed()
    for group, at in (("subject", "mean"), ("item", 0), ("subject", {"days": 2})):
        axes = fit.plot_forest(group, kind="deviation", at=at, prob=0.8)
        table = fit.group_summary(group, kind="deviation", at=at, prob=0.8)
        table = table.xs("Intercept", level=1) if group == "subject" else table
        table = table.sort_values("median")
        np.testing.assert_array_equal(np.array(segments(axes[0]))[:, :, 0], table[["lower", "upper"]])
        assert [set(panel.lines[1].get_xdata()) for panel in axes] == [{0.0}] * len(axes)
    intercept, slope = fit.plot_forest("subject", kind="deviation")
    words = "deviation from the population in mean reaction at the mean of the predictors"
    assert " ".join(intercept.get_xlabel().split()) == words
    assert " ".join(slope.get_xlabel().split()) == "deviation from the population in reaction per unit of days"
    assert [text.get_text() for text in intercept.figure.legends[0].get_texts()] == ["the population"]
    items = " ".join(fit.plot_forest("item", kind="deviation", at=0).get_xlabel().split())
    assert items.startswith("deviation from the population in mean reaction (median")
    with pytest.raises(sh.StanhierError, match=r"plot_forest\(kind='sd'\): 'kind' must be \"mean\" or \"deviation\""):
        fit.plot_forest("item", kind="sd")
    with pytest.raises(sh.StanhierError, match="coefficients have no groups that deviate"):
        fit.plot_forest(var_names="beta", kind="deviation")


def test_axes_say_which_effects_are_left_out():
    fit = nested()
    said = "mean strength at the mean of the predictors, effects of {} {}"
    for group, other, whole in (("batch", "batch:cask", "left out"), ("batch:cask", "batch", "included")):
        pictures = {fit.plot_forest: whole, fit.plot_ranks: whole, fit.plot_shrinkage: "left out"}
        for plot, what in pictures.items():
            assert said.format(other, what) in " ".join(plot(group).get_xlabel().split())
        legend = [text.get_text() for text in fit.plot_shrinkage(group).get_legend().get_texts()]
        assert f"no pooling: the group's own mean,\neffects of {other} left out" in legend
    intercept, slope = crossed().plot_forest("subject")
    assert "effects of item left out" in " ".join(intercept.get_xlabel().split())
    assert "left out" not in slope.get_xlabel()
    assert "left out" not in "".join(panel.get_xlabel() for panel in sleep_study().plot_forest())
    data = sleepy().assign(a="a", b="b")
    data.loc[::2, ["a", "b"]] = "c"
    three = explicit_fit(
        "reaction ~ days + (1 | subject) + (1 | a) + (0 + days | b)",
        data,
        sd={"subject": [25.0], "a": [9.0], "b": [2.0]},
    )
    assert "effects of other factors left out" in " ".join(three.plot_forest("subject").get_xlabel().split())
