"""The program of explicit effects: its density against the definition, its gradient against differences."""

import dataclasses
import json
import subprocess

import numpy as np
import pytest

from stanhier.stan.program import Program
from tests.tools.effects_cases import plain, simulated
from tests.tools.effects_families import FAMILIES
from tests.tools.multilevel_rows import Prior, Term, evaluated, slopes

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


@pytest.mark.parametrize("family", range(6), ids=FAMILIES)
def test_numbers_that_say_nothing_of_any_row_may_be_left_out(program, family):
    regression = plain(family, sigma_hat=0.7 if family in (0, 5) else 0.0)
    data = regression.data()
    assert data["has_n"] == data["has_offsets"] == 0
    assert data["N"] == len(regression.y) > 1024  # more rows than one stretch
    points = points_of(regression, 4, scale=0.8)
    points[3, 0] = 60.0  # responses that are certain
    ours, gradients = evaluated(program, data, points)
    reference = [regression.log_density(z)[0] for z in points]
    np.testing.assert_allclose(np.diff(ours), np.diff(reference), rtol=1e-9, atol=1e-8)
    said = data | {"has_n": 1, "n": np.ones(data["N"]), "has_offsets": 1, "offsets": np.zeros(data["N"])}
    others, their_gradients = evaluated(program, said, points)
    np.testing.assert_allclose(np.diff(ours), np.diff(others), rtol=1e-11, atol=1e-9)
    np.testing.assert_allclose(gradients, their_gradients, rtol=1e-9, atol=1e-9 * np.abs(gradients).max())


def test_the_gradient_is_that_of_the_density(program, case):
    points = points_of(case, 2, seed=4)
    data = case.data()
    _, gradients = evaluated(program, data, points)
    np.testing.assert_allclose(
        gradients, slopes(program, data, points), rtol=1e-7, atol=1e-8 * max(1, np.abs(gradients).max())
    )


@pytest.mark.parametrize("q", [1, 2, 3, 6])
def test_density_and_gradient_near_no_variation(program, q):
    regression = simulated(1, (5,), q=(q,), scale_priors=((3, 0.0, 0.0, 1.0),) * q)
    u = regression.size() - len(regression.coordinates["u_hat"])
    sds = slice(u, u + q)
    regression.coordinates["u_basis"] = np.eye(len(regression.coordinates["u_hat"]))
    points = points_of(regression, 4)
    points[1, u] = -12  # a sd of 5e-6
    points[2, sds] = -9
    ours, gradients = evaluated(program, regression.data(), points)
    reference = [regression.log_density(z)[0] for z in points]
    np.testing.assert_allclose(np.diff(ours), np.diff(reference), rtol=1e-8, atol=1e-8)
    differences = slopes(program, regression.data(), points)
    np.testing.assert_allclose(gradients, differences, rtol=1e-6, atol=1e-8 * np.abs(gradients).max())
    without = points[[2, 2, 2]]
    without[0, sds], without[1, sds], without[2, sds] = -30, -700, -2000  # sds of 1e-13, 1e-304 and 0
    ours, gradients = evaluated(program, regression.data(), without)
    np.testing.assert_allclose(np.diff(ours), [-670 * q, -1300 * q], rtol=1e-12)  # the slope of the sds themselves
    np.testing.assert_allclose(gradients[:, sds], 1, atol=1e-9)
    np.testing.assert_allclose(gradients[1:, : sds.start], gradients[:-1, : sds.start], atol=1e-9)


@pytest.mark.parametrize("family", range(6), ids=FAMILIES)
@pytest.mark.parametrize("eta", [-300.0, 300.0])
def test_linear_predictors_far_away(program, family, eta):
    regression = simulated(family)
    data = regression.data()
    data["offsets"] = (data["offsets"] if data["has_offsets"] else np.zeros(data["N"])) + eta
    data["has_offsets"] = 1
    points = points_of(regression, 2, scale=0.3)
    ours, gradients = evaluated(program, data, points)
    reference = [regression.log_density(z, further=eta)[0] for z in points]
    np.testing.assert_allclose(np.diff(ours), np.diff(reference), rtol=1e-9, atol=1e-7)
    differences = slopes(program, data, points)
    np.testing.assert_allclose(gradients, differences, rtol=1e-5, atol=1e-6 * np.abs(gradients).max())


