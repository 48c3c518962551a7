"""From the whitened parameters that Stan samples back to the model's own."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Self

import numpy as np

from stanhier.basics.threads import one_blas_thread
from stanhier.engines.draws import Draws
from stanhier.engines.gaussian.marginal import LocationPriors
from stanhier.engines.multilevel.layout import (
    COR,
    DENSE,
    LAMBDA,
    LOCATION,
    NOISE,
    SD,
    cor_slices,
    correlation_matrices,
    sd_slices,
)
from stanhier.engines.multilevel.marginal import MarginalPosterior
from stanhier.engines.multilevel.recovery import draw_location, log_marginal
from stanhier.engines.multilevel.scales import ScalePriors
from stanhier.engines.multilevel.statistics import Statistics
from stanhier.engines.multilevel.whitening import ScaleDraws, Whitening, marginal_posterior
from stanhier.engines.parameters import Inventory, Role
from stanhier.stan.nuts import RawDraws

__all__ = ["MultilevelCoordinates"]


@dataclass(frozen=True)
class MultilevelCoordinates:
    """The coordinates that Stan samples in, and what gives back that which is integrated out.

    Attributes
    ----------
    whitening : Whitening
    posterior : MarginalPosterior
        In coordinates of the whitening's axes.
    origin : numpy.ndarray, shape (K + 1,)
        Of [x_1 .. x_K, y].
    parameters : Inventory
        Those that all groups share.
    location_priors : LocationPriors
    """

    whitening: Whitening
    posterior: MarginalPosterior
    origin: np.ndarray
    parameters: Inventory
    location_priors: LocationPriors

    @classmethod
    def of(
        cls,
        statistics: Statistics,
        whitening: Whitening,
        location_priors: LocationPriors,
        scale_priors: ScalePriors,
        parameters: Inventory,
    ) -> Self:
        """Put them together for an engine."""
        posterior = marginal_posterior(statistics, whitening.axes, whitening.scales, location_priors, scale_priors)
        return cls(whitening, posterior, statistics.origin, parameters, location_priors)

    @property
    def layout(self) -> dict[str, tuple[int, ...]]:
        """The shape that each draw of each array has."""
        n_location, scales = len(self.whitening.axes.centre), self.whitening.scales
        layout: dict[str, tuple[int, ...]] = {LOCATION: (n_location,), NOISE: (), SD: (scales.n_sds,)}
        if scales.n_correlations:
            layout[COR] = (scales.n_correlations,)
        n_dense = self._n_integrated - n_location
        layout |= {DENSE: (n_dense,)} if n_dense else {}
        return layout | ({LAMBDA: (scales.n_student,)} if scales.n_student else {})

    @property
    def _n_integrated(self) -> int:
        """How many dense effects and location parameters there are."""
        return len(self.posterior.G0) - 1

    @property
    def positive(self) -> frozenset[str]:
        """Names of the scales."""
        return frozenset({SD, NOISE, LAMBDA})

    def draws(self, raw: RawDraws) -> Draws:
        """Turn Stan's whitened parameters into the model's, and draw location and dense effects given them."""
        return self._draws(raw, self._noise_of(raw.seed, raw.z.shape[0] * raw.z.shape[1]))

    def mode(self, raw: RawDraws) -> Draws:
        """Turn the point that the optimiser found into one draw: location and dense effects at their means there."""
        return self._draws(raw, np.zeros((1, self._n_integrated)))

    def _draws(self, raw: RawDraws, noise: np.ndarray) -> Draws:
        shape = raw.z.shape[:2]
        with one_blas_thread():
            scales = self.whitening.draws(raw.z.reshape(shape[0] * shape[1], -1))
            values = self._values(scales, shape, noise)
        return Draws.of(raw, values)

    def completed(self, draws: Draws) -> Draws:
        """Give draws with location and dense effects drawn anew, given scales and correlations and these rows."""
        with one_blas_thread():
            noise = self._noise_of(draws.seed, draws.n_draws)
            values = self._values(self._scales(draws), draws.shape, noise)
        return replace(draws, values=values)

    def log_marginal(self, draws: Draws) -> np.ndarray:
        """Give the log density of the rows given scales and correlations alone, shape (S,), up to a constant."""
        with one_blas_thread():
            return log_marginal(self.posterior, self.whitening.axes, self._scales(draws))

    def _noise_of(self, seed: int, n_draws: int) -> np.ndarray:
        """Give the standard normal numbers that location and dense effects are drawn with."""
        return np.random.default_rng([seed, 0x6C]).standard_normal((n_draws, self._n_integrated))

    def _values(self, scales: ScaleDraws, shape: tuple[int, int], noise: np.ndarray) -> dict[str, np.ndarray]:
        dense, location = draw_location(self.posterior, self.whitening.axes, scales, noise)
        flat = {LOCATION: location, NOISE: scales.sigma, SD: scales.sd, COR: scales.cor, DENSE: dense}
        flat[LAMBDA] = scales.lambdas
        return {name: flat[name].reshape(*shape, *size) for name, size in self.layout.items()}

    def _scales(self, draws: Draws) -> ScaleDraws:
        nothing = np.empty((draws.n_draws, 0))
        cor, lambdas = (draws.flat(name) if name in draws.values else nothing for name in (COR, LAMBDA))
        return ScaleDraws(draws.flat(SD), cor, draws.flat(NOISE), lambdas)

    def sampled(self, draws: Draws) -> dict[str, np.ndarray]:
        """Give location parameters, standard deviations, correlations and sigma where it is estimated."""
        location = draws.values[LOCATION]
        listed = [name for parameter in self.parameters.location for name in parameter.scalar_names]
        numbers = {name: location[:, :, k] for k, name in enumerate(listed)}
        for term, sd, cor in self._parts():
            for role, array, part in ((Role.GROUP_SD, SD, sd), (Role.GROUP_COR, COR, cor)):
                parameter = self.parameters.of(role, term)
                if parameter is not None:
                    own = draws.values[array][:, :, part]
                    numbers |= {name: own[:, :, k] for k, name in enumerate(parameter.scalar_names)}
        return numbers | self._noise(draws)

    def population(self, draws: Draws) -> dict[str, np.ndarray]:
        """Give the parameters in the order of the inventory, the intercept at predictors of 0.

        Standard deviations are of shape (chains, draws, q), correlations of shape (chains, draws, q, q).
        """
        location, first = draws.values[LOCATION], int(self.parameters.has_intercept)
        parts: dict[int | None, tuple[slice, slice]] = {term: (sd, cor) for term, sd, cor in self._parts()}
        values: dict[str, np.ndarray] = {}
        for parameter in self.parameters:
            if parameter.role is Role.INTERCEPT:
                values[parameter.name] = location[:, :, 0] + self.origin[-1] - location[:, :, 1:] @ self.origin[:-1]
            elif parameter.role is Role.SLOPES:
                values[parameter.name] = location[:, :, first:]
            elif parameter.role is Role.GROUP_SD:
                values[parameter.name] = draws.values[SD][:, :, parts[parameter.term][0]]
            elif parameter.role is Role.GROUP_COR:
                matrices = correlation_matrices(draws.flat(COR)[:, parts[parameter.term][1]], parameter.blocks)
                values[parameter.name] = matrices.reshape(*draws.shape, *matrices.shape[1:])
            else:
                values |= self._noise(draws)
        return values

    def values_of(self, drawn: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
        """Give `Draws.values`, of one chain, from S draws of each parameter that has a prior, by name.

        Effects have none of their own: those of the dense terms are 0.
        """
        size, priors = len(next(iter(drawn.values()))), self.location_priors
        theta = np.column_stack([np.empty((size, 0)), *(drawn[one.name] for one in self.parameters.location)])
        location = np.linalg.solve(priors.transform, (theta - priors.offset).T).T if theta.size else theta
        sd = np.hstack([drawn[one.name] for one in self.parameters.all_of(Role.GROUP_SD)])
        pairs = [parameter.scalars(drawn[parameter.name]) for parameter in self.parameters.all_of(Role.GROUP_COR)]
        noise, known = self.parameters.of(Role.NOISE), self.whitening.sigma
        sigma = np.full(size, known) if noise is None else drawn[noise.name]
        flat = {LOCATION: location, NOISE: sigma, SD: sd, COR: np.hstack([np.empty((size, 0)), *pairs])}
        flat |= {name: np.zeros((size, *self.layout.get(name, (0,)))) for name in (DENSE, LAMBDA)}
        return {name: flat[name][None] for name in self.layout}

    def _parts(self) -> list[tuple[int, slice, slice]]:
        """Give each term's part of the standard deviations and of the correlations."""
        terms = self.whitening.scales.terms
        return list(zip(range(len(terms)), sd_slices(terms), cor_slices(terms), strict=True))

    def _noise(self, draws: Draws) -> dict[str, np.ndarray]:
        noise = self.parameters.of(Role.NOISE)
        return {} if noise is None else {noise.name: draws.values[NOISE]}
