"""Pictures of responses of any family."""

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from scipy import special

import stanhier as sh
from stanhier.basics.arviz_arrays import array_stats
from tests.tools.drawn import segments, texts_overlap
from tests.tools.mode_fits import FAMILIES, family_fit, family_rows, made_fit


@pytest.fixture(scope="module")
def fits():
    return {family: family_fit(family) for family in FAMILIES}


@pytest.fixture(scope="module")
def exposed():
    return family_fit("poisson", offset="log_exposure")


def scattered(ax, label):
    """Points that ArviZ drew, shape (n, 2)."""
    return next(c for c in ax.collections if c.get_label() == label).get_offsets().data


def line(ax, label):
    return next(one for one in ax.lines if one.get_label() == label)


@pytest.mark.parametrize("family", ["poisson", "negative_binomial", "binomial"])
def test_rootograms_count_the_rows_of_each_count(fits, family):
    ax = fits[family].plot_ppc(kind="rootogram")
    points = scattered(ax, "observed")
    y = fits[family].model.rows.observed
    assert points[:, 1].sum() == len(y)
    width = np.diff(points[:, 0]).min() if "bins of" in ax.get_xlabel() else 1
    at = points[np.argmax(points[:, 1]), 0]
    assert points[:, 1].max() == ((y >= at) & (y < at + width)).sum()
    assert ax.get_yscale() == "sqrt"
    assert [text.get_text() for text in ax.get_legend().get_texts()] == [
        "replicated: mean",
        "90 % interval",
        "observed",
    ]
    expected = scattered(ax, "replicated: mean")
    assert expected[:, 1].sum() == pytest.approx(len(y))
    assert not texts_overlap(ax.get_figure())


def test_large_counts_are_drawn_in_bins():
    rows = family_rows("poisson")
    rows["y"] = np.random.default_rng(1).poisson(2_000_000, len(rows))
    ax = made_fit("y ~ 1", rows, family="poisson").plot_ppc()
    points = scattered(ax, "observed")
    assert points[:, 1].sum() == len(rows)
    assert len(points) <= 60
    assert "bins of 200" in ax.get_xlabel()


@pytest.mark.parametrize("family", FAMILIES)
def test_groups_have_the_means_that_the_others_let_expect(fits, family):
    fit = fits[family]
    ax = fit.plot_ppc(kind="groups", draws=1000, seed=1)
    design = fit.model.rows
    codes, trials = design.groupings[0].codes, np.ones(design.n_rows) if design.trials is None else design.trials
    sizes = np.bincount(codes, trials)
    observed = np.bincount(codes, design.observed) / sizes
    order = np.argsort(observed, kind="stable")
    np.testing.assert_allclose(ax.lines[0].get_xdata(), observed[order])
    unknown = family_rows(family).assign(g=lambda d: "unknown " + d["g"])
    rows = fit.predict_draws(unknown, kind="response", new_groups="sample", seed=1).to_numpy().reshape(1000, -1)
    density = np.empty((1000, len(sizes)))
    for part, left_out, _ in fit.model.engine.set_densities(design, codes, len(sizes), fit.draws):
        density[:, part] = left_out
    weights = np.exp(array_stats().psislw(density.T)[0])
    beyond = []
    for k, (low, high) in zip(order, np.array(segments(ax))[:, :, 0], strict=True):
        means = rows[:, codes == k].sum(axis=1) / sizes[k]
        beyond += [[np.average(outside, weights=weights[k]) for outside in (means < low, means > high)]]
        beyond += [[np.average(outside, weights=weights[k]) for outside in (means <= low, means >= high)]]
    for strictly, at_most in np.reshape(beyond, (-1, 2, 2)).mean(axis=0).T:
        assert strictly < 0.09
        assert at_most > 0.02
    word = "proportion of" if family in ("bernoulli", "binomial") else "mean"
    assert ax.get_xlabel().startswith(f"{word} y\n")


def test_the_check_of_rows_suits_the_family(fits):
    assert fits["student_t"].plot_ppc(kind="density").get_ylabel() == "density"
    low, high = fits["student_t"].plot_ppc(kind="density").get_xlim()
    y = fits["student_t"].model.rows.observed
    assert high - low == pytest.approx(5 / 3 * np.ptp(y)), "whatever the tails draw"
    assert len(fits["poisson"].plot_ppc()) == 2
    with pytest.raises(sh.StanhierError, match=r'"rootogram" or "groups" of responses of family=\'poisson\''):
        fits["poisson"].plot_ppc(kind="density")
    with pytest.raises(sh.StanhierError, match=r"plot_ppc\(kind='rootogram'\).*\"calibration\" or \"groups\""):
        fits["bernoulli"].plot_ppc(kind="rootogram")
    _, given = plt.subplots()
    assert list(fits["bernoulli"].plot_ppc(ax=given)) == [given]
    assert line(given, "observed").get_label() == "observed"


