"""What all pictures have in common."""

import subprocess
import sys

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest

import stanhier as sh
from tests.tools.drawn import labels_of, texts_overlap
from tests.tools.explicit_fit import crossed, explicit_fit, sleepy, wide_effects
from tests.tools.fake_fit import fake_fit


@pytest.mark.parametrize("method", ["plot_trace", "plot_pair", "plot_posterior", "plot_prior_posterior"])
def test_unknown_parameters_and_labels_are_named(three, method):
    with pytest.raises(sh.StanhierError, match="no parameter 'tau'; they are: mu_alpha"):
        getattr(three, method)(var_names=["tau"])
    with pytest.raises(sh.StanhierError, match="no such label"):
        getattr(three, method)(var_names="alpha", coords={"clinic": ["nowhere"]})
    with pytest.raises(sh.StanhierError, match="no dimension 'clinics'; the dimensions of alpha are: clinic"):
        getattr(three, method)(var_names="alpha", coords={"clinics": ["_hidden"]})
    with pytest.raises(sh.StanhierError, match="no dimension 'clinic'; they have no labels"):
        getattr(three, method)(var_names="sigma", coords={"clinic": ["_hidden"]})
    with pytest.raises(sh.StanhierError, match="'coords' must be a dict of labels by dimension"):
        getattr(three, method)(coords=["_hidden"])


def test_too_many_parameters_are_refused(many):
    with pytest.raises(sh.StanhierError, match=r"120 parameters are too many.*at most 60.*plot_forest"):
        many.plot_posterior(var_names="alpha")


def test_long_names_and_many_categories_stay_apart():
    rng = np.random.default_rng(1)
    names = [f"a rather long name of predictor number {k}" for k in range(5)]
    data = pd.DataFrame({name: rng.standard_normal(200) for name in names})
    data["region"] = np.resize([f"region of {k:02d}" for k in range(16)], 200)
    data["y"] = rng.standard_normal(200)
    formula = "y ~ " + " + ".join(f"`{name}`" for name in names) + " + region"
    fit = fake_fit(sh.LinearRegression(formula, data))
    regions = fit.plot_prediction("region")
    assert labels_of(regions.xaxis)[3] == "region of 03"
    assert regions.get_xticklabels()[0].get_rotation() == 60
    assert "2 more likewise" in regions.get_xlabel()
    some = {"coords": {"predictor": list(fit.model.design.predictors[:4])}}
    for picture in (
        fit.plot_prediction(names[0], by=names[1]),
        fit.plot_forest(),
        fit.plot_posterior()[0],
        fit.plot_prior_posterior(var_names=["beta", "sigma"], **some)[0],
    ):
        assert not texts_overlap(picture.get_figure())
    for collection in (fit.plot_trace(var_names=["beta"], **some), fit.plot_pair(var_names=["beta"], **some)):
        assert not texts_overlap(collection.viz["figure"].item())


def test_observed_data_are_seen_on_dark_backgrounds(three):
    with plt.style.context("dark_background"):
        line = three.plot_ppc(kind="density").lines[-1]
        assert mpl.colors.to_hex(line.get_color()) == "#ffffff"


def test_matplotlib_is_imported_when_something_is_drawn():
    code = (
        "import sys, stanhier.plots, stanhier.reports.report; print(sorted({'matplotlib', 'arviz'} & set(sys.modules)))"
    )
    assert subprocess.check_output([sys.executable, "-c", code], text=True) == "[]\n"


@pytest.fixture(scope="module")
def two():
    return crossed()


NAMES = [
    "alpha",
    "sd_subject[Intercept]",
    "sd_subject[days]",
    "cor_subject[Intercept, days]",
    "sd_item[Intercept]",
    "beta[days]",
    "sigma",
]


