import numpy as np
import pytest

from stanhier.engines.rows.likelihood import (
    GAUSSIAN,
    LOGIT,
    NEGATIVE_BINOMIAL,
    POISSON,
    PROBIT,
    STUDENT,
    derivatives,
    first_guess,
    log_density,
)
from tests.tools.explicit_rows import AUXILIARY, log_likelihood, responses

FAMILIES = (GAUSSIAN, LOGIT, PROBIT, POISSON, NEGATIVE_BINOMIAL, STUDENT)


def _rows(family, seed=1):
    rng = np.random.default_rng(seed)
    eta = rng.standard_normal(40)
    n = rng.integers(1, 5, 40).astype(float) if family not in (NEGATIVE_BINOMIAL, STUDENT) else np.ones(40)
    return eta, responses(family, eta, n, rng), n, np.array(AUXILIARY.get(family, []))


@pytest.mark.parametrize("family", FAMILIES)
def test_value_is_that_of_scipy_up_to_a_constant(family):
    eta, y, n, aux = _rows(family)
    other = eta + np.linspace(-1, 1, 40)
    ours = [derivatives(family, at, y, n, aux).value for at in (eta, other)]
    theirs = [log_likelihood(family, y, at, n, aux).sum() for at in (eta, other)]
    assert ours[1] - ours[0] == pytest.approx(theirs[1] - theirs[0], rel=1e-10)


@pytest.mark.parametrize("family", FAMILIES)
def test_score_and_weight_are_the_derivatives(family):
    eta, y, n, aux = _rows(family)
    step = 1e-5
    found = derivatives(family, eta, y, n, aux)
    above, below = (log_likelihood(family, y, eta + move, n, aux) for move in (step, -step))
    assert found.score == pytest.approx((above - below) / (2 * step), rel=1e-5, abs=1e-6)
    if family != STUDENT:
        slope = (
            derivatives(family, eta + step, y, n, aux).score - derivatives(family, eta - step, y, n, aux).score
        ) / (2 * step)
        assert found.weight == pytest.approx(-slope, rel=1e-5)


def test_weight_of_student_t_responses_is_the_expected_information():
    rng = np.random.default_rng(1)
    aux = np.array([0.7, 5.0])
    y = 0.7 * rng.standard_t(5.0, 400_000)
    found = derivatives(STUDENT, np.zeros(len(y)), y, y, aux)
    assert np.mean(found.score**2) == pytest.approx(found.weight[0], rel=0.02)


@pytest.mark.parametrize("family", FAMILIES)
def test_far_linear_predictors_give_finite_numbers(family):
    _, y, n, aux = _rows(family)
    for eta in (-650.0, 650.0):
        found = derivatives(family, np.full(len(y), eta), y, n, aux)
        assert np.isfinite(found.value)
        assert np.isfinite(found.score).all()
        assert np.isfinite(found.weight).all()
        assert (found.weight > 0).all()


@pytest.mark.parametrize("family", [NEGATIVE_BINOMIAL, STUDENT])
def test_density_with_auxiliary_parameters_is_that_of_scipy_up_to_a_constant(family):
    eta, y, n, aux = _rows(family)
    values, often = np.unique(y, return_counts=True)
    ours = [log_density(family, eta, y, factor * aux, (values, often)) for factor in (1.0, 1.7)]
    theirs = [log_likelihood(family, y, eta, n, factor * aux).sum() for factor in (1.0, 1.7)]
    assert ours[1] - ours[0] == pytest.approx(theirs[1] - theirs[0], rel=1e-10)


@pytest.mark.parametrize("family", FAMILIES)
def test_first_guess_is_close_to_what_makes_the_responses_most_likely(family):
    y, n = np.array([6.0, 15.0, 21.0]), np.full(3, 30.0)
    aux = np.array(AUXILIARY.get(family, []))
    guess = first_guess(family, y, n)
    found = derivatives(family, guess, y, n, aux)
    assert np.abs(found.score / found.weight).max() < 0.1
