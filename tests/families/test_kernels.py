"""The part of a density that the linear predictor changes."""

import numpy as np
import pytest

from stanhier.families.binary import Bernoulli, Binomial
from stanhier.families.known import FAMILIES

ETA = np.array([[-700.0, -35.0, -3.0, -0.2, 0.0, 0.4, 5.0, 30.0, 650.0]])
ALL = {**FAMILIES, "bernoulli, probit": Bernoulli(link="probit"), "binomial, probit": Binomial(link="probit")}


def responses(family):
    if family.is_discrete:
        return [0.0, 1.0] if family.name == "bernoulli" else [0.0, 1.0, 7.0]
    return [-3.0, 0.5, 40.0]


@pytest.mark.parametrize("name", ALL)
def test_it_differs_from_the_density_by_a_constant(name):
    family = ALL[name]
    aux = {"sigma": np.array([[0.7]]), "nu": np.array([[3.5]]), "shape": np.array([[2.5]])}
    eta = ETA[:, 1:-1] if "probit" in name else ETA
    for y in responses(family):
        responses_, trials = np.full(eta.shape[1], y), np.full(eta.shape[1], 7.0)
        density, kernel = (of(responses_, eta, aux, trials) for of in (family.log_density, family.log_kernel))
        scale = np.maximum(1.0, np.abs(density))
        rest = (density - kernel) / scale
        assert np.isfinite(kernel).all()
        np.testing.assert_allclose(rest * scale, (rest * scale)[0, 4] + 0 * scale, atol=1e-11 * scale.max())


def test_large_counts_keep_what_tells_predictors_apart():
    """Around the mean of a billion trials, or of a million counts: differences of 1e-3 of a standard deviation."""
    for family, y, centre, sd in (
        (Binomial(), 4e8, np.log(4 / 6), 1 / np.sqrt(1e9 * 0.24)),
        (FAMILIES["poisson"], 1e6, np.log(1e6), 1e-3),
    ):
        eta = centre + sd * np.array([[0.0, 0.5, 1.0, -1.0]])
        y_, trials = np.full(4, y), np.full(4, 1e9)
        density, kernel = (of(y_, eta, {}, trials) for of in (family.log_density, family.log_kernel))
        np.testing.assert_allclose(kernel - kernel[0, 0], density - density[0, 0], atol=1e-6)
