"""Sizes, what pictures give back, and pictures of many panels."""

import inspect

import arviz as az
import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest

import stanhier as sh
from stanhier.evaluation.calibration import Calibration
from stanhier.evaluation.shares import Shares
from stanhier.many.pooled import Pooling
from stanhier.marginal.effects import Effects
from stanhier.plots.figures import Panels
from tests.plots.test_pooling import pooled
from tests.tools import synthetic
from tests.tools.drawn import segments, texts_overlap
from tests.tools.fake_fit import fake_fit

COMPARISON = pd.DataFrame({"elpd_diff": [0.0, -12.3], "dse": [0.0, 4.0]}, index=["one", "two"])


def calibration():
    ranks = np.random.default_rng(1).integers(0, 101, (200, 2))
    return Calibration(pd.DataFrame(ranks, columns=["alpha", "sigma"]), n_draws=100, divergences=0)


PICTURES = {
    "trace": lambda fits, **size: fits[0].plot_trace(**size),
    "pair": lambda fits, **size: fits[0].plot_pair(**size),
    "posterior": lambda fits, **size: fits[0].plot_posterior(**size),
    "prior and posterior": lambda fits, **size: fits[0].plot_prior_posterior(**size),
    "prior": lambda fits, **size: fits[0].model.plot_prior(**size),
    "correlations": lambda fits, **size: fits[2].plot_correlations(**size),
    "correlations of three": lambda fits, **size: fits[3].plot_correlations(**size),
    "forest": lambda fits, **size: fits[0].plot_forest(**size),
    "forest of coefficients": lambda fits, **size: fits[0].plot_forest(var_names=["beta"], **size),
    "ranks": lambda fits, **size: fits[0].plot_ranks(**size),
    "shrinkage": lambda fits, **size: fits[0].plot_shrinkage(**size),
    "shrinkage of many": lambda fits, **size: fits[1].plot_shrinkage(**size),
    "ppc": lambda fits, **size: fits[0].plot_ppc(**size),
    "ppc of rows": lambda fits, **size: fits[0].plot_ppc(kind="density", **size),
    "ppc of groups": lambda fits, **size: fits[0].plot_ppc(kind="groups", **size),
    "prediction": lambda fits, **size: fits[0].plot_prediction("age", **size),
    "prediction by group": lambda fits, **size: fits[0].plot_prediction("age", by="clinic", **size),
    "comparisons": lambda fits, **size: fits[0].comparisons("age").plot(**size),
    "slopes row by row": lambda fits, **size: fits[0].slopes("age", average=False).plot(**size),
    "shares explained": lambda fits, **size: fits[0].r2().plot(**size),
    "shares of factors": lambda fits, **size: fits[0].icc().plot(**size),
    "compare": lambda _, **size: sh.plot_compare(COMPARISON, **size),
    "pooling": lambda _, **size: pooled(12).plot(**size),
    "pooling of many": lambda _, **size: pooled(90).plot(**size),
    "calibration": lambda _, **size: calibration().plot(**size),
}
ON_AXES = {
    "posterior": lambda fit, **where: fit.plot_posterior(var_names="sigma", **where),
    "prior and posterior": lambda fit, **where: fit.plot_prior_posterior(var_names="sigma", **where),
    "forest": lambda fit, **where: fit.plot_forest(**where),
    "ranks": lambda fit, **where: fit.plot_ranks(**where),
    "shrinkage": lambda fit, **where: fit.plot_shrinkage(**where),
    "ppc": lambda fit, **where: fit.plot_ppc(**where),
    "comparisons": lambda fit, **where: fit.comparisons("age").plot(**where),
    "shares": lambda fit, **where: fit.icc().plot(**where),
    "prediction": lambda fit, **where: fit.plot_prediction("age", **where),
    "pooling": lambda _, **where: pooled(12).plot(**where),
}


def of_slopes(effects):
    rng = np.random.default_rng(2)
    data = pd.DataFrame(rng.normal(size=(60, 3)), columns=["y", "u", "v"]).assign(g=np.arange(60) % 6)
    return fake_fit(sh.Model(f"y ~ u + v + (1 + {effects} | g)", data), draws=50)


@pytest.fixture(scope="module")
def fits(many):
    return synthetic.grouped([5, 12, 40]), many, of_slopes("u"), of_slopes("u + v")


