"""Data, means and intervals along a predictor."""

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from scipy import stats

import stanhier as sh
from tests.tools import synthetic
from tests.tools.drawn import labels_of, texts_overlap
from tests.tools.explicit_fit import crossed, explicit_fit, nested, sleepy
from tests.tools.fake_fit import fake_fit
from tests.tools.mode_fits import family_fit, family_rows


def test_prediction_of_a_line_is_that_of_predict():
    fit = synthetic.line()
    ax = fit.plot_prediction("x")
    mean = next(line for line in ax.lines if line.get_label() == "mean")
    table = fit.predict({"x": mean.get_xdata()})
    np.testing.assert_allclose(mean.get_ydata(), table["median"])
    points = next(line for line in ax.lines if line.get_linestyle() == "None")
    np.testing.assert_allclose(points.get_xydata(), fit.model.design.frame[["x", "y"]])
    new, of_mean = (c.get_paths()[0].get_extents() for c in ax.collections)
    assert new.height > of_mean.height
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("x", "y")


def test_prediction_of_the_average_group_says_where_the_others_are(three):
    ax = three.plot_prediction("age")
    assert ax.get_xlabel() == f"age\n(at sex = {three.model.design.frame['sex'].mode()[0]})"
    mean = next(line for line in ax.lines if line.get_label() == "mean")
    male = float(three.model.design.frame["sex"].mode()[0] == "male")
    posterior = three.posterior
    expected = (
        posterior["mu_alpha"]
        + posterior["beta"].sel(predictor="age") * mean.get_xdata()[7]
        + posterior["beta"].sel(predictor="sex[T.male]") * male
    )
    assert mean.get_ydata()[7] == pytest.approx(float(expected.median()), rel=1e-9)


def test_prediction_by_category_group_and_number(three, many):
    lines = three.plot_prediction("age", by="sex")
    assert [t.get_text() for t in lines.get_legend().get_texts()] == ["female", "male"]
    panels = three.plot_prediction("age", by="clinic")
    assert len(panels) == 3
    assert panels[0].get_figure().get_supxlabel().startswith("age")
    assert not texts_overlap(panels[0].get_figure())
    assert len(many.plot_prediction("age", by="clinic")) == 24
    two = many.plot_prediction("age", by="clinic", groups=["g001", "g002"])
    assert [ax.get_title() for ax in two] == ["g001", "g002"]
    boxes = three.plot_prediction("sex", by="age")
    assert labels_of(boxes.xaxis) == ["female", "male"]
    assert len(boxes.get_legend().get_texts()) == 3


def test_prediction_refuses_other_columns(three):
    with pytest.raises(sh.StanhierError, match="'x' must be a predictor of the model: 'age', 'sex'"):
        three.plot_prediction("clinic")
    with pytest.raises(sh.StanhierError, match=r"'x' must be one column, .*'age', 'sex'; a second one can be by="):
        three.plot_prediction(["age", "sex"])
    with pytest.raises(sh.StanhierError, match="'by' must be another column of the model: 'sex', 'clinic'"):
        three.plot_prediction("age", by="age")
    with pytest.raises(sh.StanhierError, match="figure of its own"):
        three.plot_prediction("age", by="clinic", ax=plt.subplots()[1])
    with pytest.raises(sh.StanhierError, match="no group 'x'"):
        three.plot_prediction("age", by="clinic", groups=["x"])


@pytest.fixture(scope="module")
def two():
    return crossed()


def curves(ax):
    """Mean line, and lower and upper ends of both bands, along the mean line's x."""
    mean = next(line for line in ax.lines if len(line.get_xdata()) == 60)
    bands = []
    for collection in ax.collections[:2]:
        vertices = collection.get_paths()[0].vertices
        bands.append((vertices[1:61, 1], vertices[62:122, 1][::-1]))
    return mean.get_xdata(), mean.get_ydata(), bands[0], bands[1]


