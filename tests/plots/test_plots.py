"""Pictures, checked by what is drawn in them; the fits are synthetic, so none of this needs Stan."""

import subprocess
import sys

import matplotlib as mpl
import numpy as np
import pandas as pd
import pytest

mpl.use("Agg")

import matplotlib.pyplot as plt

import stanhier as sh
from stanhier import plots
from stanhier.many.pooling import Pooling
from tests.tools import synthetic


@pytest.fixture(autouse=True)
def _no_traces():
    """Every picture must leave matplotlib's settings alone, and show nothing."""
    before = dict(mpl.rcParams)
    yield
    plt.close("all")
    assert dict(mpl.rcParams) == before


@pytest.fixture(autouse=True)
def _never_shown(monkeypatch):
    monkeypatch.setattr(plt, "show", lambda *_, **__: pytest.fail("a picture was shown unasked"))


@pytest.fixture(scope="module")
def three():
    return synthetic.grouped([5, 12, 40], [synthetic.LONG, synthetic.NASTY, "_hidden"], divergences=7)


@pytest.fixture(scope="module")
def many():
    return synthetic.grouped(1 + np.arange(120) % 30)


def labels_of(axis):
    return [label.get_text() for label in axis.get_ticklabels()]


def segments(ax, k=0):
    return ax.collections[k].get_segments()


def texts_overlap(figure):
    """Find texts of a figure that cover each other."""
    figure.canvas.draw()
    renderer = figure.canvas.get_renderer()
    boxes = []
    for ax in figure.axes:
        texts = [ax.xaxis.label, ax.yaxis.label, ax.title, ax._left_title]
        for axis in (ax.xaxis, ax.yaxis):
            low, high = sorted(axis.get_view_interval())
            texts += [t.label1 for t in axis.get_major_ticks() if low <= t.get_loc() <= high]
        legend = ax.get_legend()
        texts += legend.get_texts() if legend is not None else []
        boxes += [
            (text.get_text(), text.get_window_extent(renderer).padded(-1.5))
            for text in texts
            if text.get_visible() and text.get_text().strip()
        ]
    return [(a, b) for k, (a, box) in enumerate(boxes) for b, other in boxes[:k] if box.overlaps(other)]


# groups


def test_forest_sorts_the_groups_and_names_them(three):
    ax = three.plot_forest()
    medians = three.posterior["alpha"].median(("chain", "draw"))
    drawn = ax.lines[0].get_xdata()
    np.testing.assert_allclose(drawn, np.sort(medians))
    assert labels_of(ax.yaxis)[int(np.argmin(medians.to_numpy()[np.argsort(medians)]))] in labels_of(ax.yaxis)
    order = [str(v) for v in medians["clinic"].to_numpy()[np.argsort(medians.to_numpy())]]
    for label, name in zip(labels_of(ax.yaxis), order, strict=True):
        start = label.replace(r"\$", "$").strip()
        assert name.startswith(start[:12]), "the user's own names, whatever they hold"
    assert max(map(len, labels_of(ax.yaxis))) <= plots.shared.MAX_LABEL + 2
    assert ax.get_ylabel() == "clinic"
    assert ax.get_xlabel().startswith("mean pressure at predictors of 0")
    assert not texts_overlap(ax.get_figure())


def test_forest_draws_central_intervals(three):
    ax = three.plot_forest(prob=0.8)
    draws = three.posterior["alpha"].to_numpy().reshape(-1, 3)
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
    exact = many.posterior["alpha"].median(("chain", "draw")).to_series().sort_values()
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
    draws = many.posterior["alpha"].sel(clinic=labels_of(ax.yaxis)).to_numpy().reshape(-1, 2)
    np.testing.assert_allclose(ends, np.quantile(draws, [0.05, 0.95], axis=0).T)
    slopes = many.plot_forest(var_names="beta")
    assert labels_of(slopes.yaxis) == ["age", "sex[T.male]"]
    assert labels_of(synthetic.line().plot_forest().yaxis) == ["x"]