def test_there_is_no_other_picture():
    methods = [name for kind in (sh.Fit, sh.Model) for name in dir(kind) if name.startswith("plot")]
    functions = [name for name in sh.__all__ if name.startswith("plot")]
    others = [kind.plot for kind in (Pooling, Calibration, Effects, Shares)]
    assert sorted([*methods, *functions]) == sorted(
        f"plot_{name}"
        for name in (
            *("trace", "pair", "posterior", "prior_posterior", "prior", "forest", "shrinkage", "ppc", "prediction"),
            *("compare", "correlations", "ranks"),
        )
    ), "a new picture belongs into PICTURES"
    for draw in [*(getattr(sh.Fit, name, None) or getattr(sh.Model, name, None) for name in methods), *others]:
        assert inspect.signature(draw).return_annotation is Panels
        assert "\nReturns\n-------\nPanels\n" in inspect.getdoc(draw)


@pytest.mark.versions
@pytest.mark.parametrize("draw", PICTURES.values(), ids=PICTURES)
def test_every_picture_has_a_figure_of_the_size_that_was_asked_for(fits, draw, tmp_path):
    drawn = draw(fits, figsize=(9, 8.5))
    assert isinstance(drawn, Panels)
    assert all(isinstance(panel, mpl.axes.Axes) for panel in drawn)
    assert isinstance(drawn.figure, mpl.figure.Figure)
    assert tuple(drawn.figure.get_size_inches()) == (9, 8.5)
    assert len(plt.get_fignums()) == 1
    drawn.savefig(tmp_path / "one.png", dpi=20)
    drawn.figure.savefig(str(tmp_path / "two.png"), dpi=20)
    for name in ("one.png", "two.png"):
        assert plt.imread(tmp_path / name).shape[:2] == (170, 180)


@pytest.mark.parametrize("draw", PICTURES.values(), ids=PICTURES)
@pytest.mark.parametrize("size", [5, (5,), (5, -1), ("wide", 3), (3, float("nan")), (1, 2, 3)], ids=repr)
def test_what_is_no_size_is_refused(fits, draw, size):
    with pytest.raises(sh.StanhierError, match=r"figsize.*must be width and height in inches, such as \(8, 5\)"):
        draw(fits, figsize=size)


@pytest.mark.parametrize("draw", ON_AXES.values(), ids=ON_AXES)
def test_axes_have_their_figures_size(three, draw):
    figure, ax = plt.subplots()
    assert list(draw(three, ax=ax)) == [ax]
    assert ax.figure is figure
    with pytest.raises(sh.StanhierError, match="`ax` is in a figure that has its size; give `figsize` or `ax`"):
        draw(three, ax=ax, figsize=(5, 4))


@pytest.mark.parametrize("draw", ON_AXES.values(), ids=ON_AXES)
def test_what_is_no_axes_is_refused(three, draw):
    figure = plt.figure()
    for given, words in (
        (figure, r"not Figure; give one of figure.axes, or figure.subplots\(\)"),
        (plt.subplots(1, 2)[1], r"not ndarray of 2; give plt.subplots\(\)\[1\]"),
        (111, "not int;"),
    ):
        with pytest.raises(sh.StanhierError, match=rf"\(ax=...\): 'ax' must be one pair of matplotlib's axes, {words}"):
            draw(three, ax=given)
    assert not figure.axes


def test_panels_are_an_array_of_axes(three):
    panels = three.plot_posterior()
    assert isinstance(panels, np.ndarray)
    assert repr(panels) == "<5 panels of a figure>"
    assert panels[1:3].figure is panels.figure
    assert [ax.figure for ax in panels] == [panels.figure] * 5
    with pytest.raises(
        AttributeError, match=r"no attribute 'set_title'; it holds 5 panels: take one, as in panels\[0\]"
    ):
        panels.set_title("many")


def test_one_panel_has_the_methods_of_its_axes(three):
    panel = three.plot_forest()
    assert repr(panel) == "<1 panel of a figure>"
    panel.set_title("Clinics")
    assert panel[0].get_title() == "Clinics"
    assert list(panel.lines) == list(panel[0].lines)
    with pytest.raises(AttributeError, match="no attribute 'no_such'"):
        panel.no_such  # noqa: B018


def test_panels_in_a_part_of_a_figure_are_saved_with_all_of_it(three, tmp_path):
    figure = plt.figure(figsize=(4, 2))
    left, _ = figure.subfigures(1, 2)
    panels = three.plot_posterior(var_names="sigma", ax=left.subplots())
    assert panels.figure is figure
    panels.savefig(tmp_path / "all.png", dpi=20)
    assert plt.imread(tmp_path / "all.png").shape[:2] == (40, 80)


def test_pictures_by_arviz_hold_its_collection(three):
    panels = three.plot_trace(var_names="sigma")
    assert type(panels.collection).__name__ == "PlotCollection"
    assert panels[:1].collection is panels.collection
    assert panels.viz is panels.collection.viz
    assert three.plot_posterior().collection is None


