"""For Gaussian rows the coordinates are exact: what they say of effects is checked against the normal conditionals."""

import numpy as np
import pytest
from scipy import linalg

from stanhier.engines.multilevel.layout import cholesky_factors
from stanhier.engines.rows.likelihood import GAUSSIAN, POISSON
from stanhier.engines.rows.reference import find_reference
from stanhier.engines.rows.whitening import whiten
from tests.tools.explicit_rows import problem_of, simulated

SCALES = [(0.3, 1.2), (1.5, 0.4), (1e-4, 0.7)]


def _factors(terms, sd):
    return [
        cholesky_factors(np.full((1, term.q), sd), np.full((1, term.n_correlations), 0.4), term.blocks)
        for term in terms
    ]


def _conditional(problem, factors, sigma, location):
    """Mean and covariance of all effects given location and scales, by the whole matrix."""
    cells = problem.cells
    columns = [
        (np.eye(term.n_levels)[codes][:, :, None] * Z[:, None]).reshape(cells.n_cells, -1)
        for term, codes, Z in zip(problem.terms, cells.codes, cells.Z, strict=True)
    ]
    Z, weight = np.hstack(columns), cells.n / sigma**2
    prior = linalg.block_diag(
        *[np.kron(np.eye(t.n_levels), f[0] @ f[0].T) for t, f in zip(problem.terms, factors, strict=True)]
    )
    residual = cells.y - cells.offset - cells.X @ location
    total = np.eye(Z.shape[1]) + prior @ (Z.T * weight) @ Z
    return np.linalg.solve(total, prior @ Z.T @ (weight * residual)), np.linalg.solve(total, prior)


@pytest.mark.parametrize("structure", ["one", "slopes", "nested"])
@pytest.mark.parametrize(("sd", "sigma"), SCALES)
def test_standard_normal_zeta_gives_effects_their_conditional_distribution(structure, sd, sigma):
    problem = problem_of(GAUSSIAN, simulated(GAUSSIAN, structure))
    whitening = whiten(problem, ("sigma",), [1.0, 1.0])
    factors = _factors(problem.terms, sd)
    phi = np.array([[0.7, -1.3]])
    size = whitening.places.n_effects
    zeta = np.vstack([np.zeros(size), np.eye(size)])
    found = whitening.effects.effects(
        zeta,
        np.repeat(phi, size + 1, axis=0),
        [np.repeat(f, size + 1, axis=0) for f in factors],
        np.full(size + 1, sigma),
    )
    mean, covariance = _conditional(problem, factors, sigma, whitening.location_hat + phi[0] @ whitening.basis.T)
    assert found[0] == pytest.approx(mean, rel=1e-5, abs=1e-6)
    by_zeta = (found[1:] - found[0]).T
    assert by_zeta @ by_zeta.T == pytest.approx(covariance, rel=1e-6, abs=1e-9)


@pytest.mark.parametrize("structure", ["one", "slopes", "crossed", "nested", "mixed"])
@pytest.mark.parametrize("family", [GAUSSIAN, POISSON])
def test_the_reference_point_is_where_all_coordinates_are_zero(structure, family):
    problem = problem_of(family, simulated(family, structure))
    whitening = whiten(problem, ("sigma",) if family == GAUSSIAN else (), [1.0] * 5)
    reference = find_reference(problem)
    factors = [np.linalg.cholesky(covariance)[None] for covariance in reference.covariances]
    sigma = np.array([reference.aux[0] if family == GAUSSIAN else 1.0])
    size = whitening.places.n_effects
    found = whitening.effects.effects(np.zeros((1, size)), np.zeros((1, 2)), factors, sigma)
    assert found[0] == pytest.approx(np.concatenate(reference.effects), abs=1e-5)
    # And the joint mode moves with the location as the whole matrix says.
    step = np.array([[0.4, -0.2]])
    moved = whitening.effects.effects(np.zeros((1, size)), step, factors, sigma)[0] - found[0]
    shift = np.vstack(reference.system.shifts()) @ whitening.basis @ step[0]
    assert moved == pytest.approx(shift, abs=1e-6)
