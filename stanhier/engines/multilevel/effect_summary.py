"""Summaries of combinations of a group's effects, for any number of groups, without their draws."""

import numpy as np
import pandas as pd

from stanhier.basics.threads import one_blas_thread
from stanhier.engines.draws import Draws
from stanhier.engines.mixtures import MIXTURE_VALUES, linear_moments, summarise_mixtures
from stanhier.engines.multilevel.effects import GroupDraws, dense_effects, group_residuals
from stanhier.engines.multilevel.small_matrices import multiply, posterior_factors, squared
from stanhier.engines.multilevel.statistics import Statistics

__all__ = ["summarise", "summarise_draws"]

MOST_STRATA = 512
"""With more strata among very many groups, moments too are over the part of the draws whose quantiles are sought."""
_ROWS = 1 << 16


def summarise(
    statistics: Statistics,
    term: int,
    groups: np.ndarray,
    draws: Draws,
    prob: float,
    *,
    combination: np.ndarray,
    offset: np.ndarray | None = None,
) -> pd.DataFrame:
    """Summarise offset + a'b_j of levels of a term.

    Parameters
    ----------
    statistics : Statistics
    term : int
    groups : numpy.ndarray of int, shape (G,)
        Positions of its levels.
    draws : Draws
    prob : float
        Probability of the central interval.
    combination : numpy.ndarray, shape (q,)
        a: a column of the identity matrix for an effect by itself, values of the columns for a group's mean there.
    offset : numpy.ndarray, shape (S,), optional
        What is added in each draw: the mean of the population for a group's mean; 0 where not given.

    Returns
    -------
    pandas.DataFrame
        Columns mean, sd, lower, median, upper; one row per group. They are the mixture's over all draws of its normal
        distributions given the other parameters, or those of the draws where these are what was sampled.
    """
    shift = np.zeros(draws.n_draws) if offset is None else offset
    if term != statistics.eliminated:
        effects = dense_effects(draws, statistics.terms, statistics.eliminated, term)[:, groups]
        return summarise_draws(effects @ combination + shift[:, None], prob)
    given = GroupDraws.of(draws, statistics)
    strata = np.unique(statistics.strata.stratum[groups])
    moments = None
    if len(groups) * draws.n_draws > MIXTURE_VALUES and len(strata) <= MOST_STRATA:
        with one_blas_thread():
            moments = _moments(statistics, groups, given, combination, shift)

    def components(block: slice, part: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        return _components(statistics, groups[block], given.take(part), combination, shift[part])

    return summarise_mixtures(components, len(groups), draws.n_draws, prob, moments)


def summarise_draws(values: np.ndarray, prob: float) -> pd.DataFrame:
    """Summarise draws of shape (S, G), as `summarise` does."""
    lower, median, upper = np.quantile(values, [(1 - prob) / 2, 0.5, (1 + prob) / 2], axis=0)
    mean, sd = values.mean(axis=0), values.std(axis=0)
    return pd.DataFrame({"mean": mean, "sd": sd, "lower": lower, "median": median, "upper": upper})


def _components(
    statistics: Statistics, groups: np.ndarray, given: GroupDraws, combination: np.ndarray, shift: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Means and standard deviations of groups given draws, shape (S, G)."""
    present, stratum = np.unique(statistics.strata.stratum[groups], return_inverse=True)
    weights, variance = _weights(statistics.strata.R[present], given, combination)
    residuals = group_residuals(statistics, groups, given.coefficients)
    means = np.tile(shift, (len(groups), 1))
    for weight, residual in zip(weights, residuals, strict=True):
        residual *= weight[stratum]
        means += residual
    return means.T, np.sqrt(variance)[stratum].T


def _weights(R: np.ndarray, given: GroupDraws, combination: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Give what e_j is multiplied by, R P a, shape (q, H, S), and the variance sigma^2 a'Pa, (H, S)."""
    R = np.moveaxis(R, 0, -1)
    cross = np.einsum("kih,kjh->ijh", R, R)
    P = squared(posterior_factors(cross[..., None], given.relative_factors[:, :, None, :]))
    along = multiply(P, combination[:, None, None])
    variance = multiply(along[None], combination[:, None, None])[0] * given.sigma**2
    return multiply(R[..., None], along), np.maximum(variance, 0.0)


def _moments(
    statistics: Statistics, groups: np.ndarray, given: GroupDraws, combination: np.ndarray, shift: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Exact mean and standard deviation of each mixture, shape (G,).

    Within a stratum the conditional mean is linear in [1, B_j], with coefficients that the groups share, so that the
    draws are gone through once per stratum.
    """
    mean, variance = np.empty(len(groups)), np.empty(len(groups))
    stratum = statistics.strata.stratum[groups]
    order = np.argsort(stratum, kind="stable")
    starts = np.flatnonzero(np.diff(stratum[order], prepend=-1))
    signed = np.column_stack([-given.coefficients, np.ones(len(shift))])
    for start, end in zip(starts, [*starts[1:], len(order)], strict=True):
        h = stratum[order[start]]
        weights, own = _weights(statistics.strata.R[h : h + 1], given, combination)
        coefficients = np.hstack([shift[:, None], *(weight.T * signed for weight in weights)])
        for first in range(start, end, _ROWS):
            members = order[first : min(first + _ROWS, end)]
            rows = statistics.B[groups[members]].reshape(len(members), -1)
            features = np.column_stack([np.ones(len(members)), rows])
            mean[members], variance[members] = linear_moments(features, coefficients)
        variance[order[start:end]] += own.mean()
    return mean, np.sqrt(variance)
