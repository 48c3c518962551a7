"""The program of multilevel regressions: its density against dense matrices, its gradient against differences."""

import dataclasses
import json
import subprocess

import numpy as np
import pytest

from stanhier.stan.program import Program
from tests.tools.multilevel_digits import value_and_gradient
from tests.tools.multilevel_rows import Prior, evaluated, simulated, slopes

pytestmark = pytest.mark.slow

FLAT, STUDENT = Prior("flat"), Prior("t", mu=0.5, sigma=0.7, nu=3.0)
CASES = {
    **{f"{q} effects": lambda q=q: simulated((7,), q=(q,)) for q in range(1, 7)},
    "one stratum": lambda: simulated((6,), q=(2,), balanced=True),
    "no correlation": lambda: simulated((9,), q=(2,), blocks=[(1, 1)]),
    "two blocks": lambda: simulated((9,), q=(4,), blocks=[(1, 3)]),
    "more effects than rows": lambda: simulated((5,), q=(6,), blocks=[(6,)]),
    "crossed": lambda: simulated((9, 4), q=(1, 1)),
    "crossed and balanced": lambda: simulated((9, 4), q=(1, 1), balanced=True),
    "nested": lambda: simulated((12, 4), q=(1, 1), nested=True),
    "slopes in both": lambda: simulated((8, 3), q=(2, 3)),
    "blocks in both": lambda: simulated((8, 3), q=(3, 3), blocks=[(2, 1), (1, 2)]),
    "the last is eliminated": lambda: simulated((9, 3, 4), q=(2, 1, 2), eliminated=2),
    "many columns": lambda: simulated((40, 35), q=(1, 1)),
    "an intercept alone": lambda: simulated((7,), P=1),
    "three terms": lambda: simulated((9, 3, 4), q=(2, 1, 2), P=3),
    "Student t": lambda: simulated((7,), priors=(STUDENT, Prior())),
    "two Student t": lambda: simulated((7, 3), q=(2, 1), P=3, priors=(STUDENT, Prior(), STUDENT)),
    "flat": lambda: simulated((7,), priors=(FLAT, FLAT)),
    "flat, normal and Student t": lambda: simulated((7, 3), q=(2, 2), P=3, priors=(FLAT, Prior(), STUDENT)),
    "known sigma": lambda: simulated((7, 3), q=(2, 1), sigma_known=0.8),
    "no location": lambda: simulated((7, 3), q=(2, 1), P=0, priors=()),
    "nothing but one factor": lambda: simulated((7,), q=(1,), P=0, priors=()),
}


@pytest.fixture(scope="module")
def program(cmdstan_home):
    return Program("multilevel").model()


@pytest.fixture(params=CASES)
def case(request):
    regression = CASES[request.param]()
    return regression, regression.data()


def points_of(data, n, scale=2.0, seed=3):
    return np.random.default_rng(seed).uniform(-scale, scale, (n, len(data["u_hat"])))


def test_the_density_is_that_of_the_rows(program, case):
    regression, data = case
    points = points_of(data, 6)
    ours, _ = evaluated(program, data, points)
    reference = [regression.log_density(data["u_hat"] + data["u_basis"] @ z) for z in points]
    np.testing.assert_allclose(np.diff(ours), np.diff(reference), rtol=1e-9, atol=1e-9)


def test_the_gradient_is_that_of_the_density(program, case):
    _, data = case
    points = points_of(data, 3, seed=4)
    _, gradients = evaluated(program, data, points)
    np.testing.assert_allclose(
        gradients, slopes(program, data, points), rtol=1e-8, atol=1e-8 * max(1, np.abs(gradients).max())
    )


def extremes(q, P=2):
    """A small regression, and points at which scales or correlations are at their ends."""
    n_correlations = q * (q - 1) // 2
    n_scales = q + 1
    regression = simulated(
        (4,), q=(q,), P=P, scale_priors=((3, 0.0, 1.0),) * n_scales, softness=np.full(q, 0.5), seed=5
    )
    data = regression.data() | {
        "u_hat": np.zeros(n_scales + n_correlations),
        "u_basis": np.eye(n_scales + n_correlations),
    }
    ordinary = np.concatenate([np.linspace(0.5, 1.5, q), np.linspace(-0.3, 0.3, n_correlations), [0.1]])
    points = np.tile(ordinary, (9, 1))
    points[1, 0] = -30  # a relative sd of 1e-13
    points[2, :q] = -30
    points[3, q - 1] = -800
    points[4, q : q + n_correlations] = 10  # correlations of 1 - 4e-9
    points[5, q : q + n_correlations] = -10
    points[6, :q] = 2000  # sds of 1000 sigma
    points[7, -1] = -5
    points[8, :q], points[8, q : q + n_correlations] = 300, 4
    return regression, data, points if q < 6 else points[[0, 2, 4, 8]]


@pytest.mark.parametrize("q", [1, 2, 3, 6])
def test_density_and_gradient_at_the_ends(program, q):
    regression, data, points = extremes(q)
    values, gradients = evaluated(program, data, points)
    exact = [value_and_gradient(regression, data, z) for z in points]
    for k, (value, gradient) in enumerate(exact):
        difference = float(value - exact[0][0])
        assert values[k] - values[0] == pytest.approx(difference, rel=1e-9, abs=1e-9), k
        np.testing.assert_allclose(gradients[k], gradient, rtol=1e-7, atol=1e-7 * max(1, np.abs(gradient).max()))


def test_scales_beyond_all_numbers_are_refused(program):
    _, data, points = extremes(2)
    points = points[:2].copy()
    points[1, -1] = 800
    with pytest.raises(RuntimeError):
        evaluated(program, data, points)


def test_a_location_that_nothing_determines_is_refused(program):
    regression = simulated((7,), priors=(FLAT, FLAT))
    regression = dataclasses.replace(regression, X=np.column_stack([regression.X[:, 0], np.zeros(len(regression.y))]))
    data = regression.data()
    data["moments"], data["G0"] = 0 * data["moments"], 0 * data["G0"]
    with pytest.raises(RuntimeError):
        evaluated(program, data, points_of(data, 1))


def test_keys_of_the_data_are_the_names_in_the_data_block(cmdstan_home):
    path = Program("multilevel").path
    command = [cmdstan_home / "bin" / "stanc", "--info", "--allow-undefined", f"--include-paths={path.parent}", path]
    information = json.loads(subprocess.run(command, capture_output=True, check=True, text=True).stdout)
    assert set(simulated((7,)).data()) == set(information["inputs"])