def test_forest_refuses_what_it_cannot_draw(three):
    with pytest.raises(sh.StanhierError, match="no group 'elsewhere' in 'clinic'"):
        three.plot_forest(groups=["elsewhere"])
    with pytest.raises(sh.StanhierError, match="'prob' must be a number between 0 and 1"):
        three.plot_forest(prob=90)
    with pytest.raises(sh.StanhierError, match="'var_names' must be"):
        three.plot_forest(var_names="sigma")
    with pytest.raises(sh.StanhierError, match="coefficients have no groups"):
        synthetic.line().plot_forest(groups=["a"])


def test_forest_works_where_there_is_no_room_for_all_draws(many, monkeypatch):
    expected = many.plot_forest().lines[1].get_xdata()
    from stanhier.fit import Fit
    from stanhier.plots import shared
    from stanhier.posterior import labelled

    monkeypatch.setattr(labelled, "MAX_VALUES", 10)
    monkeypatch.setattr(shared, "_BLOCK_VALUES", 7 * 1000)
    small = Fit(many.model, many.draws)
    assert "alpha" not in small.posterior
    np.testing.assert_allclose(small.plot_forest().lines[1].get_xdata(), expected)


def test_shrinkage_of_few_groups_shows_both_estimates_and_sizes(three):
    ax = three.plot_shrinkage()
    handles, words = ax.get_legend_handles_labels()
    assert [w.split(":")[0] for w in words[:2]] == ["no pooling", "partial pooling"]
    raw, pooled = (handle.get_xdata() for handle in handles[:2])
    centre = float(three.posterior["mu_alpha"].median())
    assert (np.abs(pooled - centre) < np.abs(raw - centre) + 0.3).all(), "pulled to the mean"
    sizes = sorted(int(label.split("n = ")[1].rstrip(")")) for label in labels_of(ax.yaxis))
    assert sizes == [5, 12, 40]
    assert not texts_overlap(ax.get_figure())


def test_no_pooling_means_are_group_means_less_the_slopes(three):
    data = three.model.design.frame
    slopes = three.posterior["beta"].mean(("chain", "draw")).to_numpy()
    expected = (pd.Series(three.model.design.y - three.model.design.X @ slopes)).groupby(three.model.design.group.codes)
    np.testing.assert_allclose(three.model.engine.own_means(three.draws), expected.mean(), rtol=1e-9)
    assert len(data) == 57


def test_shrinkage_of_many_groups_shows_sizes_as_areas(many):
    ax = many.plot_shrinkage()
    areas = ax.collections[0].get_sizes()
    sizes = 1 + np.arange(120) % 30
    assert len(areas) == 120
    assert np.corrcoef(areas, sizes)[0, 1] > 0.999
    words = ax.get_legend_handles_labels()[1]
    assert "1 rows" in words
    assert "30 rows" in words


def test_shrinkage_says_standard_errors_where_they_are_known():
    assert "A (se 15)" in labels_of(synthetic.schools().plot_shrinkage().yaxis)


def test_shrinkage_needs_groups():
    with pytest.raises(sh.StanhierError, match="no groups, so nothing is pooled"):
        synthetic.line().plot_shrinkage()


# parameters


def test_trace_has_a_row_for_each_parameter(three):
    collection = three.plot_trace()
    axes = collection.viz["figure"].item().axes
    titles = [ax.get_title(loc="left") for ax in axes[::2]]
    assert titles == ["mu_alpha", "sigma_alpha", "beta[age]", "beta[sex[T.male]]", "sigma"]
    lines = [line for line in axes[1].lines if len(line.get_xdata()) == 250]
    assert len(lines) == 4, "one per chain"
    assert axes[-1].get_xlabel() == "draw"
    assert not texts_overlap(collection.viz["figure"].item())


def test_trace_of_chosen_groups(three):
    chosen = three.plot_trace(var_names="alpha", coords={"clinic": ["_hidden"]})
    axes = chosen.viz["figure"].item().axes
    assert axes[0].get_title(loc="left") == "alpha[_hidden]"
    assert len(axes) == 2


@pytest.mark.parametrize("method", ["plot_trace", "plot_pair", "plot_posterior", "plot_prior_posterior"])
def test_unknown_parameters_and_labels_are_named(three, method):
    with pytest.raises(sh.StanhierError, match="no parameter 'tau'; they are: mu_alpha"):
        getattr(three, method)(var_names=["tau"])
    with pytest.raises(sh.StanhierError, match="no such label"):
        getattr(three, method)(var_names="alpha", coords={"clinic": ["nowhere"]})


