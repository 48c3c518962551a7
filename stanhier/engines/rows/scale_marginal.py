"""The posterior of scales and correlations of a term, or of a chain of nested ones, if the rows were Gaussian.

All else is at the reference point. The effects are integrated out in closed form; it serves to choose coordinates.
"""

from collections.abc import Callable, Sequence

import numpy as np

from stanhier.engines.multilevel.correlations import correlation_factors, lkj_weights, log_cosh
from stanhier.engines.multilevel.layout import TermShape
from stanhier.engines.multilevel.small_matrices import cholesky, forward
from stanhier.engines.rows.effect_coordinates import EffectCoordinates
from stanhier.engines.rows.scale_priors import log_density_of_logs
from stanhier.priors.numbers import PriorNumbers

__all__ = ["chain_density", "term_density"]

type Value = Callable[[np.ndarray], float]

_LEAST = 1e-200


def term_density(coordinates: EffectCoordinates, term: int, priors: PriorNumbers, eta: Sequence[float]) -> Value:
    """Give the log density of [logarithms of standard deviations, inverse hyperbolic tangents of partial correlations].

    Parameters
    ----------
    coordinates : EffectCoordinates
    term : int
    priors : PriorNumbers
        Of its standard deviations.
    eta : sequence of float
        LKJ priors of its blocks.
    """
    shape: TermShape = coordinates.terms[term]
    q = shape.q
    H = np.moveaxis(coordinates.info[term], 0, -1)
    c = np.ascontiguousarray(coordinates.pulled[term].T)
    weights = lkj_weights(shape.blocks, eta)

    def value(point: np.ndarray) -> float:
        Lambda = np.exp(point[:q])[:, None] * correlation_factors(point[None, q:], shape.blocks)[0]
        inner = np.einsum("lk,lmj->kmj", Lambda, np.einsum("lnj,nm->lmj", H, Lambda)) + np.eye(q)[:, :, None]
        with np.errstate(invalid="ignore", divide="ignore", over="ignore"):
            lower = cholesky(inner)
            explained = forward(lower, Lambda.T @ c)
            determinants = sum(float(np.log(lower[k, k]).sum()) for k in range(q))
            found = 0.5 * float((explained**2).sum()) - determinants
        if not np.isfinite(found):  # so far away that rounding leaves no positive definite matrix
            return -np.inf
        return found + log_density_of_logs(priors, point[:q]) + float(weights @ log_cosh(point[q:]))

    return value


def chain_density(coordinates: EffectCoordinates, unit: Sequence[int], priors: Sequence[PriorNumbers]) -> Value:
    """Give the log density of logarithms of the standard deviations of a chain, finest term first.

    Parameters
    ----------
    coordinates : EffectCoordinates
    unit : sequence of int
        The terms.
    priors : sequence of PriorNumbers
        Of their standard deviations.
    """
    chains = coordinates.chains

    def value(point: np.ndarray) -> float:
        found = 0.0
        H, c = coordinates.info[unit[0]][:, 0, 0], coordinates.pulled[unit[0]][:, 0]
        for k, t in enumerate(unit):
            grown = 1.0 + np.exp(2 * np.minimum(point[k], 300.0)) * H
            found += log_density_of_logs(priors[k], point[k : k + 1]) - 0.5 * float(np.log(grown).sum())
            # The effects are seen with a variance of 1 / H, what they vary around with one of 1 / H + sd^2.
            precision, seen = H / grown, c / np.maximum(H, _LEAST)
            if k + 1 == len(unit):
                return found - 0.5 * float((precision * seen**2).sum())
            parents, b_hat = chains.parents[t], coordinates.b_hat[unit[k + 1]][:, 0]
            seen = seen + b_hat[parents]
            # In a mean and squares around it: large ones do not cancel.
            precision_up = np.bincount(parents, precision, minlength=len(b_hat))
            pulled_up = np.bincount(parents, precision * seen, minlength=len(b_hat))
            around = seen - (pulled_up / np.maximum(precision_up, _LEAST))[parents]
            found -= 0.5 * float((precision * around**2).sum())
            H, c = precision_up, pulled_up
        return found

    return value
