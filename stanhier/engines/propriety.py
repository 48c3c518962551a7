"""Flat priors on standard deviations that too few groups tell anything about: posteriors that are no distributions.

As a standard deviation grows, the density of the data falls as one over its power r, the number of independent
contrasts of that effect among the groups which flat location parameters cannot take up: three groups with a flat
intercept have two. The integral over the standard deviation is finite from r = 2 on.

References
----------
Gelman (2006), Prior distributions for variance parameters in hierarchical models, doi:10.1214/06-BA117A (three groups).
Sun, Tsutakawa & He (2001), Propriety of posteriors with improper priors in hierarchical linear mixed models, Statistica
Sinica 11, 77-95 (ranks).
"""

from typing import Any

import numpy as np

from stanhier.basics.errors import PriorError
from stanhier.basics.words import listed
from stanhier.design.columns import CONSTANT
from stanhier.design.design import Design
from stanhier.design.in_memory import InMemoryDesign
from stanhier.engines.chosen_priors import ChosenPriors
from stanhier.engines.gaussian.compression import Compressed
from stanhier.engines.multilevel.layout import dense_slices
from stanhier.engines.multilevel.statistics import Statistics
from stanhier.engines.parameters import Role
from stanhier.engines.triangular import triangular_factor
from stanhier.priors.distributions import Flat

__all__ = ["refuse_untold_sds"]

_LEAST = 2
"""Contrasts among groups that a flat prior on a standard deviation takes."""
_NOTHING_LEFT = 1e-9
"""Of a column of length 1, when the effects are taken away."""


def refuse_untold_sds(design: Design, chosen: ChosenPriors, reduced: Any = None) -> None:
    """Refuse flat priors on standard deviations of effects which flat location parameters can stand for.

    Parameters
    ----------
    design : Design
    chosen : ChosenPriors
    reduced : Compressed, Statistics or SummedRows, optional
        What was made of the rows, where these are not in memory.

    Raises
    ------
    PriorError
        With the standard deviation, and the parameters that take up its groups.
    """
    flat = [k for k, prior in enumerate(chosen.location) if not prior.is_proper]
    names = [name for parameter in chosen.parameters.location for name in parameter.scalar_names]
    for parameter in chosen.parameters.all_of(Role.GROUP_SD):
        term = parameter.term or 0
        priors = zip(parameter.scalar_names, chosen.by_name[parameter.name], strict=True)
        for effect, (name, prior) in enumerate(priors):
            if not isinstance(prior, Flat):
                continue
            n_groups, location, left = _contrasts(design, chosen, reduced, term, effect)
            taken, who = _taken_up(location[:, flat], left[:, flat]) if flat else (0, np.zeros(0, dtype=int))
            if n_groups - taken >= _LEAST:
                continue
            which = listed([names[flat[k]] for k in who], 5)
            by_flat = f"flat priors on {which} take up {taken}, and " if taken else ""
            raise PriorError(
                f"A flat prior on {name} gives an improper posterior: of the {n_groups} groups of "
                f"'{design.groupings[term].name}' that tell of it {by_flat}{_LEAST} must be left. Give proper priors, "
                "such as HalfNormal of the standard deviation or Normal of intercept and slopes."
            )


def _taken_up(location: np.ndarray, left: np.ndarray) -> tuple[int, np.ndarray]:
    """Count the groups that columns of the location take up, and find which of these columns do."""
    size = np.linalg.norm(location, axis=0)
    size[size == 0] = 1.0
    nothing_left = _null_space(left / size)
    taken = len(nothing_left) - len(_null_space(location / size))
    return taken, np.flatnonzero(np.abs(nothing_left).max(axis=0, initial=0.0) > 1e-6)


