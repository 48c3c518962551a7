"""From the parameters that Stan samples back to the model's own."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from stanhier.basics.threads import one_blas_thread
from stanhier.engines.draws import Draws
from stanhier.engines.engine import BLOCK_VALUES
from stanhier.engines.gaussian.marginal import LocationPriors
from stanhier.engines.multilevel.layout import (
    COR,
    EFFECTS,
    LAMBDA,
    LOCATION,
    NOISE,
    SD,
    cholesky_factors,
    correlation_matrices,
)
from stanhier.engines.parameters import Inventory, Parameter, Role
from stanhier.engines.rows.places import ScaleDraws
from stanhier.engines.rows.whitening import Whitening
from stanhier.stan.nuts import RawDraws

__all__ = ["RowsCoordinates"]


@dataclass(frozen=True)
class RowsCoordinates:
    """The coordinates that Stan samples in.

    Attributes
    ----------
    whitening : Whitening
    origin : numpy.ndarray, shape (K + 1,)
        Of [x_1 .. x_K, y]; 0 of responses that are not on the scale of the linear predictor.
    parameters : Inventory
        Those that all groups share.
    location_priors : LocationPriors
    """

    whitening: Whitening
    origin: np.ndarray
    parameters: Inventory
    location_priors: LocationPriors

    @property
    def layout(self) -> dict[str, tuple[int, ...]]:
        """The shape that each draw of each array has."""
        places = self.whitening.places
        sizes = {SD: places.n_sds, COR: places.n_correlations, EFFECTS: places.n_effects, LAMBDA: places.n_student}
        layout: dict[str, tuple[int, ...]] = {LOCATION: (len(self.whitening.location_hat),)}
        layout |= {NOISE: ()} if self.whitening.sigma is not None else {}
        layout |= dict.fromkeys(places.auxiliary, ())
        return layout | {name: (size,) for name, size in sizes.items() if size}

    @property
    def positive(self) -> frozenset[str]:
        """Names of the scales."""
        return frozenset(self.layout) - {LOCATION, COR, EFFECTS}

    def draws(self, raw: RawDraws) -> Draws:
        """Turn Stan's numbers into location, scales, correlations and effects."""
        shape = raw.z.shape[:2]
        z = raw.z.reshape(shape[0] * shape[1], -1)
        with one_blas_thread():
            flat = self._values(z)
        return Draws.of(raw, {name: flat[name].reshape(*shape, *size) for name, size in self.layout.items()})

    def mode(self, raw: RawDraws) -> Draws:
        """Turn the point that an optimiser found into one draw: the effects are among what it moves."""
        return self.draws(raw)

    def _values(self, z: np.ndarray) -> dict[str, np.ndarray]:
        whitening, places = self.whitening, self.whitening.places
        P, E = len(whitening.location_hat), places.n_effects
        phi = z[:, :P]
        scales = whitening.scales.draws(z[:, P + E :])
        known = {} if whitening.sigma is None else {NOISE: np.full(len(z), whitening.sigma)}
        return {
            LOCATION: whitening.location_hat + phi @ whitening.basis.T,
            **known,
            **scales.auxiliary,
            SD: scales.sd,
            COR: scales.cor,
            EFFECTS: self._effects(z[:, P : P + E], phi, scales),
            LAMBDA: scales.lambdas,
        }

    def _effects(self, zeta: np.ndarray, phi: np.ndarray, scales: ScaleDraws) -> np.ndarray:
        """Give all effects, some draws at a time: on the way there are several numbers for each."""
        places = self.whitening.places
        sigma = scales.auxiliary.get(NOISE, np.ones(len(zeta)))
        effects = np.empty_like(zeta)
        step = max(1, BLOCK_VALUES // max(places.n_effects, 1))
        for start in range(0, len(zeta), step):
            part = slice(start, start + step)
            factors = [
                cholesky_factors(scales.sd[part, sd], scales.cor[part, cor], term.blocks)
                for term, sd, cor in zip(places.terms, places.sds, places.cors, strict=True)
            ]
            effects[part] = self.whitening.effects.effects(zeta[part], phi[part], factors, sigma[part])
        return effects

    def sampled(self, draws: Draws) -> dict[str, np.ndarray]:
        """Give location parameters, standard deviations, correlations and auxiliary parameters."""
        location = draws.values[LOCATION]
        listed = [name for parameter in self.parameters.location for name in parameter.scalar_names]
        numbers = {name: location[:, :, k] for k, name in enumerate(listed)}
        places = self.whitening.places
        for role, array, parts in ((Role.GROUP_SD, SD, places.sds), (Role.GROUP_COR, COR, places.cors)):
            for parameter in self.parameters.all_of(role):
                own = draws.values[array][:, :, parts[parameter.term or 0]]
                numbers |= {name: own[:, :, k] for k, name in enumerate(parameter.scalar_names)}
        return numbers | {name: draws.values[name] for name in places.auxiliary}

    def population(self, draws: Draws) -> dict[str, np.ndarray]:
        """Give the parameters in the order of the inventory, the intercept at predictors of 0.

        Standard deviations are of shape (chains, draws, q), correlations of shape (chains, draws, q, q).
        """
        return {parameter.name: self._parameter(parameter, draws) for parameter in self.parameters}

    def _parameter(self, parameter: Parameter, draws: Draws) -> np.ndarray:
        location, term, places = draws.values[LOCATION], parameter.term or 0, self.whitening.places
        if parameter.role is Role.INTERCEPT:
            return np.asarray(location[:, :, 0] + self.origin[-1] - location[:, :, 1:] @ self.origin[:-1])
        if parameter.role is Role.SLOPES:
            return location[:, :, int(self.parameters.has_intercept) :]
        if parameter.role is Role.GROUP_SD:
            return draws.values[SD][:, :, places.sds[term]].reshape(*draws.shape, *parameter.shape)
        if parameter.role is Role.GROUP_COR:
            matrices = correlation_matrices(draws.flat(COR)[:, places.cors[term]], parameter.blocks)
            return matrices.reshape(*draws.shape, *matrices.shape[1:])
        return draws.values[parameter.name]

    def values_of(self, drawn: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
        """Give `Draws.values`, of one chain, from S draws of each parameter that has a prior, by name.

        Effects have none of their own: they are 0.
        """
        size, priors, places = len(next(iter(drawn.values()))), self.location_priors, self.whitening.places
        theta = np.column_stack([np.empty((size, 0)), *(drawn[one.name] for one in self.parameters.location)])
        location = np.linalg.solve(priors.transform, (theta - priors.offset).T).T if theta.size else theta
        sds = [drawn[one.name].reshape(size, -1) for one in self.parameters.all_of(Role.GROUP_SD)]
        pairs = [parameter.scalars(drawn[parameter.name]) for parameter in self.parameters.all_of(Role.GROUP_COR)]
        empty = np.empty((size, 0))
        flat = {LOCATION: location, SD: np.hstack([empty, *sds]), COR: np.hstack([empty, *pairs])}
        flat |= {NOISE: np.full(size, 1.0 if self.whitening.sigma is None else self.whitening.sigma)}
        flat |= {name: drawn[name] for name in places.auxiliary}
        flat |= {name: np.zeros((size, *self.layout.get(name, (0,)))) for name in (EFFECTS, LAMBDA)}
        return {name: flat[name][None] for name in self.layout}
