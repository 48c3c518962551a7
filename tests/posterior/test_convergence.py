"""R-hat, effective sample sizes and E-BFMI beside ArviZ's own."""

import warnings

import numpy as np
import pytest
from arviz_stats.base import array_stats

from stanhier.posterior.convergence import bfmi, convergence


def of_arviz(values):
    """The same one by one, without what ArviZ says of draws that do not vary."""
    axes = {"chain_axis": 1, "draw_axis": 2}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)
        r_hat = array_stats.rhat(values, **axes)
        sizes = [array_stats.ess(values, **axes, method="bulk")]
        sizes.append(array_stats.ess(values, **axes, method="tail", prob=(0.05, 0.95)))
    return np.column_stack([r_hat, *sizes])


def autoregressive(values, coefficient):
    """Draws that follow from those before them; with a negative coefficient they alternate."""
    made = values.copy()
    for t in range(1, values.shape[2]):
        made[:, :, t] += coefficient * made[:, :, t - 1]
    return made


KINDS = {
    "independent": lambda values: values,
    "slow": lambda values: autoregressive(values, 0.95),
    "alternating": lambda values: autoregressive(values, -0.8),
    "a walk": lambda values: np.cumsum(values, axis=2),
    "with ties": lambda values: np.round(values, 1),
    "zeros and ones": lambda values: (values > 1).astype(float),
    "with infinite ones": lambda values: np.where(values > 1.5, np.inf, values),
    "chains apart": lambda values: values + np.arange(values.shape[1])[:, None],
    "one that is stuck": lambda values: np.where(np.arange(3)[:, None, None] == 1, 0.25, values),
    "one with a nan": lambda values: np.where((np.arange(3)[:, None, None] == 2) & (values > 1), np.nan, values),
}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("chains", [1, 2, 4])
def test_numbers_are_those_of_arviz(kind, chains):
    rng = np.random.default_rng(7)
    for n_draws in (4, 5, 6, 7, 8, 9, 30, 101, 400):
        values = KINDS[kind](rng.normal(size=(3, chains, n_draws)))
        np.testing.assert_allclose(convergence(values), of_arviz(values), rtol=1e-12, err_msg=f"{n_draws} draws")


def test_nothing_is_known_of_few_draws():
    assert np.isnan(convergence(np.ones((2, 4, 3)))).all()
    assert convergence(np.ones((0, 4, 10))).shape == (0, 3)


def test_independent_draws_count_all():
    values = np.random.default_rng(3).normal(size=(50, 4, 1000))
    r_hat, bulk, tail = convergence(values).mean(axis=0)
    assert r_hat == pytest.approx(1, abs=0.002)
    assert bulk == pytest.approx(4000, rel=0.05)
    assert tail == pytest.approx(4000, rel=0.05)


def test_an_autoregression_has_the_size_that_theory_gives():
    """Of an AR(1) process with coefficient 1/2 the variance of the mean is (1 + 1/2) / (1 - 1/2) = 3 times as large."""
    values = autoregressive(np.random.default_rng(4).normal(size=(50, 4, 2000)), 0.5)
    assert convergence(values)[:, 1].mean() == pytest.approx(8000 / 3, rel=0.05)


def test_missing_information_is_that_of_arviz():
    energy = np.cumsum(np.random.default_rng(5).normal(size=(4, 200)), axis=1)
    np.testing.assert_allclose(bfmi(energy), array_stats.bfmi(energy, chain_axis=0, draw_axis=1), rtol=1e-13)
