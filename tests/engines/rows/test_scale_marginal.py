import numpy as np
import pytest
from scipy import linalg, stats

from stanhier.engines.multilevel.correlations import correlation_factors
from stanhier.engines.rows.likelihood import GAUSSIAN
from stanhier.engines.rows.scale_marginal import chain_density, term_density
from stanhier.engines.rows.scale_priors import part_of
from stanhier.engines.rows.whitening import whiten
from tests.tools.explicit_rows import problem_of, simulated

SIGMA = 0.7


def _marginal(problem, whitening, covariances):
    """Log density of the rows with all effects integrated out, the location at the reference point."""
    cells = problem.cells
    covariance = np.diag(SIGMA**2 / cells.n)
    for codes, Z, own in zip(cells.codes, cells.Z, covariances, strict=True):
        covariance += (codes[:, None] == codes) * (Z @ own @ Z.T)
    mean = cells.offset + cells.X @ whitening.location_hat
    return stats.multivariate_normal.logpdf(cells.y, mean, covariance)


@pytest.mark.parametrize("structure", ["one", "slopes"])
def test_density_of_a_term_is_the_marginal_one_of_gaussian_rows(structure):
    problem = problem_of(GAUSSIAN, simulated(GAUSSIAN, structure), sigma=SIGMA)
    whitening = whiten(problem, (), [1.5])
    (term,) = problem.terms
    value = term_density(whitening.effects, 0, problem.scales, [1.5])
    rng, ours, theirs = np.random.default_rng(1), [], []
    for _ in range(3):
        point = 0.5 * rng.standard_normal(term.q + term.n_correlations)
        factor = np.exp(point[: term.q])[:, None] * correlation_factors(point[None, term.q :], term.blocks)[0]
        prior = point[: term.q].sum() - np.exp(point[: term.q]).sum() - 3.0 * np.log(np.cosh(point[term.q :])).sum()
        ours.append(value(point))
        theirs.append(_marginal(problem, whitening, [factor @ factor.T]) + prior)
    assert np.diff(ours) == pytest.approx(np.diff(theirs), rel=1e-5, abs=1e-5)


def test_density_of_a_chain_is_the_marginal_one_of_gaussian_rows():
    problem = problem_of(GAUSSIAN, simulated(GAUSSIAN, "nested"), sigma=SIGMA)
    whitening = whiten(problem, (), [1.0, 1.0])
    (unit,) = whitening.effects.chains.units
    value = chain_density(whitening.effects, unit, [part_of(problem.scales, slice(t, t + 1)) for t in unit])
    ours, theirs = [], []
    for point in ([0.0, 0.0], [-1.0, 0.7], [0.8, -4.0], [-6.0, 0.1]):
        by_term = dict(zip(unit, point, strict=True))
        covariances = [np.array([[np.exp(2 * by_term[t])]]) for t in range(2)]
        ours.append(value(np.array(point)))
        theirs.append(_marginal(problem, whitening, covariances) + sum(point) - np.exp(point).sum())
    assert np.diff(ours) == pytest.approx(np.diff(theirs), rel=1e-5, abs=1e-5)


def test_axes_of_scales_are_as_long_as_the_density_is_wide():
    problem = problem_of(GAUSSIAN, simulated(GAUSSIAN, "slopes", n_rows=600), sigma=SIGMA)
    whitening = whiten(problem, (), [1.0])
    value = term_density(whitening.effects, 0, problem.scales, [1.0])
    draws = whitening.scales.draws(np.vstack([np.zeros(3), np.eye(3), -np.eye(3)]))
    y = np.arctanh(draws.cor[:, 0])
    values = [value(np.array([*np.log(sd), one])) for sd, one in zip(draws.sd, y, strict=True)]
    fallen = values[0] - np.array(values[1:])
    assert fallen == pytest.approx(np.full(6, 0.5), abs=0.4)


def test_location_axes_are_those_of_the_marginal_covariance():
    problem = problem_of(GAUSSIAN, simulated(GAUSSIAN, "mixed"), sigma=SIGMA)
    whitening = whiten(problem, (), [1.0] * 5)
    cells = problem.cells
    columns = [
        (np.eye(t.n_levels)[codes][:, :, None] * Z[:, None]).reshape(cells.n_cells, -1)
        for t, codes, Z in zip(problem.terms, cells.codes, cells.Z, strict=True)
    ]
    assert np.tril(whitening.basis) == pytest.approx(whitening.basis)
    whole = np.hstack([*columns, cells.X])
    assert whole.shape[1] == whitening.places.n_effects + 2
    inverse = linalg.inv(whitening.basis @ whitening.basis.T)
    # No less than the prior's precision, no more than that of rows without effects.
    most = (cells.X.T * cells.n / SIGMA**2) @ cells.X + np.eye(2) / 2.5**2
    assert np.linalg.eigvalsh(most - inverse)[0] > 0
    assert np.linalg.eigvalsh(inverse - np.eye(2) / 2.5**2)[0] > 0