@pytest.mark.parametrize("family", FAMILIES)
def test_predictions_are_on_the_scale_of_the_response(fits, family):
    fit = fits[family]
    ax = fit.plot_prediction("x")
    noun = {"bernoulli": "probability", "binomial": "probability", "student_t": "mean"}.get(family, "expected count")
    drawn = line(ax, noun).get_xydata()
    posterior = fit.posterior
    eta = posterior["alpha"] + posterior["beta"].sel(predictor="x") * drawn[20, 0]
    if fit.model.rows.frame["dose"].mode()[0] == "low":
        eta = eta + posterior["beta"].sel(predictor="dose[T.low]")
    expected = fit.model.family.mean(np.median(eta.to_numpy()))
    assert drawn[20, 1] == pytest.approx(float(expected), rel=1e-9)
    labels = [text.get_text() for text in ax.get_legend().get_texts()]
    assert ("90 % of new observations" in labels) == (noun != "probability")
    assert f"90 % of the {noun}" in labels
    assert not texts_overlap(ax.get_figure())


def test_panels_of_a_known_group_predict_as_predict(fits):
    fit = fits["negative_binomial"]
    panel = fit.plot_prediction("x", by="g", groups=["g04"])[0]
    drawn = line(panel, "expected count").get_xydata()
    dose = fit.model.rows.frame["dose"][fit.model.rows.groupings[0].codes == 4].mode()[0]
    new = {"x": drawn[:, 0], "dose": [dose] * len(drawn), "g": ["g04"] * len(drawn)}
    np.testing.assert_allclose(drawn[:, 1], fit.predict(new)["median"], rtol=1e-3)
    band = panel.collections[0].get_paths()[0].vertices
    high = fit.predict(new, kind="response", seed=3)["upper"].to_numpy()
    at = {round(float(x), 6): band[np.isclose(band[:, 0], x), 1].max() for x in drawn[::10, 0]}
    np.testing.assert_allclose(list(at.values()), high[::10], rtol=0.2, atol=1.5)


@pytest.mark.parametrize("family", ["bernoulli", "binomial"])
def test_data_are_proportions_in_bins(fits, family):
    fit = fits[family]
    ax = fit.plot_prediction("x")
    points = scattered(ax, "observed (area: how many)")
    areas = next(c for c in ax.collections if "area" in c.get_label()).get_sizes() - 6
    design = fit.model.rows
    trials = np.ones(design.n_rows) if design.trials is None else design.trials
    assert len(points) == 14
    shares = areas / areas.sum()
    assert (shares * points[:, 1]).sum() == pytest.approx(design.observed.sum() / trials.sum())
    assert (shares * points[:, 0]).sum() == pytest.approx((trials * design.frame["x"]).sum() / trials.sum())
    levels = fit.plot_prediction("dose")
    at = scattered(levels, "observed (area: how many)")
    high = (design.frame["dose"] == "high").to_numpy()
    assert at[0, 1] == pytest.approx(design.observed[high].sum() / trials[high].sum())


def test_areas_of_panels_can_be_compared():
    rows = family_rows("bernoulli").iloc[:60].assign(k=lambda d: (d.index % 2) + 1.0)
    fit = made_fit("y ~ k + (1 | g)", rows, family="bernoulli")
    areas = [
        next(c for c in ax.collections if len(c.get_offsets())).get_sizes() for ax in fit.plot_prediction("k", by="g")
    ]
    by_size = sorted(float(a.max()) for a in areas)
    assert by_size[-1] == pytest.approx(76)
    assert by_size[0] == pytest.approx(6 + 70 * 5 / 13)


def test_an_offset_stays_at_its_mean(exposed):
    ax = exposed.plot_prediction("x")
    rows = exposed.model.rows
    mean = rows.frame["log_exposure"].mean()
    assert f"log_exposure = {mean:.4g} (points too)" in ax.get_xlabel().replace("\n", " ")
    points = next(one for one in ax.lines if one.get_linestyle() == "None").get_xydata()
    np.testing.assert_allclose(points[:, 1], rows.observed * np.exp(mean - rows.frame["log_exposure"]))
    drawn = line(ax, "expected count").get_xydata()
    new = {"x": drawn[:, 0], "dose": "low", "g": "a new one", "log_exposure": mean}
    assert exposed.model.rows.frame["dose"].mode()[0] == "low"
    table = exposed.predict(pd.DataFrame(new), kind="linear", new_groups="sample")
    np.testing.assert_allclose(np.log(drawn[:, 1]), table["median"], atol=0.25)
    assert "an offset of 0" in exposed.plot_forest()[0].get_xlabel().replace("\n", " ")
    assert len(exposed.plot_ppc()) == 2


def test_gaussian_responses_are_drawn_with_their_offset():
    rows = family_rows("gaussian").assign(shift=lambda d: 10 * (d["g"] == "g00"))
    fit = made_fit("y ~ x + (1 | g)", rows.assign(y=lambda d: d["y"] + d["shift"]), offset="shift")
    groups = fit.plot_ppc(kind="groups")
    expected = fit.model.rows.frame.assign(y=fit.model.rows.observed).groupby("g")["y"].mean()
    np.testing.assert_allclose(groups.lines[0].get_xdata(), np.sort(expected))
    ends = np.array(segments(groups))[-1, :, 0]
    assert ends[0] < expected["g00"] < ends[1]
    points = next(one for one in fit.plot_prediction("x").lines if one.get_linestyle() == "None").get_ydata()
    np.testing.assert_allclose(points, fit.model.rows.y + rows["shift"].mean())


