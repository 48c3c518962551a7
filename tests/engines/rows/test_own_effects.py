"""What the rows of a group alone say of its effects: against closed forms and an optimiser."""

from types import SimpleNamespace

import numpy as np
import pytest
from scipy import optimize, special, stats

from stanhier.engines.rows.given_effects import GivenEffects
from stanhier.engines.rows.own_effects import own_effects
from stanhier.families.binary import Bernoulli, Binomial
from stanhier.families.known import FAMILIES

AUXILIARY = {"negative_binomial": {"shape": 1.7}, "student_t": {"sigma": 0.8, "nu": 3.0}}


def given_of(family, intercept=0.3, effects=()):
    """Population and other factors known; two draws, whose means they are."""
    aux = {name: value * np.array([0.5, 1.5]) for name, value in AUXILIARY.get(family.name, {}).items()}
    factors = tuple(np.ones((2, 1, 1)) for _ in range(1 + len(effects)))

    def drawn(term, levels):
        return np.stack([effects[term - 1][levels] + side for side in (-1, 1)])[..., None]

    return GivenEffects(family, intercept + np.array([[-0.2], [0.2]]), np.zeros(1), aux, factors, drawn)


def rows_of(y, codes, Z=None, trials=None, offset=None, others=()):
    y, ones = np.asarray(y, dtype=float), np.ones((len(y), 1))
    matrices = [ones if Z is None else Z, *(ones for _ in others)]
    return SimpleNamespace(
        y=y,
        X=np.zeros((len(y), 0)),
        offset=offset,
        trials=trials,
        groupings=[SimpleNamespace(codes=np.asarray(one)) for one in (codes, *others)],
        effect_matrix=lambda term: matrices[term],
    )


CODES = np.repeat([0, 1, 2], [4, 6, 5])


def test_log_odds_have_half_a_success_and_half_a_failure_more():
    y = np.array([0, 0, 0, 0, 1, 1, 1, 1, 1, 1, 0, 1, 1, 0, 0])
    found = own_effects(Bernoulli(), rows_of(y, CODES), given_of(Bernoulli()), 0)
    wins, n = np.bincount(CODES, y), np.bincount(CODES)
    np.testing.assert_allclose(found[:, 0], np.log((wins + 0.5) / (n - wins + 0.5)) - 0.3, atol=1e-5)


def test_log_means_have_half_a_count_more():
    y, exposure = np.array([0, 0, 0, 0, 9, 1, 4, 7, 3, 9, 1, 0, 0, 2, 0]), np.linspace(0.2, 2.0, 15)
    other, effects = np.arange(15) % 2, np.array([0.4, -0.7])
    rows = rows_of(y, CODES, offset=np.log(exposure), others=[other])
    found = own_effects(FAMILIES["poisson"], rows, given_of(FAMILIES["poisson"], effects=[effects]), 0)
    total = np.bincount(CODES, exposure * np.exp(0.3 + effects[other]))
    np.testing.assert_allclose(found[:, 0], np.log((np.bincount(CODES, y) + 0.5) / total), atol=1e-5)


FAMILY = {**FAMILIES, "probit": Bernoulli(link="probit"), "binomial probit": Binomial(link="probit")}
del FAMILY["gaussian"]


def responses(family, rng, eta):
    if family.name == "student_t":
        return eta + rng.standard_t(3, len(eta))
    mean = special.expit(eta) if family.link != "log" else np.exp(eta)
    return rng.poisson(mean) if family.link == "log" else rng.binomial(4 if family.takes_trials else 1, mean)


def expected_information(family, eta, aux):
    """Mean square of the score over all responses that there can be, by its derivative in differences."""
    if family.name == "student_t":
        return np.ones(len(eta))
    values = np.arange(5 if family.takes_trials else 2 if family.link != "log" else 4000)[:, None]
    trials = np.full(len(eta), 4.0)
    logs, ahead, behind = (family.log_density(values, eta + step, aux, trials) for step in (0, 1e-5, -1e-5))
    return (np.exp(logs) * ((ahead - behind) / 2e-5) ** 2).sum(axis=0)


@pytest.mark.parametrize("name", FAMILY)
@pytest.mark.parametrize("n_effects", [1, 2])
def test_estimates_maximise_likelihood_and_jeffreys_prior(name, n_effects):
    family, rng = FAMILY[name], np.random.default_rng(6)
    codes = np.repeat([0, 1, 2, 3], [12, 6, 9, 7])
    x = rng.normal(size=34)
    Z = np.column_stack([np.ones(34), x])[:, :n_effects]
    y = np.asarray(responses(family, rng, 0.3 + 0.8 * x), dtype=float)
    if family.is_discrete:
        y[codes == 1] = 0
    trials = np.full(34, 4.0)
    aux = AUXILIARY.get(family.name, {})
    found = own_effects(family, rows_of(y, codes, Z, trials), given_of(family), 0)
    for group in range(4):
        own = codes == group

        def negative(b, own=own):
            eta = 0.3 + Z[own] @ b
            information = Z[own].T @ (Z[own] * expected_information(family, eta, aux)[:, None])
            density = family.log_density(y[own], eta, aux, trials[own]).sum()
            return -density - (0.5 * np.linalg.slogdet(information)[1] if family.link != "identity" else 0.0)

        start = found[group] + 0.3
        best = optimize.minimize(negative, start, method="Nelder-Mead", options={"xatol": 1e-7, "fatol": 1e-11})
        np.testing.assert_allclose(found[group], best.x, atol=2e-4)


def test_rows_that_do_not_tell_a_slope_give_none():
    Z = np.column_stack([np.ones(15), np.where(CODES == 1, 2.0, np.arange(15))])
    y = np.arange(15) % 2
    found = own_effects(Bernoulli(), rows_of(y, CODES, Z), given_of(Bernoulli()), 0)
    assert np.isnan(found[1]).all()
    assert np.isfinite(found[[0, 2]]).all()


def test_a_response_far_out_moves_a_student_t_estimate_little():
    y = np.append(np.random.default_rng(1).normal(2, 0.5, 14), 400.0)
    found = own_effects(FAMILIES["student_t"], rows_of(y, np.zeros(15, dtype=int)), given_of(FAMILIES["student_t"]), 0)
    assert abs(found[0, 0] + 0.3 - np.median(y)) < 0.3


@pytest.mark.parametrize("name", FAMILY)
def test_information_is_the_mean_square_of_the_score(name):
    family, eta = FAMILY[name], np.linspace(-4, 4, 9)
    aux, trials = AUXILIARY.get(family.name, {}), np.full(9, 4.0)
    found = family.information(eta, aux, trials)
    if family.name == "student_t":
        y = stats.t.ppf((np.arange(200_000) + 0.5) / 200_000, aux["nu"])[:, None] * aux["sigma"]
        score, _ = family.slopes(y, np.zeros((1, 1)), aux)
        np.testing.assert_allclose(found, np.mean(score**2), rtol=1e-3)
        return
    np.testing.assert_allclose(found, expected_information(family, eta, aux), rtol=1e-5)
