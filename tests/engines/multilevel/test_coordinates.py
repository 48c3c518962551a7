"""From Stan's z to draws and on to parameters, and back from draws of the priors."""

import numpy as np
import pandas as pd
import pytest

from stanhier.design.groupings import Grouping
from stanhier.engines.multilevel.coordinates import MultilevelCoordinates
from stanhier.engines.multilevel.layout import correlation_matrices
from stanhier.engines.multilevel.marginal import ScalePriors
from stanhier.engines.multilevel.statistics import statistics_of
from stanhier.engines.multilevel.whitening import whiten
from stanhier.engines.term_parameters import inventory_of_terms
from stanhier.priors.numbers import EXPONENTIAL, NORMAL, STUDENT_T, PriorNumbers
from stanhier.stan.nuts import RawDraws
from tests.engines.multilevel.test_marginal import location_priors, rows


def inventory(terms, *, has_intercept, sigma_is_estimated):
    factors = [
        Grouping(
            (f"g{t}",), tuple(f"e{k}" for k in range(term.q)), term.columns, term.blocks, pd.RangeIndex(term.n_levels)
        )
        for t, term in enumerate(terms)
    ]
    listed = inventory_of_terms(
        ["x", "z"], has_intercept=has_intercept, factors=factors, sigma_is_estimated=sigma_is_estimated
    )
    return listed.without_effects()


def coordinates_of(case, *, sigma=None, has_intercept=True):
    found = statistics_of(rows(case, weighted=False).piece(), has_intercept=has_intercept)
    priors = location_priors(found, [NORMAL, STUDENT_T, NORMAL])
    n_scales = sum(term.q for term in found.terms) + (sigma is None)
    numbers = PriorNumbers(np.full(n_scales, EXPONENTIAL), *np.ones((3, n_scales)))
    scale_priors = ScalePriors(numbers, (1.0,) * sum(len(term.blocks) for term in found.terms), sigma)
    whitening = whiten(found, priors, scale_priors)
    listed = inventory(found.terms, has_intercept=has_intercept, sigma_is_estimated=sigma is None)
    return MultilevelCoordinates.of(found, whitening, priors, scale_priors, listed)


def raw_draws(coordinates, seed=3):
    z = np.random.default_rng(seed).standard_normal((2, 5, coordinates.whitening.scales.size))
    return RawDraws(z, np.empty((2, 5, 0)), {"lp": np.zeros((2, 5))}, seed, 10, "2.39.0")


CASES = ["one slope", "crossed", "slopes in a dense term"]


@pytest.mark.parametrize("case", CASES)
def test_draws_have_the_layout_and_depend_on_the_seed_alone(case):
    coordinates = coordinates_of(case)
    draws = coordinates.draws(raw_draws(coordinates))
    assert {name: values.shape[2:] for name, values in draws.values.items()} == coordinates.layout
    assert draws.shape == (2, 5)
    again = coordinates.draws(raw_draws(coordinates))
    for name, values in draws.values.items():
        np.testing.assert_array_equal(values, again.values[name])
        if name in coordinates.positive:
            assert (values > 0).all()


@pytest.mark.parametrize(
    ("case", "sigma", "has_intercept"), [(c, None, True) for c in CASES] + [("crossed", 0.7, False)]
)
def test_parameters_of_the_population(case, sigma, has_intercept):
    coordinates = coordinates_of(case, sigma=sigma, has_intercept=has_intercept)
    draws = coordinates.draws(raw_draws(coordinates))
    population = coordinates.population(draws)
    assert list(population) == [parameter.name for parameter in coordinates.parameters]
    location, origin = draws.values["location"], coordinates.origin
    np.testing.assert_array_equal(population["beta"], location[:, :, -2:])
    if has_intercept:
        # The mean at the origin of the rows is the same by either.
        at_origin = population["alpha"] + population["beta"] @ origin[:-1]
        np.testing.assert_allclose(at_origin, location[:, :, 0] + origin[-1])
    assert ("sigma" in population) == (sigma is None)
    terms = coordinates.whitening.scales.terms
    first = 0
    for t, term in enumerate(terms):
        np.testing.assert_array_equal(population[f"sd_g{t}"], draws.values["sd"][:, :, first : first + term.q])
        first += term.q
        assert (f"cor_g{t}" in population) == (term.n_correlations > 0)
    if case == "slopes in a dense term":
        expected = correlation_matrices(draws.flat("cor")[:, :1], (2, 1)).reshape(2, 5, 3, 3)
        np.testing.assert_array_equal(population["cor_g0"], expected)
        np.testing.assert_array_equal(population["cor_g0"][:, :, 2], np.broadcast_to([0, 0, 1], (2, 5, 3)))


@pytest.mark.parametrize("case", CASES)
def test_numbers_that_were_sampled_give_their_draws_back(case):
    coordinates = coordinates_of(case)
    draws = coordinates.draws(raw_draws(coordinates))
    sampled = coordinates.sampled(draws)
    scales = coordinates.whitening.scales
    assert len(sampled) == scales.n_sds + scales.n_correlations + 1 + 3
    assert all(values.shape == (2, 5) for values in sampled.values())
    priors = coordinates.location_priors
    theta = priors.offset + draws.flat("location") @ priors.transform.T
    population = coordinates.population(draws)
    drawn = {name: values.reshape(10, *values.shape[2:]) for name, values in population.items()}
    drawn |= {"alpha": theta[:, 0], "beta": theta[:, 1:]}
    values = coordinates.values_of(drawn)
    assert {name: v.shape[2:] for name, v in values.items()} == coordinates.layout
    for name in set(values) - {"dense", "lambda"}:
        np.testing.assert_allclose(values[name][0], draws.flat(name), rtol=1e-10, atol=1e-10)


def test_known_sigma_is_the_same_in_all_draws():
    coordinates = coordinates_of("one slope", sigma=0.7)
    draws = coordinates.draws(raw_draws(coordinates))
    np.testing.assert_array_equal(draws.values["sigma"], 0.7)
    assert "sigma" not in coordinates.sampled(draws)