def drawn(fit, name):
    values = fit.posterior[name].to_numpy()
    return values.reshape(-1, *values.shape[2:])


def test_new_observations_hold_the_spread_of_every_factor(two):
    days, mean, new, of_mean = curves(two.plot_prediction("days"))
    lines = drawn(two, "alpha")[:, None] + drawn(two, "beta") * days
    np.testing.assert_allclose(mean, np.median(lines, axis=0))
    np.testing.assert_allclose(of_mean, np.quantile(lines, [0.05, 0.95], axis=0))
    sd, cor = drawn(two, "sd_subject"), drawn(two, "cor_subject")[:, 0, 1]
    variance = sd[:, :1] ** 2 + 2 * (cor * sd.prod(axis=1))[:, None] * days + sd[:, 1:] ** 2 * days**2
    spread = np.sqrt(variance + drawn(two, "sd_item") ** 2 + drawn(two, "sigma")[:, None] ** 2)
    # Quantiles of the mixture over draws, exactly.
    for k in (0, 30, 59):
        for end, prob in zip(new, (0.05, 0.95), strict=True):
            below = stats.norm.cdf(end[k], lines[:, k], spread[:, k]).mean()
            assert below == pytest.approx(prob, abs=0.02)


def test_lines_of_groups_have_their_own_slopes(two):
    panels = two.plot_prediction("days", groups={"subject": ["309", "316"], "item": "item 2"})
    assert [ax.get_title() for ax in panels] == ["309", "316"]
    assert panels.figure.get_supxlabel() == "days\n(at item = item 2)"
    days = curves(panels[0])[0]
    item = two.posterior["effect_item"].sel(item="item 2").to_numpy().reshape(-1, 1)
    for ax, subject in zip(panels, ("309", "316"), strict=True):
        own = two.posterior["effect_subject"].sel(subject=subject).to_numpy().reshape(-1, 2)
        lines = (drawn(two, "alpha") + own[:, 0])[:, None] + (drawn(two, "beta") + own[:, 1:]) * days + item
        _, mean, new, of_mean = curves(ax)
        np.testing.assert_allclose(mean, np.median(lines, axis=0))
        np.testing.assert_allclose(of_mean, np.quantile(lines, [0.05, 0.95], axis=0))
        below = stats.norm.cdf(new[0][30], lines[:, 30], drawn(two, "sigma")).mean()
        assert below == pytest.approx(0.05, abs=0.02)
        frame = two.model.design.frame
        n_rows = int(((frame["subject"] == subject) & (frame["item"] == "item 2")).sum())
        assert len(ax.lines[0].get_xdata()) == n_rows
    table = two.predict({"days": days, "subject": ["316"] * 60, "item": ["item 2"] * 60})
    np.testing.assert_allclose(curves(panels[1])[1], table["median"])


def test_panels_are_of_the_factor_that_is_asked_for(two):
    assert len(two.plot_prediction("days", by="subject")) == 18
    by_item = two.plot_prediction("days", by="item", groups={"item": ["item 1", "item 0"], "subject": "310"})
    assert [ax.get_title() for ax in by_item] == ["item 1", "item 0"]
    assert by_item.figure.get_supxlabel() == "days\n(at subject = 310)"
    alone = two.plot_prediction("days", groups={"subject": "310"})
    assert alone.get_xlabel() == "days\n(at subject = 310)"
    assert len(alone.lines[0].get_xdata()) == 10
    assert not texts_overlap(by_item.figure)


def test_a_group_within_a_group_has_the_outer_ones_effect():
    fit = nested()
    (panel,) = fit.plot_prediction("x", by="batch:cask", groups=["B3:c1"])
    x, mean, _, _ = curves(panel)
    posterior = fit.posterior
    effects = posterior["effect_batch"].sel(batch="B3") + posterior["effect_batch:cask"].sel({"batch:cask": "B3:c1"})
    lines = (drawn(fit, "alpha") + effects.to_numpy().ravel())[:, None] + drawn(fit, "beta") * x
    np.testing.assert_allclose(mean, np.median(lines, axis=0))
    assert len(panel.lines[0].get_xdata()) == 2
    with pytest.raises(sh.StanhierError, match="'B3:c1' of 'batch:cask' is in 'B3' of 'batch'"):
        fit.plot_prediction("x", groups={"batch:cask": "B3:c1", "batch": "B4"})


