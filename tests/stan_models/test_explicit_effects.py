"""The program of explicit effects: its density against the definition, its gradient against differences."""

import json
import subprocess

import numpy as np
import pytest

from stanhier.stan.program import Program
from tests.tools.effects_rows import FAMILIES, simulated
from tests.tools.multilevel_rows import Prior, evaluated, slopes

pytestmark = pytest.mark.slow

FLAT, STUDENT = Prior("flat"), Prior("t", mu=0.5, sigma=0.7, nu=3.0)
CASES = {
    **{name: lambda k=k: simulated(k, sigma_hat=0.7 if k in (0, 5) else 0.0) for k, name in enumerate(FAMILIES)},
    **{
        f"{name}, slopes and a further term": lambda k=k: simulated(k, (7, 4), q=(2, 1), sigma_hat=0.7 * (k in (0, 5)))
        for k, name in enumerate(FAMILIES)
    },
    **{f"{q} effects": lambda q=q: simulated(1, (6,), q=(q,)) for q in (3, 4, 5, 6)},
    "the second term is the largest": lambda: simulated(3, (3, 8), q=(1, 2)),
    "three crossed terms": lambda: simulated(0, (8, 5, 3), q=(1, 3, 2), sigma_hat=1.2),
    "blocks": lambda: simulated(1, (6, 4), q=(4, 3), blocks=[(1, 3), (2, 1)]),
    "a chain of two": lambda: simulated(3, (9, 3), q=(1, 1), chain=2),
    "a chain of three": lambda: simulated(1, (12, 6, 2), q=(1, 1, 1), chain=3),
    "a chain of three, normal": lambda: simulated(0, (12, 6, 2), q=(1, 1, 1), chain=3, sigma_hat=0.6),
    "a chain and a crossed term": lambda: simulated(5, (12, 4, 5), q=(1, 1, 2), chain=2, sigma_hat=0.6),
    "known sigma": lambda: simulated(0, (7, 3), q=(2, 1), sigma_known=0.8),
    "coordinates for another sigma": lambda: simulated(0, (7,), sigma_known=0.8, sigma_hat=1.1),
    "flat, normal and Student t": lambda: simulated(1, P=3, priors=(FLAT, Prior(), STUDENT)),
    "two Student t": lambda: simulated(4, P=6, priors=(STUDENT, Prior(), STUDENT, FLAT, FLAT, Prior())),
    "no location": lambda: simulated(3, (7, 3), q=(2, 1), P=0, priors=()),
}


@pytest.fixture(scope="module")
def program(cmdstan_home):
    return Program("explicit_effects").model()


@pytest.fixture(params=CASES)
def case(request):
    return CASES[request.param]()


def points_of(regression, n, scale=1.5, seed=3):
    return np.random.default_rng(seed).uniform(-scale, scale, (n, regression.size()))


def test_the_density_is_that_of_the_definition(program, case):
    points = points_of(case, 6)
    ours, _ = evaluated(program, case.data(), points)
    reference = [case.log_density(z)[0] for z in points]
    np.testing.assert_allclose(np.diff(ours), np.diff(reference), rtol=1e-9, atol=1e-9)


def test_the_gradient_is_that_of_the_density(program, case):
    points = points_of(case, 2, seed=4)
    data = case.data()
    _, gradients = evaluated(program, data, points)
    np.testing.assert_allclose(
        gradients, slopes(program, data, points), rtol=1e-7, atol=1e-8 * max(1, np.abs(gradients).max())
    )


@pytest.mark.parametrize("q", [1, 2, 3, 6])
def test_density_and_gradient_near_no_variation(program, q):
    regression = simulated(1, (5,), q=(q,))
    u = regression.size() - len(regression.coordinates["u_hat"])
    regression.coordinates["u_basis"] = np.eye(len(regression.coordinates["u_hat"]))
    points = points_of(regression, 4)
    points[1, u] = -12  # a sd of 5e-6
    points[2, u : u + q] = -9
    ours, gradients = evaluated(program, regression.data(), points)
    reference = [regression.log_density(z)[0] for z in points]
    np.testing.assert_allclose(np.diff(ours), np.diff(reference), rtol=1e-8, atol=1e-8)
    differences = slopes(program, regression.data(), points)
    np.testing.assert_allclose(gradients, differences, rtol=1e-6, atol=1e-8 * np.abs(gradients).max())
    points[3, u : u + q] = -700  # beyond where 1 + sd^2 is 1
    points[2, u : u + q] = -690
    ours, gradients = evaluated(program, regression.data(), points[2:])
    assert ours[1] - ours[0] == pytest.approx(-10 * q + regression_part(points, regression), abs=1e-6)
    assert np.isfinite(gradients).all()
    np.testing.assert_allclose(gradients[:, u : u + q], 1, atol=1e-9)


