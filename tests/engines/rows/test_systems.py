import numpy as np
import pytest
from scipy import linalg

from stanhier.engines.multilevel.layout import eliminated_term
from stanhier.engines.rows.dense_system import DenseSystem, factorised
from stanhier.engines.rows.information import EffectColumns
from stanhier.engines.rows.iterative_system import IterativeSystem
from stanhier.engines.rows.likelihood import LOGIT
from tests.tools.explicit_rows import problem_of, simulated


def _set_up(structure, kind):
    problem = problem_of(LOGIT, simulated(LOGIT, structure))
    rng = np.random.default_rng(2)
    weight = rng.uniform(0.1, 2.0, problem.cells.n_cells)
    columns = EffectColumns(problem.cells, problem.terms)
    precisions = [np.eye(term.q) + 0.3 for term in problem.terms]
    prior = np.eye(2) * 0.1
    information = columns.information(weight)
    system = kind.of(information, precisions, prior, problem.terms, eliminated_term(problem.terms))
    whole = np.hstack([*(matrix.toarray() for matrix in columns.matrices), problem.cells.X])
    blocks = [np.kron(np.eye(term.n_levels), one) for term, one in zip(problem.terms, precisions, strict=True)]
    return problem, system, (whole.T * weight) @ whole + linalg.block_diag(*blocks, prior)


STRUCTURES = ("one", "slopes", "crossed", "nested", "mixed")
EVERY = [(DenseSystem, structure) for structure in STRUCTURES]
EVERY += [(IterativeSystem, structure) for structure in ("crossed", "nested", "mixed")]


@pytest.mark.parametrize(("kind", "structure"), EVERY)
def test_solution_is_that_of_the_whole_matrix(kind, structure):
    problem, system, matrix = _set_up(structure, kind)
    right = np.random.default_rng(3).standard_normal(len(matrix))
    ends = np.cumsum([term.n_effects for term in problem.terms])
    found = np.concatenate(system.solve(np.split(right, ends)))
    assert found == pytest.approx(np.linalg.solve(matrix, right), rel=1e-6, abs=1e-7)


@pytest.mark.parametrize(("kind", "structure"), EVERY)
def test_covariance_and_shifts_are_those_of_the_whole_matrix(kind, structure):
    _, system, matrix = _set_up(structure, kind)
    assert system.location_covariance() == pytest.approx(np.linalg.inv(matrix)[-2:, -2:], rel=1e-6)
    shifts = -np.linalg.solve(matrix[:-2, :-2], matrix[:-2, -2:])
    assert np.vstack(system.shifts()) == pytest.approx(shifts, rel=1e-6, abs=1e-7)


@pytest.mark.parametrize("structure", STRUCTURES)
def test_summed_variances_are_those_of_the_inverse(structure):
    problem, system, matrix = _set_up(structure, DenseSystem)
    inverse = np.linalg.inv(matrix)
    start = 0
    for term, found in zip(problem.terms, system.summed_variances(), strict=True):
        at = [slice(start + term.q * j, start + term.q * (j + 1)) for j in range(term.n_levels)]
        assert found == pytest.approx(sum(inverse[part, part] for part in at), rel=1e-8)
        start += term.n_effects


def test_random_signs_estimate_summed_variances():
    _, dense, _ = _set_up("mixed", DenseSystem)
    _, iterative, _ = _set_up("mixed", IterativeSystem)
    for exact, found in zip(dense.summed_variances(), iterative.summed_variances(), strict=True):
        assert found == pytest.approx(exact, rel=0.3, abs=0.3 * exact.max())


def test_a_matrix_that_rounding_made_singular_is_factorised():
    matrix = 1e6 * np.ones((2, 2))
    scale, factor = factorised(matrix)
    assert scale == pytest.approx([1e3, 1e3])
    assert factor @ factor.T == pytest.approx(np.ones((2, 2)), rel=1e-10)
