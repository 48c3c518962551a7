"""Densities of parameters and of their priors."""

import matplotlib.pyplot as plt
import numpy as np
import pytest

import stanhier as sh
from tests.tools import synthetic
from tests.tools.drawn import segments, texts_overlap


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
