"""Newton's method on densities whose modes are known."""

import numpy as np
import pytest

from stanhier.engines.multilevel.mode import curvature, find_mode


def test_the_mode_of_a_normal_density() -> None:
    precision = np.array([[4.0, 1.0, 0.0], [1.0, 3.0, -1.0], [0.0, -1.0, 2.0]])
    centre = np.array([30.0, -2.0, 7.0])

    def density(x: np.ndarray) -> tuple[float, np.ndarray]:
        away = x - centre
        return float(-0.5 * away @ precision @ away), -precision @ away

    mode, matrix = find_mode(density, np.zeros(3))
    np.testing.assert_allclose(mode, centre, atol=1e-5)
    np.testing.assert_allclose(matrix, precision, rtol=1e-8)


@pytest.mark.parametrize("start", [-30.0, -1.0, 0.5, 8.0])
def test_it_climbs_where_the_density_is_not_concave(start: float) -> None:
    # log(x) of a number with density proportional to x^2 / (1 + x^2)^3: the mode of log(x) has x^2 = 1.
    def density(u: np.ndarray) -> tuple[float, np.ndarray]:
        x2 = np.exp(2 * u[0])
        return float(3 * u[0] - 3 * np.log1p(x2)), np.array([3 - 6 * x2 / (1 + x2)])

    mode, _ = find_mode(density, np.array([start]))
    assert mode[0] == pytest.approx(0.0, abs=1e-3)


def test_a_place_without_density_is_not_entered() -> None:
    def density(x: np.ndarray) -> tuple[float, np.ndarray]:
        if x[0] <= 0:
            return -np.inf, np.zeros(1)
        return float(5 * np.log(x[0]) - 50 * x[0]), np.array([5 / x[0] - 50])

    mode, _ = find_mode(density, np.array([1.5]))
    assert mode[0] == pytest.approx(0.1, rel=1e-3)


def test_nothing_to_find() -> None:
    mode, matrix = find_mode(lambda x: (0.0, x), np.empty(0))
    assert mode.shape == (0,)
    assert matrix.shape == (0, 0)


def test_curvature_of_a_curved_density() -> None:
    def gradient(x: np.ndarray) -> np.ndarray:
        return np.array([-np.sinh(x[0]) - x[1], -x[0] - 2 * x[1]])

    at = np.array([0.4, 1.0])
    found = curvature(lambda x: (0.0, gradient(x)), at, gradient(at))
    np.testing.assert_allclose(found, [[np.cosh(0.4), 1.0], [1.0, 2.0]], rtol=1e-3)
