"""LKJ against what is known of it: marginals, determinants, positive definiteness."""

import numpy as np
import pytest
from scipy import special, stats

import stanhier as sh
from stanhier.priors.distributions import numbers
from stanhier.priors.records import from_dict, to_dict

N = 6000


def drawn(eta, q, seed=3):
    return sh.LKJ(eta).rvs(np.random.default_rng(seed), N, q)


@pytest.mark.parametrize("eta", [0.4, 1.0, 3.0])
@pytest.mark.parametrize("q", [2, 3, 5])
def test_every_correlation_has_the_same_beta_marginal(eta, q):
    draws = drawn(eta, q)
    shape = eta + (q - 2) / 2
    below = [
        stats.kstest((draws[:, i, j] + 1) / 2, stats.beta(shape, shape).cdf).pvalue for i in range(q) for j in range(i)
    ]
    assert min(below) > 1e-3 / len(below)


@pytest.mark.parametrize(("eta", "q"), [(0.7, 2), (1.0, 3), (2.5, 4), (1.0, 6)])
def test_log_determinants_have_the_moments_of_independent_partial_correlations(eta, q):
    shapes = np.concatenate([np.full(q - 1 - j, eta + (q - 2 - j) / 2) for j in range(q - 1)])
    mean = np.sum(np.log(4) + 2 * (special.digamma(shapes) - special.digamma(2 * shapes)))
    variance = np.sum(2 * special.polygamma(1, shapes) - 4 * special.polygamma(1, 2 * shapes))
    logs = np.linalg.slogdet(drawn(eta, q)).logabsdet
    assert abs(logs.mean() - mean) < 4 * np.sqrt(variance / N)
    assert logs.var() == pytest.approx(variance, rel=0.2)


def test_the_density_is_a_power_of_the_determinant():
    """Draws under eta = 1, weighted by the determinant, have the means of draws under eta = 2."""
    flat, other = drawn(1.0, 3), drawn(2.0, 3, seed=4)
    weights = np.linalg.det(flat)
    triple = [np.abs(d[:, 1, 0] * d[:, 2, 0] * d[:, 2, 1]) for d in (flat, other)]
    assert np.average(triple[0], weights=weights) == pytest.approx(triple[1].mean(), rel=0.1)


def test_the_density_integrates_to_one():
    """That of two effects is a beta; three have the volume pi^2 / 2; others are ratios of densities, averaged."""
    r = np.linspace(-0.9, 0.9, 7)
    pairs = np.array([[[1, k], [k, 1]] for k in r])
    for eta in (0.4, 1.0, 3.0):
        np.testing.assert_allclose(sh.LKJ(eta).log_density(pairs), stats.beta(eta, eta, loc=-1, scale=2).logpdf(r))
    flat = drawn(1.0, 3)
    np.testing.assert_allclose(sh.LKJ(1).log_density(flat), -np.log(np.pi**2 / 2))
    for eta, q in ((2.0, 3), (1.5, 4)):
        flat = drawn(1.0, q)
        ratios = np.exp(sh.LKJ(eta).log_density(flat) - sh.LKJ(1).log_density(flat))
        assert abs(ratios.mean() - 1) < 4 * ratios.std() / np.sqrt(N)


def test_the_edge_has_no_density_but_where_all_matrices_are_alike():
    edge = np.ones((2, 2))
    assert sh.LKJ(1).log_density(edge) == pytest.approx(-np.log(2))
    assert sh.LKJ(3).log_density(edge) == -np.inf


def test_draws_are_correlation_matrices():
    draws = drawn(0.5, 5)
    assert draws.shape == (N, 5, 5)
    assert (np.diagonal(draws, axis1=1, axis2=2) == 1).all()
    np.testing.assert_array_equal(draws, draws.transpose(0, 2, 1))
    assert np.linalg.eigvalsh(draws).min() > -1e-12


def test_one_row_is_the_matrix_of_one():
    np.testing.assert_array_equal(sh.LKJ(2).rvs(np.random.default_rng(1), 3, 1), np.ones((3, 1, 1)))


@pytest.mark.parametrize("eta", [1e-90, 1e90])
def test_extreme_numbers_draw_matrices_all_the_same(eta):
    draws = drawn(eta, 3)
    assert np.isfinite(draws).all()
    assert np.abs(draws).max() <= 1


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: sh.LKJ(0), r"LKJ\(eta=0\): 'eta' must be greater than 0"),
        (lambda: sh.LKJ(-1), "'eta' must be greater than 0"),
        (lambda: sh.LKJ(float("inf")), "'eta' must be finite"),
        (lambda: sh.LKJ("2"), "'eta' must be a number, not str"),
        (lambda: sh.LKJ(True), "'eta' must be a number, not bool"),
    ],
)
def test_numbers_out_of_range_are_refused(make, words):
    with pytest.raises(sh.PriorError, match=words):
        make()


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: sh.LKJ(), "needs 'eta'"),
        (lambda: sh.LKJ(concentration=2), "no keyword 'concentration'. Did you mean 'eta'"),
        (lambda: sh.LKJ(2, 3), "takes eta by its place"),
    ],
)
def test_other_arguments_are_refused_in_our_words(make, words):
    with pytest.raises(sh.StanhierError, match=words):
        make()


def test_it_reads_is_kept_and_is_written_to_stan_as_typed():
    prior = sh.LKJ(2)
    assert repr(prior) == "LKJ(2)"
    assert prior.stan == "lkj_corr_cholesky(2.0)"
    assert prior.is_proper
    assert from_dict(to_dict(prior)) == prior
    assert to_dict(prior) == {"prior": "LKJ", "eta": 2.0}


def test_it_is_no_prior_of_a_single_number():
    with pytest.raises(TypeError, match="prior of a matrix"):
        numbers([sh.LKJ(1)])
