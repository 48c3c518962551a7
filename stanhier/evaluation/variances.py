"""How much responses vary, and by what: the population, each factor, and what is left.

References
----------
Nakagawa & Schielzeth (2013), doi:10.1111/j.2041-210x.2012.00261.x: R^2 of mixed models.
Johnson (2014), doi:10.1111/2041-210X.12225: where slopes vary, the variance of effects averaged over rows.
Nakagawa, Johnson & Schielzeth (2017), doi:10.1098/rsif.2017.0213: variances on the scale of links.
"""

from dataclasses import dataclass
from itertools import pairwise, permutations
from typing import Any

import numpy as np

from stanhier.basics.errors import DataError
from stanhier.basics.threads import in_threads, n_threads
from stanhier.design.columns import CONSTANT
from stanhier.design.moments import Moments, moments_of
from stanhier.design.new_rows import NewRows
from stanhier.engines.draws import Draws
from stanhier.engines.engine import BLOCK_VALUES
from stanhier.engines.regression import Regression
from stanhier.families.family import Family
from stanhier.posterior.row_draws import auxiliary_draws

__all__ = [
    "Latent",
    "effect_factors",
    "factor_variances",
    "latent_variances",
    "over_groups",
    "population_of",
    "row_auxiliary",
    "row_variances",
]

_NODES = 21
"""Of quadrature over the effects of groups: with a standard deviation of 3 log odds errors are below 0.001."""

_NARROW, _NODES_IF_NARROW = 0.5, 13
"""Up to this variance of the effects fewer nodes do: of probabilities errors are below 2e-8."""

_WORTH_THREADS = 1 << 16


@dataclass(frozen=True)
class Latent:
    """Variances on the scale of the linear predictor, draw by draw.

    Attributes
    ----------
    population : numpy.ndarray, shape (S,), or None
        Over the rows, of what they have without effects of groups; None where that was not asked for.
    factors : dict of numpy.ndarray, shape (S,)
        Of the effects of each factor, averaged over the rows.
    residual : numpy.ndarray, shape (S,)
        Of responses around the linear predictor.
    """

    population: np.ndarray | None
    factors: dict[str, np.ndarray]
    residual: np.ndarray


def effect_factors(model: Regression, draws: Draws) -> list[np.ndarray]:
    """Give for each grouping factor the lower triangular factors of the covariances of its effects, (S, q, q)."""
    found = []
    for term, grouping in enumerate(model.design.groupings):
        units = np.eye(grouping.n_effects)
        columns = [
            model.engine.new_effects(draws, term, np.broadcast_to(unit, (draws.n_draws, len(unit)))) for unit in units
        ]
        found.append(np.stack(columns, axis=-1))
    return found


def factor_variances(model: Regression, draws: Draws) -> dict[str, np.ndarray]:
    """Give the variance of the effects of each factor, averaged over the rows, each of shape (S,).

    Raises
    ------
    DataError
        If rows are not in memory, and what is known of them does not tell.
    """
    return {
        grouping.name: np.einsum("skl,km,sml->s", factor, _mean_products(model, term), factor)
        for term, (grouping, factor) in enumerate(
            zip(model.design.groupings, effect_factors(model, draws), strict=True)
        )
    }


def row_variances(rows: NewRows, part: np.ndarray, model: Regression, factors: list[np.ndarray]) -> np.ndarray:
    """Give the variance of what effects of groups add to the linear predictors of some rows, shape (S, n).

    Parameters
    ----------
    rows : NewRows
    part : numpy.ndarray of int, shape (n,)
    model : Regression
    factors : list of numpy.ndarray, shape (S, q, q)
        As `effect_factors` gives them; at least one.
    """
    total: Any = 0.0
    for grouping, factor in zip(model.design.groupings, factors, strict=True):
        Z = grouping.effect_matrix(rows.columns[part])
        for column in np.moveaxis(factor, -1, 0):
            total = total + np.square(column @ Z.T)
    return np.asarray(total)


