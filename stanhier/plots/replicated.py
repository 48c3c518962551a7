"""Replicated data: rows that the posterior draws anew, and the means of their groups."""

from collections.abc import Sequence

import numpy as np

from stanhier.engines.regression import Regression
from stanhier.posterior.fitted import Fitted
from stanhier.posterior.row_draws import collect, predictive_draws

__all__ = ["replicated_means", "replicated_rows"]


def replicated_rows(fit: Fitted[Regression], keep: np.ndarray, seed: int, most: int) -> tuple[np.ndarray, np.ndarray]:
    """Give replicated responses, shape (draws, rows), and the observed ones; of more than `most` rows a random part."""
    design = fit.model.rows
    rows = np.arange(design.n_rows)
    if len(rows) > most:
        rows = np.sort(np.random.default_rng(0).choice(rows, most, replace=False))
    values = collect(
        fit.model, fit.draws, design.as_new.take(rows), kind="response", new_groups="error", seed=seed, keep=keep
    )
    return values, design.observed[rows]


def replicated_means(
    fit: Fitted[Regression], terms: Sequence[int], keep: np.ndarray, seed: int
) -> list[tuple[np.ndarray, np.ndarray]]:
    """Give means of the groups of each factor in replicated data, shape (len(keep), J), and observed, shape (J,).

    Of binomial responses they are proportions of all trials of a group. Known standard errors and weights count.
    """
    if fit.model.family.is_gaussian:
        return [_gaussian_means(fit, term, keep, seed) for term in terms]
    return _means_of_rows(fit, terms, keep, seed) if terms else []


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


def _means_of_rows(
    fit: Fitted[Regression], terms: Sequence[int], keep: np.ndarray, seed: int
) -> list[tuple[np.ndarray, np.ndarray]]:
    """Give the means of groups by drawing their rows, block by block and once for all factors."""
    design = fit.model.rows
    factors = [(design.groupings[term].codes, len(design.groupings[term].levels)) for term in terms]
    sums = [np.zeros((len(keep), size)) for _, size in factors]
    blocks = predictive_draws(
        fit.model, fit.draws, design.as_new, kind="response", new_groups="error", seed=seed, keep=keep
    )
    for part, values in blocks:
        for (codes, _), own in zip(factors, sums, strict=True):
            order = np.argsort(codes[part], kind="stable")
            groups, starts = np.unique(codes[part][order], return_index=True)
            own[:, groups] += np.add.reduceat(values[:, order], starts, axis=1)
    means = []
    for (codes, size), own in zip(factors, sums, strict=True):
        of_rows = np.bincount(codes, design.trials, size)
        means.append((own / of_rows, np.bincount(codes, design.observed, size) / of_rows))
    return means
