"""Densities of parameters and of their priors."""

import matplotlib.pyplot as plt
import numpy as np
import pytest

import stanhier as sh
from tests.tools import synthetic
from tests.tools.drawn import texts_overlap
from tests.tools.fake_fit import fake_fit


def test_posterior_shows_each_density_with_its_interval(three):
    axes = three.plot_posterior()
    assert [ax.get_title() for ax in axes] == ["mu_alpha", "sigma_alpha", "beta[age]", "beta[sex[T.male]]", "sigma"]
    draws = three.posterior["sigma"].to_numpy().ravel()
    _, thin, thick = axes[-1].lines
    for line, probs in ((thin, [0.05, 0.95]), (thick, [0.25, 0.75])):
        np.testing.assert_allclose(line.get_xdata(), np.quantile(draws, probs), rtol=1e-3)
    assert thick.get_linewidth() > thin.get_linewidth()
    (median,) = axes[-1].collections[-1].get_offsets()
    np.testing.assert_allclose(median, [np.median(draws), 0])
    assert axes[-1].get_xlabel().startswith(f"median {np.median(draws):.1f}")
    assert not texts_overlap(axes[0].get_figure())
    _figure, ax = plt.subplots()
    assert list(three.plot_posterior(var_names="sigma", ax=ax)) == [ax]
    with pytest.raises(sh.StanhierError, match="one parameter, not 2"):
        three.plot_posterior(var_names="beta", ax=ax)


def test_prior_posterior_draws_the_prior_that_was_given():
    from scipy import stats

    fit = synthetic.line()
    axes = fit.plot_prior_posterior()
    slope = next(ax for ax in axes if ax.get_title() == "beta[x]")
    prior = next(line for line in slope.lines if line.get_label() == "prior")
    np.testing.assert_allclose(prior.get_ydata(), stats.norm(0, 10).pdf(prior.get_xdata()))
    assert slope.get_xlabel() == "prior Normal(0, 10)"


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


def test_a_prior_of_long_numbers_stays_within_its_panel():
    rng = np.random.default_rng(0)
    data = {"y": rng.normal(5, 1, 60), "x": rng.normal(100, 1, 60), "g": np.arange(60) % 6}
    priors = {
        "mu_alpha": sh.Normal(-1.1047381, 12.3456789, centered=True),
        "beta": sh.StudentT(3.3333333, 1e-5 / 3, 1e8 / 3),
    }
    fit = fake_fit(sh.VaryingIntercept("y ~ x + (1 | g)", data, priors=priors), draws=100)
    for axes, first in ((fit.plot_prior_posterior(), "prior "), (fit.model.plot_prior(), "")):
        figure = axes[0].get_figure()
        figure.canvas.draw()
        assert axes[0].get_xlabel().replace("\n", " ") == f"{first}Normal(-1.105, 12.35, centered=True)"
        for ax in axes[:4]:
            words, panel = ax.xaxis.label.get_window_extent(), ax.get_window_extent()
            assert words.x0 >= panel.x0
            assert words.x1 <= panel.x1
            assert words.y0 >= figure.bbox.y0
    assert repr(priors["mu_alpha"]) == "Normal(-1.10474, 12.3457, centered=True)"