@pytest.mark.parametrize(
    ("family", "words"),
    [
        ("bernoulli", "log odds of y"),
        ("binomial", "log odds of y"),
        ("poisson", "log of the mean y"),
        ("student_t", "mean y"),
    ],
)
def test_forests_are_on_the_scale_of_the_linear_predictor(fits, family, words):
    intercept, slope = fits[family].plot_forest()
    assert intercept.get_xlabel().replace("\n", " ").startswith(f"{words} at the mean of")
    assert slope.get_xlabel() == f"{words.removeprefix('mean ')} per unit of x"
    assert fits[family].plot_forest(var_names="beta").get_xlabel().startswith(f"{words.removeprefix('mean ')}: change")
    probit = made_fit("y ~ x + (1 | g)", family_rows("bernoulli"), family=sh.Bernoulli(link="probit"))
    assert probit.plot_forest().get_xlabel().startswith("probit of y at")


def test_events_are_named():
    rows = family_rows("bernoulli").assign(y=lambda d: np.where(d["y"] == 1, "yes", "no"))
    fit = made_fit("y ~ x + (1 | g)", rows, family="bernoulli")
    assert fit.plot_prediction("x").get_ylabel() == "probability of y = yes"
    assert fit.plot_ppc(kind="groups").get_xlabel().startswith("proportion of y = yes")
    assert fit.plot_forest().get_xlabel().startswith("log odds of y = yes")


@pytest.mark.parametrize("family", FAMILIES)
def test_priors_and_parameters_of_every_family(fits, family):
    fit = fits[family]
    names = [name for name in ("nu", "shape") if name in fit.posterior]
    panels = fit.model.plot_prior(draws=200)
    titles = [panel.get_title() for panel in panels]
    assert set(names) <= set(titles)
    assert titles[-1] == "response: drawn from the priors, observed (black)"
    if family in ("bernoulli", "binomial"):
        assert sum(bar.get_height() for bar in panels[-1].patches) == 200
        y, trials = fit.model.rows.observed, fit.model.rows.trials
        share = y.sum() / (len(y) if trials is None else trials.sum())
        assert panels[-1].lines[0].get_xdata()[0] == pytest.approx(share)
    for name in names:
        assert len(fit.plot_prior_posterior(var_names=name)) == 1
        assert len(fit.plot_posterior(var_names=name)) == 1
        fit.plot_trace(var_names=name)
    assert fit.plot_correlations().get_xlim() == (-1, 1)


@pytest.mark.parametrize("value", [0, 1])
def test_one_class_alone(value):
    rows = family_rows("bernoulli").assign(y=value)
    fit = made_fit("y ~ x + (1 | g)", rows, family="bernoulli")
    assert len(fit.plot_ppc()) == 2
    points = scattered(fit.plot_prediction("x"), "observed (area: how many)")
    assert (points[:, 1] == value).all()
    fit.model.plot_prior()


def test_counts_of_nothing_and_of_one_row_in_each_group():
    rows = family_rows("poisson", n_groups=12, n_rows=1).assign(y=0)
    fit = made_fit("y ~ x + (1 | g)", rows, family="poisson")
    assert scattered(fit.plot_ppc(kind="rootogram"), "observed").tolist() == [[0, 12]]
    assert len(fit.plot_prediction("x", by="g")) == 12
    assert fit.plot_prediction("x").get_ylim()[1] > 0


def test_priors_that_expect_endless_counts():
    priors = {"alpha": sh.Normal(0, 400), "beta": sh.Normal(0, 400)}
    model = sh.Model("y ~ x", family_rows("poisson"), family="poisson", priors=priors)
    panel = model.plot_prior()[-1]
    assert np.isfinite(panel.get_xlim()).all()
    panel.get_figure().canvas.draw()


def test_the_line_is_the_inverse_link_of_the_linear_predictor():
    fit = made_fit("y ~ x", family_rows("bernoulli"), family=sh.Bernoulli(link="probit"))
    drawn = line(fit.plot_prediction("x"), "probability").get_xydata()
    draws = fit.draws.flat("location")
    expected = special.ndtr(np.median(draws @ np.stack([np.ones(len(drawn)), drawn[:, 0]]), axis=0))
    np.testing.assert_allclose(drawn[:, 1], expected)


def test_endless_means_are_drawn_up_to_a_bound():
    fit = made_fit("y ~ x", family_rows("poisson"), family="poisson")
    fit.draws.values["location"][..., 1] += 400.0
    for picture in (fit.plot_prediction("x"), fit.plot_ppc()):
        assert np.isfinite(picture.get_ylim()).all()
        picture.get_figure().canvas.draw()
