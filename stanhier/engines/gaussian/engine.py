"""The Gaussian engine: sufficient statistics in, group effects integrated out while sampling and drawn back after."""

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
from stanhier.engines.engine import Above, Block
from stanhier.engines.gaussian import group_summary, likelihood
from stanhier.engines.gaussian.compression import Compressed
from stanhier.engines.gaussian.coordinates import LOCATION, NOISE, SPREAD, GaussianCoordinates
from stanhier.engines.gaussian.effects import conditional_moments, draw_effects
from stanhier.engines.gaussian.marginal import LocationPriors, RankDeficientError
from stanhier.engines.gaussian.program_data import location_priors, stan_data
from stanhier.engines.gaussian.reducer import GaussianReducer
from stanhier.engines.gaussian.whitening import Whitening, whiten
from stanhier.engines.parameters import Role
from stanhier.families.noise import Noise
from stanhier.priors.distributions import numbers

__all__ = ["GaussianEngine"]


@dataclass(frozen=True)
class GaussianEngine:
    """Linear regression with no or one varying intercept.

    Attributes
    ----------
    compressed : Compressed
        The sufficient statistics of the rows.
    location_priors : LocationPriors
        The priors of intercept and slopes, related to what the rows see.
    whitening : Whitening
        The coordinates in which Stan samples.
    chosen : ChosenPriors
    noise : Noise
    formula : str
        For messages.
    """

    compressed: Compressed
    location_priors: LocationPriors
    whitening: Whitening
    chosen: ChosenPriors
    noise: Noise
    formula: str

    @classmethod
    def of(cls, design: Design, compressed: Compressed, chosen: ChosenPriors, noise: Noise) -> Self:
        """Find the coordinates of a model.

        Parameters
        ----------
        design : Design
        compressed : Compressed
            Of its rows.
        chosen : ChosenPriors
        noise : Noise

        Raises
        ------
        DataError
            If the predictors reproduce the response exactly, or columns are collinear with flat priors.
        """
        _refuse_exact(design, compressed, noise)
        priors = location_priors(chosen, compressed.origin)
        whitening = _whitened(design, compressed, priors, chosen, noise)
        return cls(compressed, priors, whitening, chosen, noise, design.formula.text)

    @property
    def grouped(self) -> bool:
        """Whether intercepts vary."""
        return self.coordinates.grouped

    @property
    def program(self) -> str:
        """The Stan program."""
        return "varying_intercept" if self.grouped else "linear_regression"

    @cached_property
    def coordinates(self) -> GaussianCoordinates:
        """The way back from its draws."""
        return GaussianCoordinates(self.whitening, self.compressed.origin, self.noise, self.chosen.parameters)

    @property
    def moments(self) -> ColumnMoments:
        """Means and standard deviations of the columns of [X y]."""
        return self.compressed.moments

    def predictor_covariance(self) -> np.ndarray | None:
        """Give the covariance matrix of the predictors over the rows, shape (K, K); None where rows are weighted."""
        if self.noise.differs:
            return None
        own, n = self.compressed, self.compressed.n_rows
        means, within = own.means[:, :-1], own.within[:, :-1]
        off = (own.mean - own.origin)[:-1]
        around_origin = within.T @ within + (means * own.weights[:, None]).T @ means
        return np.asarray((around_origin - n * np.outer(off, off)) / max(n - 1, 1))

    @property
    def prior_centre(self) -> np.ndarray:
        """Where a prior with `centered=True` holds, shape (K,)."""
        return self.compressed.origin[:-1]

    def data(self) -> dict[str, Any]:
        """Give what the program receives; the keys are the names in its data block."""
        with in_double_precision(self.formula), one_blas_thread():
            return stan_data(self.compressed, self.whitening, self.chosen, self.location_priors, self.noise)

    def fingerprint(self) -> Iterator[np.ndarray]:
        """Give the moments of the columns and the rows of the triangular factor."""
        yield self.compressed.mean
        yield self.compressed.sd
        yield from self.compressed.within

    def on_rows(self, design: InMemoryDesign) -> Self:
        """Give the engine of the same model on other rows, their origin where it was."""
        with one_blas_thread():
            fresh = design.reduce(GaussianReducer(design.formula.has_intercept))
            origin = self.compressed.origin
            compressed = replace(fresh, origin=origin, means=fresh.means + (fresh.origin - origin))
            _refuse_exact(design, compressed, self.noise)
            whitening = _whitened(design, compressed, self.location_priors, self.chosen, self.noise)
        return replace(self, compressed=compressed, whitening=whitening)

    def in_logarithms(self) -> Self:
        """Give the engine in coordinates of which a mode of the scales is the mode of their logarithms."""
        return replace(self, whitening=self.whitening.in_logarithms())

    def values_of(self, drawn: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
        """Give `Draws.values`, of one chain, from S draws of each parameter that has a prior, by name."""
        size = len(next(iter(drawn.values())))
        parameters, priors = self.chosen.parameters, self.location_priors
        theta = np.column_stack([np.empty((size, 0)), *(drawn[one.name] for one in parameters.location)])
        location = np.linalg.solve(priors.transform, (theta - priors.offset).T).T if theta.size else theta
        unit, spread = self.noise.unit, parameters.of(Role.GROUP_SD)
        sigma = np.full(size, unit) if unit is not None else drawn[NOISE]
        values = {LOCATION: location[None], NOISE: sigma[None]}
        return values if spread is None else values | {SPREAD: drawn[spread.name].reshape(1, size)}

    def linear(self, draws: Draws, X: np.ndarray, keep: np.ndarray | None = None) -> np.ndarray:
        """Give the mean response without group effects, shape (S, N), of rows with predictors X."""
        origin = self.compressed.origin
        return np.asarray(likelihood.common_mean(X, origin, _kept(draws, LOCATION, keep), by_row=True) + origin[-1])

    def group_weights(self, term: int) -> np.ndarray:  # noqa: ARG002
        """Give how much each group says of its own mean, shape (J,): its rows, or the sum of their weights."""
        return self.compressed.weights

    def effects(self, draws: Draws, term: int, groups: np.ndarray) -> np.ndarray:  # noqa: ARG002
        """Draw the effects of groups, deviations from the population, shape (S, G, 1)."""
        return draw_effects(self.compressed, groups, *_arrays(draws), seed=draws.seed)[:, :, None]

    def new_effects(self, draws: Draws, term: int, noise: np.ndarray) -> np.ndarray:  # noqa: ARG002
        """Give the effect of a group without rows, shape (S, 1), from standard normal noise of that shape."""
        return np.asarray(draws.flat(SPREAD)[:, None] * noise)

    def effect_means(self, draws: Draws, term: int, groups: np.ndarray) -> np.ndarray:  # noqa: ARG002
        """Give the means of the groups' effects given the other parameters, shape (S, G, 1)."""
        return conditional_moments(self.compressed, groups, *_arrays(draws))[0][:, :, None]

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
        """Summarise offset + effects @ weights of groups, of each of C pairs, shape (C, 2 + P, G)."""
        assert term == len(above) == 0
        assert weights.tolist() == [[1.0]] * len(weights)
        return np.stack([group_summary.summarise(self.compressed, groups, draws, o, probabilities) for o in offsets])

    def noise_scale(self, draws: Draws, keep: np.ndarray | None = None) -> np.ndarray:
        """Give sigma, shape (S,)."""
        return _kept(draws, NOISE, keep)

    def row_densities(self, design: InMemoryDesign, draws: Draws) -> Iterator[Block]:
        """Give log densities of rows given the other rows of their group, block by block."""
        return likelihood.row_densities(design, self.compressed, draws)

    def row_residuals(self, design: InMemoryDesign, draws: Draws) -> Iterator[Block]:
        """Give residuals of rows around what the other rows of their group let expect, and their variances."""
        for rows, (residual, variance), _ in likelihood.row_moments(design, self.compressed, draws):
            yield rows, residual, variance

    def set_densities(
        self,
        design: InMemoryDesign,
        codes: np.ndarray,
        n_sets: int,
        draws: Draws,
        *,
        known: Sequence[np.ndarray] | None = None,  # noqa: ARG002
    ) -> Iterator[Block]:
        """Give log densities of sets of rows: of groups, where the model has any."""
        origin = self.compressed.origin
        return likelihood.set_densities(design, codes, n_sets, origin, draws, grouped=self.grouped)

    def integration_k(
        self,
        design: InMemoryDesign,  # noqa: ARG002
        codes: np.ndarray,  # noqa: ARG002
        n_sets: int,
        draws: Draws,  # noqa: ARG002
        *,
        known: Sequence[np.ndarray] | None = None,  # noqa: ARG002
    ) -> np.ndarray:
        """Give nan for each set: effects are integrated out in closed form."""
        return np.full(n_sets, np.nan)

    def held_out_densities(self, design: InMemoryDesign, codes: Sequence[np.ndarray], draws: Draws) -> np.ndarray:
        """Give the log posterior mean density of rows that the draws have not seen, shape (N,)."""
        return likelihood.held_out_densities(design, codes[0] if self.grouped else None, self.compressed, draws)

    def log_density_of_new(self, before: Self, new_rows: InMemoryDesign, draws: Draws) -> np.ndarray:
        """Give the log density, shape (S,), of rows of new groups, whose effects are integrated out."""
        (grouping,) = new_rows.groupings
        first = before.compressed.n_groups
        n_new = self.compressed.n_groups - first
        blocks = self.set_densities(new_rows, grouping.codes - first, n_new, draws)
        return np.asarray(np.concatenate([left_out for _, left_out, _ in blocks], axis=1).sum(axis=1))

    def completed(self, draws: Draws) -> Draws:
        """Give the draws as they are: the effects of groups follow from them when asked for."""
        return draws

    def completion_k(self, draws: Draws) -> np.ndarray:  # noqa: ARG002
        """Give nothing: effects of new groups have a closed form."""
        return np.empty(0)

    def own_effects(self, draws: Draws, term: int) -> np.ndarray:  # noqa: ARG002
        """Give each group's mean less what the population explains on average, shape (J, 1)."""
        location = draws.flat(LOCATION).mean(axis=0)
        means = self.compressed.means
        return np.asarray(means[:, -1:] - means[:, :-1] @ location[1:, None] - location[0])

    def replicated_means(self, draws: Draws, term: int, keep: np.ndarray, seed: int) -> tuple[np.ndarray, np.ndarray]:  # noqa: ARG002
        """Give means of the rows of groups, were each a new one, shape (len(keep), J), and observed, shape (J,).

        Where the noise of rows differs, these weigh by their precision.
        """
        return group_summary.replicated_means(self.compressed, *(one[keep] for one in _arrays(draws)), seed=seed)


def _arrays(draws: Draws) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    return draws.flat(LOCATION), draws.flat(NOISE), draws.flat(SPREAD)


def _kept(draws: Draws, name: str, keep: np.ndarray | None) -> np.ndarray:
    values = draws.flat(name)
    return values if keep is None else values[keep]


def _whitened(
    design: Design, compressed: Compressed, priors: LocationPriors, chosen: ChosenPriors, noise: Noise
) -> Whitening:
    try:
        return whiten(
            compressed,
            grouped=design.group is not None,
            priors=priors,
            scale_priors=numbers(chosen.scale),
            sigma=noise.unit,
        )
    except RankDeficientError as err:
        raise DataError(said_of_collinear(design, err.columns)) from err


def _refuse_exact(design: Design, compressed: Compressed, noise: Noise) -> None:
    """Refuse data that the predictors reproduce exactly: sigma would go to 0 and the density to infinity."""
    if not noise.is_estimated:
        return
    within = compressed.within
    n_free = compressed.n_rows - compressed.n_groups - (len(within) - 1)
    weight = compressed.weights.sum() if compressed.n_groups else compressed.n_rows * compressed.moments.weight
    scale = compressed.sd[-1] * np.sqrt(weight)
    if n_free > 0 and abs(within[-1, -1]) <= 1e-14 * scale:
        raise DataError(
            f"The response '{design.formula.response}' is reproduced exactly by the predictors"
            f"{' and groups' if design.group is not None else ''}, so sigma would be 0; check whether one is a copy of "
            "it, or fix sigma with `sigma=`."
        )
