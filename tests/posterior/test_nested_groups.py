"""Groups within groups: what they come to has the effects of those that they lie in, wherever rows or labels tell."""

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import polars as pl
import pytest

import stanhier as sh
from stanhier.design.groupings import levels_above
from stanhier.engines.multilevel.effects import GroupDraws, conditional_moments
from stanhier.posterior.chosen_groups import group_coefficient
from stanhier.posterior.places import place_at
from stanhier.reports.group_tables import group_tables
from tests.tools import family_fits, variants
from tests.tools.fake_fit import fake_fit

FORMULA = "y ~ x + z + (1 + x | school / `class`) + (1 | rater)"


@pytest.fixture(scope="module")
def fit():
    return fake_fit(sh.Model(FORMULA, variants.several()), chains=2, draws=100)


def parents(fit, inner="school:class", outer="school"):
    """The position of each class' school, by its label."""
    groupings = {one.name: one for one in fit.model.design.groupings}
    labels = [str(label).rpartition(":")[0] for label in groupings[inner].levels]
    return groupings[outer].levels.get_indexer(labels)


def of_mixture(fit, at, effect):
    """Mean and sd of classes: conditional moments of their own effects, around draws of the population and schools."""
    names = [one.name for one in fit.model.design.groupings]
    term, outer, draws, statistics = (
        names.index("school:class"),
        names.index("school"),
        fit.draws,
        fit.model.engine.statistics,
    )
    assert term == statistics.eliminated
    grouping, x = fit.model.design.groupings[term], place_at(fit.model, at, "").x
    weights, offset = group_coefficient(fit, grouping, effect, x)
    groups = np.arange(len(grouping.levels))
    means, covariances = conditional_moments(statistics, groups, GroupDraws.of(draws, statistics))
    schools = fit.model.engine.effects(draws, outer, parents(fit))
    centre = offset[:, None] + means @ weights + schools @ weights  # both have an intercept and a slope of x
    within = np.einsum("k,sgkl,l->sg", weights, covariances, weights)
    return centre.mean(axis=0), np.sqrt(centre.var(axis=0) + within.mean(axis=0))


@pytest.mark.parametrize("at", ["mean", 0, {"x": 2.0}])
@pytest.mark.parametrize("effect", ["Intercept", "x"])
def test_a_class_has_the_effects_of_its_school(fit, at, effect):
    table = fit.group_summary("school:class", at=at).xs(effect, level=1)
    mean, sd = of_mixture(fit, at, effect)
    np.testing.assert_allclose(table["mean"], mean, rtol=1e-9)
    np.testing.assert_allclose(table["sd"], sd, rtol=1e-9)


def test_some_classes_have_the_same_in_any_company(fit):
    labels = ["Ost:2", "Nord:0"]
    whole = fit.group_summary("school:class")
    some = fit.group_summary("school:class", labels)
    np.testing.assert_allclose(some, whole.loc[labels], rtol=1e-9)


def test_they_are_predictions_of_known_classes_of_an_average_rater():
    fit = fake_fit(sh.Model("y ~ x + (1 | school / `class`)", variants.several()), chains=4, draws=500)
    table = fit.group_summary("school:class", at={"x": 1.5})
    new = variants.several()[["school", "class"]].drop_duplicates().assign(x=1.5)
    predicted = fit.predict(new).set_index(new["school"] + ":" + new["class"].astype(str)).loc[table.index]
    np.testing.assert_allclose(table["mean"], predicted["mean"], atol=0.1 * table["sd"].min())
    np.testing.assert_allclose(table["sd"], predicted["sd"], rtol=0.1)


def test_deviations_are_those_of_the_class_alone(fit):
    pd.testing.assert_frame_equal(
        fit.group_summary("school:class", kind="deviation", at=0), fit.group_effects("school:class")
    )


def test_rows_tell_what_the_formula_does_not():
    """Rooms of which each is of one school, and all numbered through, are classes by another name."""
    data = variants.several()
    data["room"] = data["school"] + "/" + data["class"].astype(str)
    nested = fake_fit(sh.Model("y ~ x + (1 | school / `class`)", data), chains=2, draws=50)
    crossed = fake_fit(sh.Model("y ~ x + (1 | school) + (1 | room)", data), chains=2, draws=50)
    tables = [fit.group_summary(name).sort_index() for fit, name in ((nested, "school:class"), (crossed, "room"))]
    np.testing.assert_allclose(*(table.to_numpy() for table in tables), rtol=1e-9)


def test_three_levels_are_added_up():
    data = variants.several(n=300)
    data["seat"] = np.arange(300) % 3
    fit = fake_fit(sh.Model("y ~ x + (1 | school / `class` / seat)", data), chains=2, draws=50)
    inner, middle, outer = "school:class:seat", "school:class", "school"
    means = fit.model.engine.effect_means
    names = [one.name for one in fit.model.design.groupings]
    total = 0
    for name in (outer, middle, inner):
        term = names.index(name)
        levels = {str(label): k for k, label in enumerate(fit.model.design.groupings[term].levels)}
        depth = name.count(":") + 1
        own = [
            levels[":".join(str(label).split(":")[:depth])]
            for label in fit.model.design.groupings[names.index(inner)].levels
        ]
        total = total + means(fit.draws, term, np.arange(len(levels)))[:, own, 0].mean(axis=0)
    population = fit.model.engine.linear(fit.draws, place_at(fit.model, "mean", "").x[None])[:, 0].mean()
    np.testing.assert_allclose(fit.group_summary(inner)["mean"], total + population, rtol=1e-9)