def test_arviz_may_draw_with_another_library(three):
    panels = three.plot_trace(var_names="sigma", backend="none")
    assert len(panels) == 0
    assert panels.figure is panels.collection.viz["figure"].item()


def wide(n_slopes):
    rng = np.random.default_rng(0)
    data = pd.DataFrame({f"predictor_{k}": rng.normal(size=80) for k in range(n_slopes)})
    formula = "y ~ " + " + ".join(data.columns) + " + (1 | g)"
    return fake_fit(
        sh.VaryingIntercept(formula, data.assign(y=data.sum(axis=1) + rng.normal(size=80), g=np.arange(80) % 8)),
        divergences=5,
    )


@pytest.mark.parametrize("n_parameters", [7, pytest.param(10, marks=pytest.mark.slow)])
def test_pairs_of_up_to_ten_parameters_are_drawn(n_parameters):
    before = dict(az.rcParams)
    matrix = wide(n_parameters - 3).plot_pair()
    assert len([ax for ax in matrix.figure.axes if ax.collections]) == n_parameters * (n_parameters - 1) // 2
    assert not texts_overlap(matrix.figure)
    assert dict(az.rcParams) == before, "ArviZ's settings are the user's"


def test_pairs_of_more_are_refused():
    with pytest.raises(sh.StanhierError, match=r"plot_pair\(\): 11 parameters are too many.*at most 10.*var_names="):
        wide(8).plot_pair()


@pytest.mark.parametrize("n_parameters", [21, pytest.param(40, marks=pytest.mark.slow)])
def test_traces_of_up_to_forty_parameters_are_drawn(n_parameters):
    names = ["mu_alpha", "sigma_alpha", "beta", "sigma"]  # the few groups of it would have rows too
    assert len(wide(n_parameters - 3).plot_trace(var_names=names).figure.axes) == 2 * n_parameters


def test_traces_of_more_are_refused():
    with pytest.raises(sh.StanhierError, match=r"plot_trace\(\): 41 parameters are too many.*at most 40"):
        wide(38).plot_trace()


def test_arvizs_settings_are_put_back_after_a_failure(three):
    before = dict(az.rcParams)
    with pytest.raises(ValueError, match="no_such_keyword"):
        three.plot_pair(no_such_keyword=1)
    assert dict(az.rcParams) == before


NAMED = {
    "trace": lambda fit, names: fit.plot_trace(var_names=names),
    "pair": lambda fit, names: fit.plot_pair(var_names=names),
    "posterior": lambda fit, names: fit.plot_posterior(var_names=names),
    "prior and posterior": lambda fit, names: fit.plot_prior_posterior(var_names=names),
    "forest": lambda fit, names: fit.plot_forest(var_names=names),
    "prior": lambda fit, names: fit.model.plot_prior(var_names=names),
}


@pytest.mark.parametrize("draw", NAMED.values(), ids=NAMED)
@pytest.mark.parametrize("names", [["beta"], ("beta",), np.array(["beta"]), ["beta", "beta"]], ids=repr)
def test_parameters_are_named_alone_or_in_lists(three, draw, names):
    def words(drawn):
        return [(ax.get_title(), ax.get_title(loc="left"), ax.get_ylabel(), len(ax.lines)) for ax in drawn.figure.axes]

    assert words(draw(three, names)) == words(draw(three, "beta"))


@pytest.mark.parametrize("draw", NAMED.values(), ids=NAMED)
def test_names_that_are_none_are_refused(three, draw):
    with pytest.raises(sh.StanhierError, match=r"no parameter is named; they are: mu_alpha, sigma_alpha, beta"):
        draw(three, [])
    with pytest.raises(sh.StanhierError, match="'var_names' must be a name or a list of names: mu_alpha"):
        draw(three, 3)
    with pytest.raises(sh.StanhierError, match="no parameter 'tau'; they are: mu_alpha"):
        draw(three, ["beta", "tau"])


def test_shares_are_drawn_with_the_intervals_of_their_table(three):
    table = three.icc(prob=0.8)
    (ax,) = table.plot()
    np.testing.assert_allclose(ax.lines[0].get_xdata(), table["median"])
    np.testing.assert_allclose([line[:, 0] for line in segments(ax)[: len(table)]], table[["lower", "upper"]])
    assert [text.get_text() for text in ax.get_yticklabels()] == list(table.index)
    assert ax.get_xlabel() == "share of the variance\n(median, 50 % and 80 % intervals)"
    with pytest.raises(sh.StanhierError, match="plot"):
        table.plot(kind="bar")
