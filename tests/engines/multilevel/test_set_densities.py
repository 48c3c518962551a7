"""Densities of sets of rows against multivariate normal densities, some effects integrated out and others given."""

import numpy as np
import pytest

from stanhier.engines.multilevel import set_densities as module
from stanhier.engines.multilevel.set_densities import set_densities
from tests.engines.multilevel.test_row_densities import WORLDS, as_rows
from tests.tools import variants
from tests.tools.fake_fit import fake_fit
from tests.tools.multilevel_worlds import log_density, world

NESTED = {"nested": lambda: world(((4, 2), (3, 1)), nested=True, n=80)}


def all_sets(blocks):
    parts = list(blocks)
    return tuple(np.concatenate([part[k] for part in parts], axis=1) for k in (1, 2))


def alone(made, chosen):
    """Levels, (term, level), whose rows are all among the chosen."""
    return [
        (t, level)
        for t, term in enumerate(made.terms)
        for level in range(term.n_levels)
        if (own := made.rows.groupings[t].codes == level).any() and not own[~chosen].any()
    ]


def check(made, codes, left_out, all_in, integrated_of):
    y = made.rows.y
    for j in np.unique(codes):
        chosen = codes == j
        integrated = integrated_of(chosen)
        for s in range(made.given.n_draws):
            mean = made.mean(s, integrated)[chosen]
            noise, shared = (m[np.ix_(chosen, chosen)] for m in (made.noise(s), made.shared(s, integrated)))
            assert left_out[s, j] == pytest.approx(log_density(y[chosen], mean, noise + shared), rel=1e-9, abs=1e-9)
            weights = np.linalg.solve(noise + shared, shared)
            mean = mean + weights.T @ (y[chosen] - mean)
            again = noise + shared - shared @ weights
            assert all_in[s, j] == pytest.approx(log_density(y[chosen], mean, again), rel=1e-9, abs=1e-9)


@pytest.mark.parametrize("kind", [*WORLDS, *NESTED])
def test_levels_of_each_factor_are_left_out(kind, monkeypatch):
    made = (WORLDS | NESTED)[kind]()
    monkeypatch.setattr(module, "BLOCK_VALUES", 3)
    monkeypatch.setattr(module, "_SETS", 4)
    for grouping in made.rows.groupings:
        n_sets = int(grouping.codes.max()) + 1
        left_out, all_in = all_sets(set_densities(made.rows, grouping.codes, n_sets, made.given))
        check(made, grouping.codes, left_out, all_in, lambda chosen: alone(made, chosen))


def test_any_labels_may_be_left_out_and_large_sets_are_rotated_part_by_part(monkeypatch):
    made = world(((4, 2), (5, 1)), n=90)
    codes = np.random.default_rng(1).integers(0, 3, 90)
    codes[np.isin(made.rows.groupings[1].codes, [1, 2])] = 1
    monkeypatch.setattr(module, "_ROWS", 7)
    left_out, all_in = all_sets(set_densities(made.rows, codes, 3, made.given))
    check(made, codes, left_out, all_in, lambda chosen: alone(made, chosen))
    assert (1, 1) in alone(made, codes == 1)


def test_rows_that_the_draws_have_not_seen():
    """Levels stand elsewhere among those of the draws, and some are not there."""
    made = world(((4, 2), (5, 1)), n=60)
    known = (np.array([2, -1, 0, 1]), np.array([-1, 3, -1, 1, 0]))
    codes = made.rows.groupings[0].codes
    given = made.given
    moved = type(given)(
        given.location,
        given.origin,
        given.sigma,
        given.factors,
        lambda t, levels: made.all_effects[t][:, [int(np.flatnonzero(known[t] == level)[0]) for level in levels]],
        {},
    )
    new = [(t, level) for t, places in enumerate(known) for level in np.flatnonzero(places < 0)]
    left_out, all_in = all_sets(set_densities(made.rows, codes, 4, moved, known))
    check(made, codes, left_out, all_in, lambda _: new)


@pytest.mark.parametrize("kind", ["default", "known se of rows", "weights", "groups of one"])
def test_one_varying_intercept_is_as_in_its_own_engine(kind):
    fit = fake_fit(variants.VARYING[kind](), chains=2, draws=5)
    rows, given = as_rows(fit)
    codes = rows.groupings[0].codes
    ours = all_sets(set_densities(rows, codes, codes.max() + 1, given))
    theirs = all_sets(fit.model.engine.set_densities(fit.model.design, codes, codes.max() + 1, fit.draws))
    np.testing.assert_allclose(ours, theirs, rtol=1e-9)


def test_without_groups_rows_are_independent():
    made = world(())
    codes = np.arange(60) % 7
    left_out, all_in = all_sets(set_densities(made.rows, codes, 7, made.given))
    check(made, codes, left_out, all_in, lambda _: [])


def test_matrices_of_many_rows_are_as_those_of_few(monkeypatch):
    made = (WORLDS | NESTED)["nested"]()
    codes = made.rows.groupings[0].codes
    few = all_sets(set_densities(made.rows, codes, 4, made.given))
    monkeypatch.setattr(module, "WRITTEN_OUT", 1)
    np.testing.assert_allclose(all_sets(set_densities(made.rows, codes, 4, made.given)), few, rtol=1e-10)