def test_too_many_parameters_are_refused(many):
    with pytest.raises(sh.StanhierError, match=r"120 parameters are too many.*at most 60.*plot_forest"):
        many.plot_posterior(var_names="alpha")


def test_posterior_shows_each_density_with_its_interval(three):
    axes = three.plot_posterior()
    assert [ax.get_title() for ax in axes] == ["mu_alpha", "sigma_alpha", "beta[age]", "beta[sex[T.male]]", "sigma"]
    draws = three.posterior["sigma"].to_numpy().ravel()
    np.testing.assert_allclose(np.array(segments(axes[-1], 1))[0][:, 0], np.quantile(draws, [0.05, 0.95]))
    assert axes[-1].get_xlabel().startswith(f"median {np.median(draws):.1f}")
    assert not texts_overlap(axes[0].get_figure())
    _figure, ax = plt.subplots()
    assert three.plot_posterior(var_names="sigma", ax=ax) is ax
    with pytest.raises(sh.StanhierError, match="one parameter, not 2"):
        three.plot_posterior(var_names="beta", ax=ax)


def test_pair_draws_each_two(three):
    figure = three.plot_pair(var_names=["sigma", "beta"]).viz["figure"].item()
    words = {ax.get_xlabel() for ax in figure.axes} | {ax.get_ylabel() for ax in figure.axes}
    assert {"sigma", "beta[age]", "beta[sex[T.male]]"} <= words
    scatters = [ax for ax in figure.axes if ax.collections]
    assert len(scatters) == 3
    assert {sum(len(c.get_offsets()) for c in ax.collections) for ax in scatters} == {1000 + 7}, "draws, divergences"
    with pytest.raises(sh.StanhierError, match="needs two parameters"):
        three.plot_pair(var_names="sigma")


def test_prior_posterior_draws_the_prior_that_was_given():
    from scipy import stats

    fit = synthetic.line()
    axes = fit.plot_prior_posterior()
    slope = next(ax for ax in axes if ax.get_title() == "beta[x]")
    prior = next(line for line in slope.lines if line.get_label() == "prior")
    np.testing.assert_allclose(prior.get_ydata(), stats.norm(0, 10).pdf(prior.get_xdata()))
    assert slope.get_xlabel() == "prior Normal(0, 10)"


def test_the_prior_of_a_centred_intercept_is_moved_to_zero(three):
    from stanhier.plots.priors import prior_densities

    prior = prior_densities(three.model)["mu_alpha", None]
    given = three.model.priors["mu_alpha"]
    slopes = three.model.priors["beta"].values()
    means = three.model.design.X.mean(axis=0)
    sd = np.sqrt(given.sigma**2 + sum((m * p.sigma) ** 2 for m, p in zip(means, slopes, strict=True)))
    x = given.mu + sd * np.array([-1.0, 0.0, 1.0])
    exact = np.exp(-0.5 * np.array([1.0, 0.0, 1.0])) / (sd * np.sqrt(2 * np.pi))
    np.testing.assert_allclose(prior.pdf(x), exact, rtol=0.06)


@pytest.mark.parametrize(
    "prior",
    [sh.HalfNormal(2), sh.HalfCauchy(2), sh.HalfStudentT(4, 2), sh.Exponential(0.5)],
    ids=lambda p: type(p).__name__,
)
def test_densities_of_scale_priors_are_those_that_are_drawn_from(prior):
    from stanhier.plots.priors import prior_densities

    data = synthetic.grouped_frame([9, 9, 9])
    known = prior_densities(sh.LinearRegression("pressure ~ 1", data, priors={"sigma": prior}))["sigma", None]
    draws = prior.rvs(np.random.default_rng(1), 40_000)
    for p in (0.1, 0.5, 0.9):
        assert np.mean(draws < known.ppf(p)) == pytest.approx(p, abs=0.01)
    grid = np.linspace(0, known.ppf(0.9), 2001)
    assert np.trapezoid(known.pdf(grid), grid) == pytest.approx(0.9, abs=1e-3)


