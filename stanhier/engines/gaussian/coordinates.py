"""From the whitened parameters that Stan samples back to the model's own."""

from dataclasses import dataclass

import numpy as np

from stanhier.basics.threads import one_blas_thread
from stanhier.engines.draws import Draws
from stanhier.engines.gaussian.whitening import Whitening
from stanhier.engines.parameters import Inventory, Role
from stanhier.families.noise import Noise
from stanhier.stan.nuts import RawDraws

__all__ = ["LOCATION", "NOISE", "SPREAD", "GaussianCoordinates"]

LOCATION, NOISE, SPREAD = "location", "sigma", "sigma_alpha"
"""Names of `Draws.values`: the intercept at the origin of the compressed data, relative to the response there, then the
slopes; the residual standard deviation, constant where it is known; that of the groups."""


@dataclass(frozen=True)
class GaussianCoordinates:
    """The coordinates that Stan samples in, and where the origin of the compressed data lies.

    Attributes
    ----------
    whitening : Whitening
    origin : numpy.ndarray, shape (K + 1,)
        Of [x_1 .. x_K, y].
    noise : Noise
    parameters : Inventory
        Those that all groups share.
    """

    whitening: Whitening
    origin: np.ndarray
    noise: Noise
    parameters: Inventory

    @property
    def grouped(self) -> bool:
        """Whether intercepts vary."""
        return self.parameters.of(Role.GROUP_SD) is not None

    @property
    def layout(self) -> dict[str, tuple[int, ...]]:
        """The shape that each draw of each array has."""
        layout: dict[str, tuple[int, ...]] = {LOCATION: (len(self.whitening.location_hat),), NOISE: ()}
        return layout | ({SPREAD: ()} if self.grouped else {})

    @property
    def positive(self) -> frozenset[str]:
        """Names of the scales."""
        return frozenset(self.layout) - {LOCATION}

    def draws(self, raw: RawDraws) -> Draws:
        """Turn Stan's whitened parameters into the model's."""
        chains, draws, _ = raw.z.shape
        scales = np.exp(self.whitening.log_scales(raw.z_scale.reshape(chains * draws, -1)))
        known = self.noise.unit
        sigma = np.full(chains * draws, known) if known is not None else scales[:, -1]
        sigma_alpha = scales[:, 0] if self.grouped else None
        with one_blas_thread():
            location = self.whitening.locations(raw.z.reshape(chains * draws, -1), sigma, sigma_alpha)
        values = {LOCATION: location.reshape(chains, draws, -1), NOISE: sigma.reshape(chains, draws)}
        if sigma_alpha is not None:
            values[SPREAD] = sigma_alpha.reshape(chains, draws)
        return Draws.of(raw, values)

    def mode(self, raw: RawDraws) -> Draws:
        """Turn the point that the optimiser found into one draw; nothing that all groups share was integrated out."""
        return self.draws(raw)

    def sampled(self, draws: Draws) -> dict[str, np.ndarray]:
        """Give the location parameters, the intercept where it was sampled, and the estimated scales."""
        location = draws.values[LOCATION]
        names = [name for parameter in self.parameters.location for name in parameter.scalar_names]
        numbers = {name: location[:, :, k] for k, name in enumerate(names)}
        return numbers | self._scales(draws)

    def population(self, draws: Draws) -> dict[str, np.ndarray]:
        """Give the parameters in the order of the inventory, the intercept at predictors of 0."""
        location = draws.values[LOCATION]
        first = int(self.parameters.has_intercept)
        scales = self._scales(draws)
        values: dict[str, np.ndarray] = {}
        for parameter in self.parameters:
            if parameter.role is Role.INTERCEPT:
                values[parameter.name] = location[:, :, 0] + self.origin[-1] - location[:, :, 1:] @ self.origin[:-1]
            elif parameter.role is Role.SLOPES:
                values[parameter.name] = location[:, :, first:]
            else:
                (number,) = (scales[name] for name in parameter.scalar_names)
                values[parameter.name] = number if parameter.labels is None else number[:, :, None]
        return values

    def _scales(self, draws: Draws) -> dict[str, np.ndarray]:
        """Give the estimated scales by the names of their numbers."""
        source = {Role.GROUP_SD: SPREAD, Role.NOISE: NOISE}
        return {name: draws.values[source[one.role]] for one in self.parameters.scales for name in one.scalar_names}
