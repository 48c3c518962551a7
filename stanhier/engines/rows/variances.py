"""Covariances of effects and auxiliary parameters at a mode of all effects: the steps that alternate with Newton's.

References
----------
Breslow & Clayton (1993), doi:10.1080/01621459.1993.10594284 (penalised quasi-likelihood).
Wood & Fasiolo (2017), doi:10.1111/biom.12666 (generalised Fellner-Schall updates).
"""

import numpy as np

from stanhier.engines.multilevel.layout import TermShape, blocks_of
from stanhier.engines.multilevel.mode import LogDensity, find_mode
from stanhier.engines.rows.cells import Cells
from stanhier.engines.rows.differences import by_differences
from stanhier.engines.rows.likelihood import GAUSSIAN, STUDENT, log_density
from stanhier.engines.rows.scale_priors import log_density_of_logs, log_slopes
from stanhier.priors.numbers import PriorNumbers

__all__ = ["auxiliary_density", "next_auxiliary", "next_covariance"]

_LARGEST_CHANGE = 9.0
"""Of a variance in one step."""
_MOST_RELAXED = 0.5


def next_covariance(
    term: TermShape, covariance: np.ndarray, effects: np.ndarray, variances: np.ndarray, priors: PriorNumbers
) -> np.ndarray:
    """Take one step towards the mode of a term's covariance, shape (q, q).

    Parameters
    ----------
    term : TermShape
    covariance : numpy.ndarray, shape (q, q)
    effects : numpy.ndarray, shape (J, q)
        At their mode.
    variances : numpy.ndarray, shape (q, q)
        Sum over the levels of their covariance given the rows.
    priors : PriorNumbers
        Of the standard deviations.
    """
    slopes = log_slopes(priors, np.sqrt(np.diag(covariance)))
    more, less = np.maximum(slopes, 0.0), np.maximum(-slopes, 0.0)
    squares = effects.T @ effects
    found = np.zeros_like(covariance)
    for block in blocks_of(term.blocks):
        own = covariance[block, block]
        if len(own) == 1:
            # Effective degrees of freedom go down with the variance, so that the step is bold where EM's is timid.
            freedom = term.n_levels - variances[block, block] / own
            wanted = squares[block, block] / own + more[block]
            change = wanted / np.maximum(freedom + less[block], 1e-10)
            found[block, block] = own * np.clip(change, 1 / _LARGEST_CHANGE, _LARGEST_CHANGE)
        else:
            full = (squares + variances)[block, block]
            found[block, block] = _relaxed(own, full, term.n_levels, more[block], less[block])
    return found


def _relaxed(own: np.ndarray, full: np.ndarray, n_levels: int, more: np.ndarray, less: np.ndarray) -> np.ndarray:
    """Take an EM step, and half as far again."""
    sds = np.sqrt(np.diag(full) / n_levels)
    # What the prior of correlations adds, about two levels without any, keeps few levels from perfect ones.
    correlation = full / n_levels / sds[:, None] / sds * n_levels / (n_levels + 2.0)
    np.fill_diagonal(correlation, 1.0)
    variance = (np.diag(full) + np.diag(own) * more) / (n_levels + less)
    step = correlation * np.sqrt(variance)[:, None] * np.sqrt(variance)
    further = step + _MOST_RELAXED * (step - own)
    return np.asarray(further if np.linalg.eigvalsh(further)[0] > 0.1 * np.linalg.eigvalsh(step)[0] else step)


def auxiliary_density(cells: Cells, eta: np.ndarray, priors: PriorNumbers, freedom: float) -> LogDensity:
    """Give the log density of the logarithms of the auxiliary parameters given linear predictors.

    Parameters
    ----------
    cells : Cells
    eta : numpy.ndarray, shape (M,)
    priors : PriorNumbers
    freedom : float
        Degrees of freedom that effects and location take: sigma is estimated from what they leave.
    """
    squares = cells.n @ (cells.y - eta) ** 2 + cells.squares if cells.family == GAUSSIAN else 0.0

    def value(point: np.ndarray) -> float:
        aux = np.exp(np.clip(point, -300.0, 300.0))
        found = log_density_of_logs(priors, np.clip(point, -300.0, 300.0))
        if cells.family == GAUSSIAN:
            found -= (cells.n_rows - freedom) * point[0] + 0.5 * squares / aux[0] ** 2
        else:
            found += log_density(cells.family, eta, cells.y, cells.auxiliary(aux), cells.counted)
            if cells.family == STUDENT:
                found += freedom * float(point[0])
        return float(found)

    return by_differences(value)


def next_auxiliary(
    cells: Cells, eta: np.ndarray, priors: PriorNumbers, freedom: float, aux: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Give the auxiliary parameters at their mode given linear predictors, and the curvature in their logarithms."""
    limited = min(freedom, 0.9 * cells.n_rows)
    mode, curvature = find_mode(auxiliary_density(cells, eta, priors, limited), np.log(aux))
    return np.exp(mode), curvature
