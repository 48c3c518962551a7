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
