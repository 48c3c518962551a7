"""The point around which coordinates are chosen: the joint mode of effects and location, and scales that go with it.

Newton's steps for location and effects alternate with steps for the covariances of effects and the auxiliary
parameters. What is sampled does not depend on the point; how fast it is does.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from stanhier.engines.gaussian.marginal import LocationPriors, refuse_undetermined
from stanhier.engines.multilevel.layout import TermShape, dense_terms, eliminated_term, sd_slices
from stanhier.engines.rows.cells import Cells
from stanhier.engines.rows.dense_system import DenseSystem
from stanhier.engines.rows.information import EffectColumns, Information
from stanhier.engines.rows.iterative_system import IterativeSystem
from stanhier.engines.rows.likelihood import (
    GAUSSIAN,
    NEGATIVE_BINOMIAL,
    STUDENT,
    WITH_SIGMA,
    Derivatives,
    derivatives,
    first_guess,
)
from stanhier.engines.rows.scale_priors import part_of
from stanhier.engines.rows.steps import first_size
from stanhier.engines.rows.variances import next_auxiliary, next_covariance
from stanhier.priors.numbers import PriorNumbers

__all__ = ["MOST_DENSE", "ExactFitError", "Problem", "Reference", "find_reference"]

type System = DenseSystem | IterativeSystem

MOST_DENSE = 2000
"""Effects of all terms but the largest that equations are solved for densely."""
MOST_STEPS = 40
LAST_STEPS = 20
CLOSE = 0.01
"""Relative change of scales between steps with which they are good enough."""
LARGEST_RATIO = 1e8
"""Of auxiliary parameters to where they start, at most."""
EXACT = 1e-7
"""Sigma relative to where it starts with which a response is reproduced exactly."""
LEAST_RELATIVE_SD = 1e-3
"""Standard deviations are kept from going to 0, relative to where they start: there all coordinates are alike."""


class ExactFitError(Exception):
    """Location and effects reproduce Gaussian responses exactly, or Student t responses in many rows."""


@dataclass(frozen=True)
class Problem:
    """What the point is sought for.

    Attributes
    ----------
    cells : Cells
    terms : tuple of TermShape
    location : LocationPriors
    scales : PriorNumbers
        Of the standard deviations, term by term, then of the auxiliary parameters that are estimated.
    sigma : float or None
        The residual standard deviation of Gaussian responses where it is known.
    """

    cells: Cells
    terms: tuple[TermShape, ...]
    location: LocationPriors
    scales: PriorNumbers
    sigma: float | None

    @property
    def n_sds(self) -> int:
        """Q."""
        return sum(term.q for term in self.terms)

    @property
    def of_auxiliary(self) -> PriorNumbers:
        """Priors of the auxiliary parameters."""
        return part_of(self.scales, slice(self.n_sds, None))

    def derivatives(self, eta: np.ndarray, aux: np.ndarray) -> Derivatives:
        """Give those of the log likelihood by the linear predictor."""
        return derivatives(self.cells.family, eta, self.cells.y, self.cells.n, self.cells.auxiliary(aux))

    def location_precision(self, location: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Give precision and mean of the normal prior that touches the location's at a point."""
        priors = self.location
        theta = priors.offset + priors.without_offset(location[:, None])[:, 0]
        precision = 1.0 / priors.numbers.effective_sd(theta) ** 2
        rows = precision[:, None] * priors.transform
        return priors.transform.T @ rows, rows.T @ np.where(precision > 0, priors.numbers.mu - priors.offset, 0.0)


@dataclass(frozen=True)
class Reference:
    """A point, and the equations there.

    Attributes
    ----------
    location : numpy.ndarray, shape (P,)
    effects : list of numpy.ndarray, shape (J q,)
    covariances : list of numpy.ndarray, shape (q, q)
    aux : numpy.ndarray
        The auxiliary parameters, sigma of Gaussian responses also where it is known.
    aux_curvature : numpy.ndarray
        Of the logarithms of those that are estimated: minus the second derivatives.
    information : Information
    system : DenseSystem or IterativeSystem
    n_steps : int
    """

    location: np.ndarray
    effects: list[np.ndarray]
    covariances: list[np.ndarray]
    aux: np.ndarray
    aux_curvature: np.ndarray
    information: Information
    system: System
    n_steps: int


