"""Densities from the draws of an engine against the multivariate normal distribution of the rows."""

import numpy as np
import pytest
from scipy import stats
from scipy.special import logsumexp

from stanhier.engines.draws import Draws
from stanhier.engines.multilevel.conditioning import given_all_effects, given_statistics
from stanhier.engines.multilevel.effects import draw_effects, new_effects
from stanhier.engines.multilevel.held_out_densities import held_out_densities
from stanhier.engines.multilevel.row_densities import row_densities
from stanhier.engines.multilevel.set_densities import set_densities
from stanhier.engines.multilevel.statistics import statistics_of
from stanhier.families.noise import RowNoise
from tests.engines.multilevel.test_row_densities import in_order
from tests.engines.multilevel.test_set_densities import all_sets
from tests.engines.multilevel.test_statistics import example
from tests.tools.grouped_columns import Columns
from tests.tools.multilevel_draws import conditional, covariance_of, made_up_draws, population_mean
from tests.tools.multilevel_worlds import Codes, Rows

KINDS = ["slope", "slope, weights", "crossed slopes", "nested", "no constant"]


def as_rows(columns: Columns) -> Rows:
    noise = None if columns.weights is None else RowNoise("weights", None, columns.weights)
    groupings = tuple(Codes(term.codes) for term in columns.terms)
    return Rows(columns.y, columns.X, noise, groupings, tuple(columns.effects_of(term) for term in columns.terms))


def with_all_effects(draws, statistics):
    """The same draws, with the effects of every term."""
    everything = [
        draw_effects(statistics, t, np.arange(term.n_levels), draws).reshape(*draws.shape, -1)
        for t, term in enumerate(statistics.terms)
    ]
    values = {name: draws.values[name] for name in draws.values if name != "dense"}
    return Draws(values | {"effects": np.concatenate(everything, axis=2)}, {}, 3, 10, "2.39.0")


@pytest.mark.parametrize("kind", KINDS)
def test_both_engines_condition_on_the_same(kind):
    columns = example(kind)
    statistics = statistics_of(columns.piece())
    draws, rows = made_up_draws(statistics), as_rows(columns)
    ours = given_statistics(draws, statistics)
    theirs = given_all_effects(with_all_effects(draws, statistics), statistics.terms, statistics.origin)
    by_row = [in_order(row_densities(rows, given), 60, 6) for given in (ours, theirs)]
    np.testing.assert_allclose(*by_row, rtol=1e-9)
    codes = np.arange(60) % 8
    by_set = [all_sets(set_densities(rows, codes, 8, given)) for given in (ours, theirs)]
    np.testing.assert_allclose(*by_set, rtol=1e-9)


@pytest.mark.parametrize("kind", KINDS)
def test_rows_left_out_are_predicted_from_the_others(kind):
    """Held-out rows, given statistics of the others, are as the rows left out of all, by another way."""
    columns = example(kind)
    e = statistics_of(columns.piece()).eliminated
    out = 17
    kept = np.arange(60) != out
    # The levels stay those of all rows.
    terms = tuple(type(t)(t.codes[kept], t.n_levels, t.columns, t.blocks) for t in columns.terms)
    weights = None if columns.weights is None else columns.weights[kept]
    train = Columns(columns.X[kept], columns.extra[kept], columns.y[kept], terms, weights)
    statistics = statistics_of(train.piece())
    assert statistics.eliminated == e
    draws = made_up_draws(statistics)
    rows = as_rows(columns)
    held_out = rows.take(np.array([out]))
    known = tuple(grouping.codes for grouping in held_out.groupings)
    found = held_out_densities(held_out, known, given_statistics(draws, statistics))
    left_out, _ = in_order(row_densities(rows, given_statistics(draws, statistics)), 60, 6)
    np.testing.assert_allclose(found, logsumexp(left_out[:, out]) - np.log(6), rtol=1e-9)
    # And by the formula, from moments of the effects given the other rows.
    densities = []
    for s in range(6):
        effects, covariance = conditional(train, statistics, draws, s)
        z = columns.indicators(columns.terms[e])[out]
        mean = population_mean(columns, statistics, draws.flat("location")[s])[out] + z @ effects
        first = 0
        for t, term in enumerate(columns.terms):
            if t != e:
                own = columns.indicators(term)[out]
                mean += own @ draws.flat("dense")[s, first : first + len(own)]
                first += len(own)
        noise = draws.flat("sigma")[s] ** 2 / columns.roots[out] ** 2
        densities.append(stats.norm.logpdf(columns.y[out], mean, np.sqrt(z @ covariance @ z + noise)))
    np.testing.assert_allclose(found, logsumexp(densities) - np.log(6), rtol=1e-9)


def test_effects_of_new_levels_have_the_covariance_of_their_term():
    statistics = statistics_of(example("crossed slopes").piece())
    draws = made_up_draws(statistics)
    unit = np.broadcast_to(np.eye(3), (6, 3, 3))
    roots = new_effects(draws, statistics.terms, 0, unit)
    np.testing.assert_allclose(roots.swapaxes(1, 2) @ roots, covariance_of(draws, statistics, 0), atol=1e-12)
