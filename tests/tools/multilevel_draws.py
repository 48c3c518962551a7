"""Draws of a multilevel model's parameters made up at random, and what they say of effects, by the rows themselves."""

import numpy as np

from stanhier.engines.draws import Draws
from stanhier.engines.multilevel.layout import cor_slices, covariances, sd_slices
from stanhier.engines.multilevel.statistics import Statistics
from tests.tools.grouped_columns import Columns

__all__ = ["conditional", "made_up_draws", "population_mean"]


def made_up_draws(
    statistics: Statistics, *, chains: int = 2, draws: int = 3, seed: int = 1, cor: float | None = None
) -> Draws:
    """Give draws of everything; some standard deviation is 0 in the first."""
    rng = np.random.default_rng(seed)
    shape = (chains, draws)
    n_sd = sum(term.q for term in statistics.terms)
    n_cor = sum(term.n_correlations for term in statistics.terms)
    values = {
        "location": rng.standard_normal((*shape, statistics.n_location)),
        "sigma": rng.uniform(0.5, 2, shape),
        "sd": rng.uniform(0.2, 2, (*shape, n_sd)),
    }
    values["sd"][0, 0, -1] = 0.0
    if n_cor:
        # Within (-1/4, 1), so that those of up to five effects are possible together.
        values["cor"] = rng.uniform(-0.2, 0.2, (*shape, n_cor)) if cor is None else np.full((*shape, n_cor), cor)
    if statistics.n_dense:
        values["dense"] = rng.standard_normal((*shape, statistics.n_dense))
    return Draws(values, {}, seed=3, max_treedepth=10, cmdstan="2.39.0")


def covariance_of(draws: Draws, statistics: Statistics, term: int) -> np.ndarray:
    """Give the covariance matrices of a term's effects, shape (S, q, q)."""
    cor = draws.flat("cor") if "cor" in draws.values else np.empty((draws.n_draws, 0))
    terms = statistics.terms
    return covariances(draws.flat("sd")[:, sd_slices(terms)[term]], cor[:, cor_slices(terms)[term]], terms[term].blocks)


def population_mean(columns: Columns, statistics: Statistics, location: np.ndarray) -> np.ndarray:
    """Give the mean of the rows without effects, shape (N,), by one draw of the location."""
    slopes = location[int(statistics.has_intercept) :]
    mean = statistics.origin[-1] + (columns.X - statistics.origin[:-1]) @ slopes
    return mean + location[0] if statistics.has_intercept else mean


def conditional(columns: Columns, statistics: Statistics, draws: Draws, s: int) -> tuple[np.ndarray, np.ndarray]:
    """Give mean, (J q,), and covariance of all effects of the eliminated term given the rest, by Bayes' formula."""
    e = statistics.eliminated
    residual = columns.y - population_mean(columns, statistics, draws.flat("location")[s])
    first = 0
    for t, term in enumerate(columns.terms):
        if t != e:
            own = columns.indicators(term)
            residual = residual - own @ draws.flat("dense")[s, first : first + own.shape[1]]
            first += own.shape[1]
    Z = columns.indicators(columns.terms[e])
    prior = np.kron(np.eye(columns.terms[e].n_levels), covariance_of(draws, statistics, e)[s])
    noise = np.diag(draws.flat("sigma")[s] ** 2 / columns.roots**2)
    gain = np.linalg.solve(Z @ prior @ Z.T + noise, Z @ prior).T
    return gain @ residual, prior - gain @ Z @ prior
