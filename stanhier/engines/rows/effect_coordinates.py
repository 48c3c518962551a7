"""Coordinates of effects in which they are nearly independent standard normal, whatever their scales are.

Where rows tell of the effects of a level by a quadratic log density, -b'Hb / 2 + b'(c - C phi), and the effects are
normal with covariance Lambda Lambda' a priori, b = Lambda L'^-1 (L^-1 Lambda'(c - C phi) + zeta), LL' = I + Lambda'H
Lambda, makes zeta standard normal given all else. In a chain of nested terms the effects of finer terms are integrated
out one after the other on the way up, and what those of coarser terms are is taken off on the way down.

References
----------
Papaspiliopoulos, Roberts & Skoeld (2007), doi:10.1214/088342307000000014.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from stanhier.engines.multilevel.layout import TermShape, effect_slices
from stanhier.engines.multilevel.small_matrices import cholesky, forward, multiply
from stanhier.engines.rows.chains import Chains
from stanhier.engines.rows.reference import Reference

__all__ = ["EffectCoordinates", "effect_coordinates", "summed"]


@dataclass(frozen=True)
class EffectCoordinates:
    """What the coordinates of effects are made of; sigma is that of the reference point where it scales them.

    Attributes
    ----------
    terms : tuple of TermShape
    chains : Chains
    info : tuple of numpy.ndarray, shape (J, q, q)
        H of each term; 0 of terms with finer ones.
    pulled : tuple of numpy.ndarray, shape (J, q)
        c; likewise.
    coupling : tuple of numpy.ndarray, shape (J, q, P)
        C; likewise.
    b_hat : tuple of numpy.ndarray, shape (J, q)
        The effects at the reference point.
    sigma_hat : float
        H, c and C are multiplied by (sigma_hat / sigma)^2; 0 where they do not depend on sigma.
    """

    terms: tuple[TermShape, ...]
    chains: Chains
    info: tuple[np.ndarray, ...]
    pulled: tuple[np.ndarray, ...]
    coupling: tuple[np.ndarray, ...]
    b_hat: tuple[np.ndarray, ...]
    sigma_hat: float

    def effects(
        self, zeta: np.ndarray, phi: np.ndarray, factors: Sequence[np.ndarray], sigma: np.ndarray
    ) -> np.ndarray:
        """Give effects of draws.

        Parameters
        ----------
        zeta : numpy.ndarray, shape (S, sum of J q)
        phi : numpy.ndarray, shape (S, P)
        factors : sequence of numpy.ndarray, shape (S, q, q)
            Lambda of each term.
        sigma : numpy.ndarray, shape (S,)

        Returns
        -------
        numpy.ndarray, shape (S, sum of J q)
        """
        scale = (self.sigma_hat / sigma) ** 2 if self.sigma_hat else np.ones(len(sigma))
        found = np.empty_like(zeta)
        places = effect_slices(self.terms)
        for unit in self.chains.units:
            own = [zeta[:, places[t]] for t in unit]
            right = [self._right(t, phi, scale) for t in unit]
            if len(unit) == 1:
                (t,) = unit
                found[:, places[t]] = _own(factors[t], self.info[t], scale, right[0], own[0])
                continue
            sds = [factors[t][:, 0, 0] for t in unit]
            for t, effects in zip(unit, self._chain(unit, sds, scale, right, own), strict=True):
                found[:, places[t]] = effects
        return found

    def _right(self, t: int, phi: np.ndarray, scale: np.ndarray) -> np.ndarray:
        """Give c - C phi of draws, shape (S, J q)."""
        right = self.pulled[t].ravel() - phi @ self.coupling[t].reshape(self.terms[t].n_effects, phi.shape[1]).T
        return np.asarray(scale[:, None] * right)

    def _chain(
        self,
        unit: Sequence[int],
        sds: Sequence[np.ndarray],
        scale: np.ndarray,
        right: list[np.ndarray],
        zeta: Sequence[np.ndarray],
    ) -> list[np.ndarray]:
        """Give the effects of the terms of a chain, shape (S, J) each."""
        H = [scale[:, None] * self.info[t][:, 0, 0] for t in unit]
        for k, (below, t) in enumerate(pairwise(unit)):
            parents, n_levels = self.chains.parents[below], self.terms[t].n_levels
            left = 1.0 / (1.0 + sds[k][:, None] ** 2 * H[k])
            up = summed(H[k] * left, parents, n_levels)
            H[k + 1] = H[k + 1] + up
            right[k + 1] = right[k + 1] + summed(right[k] * left, parents, n_levels) + up * self.b_hat[t][:, 0]
        found: list[np.ndarray] = [np.empty(0)] * len(unit)
        away: np.ndarray | None = None
        for k in reversed(range(len(unit))):
            t, sd = unit[k], sds[k][:, None]
            if away is not None:
                away = away[:, self.chains.parents[t]]
                right[k] = right[k] - H[k] * away
            root = np.sqrt(1.0 + sd**2 * H[k])
            found[k] = sd / root * (sd / root * right[k] + zeta[k])
            away = found[k] - self.b_hat[t][:, 0] + (0.0 if away is None else away)
        return found


def summed(values: np.ndarray, parents: np.ndarray, n_levels: int) -> np.ndarray:
    """Sum values of levels, shape (S, J), over those that lie in one of a coarser term, shape (S, n_levels)."""
    order = np.argsort(parents, kind="stable")
    present, starts = np.unique(parents[order], return_index=True)
    total = np.zeros((len(values), n_levels))
    total[:, present] = np.add.reduceat(values[:, order], starts, axis=1)
    return total


def _own(factors: np.ndarray, info: np.ndarray, scale: np.ndarray, right: np.ndarray, zeta: np.ndarray) -> np.ndarray:
    """Give effects of a term by itself, shape (S, J q)."""
    J, q, _ = info.shape
    if q == 1:
        sd = factors[:, 0, 0, None]
        root = np.sqrt(1.0 + sd**2 * scale[:, None] * info[:, 0, 0])
        return np.asarray(sd / root * (sd / root * right + zeta))
    Lambda = np.moveaxis(factors, 0, -1)[..., None]
    H = np.moveaxis(info, 0, -1)[:, :, None, :] * scale[:, None]
    half = np.stack([multiply(H, Lambda[:, m]) for m in range(q)], axis=1)
    inner = np.stack([multiply(half.swapaxes(0, 1), Lambda[:, k]) for k in range(q)])
    inner += np.eye(q)[:, :, None, None]
    lower = cholesky(inner)
    by_effect = [np.moveaxis(values.reshape(-1, J, q), -1, 0) for values in (right, zeta)]
    v = forward(lower, multiply(Lambda.swapaxes(0, 1), by_effect[0])) + by_effect[1]
    # L'^-1 by going backwards.
    v = forward(lower.swapaxes(0, 1)[::-1, ::-1], v[::-1])[::-1]
    return np.moveaxis(multiply(Lambda, v), 0, -1).reshape(len(zeta), J * q)


def effect_coordinates(
    terms: tuple[TermShape, ...], chains: Chains, reference: Reference, basis: np.ndarray, sigma_hat: float
) -> EffectCoordinates:
    """Take the coordinates from the equations at the reference point.

    The coupling is minus what moves the joint mode of all effects: those of terms by themselves would add up to more
    than the rows tell.

    Parameters
    ----------
    terms : tuple of TermShape
    chains : Chains
    reference : Reference
    basis : numpy.ndarray, shape (P, P)
        Of the location.
    sigma_hat : float
        As `EffectCoordinates` has it.
    """
    P = len(basis)
    moved = [
        (shift @ basis).reshape(term.n_levels, term.q, P)
        for term, shift in zip(terms, reference.system.shifts(), strict=True)
    ]
    b_hat = [b.reshape(term.n_levels, term.q) for term, b in zip(terms, reference.effects, strict=True)]
    info, pulled, coupling = list(reference.information.own), [], []
    for t, covariance in enumerate(reference.covariances):
        whole = info[t] + np.linalg.inv(covariance)
        pulled.append(np.einsum("jkl,jl->jk", whole, b_hat[t]))
        coupling.append(-np.einsum("jkl,jlp->jkp", whole, moved[t]))
    for unit in chains.units:
        ancestors = 0.0
        for t, below in zip(unit[:0:-1], unit[-2::-1], strict=True):
            ancestors = (moved[t] + ancestors)[chains.parents[below]]
        if len(unit) > 1:
            coupling[unit[0]] = coupling[unit[0]] - info[unit[0]] @ ancestors
        for t in unit[1:]:
            info[t], pulled[t], coupling[t] = (np.zeros_like(part[t]) for part in (info, pulled, coupling))
    return EffectCoordinates(terms, chains, tuple(info), tuple(pulled), tuple(coupling), tuple(b_hat), sigma_hat)