@pytest.mark.parametrize(("n_others", "q"), [(5, (2, 1)), (5, (1, 2)), (300, (2, 1)), (300, (1, 2))])
def test_many_rows_and_levels_without_rows(program, n_others, q):
    """More rows than one stretch, groups across its ends, and levels that no row has."""
    regression = simulated(1, (700, n_others), q=q, P=5)
    data = regression.data()
    for number in (3, 700):  # their rows go to the level before
        codes = np.array(data["g"])
        codes[0][codes[0] == number] -= 1
        data["g"] = list(codes)
    point = points_of(regression, 1, scale=0.5)
    other = point.copy()
    other[:, : -len(data["u_hat"])] = 0
    ours, gradients = evaluated(program, data, np.concatenate([point, other]))
    size, step = regression.size(), 1e-3
    chosen = np.r_[0:12, 695:715, size - 25 : size]
    moves = np.concatenate([side * step * np.eye(size)[chosen] for side in (1, -1, 2, -2)])
    a, b, c, d = evaluated(program, data, point + moves)[0].reshape(4, -1)
    np.testing.assert_allclose(gradients[0, chosen], (8 * (a - b) - (c - d)) / (12 * step), rtol=1e-6, atol=1e-6)
    whole = moved_rows(regression, 3, 700)
    reference = [whole.log_density(z, jacobians=False)[0] for z in (point[0], other[0])]
    assert ours[1] - ours[0] == pytest.approx(reference[1] - reference[0], rel=1e-9)


def moved_rows(regression, *levels):
    """The regression with the rows of some levels, from 1, of the first term in the level before; all levels stay."""
    term = regression.terms[0]
    codes = np.where(np.isin(term.codes + 1, levels), term.codes - 1, term.codes)
    moved = dataclasses.replace(regression, terms=(EmptyLevels(codes, term.Z, term.blocks), *regression.terms[1:]))
    moved.coordinates.update(regression.coordinates)
    return moved


class EmptyLevels(Term):
    """A term whose last level is the 700th, whether it has rows or not."""

    n_levels = 700


def told_by_rows(regression):
    """The regression with the coordinates that its rows, normal given the effects, tell of the first term."""
    term, c = regression.terms[0], regression.coordinates
    precision = regression.n / regression.sigma_hat**2
    parent, b_hat = regression.parent(), c["b_hat"]
    known, at = np.zeros(len(regression.y)), regression.starts[0] + term.codes
    if any(regression.above):
        while at.max() >= 0:
            known += np.where(at >= 0, b_hat[at], 0)
            at = np.where(at >= 0, parent[at] - 1, -1)
    else:
        b_hat = np.zeros_like(b_hat)
    residual = regression.y - regression.offset - regression.X @ c["centre"] - known
    weighted = term.wide.T * precision
    J, q = term.n_levels, term.q
    for name in ("pulled", "coupling"):
        c[name][...] = 0
    for t in range(1, len(regression.terms)):
        c[f"info {t}"][...] = 0
    c["info 0"][...] = np.einsum("jkjl->jkl", (weighted @ term.wide).reshape(J, q, J, q))
    own = np.einsum("jkl,jl->jk", c["info 0"], b_hat[: J * q].reshape(J, q)).ravel()
    c["pulled"][: J * q] = weighted @ residual + own
    c["coupling"][:, : J * q] = (weighted @ regression.X @ c["basis"]).T
    return regression


@pytest.mark.parametrize(
    "regression",
    [
        simulated(0, sigma_hat=0.6),
        simulated(0, q=(3,), sigma_hat=0.6),
        simulated(0, (12, 6, 2), q=(1, 1, 1), chain=3, sigma_hat=0.6),
    ],
    ids=["one effect", "three effects", "a chain"],
)
def test_effects_are_standard_normal_where_the_coordinates_are_true(program, regression):
    """For normal rows of one term or chain they are that exactly, whatever location, scales and sigma are."""
    points = points_of(regression, 3)
    _, gradients = evaluated(program, told_by_rows(regression).data(), points)
    P, E = regression.X.shape[1], regression.starts[-1]
    np.testing.assert_allclose(gradients[:, P : P + E], -points[:, P : P + E], atol=1e-9)


def test_parameters_beyond_all_numbers_are_refused(program):
    regression = simulated(0)
    points = points_of(regression, 1)
    points[0, -1] = 1e6
    with pytest.raises(RuntimeError):
        evaluated(program, regression.data(), points)


@pytest.mark.parametrize(
    "change",
    [
        {"above": [2, 0]},
        {"family": 4},
        {"family": 0},
        {"q": [1, 2]},
        {"block_size": [1, 2]},
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