def test_groups_that_cannot_be_drawn_are_refused(two):
    with pytest.raises(sh.StanhierError, match="'subjects' is no factor of the model; they are 'subject', 'item'"):
        two.plot_prediction("days", groups={"subjects": ["308"]})
    with pytest.raises(sh.StanhierError, match=r"panels are of one factor.*'subject', 'item'"):
        two.plot_prediction("days", groups={"subject": ["308"], "item": ["item 1"]})
    with pytest.raises(sh.StanhierError, match="there is no group 'item 9' in 'item'"):
        two.plot_prediction("days", groups={"item": "item 9"})
    with pytest.raises(sh.StanhierError, match="this goes with `by`, the grouping column"):
        two.plot_prediction("days", groups=["308"])
    with pytest.raises(sh.StanhierError, match="'by' must be another column of the model: 'subject', 'item'"):
        two.plot_prediction("days", by="subjects")
    with pytest.raises(sh.StanhierError, match="figure of its own"):
        two.plot_prediction("days", groups={"item": ["item 1"]}, ax=plt.subplots()[1])


def test_a_slope_of_groups_alone_widens_the_band():
    fit = explicit_fit("reaction ~ 1 + (0 + days | subject)", sleepy(), sd={"subject": [12.0]}, sigma=30.0)
    days, mean, new, of_mean = curves(fit.plot_prediction("days"))
    alpha, sd = drawn(fit, "alpha"), drawn(fit, "sd_subject")[:, 0]
    np.testing.assert_allclose(mean, np.median(alpha))
    np.testing.assert_allclose(of_mean[0], np.quantile(alpha, 0.05))
    for k in (0, 59):
        spread = np.hypot(sd * days[k], drawn(fit, "sigma"))
        assert stats.norm.cdf(new[1][k], alpha, spread).mean() == pytest.approx(0.95, abs=0.02)


def test_labels_of_any_kind_and_in_any_list_are_groups():
    data = sleepy(n_groups=6)
    data["subject"] = pd.Timestamp("2020-01-01") + pd.to_timedelta(data["subject"].astype(int), unit="D")
    fit = explicit_fit("reaction ~ days + (1 + days | subject)", data, sd={"subject": [25.0, 6.0]}, sigma=25.0)
    levels = fit.model.design.groupings[0].levels
    assert len(fit.plot_prediction("days", groups={"subject": levels[:2]})) == 2
    assert len(fit.plot_prediction("days", by="subject", groups=levels[0])) == 1
    assert (
        fit.plot_prediction("days", groups={"subject": levels[3]}).get_xlabel().startswith("days\n(at subject = 2020")
    )
    assert len(fit.plot_forest(groups=set(levels[:3]))[0].get_yticks()) == 3


@pytest.fixture(scope="module")
def doses():
    """Groups of different ages, along a dose whose logarithm counts."""
    rng = np.random.default_rng(1)
    g = np.repeat(np.arange(30), 12)
    data = pd.DataFrame({"g": [f"c{k:02d}" for k in g], "dose": rng.lognormal(0, 0.8, len(g))})
    data["age"], data["sex"] = 30 + g + rng.normal(0, 2, len(g)), rng.choice(["f", "m"], len(g))
    data["y"] = 0.2 * data["age"] + 2 * np.log(data["dose"]) + rng.normal(size=30)[g] + rng.normal(size=len(g))
    return fake_fit(sh.Model("y ~ age + log(dose) + sex + age:sex + (1 + log(dose) | g)", data), draws=100)


