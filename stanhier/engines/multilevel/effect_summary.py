"""Summaries of combinations of a group's effects, for any number of groups, without their draws."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np

from stanhier.basics.threads import in_threads, one_blas_thread
from stanhier.engines.draws import Draws
from stanhier.engines.engine import Above
from stanhier.engines.mixtures import MIXTURE_VALUES, linear_moments, summarise_mixtures
from stanhier.engines.multilevel.effects import GroupDraws, dense_effects, draw_effects, group_residuals
from stanhier.engines.multilevel.small_matrices import multiply, posterior_factors, squared
from stanhier.engines.multilevel.statistics import Statistics

__all__ = ["EffectsAbove", "summarise", "summarise_draws"]

MOST_STRATA = 512
"""With more strata among very many groups, moments too are over the part of the draws whose quantiles are sought."""
_ROWS = 1 << 16
_BLOCK_VALUES = 1 << 18


@dataclass(frozen=True)
class EffectsAbove:
    """Draws of what groups have for lying within those of other factors.

    Attributes
    ----------
    values : tuple of numpy.ndarray, shape (C, S, L)
        Of each of these factors, for the levels that groups lie in.
    levels : tuple of numpy.ndarray of int, shape (G,)
        Of each group the position of its own among these.
    """

    values: tuple[np.ndarray, ...]
    levels: tuple[np.ndarray, ...]

    @classmethod
    def of(cls, above: Sequence[Above], draw: Callable[[int, np.ndarray], np.ndarray]) -> Self:
        """Draw the effects with what gives those of levels of a factor, shape (S, L, Q)."""
        values, levels = [], []
        for one in above:
            present, own = np.unique(one.levels, return_inverse=True)
            values.append(np.moveaxis(draw(one.term, present) @ one.weights.T, 2, 0))
            levels.append(own)
        return cls(tuple(values), tuple(levels))

    def take(self, part: np.ndarray) -> "EffectsAbove":
        """Give some of the draws."""
        return EffectsAbove(tuple(one[:, part] for one in self.values), self.levels)

    def add_to(self, sums: np.ndarray, k: int, block: slice | np.ndarray) -> None:
        """Add those of the k-th of the C pairs to a block of groups, shape (S, g)."""
        for values, levels in zip(self.values, self.levels, strict=True):
            sums += values[k][:, levels[block]]


_NOTHING = EffectsAbove((), ())


def summarise(
    statistics: Statistics,
    term: int,
    groups: np.ndarray,
    draws: Draws,
    probabilities: Sequence[float],
    *,
    weights: np.ndarray,
    offsets: np.ndarray,
    above: Sequence[Above] = (),
) -> np.ndarray:
    """Summarise offset + a'b_j of levels of a term, for each of C pairs of an offset and a, and what is above them.

    Parameters
    ----------
    statistics : Statistics
    term : int
    groups : numpy.ndarray of int, shape (G,)
        Positions of its levels.
    draws : Draws
    probabilities : sequence of float, length P
    weights : numpy.ndarray, shape (C, q)
        a: a column of the identity matrix for an effect by itself, values of the columns for a group's mean there.
    offsets : numpy.ndarray, shape (C, S)
        What is added in each draw: the mean of the population for a group's mean.
    above : sequence of Above
        Other factors whose effects are added too.

    Returns
    -------
    numpy.ndarray, shape (C, 2 + P, G)
        Mean, standard deviation, quantiles. They are the mixture's over all draws of its normal distributions given the
        other parameters, or those of the draws where these are what was sampled.
    """
    whole = EffectsAbove.of(above, lambda other, levels: draw_effects(statistics, other, levels, draws))
    if term != statistics.eliminated:
        effects = dense_effects(draws, statistics.terms, statistics.eliminated, term)[:, groups]
        return summarise_draws(effects, probabilities, weights=weights, offsets=offsets, added=whole)
    given = GroupDraws.of(draws, statistics)
    strata = np.unique(statistics.strata.stratum[groups])
    moments = None
    if len(groups) * draws.n_draws > MIXTURE_VALUES and len(strata) <= MOST_STRATA and not above:
        with one_blas_thread():
            moments = _moments(statistics, groups, given, weights, offsets)

    def components(part: np.ndarray) -> Callable[[slice | np.ndarray], tuple[np.ndarray, np.ndarray]]:
        some, added, others = given.take(part), offsets[:, part], whole.take(part)

        def of_block(block: slice | np.ndarray) -> tuple[np.ndarray, np.ndarray]:
            means, sds = _components(statistics, groups[block], some, weights, added)
            for k, own in enumerate(means):
                others.add_to(own.T, k, block)
            return means, sds

        return of_block

    return summarise_mixtures(components, len(groups), draws.n_draws, probabilities, moments)


def summarise_draws(
    effects: np.ndarray,
    probabilities: Sequence[float],
    *,
    weights: np.ndarray,
    offsets: np.ndarray,
    added: EffectsAbove = _NOTHING,
) -> np.ndarray:
    """Summarise combinations of draws of effects, shape (S, G, q), as `summarise` does."""
    n_groups = effects.shape[1]
    found = np.empty((len(weights), 2 + len(probabilities), n_groups))
    step = max(1, _BLOCK_VALUES // len(effects))

    def summary(start: int) -> None:
        block = slice(start, start + step)
        for k, (own, a, offset) in enumerate(zip(found, weights, offsets, strict=True)):
            sums = effects[:, block] @ a + offset[:, None]
            added.add_to(sums, k, block)
            values = np.ascontiguousarray(sums.T)
            own[0, block], own[1, block] = values.mean(axis=1), values.std(axis=1)
            own[2:, block] = np.quantile(values, probabilities, axis=1)

    in_threads(summary, range(0, n_groups, step))
    return found


def _components(
    statistics: Statistics, groups: np.ndarray, given: GroupDraws, weights: np.ndarray, offsets: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Means and standard deviations of groups given draws, each (C, G, S)."""
    present, stratum = np.unique(statistics.strata.stratum[groups], return_inverse=True)
    P = _posterior(statistics.strata.R[present], given)
    residuals = group_residuals(statistics, groups, given.coefficients)
    means, sds = np.empty((2, len(weights), len(groups), len(given.sigma)))
    for k, (a, offset) in enumerate(zip(weights, offsets, strict=True)):
        factors, variance = _factors(statistics.strata.R[present], P, given, a)
        means[k] = offset
        for factor, residual in zip(factors, residuals, strict=True):
            means[k] += factor[stratum] * residual
        sds[k] = np.sqrt(variance)[stratum]
    return means, sds


