"""Replicated data: rows that the posterior draws anew, and the means that groups would have, were they new.

References
----------
Gelman, Meng & Stern (1996), Statistica Sinica 6, 733-807: replications of the same groups, and of new ones. Marshall &
Spiegelhalter (2003), doi:10.1002/sim.1403: each group given the others; intervals from its own fitted effect, which has
seen its mean, would hold nearly all of these means. Vehtari, Gelman & Gabry (2017), doi:10.1007/s11222-016-9696-4.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from stanhier.basics.spacing import evenly
from stanhier.design.groupings import NewGroups
from stanhier.design.in_memory import lies_within
from stanhier.engines.regression import Regression
from stanhier.posterior.fitted import Fitted
from stanhier.posterior.row_draws import auxiliary_draws, row_draws
from stanhier.posterior.weights import LEAST_DRAWS, smoothed_weights

__all__ = ["NewMeans", "left_out_events", "means_of_new_groups", "replicated_rows"]

_MOST_WEIGHTED = 1_000

_DRAWS_WEIGHTED = 1_000
"""Draws of the fit, evenly spaced, that are weighted to leave rows out."""


def replicated_rows(fit: Fitted[Regression], keep: np.ndarray, seed: int, most: int) -> tuple[np.ndarray, np.ndarray]:
    """Give replicated responses, shape (draws, rows), and the observed ones; of more than `most` rows a random part."""
    design = fit.model.rows
    rows = _some_rows(design.n_rows, most)
    replicated = row_draws(
        fit.model, fit.draws, design.as_new.take(rows), kind="response", new_groups="error", seed=seed, keep=keep
    )
    return replicated.collected(), design.observed[rows]


def _some_rows(n_rows: int, most: int) -> np.ndarray:
    rows = np.arange(n_rows)
    return rows if n_rows <= most else np.sort(np.random.default_rng(0).choice(rows, most, replace=False))


def left_out_events(fit: Fitted[Regression], number: int, seed: int, most: int) -> tuple[np.ndarray, np.ndarray]:
    """Give replicated responses that are yes or no, shape (number, rows), and the observed ones.

    Each row is drawn with the probability that all other rows let expect: that of draws weighted as if it had been left
    out, each with the effects that were drawn with it. Fitted probabilities have seen the responses: those of groups
    lie between them and the population, so that events are more frequent than it seems where many are predicted, and
    less where few are. Draws of a row are stratified: their proportion of events is its probability, but for rounding.
    """
    design, model, total = fit.model.rows, fit.model, fit.draws.n_draws
    chosen = evenly(total, _DRAWS_WEIGHTED)
    rows = _some_rows(design.n_rows, most)
    observed, probability = design.observed[rows], np.empty(len(rows))
    auxiliary = auxiliary_draws(model, fit.draws, chosen)
    linear = row_draws(
        model, fit.draws, design.as_new.take(rows), kind="linear", new_groups="error", seed=seed, keep=chosen
    )
    for part, eta in linear.blocks():
        weights, _ = smoothed_weights(model.family.log_density(observed[part], eta, auxiliary, None))
        probability[part] = (weights * model.family.mean(eta)).sum(axis=0)
    rng, values = np.random.default_rng(seed), np.empty((number, len(rows)), dtype=np.int64)
    for column, own in enumerate(probability.tolist()):
        values[:, column] = rng.permutation(number) + rng.random() < number * own
    return values, observed


@dataclass(frozen=True)
class NewMeans:
    """Means of the rows of groups, were each a new group that the posterior has not seen.

    Attributes
    ----------
    means : numpy.ndarray, shape (R, J)
    weights : numpy.ndarray, shape (R, J), or None
        Of the draws for each group, so that its own rows are left out; None where all count alike.
    observed : numpy.ndarray, shape (J,)
    """

    means: np.ndarray
    weights: np.ndarray | None
    observed: np.ndarray

    def quantiles(self, probabilities: Sequence[float]) -> np.ndarray:
        """Give quantiles, shape (len(probabilities), J)."""
        if self.weights is None:
            return np.asarray(np.quantile(self.means, probabilities, axis=0))
        order = np.argsort(self.means, axis=0)
        values, weights = (np.take_along_axis(one, order, axis=0) for one in (self.means, self.weights))
        middle = np.cumsum(weights, axis=0) - weights / 2
        found = [np.interp(probabilities, at, own) for at, own in zip(middle.T, values.T, strict=True)]
        return np.asarray(found).T


def means_of_new_groups(fit: Fitted[Regression], term: int, keep: np.ndarray, seed: int) -> NewMeans:
    """Draw the means of the rows of each group of a factor given the other groups.

    Its effects come from their population; draws are weighted for its rows to be left out, as in `loo`, where rows are
    in memory and groups are so few that a single one matters. Of binomial responses means are proportions of all
    trials of a group. Known standard errors and weights count.
    """
    draw = _gaussian_means if fit.model.family.is_gaussian else _means_of_rows
    means, observed = draw(fit, term, keep, seed)
    return NewMeans(means, _weights_without(fit, term, keep), observed)


def _weights_without(fit: Fitted[Regression], term: int, keep: np.ndarray) -> np.ndarray | None:
    """Give weights of draws, shape (R, J), by which each group's rows are left out."""
    rows = fit.model.in_memory
    n_groups = len(fit.model.design.groupings[term].levels)
    if rows is None or n_groups > _MOST_WEIGHTED or len(keep) < LEAST_DRAWS:
        return None
    density, draws = np.empty((len(keep), n_groups)), fit.draws.only(keep)
    for part, left_out, _ in fit.model.engine.set_densities(rows, rows.groupings[term].codes, n_groups, draws):
        density[:, part] = left_out
    return smoothed_weights(density)[0]


def _gaussian_means(fit: Fitted[Regression], term: int, keep: np.ndarray, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Draw the means themselves, with offsets, which the engine's response is less."""
    model = fit.model
    replicated, observed = model.engine.replicated_means(fit.draws, term, keep, seed)
    rows = model.in_memory
    if rows is None or rows.subtracted is None:
        return replicated, observed
    codes, weights = rows.groupings[term].codes, np.ones(rows.n_rows) if rows.weights is None else rows.weights
    size = len(observed)
    added = np.bincount(codes, weights * rows.subtracted, size) / np.bincount(codes, weights, size)
    return replicated + added, observed + added


def _means_of_rows(fit: Fitted[Regression], term: int, keep: np.ndarray, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Give the means of groups by drawing their rows, block by block."""
    design = fit.model.rows
    codes, size = design.groupings[term].codes, len(design.groupings[term].levels)
    groups = tuple(
        NewGroups(len(one.levels) + one.codes.astype(np.int64), one.levels) if lies_within(one.codes, codes) else known
        for one, known in zip(design.groupings, design.as_new.groups, strict=True)
    )
    rows, sums = replace(design.as_new, groups=groups), np.zeros((len(keep), size))
    replicated = row_draws(fit.model, fit.draws, rows, kind="response", new_groups="sample", seed=seed, keep=keep)
    for part, values in replicated.blocks():
        order = np.argsort(codes[part], kind="stable")
        present, starts = np.unique(codes[part][order], return_index=True)
        sums[:, present] += np.add.reduceat(values[:, order], starts, axis=1)
    of_rows = np.bincount(codes, design.trials, size)
    return sums / of_rows, np.bincount(codes, design.observed, size) / of_rows
