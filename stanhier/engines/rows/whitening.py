"""Coordinates in which the posterior is round: of the location, of the effects, of scales and correlations.

References
----------
Gelman et al. (2013), Bayesian Data Analysis, section 13.3 (normal approximation at a marginal mode).
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from stanhier.engines.gaussian.scale_coordinates import SoftLogarithm, least_skewed
from stanhier.engines.multilevel.layout import TermShape
from stanhier.engines.multilevel.location_priors import LocationTerms, location_terms
from stanhier.engines.multilevel.mode import covariance_of, find_mode
from stanhier.engines.rows.chains import find_chains
from stanhier.engines.rows.differences import by_differences
from stanhier.engines.rows.effect_coordinates import EffectCoordinates, effect_coordinates
from stanhier.engines.rows.likelihood import WITH_SIGMA
from stanhier.engines.rows.places import Places, ScaleCoordinates
from stanhier.engines.rows.reference import Problem, Reference, find_reference
from stanhier.engines.rows.scale_marginal import Value, chain_density, term_density
from stanhier.engines.rows.scale_priors import part_of
from stanhier.priors.numbers import STUDENT_T

__all__ = ["Whitening", "whiten"]

_MOST_MOVED = 1.0
"""How far the mode of the Gaussian approximation may be from the reference point, in logarithms."""
_LARGEST_PARTIAL = 2.0


@dataclass(frozen=True)
class Whitening:
    """The reference point and the axes.

    Attributes
    ----------
    location_hat : numpy.ndarray, shape (P,)
    basis : numpy.ndarray, shape (P, P)
        location = location_hat + basis @ phi.
    scales : ScaleCoordinates
    effects : EffectCoordinates
    sigma : float or None
        The residual standard deviation of Gaussian responses where it is known.
    """

    location_hat: np.ndarray
    basis: np.ndarray
    scales: ScaleCoordinates
    effects: EffectCoordinates
    sigma: float | None

    def in_logarithms(self) -> "Whitening":
        """Give the coordinates in which the scales are logarithms to double precision: a mode depends on them."""
        return replace(self, scales=self.scales.in_logarithms())

    @cached_property
    def places(self) -> Places:
        """Where the coordinates of scales stand."""
        return self.scales.places


def whiten(problem: Problem, auxiliary: tuple[str, ...], eta: Sequence[float]) -> Whitening:
    """Find the reference point and the axes.

    Parameters
    ----------
    problem : Problem
    auxiliary : tuple of str
        Names of the auxiliary parameters that are estimated.
    eta : sequence of float
        LKJ priors of the blocks, term by term.

    Raises
    ------
    RankDeficientError
        If a direction of the location is determined neither by the rows nor by the priors.
    """
    reference = find_reference(problem)
    covariance = reference.system.location_covariance()
    # The axes follow from large to small variance of the columns as they are scaled.
    scale = np.sqrt(np.diag(covariance))
    basis = scale[:, None] * np.linalg.cholesky(covariance / scale[:, None] / scale) if len(scale) else covariance
    has_sigma = problem.cells.family in WITH_SIGMA and problem.sigma is None
    sigma_hat = float(reference.aux[0]) if has_sigma else 0.0
    chains = find_chains(problem.terms, problem.cells.codes, problem.cells.constants)
    effects = effect_coordinates(problem.terms, chains, reference, basis, sigma_hat)
    location = location_terms(problem.location, reference.location, basis)
    places = Places(problem.terms, auxiliary, len(location.nu))
    scales = _scale_coordinates(problem, places, reference, effects, location, eta)
    return Whitening(reference.location, basis, scales, effects, problem.sigma)


def _scale_coordinates(
    problem: Problem,
    places: Places,
    reference: Reference,
    effects: EffectCoordinates,
    location: LocationTerms,
    eta: Sequence[float],
) -> ScaleCoordinates:
    mode, covariance = np.zeros(places.size), np.eye(places.size)
    softness = np.ones(places.n_sds)
    ends = np.cumsum([len(term.blocks) for term in problem.terms])
    for unit in effects.chains.units:
        own = places.of_terms(unit)
        priors = [part_of(problem.scales, places.sds[t]) for t in unit]
        if len(unit) > 1:
            value = chain_density(effects, unit, priors)
        else:
            (t,) = unit
            value = term_density(effects, t, priors[0], eta[ends[t] - len(problem.terms[t].blocks) : ends[t]])
        start = np.concatenate([_start(problem.terms[t], reference.covariances[t]) for t in unit])
        found, curvature = find_mode(by_differences(value), start)
        found = np.clip(found, start - _MOST_MOVED, start + _MOST_MOVED)
        own_covariance = covariance_of(curvature)
        mode[own], covariance[np.ix_(own, own)] = found, own_covariance
        n_sds = sum(problem.terms[t].q for t in unit)
        softness[own[:n_sds]] = [_softness(value, found, own_covariance, k) for k in range(n_sds)]
    if places.auxiliary:
        part = places.of_auxiliary
        mode[part], covariance[part, part] = np.log(reference.aux), covariance_of(reference.aux_curvature)
    nu = location.nu
    squares = (location.residual**2 * location.precision)[problem.location.numbers.family == STUDENT_T]
    mode[places.of_lambda] = np.log((nu + 1) / (nu + squares))
    covariance[places.of_lambda, places.of_lambda] = np.diag(2.0 / (nu + 1))
    n_sds, soft = places.n_sds, SoftLogarithm(softness)
    u_hat, slopes = mode.copy(), np.ones(len(mode))
    u_hat[:n_sds], slopes[:n_sds] = soft.coordinate(mode[:n_sds]), soft.slope(mode[:n_sds])
    return ScaleCoordinates(places, softness, u_hat, slopes[:, None] * np.linalg.cholesky(covariance))


def _start(term: TermShape, covariance: np.ndarray) -> np.ndarray:
    """Give logarithms of standard deviations and inverse hyperbolic tangents of partial correlations."""
    sd = np.sqrt(np.diag(covariance))
    factor = np.linalg.cholesky(covariance / sd[:, None] / sd)
    partial, start = [], 0
    for size in term.blocks:
        own = factor[start : start + size, start : start + size]
        for i in range(size):
            left = 1.0
            for j in range(i):
                y = np.arctanh(np.clip(own[i, j] / left, -0.999, 0.999))
                partial.append(float(np.clip(y, -_LARGEST_PARTIAL, _LARGEST_PARTIAL)))
                left /= np.cosh(partial[-1])
        start += size
    return np.concatenate([np.log(sd), partial])


def _softness(value: Value, mode: np.ndarray, covariance: np.ndarray, k: int) -> float:
    """Choose the soft logarithm of one standard deviation; the other coordinates follow it as they do at the mode."""
    sd = float(np.sqrt(covariance[k, k]))
    along = covariance[:, k] / sd

    def negative_log(log_x: float) -> float:
        # Far from the mode a straight line leads nowhere.
        point = mode + np.clip((log_x - mode[k]) / sd, -2.0, 2.0) * along
        point[k] = log_x
        return -value(point)

    with np.errstate(invalid="ignore", divide="ignore", over="ignore"):  # all mass may lie at one of the points
        return float(least_skewed(negative_log, float(mode[k]), sd).softness)
