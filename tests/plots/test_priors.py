"""Priors as curves."""

import numpy as np
import pytest

import stanhier as sh
from tests.tools import synthetic


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
