"""The program of multilevel regressions: its density against dense matrices, its gradient against differences."""

import json
import subprocess

import numpy as np
import pytest

from stanhier.stan.program import Program
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
