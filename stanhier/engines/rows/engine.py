"""The engine of rows: any family of responses, any number of factors, all effects sampled."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, Self

import numpy as np

from stanhier.basics.errors import DataError
from stanhier.basics.magnitudes import in_double_precision
from stanhier.basics.threads import one_blas_thread
from stanhier.design.column_moments import ColumnMoments
from stanhier.design.design import Design
from stanhier.design.in_memory import InMemoryDesign
from stanhier.engines.chosen_priors import ChosenPriors
from stanhier.engines.collinear import said_of_collinear
from stanhier.engines.gaussian.marginal import RankDeficientError
from stanhier.engines.gaussian.program_data import location_priors
from stanhier.engines.multilevel.layout import TermShape, eliminated_term
from stanhier.engines.parameters import Role
from stanhier.engines.rows.cells import Cells, merged
from stanhier.engines.rows.coordinates import RowsCoordinates
from stanhier.engines.rows.explicit import ExplicitEngine
from stanhier.engines.rows.given_effects import FamilyRows
from stanhier.engines.rows.likelihood import GAUSSIAN, family_code
from stanhier.engines.rows.program_data import stan_data
from stanhier.engines.rows.reducer import summed_rows
from stanhier.engines.rows.reference import ExactFitError, Problem
from stanhier.engines.rows.summed_family import family_rows
from stanhier.engines.rows.whitening import Whitening, whiten
from stanhier.families.family import Family
from stanhier.families.noise import Noise
from stanhier.priors.distributions import numbers

__all__ = ["RowsEngine"]


@dataclass(frozen=True)
class RowsEngine(ExplicitEngine):
    """A regression of any family, with any number of factors, on rows in memory or on what was summed up of rows.

    Attributes
    ----------
    problem : Problem
        The rows, merged where they can be, and the priors.
    whitening : Whitening
        The coordinates in which Stan samples.
    eta : tuple of float
        LKJ priors of the blocks, term by term.
    centre : numpy.ndarray, shape (K + 1,)
        What the location is relative to, of [x_1 .. x_K, y].
    chosen : ChosenPriors
    noise : Noise
    design : Design
    rows : InMemoryDesign or None
        The rows, where they are in memory.
    n_before : tuple of int
        Of each factor the number of groups before rows were added; the first are the same.
    """

    problem: Problem
    whitening: Whitening
    eta: tuple[float, ...]
    centre: np.ndarray
    chosen: ChosenPriors
    noise: Noise
    design: Design
    rows: InMemoryDesign | None
    n_before: tuple[int, ...]

    @classmethod
    def of(
        cls,
        design: Design,
        chosen: ChosenPriors,
        noise: Noise,
        *,
        origin: np.ndarray | None = None,
        n_before: tuple[int, ...] | None = None,
    ) -> Self:
        """Find the coordinates of a model.

        Parameters
        ----------
        design : Design
            With its rows, or with the `SummedRows` that were made of them.
        chosen : ChosenPriors
        noise : Noise
        origin : numpy.ndarray, shape (K + 1,), optional
            What the location is relative to, of a model that had other rows.
        n_before : tuple of int, optional
            As the attribute; all groups where not given.

        Raises
        ------
        DataError
            If predictors and effects reproduce a Gaussian response exactly, or columns are collinear with flat priors.
        """
        with one_blas_thread():
            place = _origin(design) if origin is None else origin
            problem = _problem(design, chosen, noise, place)
            eta = tuple(chosen.correlation_shapes([grouping.blocks for grouping in design.groupings]).tolist())
            whitening = _whitened(design, problem, _auxiliary(chosen), eta)
        before = tuple(len(one.levels) for one in design.groupings) if n_before is None else n_before
        rows = design if isinstance(design, InMemoryDesign) else None
        return cls(problem, whitening, eta, place, chosen, noise, design, rows, before)

    @property
    def family(self) -> Family:
        """How responses vary around the linear predictor."""
        return self.design.family

    @property
    def program(self) -> str:
        """The Stan program."""
        return "explicit_effects"

    @property
    def shapes(self) -> tuple[TermShape, ...]:
        """The factors with their effects."""
        return self.problem.terms

    @property
    def origin(self) -> np.ndarray:
        """What the location is relative to, shape (K + 1,): of [x_1 .. x_K, y]."""
        return self.centre

    @cached_property
    def coordinates(self) -> RowsCoordinates:
        """The way back from its draws."""
        return RowsCoordinates(
            self.whitening, self.origin, self.chosen.parameters.without_effects(), self.problem.location
        )

    @property
    def moments(self) -> ColumnMoments:
        """Means and standard deviations of the columns of the rows."""
        return self.rows.moments if self.rows is not None else summed_rows(self.design).moments

    def predictor_covariance(self) -> np.ndarray | None:
        """Give the covariance matrix of the predictors over the rows, shape (K, K)."""
        if self.rows is not None:
            return super().predictor_covariance()
        sums, n_predictors = summed_rows(self.design).sums, len(self.design.predictors)
        often = sums.often.astype(np.int64)
        return np.atleast_2d(np.cov(sums.columns[:, :n_predictors], rowvar=False, fweights=often))

    @property
    def prior_centre(self) -> np.ndarray:
        """Where a prior with `centered=True` holds, shape (K,)."""
        return self.origin[:-1]

    def data(self) -> dict[str, Any]:
        """Give what the program receives; the keys are the names in its data block."""
        with in_double_precision(self.design.formula.text):
            return stan_data(self.problem, self.whitening, self.eta)

    def on_rows(self, design: InMemoryDesign) -> Self:
        """Give the engine of the same model on other rows, their origin where it was."""
        n_before = tuple(len(one.levels) for one in self.design.groupings)
        return type(self).of(design, self.chosen, self.noise, origin=self.origin, n_before=n_before)

    def in_logarithms(self) -> Self:
        """Give the engine in coordinates of which a mode of the scales is the mode of their logarithms."""
        return replace(self, whitening=self.whitening.in_logarithms())

    def values_of(self, drawn: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
        """Give `Draws.values`, of one chain, from S draws of each parameter that has a prior, by name."""
        return self.coordinates.values_of(drawn)

    def fingerprint(self) -> Iterator[np.ndarray]:
        """Give the rows, or the distinct ones with their sums."""
        if self.rows is not None:
            yield from super().fingerprint()
            return
        sums = summed_rows(self.design).sums
        yield sums.columns.ravel()
        yield from sums.codes
        yield from (sums.offset, sums.y, sums.n)

    def summed(self) -> tuple[Family, FamilyRows]:
        """Give the rows, or distinct ones with sums, and the family of these."""
        if self.rows is not None:
            return super().summed()
        return family_rows(self.design, summed_rows(self.design).sums)

    def group_weights(self, term: int) -> np.ndarray:
        """Give how much each group says of its own mean, shape (J,): its rows, or the sum of their weights."""
        if self.rows is not None:
            return super().group_weights(term)
        sums = summed_rows(self.design).sums
        return np.bincount(sums.codes[term], sums.often, minlength=self.shapes[term].n_levels)


def _origin(design: Design) -> np.ndarray:
    """Give the means of [X y] of a model with an intercept, else 0; 0 of responses that are not Gaussian or so."""
    if not design.formula.has_intercept:
        return np.zeros(len(design.predictors) + 1)
    if not isinstance(design, InMemoryDesign):
        return np.append(summed_rows(design).mean[: len(design.predictors)], 0.0)
    on_scale = design.family.link == "identity"
    return np.append(design.X.mean(axis=0), design.y.mean() if on_scale else 0.0)


def _auxiliary(chosen: ChosenPriors) -> tuple[str, ...]:
    parameters = chosen.parameters
    return tuple(one.name for role in (Role.NOISE, Role.AUXILIARY) for one in parameters.all_of(role))


def _problem(design: Design, chosen: ChosenPriors, noise: Noise, origin: np.ndarray) -> Problem:
    terms = tuple(TermShape.of(one) for one in design.groupings)
    cells = _cells(design, terms, origin)
    parameters = chosen.parameters
    roles = (Role.GROUP_SD, Role.NOISE, Role.AUXILIARY)
    scales = numbers(chosen.of([one for role in roles for one in parameters.all_of(role)]))
    return Problem(cells, terms, location_priors(chosen, origin), scales, noise.unit)


def _cells(design: Design, terms: tuple[TermShape, ...], origin: np.ndarray) -> Cells:
    code = family_code(design.family.name, design.family.link)
    if isinstance(design, InMemoryDesign):
        columns, codes, y = design.matrix, [one.codes for one in design.groupings], design.y
        n, offset = design.weights if code == GAUSSIAN else design.trials, design.offset
    else:
        sums = summed_rows(design).sums
        columns, codes, y, n, offset = sums.columns, list(sums.codes), sums.y, sums.n, sums.offset
    X = columns[:, : len(design.predictors)] - origin[:-1]
    if design.formula.has_intercept:
        X = np.column_stack([np.ones(len(X)), X])
    cells = merged(
        code,
        X,
        [one.effect_matrix(columns) for one in design.groupings],
        codes,
        np.asarray(y, dtype=float) - origin[-1],
        largest=eliminated_term(terms),
        n=n,
        offset=offset,
    )
    return replace(cells, n_rows=design.n_rows, nu=design.family.fixed.get("nu"))


def _whitened(design: Design, problem: Problem, auxiliary: tuple[str, ...], eta: tuple[float, ...]) -> Whitening:
    try:
        return whiten(problem, auxiliary, eta)
    except RankDeficientError as err:
        raise DataError(said_of_collinear(design, err.columns)) from err
    except ExactFitError as err:
        where, remedy = ("", ", or fix sigma with `sigma=`") if design.family.is_gaussian else (" in many rows", "")
        raise DataError(
            f"The response '{design.formula.response}' is reproduced exactly by the predictors and effects{where}, so "
            f"sigma would be 0; check whether one is a copy of it{remedy}."
        ) from err