def test_the_line_of_a_group_is_at_its_own_values(doses):
    panels = doses.plot_prediction("dose", by="g", groups=["c03", "c27"])
    data = doses.model.rows.frame.assign(g=doses.model.rows.groupings[0].levels[doses.model.rows.groupings[0].codes])
    for ax, name in zip(panels, ("c03", "c27"), strict=True):
        own = data[data["g"] == name]
        mean = next(line for line in ax.lines if len(line.get_xdata()) == 60)
        new = pd.DataFrame({"dose": mean.get_xdata(), "g": name, "age": own["age"].mean(), "sex": own["sex"].mode()[0]})
        np.testing.assert_allclose(mean.get_ydata(), doses.predict(new)["median"])
        points = ax.lines[0].get_xydata()
        away = points[:, 1] - np.interp(points[:, 0], *mean.get_data())
        assert abs(away.mean()) < 1.5, "through the data"
    assert panels.figure.get_supxlabel() == "dose\n(at each group's own mean age and most frequent sex)"


def test_panels_say_of_how_many_groups_they_are(doses, three):
    few = doses.plot_prediction("dose", by="g").figure
    assert few.legends[0].get_title().get_text() == "24 of 30 groups of g"
    all_of_them = three.plot_prediction("age", by="clinic").figure
    assert all_of_them.legends[0].get_title().get_text() == "3 groups of clinic"
    assert all_of_them.get_supxlabel() == "age\n(at each group's own most frequent sex)"


def test_what_is_calculated_is_drawn_along_its_column(doses):
    ax, of_column = doses.plot_prediction("log(dose)"), doses.plot_prediction("dose")
    assert ax.get_xlabel() == of_column.get_xlabel()
    np.testing.assert_array_equal(curves(ax)[0], curves(of_column)[0])
    np.testing.assert_array_equal(curves(ax)[1], curves(of_column)[1])
    with pytest.raises(sh.StanhierError, match=r"x='age:sex\[T.m\]'\): it is made from several .*: 'age', 'sex'"):
        doses.plot_prediction("age:sex[T.m]")
    with pytest.raises(sh.StanhierError, match=r"x='log\(age\)'\): 'x' must be a predictor of the model"):
        doses.plot_prediction("log(age)")


def test_means_of_categories_stand_before_the_data(doses):
    ax = doses.plot_prediction("sex")
    data, mean = (next(line for line in ax.lines if len(line.get_xdata()) == n) for n in (360, 2))
    intervals = next(c for c in ax.collections if c.get_label() == "90 % of the mean")
    assert data.get_zorder() < intervals.get_zorder() < mean.get_zorder()


def test_points_of_lines_by_a_category_are_of_one_size(doses):
    ax = doses.plot_prediction("dose", by="sex")
    data = [line for line in ax.lines if line.get_linestyle() == "None"]
    assert len({line.get_markersize() for line in data}) == 1
    assert sum(len(line.get_xdata()) for line in data) == 360


def test_probabilities_have_an_axis_of_what_is_drawn():
    rare = family_rows("binomial").assign(trials=60)
    rare["y"] = np.random.default_rng(2).binomial(60, 0.08 + 0.04 * (rare["dose"] == "high"))
    fit = family_fit("binomial", "y ~ dose + (1 | g)", rows=rare)
    panels = fit.plot_prediction("dose", by="g")
    low, high = panels[0].get_ylim()
    assert {panel.get_ylim() for panel in panels} == {(low, high)}
    tops = [line.get_ydata().max() for panel in panels for line in panel.lines]
    tops += [c.get_offsets()[:, 1].max() for panel in panels for c in panel.collections if len(c.get_offsets())]
    assert max(tops) < high < 0.6
    assert low >= -0.03
    alone = fit.plot_prediction("dose").get_ylim()
    assert -0.03 <= alone[0] < alone[1] < 0.6
    whole = family_fit("bernoulli").plot_prediction("x").get_ylim()
    assert -0.03 <= whole[0] < whole[1] <= 1.03
