"""The multilevel engine: any number of factors and effects, all of them and the location integrated out."""

from collections.abc import Iterator, Mapping, Sequence
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
from stanhier.engines.draws import Draws
from stanhier.engines.engine import Above
from stanhier.engines.gaussian.marginal import LocationPriors, RankDeficientError
from stanhier.engines.gaussian.program_data import location_priors
from stanhier.engines.multilevel import effect_summary, own_effects
from stanhier.engines.multilevel.conditional import ConditionalEngine
from stanhier.engines.multilevel.conditioning import given_statistics
from stanhier.engines.multilevel.coordinates import MultilevelCoordinates
from stanhier.engines.multilevel.effects import draw_effects, effect_means
from stanhier.engines.multilevel.given import Given
from stanhier.engines.multilevel.layout import TermShape
from stanhier.engines.multilevel.program_data import stan_data
from stanhier.engines.multilevel.reducer import MultilevelReducer
from stanhier.engines.multilevel.scales import ScalePriors
from stanhier.engines.multilevel.sizes import many_effects, many_numbers
from stanhier.engines.multilevel.statistics import Statistics
from stanhier.engines.multilevel.told_apart import factors_of_effects
from stanhier.engines.multilevel.whitening import Whitening, whiten
from stanhier.engines.told_apart import refuse_same_effects
from stanhier.families.noise import Noise
from stanhier.priors.distributions import numbers

__all__ = ["MultilevelEngine"]


