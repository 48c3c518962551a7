"""From Stan's z to draws and on to parameters, and back from draws of the priors."""

import numpy as np
import pandas as pd
import pytest

from stanhier.engines.gaussian.marginal import LocationPriors
from stanhier.engines.multilevel.coordinates import MultilevelCoordinates, TermNames
from stanhier.engines.multilevel.layout import block_pairs, correlation_matrices
from stanhier.engines.multilevel.marginal import ScalePriors
from stanhier.engines.multilevel.statistics import statistics_of
from stanhier.engines.multilevel.whitening import marginal_posterior, whiten
from stanhier.engines.parameters import Inventory, Parameter, Role
from stanhier.priors.numbers import EXPONENTIAL, NORMAL, STUDENT_T, PriorNumbers
from stanhier.stan.nuts import RawDraws
from tests.engines.multilevel.test_marginal import location_priors, rows


def names_of(t, term):
    pairs = block_pairs(term.blocks)
    return TermNames(
        sd=f"sd_g{t}",
        sds=tuple(f"sd_g{t}[{k}]" for k in range(term.q)),
        cor=f"cor_g{t}" if pairs else None,
        cors=tuple(f"cor_g{t}[{i}, {j}]" for i, j in pairs),
    )


def coordinates_of(case, *, sigma=None, has_intercept=True):
    found = statistics_of(rows(case, weighted=False).piece(), has_intercept=has_intercept)
    priors = location_priors(found, [NORMAL, STUDENT_T, NORMAL])
    n_scales = sum(term.q for term in found.terms) + (sigma is None)
    numbers = PriorNumbers(np.full(n_scales, EXPONENTIAL), *np.ones((3, n_scales)))
    scale_priors = ScalePriors(numbers, (1.0,) * sum(len(term.blocks) for term in found.terms), sigma)
    whitening = whiten(found, priors, scale_priors)
    posterior = marginal_posterior(found, whitening.axes, whitening.scales, priors, scale_priors)
    names = tuple(names_of(t, term) for t, term in enumerate(found.terms))
    listed = [Parameter("alpha", Role.INTERCEPT)] if has_intercept else []
    listed.append(Parameter("beta", Role.SLOPES, "predictor", pd.Index(["x", "z"])))
    for own in names:
        listed.append(Parameter(own.sd, Role.GROUP_SD, "effect", pd.Index(own.sds)))
        if own.cor is not None:
            listed.append(Parameter(own.cor, Role.GROUP_SD))
    if sigma is None:
        listed.append(Parameter("sigma", Role.NOISE))
    return MultilevelCoordinates(whitening, posterior, found.origin, Inventory(tuple(listed)), names), priors


def raw_draws(coordinates, seed=3):
    z = np.random.default_rng(seed).standard_normal((2, 5, coordinates.whitening.scales.size))
    return RawDraws(z, np.empty((2, 5, 0)), {"lp": np.zeros((2, 5))}, seed, 10, "2.39.0")


CASES = ["one slope", "crossed", "slopes in a dense term"]


@pytest.mark.parametrize("case", CASES)
def test_draws_have_the_layout_and_depend_on_the_seed_alone(case):
    coordinates, _ = coordinates_of(case)
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
    coordinates, _ = coordinates_of(case, sigma=sigma, has_intercept=has_intercept)
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
    coordinates, priors = coordinates_of(case)
    draws = coordinates.draws(raw_draws(coordinates))
    sampled = coordinates.sampled(draws)
    scales = coordinates.whitening.scales
    assert len(sampled) == scales.n_sds + scales.n_correlations + 1 + 3
    assert all(values.shape == (2, 5) for values in sampled.values())
    scalars = {name: values.ravel() for name, values in sampled.items()}
    at_zero = LocationPriors(priors.numbers, priors.offset, priors.transform)
    theta = at_zero.offset + draws.flat("location") @ at_zero.transform.T
    scalars |= {"alpha": theta[:, 0], "beta[x]": theta[:, 1], "beta[z]": theta[:, 2]}
    n_dense = coordinates.layout.get("dense", (0,))[0]
    values = coordinates.values_of(scalars, priors, np.ones((10, n_dense)))
    assert {name: v.shape[2:] for name, v in values.items()} == coordinates.layout
    for name in set(values) - {"dense"}:
        np.testing.assert_allclose(values[name][0], draws.flat(name), rtol=1e-10, atol=1e-10)
    if case == "crossed":
        # One effect a level: noise of 1 stands for one standard deviation.
        np.testing.assert_allclose(values["dense"][0], np.repeat(draws.flat("sd")[:, :1], 6, axis=1))


def test_known_sigma_is_the_same_in_all_draws():
    coordinates, _ = coordinates_of("one slope", sigma=0.7)
    draws = coordinates.draws(raw_draws(coordinates))
    np.testing.assert_array_equal(draws.values["sigma"], 0.7)
    assert "sigma" not in coordinates.sampled(draws)