def population_of(model: Regression, draws: Draws, rows: NewRows, part: np.ndarray) -> np.ndarray:
    """Give the linear predictors of some rows without effects of groups, offsets included, shape (S, n)."""
    eta = model.engine.linear(draws, rows.X[part])
    return eta if rows.offset is None else eta + rows.offset[part]


def row_auxiliary(model: Regression, draws: Draws, rows: NewRows, part: np.ndarray) -> dict[str, np.ndarray]:
    """Give auxiliary parameters that broadcast with linear predictors of some rows, shape (S, n)."""
    values = {name: one[:, None] for name, one in auxiliary_draws(model, draws).items()}
    if rows.row_noise is not None:
        values["sigma"] = values["sigma"] * rows.row_noise.take(part).relative_sds
    return values


def over_groups(
    family: Family, eta: np.ndarray, variance: np.ndarray, aux: dict[str, np.ndarray], trials: np.ndarray | None
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Average over new groups, whose effects add a normal number of this variance to each linear predictor.

    Parameters
    ----------
    family : Family
    eta, variance : numpy.ndarray, shape (S, n)
    aux : dict
    trials : numpy.ndarray, shape (n,), or None

    Returns
    -------
    mean, square, residual : numpy.ndarray, shape (S, n)
        Of the mean response its mean and its mean square; the mean of the variance around it.
    """
    narrow = eta.size > 0 and float(variance.max()) <= _NARROW
    nodes, weights = np.polynomial.hermite_e.hermegauss(_NODES_IF_NARROW if narrow else _NODES)
    weights = weights / weights.sum()
    found = np.zeros((3, *eta.shape))
    sd = np.broadcast_to(np.sqrt(variance), eta.shape)

    def average(part: slice) -> None:
        own = {name: one[:, part] if one.shape[1:] == eta.shape[1:] else one for name, one in aux.items()}
        own_trials = trials if trials is None else trials[part]
        for node, weight in zip(nodes, weights, strict=True):
            at = eta[:, part] + node * sd[:, part]
            mean = family.mean(at)
            for total, values in zip(found, (mean, np.square(mean), family.variance(at, own, own_trials)), strict=True):
                total[:, part] += weight * values

    n, parts = eta.shape[1], n_threads() if eta.size > _WORTH_THREADS else 1
    edges = np.linspace(0, n, parts + 1).astype(int)
    in_threads(average, [slice(int(a), int(b)) for a, b in pairwise(edges)])
    return found[0], found[1], found[2]


def latent_variances(model: Regression, draws: Draws, *, population: bool) -> Latent:
    """Give variances on the scale of the linear predictor.

    Parameters
    ----------
    model : Regression
    draws : Draws
    population : bool
        Whether that of the population is wanted, which takes the rows.

    Raises
    ------
    DataError
        If rows are needed and are not in memory.
    """
    factors = factor_variances(model, draws)
    moments, mean, spread = None, None, None
    counts = model.family.link == "log"
    if counts or (population and model.in_memory is not None):
        moments, mean = _over_rows(model, draws, counts=counts)
    if population:
        spread = _from_covariance(model, draws) if moments is None else moments.squares / max(moments.n - 1, 1)
    return Latent(spread, factors, _residual(model, draws, mean))


def _from_covariance(model: Regression, draws: Draws) -> np.ndarray:
    """Give the variance of the population's linear predictors, shape (S,), of rows that are not in memory.

    Raises
    ------
    DataError
        If it depends on more than the covariances of the predictors, or these are not known.
    """
    width, covariance = len(model.design.predictors), model.engine.predictor_covariance()
    if model.design.has_offset or covariance is None:
        what = "offsets" if model.design.has_offset else "rows that differ in their noise"
        raise DataError(
            f"The variance of linear predictors with {what} takes the rows, and these are not in memory; read as many "
            "as fit into a data frame, and make the model of them."
        )
    if not width:
        return np.zeros(draws.n_draws)
    at = model.engine.linear(draws, np.vstack([np.zeros(width), np.eye(width)]))
    slopes = at[:, 1:] - at[:, :1]
    return np.asarray(np.einsum("sk,kl,sl->s", slopes, covariance, slopes))


def _over_rows(model: Regression, draws: Draws, *, counts: bool) -> tuple[Moments, np.ndarray | None]:
    """Give the moments of linear predictors over the rows, one column a draw, and of counts the mean, shape (S,).

    That of counts is over new groups too: the mean of a lognormal number in each row.
    """
    rows, factors = _some_rows(model), effect_factors(model, draws)
    moments: Moments | None = None
    total = np.zeros(draws.n_draws)
    step = max(1, BLOCK_VALUES // draws.n_draws)
    for start in range(0, rows.n_rows, step):
        part = np.arange(start, min(start + step, rows.n_rows))
        eta = population_of(model, draws, rows, part)
        of_part = moments_of(eta.T)
        moments = of_part if moments is None else moments.merge(of_part)
        if counts:
            half = 0.5 * row_variances(rows, part, model, factors) if factors else 0.0
            with np.errstate(over="ignore"):
                total += np.exp(eta + half).sum(axis=1)
    assert moments is not None
    return moments, total / rows.n_rows if counts else None


def _some_rows(model: Regression) -> NewRows:
    """Give the rows; where they are not in memory and are all alike but for their groups, one of them."""
    design = model.design
    all_alike = not design.columns.n_columns and not design.has_offset
    if model.in_memory is None and all_alike:
        return NewRows(np.empty((1, 0)), 0, (), None, model.design.kinds.index[:1])
    return model.rows.as_new


def _residual(model: Regression, draws: Draws, mean: np.ndarray | None) -> np.ndarray:
    """Give the variance of responses around the linear predictor, shape (S,): the average over the rows."""
    aux = auxiliary_draws(model, draws)
    if model.noise.differs:
        if model.in_memory is None:
            raise DataError(
                "The variance of rows with standard errors or weights is averaged over them, and they are not in "
                "memory; read as many as fit into a data frame, and make the model of them."
            )
        noise = model.rows.row_noise
        assert noise is not None
        aux["sigma"] = aux["sigma"] * np.sqrt(np.square(noise.relative_sds).mean())
    return model.family.latent_variance(np.zeros(draws.n_draws) if mean is None else mean, aux)


def _mean_products(model: Regression, term: int) -> np.ndarray:
    """Average z z' over the rows, shape (q, q), z being what the effects of a factor are multiplied by."""
    design, grouping = model.in_memory, model.design.groupings[term]
    if design is not None:
        Z = design.effect_matrix(term)
        return np.asarray(Z.T @ Z / len(Z))
    moments, n = model.engine.moments, model.design.n_rows
    mean = np.array([1.0 if column == CONSTANT else moments.mean[column] for column in grouping.columns])
    sd = np.array([0.0 if column == CONSTANT else moments.sd[column] for column in grouping.columns])
    products = np.outer(mean, mean) + np.diag(np.square(sd)) * (n - 1) / n
    covariance = model.engine.predictor_covariance()
    starts = np.cumsum([0, *grouping.blocks])
    for a, b in (pair for first, last in pairwise(starts) for pair in permutations(range(first, last), 2)):
        i, j = grouping.columns[a], grouping.columns[b]
        if CONSTANT in (i, j):
            continue
        if covariance is None or max(i, j) >= len(covariance):
            raise DataError(
                f"Several slopes vary together by '{grouping.name}', and what is known of the rows, which are not in "
                "memory, does not tell how their columns vary together; read as many rows as fit into a data frame, "
                "and make the model of them."
            )
        products[a, b] += covariance[i, j] * (n - 1) / n
    return products