@dataclass(frozen=True)
class MultilevelEngine(ConditionalEngine):
    """Linear regression with any number of factors, and of effects that vary by them.

    Attributes
    ----------
    statistics : Statistics
        What the likelihood sees of the rows.
    location_priors : LocationPriors
        The priors of intercept and slopes, related to what the rows see.
    scale_priors : ScalePriors
        Those of standard deviations and correlations.
    whitening : Whitening
        The coordinates in which Stan samples.
    chosen : ChosenPriors
    noise : Noise
    formula : str
        For messages.
    rows : InMemoryDesign or None
        The rows, where they are in memory.
    """

    statistics: Statistics
    location_priors: LocationPriors
    scale_priors: ScalePriors
    whitening: Whitening
    chosen: ChosenPriors
    noise: Noise
    formula: str
    rows: InMemoryDesign | None

    @classmethod
    def of(cls, design: Design, statistics: Statistics, chosen: ChosenPriors, noise: Noise) -> Self:
        """Find the coordinates of a model.

        Parameters
        ----------
        design : Design
        statistics : Statistics
            Of its rows.
        chosen : ChosenPriors
        noise : Noise

        Raises
        ------
        DataError
            If predictors and effects reproduce the response exactly, columns are collinear with flat priors, effects
            cannot be told apart, or the structure is larger than what can be integrated out.
        """
        _refuse_large(design, statistics)
        refuse_same_effects(design, factors_of_effects(statistics))
        _refuse_exact(design, statistics, noise)
        priors = location_priors(chosen, statistics.origin)
        eta = chosen.correlation_shapes([grouping.blocks for grouping in design.groupings])
        scale_priors = ScalePriors(numbers(chosen.scale), tuple(eta.tolist()), noise.unit)
        whitening = _whitened(design, statistics, priors, scale_priors)
        rows = design if isinstance(design, InMemoryDesign) else None
        return cls(statistics, priors, scale_priors, whitening, chosen, noise, design.formula.text, rows)

    @property
    def program(self) -> str:
        """The Stan program."""
        return "multilevel"

    @property
    def shapes(self) -> tuple[TermShape, ...]:
        """The factors with their effects."""
        return self.statistics.terms

    @property
    def origin(self) -> np.ndarray:
        """What the location is relative to, shape (K + 1,): of [x_1 .. x_K, y]."""
        return self.statistics.origin

    @cached_property
    def coordinates(self) -> MultilevelCoordinates:
        """The way back from its draws."""
        with one_blas_thread():
            return MultilevelCoordinates.of(
                self.statistics, self.whitening, self.location_priors, self.scale_priors, self.chosen.parameters
            )

    @property
    def moments(self) -> ColumnMoments:
        """Means and standard deviations of the columns of the rows."""
        return self.statistics.moments

    def predictor_covariance(self) -> np.ndarray | None:
        """Give the covariance matrix of the predictors over the rows, shape (K, K); None where rows are weighted."""
        if self.noise.differs:
            return None
        own, n = self.statistics, self.statistics.n_rows
        columns = slice(own.n_dense + own.has_intercept, -1)
        factor = np.vstack([own.T, own.B.reshape(-1, own.B.shape[-1])])[:, columns]
        off = own.mean[: factor.shape[1]] - own.origin[:-1]
        return np.asarray((factor.T @ factor - n * np.outer(off, off)) / max(n - 1, 1))

    @property
    def prior_centre(self) -> np.ndarray:
        """Where a prior with `centered=True` holds, shape (K,)."""
        return self.origin[:-1]

    def data(self) -> dict[str, Any]:
        """Give what the program receives; the keys are the names in its data block."""
        with in_double_precision(self.formula):
            return stan_data(self.statistics, self.whitening, self.scale_priors, self.coordinates.posterior)

    def fingerprint(self) -> Iterator[np.ndarray]:
        """Give the moments of the columns, the weights of the groups and the rows of the triangular factor."""
        yield self.statistics.mean
        yield self.statistics.sd
        yield from self.statistics.level_weights
        yield from self.statistics.T

    def on_rows(self, design: InMemoryDesign) -> Self:
        """Give the engine of the same model on other rows, their origin where it was."""
        with one_blas_thread():
            fresh = design.reduce(MultilevelReducer(design.formula.has_intercept))
            statistics = fresh.with_origin(self.statistics.origin)
            _refuse_large(design, statistics)
            _refuse_exact(design, statistics, self.noise)
            whitening = _whitened(design, statistics, self.location_priors, self.scale_priors)
        return replace(self, statistics=statistics, whitening=whitening, rows=design)

    def in_logarithms(self) -> Self:
        """Give the engine in coordinates of which a mode of the scales is the mode of their logarithms."""
        return replace(self, whitening=self.whitening.in_logarithms())

    def values_of(self, drawn: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
        """Give `Draws.values`, of one chain, from S draws of each parameter that has a prior, by name."""
        return self.coordinates.values_of(drawn)

    def group_weights(self, term: int) -> np.ndarray:
        """Give how much each group says of its own mean, shape (J,): its rows, or the sum of their weights."""
        return self.statistics.level_weights[term]

    def effects(self, draws: Draws, term: int, groups: np.ndarray) -> np.ndarray:
        """Draw the effects of groups, deviations from the population, shape (S, G, q)."""
        return draw_effects(self.statistics, term, groups, draws)

    def effect_means(self, draws: Draws, term: int, groups: np.ndarray) -> np.ndarray:
        """Give the means of the groups' effects given the other parameters, shape (S, G, q)."""
        return effect_means(self.statistics, term, groups, draws)

    def summarise_groups(
        self,
        draws: Draws,
        term: int,
        groups: np.ndarray,
        probabilities: Sequence[float],
        weights: np.ndarray,
        offsets: np.ndarray,
        above: Sequence[Above] = (),
    ) -> np.ndarray:
        """Summarise offset + effects @ weights of groups and what is above, of C pairs, shape (C, 2 + P, G)."""
        return effect_summary.summarise(
            self.statistics, term, groups, draws, probabilities, weights=weights, offsets=offsets, above=above
        )

    def given(self, draws: Draws) -> Given:
        """Give what densities of rows are conditioned on."""
        return given_statistics(draws, self.statistics)

    def log_density_of_new(self, before: Self, new_rows: InMemoryDesign, draws: Draws) -> np.ndarray:  # noqa: ARG002
        """Give the log density, shape (S,), of rows that `before` has not seen, given scales and correlations alone."""
        return np.asarray(self.coordinates.log_marginal(draws) - before.coordinates.log_marginal(draws))

    def completed(self, draws: Draws) -> Draws:
        """Give draws with location and dense effects drawn anew, given scales and all rows."""
        return self.coordinates.completed(draws)

    def completion_k(self, draws: Draws) -> np.ndarray:  # noqa: ARG002
        """Give nothing: effects of new groups have a closed form."""
        return np.empty(0)

    def own_effects(self, draws: Draws, term: int) -> np.ndarray:
        """Give what each group's rows alone say of its effects, shape (J, q); nan where they do not tell."""
        return own_effects.own_effects(self.statistics, draws, term)


def _whitened(design: Design, statistics: Statistics, priors: LocationPriors, scale_priors: ScalePriors) -> Whitening:
    try:
        return whiten(statistics, priors, scale_priors)
    except RankDeficientError as err:
        raise DataError(said_of_collinear(design, err.columns)) from err


def _refuse_large(design: Design, statistics: Statistics) -> None:
    """Refuse structures of which a gradient would take too long, or the data too much memory."""
    why = many_effects(design) or many_numbers(design, statistics)
    if why is not None:
        raise DataError(why)


def _refuse_exact(design: Design, statistics: Statistics, noise: Noise) -> None:
    """Refuse data that predictors and effects reproduce exactly: sigma would go to 0 and the density to infinity."""
    if not noise.is_estimated:
        return
    n_free = statistics.n_rows - statistics.R.shape[0] * statistics.R.shape[1] - (statistics.T.shape[1] - 1)
    scale = statistics.sd[-1] * np.sqrt(statistics.level_weights[0].sum())
    if n_free > 0 and abs(statistics.T[-1, -1]) <= 1e-14 * scale:
        raise DataError(
            f"The response '{design.formula.response}' is reproduced exactly by the predictors and effects, so sigma "
            "would be 0; check whether one is a copy of it, or fix sigma with `sigma=`."
        )
