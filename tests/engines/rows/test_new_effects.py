"""Effects of new groups drawn given their rows: against grids, closed forms, and each other."""

from types import SimpleNamespace

import numpy as np
import pytest
from scipy import special, stats

from stanhier.engines.draws import Draws
from stanhier.engines.engine import INTEGRATION_POINTS
from stanhier.engines.multilevel.layout import EFFECTS, TermShape
from stanhier.engines.rows.given_effects import GivenEffects
from stanhier.engines.rows.new_effects import drawn_new_effects, linked, new_effects_k
from stanhier.families.known import FAMILIES

DRAWS = 4000


def shape(n_levels, q=1):
    return TermShape(n_levels, (q,), (-1,) * q)


def rows_of(y, codes, Z=None, trials=None):
    n = len(y)
    matrices = [np.ones((n, 1)) for _ in codes] if Z is None else Z
    return SimpleNamespace(
        y=np.asarray(y, dtype=float),
        X=np.zeros((n, 0)),
        offset=None,
        trials=trials,
        groupings=[SimpleNamespace(codes=np.asarray(one)) for one in codes],
        effect_matrix=lambda term, positions: matrices[term][positions],
    )


def given_of(family, factors, intercept=0.0, **auxiliary):
    """The same parameters in every draw: what is drawn differs by chance alone."""
    repeated = tuple(np.broadcast_to(np.atleast_2d(one), (DRAWS, *np.atleast_2d(one).shape)) for one in factors)
    return GivenEffects(
        FAMILIES[family],
        np.full((DRAWS, 1), intercept),
        np.zeros(1),
        {name: np.full(DRAWS, value) for name, value in auxiliary.items()},
        repeated,
        lambda term, levels: np.zeros((DRAWS, len(levels), repeated[term].shape[-1])),
    )