def test_numbers_of_several_labels_have_names_that_can_be_read(two):
    assert [ax.get_title() for ax in two.plot_posterior()] == NAMES
    assert [ax.get_title() for ax in two.plot_prior_posterior()] == NAMES
    assert [ax.get_title() for ax in two.model.plot_prior()][:-1] == NAMES
    trace = two.plot_trace().figure.axes
    assert [ax.get_title(loc="left") for ax in trace[::2]][: len(NAMES)] == NAMES
    for k, name in ((2, "sd_subject"), (3, "cor_subject")):
        values = two.posterior[name].to_numpy()[..., -1] if k == 2 else two.posterior[name].to_numpy()[..., 0, 1]
        np.testing.assert_allclose(trace[2 * k + 1].lines[0].get_ydata(), values[0])


def test_names_of_pairs_take_two_lines(two):
    figure = two.plot_pair(var_names=["sd_subject", "cor_subject"]).figure
    below = [ax.get_xlabel() for ax in figure.axes if ax.get_xlabel()]
    assert "sd_subject\n[Intercept]" in below
    assert "cor_subject\n[Intercept, days]" in below
    assert "sd_subject[days]" in below
    assert not texts_overlap(figure)


def test_labels_choose_correlations_on_either_side():
    fit = wide_effects()

    def titles(**coords):
        return [ax.get_title() for ax in fit.plot_posterior(var_names="cor_school", coords=coords)]

    assert len(titles()) == 10
    assert titles(effect="x") == titles(effect_other="x")
    assert sorted(titles(effect="x", effect_other=["Intercept", "z"])) == [
        "cor_school[Intercept, x]",
        "cor_school[x, z]",
    ]
    both = fit.plot_posterior(var_names=["sd_school", "cor_school"], coords={"effect": "z", "effect_other": "x"})
    assert [ax.get_title() for ax in both] == ["sd_school[z]", "cor_school[x, z]"]
    with pytest.raises(sh.StanhierError, match="no correlation is of such a pair of effects"):
        titles(effect="x", effect_other="x")
    with pytest.raises(
        sh.StanhierError, match="no dimension 'effects'; the dimensions of cor_school are: effect, effect_other"
    ):
        titles(effects="x")


def test_effects_of_groups_are_chosen_by_both_labels(two):
    coords = {"subject": ["308", "310"], "effect_of_subject": "days"}
    panels = two.plot_posterior(var_names="effect_subject", coords=coords)
    assert [ax.get_title() for ax in panels] == ["effect_subject[308, days]", "effect_subject[310, days]"]
    assert len(two.plot_trace(var_names="effect_subject", coords=coords).figure.axes) == 4
    with pytest.raises(sh.StanhierError, match=r"36 parameters are too many.*at most 10"):
        two.plot_pair(var_names="effect_subject")


def test_pictures_of_large_numbers_stay_apart():
    data = sleepy()
    data["reaction"] *= 1000
    fit = explicit_fit("reaction ~ days + (1 + days | subject)", data, sd={"subject": [25e3, 6e3]}, sigma=25e3)
    for picture in (fit.plot_posterior(), fit.plot_forest(), fit.plot_shrinkage(), fit.plot_ppc()):
        assert not texts_overlap(picture.figure)


def test_long_names_of_effects_stay_apart():
    days, reaction = (
        "days of sleep deprivation in the sleep laboratory",
        "reaction time in milliseconds on the vigilance task",
    )
    data = sleepy().rename(columns={"days": days, "reaction": reaction})
    formula = f"`{reaction}` ~ `{days}` + (1 + `{days}` | subject)"
    fit = explicit_fit(formula, data, sd={"subject": [25.0, 6.0]}, sigma=25.0)
    for picture in (
        fit.plot_forest(),
        fit.plot_forest(effects=days),
        fit.plot_shrinkage(),
        fit.plot_shrinkage(kind="rows"),
        fit.plot_correlations(),
        fit.plot_posterior(),
        fit.plot_prediction(days),
    ):
        assert not texts_overlap(picture.figure)