def test_prior_picture_ends_with_the_prior_predictive(three):
    axes = three.model.plot_prior()
    assert [ax.get_title() for ax in axes[:-1]] == [
        "mu_alpha",
        "sigma_alpha",
        "beta[age]",
        "beta[sex[T.male]]",
        "sigma",
    ]
    assert axes[-1].get_xlabel() == "pressure"
    assert len(axes[-1].lines) == 51
    assert not texts_overlap(axes[0].get_figure())


def test_flat_priors_have_no_picture():
    data = synthetic.grouped_frame([9, 9, 9])
    flat = sh.LinearRegression("pressure ~ age", data, priors={k: sh.Flat() for k in ("alpha", "beta", "sigma")})
    with pytest.raises(sh.StanhierError, match="every prior is flat"):
        flat.plot_prior()
    partly = sh.LinearRegression("pressure ~ age", data, priors={"beta": sh.Flat()})
    assert [ax.get_title() for ax in partly.plot_prior()] == ["alpha", "sigma"]


# data and predictions


def test_ppc_puts_the_observed_means_into_replicated_intervals(three):
    density, groups = three.plot_ppc()
    assert density.get_xlabel() == "pressure"
    assert len(density.lines) == 51
    observed = groups.lines[0].get_xdata()
    np.testing.assert_allclose(observed, np.sort(three.model.design.frame.groupby("clinic")["pressure"].mean()))
    ends = np.array(segments(groups))[:, :, 0]
    assert ((ends[:, 0] < observed) & (observed < ends[:, 1])).all()
    assert "3 of 3 observed means" in groups.get_xlabel()
    assert not texts_overlap(density.get_figure())


def test_ppc_of_many_groups_and_of_none(many):
    ax = many.plot_ppc(kind="groups")
    assert len(segments(ax)) == 120
    assert (np.diff(ax.lines[0].get_xdata()) >= 0).all(), "sorted"
    assert labels_of(ax.yaxis) == []
    assert ax.get_ylabel() == "120 groups of clinic, sorted"
    _figure, given = plt.subplots()
    assert many.plot_ppc(ax=given, draws=8) is given
    assert len(given.lines) == 9
    assert synthetic.line().plot_ppc().get_xlabel() == "y"
    with pytest.raises(sh.StanhierError, match="no groups"):
        synthetic.line().plot_ppc(kind="groups")
    with pytest.raises(sh.StanhierError, match="'kind' must be"):
        many.plot_ppc(kind="means")


def test_replicated_group_means_are_those_of_replicated_rows(three):
    ax = three.plot_ppc(kind="groups", draws=1000)
    ends = np.array(segments(ax))[:, :, 0]
    design = three.model.design
    rows = three.posterior_predictive(seed=9)["posterior_predictive"]["y"].to_numpy().reshape(1000, -1)
    means = np.stack([rows[:, design.group.codes == k].mean(axis=1) for k in range(3)])
    order = np.argsort(pd.Series(design.y).groupby(design.group.codes).mean())
    expected = np.quantile(means[order], [0.05, 0.95], axis=1).T
    np.testing.assert_allclose(ends, expected, atol=0.25 * np.ptp(expected, axis=1).min())


def test_ppc_of_very_many_rows_draws_a_part(three, monkeypatch):
    from stanhier.plots import predictive

    monkeypatch.setattr(predictive, "_MAX_ROWS", 30)
    values, observed = predictive._replicated_rows(three, np.arange(50), 1)
    assert values.shape == (50, 30)
    assert set(observed) < set(three.model.design.y)
    with pytest.raises(sh.StanhierError, match="'draws' must be an integer of at least 1"):
        three.plot_ppc(draws=0)


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


def test_long_names_and_many_categories_stay_apart():
    rng = np.random.default_rng(1)
    names = [f"a rather long name of predictor number {k}" for k in range(5)]
    data = pd.DataFrame({name: rng.standard_normal(200) for name in names})
    data["region"] = np.resize([f"region of {k:02d}" for k in range(16)], 200)
    data["y"] = rng.standard_normal(200)
    formula = "y ~ " + " + ".join(f"`{name}`" for name in names) + " + region"
    fit = synthetic.fit_of(sh.LinearRegression(formula, data))
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