def drawn(rows, given, shapes, n_before, seed=1):
    """Effects of all levels, shape (DRAWS, E)."""
    room = np.zeros((2, DRAWS // 2, sum(one.n_effects for one in shapes)))
    draws = Draws({EFFECTS: room}, {}, seed=seed, max_treedepth=10, cmdstan="2.39.0")
    return drawn_new_effects(draws, rows, given, shapes, n_before).flat(EFFECTS)


ALONE = {
    "all ones": ("bernoulli", np.ones(12), 3.0, {}),
    "some": ("bernoulli", [1, 0, 0, 1, 0], 0.7, {}),
    "zeros": ("poisson", np.zeros(6), 2.0, {}),
    "counts": ("poisson", [30, 41, 28], 0.5, {}),
    "dispersed": ("negative_binomial", [0, 9, 1], 1.0, {"shape": 0.8}),
    "one that is far out": ("student_t", [0.1, -0.3, 25.0], 4.0, {"sigma": 0.8, "nu": 2.5}),
}


@pytest.mark.parametrize("name", ALONE)
def test_an_effect_has_the_distribution_that_a_grid_gives(name):
    family, y, sd, auxiliary = ALONE[name]
    given = given_of(family, [[[sd]]], 0.3, **auxiliary)
    rows = rows_of(y, [np.ones(len(y), dtype=int)])
    effects = drawn(rows, given, [shape(2)], [1])
    assert (effects[:, 0] == 0).all(), "the old group keeps what was drawn of it"
    grid = np.linspace(-12 * sd, 12 * sd, 20_001)
    aux = {key: np.array([[value]]) for key, value in auxiliary.items()}
    logs = given.family.log_density(np.asarray(y, dtype=float), 0.3 + grid[:, None], aux).sum(axis=1)
    logs += stats.norm.logpdf(grid, scale=sd)
    cumulative = np.cumsum(np.exp(logs - logs.max()))
    distribution = np.interp(effects[:, 1], grid, cumulative / cumulative[-1])
    assert stats.kstest(distribution, "uniform").pvalue > 1e-3
    assert new_effects_k(rows, given, [1]) < 0.5


def test_intercept_and_slope_have_the_moments_that_a_grid_gives():
    rng = np.random.default_rng(2)
    x, factor = rng.normal(size=15), np.array([[1.2, 0.0], [-0.5, 0.6]])
    y = rng.binomial(4, special.expit(0.5 + x))
    Z, trials = np.column_stack([np.ones(15), x]), np.full(15, 4.0)
    given = given_of("binomial", [factor], -0.2)
    rows = rows_of(y, [np.zeros(15, dtype=int)], [Z], trials)
    effects = drawn(rows, given, [shape(1, q=2)], [0])
    axis = np.linspace(-7, 7, 281)
    grid = np.stack(np.meshgrid(axis, axis, indexing="ij"), axis=-1).reshape(-1, 2)
    eta = -0.2 + grid @ factor.T @ Z.T
    logs = (y * eta - 4 * np.logaddexp(0, eta)).sum(axis=1) - 0.5 * np.square(grid).sum(axis=1)
    weights = np.exp(logs - logs.max())
    weights /= weights.sum()
    b = grid @ factor.T
    mean = weights @ b
    covariance = (b - mean).T @ ((b - mean) * weights[:, None])
    error = np.sqrt(np.diag(covariance) / DRAWS)
    assert (np.abs(effects.mean(axis=0) - mean) < 4 * error).all()
    np.testing.assert_allclose(np.cov(effects, rowvar=False) / covariance, 1, atol=0.12)


def test_nested_effects_have_the_closed_form_of_nearly_normal_responses():
    """An outer group and its inner ones are drawn together."""
    rng = np.random.default_rng(3)
    outer, inner = np.array([1] * 9 + [2] * 4), np.array([0, 0, 0, 1, 1, 1, 1, 2, 2, 3, 3, 3, 3])
    y = rng.normal(size=13) * 1.5
    given = given_of("student_t", [[[0.9]], [[0.6]]], sigma=0.7, nu=1e9)
    effects = drawn(rows_of(y, [outer, inner]), given, [shape(3), shape(4)], [1, 0])
    Z = np.column_stack([outer[:, None] == [1, 2], inner[:, None] == np.arange(4)]).astype(float)
    precision = np.diag([1 / 0.81] * 2 + [1 / 0.36] * 4) + Z.T @ Z / 0.49
    covariance = np.linalg.inv(precision)
    mean = covariance @ Z.T @ y / 0.49
    error = np.sqrt(np.diag(covariance) / DRAWS)
    assert (np.abs(effects[:, 1:].mean(axis=0) - mean) < 4 * error).all()
    found = np.cov(effects[:, 1:], rowvar=False)
    scale = np.sqrt(np.diag(covariance))
    np.testing.assert_allclose(found / scale[:, None] / scale, covariance / scale[:, None] / scale, atol=0.08)
    assert found[0, 1] == pytest.approx(0, abs=0.08), "sets that share nothing are drawn apart"


def test_rows_that_share_an_effect_that_is_not_known_are_one_set():
    none = np.full(5, -1)
    np.testing.assert_array_equal(linked([np.array([4, 5, 4, 6, 6])]), [0, 1, 0, 2, 2])
    np.testing.assert_array_equal(linked([np.array([4, 5, 4, 6, 6]), none]), [0, 1, 0, 2, 2])
    np.testing.assert_array_equal(linked([np.array([4, 5, 4, 6, 6]), np.array([-1, 0, 1, 0, -1])]), [0, 1, 0, 1, 1])
    assert len(set(linked([np.array([7, -1, 8]), np.array([7, 8, -1])]).tolist())) == 3


def test_too_many_effects_at_once_are_told_by_pareto_k():
    rng = np.random.default_rng(4)
    n = 40
    codes = [np.zeros(3 * n, dtype=int), np.repeat(np.arange(n), 3)]
    rows = rows_of(rng.binomial(1, 0.5, 3 * n), codes)
    given = given_of("bernoulli", [[[2.0]], [[3.0]]])
    some = GivenEffects(
        given.family, given.location[:20], given.origin, {}, tuple(one[:20] for one in given.factors), given.effects
    )
    assert new_effects_k(rows, some, [0, 0])[0] > 1 - 1 / np.log10(INTEGRATION_POINTS)