def _posterior(R: np.ndarray, given: GroupDraws) -> np.ndarray:
    """Covariances of the effects of groups with these factors, in units of sigma^2, shape (q, q, H, S)."""
    R = np.moveaxis(R, 0, -1)
    cross = np.einsum("kih,kjh->ijh", R, R)
    return squared(posterior_factors(cross[..., None], given.relative_factors[:, :, None, :]))


def _factors(R: np.ndarray, P: np.ndarray, given: GroupDraws, a: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Give what e_j is multiplied by, R P a, shape (q, H, S), and the variance sigma^2 a'Pa, (H, S)."""
    along = multiply(P, a[:, None, None])
    variance = multiply(along[None], a[:, None, None])[0] * given.sigma**2
    return multiply(np.moveaxis(R, 0, -1)[..., None], along), np.maximum(variance, 0.0)


def _moments(
    statistics: Statistics, groups: np.ndarray, given: GroupDraws, weights: np.ndarray, offsets: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Exact mean and standard deviation of each mixture, shape (C, G).

    Within a stratum the conditional mean is linear in [1, B_j], with coefficients that the groups share, so that the
    draws are gone through once per stratum.
    """
    mean, variance = np.empty((2, len(weights), len(groups)))
    stratum = statistics.strata.stratum[groups]
    order = np.argsort(stratum, kind="stable")
    starts = np.flatnonzero(np.diff(stratum[order], prepend=-1))
    signed = np.column_stack([-given.coefficients, np.ones(len(given.sigma))])
    for start, end in zip(starts, [*starts[1:], len(order)], strict=True):
        h = stratum[order[start]]
        R = statistics.strata.R[h : h + 1]
        P = _posterior(R, given)
        for k, (a, offset) in enumerate(zip(weights, offsets, strict=True)):
            factors, own = _factors(R, P, given, a)
            coefficients = np.hstack([offset[:, None], *(factor.T * signed for factor in factors)])
            for first in range(start, end, _ROWS):
                members = order[first : min(first + _ROWS, end)]
                rows = statistics.B[groups[members]].reshape(len(members), -1)
                features = np.column_stack([np.ones(len(members)), rows])
                mean[k, members], variance[k, members] = linear_moments(features, coefficients)
            variance[k, order[start:end]] += own.mean()
    return mean, np.sqrt(variance)
