"""What is said of the noise: sigma, standard errors, weights."""

import numpy as np
import pytest

import stanhier as sh
from stanhier.families.known import family_of
from stanhier.families.noise import Noise, RowNoise

VALUES = np.array([0.5, 1.0, 4.0])


@pytest.mark.parametrize(
    ("given", "kind", "unit"),
    [
        ({}, "estimated", None),
        ({"sigma": 2}, "fixed", 2.0),
        ({"se": "s"}, "known", 1.0),
        ({"weights": "w"}, "estimated", None),
        ({"weights": "w", "sigma": 2.5}, "fixed", 2.5),
    ],
)
def test_what_is_known_of_sigma(given, kind, unit):
    noise = Noise.of(given.get("sigma"), given.get("se"), given.get("weights"))
    assert (noise.kind, noise.unit, noise.is_estimated) == (kind, unit, kind == "estimated")
    assert noise.weighted == ("weights" in given)
    assert noise.differs == ("weights" in given or "se" in given)


@pytest.mark.parametrize("family", ["bernoulli", "binomial", "poisson", "negative_binomial", "student_t"])
def test_weights_are_precisions_of_gaussian_rows(family):
    with pytest.raises(sh.DataError, match=f'family="{family}" they would count rows alike: repeat each row'):
        Noise.of(None, None, "w", family_of(family))


def test_weights_and_standard_errors_say_the_same_thing_twice():
    with pytest.raises(sh.DataError, match=r"`se` or `weights`, not both: .* weights of se\*\*-2 with a sigma of 1"):
        Noise.of(None, "s", "w")


def test_standard_errors_are_weights_of_their_inverse_squares():
    errors, weights = RowNoise("se", "s", VALUES), RowNoise("weights", None, VALUES**-2.0)
    np.testing.assert_array_equal(errors.weights, weights.weights)
    np.testing.assert_allclose(weights.relative_sds, VALUES, rtol=1e-15)
    np.testing.assert_array_equal(errors.relative_sds, VALUES)
    assert (errors.name, weights.name) == ("s", "weights")
    assert (errors.said, weights.said) == ("standard errors known", "weights given by row")
    assert RowNoise("weights", "w").said == "weights 'w'"


def test_rows_are_taken_and_added():
    noise = RowNoise("weights", "w", VALUES)
    for rows in (np.array([2, 0]), np.array([True, False, True]), slice(1, 3)):
        assert noise.take(rows).values.tolist() == VALUES[rows].tolist()
    both = noise.followed_by(noise.of(np.array([9.0])))
    assert (both.values.tolist(), both.column) == ([*VALUES, 9.0], "w")