@dataclass(frozen=True)
class _Point:
    location: np.ndarray
    effects: list[np.ndarray]
    covariances: list[np.ndarray]
    aux: np.ndarray

    @property
    def precisions(self) -> list[np.ndarray]:
        return [np.linalg.inv(covariance) for covariance in self.covariances]


def find_reference(problem: Problem) -> Reference:
    """Find the point.

    Parameters
    ----------
    problem : Problem

    Raises
    ------
    RankDeficientError
        If a direction of the location is determined neither by the rows nor by the priors.
    ExactFitError
        If sigma would be 0.
    """
    columns = EffectColumns(problem.cells, problem.terms)
    _check_rank(problem)
    start = _start(problem)
    least = [LEAST_RELATIVE_SD**2 * np.diag(covariance) for covariance in start.covariances]
    point, curvature = start, np.zeros((0, 0))
    eta = first_guess(problem.cells.family, problem.cells.y, problem.cells.n)
    for n_steps in range(1, MOST_STEPS + 1):
        before = point
        point, system, whole = _newton(problem, columns, point, eta if n_steps == 1 else None)
        variances = system.summed_variances()
        point, curvature = _scales_step(problem, columns, point, variances, least)
        point = replace(point, aux=np.clip(point.aux, start.aux / LARGEST_RATIO, start.aux * LARGEST_RATIO))
        if problem.cells.family in WITH_SIGMA and point.aux[0] < EXACT * start.aux[0]:
            raise ExactFitError
        if whole and n_steps > 3 and _change(before, point) < CLOSE:
            break
    for _ in range(LAST_STEPS):
        before = point
        point, _, whole = _newton(problem, columns, point, None)
        if whole and _moved(problem, before, point) < 1e-6:
            break
    eta = problem.cells.offset + columns.predictor(point.location, point.effects)
    found = problem.derivatives(eta, point.aux)
    information = columns.information(found.weight)
    system = _system(problem, information, point)
    return Reference(
        point.location, point.effects, point.covariances, point.aux, curvature, information, system, n_steps
    )


def _start(problem: Problem) -> _Point:
    cells = problem.cells
    if cells.family in WITH_SIGMA:
        centre = np.median(cells.y)
        spread = float(np.sqrt(cells.n @ (cells.y - cells.y.mean()) ** 2 / cells.n.sum()))
        if cells.family == STUDENT:
            spread = 1.5 * float(np.median(np.abs(cells.y - centre))) or spread
    else:
        spread = 1.0
    spread = spread or 1.0
    covariances = []
    for Z, own in zip(cells.Z, sd_slices(problem.terms), strict=True):
        sizes = np.sqrt((Z**2).mean(axis=0))
        fallback = problem.scales.sigma[own]
        sd = np.where(sizes > 0, 0.5 * spread / np.where(sizes > 0, sizes, 1.0), fallback)
        covariances.append(np.diag(sd**2))
    of_unit_weight = spread * float(np.sqrt(cells.n.sum() / cells.n_rows)) if cells.family == GAUSSIAN else spread
    sigma = 0.7 * of_unit_weight if problem.sigma is None else problem.sigma
    aux = {GAUSSIAN: [sigma], NEGATIVE_BINOMIAL: [1.0], STUDENT: [sigma, *cells.starting_nu]}.get(cells.family, [])
    location = np.zeros(cells.X.shape[1])
    return _Point(location, [np.zeros(term.n_effects) for term in problem.terms], covariances, np.array(aux))


def _system(problem: Problem, information: Information, point: _Point) -> System:
    largest = eliminated_term(problem.terms)
    prior, _ = problem.location_precision(point.location)
    n_others = sum(problem.terms[t].n_effects for t in dense_terms(problem.terms, largest))
    kind: type[DenseSystem] | type[IterativeSystem] = DenseSystem if n_others <= MOST_DENSE else IterativeSystem
    return kind.of(information, point.precisions, prior, problem.terms, largest)


