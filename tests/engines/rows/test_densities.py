"""Densities of rows and sets of any family against closed forms of the Gaussian and numerical integration."""

from types import SimpleNamespace

import numpy as np
import pytest
from scipy import stats

from stanhier.engines.multilevel import set_densities as gaussian
from stanhier.engines.rows import set_integrals as module
from stanhier.engines.rows.densities import held_out_densities, row_densities, set_densities
from stanhier.engines.rows.given_effects import GivenEffects
from stanhier.families.known import FAMILIES
from tests.tools.multilevel_worlds import world

RNG = np.random.default_rng(8)


def as_rows(made, **beside):
    own = made.rows
    return SimpleNamespace(
        y=own.y,
        X=own.X,
        groupings=own.groupings,
        effect_matrix=own.effect_matrix,
        **{"offset": None, "trials": None, **beside},
    )


def as_given(made, family="gaussian", **auxiliary):
    given = made.given
    auxiliary = auxiliary if auxiliary or family != "gaussian" else {"sigma": given.sigma}
    known = FAMILIES[family]
    return GivenEffects(known, given.location, given.origin, auxiliary, given.factors, given.effects)


def sets_of(blocks, n_sets):
    """All left-out and all-in densities, in the order of the sets."""
    parts = list(blocks)
    order = np.argsort(np.concatenate([np.arange(n_sets)[part] for part, _, _ in parts]))
    return tuple(np.concatenate([part[k] for part in parts], axis=1)[:, order] for k in (1, 2))


def test_gaussian_sets_by_quadrature_are_those_in_closed_form(monkeypatch):
    made = world(((6, 1), (4, 2)), n=60)
    monkeypatch.setattr(module, "_NEAR", 20)
    monkeypatch.setattr(module, "_CHUNK", 20)
    for grouping in made.rows.groupings:
        n_sets = int(grouping.codes.max()) + 1
        exact = np.concatenate(
            [b for _, b, _ in gaussian.set_densities(made.rows, grouping.codes, n_sets, made.given)], axis=1
        )
        found, _ = sets_of(set_densities(as_rows(made), grouping.codes, n_sets, as_given(made)), n_sets)
        few = np.bincount(grouping.codes) > 1  # the others have their levels of both factors for themselves
        np.testing.assert_allclose(found[:, few], exact[:, few], rtol=1e-9)
        np.testing.assert_allclose(found[:, ~few], exact[:, ~few], atol=0.05)


def test_nested_effects_by_importance_sampling_are_near_the_closed_form():
    made = world(((4, 2), (3, 1)), nested=True, n=80)
    codes = made.rows.groupings[0].codes
    exact = np.concatenate([b for _, b, _ in gaussian.set_densities(made.rows, codes, 4, made.given)], axis=1)
    found, _ = sets_of(set_densities(as_rows(made), codes, 4, as_given(made)), 4)
    np.testing.assert_allclose(found, exact, atol=0.35)
    assert np.abs(found - exact).mean() < 0.1


@pytest.mark.parametrize(
    ("family", "auxiliary"),
    [("bernoulli", ()), ("poisson", ()), ("negative_binomial", ("shape",)), ("student_t", ("sigma", "nu"))],
)
def test_one_effect_integrated_out(family, auxiliary):
    made = world(((5, 1),), n=40)
    draws = made.given.n_draws
    aux = {name: RNG.gamma(3, 1, draws) for name in auxiliary}
    given = as_given(made, family, **aux)
    offset = RNG.normal(0, 0.3, 40)
    y = FAMILIES[family].draw(RNG, RNG.normal(0, 1, 40), {name: values[0] for name, values in aux.items()})
    rows = as_rows(made, offset=offset)
    rows.y = y
    codes = rows.groupings[0].codes
    left_out, all_in = sets_of(set_densities(rows, codes, 5, given), 5)
    effects = given.effects(0, np.arange(5))[..., 0]
    Z = rows.effect_matrix(0)[:, 0]
    for s in range(min(draws, 2)):
        one = {name: values[s] for name, values in aux.items()}
        eta = given.population(rows, np.arange(40))[s]
        for j in range(5):
            own = codes == j

            sd = abs(given.factors[0][s, 0, 0])
            b = np.linspace(-40 * sd, 40 * sd, 100_001)
            logs = FAMILIES[family].log_density(y[own], eta[own] + Z[own] * b[:, None], one).sum(axis=1)
            logs += stats.norm.logpdf(b, 0, sd)
            area = np.exp(logs - logs.max()).sum() * (b[1] - b[0])
            assert left_out[s, j] == pytest.approx(np.log(area) + logs.max(), abs=1e-3)
            drawn = FAMILIES[family].log_density(y[own], eta[own] + Z[own] * effects[s, j], one)
            assert all_in[s, j] == pytest.approx(drawn.sum(), rel=1e-10)


def test_rows_by_themselves_and_rows_of_new_groups():
    made = world(((5, 1),), n=40)
    given, rows = as_given(made, "poisson"), as_rows(made)
    rows.y = RNG.poisson(2.0, 40).astype(float)
    (part, density, again), *_ = row_densities(rows, given)
    eta = given.population(rows, np.arange(40))
    b = given.effects(0, np.arange(5))[:, rows.groupings[0].codes, 0] * rows.effect_matrix(0)[:, 0]
    np.testing.assert_allclose(density, stats.poisson.logpmf(rows.y, np.exp(eta + b)), rtol=1e-9)
    assert part == slice(0, 40)
    assert again is density
    known = np.where(np.arange(40) < 20, rows.groupings[0].codes, -1)
    found = held_out_densities(rows, [known], given)
    np.testing.assert_allclose(found[:20], np.log(np.exp(density[:, :20]).mean(axis=0)), rtol=1e-9)
    noise = np.random.default_rng(2).standard_normal(100_000)
    sd = given.factors[0][:, 0, 0, None]
    for i in (20, 33):
        simulated = np.exp(eta[:, i, None] + rows.effect_matrix(0)[i, 0] * sd * noise)
        expected = np.log(stats.poisson.pmf(rows.y[i], simulated).mean())
        assert found[i] == pytest.approx(expected, abs=0.02)


def test_held_out_sets_with_known_and_new_levels():
    made = world(((5, 1), (4, 1)), n=60)
    given, rows = as_given(made, "poisson"), as_rows(made)
    rows.y = RNG.poisson(2.0, 60).astype(float)
    codes = rows.groupings[0].codes
    known = [np.full(5, -1), np.arange(4)]
    found, again = sets_of(set_densities(rows, codes, 5, given, known), 5)
    exact, _ = sets_of(set_densities(rows, codes, 5, given), 5)
    spread = np.array([len(set(codes[rows.groupings[1].codes == level])) for level in range(4)])
    whole = [all(spread[rows.groupings[1].codes[codes == j]] > 1) for j in range(5)]
    assert sum(whole) > 2
    np.testing.assert_allclose(found[:, whole], exact[:, whole])
    np.testing.assert_array_equal(found, again)