def _contrasts(
    design: Design, chosen: ChosenPriors, reduced: Any, term: int, effect: int
) -> tuple[int, np.ndarray, np.ndarray]:
    """Give in how many groups an effect is seen, and rows of the location's columns without and with it taken away.

    The rows, shape (n, P), are any that have the rank of all.
    """
    column, in_memory = design.groupings[term].columns[effect], isinstance(design, InMemoryDesign)
    if isinstance(reduced, Statistics) and not in_memory:
        return _of_statistics(reduced, chosen, term, effect)
    if isinstance(reduced, Compressed) and not in_memory:
        means, within, mean = reduced.means[:, :-1], reduced.within[:, :-1], reduced.origin[:-1]
        constant = z = np.repeat([1.0, 0.0], [len(means), len(within)])
        X, codes = np.vstack([means, within]), np.append(np.arange(len(means)), np.zeros(len(within), dtype=int))
    else:
        matrix, codes = _rows_of(design, reduced, term)
        X = matrix[:, : len(design.predictors)]
        constant, mean = np.ones(len(X)), X.mean(axis=0)
        z, X = constant if column == CONSTANT else matrix[:, column], X - mean
    return _taken_away(z, codes, _as_prior_has_it(chosen, constant, X, mean))


def _rows_of(design: Design, reduced: Any, term: int) -> tuple[np.ndarray, np.ndarray]:
    """Give all columns of rows, and in which level of a factor they are."""
    if isinstance(design, InMemoryDesign):
        return design.matrix, design.groupings[term].codes
    return reduced.sums.columns, reduced.sums.codes[term]


def _as_prior_has_it(chosen: ChosenPriors, constant: np.ndarray, X: np.ndarray, mean: np.ndarray) -> np.ndarray:
    """Give the columns of the location, of X relative to a mean, as far from 0 as the intercept's prior holds."""
    intercept, at_zero = chosen.intercept, X + constant[:, None] * mean
    if intercept is None:
        return np.asarray(at_zero)
    at_mean = intercept.centered or not intercept.is_proper  # which with a flat prior is all one
    return np.column_stack([constant, X if at_mean else at_zero])


def _of_statistics(
    statistics: Statistics, chosen: ChosenPriors, term: int, effect: int
) -> tuple[int, np.ndarray, np.ndarray]:
    """Give what `_contrasts` does, of reduced rows."""
    n_dense, q = statistics.n_dense, statistics.terms[term].q
    groups, rest = statistics.B, statistics.T[:, :-1]
    rows = np.vstack([groups[:, :, :-1].reshape(-1, rest.shape[1]), rest])
    if statistics.has_intercept:
        location = _as_prior_has_it(chosen, rows[:, n_dense], rows[:, n_dense + 1 :], statistics.origin[:-1])
    else:
        location = rows[:, n_dense:]
    if term == statistics.eliminated:
        z = np.append(statistics.R[:, :, effect].ravel(), np.zeros(len(rest)))
        codes = np.append(np.repeat(np.arange(len(groups)), groups.shape[1]), np.zeros(len(rest), dtype=int))
        return _taken_away(z, codes, location)
    effects = rows[:, dense_slices(statistics.terms, statistics.eliminated)[term]][:, effect::q]
    seen = effects[:, np.linalg.norm(effects, axis=0) > 0]
    return seen.shape[1], location, location - seen @ np.linalg.lstsq(seen, location, rcond=None)[0]


def _taken_away(z: np.ndarray, codes: np.ndarray, location: np.ndarray) -> tuple[int, np.ndarray, np.ndarray]:
    """Take away what a column that each group multiplies by a number of its own can stand for."""
    square = np.bincount(codes, weights=z * z)
    share = np.divide(1.0, square, out=np.zeros_like(square), where=square > 0)
    sums = np.column_stack([np.bincount(codes, weights=z * one) for one in location.T])
    return int((square > 0).sum()), location, location - z[:, None] * (share[:, None] * sums)[codes]


def _null_space(rows: np.ndarray) -> np.ndarray:
    """Give directions, shape (d, P), in which there is nothing of columns of length 1 at most."""
    _, values, vectors = np.linalg.svd(triangular_factor([rows], rows.shape[1]))
    return np.asarray(vectors[values <= _NOTHING_LEFT])
