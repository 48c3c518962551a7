import numpy as np
import pytest

from stanhier.engines.gaussian.scale_coordinates import SoftLogarithm
from stanhier.engines.multilevel.layout import cholesky_factors
from stanhier.engines.parameters import Inventory
from stanhier.engines.rows.coordinates import RowsCoordinates
from stanhier.engines.rows.likelihood import GAUSSIAN, LOGIT, NEGATIVE_BINOMIAL, POISSON, STUDENT
from stanhier.engines.rows.program_data import stan_data
from stanhier.engines.rows.whitening import whiten
from stanhier.priors.numbers import NORMAL, STUDENT_T
from stanhier.stan.nuts import RawDraws
from stanhier.stan.program import Program
from tests.tools.explicit_rows import log_likelihood, prior_numbers, problem_of, simulated
from tests.tools.multilevel_rows import evaluated

NAMES = {GAUSSIAN: ("sigma",), NEGATIVE_BINOMIAL: ("shape",), STUDENT: ("sigma", "nu")}
ETA = 1.3


def _coordinates(problem, names):
    whitening = whiten(problem, names, [ETA] * 5)
    return RowsCoordinates(whitening, np.zeros(3), Inventory(()), problem.location)


def _drawn(coordinates, z):
    statistics = {"lp": np.zeros((1, len(z)))}
    return coordinates.draws(RawDraws(z[None], np.empty((1, len(z), 0)), statistics, 1, 10, "2.39.0"))


def _z(coordinates, n, seed=1):
    places = coordinates.whitening.places
    size = len(coordinates.whitening.location_hat) + places.n_effects + places.size
    return np.random.default_rng(seed).standard_normal((n, size))


def test_draws_have_the_layout_and_are_alike_in_any_company(monkeypatch):
    coordinates = _coordinates(problem_of(STUDENT, simulated(STUDENT, "mixed")), NAMES[STUDENT])
    z = _z(coordinates, 7)
    whole = _drawn(coordinates, z)
    assert {name: values.shape[2:] for name, values in whole.values.items()} == coordinates.layout
    assert coordinates.positive == {"sd", "sigma", "nu"}
    monkeypatch.setattr("stanhier.engines.rows.coordinates.BLOCK_VALUES", 100)
    parts = _drawn(coordinates, z[3:5])
    for name, values in whole.values.items():
        assert parts.values[name][0] == pytest.approx(values[0, 3:5], rel=1e-12)


def test_known_sigma_is_constant():
    coordinates = _coordinates(problem_of(GAUSSIAN, simulated(GAUSSIAN, "one"), sigma=0.9), ())
    assert (_drawn(coordinates, _z(coordinates, 3)).values["sigma"] == 0.9).all()


def test_coordinates_in_logarithms_are_those_of_the_same_point():
    coordinates = _coordinates(problem_of(LOGIT, simulated(LOGIT, "slopes")), ())
    other = RowsCoordinates(
        coordinates.whitening.in_logarithms(), coordinates.origin, Inventory(()), coordinates.location_priors
    )
    zero = 0 * _z(coordinates, 1)
    assert _drawn(other, zero).values["sd"] == pytest.approx(_drawn(coordinates, zero).values["sd"], rel=1e-6)


def _natural(coordinates, z):
    """Everything that has a density, one row for each z: location, effects, logarithms of scales, correlations."""
    values = _drawn(coordinates, z).values
    parts = [values["location"][0]]
    parts += [values["effects"][0], np.log(values["sd"][0])] if "sd" in values else []
    parts += [values["cor"][0]] if "cor" in values else []
    parts += [np.log(values[name][0])[:, None] for name in coordinates.whitening.places.auxiliary]
    parts += [np.log(values["lambda"][0])] if "lambda" in values else []
    return np.hstack(parts)


def _data(problem, coordinates):
    n_blocks = sum(len(term.blocks) for term in problem.terms)
    return stan_data(problem, coordinates.whitening, (ETA,) * n_blocks)


def _log_jacobian(coordinates, z):
    step = 1e-4
    moves = step * np.eye(len(z))
    a, b, c, d = (_natural(coordinates, z + side * moves) for side in (1, -1, 2, -2))
    return np.linalg.slogdet((8 * (a - b) - (c - d)) / (12 * step))[1]


