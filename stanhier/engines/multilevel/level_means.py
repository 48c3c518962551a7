"""What the rows of a level say by themselves: own effects without pooling, and means of rows, seen and replicated.

All of it from sufficient statistics: Z'[Z others] of a group is R'[R B], and cross-products of other columns are those
of the stacked rows of all B, and of T.
"""

from dataclasses import replace

import numpy as np

from stanhier.engines.draws import Draws
from stanhier.engines.multilevel.effects import GroupDraws, conditional_moments, draw_effects
from stanhier.engines.multilevel.layout import dense_slices
from stanhier.engines.multilevel.pieces import CONSTANT
from stanhier.engines.multilevel.statistics import Statistics

__all__ = ["own_effects", "replicated_means"]

NEGLIGIBLE = 1e-9
"""What is left of a column in a level, relative to the whole, that tells nothing of its effect."""


def own_effects(statistics: Statistics, term: int, draws: Draws) -> np.ndarray:
    """Give the least-squares estimates of each level's effects from its own rows, all else at its posterior mean.

    Parameters
    ----------
    statistics : Statistics
    term : int
    draws : Draws

    Returns
    -------
    numpy.ndarray, shape (J, q)
        Not a number where the rows of a level do not tell its effects apart.
    """
    given = GroupDraws.of(draws, statistics)
    coefficients = np.append(given.coefficients.mean(axis=0), -1.0)
    if term == statistics.eliminated:
        return _solved(statistics.R, -(statistics.B @ coefficients))
    place = dense_slices(statistics.terms, statistics.eliminated)[term]
    coefficients[place] = 0.0
    mean = _mean_effects(statistics, given)
    group_rows = -(statistics.B @ coefficients) - np.einsum("jkl,jl->jk", statistics.R, mean)
    residuals = np.concatenate([group_rows.ravel(), -(statistics.T @ coefficients)])
    columns = np.vstack([statistics.B[:, :, place].reshape(-1, place.stop - place.start), statistics.T[:, place]])
    q = statistics.terms[term].q
    # Terms that are not eliminated have few levels.
    factors = np.stack(
        [
            np.linalg.qr(np.column_stack([columns[:, first : first + q], residuals]), mode="r")
            for first in range(0, columns.shape[1], q)
        ]
    )
    return _solved(factors[:, :q, :q], factors[:, :q, q])


def _mean_effects(statistics: Statistics, given: GroupDraws) -> np.ndarray:
    """Posterior means of the eliminated term's effects, shape (J, q), some groups at a time."""
    n_groups, q = statistics.n_groups, statistics.R.shape[1]
    step = max(1, (1 << 20) // (len(given.sigma) * q))
    means = np.empty((n_groups, q))
    for start in range(0, n_groups, step):
        groups = np.arange(start, min(start + step, n_groups))
        means[groups] = conditional_moments(statistics, groups, given)[0].mean(axis=0)
    return means


def _solved(factors: np.ndarray, right: np.ndarray) -> np.ndarray:
    """Solve triangular systems, shape (J, q, q) and (J, q); not a number where one is singular."""
    lengths = np.sqrt(np.square(factors).sum(axis=1))
    diagonal = np.abs(np.einsum("jkk->jk", factors))
    told = (diagonal > NEGLIGIBLE * lengths).all(axis=1)
    solution = np.full(right.shape, np.nan)
    solution[told] = np.linalg.solve(factors[told], right[told][:, :, None])[:, :, 0]
    return solution


def replicated_means(
    statistics: Statistics, term: int, draws: Draws, keep: np.ndarray, seed: int
) -> tuple[np.ndarray, np.ndarray]:
    """Give means of the rows of each level in replicated data, and those observed.

    The mean of a level's replicated rows is normal around the mean of their expectations, so no row is needed. Where
    standard errors are known, rows weigh by their precision.

    Parameters
    ----------
    statistics : Statistics
    term : int
        One whose effects have a constant.
    draws : Draws
    keep : numpy.ndarray of int, shape (n,)
        The draws to replicate.
    seed : int

    Returns
    -------
    replicated : numpy.ndarray, shape (n, J)
    observed : numpy.ndarray, shape (J,)
    """
    kept = replace(draws, values={name: draws.flat(name)[keep][None] for name in draws.values})
    chosen = GroupDraws.of(kept, statistics)
    effects = draw_effects(statistics, statistics.eliminated, np.arange(statistics.n_groups), kept)
    constant = statistics.terms[term].columns.index(CONSTANT)
    weights = statistics.level_weights[term]
    if term == statistics.eliminated:
        ones = statistics.R[:, :, constant]
        sums = np.einsum("jk,jkc->jc", ones, statistics.B)
        own = np.einsum("njl,jl->nj", effects, np.einsum("jk,jkl->jl", ones, statistics.R))
    else:
        place = dense_slices(statistics.terms, statistics.eliminated)[term]
        columns = slice(place.start + constant, place.stop, statistics.terms[term].q)
        sums = statistics.T[:, columns].T @ statistics.T + np.einsum(
            "jkl,jkc->lc", statistics.B[:, :, columns], statistics.B, optimize=True
        )
        fitted = np.einsum("jkl,njl->njk", statistics.R, effects)
        own = np.einsum("njk,jkc->nc", fitted, statistics.B[:, :, columns], optimize=True)
    expected = (own + chosen.coefficients @ sums[:, :-1].T) / weights
    noise = np.random.default_rng([seed, 0x6D]).standard_normal(expected.shape)
    replicated = expected + chosen.sigma[:, None] / np.sqrt(weights) * noise
    return statistics.origin[-1] + replicated, statistics.origin[-1] + sums[:, -1] / weights
