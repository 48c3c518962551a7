"""Densities of every family against scipy's, and against themselves where scipy gives out."""

import numpy as np
import pytest
from scipy import special, stats

from stanhier.families.binary import Bernoulli, Binomial
from stanhier.families.counts import NegativeBinomial, Poisson
from stanhier.families.family import Gaussian
from stanhier.families.saddle_points import stirling_error
from stanhier.families.student_t import StudentTResponse

RNG = np.random.default_rng(3)
ETA = RNG.normal(0, 2, (40, 12))
ENDS = np.array([-700.0, -40.0, 0.0, 40.0, 700.0])[:, None]


def column(values):
    return np.asarray(values, dtype=float)[:, None]


def test_gaussian_and_student_t():
    y, sigma, nu = RNG.normal(0, 3, 12), column(RNG.gamma(2, 1, 40)), column(RNG.gamma(2, 10, 40))
    found = Gaussian().log_density(y, ETA, {"sigma": sigma})
    np.testing.assert_allclose(found, stats.norm.logpdf(y, ETA, sigma), rtol=1e-12)
    found = StudentTResponse().log_density(y, ETA, {"sigma": sigma, "nu": nu})
    np.testing.assert_allclose(found, stats.t.logpdf(y, nu, ETA, sigma), rtol=1e-11)


def test_student_t_with_many_degrees_of_freedom_is_gaussian():
    y = np.array([-3.0, 0.0, 8.0])
    found = StudentTResponse().log_density(y, np.zeros((1, 3)), {"sigma": 1.0, "nu": 1e12})
    np.testing.assert_allclose(found[0], stats.norm.logpdf(y), rtol=1e-9)


@pytest.mark.versions
@pytest.mark.parametrize(("link", "cdf"), [("logit", special.expit), ("probit", special.ndtr)])
def test_bernoulli_and_binomial(link, cdf):
    y = RNG.integers(0, 2, 12).astype(float)
    density = np.exp(Bernoulli(link).log_density(y, ETA, {}))
    np.testing.assert_allclose(density, stats.bernoulli.pmf(y, cdf(ETA)), rtol=1e-9, atol=1e-15)
    trials = RNG.integers(1, 30, 12).astype(float)
    k = np.floor(RNG.uniform(0, 1, 12) * (trials + 1))
    found = Binomial(link).log_density(k, ETA, {}, trials)
    log_choose = special.gammaln(trials + 1) - special.gammaln(k + 1) - special.gammaln(trials - k + 1)
    log_cdf = special.log_expit if link == "logit" else special.log_ndtr
    np.testing.assert_allclose(found, log_choose + k * log_cdf(ETA) + (trials - k) * log_cdf(-ETA), rtol=1e-10)


def test_log_odds_of_700():
    np.testing.assert_allclose(
        Bernoulli().log_density(np.ones(1), ENDS, {})[:, 0], special.log_expit(ENDS[:, 0]), rtol=1e-14
    )
    found = Binomial().log_density(np.array([3.0]), ENDS, {}, np.array([10.0]))[:, 0]
    exact = np.log(120.0) + 3 * special.log_expit(ENDS[:, 0]) + 7 * special.log_expit(-ENDS[:, 0])
    np.testing.assert_allclose(found, exact, rtol=1e-13)


def test_binomial_of_a_thousand_million_trials():
    trials = np.array([1e9])
    for k in (0.0, 1.0, 1e6, 5e8 + 3e4, 1e9 - 2, 1e9):
        eta = np.array([[special.logit(np.clip(k / 1e9, 1e-9, 1 - 1e-9)) + 1e-5]])
        found = Binomial().log_density(np.array([k]), eta, {}, trials)
        np.testing.assert_allclose(found, stats.binom.logpmf(k, 1e9, special.expit(eta)), rtol=1e-5)
    one = Binomial().log_density(np.ones(1), np.array([[-20.0]]), {}, trials)
    exact = np.log(1e9) + special.log_expit(-20.0) + (1e9 - 1) * special.log_expit(20.0)
    np.testing.assert_allclose(one, exact, rtol=1e-12)


def test_poisson():
    y = RNG.poisson(5.0, 12).astype(float)
    np.testing.assert_allclose(Poisson().log_density(y, ETA, {}), stats.poisson.logpmf(y, np.exp(ETA)), rtol=1e-11)
    for y in (0.0, 1.0, 1e6, 2e9):
        found = Poisson().log_density(np.array([y]), ENDS, {})[:, 0]
        exact = y * ENDS[:, 0] - np.exp(ENDS[:, 0]) - special.gammaln(y + 1)
        np.testing.assert_allclose(found, exact, rtol=1e-13)


