import numpy as np
import pytest
from scipy import optimize

from stanhier.engines.gaussian.marginal import RankDeficientError
from stanhier.engines.rows import reference as module
from stanhier.engines.rows.likelihood import GAUSSIAN, LOGIT, NEGATIVE_BINOMIAL, POISSON, PROBIT, STUDENT
from stanhier.engines.rows.reference import find_reference
from stanhier.priors.numbers import FLAT, NORMAL, STUDENT_T
from tests.tools.explicit_rows import log_likelihood, prior_numbers, problem_of, simulated

FAMILIES = (GAUSSIAN, LOGIT, PROBIT, POISSON, NEGATIVE_BINOMIAL, STUDENT)


def _joint_mode(family, rows, found, prior_sd=2.5):
    """Location and effects at their joint mode given covariances and auxiliary parameters, by a general optimiser."""
    X, terms, y, n, offset = rows
    sizes = [X.shape[1], *((codes.max() + 1) * Z.shape[1] for Z, codes, _ in terms)]

    def negative(point):
        location, *effects = np.split(point, np.cumsum(sizes)[:-1])
        eta, value = offset + X @ location, 0.5 * (location**2).sum() / prior_sd**2
        for (Z, codes, _), own, covariance in zip(terms, effects, found.covariances, strict=True):
            b = own.reshape(-1, Z.shape[1])
            eta = eta + (Z * b[codes]).sum(axis=1)
            value += 0.5 * np.einsum("jk,kl,jl->", b, np.linalg.inv(covariance), b)
        return value - log_likelihood(family, y, eta, n, found.aux).sum()

    start = np.concatenate([found.location, *found.effects])
    best = optimize.minimize(negative, np.zeros(len(start)), method="BFGS", options={"gtol": 1e-5, "maxiter": 2000})
    return start, best, negative


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("structure", ["slopes", "nested"])
def test_location_and_effects_are_at_their_joint_mode(family, structure):
    rows = simulated(family, structure)
    found = find_reference(problem_of(family, rows))
    ours, best, negative = _joint_mode(family, rows, found)
    assert negative(ours) <= best.fun + 1e-6
    if family != STUDENT:
        assert ours == pytest.approx(best.x, abs=2e-3)


def test_scales_are_close_to_those_that_made_the_rows():
    rows = simulated(LOGIT, "crossed", n_rows=4000)
    found = find_reference(problem_of(LOGIT, rows))
    assert np.sqrt(found.covariances[0][0, 0]) == pytest.approx(0.6, abs=0.25)
    gaussian = find_reference(problem_of(GAUSSIAN, simulated(GAUSSIAN, "mixed", n_rows=2000)))
    assert gaussian.aux[0] == pytest.approx(0.7, rel=0.05)
    student = find_reference(problem_of(STUDENT, simulated(STUDENT, "one", n_rows=4000)))
    assert student.aux == pytest.approx([0.7, 5.0], rel=0.25)
    counts = find_reference(problem_of(NEGATIVE_BINOMIAL, simulated(NEGATIVE_BINOMIAL, "one", n_rows=4000)))
    assert counts.aux == pytest.approx([3.0], rel=0.25)


@pytest.mark.parametrize("value", [0.0, 1.0])
@pytest.mark.parametrize("family", [LOGIT, PROBIT])
def test_responses_all_alike_have_a_mode_with_proper_priors(family, value):
    X, terms, _, n, offset = simulated(family, "slopes")
    found = find_reference(problem_of(family, (X, terms, value * n, n, offset)))
    assert np.isfinite(found.location).all()
    assert found.location[0] * (2 * value - 1) > 2
    assert found.n_steps < module.MOST_STEPS


def test_counts_of_a_million_and_none_at_all():
    X, terms, _, n, _ = simulated(POISSON, "one")
    eta = 13.0 + X[:, 1] * 0.1
    found = find_reference(problem_of(POISSON, (X, terms, np.round(np.exp(eta)), n, 0 * n), location=_wide(2)))
    assert found.location == pytest.approx([13.0, 0.1], abs=0.01)
    nothing = find_reference(problem_of(POISSON, (X, terms, 0 * n, n, 0 * n)))
    assert np.isfinite(nothing.location).all()
    assert nothing.location[0] < -3


def _wide(size):
    return prior_numbers(*[(NORMAL, 1, 0, 100.0)] * size)


def test_groups_of_one_row_and_effects_without_variance():
    X, _, _, n, offset = simulated(LOGIT, "one")
    single = [(np.ones((120, 1)), np.arange(120), (1,))]
    y = np.tile([0.0, 1.0], 60)
    found = find_reference(problem_of(LOGIT, (X, single, y, np.ones(120), offset)))
    assert np.isfinite(found.effects[0]).all()
    codes = np.repeat(np.arange(12), 10)
    same = np.tile(np.linspace(-1, 1, 10), 12)
    alike = find_reference(problem_of(GAUSSIAN, (X[:, :1], [(np.ones((120, 1)), codes, (1,))], same, n * 0 + 1, 0 * n)))
    assert 0 < np.sqrt(alike.covariances[0][0, 0]) < 0.2


def test_two_groups():
    X, _, y, n, offset = simulated(GAUSSIAN, "one")
    codes = np.repeat([0, 1], 60)
    found = find_reference(problem_of(GAUSSIAN, (X, [(X, codes, (2,))], y, n, offset)))
    assert np.isfinite(found.covariances[0]).all()
    assert np.linalg.eigvalsh(found.covariances[0])[0] > 0


def test_collinear_columns_with_flat_priors_are_named():
    X, terms, y, n, offset = simulated(LOGIT, "one")
    twice = np.column_stack([X, X[:, 1]])
    flat = prior_numbers((NORMAL, 1, 0, 1), (FLAT, 1, 0, 1), (FLAT, 1, 0, 1))
    with pytest.raises(RankDeficientError) as error:
        find_reference(problem_of(LOGIT, (twice, terms, y, n, offset), location=flat))
    assert error.value.columns.tolist() == [1, 2]


def test_student_t_prior_of_the_location_is_touched_by_a_normal():
    rows = simulated(LOGIT, "one")
    priors = prior_numbers((STUDENT_T, 4, 0.5, 0.1), (STUDENT_T, 4, 0, 0.2))
    found = find_reference(problem_of(LOGIT, rows, location=priors))
    X, terms, y, n, offset = rows
    eta = offset + X @ found.location + found.effects[0][terms[0][1]]
    score = X.T @ (y - n / (1 + np.exp(-eta)))
    residual = (found.location - priors.mu) / priors.sigma
    assert score == pytest.approx((priors.nu + 1) * residual / (priors.nu + residual**2) / priors.sigma, abs=1e-3)


def test_conjugate_gradients_find_the_same_point(monkeypatch):
    rows = simulated(POISSON, "mixed", n_rows=300)
    dense = find_reference(problem_of(POISSON, rows))
    monkeypatch.setattr(module, "MOST_DENSE", 0)
    iterative = find_reference(problem_of(POISSON, rows))
    assert iterative.location == pytest.approx(dense.location, abs=0.1)
    assert iterative.n_steps <= module.MOST_STEPS


@pytest.mark.parametrize("family", FAMILIES)
def test_a_model_without_factors(family):
    X, _, y, n, offset = simulated(family, "one")
    rows = (X, [], y, n, offset)
    found = find_reference(problem_of(family, rows))
    ours, best, _ = _joint_mode(family, rows, found)
    assert ours == pytest.approx(best.x, abs=2e-3)
