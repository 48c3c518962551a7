"""Effects of groups integrated out of the likelihood of rows, draw by draw.

Around the mode of the integrand, with the scale of its curvature there: by Gauss-Hermite quadrature where one or two
effects are integrated out, by importance sampling from Student t distributions beyond.

References
----------
Liu & Pierce (1994), A note on Gauss-Hermite quadrature, doi:10.1093/biomet/81.3.624.
Pinheiro & Bates (1995), Approximations to the log-likelihood function in the nonlinear mixed-effects model,
doi:10.1080/10618600.1995.10474663 (adaptive quadrature and importance sampling).
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from scipy import special

from stanhier.families.family import Family

__all__ = ["Integrand"]

_NODES = {1: 15, 2: 9}
"""Nodes along each dimension, by the number of dimensions."""
_PAIRS = 100
"""Antithetic pairs of importance sampling."""
_TAIL = 5.0
"""Degrees of freedom of its proposals."""
_MOST_STEPS = 60
_CONVERGED = 1e-7


@dataclass(frozen=True)
class Integrand:
    """Likelihoods of G sets of rows times standard normal densities of D standardised effects, for S draws.

    Attributes
    ----------
    family : Family
    y : numpy.ndarray, shape (n,)
        Responses, set by set.
    starts : numpy.ndarray of int, shape (G,)
        First row of each set.
    eta : numpy.ndarray, shape (S, n)
        Linear predictors without the effects.
    features : numpy.ndarray, shape (S, n, D)
        What the standardised effects of its set are multiplied by in each row.
    aux : dict
        Auxiliary parameters that broadcast with `eta`.
    trials : numpy.ndarray, shape (n,), or None
    """

    family: Family
    y: np.ndarray
    starts: np.ndarray
    eta: np.ndarray
    features: np.ndarray
    aux: dict[str, Any]
    trials: np.ndarray | None

    def log_integrals(self) -> np.ndarray:
        """Give the logarithms of the integrals over the effects, shape (S, G)."""
        if self._size == 0:
            return self._sums(self.family.log_density(self.y, self.eta, self.aux, self.trials))
        mode = self._mode()
        lower = np.linalg.cholesky(self._curvature(mode)[1])
        scale = np.swapaxes(np.linalg.inv(lower), -1, -2)
        log_scale = -np.log(np.diagonal(lower, axis1=-2, axis2=-1)).sum(axis=-1)
        total = np.full(mode.shape[:2], -np.inf)
        for points, log_weight in self._points(len(mode)):
            at = mode + np.einsum("sgkl,sgl->sgk", scale, np.broadcast_to(points, mode.shape))
            total = np.logaddexp(total, self._log_value(at) + log_weight)
        return np.asarray(total + log_scale)

    @property
    def _size(self) -> int:
        """D."""
        return int(self.features.shape[-1])

    @cached_property
    def _set_of_row(self) -> np.ndarray:
        lengths = np.diff(self.starts, append=len(self.y))
        return np.repeat(np.arange(len(self.starts)), lengths)

    def _sums(self, values: np.ndarray) -> np.ndarray:
        """Sum over the rows of each set, along the second axis."""
        return np.asarray(np.add.reduceat(values, self.starts, axis=1))

    def _predictors(self, effects: np.ndarray) -> np.ndarray:
        return np.asarray(self.eta + np.einsum("snd,snd->sn", self.features, effects[:, self._set_of_row]))

    def _log_value(self, effects: np.ndarray) -> np.ndarray:
        """Give the logarithm of the integrand at standardised effects, shape (S, G, D)."""
        density = self.family.log_density(self.y, self._predictors(effects), self.aux, self.trials)
        prior = -0.5 * np.square(effects).sum(axis=-1) - 0.5 * self._size * np.log(2 * np.pi)
        return np.asarray(self._sums(density) + prior)

    def _curvature(self, effects: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Give the gradient, (S, G, D), and minus a second derivative, (S, G, D, D), of the logarithm."""
        score, weight = self.family.slopes(self.y, self._predictors(effects), self.aux, self.trials)
        gradient = self._sums(self.features * score[..., None]) - effects
        squares = self.features[..., :, None] * (self.features * weight[..., None])[..., None, :]
        return gradient, np.eye(self._size) + self._sums(squares)

    def _mode(self) -> np.ndarray:
        """Climb to the greatest value by Newton steps, each halved until it climbs."""
        mode = np.zeros((len(self.eta), len(self.starts), self._size))
        value = self._log_value(mode)
        for _ in range(_MOST_STEPS):
            gradient, curvature = self._curvature(mode)
            step = np.linalg.solve(curvature, gradient[..., None])[..., 0]
            for _ in range(_MOST_STEPS):
                there = self._log_value(mode + step)
                worse = ~(there >= value - 1e-12 * np.abs(value))
                if not worse.any():
                    break
                step[worse] *= 0.5
            else:
                step[worse], there = 0.0, np.where(worse, value, there)
            mode, value = mode + step, there
            if np.abs(step).max(initial=0.0) < _CONVERGED:
                break
        return mode

    def _points(self, n_draws: int) -> Iterator[tuple[np.ndarray, Any]]:
        """Give points in units of the scale, each with the logarithm of its weight."""
        if self._size in _NODES:
            nodes, weights = np.polynomial.hermite.hermgauss(_NODES[self._size])
            grid = np.stack(np.meshgrid(*[nodes] * self._size, indexing="ij"), axis=-1).reshape(-1, self._size)
            logs = np.log(np.stack(np.meshgrid(*[weights] * self._size, indexing="ij"), axis=-1)).sum(axis=-1).ravel()
            for node, log_weight in zip(grid, logs, strict=True):
                yield np.sqrt(2.0) * node, log_weight + node @ node + 0.5 * self._size * np.log(2.0)
            return
        # The same numbers for all sets, so that a set's density is alike in any company.
        rng = np.random.default_rng([0x69, self._size])
        for _ in range(_PAIRS):
            noise = rng.standard_normal((n_draws, 1, self._size))
            noise /= np.sqrt(rng.chisquare(_TAIL, (n_draws, 1, 1)) / _TAIL)
            log_weight = -self._proposal(noise) - np.log(2.0 * _PAIRS)
            yield noise, log_weight
            yield -noise, log_weight

    def _proposal(self, points: np.ndarray) -> np.ndarray:
        """Give the log density of the multivariate Student t of proposals, shape (S, 1)."""
        size = self._size
        constant = special.gammaln((_TAIL + size) / 2) - special.gammaln(_TAIL / 2) - size / 2 * np.log(_TAIL * np.pi)
        squares = np.square(points).sum(axis=-1)
        return np.asarray(constant - (_TAIL + size) / 2 * np.log1p(squares / _TAIL))
