"""Where the scale coordinates of explicit_effects.stan stand, and what their draws are."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from stanhier.engines.gaussian.scale_coordinates import SoftLogarithm
from stanhier.engines.multilevel.correlations import correlations
from stanhier.engines.multilevel.layout import ScalePlaces, effect_slices

__all__ = ["Places", "ScaleCoordinates", "ScaleDraws"]


@dataclass(frozen=True)
class Places(ScalePlaces):
    """Where the coordinates u of scales stand.

    In this order: soft logarithms of standard deviations, inverse hyperbolic tangents of partial correlations, and
    logarithms of auxiliary parameters and of the factors on precisions of Student t priors.

    Attributes
    ----------
    terms : tuple of TermShape
    auxiliary : tuple of str
        Names of the auxiliary parameters that are estimated.
    n_student : int
        Number of Student t priors of the location.
    """

    auxiliary: tuple[str, ...]
    n_student: int

    @cached_property
    def effects(self) -> list[slice]:
        """Each term's part of the effects."""
        return effect_slices(self.terms)

    @cached_property
    def n_effects(self) -> int:
        """Number of effects of all levels of all terms."""
        return sum(term.n_effects for term in self.terms)

    @cached_property
    def of_auxiliary(self) -> slice:
        """The auxiliary parameters."""
        return slice(self.partial.stop, self.partial.stop + len(self.auxiliary))

    @cached_property
    def of_lambda(self) -> slice:
        """The factors on precisions."""
        return slice(self.of_auxiliary.stop, self.size)

    @property
    def size(self) -> int:
        """Number of coordinates of scales."""
        return self.n_sds + self.n_correlations + len(self.auxiliary) + self.n_student

    def of_terms(self, chosen: Sequence[int]) -> np.ndarray:
        """Give the positions of some terms' standard deviations, then of their partial correlations."""
        sds = [np.arange(self.sds[t].start, self.sds[t].stop) for t in chosen]
        cors = [self.n_sds + np.arange(self.cors[t].start, self.cors[t].stop) for t in chosen]
        return np.concatenate([*sds, *cors])


@dataclass(frozen=True)
class ScaleDraws:
    """Draws of scales and correlations.

    Attributes
    ----------
    sd : numpy.ndarray, shape (S, Q)
    cor : numpy.ndarray, shape (S, C)
    auxiliary : dict of numpy.ndarray, shape (S,)
        Those that are estimated, by name.
    lambdas : numpy.ndarray, shape (S, n_student)
    """

    sd: np.ndarray
    cor: np.ndarray
    auxiliary: Mapping[str, np.ndarray]
    lambdas: np.ndarray


@dataclass(frozen=True)
class ScaleCoordinates:
    """The coordinates of scales: u = u_hat + u_basis @ z.

    Attributes
    ----------
    places : Places
    softness : numpy.ndarray, shape (Q,)
        Of the soft logarithms of the standard deviations.
    u_hat : numpy.ndarray, shape (L,)
    u_basis : numpy.ndarray, shape (L, L)
    """

    places: Places
    softness: np.ndarray
    u_hat: np.ndarray
    u_basis: np.ndarray

    def draws(self, z: np.ndarray) -> ScaleDraws:
        """Give scales and correlations of z, shape (S, L)."""
        u, places = self.u_hat + z @ self.u_basis.T, self.places
        partial = u[:, places.partial]
        cor = [correlations(partial[:, part], t.blocks) for t, part in zip(places.terms, places.cors, strict=True)]
        auxiliary = np.exp(u[:, places.of_auxiliary])
        return ScaleDraws(
            sd=np.exp(SoftLogarithm(self.softness).logarithm(u[:, : places.n_sds])),
            cor=np.hstack([np.empty((len(u), 0)), *cor]),
            auxiliary=dict(zip(places.auxiliary, auxiliary.T, strict=True)),
            lambdas=np.exp(u[:, places.of_lambda]),
        )

    def with_softness(self, softness: np.ndarray) -> "ScaleCoordinates":
        """Give the coordinates with other soft logarithms."""
        n = self.places.n_sds
        old, new = SoftLogarithm(self.softness), SoftLogarithm(softness)
        log_x = old.logarithm(self.u_hat[:n])
        u_hat, u_basis = self.u_hat.copy(), self.u_basis.copy()
        u_hat[:n] = new.coordinate(log_x)
        u_basis[:n] *= (new.slope(log_x) / old.slope(log_x))[:, None]
        return ScaleCoordinates(self.places, softness, u_hat, u_basis)

    def in_logarithms(self) -> "ScaleCoordinates":
        """Give the coordinates in which the scales are logarithms to double precision."""
        log_x = SoftLogarithm(self.softness).logarithm(self.u_hat[: self.places.n_sds])
        return self.with_softness(1e12 * np.exp(log_x))
