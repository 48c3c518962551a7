"""From the whitened parameters that Stan samples back to the model's own."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from stanhier.basics.threads import one_blas_thread
from stanhier.engines.draws import Draws
from stanhier.engines.gaussian.marginal import LocationPriors
from stanhier.engines.multilevel.layout import (
    COR,
    DENSE,
    LOCATION,
    NOISE,
    SD,
    cholesky_factors,
    cor_slices,
    correlation_matrices,
    dense_slices,
    sd_slices,
)
from stanhier.engines.multilevel.marginal import MarginalPosterior
from stanhier.engines.multilevel.recovery import draw_location
from stanhier.engines.multilevel.whitening import Whitening
from stanhier.engines.parameters import Inventory, Role
from stanhier.stan.nuts import RawDraws

__all__ = ["MultilevelCoordinates", "TermNames"]


@dataclass(frozen=True)
class TermNames:
    """What the scales of one term are called.

    Attributes
    ----------
    sd : str
        The parameter of the standard deviations.
    sds : tuple of str
        Names of its numbers, effect by effect.
    cor : str or None
        The parameter of the correlations, where there are any.
    cors : tuple of str
        Names of its different numbers, in the order of the correlations.
    """

    sd: str
    sds: tuple[str, ...]
    cor: str | None
    cors: tuple[str, ...]


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
    names : tuple of TermNames
        Of each term.
    """

    whitening: Whitening
    posterior: MarginalPosterior
    origin: np.ndarray
    parameters: Inventory
    names: tuple[TermNames, ...]

    @property
    def layout(self) -> dict[str, tuple[int, ...]]:
        """The shape that each draw of each array has."""
        n_location, scales = len(self.whitening.axes.centre), self.whitening.scales
        layout: dict[str, tuple[int, ...]] = {LOCATION: (n_location,), NOISE: (), SD: (scales.n_sds,)}
        if scales.n_correlations:
            layout[COR] = (scales.n_correlations,)
        n_dense = self._n_integrated - n_location
        return layout | ({DENSE: (n_dense,)} if n_dense else {})

    @property
    def positive(self) -> frozenset[str]:
        """Names of the scales."""
        return frozenset({SD, NOISE})

    def draws(self, raw: RawDraws) -> Draws:
        """Turn Stan's whitened parameters into the model's, and draw location and dense effects given them."""
        shape = raw.z.shape[:2]
        with one_blas_thread():
            scales = self.whitening.draws(raw.z.reshape(shape[0] * shape[1], -1))
            noise = np.random.default_rng([raw.seed, 0x6C]).standard_normal((len(scales.sigma), self._n_integrated))
            dense, location = draw_location(self.posterior, self.whitening.axes, scales, noise)
        flat = {LOCATION: location, NOISE: scales.sigma, SD: scales.sd, COR: scales.cor, DENSE: dense}
        return Draws(
            values={name: flat[name].reshape(*shape, *size) for name, size in self.layout.items()},
            statistics=raw.statistics,
            seed=raw.seed,
            max_treedepth=raw.max_treedepth,
            cmdstan=raw.cmdstan,
            failed_chains=raw.failed_chains,
        )

    def sampled(self, draws: Draws) -> dict[str, np.ndarray]:
        """Give location parameters, standard deviations, correlations and sigma where it is estimated."""
        location = draws.values[LOCATION]
        listed = [name for parameter in self.parameters.location for name in parameter.scalar_names]
        numbers = {name: location[:, :, k] for k, name in enumerate(listed)}
        for names, sd, cor in self._parts():
            numbers |= {name: draws.values[SD][:, :, sd][:, :, k] for k, name in enumerate(names.sds)}
            if names.cors:
                numbers |= {name: draws.values[COR][:, :, cor][:, :, k] for k, name in enumerate(names.cors)}
        return numbers | self._noise(draws)

    def population(self, draws: Draws) -> dict[str, np.ndarray]:
        """Give the parameters in the order of the inventory, the intercept at predictors of 0.

        Standard deviations are of shape (chains, draws, q), correlations of shape (chains, draws, q, q).
        """
        location, first = draws.values[LOCATION], int(self.parameters.has_intercept)
        values = self._noise(draws)
        for parameter in self.parameters.location:
            if parameter.role is Role.INTERCEPT:
                values[parameter.name] = location[:, :, 0] + self.origin[-1] - location[:, :, 1:] @ self.origin[:-1]
            else:
                values[parameter.name] = location[:, :, first:]
        for term, (names, sd, cor) in zip(self.whitening.scales.terms, self._parts(), strict=True):
            values[names.sd] = draws.values[SD][:, :, sd]
            if names.cor is not None:
                matrices = correlation_matrices(draws.flat(COR)[:, cor], term.blocks)
                values[names.cor] = matrices.reshape(*draws.shape, term.q, term.q)
        return {parameter.name: values[parameter.name] for parameter in self.parameters if parameter.name in values}

    def values_of(
        self, scalars: Mapping[str, np.ndarray], priors: LocationPriors, noise: np.ndarray
    ) -> dict[str, np.ndarray]:
        """Give `Draws.values`, of one chain, from draws of each number that has a prior.

        Parameters
        ----------
        scalars : mapping of numpy.ndarray, shape (S,)
            By the names that `sampled` gives: location parameters as their priors have them, scales, correlations.
        priors : LocationPriors
        noise : numpy.ndarray, shape (S, M)
            Standard normal: the dense effects are those that it stands for.
        """
        size, scales = len(noise), self.whitening.scales
        listed = [name for parameter in self.parameters.location for name in parameter.scalar_names]
        theta = np.column_stack([np.empty((size, 0)), *(scalars[name] for name in listed)])
        location = np.linalg.solve(priors.transform, (theta - priors.offset).T).T if listed else theta
        sd = np.column_stack([scalars[name] for names in self.names for name in names.sds])
        cor = np.column_stack([np.empty((size, 0)), *(scalars[n] for names in self.names for n in names.cors)])
        known = self.whitening.sigma
        sigma = np.full(size, known) if known is not None else self._noise_of(scalars)
        dense = np.empty_like(noise)
        places = dense_slices(scales.terms, self.posterior.eliminated)
        for term, place, (_, own, pairs) in zip(scales.terms, places, self._parts(), strict=True):
            factors = cholesky_factors(sd[:, own], cor[:, pairs], term.blocks)
            effects = noise[:, place].reshape(size, -1, term.q) @ factors.swapaxes(1, 2)
            dense[:, place] = effects.reshape(size, -1)
        flat = {LOCATION: location, NOISE: sigma, SD: sd, COR: cor, DENSE: dense}
        return {name: flat[name][None] for name in self.layout}

    @property
    def _n_integrated(self) -> int:
        """Dense effects and location parameters, M + P."""
        return len(self.posterior.G0) - 1

    def _parts(self) -> list[tuple[TermNames, slice, slice]]:
        terms = self.whitening.scales.terms
        return list(zip(self.names, sd_slices(terms), cor_slices(terms), strict=True))

    def _noise(self, draws: Draws) -> dict[str, np.ndarray]:
        noise = self.parameters.of(Role.NOISE)
        return {} if noise is None else {noise.name: draws.values[NOISE]}

    def _noise_of(self, scalars: Mapping[str, np.ndarray]) -> np.ndarray:
        noise = self.parameters.of(Role.NOISE)
        assert noise is not None
        return scalars[noise.name]
