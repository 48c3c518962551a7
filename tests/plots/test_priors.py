"""Priors as curves."""

from types import SimpleNamespace

import numpy as np
import pytest

import stanhier as sh
from stanhier.engines.chosen_priors import ChosenPriors
from stanhier.engines.term_parameters import inventory_of_terms
from tests.tools import synthetic
from tests.tools.factors import factor


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


@pytest.mark.parametrize("eta", [0.5, 1.0, 4.0])
def test_curves_of_correlations_are_their_marginal_densities(eta):
    from stanhier.plots.priors import prior_densities

    both = factor("a", "Intercept u v w x", blocks=(3, 2))
    inventory = inventory_of_terms([], has_intercept=False, factors=[both], sigma_is_estimated=False)
    priors = {"sd_a": (sh.HalfNormal(1),) * 5, "cor_a": (sh.LKJ(eta), sh.LKJ(eta))}
    chosen = ChosenPriors(inventory.without_effects(), priors)
    curves = prior_densities(SimpleNamespace(chosen=chosen))
    assert [label for name, label in curves if name == "cor_a"] == ["Intercept, u", "Intercept, v", "u, v", "w, x"]
    drawn = chosen.draws(np.random.default_rng(2), 20_000)["cor_a"]
    for label, values in (("u, v", drawn[:, 1, 2]), ("w, x", drawn[:, 3, 4])):
        curve = curves["cor_a", label]
        for p in (0.1, 0.5, 0.9):
            assert np.mean(values < curve.ppf(p)) == pytest.approx(p, abs=0.015)
        lower, upper = curve.range
        assert -1 <= lower < upper <= 1
        grid = np.linspace(lower, upper, 20_001)
        assert np.trapezoid(curve.pdf(grid), grid) == pytest.approx(0.98, abs=2e-3)
        assert curve.window(-0.99, 0.99) == (-1.0, 1.0)
        assert curve.words == f"LKJ({eta:g})"


def test_a_curve_that_goes_to_infinity_at_its_ends_is_drawn_between_them():
    from matplotlib import pyplot as plt

    from stanhier.plots.priors import prior_densities

    inventory = inventory_of_terms(
        [], has_intercept=False, factors=[factor("a", "Intercept u")], sigma_is_estimated=False
    ).without_effects()
    chosen = ChosenPriors(inventory, {"sd_a": (sh.HalfNormal(1),) * 2, "cor_a": (sh.LKJ(0.3),)})
    curve = prior_densities(SimpleNamespace(chosen=chosen))["cor_a", "Intercept, u"]
    grid = np.linspace(*curve.window(-0.9, 0.9), 400)
    _, panel = plt.subplots()
    panel.plot(grid, curve.pdf(grid))
    assert np.isfinite(panel.get_ylim()).all()