def test_a_slope_that_schools_alone_have_is_in_the_means_of_classes():
    fit = fake_fit(sh.Model("y ~ x + (1 + z | school) + (1 | school:`class`)", variants.several()), chains=2, draws=50)
    one, other = (fit.group_summary("school:class", at={"z": z})["mean"] for z in (0, 2))
    slopes = fit.group_effects("school").xs("z", level=1)["mean"].to_numpy()
    np.testing.assert_allclose((other - one) / 2, slopes[parents(fit)], rtol=1e-8)


@pytest.mark.parametrize("name", ["poisson", "bernoulli"])
def test_other_families_have_it_of_their_draws(name):
    fit = family_fits.fit(family_fits.model(name, "x + (1 | g / h)"))
    posterior = fit.posterior
    inner, outer = posterior["effect_g:h"].isel({posterior["effect_g:h"].dims[-1]: 0}), posterior["effect_g"]
    outer = outer.isel({outer.dims[-1]: 0})
    own = [str(label).partition(":")[0] for label in inner["g:h"].values]
    position = {str(label): k for k, label in enumerate(outer["g"].values)}
    values = inner.values + outer.values[..., [position[label] for label in own]] + posterior["alpha"].values[..., None]
    table = fit.group_summary("g:h", at=0)
    values = values.reshape(-1, len(own))
    np.testing.assert_allclose(table["mean"], values.mean(axis=0), rtol=1e-9)
    np.testing.assert_allclose(table["median"], np.median(values, axis=0), rtol=1e-9)


def test_crossed_factors_stay_without_each_other(fit):
    rater = fit.group_summary("rater")
    effects = fit.group_effects("rater")["mean"]
    np.testing.assert_allclose(rater["mean"].diff().dropna(), effects.diff().dropna(), rtol=1e-8)
    assert str(rater).endswith(
        "Shown: the population and the effects of 'rater'; without those of 'school', 'school:class'."
    )


def test_a_table_says_what_it_shows(fit):
    shown = "Shown: the population and the effects of 'school', 'school:class'; without those of 'rater'."
    table = fit.group_summary("school:class")
    assert str(table).endswith(f"\n\nMeans at the mean of the predictors; intervals of 90 %. {shown}")
    assert "Shown: the population and the effects of &#x27;school&#x27;" in table._repr_html_()
    assert str(table.head(2)).endswith(shown)
    assert str(fit.group_ranks("school:class")).endswith(shown)
    for alone in (fit.group_effects("school:class"), fit.group_ranks("school:class", kind="deviation")):
        assert str(alone).endswith("Shown: the effects of 'school:class' alone.")
    one = fake_fit(sh.Model("y ~ x + (1 | school)", variants.several()), chains=2, draws=20)
    assert str(one.group_summary()).endswith("\n\nMeans at the mean of the predictors; intervals of 90 %.")
    assert str(one.group_summary(at=0, prob=0.5)).endswith("\n\nMeans at predictors of 0; intervals of 50 %.")
    assert str(one.group_effects()).endswith("\n\nDeviations from the population; intervals of 90 %.")


def test_reports_show_the_same(fit):
    titles = [one.title for one in group_tables(fit)]
    assert titles[2] == (
        "Means of the groups of school:class, at the mean of the predictors, effects of school included, for an "
        "average group of other factors, from high to low"
    )
    assert "included" not in titles[0]


def test_ranks_are_of_the_same_numbers(fit):
    draws = fit.group_draws("school:class").to_numpy().reshape(200, -1, 2)
    schools = fit.group_draws("school").to_numpy().reshape(200, -1, 2)
    x = place_at(fit.model, "mean", "").x
    weights = [1, x[fit.model.design.columns.names.index("x")]]
    own = draws @ weights
    for kind, values in (("mean", own + (schools @ weights)[:, parents(fit)]), ("deviation", own)):
        expected = (-values).argsort(axis=1).argsort(axis=1).mean(axis=0) + 1
        table = fit.group_ranks("school:class", kind=kind).loc[fit.model.design.groupings[1].levels]
        np.testing.assert_allclose(table["rank"], expected, rtol=1e-9)
    with pytest.raises(sh.StanhierError, match=r"group_ranks\(kind='own'\): 'kind' must be \"mean\" or \"deviation\""):
        fit.group_ranks("school:class", kind="own")


def test_forests_draw_the_table_and_say_so(fit):
    axes = fit.plot_forest("school:class")
    words = " ".join(axes[0].get_xlabel().split())
    assert words == "mean y at the mean of the predictors, effects of school included, of rater left out"
    (dots,) = [line.get_xdata() for line in axes[0].lines if line.get_marker() == "o"]
    medians = fit.group_summary("school:class").xs("Intercept", level=1)["median"]
    np.testing.assert_allclose(np.sort(dots), np.sort(medians))
    ranked = fit.plot_ranks("school:class", kind="deviation")
    assert "by deviation from the population in mean y" in " ".join(ranked.get_xlabel().split())
    plt.close("all")


def test_rows_that_are_not_in_memory_are_told_apart_by_labels():
    data = variants.several()
    whole = fake_fit(sh.Model("y ~ x + (1 | school / `class`)", data), chains=2, draws=50)
    streamed = fake_fit(sh.Model("y ~ x + (1 | school / `class`)", pl.from_pandas(data).lazy()), chains=2, draws=50)
    np.testing.assert_allclose(streamed.group_summary("school:class"), whole.group_summary("school:class"), rtol=1e-6)


def test_labels_with_colons_leave_it_open():
    data = variants.several()
    data["school"] = data["school"].str.replace("Nord", "No:rd")
    design = sh.Model("y ~ x + (1 | school / `class`)", pl.from_pandas(data).lazy()).design
    assert levels_above(design.groupings[1], design.groupings[0]) is None
    assert levels_above(design.groupings[0], design.groupings[1]) is None
    rows = sh.Model("y ~ x + (1 | school / `class`)", data).design
    assert rows.levels_above(1, 0) is not None
