"""Effects of groups integrated out of the likelihood of rows, draw by draw.

Around the mode of the integrand, with the scale of its curvature there: by Gauss-Hermite quadrature where one or two
effects are integrated out, by importance sampling from Student t distributions beyond.

References
----------
Liu & Pierce (1994), A note on Gauss-Hermite quadrature, doi:10.1093/biomet/81.3.624.
Pinheiro & Bates (1995), Approximations to the log-likelihood function in the nonlinear mixed-effects model,
doi:10.1080/10618600.1995.10474663 (adaptive quadrature and importance sampling).
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from scipy import special

from stanhier.engines.engine import INTEGRATION_POINTS
from stanhier.engines.multilevel.small_matrices import backward, cholesky, forward
from stanhier.families.family import Family

__all__ = ["MOST_BY_QUADRATURE", "Integrand"]

type Point = tuple[np.ndarray, Any]
"""A point in units of the scale around the mode, (D, 1, 1) or (D, S, 1), and the logarithm of its weight."""

_NODES = {1: 15, 2: 9}
"""Nodes along each dimension, by the number of dimensions."""
MOST_BY_QUADRATURE = max(_NODES)
"""Effects of a set that quadrature integrates out, at most."""
_TAIL = 5.0
"""Degrees of freedom of the proposals of importance sampling."""
_STREAM = 64
"""Draws whose points of importance sampling come from one stream of random numbers."""
_MOST_STEPS = 60
_CONVERGED = 1e-8
"""Twice what a Newton step promises to gain, at most: the mode is known to 1e-4 of the scale before that step."""
_CHECKED = 1e-4
"""Steps that promise less are taken without a look at what they gain, which rounding may hide."""


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
    features : numpy.ndarray, shape (D, S, n)
        What the standardised effects of its set are multiplied by in each row.
    aux : dict
        Auxiliary parameters that broadcast with `eta`.
    trials : numpy.ndarray, shape (n,), or None
    first : int
        Position of the first draw among all: each has its own points of importance sampling.
    """

    family: Family
    y: np.ndarray
    starts: np.ndarray
    eta: np.ndarray
    features: np.ndarray
    aux: dict[str, Any]
    trials: np.ndarray | None
    first: int = 0

    def log_integrals(self) -> np.ndarray:
        """Give the logarithms of the integrals over the effects, shape (S, G)."""
        if self._size == 0:
            return self._sums(self.family.log_density(self.y, self.eta, self.aux, self.trials))
        total: np.ndarray | None = None
        for term in self._terms(self._nodes() if self._size in _NODES else self._proposed()):
            total = term if total is None else np.logaddexp(total, term)
        assert total is not None
        return total

    def log_weights(self) -> np.ndarray:
        """Give the weights of importance sampling, shape (points, S, G), as logarithms.

        Their sum is the integral.
        """
        return np.stack(list(self._terms(self._proposed())))

    def drawn(self, uniform: np.ndarray) -> np.ndarray:
        """Draw standardised effects given the rows, shape (D, S, G): a point of importance sampling, by its weight.

        Parameters
        ----------
        uniform : numpy.ndarray, shape (S, G)
            Which of them, as a share of their weights.

        References
        ----------
        Rubin (1988), Using the SIR algorithm to simulate posterior distributions, Bayesian Statistics 3.
        """
        proposed = list(self._proposed())
        logs = np.stack(list(self._terms(proposed)))
        cumulative = np.cumsum(np.exp(logs - logs.max(axis=0)), axis=0)
        chosen = np.minimum((cumulative < uniform * cumulative[-1]).sum(axis=0), len(logs) - 1)
        points = np.stack([point[..., 0] for point, _ in proposed])
        mode, scale, _ = self._around_mode
        noise = points[chosen, :, np.arange(len(self.eta))[:, None]]
        return np.asarray(mode + np.einsum("dksg,sgk->dsg", scale, noise))

    @property
    def _size(self) -> int:
        """D."""
        return len(self.features)

    @cached_property
    def _set_of_row(self) -> np.ndarray:
        lengths = np.diff(self.starts, append=len(self.y))
        return np.repeat(np.arange(len(self.starts)), lengths)

    def _sums(self, values: np.ndarray) -> np.ndarray:
        """Sum over the rows of each set, along the second axis."""
        return np.asarray(np.add.reduceat(values, self.starts, axis=1))

    @cached_property
    def _around_mode(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """The mode, (D, S, G), the scale around it, (D, D, S, G), and the logarithm of its determinant, (S, G)."""
        mode = self._mode()
        lower = cholesky(self._curvature(mode)[1])
        scale = np.stack([backward(lower, unit) for unit in np.eye(self._size)[..., None, None]], axis=1)
        return mode, scale, -np.log(np.einsum("iisg->isg", lower)).sum(axis=0)

    def _terms(self, points: Iterable[Point]) -> Iterator[np.ndarray]:
        """Give for each point the logarithm of what it adds to the integral, shape (S, G)."""
        mode, scale, log_scale = self._around_mode
        at = self._predictors(mode)
        along = [self._moved(column) for column in np.moveaxis(scale, 1, 0)]
        density, kernel = (
            of(self.y, at, self.aux, self.trials) for of in (self.family.log_density, self.family.log_kernel)
        )
        constant = self._sums(density - kernel) + log_scale
        constant -= 0.5 * self._size * np.log(2 * np.pi)
        for point, log_weight in points:
            eta, effects = at.copy(), mode.copy()
            for k, (place, column) in enumerate(zip(point, along, strict=True)):
                eta += place * column
                effects += place * scale[:, k]
            kernel = self.family.log_kernel(self.y, eta, self.aux, self.trials)
            yield self._sums(kernel) + (constant + log_weight - 0.5 * np.square(effects).sum(axis=0))

    def _moved(self, effects: np.ndarray) -> np.ndarray:
        """Give what standardised effects, shape (D, S, G), add to the linear predictors, shape (S, n)."""
        total = np.zeros_like(self.eta)
        for feature, effect in zip(self.features, effects, strict=True):
            total += feature * effect[:, self._set_of_row]
        return total

    def _predictors(self, effects: np.ndarray) -> np.ndarray:
        return np.asarray(self.eta + self._moved(effects))

    def _log_value(self, effects: np.ndarray) -> np.ndarray:
        """Give the logarithm of the integrand at standardised effects, shape (D, S, G), up to a constant."""
        kernel = self.family.log_kernel(self.y, self._predictors(effects), self.aux, self.trials)
        return np.asarray(self._sums(kernel) - 0.5 * np.square(effects).sum(axis=0))

    def _curvature(self, effects: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Give the gradient, (D, S, G), and minus a second derivative, (D, D, S, G), of the logarithm."""
        score, weight = self.family.slopes(self.y, self._predictors(effects), self.aux, self.trials)
        gradient, curvature = np.empty_like(effects), np.empty((self._size, *effects.shape))
        for i, feature in enumerate(self.features):
            gradient[i] = self._sums(feature * score) - effects[i]
            weighted = feature * weight
            for j in range(i + 1):
                curvature[i, j] = curvature[j, i] = self._sums(weighted * self.features[j]) + float(i == j)
        return gradient, curvature

    def _mode(self) -> np.ndarray:
        """Climb to the greatest value by Newton steps, each halved until it climbs; shape (D, S, G)."""
        mode = np.zeros((self._size, len(self.eta), len(self.starts)))
        value = self._log_value(mode)
        for _ in range(_MOST_STEPS):
            gradient, curvature = self._curvature(mode)
            lower = cholesky(curvature)
            half = forward(lower, gradient)
            step, promised = backward(lower, half), np.square(half).sum(axis=0)
            for _ in range(_MOST_STEPS):
                there = self._log_value(mode + step)
                worse = (promised > _CHECKED) & ~(there >= value)
                if not worse.any():
                    break
                step[:, worse] *= 0.5
            else:
                step[:, worse], there = 0.0, np.where(worse, value, there)
            mode, value = mode + step, there
            if promised.max(initial=0.0) < _CONVERGED:
                break
        return mode

    def _nodes(self) -> Iterator[Point]:
        """Give the nodes of quadrature."""
        size = self._size
        nodes, weights = np.polynomial.hermite.hermgauss(_NODES[size])
        grid = np.stack(np.meshgrid(*[nodes] * size, indexing="ij"), axis=-1).reshape(-1, size)
        logs = np.log(np.stack(np.meshgrid(*[weights] * size, indexing="ij"), axis=-1)).sum(axis=-1).ravel()
        for node, log_weight in zip(grid, logs, strict=True):
            yield np.sqrt(2.0) * node[:, None, None], log_weight + node @ node + 0.5 * size * np.log(2.0)

    def _proposed(self) -> Iterator[Point]:
        """Give the points of importance sampling."""
        for noise in self._proposals():
            log_weight = -self._log_proposal(noise) - np.log(float(INTEGRATION_POINTS))
            yield noise, log_weight
            yield -noise, log_weight

    def _proposals(self) -> np.ndarray:
        """Draw half of the points, shape (points, D, S, 1): those of a draw are alike for all sets, in any company."""
        size, last = self._size, self.first + len(self.eta)
        streams = range(self.first // _STREAM, -(-last // _STREAM))
        parts = []
        for stream in streams:
            rng = np.random.default_rng([0x69, size, stream])
            noise = rng.standard_normal((INTEGRATION_POINTS // 2, size, _STREAM))
            parts.append(noise / np.sqrt(rng.chisquare(_TAIL, (INTEGRATION_POINTS // 2, 1, _STREAM)) / _TAIL))
        start = self.first - _STREAM * streams.start
        return np.concatenate(parts, axis=-1)[..., start : start + len(self.eta), None]

    def _log_proposal(self, points: np.ndarray) -> np.ndarray:
        """Give the log density of the multivariate Student t of proposals, shape (S, 1)."""
        size = self._size
        constant = special.gammaln((_TAIL + size) / 2) - special.gammaln(_TAIL / 2) - size / 2 * np.log(_TAIL * np.pi)
        squares = np.square(points).sum(axis=0)
        return np.asarray(constant - (_TAIL + size) / 2 * np.log1p(squares / _TAIL))