def _newton(
    problem: Problem, columns: EffectColumns, point: _Point, guess: np.ndarray | None
) -> tuple[_Point, System, bool]:
    """Take a step for location and effects, and say whether all of it was of use.

    Where linear predictors are guessed, the step is that from their least-squares fit.
    """
    eta = problem.cells.offset + columns.predictor(point.location, point.effects)
    at = eta if guess is None else guess
    found = problem.derivatives(at, point.aux)
    system = _system(problem, columns.information(found.weight), point)
    precisions = point.precisions
    prior, pulled = problem.location_precision(point.location)
    right = columns.gradients(found.score + found.weight * (at - eta))
    for t, (term, precision) in enumerate(zip(problem.terms, precisions, strict=True)):
        right[t] -= (point.effects[t].reshape(-1, term.q) @ precision).ravel()
    right[-1] += pulled - prior @ point.location
    step = system.solve(right)

    def moved_by(size: float) -> _Point:
        return replace(
            point,
            location=point.location + size * step[-1],
            effects=[own + size * part for own, part in zip(point.effects, step, strict=False)],
        )

    def value(likelihood: float, there: _Point) -> float:
        for term, own, precision in zip(problem.terms, there.effects, precisions, strict=True):
            b = own.reshape(-1, term.q)
            likelihood -= 0.5 * float(np.einsum("jk,kl,jl->", b, precision, b))
        return likelihood + float(pulled @ there.location - 0.5 * there.location @ prior @ there.location)

    if guess is not None:
        return moved_by(1.0), system, False
    old, size = value(found.value, point), first_size(problem.cells.family, columns.predictor(step[-1], step[:-1]))
    slack = 1e-10 * (1.0 + abs(old))
    while True:
        moved = moved_by(size)
        eta = problem.cells.offset + columns.predictor(moved.location, moved.effects)
        new = value(problem.derivatives(eta, point.aux).value, moved)
        if new > old - slack or size <= 1e-12:
            return moved, system, size == 1.0
        size /= 2


def _scales_step(
    problem: Problem,
    columns: EffectColumns,
    point: _Point,
    variances: Sequence[np.ndarray],
    least: Sequence[np.ndarray],
) -> tuple[_Point, np.ndarray]:
    covariances, freedom = [], float(len(point.location))
    for t, (term, own) in enumerate(zip(problem.terms, sd_slices(problem.terms), strict=True)):
        effects = point.effects[t].reshape(-1, term.q)
        found = next_covariance(term, point.covariances[t], effects, variances[t], part_of(problem.scales, own))
        scale = np.sqrt(np.maximum(least[t] / np.diag(found), 1.0))
        covariances.append(found * scale[:, None] * scale)
        freedom += term.n_effects - float((variances[t] * point.precisions[t]).sum())
    if not len(problem.of_auxiliary.sigma):
        return replace(point, covariances=covariances), np.zeros((0, 0))
    eta = problem.cells.offset + columns.predictor(point.location, point.effects)
    aux, curvature = next_auxiliary(problem.cells, eta, problem.of_auxiliary, freedom, point.aux)
    return replace(point, covariances=covariances, aux=aux), curvature


def _change(before: _Point, point: _Point) -> float:
    changes = [
        np.abs(0.5 * np.log(np.diag(new) / np.diag(old))).max()
        for new, old in zip(point.covariances, before.covariances, strict=True)
    ]
    return float(max([*changes, *np.abs(np.log(point.aux / before.aux))], default=0.0))


def _moved(problem: Problem, before: _Point, point: _Point) -> float:
    """Give how far the linear predictor can have moved, relative to its spread."""
    moved = np.abs(problem.cells.X @ (point.location - before.location)).max(initial=0.0)
    for Z, term, new, old in zip(problem.cells.Z, problem.terms, point.effects, before.effects, strict=True):
        moved += (np.abs(new - old).reshape(-1, term.q).max(axis=0) * np.abs(Z).max(axis=0)).sum()
    return float(moved / (point.aux[0] if problem.cells.family in WITH_SIGMA else 1.0))


def _check_rank(problem: Problem) -> None:
    """Refuse directions of the location that nothing determines; effects with their priors take none away."""
    X, priors = problem.cells.X, problem.location
    proper = np.isfinite(priors.numbers.effective_sd(priors.numbers.mu))
    rows = np.vstack([np.linalg.qr(X, mode="r") if len(X) > X.shape[1] else X, priors.transform[proper]])
    refuse_undetermined(rows, X.shape[1])