def test_poisson_near_a_mean_of_a_million():
    y = np.array([1e6, 1e6 + 1000, 998000.0])
    log_mean = np.log(1e6)
    # log of y! by Stirling's series in whole numbers: the difference of deviances is exact to twelve digits.
    deviance = y * np.log1p((y - 1e6) / 1e6) + 1e6 - y
    exact = -deviance - 0.5 * np.log(2 * np.pi * y) - 1 / (12 * y)
    np.testing.assert_allclose(Poisson().log_density(y, np.full((1, 3), log_mean), {})[0], exact, rtol=1e-8)


@pytest.mark.parametrize("shape", [1e-3, 0.7, 30.0, 1e5])
def test_negative_binomial(shape):
    y = np.array([0.0, 1.0, 7.0, 400.0, 1e6])
    eta = RNG.normal(1, 2, (30, 5))
    found = NegativeBinomial().log_density(y, eta, {"shape": np.full((30, 1), shape)})
    exact = (
        special.gammaln(y + shape)
        - special.gammaln(shape)
        - special.gammaln(y + 1)
        - shape * np.logaddexp(0, eta - np.log(shape))
        - y * np.logaddexp(0, np.log(shape) - eta)
    )
    np.testing.assert_allclose(found, exact, rtol=1e-7, atol=1e-9)


def test_negative_binomial_of_a_large_shape_is_poisson():
    y, eta = np.array([0.0, 2.0, 30.0]), np.array([[0.0, 1.0, 3.0]])
    found = NegativeBinomial().log_density(y, eta, {"shape": 1e13})
    np.testing.assert_allclose(found, Poisson().log_density(y, eta, {}), rtol=1e-9)


def test_negative_binomial_at_the_ends():
    for y in (0.0, 5.0):
        found = NegativeBinomial().log_density(np.array([y]), ENDS, {"shape": 2.0})[:, 0]
        exact = stats.nbinom.logpmf(y, 2.0, 0.5) - y * np.log(0.5) - 2 * np.log(0.5)
        exact = exact - 2 * np.logaddexp(0, ENDS[:, 0] - np.log(2)) - y * np.logaddexp(0, np.log(2) - ENDS[:, 0])
        np.testing.assert_allclose(found, exact, rtol=1e-12)


def test_probabilities_sum_to_one():
    counts, eta = np.arange(4000.0), np.full((1, 4000), 2.3)
    for family, aux in ((Poisson(), {}), (NegativeBinomial(), {"shape": 0.8})):
        assert np.exp(family.log_density(counts, eta, aux)).sum() == pytest.approx(1.0, rel=1e-10)
    trials = np.arange(31.0)
    assert np.exp(Binomial().log_density(trials, np.full((1, 31), 0.4), {}, np.full(31, 30.0))).sum() == pytest.approx(
        1
    )


def test_stirling_error_across_its_joint():
    n = np.array([0.1, 1.0, 15.999, 16.0, 40.0])
    exact = special.gammaln(n + 1) - (n + 0.5) * np.log(n) + n - 0.5 * np.log(2 * np.pi)
    np.testing.assert_allclose(stirling_error(n), exact, rtol=1e-10)


COUNTS = np.arange(0.0, 40.0)


@pytest.mark.versions
@pytest.mark.parametrize(
    ("family", "aux", "trials"),
    [
        (Poisson(), {}, None),
        (NegativeBinomial(), {"shape": column([0.4, 3.0, 700.0])}, None),
        (Binomial(), {}, np.full(40, 25.0)),
        (Binomial("probit"), {}, np.full(40, 39.0)),
        (Bernoulli(), {}, None),
    ],
)
def test_probabilities_up_to_a_count_are_sums(family, aux, trials):
    y = COUNTS[:2] if family.name == "bernoulli" else COUNTS
    eta = column([-1.2, 0.3, 1.9]) + np.zeros(len(y))
    possible = np.full(len(y), True) if trials is None else y <= trials[0]
    with np.errstate(all="ignore"):
        single = np.where(possible, np.exp(family.log_density(np.where(possible, y, 0), eta, aux, trials)), 0.0)
    found = family.cumulative(y, eta, aux, trials)
    np.testing.assert_allclose(found, np.cumsum(single, axis=1), rtol=1e-10)
    assert (family.cumulative(y - 1, eta, aux, trials)[:, 0] == 0).all()


def test_probabilities_up_to_a_measurement():
    y, sigma, nu = RNG.normal(0, 3, 12), column(RNG.gamma(2, 1, 40)), column(RNG.gamma(2, 10, 40))
    found = Gaussian().cumulative(y, ETA, {"sigma": sigma})
    np.testing.assert_allclose(found, stats.norm.cdf(y, ETA, sigma), rtol=1e-10)
    found = StudentTResponse().cumulative(y, ETA, {"sigma": sigma, "nu": nu})
    np.testing.assert_allclose(found, stats.t.cdf(y, nu, ETA, sigma), rtol=1e-9)