def regression_part(points, regression):
    """How the density of two points without variation differs but for the scales."""
    same = points[2:].copy()
    u = regression.size() - len(regression.coordinates["u_hat"])
    same[:, u : u + sum(t.q for t in regression.terms)] = -12
    return regression.log_density(same[1])[0] - regression.log_density(same[0])[0]


@pytest.mark.parametrize("family", range(6), ids=FAMILIES)
@pytest.mark.parametrize("eta", [-300.0, 300.0])
def test_linear_predictors_far_away(program, family, eta):
    regression = simulated(family)
    object.__setattr__(regression, "offset", np.full(len(regression.y), eta))
    points = points_of(regression, 2, scale=0.3)
    data = regression.data() | ({"eta_hat": regression.data()["eta_hat"] + eta} if family == 3 else {})
    if family == 3:
        object.__setattr__(regression, "offset", 0 * regression.offset)
        data = regression.data()
        data["eta_hat"] = data["eta_hat"] + eta
        object.__setattr__(regression, "offset", np.full(len(regression.y), eta))
    ours, gradients = evaluated(program, data, points)
    reference = [regression.log_density(z)[0] for z in points]
    np.testing.assert_allclose(np.diff(ours), np.diff(reference), rtol=1e-9, atol=1e-7)
    differences = slopes(program, data, points)
    np.testing.assert_allclose(gradients, differences, rtol=1e-5, atol=1e-6 * np.abs(gradients).max())


def test_many_rows_and_levels_without_rows(program):
    """More rows than one stretch, groups across its ends, and levels that no row has."""
    regression = simulated(1, (700, 5), q=(2, 1), P=5)
    data = regression.data()
    for number in (3, 700):  # their rows go to the level before
        g = np.array(data["g"])
        g[0][g[0] == number] -= 1
        data["g"] = list(g)
    points = points_of(regression, 1, scale=0.5)
    _, gradients = evaluated(program, data, points)
    chosen = np.r_[0:12, 1390:1420, regression.size() - 5 : regression.size()]
    moved = points + 1e-3 * np.eye(regression.size())[np.concatenate([chosen] * 4)] * np.repeat(
        [[1.0], [-1.0], [2.0], [-2.0]], len(chosen), axis=0
    )
    a, b, c, d = evaluated(program, data, moved)[0].reshape(4, -1)
    np.testing.assert_allclose(gradients[0, chosen], (8 * (a - b) - (c - d)) / 12e-3, rtol=1e-6, atol=1e-6)


def test_parameters_beyond_all_numbers_are_refused(program):
    regression = simulated(0)
    points = points_of(regression, 1)
    points[0, -1] = 1e6
    with pytest.raises(RuntimeError):
        evaluated(program, regression.data(), points)


@pytest.mark.parametrize(
    "change",
    [
        {"above": [2, 0], "q": [2, 1]},
        {"g": lambda data: [data["g"][0][::-1], data["g"][1]]},
        {"g": lambda data: [data["g"][0], data["g"][1] + 7]},
    ],
)
def test_data_that_contradict_each_other_are_refused(program, change):
    regression = simulated(1, (7, 4), q=(2, 1))
    data = regression.data()
    data |= {key: value(data) if callable(value) else value for key, value in change.items()}
    with pytest.raises(RuntimeError):
        evaluated(program, data, points_of(regression, 1))


def test_keys_of_the_data_are_the_names_in_the_data_block(cmdstan_home):
    path = Program("explicit_effects").path
    command = [cmdstan_home / "bin" / "stanc", "--info", "--allow-undefined", f"--include-paths={path.parent}", path]
    information = json.loads(subprocess.run(command, capture_output=True, check=True, text=True).stdout)
    assert set(simulated(0).data()) == set(information["inputs"])
