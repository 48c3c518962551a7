"""Random numbers of families against their means and variances, and at means beyond what counts hold."""

import numpy as np
import pytest
from scipy import special

from stanhier.families.known import FAMILIES

ETA = np.full(200_000, 0.7)


@pytest.mark.versions
@pytest.mark.parametrize(
    ("name", "aux", "mean", "variance"),
    [
        ("gaussian", {"sigma": 2.0}, 0.7, 4.0),
        ("student_t", {"sigma": 2.0, "nu": 9.0}, 0.7, 4.0 * 9 / 7),
        ("bernoulli", {}, special.expit(0.7), special.expit(0.7) * special.expit(-0.7)),
        ("binomial", {}, 5 * special.expit(0.7), 5 * special.expit(0.7) * special.expit(-0.7)),
        ("poisson", {}, np.exp(0.7), np.exp(0.7)),
        ("negative_binomial", {"shape": 1.5}, np.exp(0.7), np.exp(0.7) + np.exp(1.4) / 1.5),
    ],
)
def test_means_and_variances(name, aux, mean, variance):
    drawn = FAMILIES[name].draw(np.random.default_rng(1), ETA, aux, np.full(len(ETA), 5.0))
    assert drawn.mean() == pytest.approx(mean, abs=5 * np.sqrt(variance / len(ETA)))
    assert drawn.var() == pytest.approx(variance, rel=0.05)


def test_the_mean_is_that_of_draws():
    assert FAMILIES["binomial"].mean(np.array([0.0])) == 0.5
    assert FAMILIES["poisson"].mean(np.array([800.0])) == np.inf


def test_counts_beyond_integers():
    for name, aux in (("poisson", {}), ("negative_binomial", {"shape": 1e6})):
        drawn = FAMILIES[name].draw(np.random.default_rng(1), np.array([60.0, 900.0, 0.0]), aux)
        assert drawn[0] == pytest.approx(np.exp(60.0), rel=0.01)
        assert drawn[1] == np.inf
        assert 0 <= drawn[2] < 20
