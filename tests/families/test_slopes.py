"""Derivatives of densities against differences."""

import numpy as np
import pytest

from stanhier.families.binary import Bernoulli, Binomial
from stanhier.families.known import FAMILIES

ETA = np.array([[-30.0, -2.0, -0.1, 0.4, 1.0, 5.0]])
CASES = {
    **{name: family for name, family in FAMILIES.items() if family.is_discrete},
    "gaussian": FAMILIES["gaussian"],
    "bernoulli probit": Bernoulli("probit"),
    "binomial probit": Binomial("probit"),
}


@pytest.mark.versions
@pytest.mark.parametrize("name", CASES)
def test_first_and_second_derivatives(name):
    family, aux, trials = CASES[name], {"sigma": 1.7, "shape": 0.8}, np.full(6, 4.0)
    y = np.array([0.0, 1.0, 1.0, 0.0, 1.0, 1.0])

    def density(eta):
        return family.log_density(y, eta, aux, trials)

    score, weight = family.slopes(y, ETA, aux, trials)
    h = 1e-5
    np.testing.assert_allclose(score, (density(ETA + h) - density(ETA - h)) / (2 * h), rtol=1e-5, atol=1e-6)
    up, down = family.slopes(y, ETA + h, aux, trials)[0], family.slopes(y, ETA - h, aux, trials)[0]
    np.testing.assert_allclose(weight, (down - up) / (2 * h), rtol=1e-4, atol=1e-6)
    assert (weight >= 0).all()


def test_student_t_has_the_expected_weight():
    family, aux = FAMILIES["student_t"], {"sigma": 1.7, "nu": 4.0}
    y, eta, h = np.array([0.5, 8.0]), np.array([[0.0, 1.0]]), 1e-6
    score, weight = family.slopes(y, eta, aux)
    difference = family.log_density(y, eta + h, aux) - family.log_density(y, eta - h, aux)
    np.testing.assert_allclose(score, difference / (2 * h), rtol=1e-7)
    drawn = family.draw(np.random.default_rng(1), np.zeros(400_000), aux)
    expected = np.square(family.slopes(drawn, np.zeros(400_000), aux)[0]).mean()
    np.testing.assert_allclose(weight, expected, rtol=0.01)