def test_prediction_refuses_other_columns(three):
    with pytest.raises(sh.StanhierError, match="'x' must be a predictor of the model: 'age', 'sex'"):
        three.plot_prediction("clinic")
    with pytest.raises(sh.StanhierError, match="'by' must be another column of the model: 'sex', 'clinic'"):
        three.plot_prediction("age", by="age")
    with pytest.raises(sh.StanhierError, match="figure of its own"):
        three.plot_prediction("age", by="clinic", ax=plt.subplots()[1])
    with pytest.raises(sh.StanhierError, match="no group 'x'"):
        three.plot_prediction("age", by="clinic", groups=["x"])


def test_observed_data_are_seen_on_dark_backgrounds(three):
    with plt.style.context("dark_background"):
        line = three.plot_ppc(kind="density").lines[-1]
        assert mpl.colors.to_hex(line.get_color()) == "#ffffff"


def test_matplotlib_is_imported_when_something_is_drawn():
    code = (
        "import sys, stanhier.plots, stanhier.reports.report; print(sorted({'matplotlib', 'arviz'} & set(sys.modules)))"
    )
    assert subprocess.check_output([sys.executable, "-c", code], text=True) == "[]\n"


# comparisons


def pooled(n_groups):
    rng = np.random.default_rng(5)
    partial = synthetic.grouped(1 + np.arange(n_groups) % 30)
    centre = rng.normal(100, 5, n_groups)
    table = {"n": 1 + np.arange(n_groups) % 30}
    for name, middle, half in (("complete", 100.0, 1.0), ("no", centre, 6.0), ("partial", 0.5 * centre + 50, 4.0)):
        table |= {name: middle, f"{name}_lower": middle - half, f"{name}_upper": middle + half}
    index = pd.Index([f"g{k:03d}" for k in range(n_groups)], name="clinic")
    fits = {"complete pooling": partial, "no pooling": partial, "partial pooling": partial}
    return Pooling(fits, pd.DataFrame(table, index=index), 0.9)


def test_pooling_of_few_groups_puts_two_intervals_beside_each_other():
    result = pooled(12)
    ax = plots.pooling(result)
    assert [len(c.get_segments()) for c in ax.collections[:2]] == [12, 12]
    assert labels_of(ax.yaxis)[0] == "g011 (n = 12)", "the largest on top"
    assert ax.get_yticks()[0] == 11
    np.testing.assert_allclose(
        np.array(segments(ax, 0))[0][:, 0], result.estimates.loc["g011", ["no_lower", "no_upper"]]
    )
    np.testing.assert_allclose(
        np.array(segments(ax, 1))[0][:, 0], result.estimates.loc["g011", ["partial_lower", "partial_upper"]]
    )
    assert ax.get_legend_handles_labels()[1] == ["no pooling", "partial pooling", "complete pooling"]
    assert not texts_overlap(ax.get_figure())


def test_pooling_of_many_groups_has_sizes_on_the_axis():
    result = pooled(90)
    no, partial = plots.pooling(result)
    assert [ax.get_title() for ax in (no, partial)] == ["no pooling", "partial pooling"]
    assert no.get_xscale() == "log"
    at, middle = partial.lines[0].get_data()
    np.testing.assert_allclose(at, result.estimates["n"], rtol=0.09)
    np.testing.assert_allclose(middle, result.estimates["partial"])
    assert no.get_ylim() == partial.get_ylim()
    with pytest.raises(sh.StanhierError, match="figure of their own"):
        plots.pooling(result, ax=no)


def test_compare_puts_the_best_on_top():
    table = pd.DataFrame(
        {"elpd_diff": [0.0, -12.3], "dse": [0.0, 4.0], "elpd": [-1.0, -13.3], "se": [2.0, 3.0]},
        index=["partial pooling", "one $line$ for all"],
    )
    ax = sh.plot_compare(table).viz["figure"].item().axes[0]
    by_height = [label for _, label in sorted(zip(ax.get_yticks(), labels_of(ax.yaxis), strict=True))]
    assert by_height == [r"one \$line\$ for all", "partial pooling"]
    assert "expected log predictive density" in ax.get_xlabel()
    assert list(table.index) == ["partial pooling", "one $line$ for all"], "the table is left alone"
    with pytest.raises(sh.StanhierError, match="no column 'elpd_diff'"):
        sh.plot_compare(pd.DataFrame({"a": [1]}))