def _log_joint(problem, rows, coordinates, z):
    """Density of rows, effects, location and scales by plain sums, of logarithms of scales, up to a constant."""
    values = {name: one[0, 0] for name, one in _drawn(coordinates, z[None]).values.items()}
    X, terms, y, n, offset = rows
    places = coordinates.whitening.places
    eta, total = offset + X @ values["location"], 0.0
    for t, (Z, codes, blocks) in enumerate(terms):
        b = values["effects"][places.effects[t]].reshape(-1, Z.shape[1])
        cor = values.get("cor", np.empty(0))[places.cors[t]]
        factor = cholesky_factors(values["sd"][None, places.sds[t]], cor[None], blocks)[0]
        total -= 0.5 * (np.linalg.solve(factor, b.T) ** 2).sum() + len(b) * np.log(np.diag(factor)).sum()
        if len(cor):  # pairs alone
            total += (ETA - 1) * np.log1p(-(cor[0] ** 2))
        eta = eta + (Z * b[codes]).sum(axis=1)
    aux = np.array([values[name] for name in places.auxiliary])
    if problem.sigma is not None:
        aux = np.array([problem.sigma])
    total += log_likelihood(problem.cells.family, y, eta, n, aux).sum()
    scales = np.concatenate([values.get("sd", np.empty(0)), [values[name] for name in places.auxiliary]])
    total += problem.scales.log_density(scales) + np.log(scales).sum()
    return total + problem.location.numbers.log_density(values["location"])


CASES = [
    (GAUSSIAN, "nested", None),
    (GAUSSIAN, "none", None),
    (LOGIT, "none", None),
    (GAUSSIAN, "mixed", None),
    (GAUSSIAN, "crossed", 0.8),
    (LOGIT, "mixed", None),
    (POISSON, "slopes", None),
    (POISSON, "nested", None),
    (NEGATIVE_BINOMIAL, "crossed", None),
    (STUDENT, "slopes", None),
]


@pytest.mark.slow
@pytest.mark.parametrize(("family", "structure", "sigma"), CASES)
@pytest.mark.parametrize("discrete", [True, False])
def test_program_samples_the_density_of_what_draws_become(family, structure, sigma, discrete, cmdstan_home):
    rows = simulated(family, structure, discrete=discrete, n_rows=60)
    problem = problem_of(family, rows, sigma=sigma)
    coordinates = _coordinates(problem, NAMES.get(family, ()) if sigma is None else ())
    program = Program("explicit_effects").model()
    z = _z(coordinates, 4)
    ours, _ = evaluated(program, _data(problem, coordinates), z)
    theirs = [_log_joint(problem, rows, coordinates, one) + _log_jacobian(coordinates, one) for one in z]
    assert np.diff(ours) == pytest.approx(np.diff(theirs), rel=1e-6, abs=1e-5)


@pytest.mark.slow
def test_student_t_priors_are_mixtures(cmdstan_home):
    rows = simulated(LOGIT, "one")
    location = prior_numbers((STUDENT_T, 4, 0.5, 0.6), (NORMAL, 1, 0, 0.7))
    problem = problem_of(LOGIT, rows, location=location)
    coordinates = _coordinates(problem, ())
    normal = problem_of(LOGIT, rows, location=prior_numbers((NORMAL, 1, 0.5, 1e9), (NORMAL, 1, 0, 0.7)))
    z = _z(coordinates, 4)
    ours, _ = evaluated(Program("explicit_effects").model(), _data(problem, coordinates), z)
    theirs = []
    for one in z:
        values = _drawn(coordinates, one[None]).values
        lam, away = values["lambda"][0, 0, 0], (values["location"][0, 0, 0] - 0.5) / 0.6
        mixture = 0.5 * np.log(lam) - 0.5 * lam * away**2 + 2.0 * np.log(lam) - 2.0 * lam
        theirs.append(_log_joint(normal, rows, coordinates, one) + mixture + _log_jacobian(coordinates, one))
    assert np.diff(ours) == pytest.approx(np.diff(theirs), rel=1e-6, abs=1e-5)


def test_scale_coordinates_are_soft_logarithms():
    coordinates = _coordinates(problem_of(LOGIT, simulated(LOGIT, "crossed")), ())
    scales = coordinates.whitening.scales
    sd = scales.draws(np.zeros((1, 2))).sd[0]
    assert SoftLogarithm(scales.softness).coordinate(np.log(sd)) == pytest.approx(scales.u_hat, rel=1e-9)
