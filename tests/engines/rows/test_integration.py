"""Effects integrated out by importance sampling: against nested grids, and what Pareto k says of it."""

from types import SimpleNamespace

import numpy as np
import pytest
from scipy import special

from stanhier.engines.engine import INTEGRATION_POINTS
from stanhier.engines.rows import set_integrals
from stanhier.engines.rows.densities import integration_k, set_densities
from stanhier.engines.rows.given_effects import GivenEffects
from stanhier.families.known import FAMILIES
from stanhier.posterior.weights import good_k

SETS, DRAWS = 2, 60
GRID = np.linspace(-9, 9, 301)


def nested(family, n_inner, n_rows, sds, seed=0):
    """Rows of inner groups within outer groups, and draws of the standard deviations of both."""
    rng = np.random.default_rng(seed)
    inner = np.repeat(np.arange(SETS * n_inner), n_rows)
    outer, n, ones = inner // n_inner, len(inner), np.ones((len(inner), 1))
    eta = sds[0] * rng.standard_normal(SETS)[outer] + sds[1] * rng.standard_normal(SETS * n_inner)[inner]
    y = rng.binomial(1, special.expit(eta)) if family == "bernoulli" else rng.poisson(np.exp(eta))
    rows = SimpleNamespace(
        y=y.astype(float),
        X=np.zeros((n, 0)),
        offset=None,
        trials=None,
        groupings=[SimpleNamespace(codes=outer), SimpleNamespace(codes=inner)],
        effect_matrix=lambda _, positions: ones[positions],
    )
    factors = tuple(sd * np.exp(0.1 * rng.standard_normal((DRAWS, 1, 1))) for sd in sds)
    location = 0.1 * rng.standard_normal((DRAWS, 1))
    given = GivenEffects(
        FAMILIES[family], location, np.zeros(1), {}, factors, lambda _, levels: np.zeros((DRAWS, len(levels), 1))
    )
    return rows, outer, given


def densities(rows, codes, given):
    found = np.empty((DRAWS, SETS))
    for sets, density, _ in set_densities(rows, codes, SETS, given):
        found[:, sets] = density
    return found


def by_grids(rows, given, s):
    """Integrals of one draw: on a grid of the outer effect, of integrals on grids of each inner effect."""
    outer, inner = (one.codes for one in rows.groupings)
    weights = -0.5 * GRID**2 + np.log((GRID[1] - GRID[0]) / np.sqrt(2 * np.pi))
    own, theirs = (factor[s, 0, 0] * GRID for factor in given.factors)
    total = np.tile(weights[:, None], SETS)
    for level in np.unique(inner):
        of_level = inner == level
        eta = given.location[s, 0] + own[:, None, None] + theirs[None, :, None] + np.zeros(of_level.sum())
        logs = given.family.log_density(rows.y[of_level], eta, {}).sum(axis=-1)
        total[:, outer[of_level][0]] += special.logsumexp(logs + weights, axis=1)
    return special.logsumexp(total, axis=0)


def errors(family, n_inner, n_rows, sds):
    rows, codes, given = nested(family, n_inner, n_rows, sds)
    found = densities(rows, codes, given)[:12]
    return found - [by_grids(rows, given, s) for s in range(12)], integration_k(rows, codes, SETS, given)


@pytest.mark.parametrize(
    ("family", "n_inner", "n_rows", "sds"), [("poisson", 4, 8, (0.7, 0.5)), ("bernoulli", 9, 1, (1.0, 1.0))]
)
def test_where_k_is_low_integrals_are_those_of_nested_grids(family, n_inner, n_rows, sds):
    error, k = errors(family, n_inner, n_rows, sds)
    assert (k < 0.3).all()
    # With an effective half of the points or more: the Monte Carlo error of a single integral is 0.1 at most.
    assert np.abs(error).max() < 0.3
    assert error.std() < 1 / np.sqrt(INTEGRATION_POINTS / 2)
    assert np.abs(error.mean()) < 0.05


def test_where_integrals_are_far_off_k_is_high():
    """Twenty effects, each with all of a half-normal distribution to one side: no normal one is near them."""
    error, k = errors("bernoulli", 20, 1, (1.0, 8.0))
    assert np.abs(error).mean() > 0.5
    assert (k > 1).all()
    middling, k_between = errors("bernoulli", 10, 1, (1.0, 5.0))
    assert 0.1 < middling.std() < 0.4
    assert (k_between > good_k(INTEGRATION_POINTS)).all()
    assert (k_between < k).all()


def test_there_is_no_k_of_quadrature():
    rows, _, given = nested("poisson", 3, 4, (0.5, 0.5))
    inner = rows.groupings[1].codes
    assert np.isnan(integration_k(rows, inner, 3 * SETS, given)).all()


def test_a_set_has_its_density_in_any_company(monkeypatch):
    rows, codes, given = nested("poisson", 4, 5, (0.7, 0.5))
    together = densities(rows, codes, given)
    monkeypatch.setattr(set_integrals, "_CHUNK", 1)
    monkeypatch.setattr(set_integrals, "_NEAR", 100)
    np.testing.assert_allclose(densities(rows, codes, given), together, rtol=1e-12)
