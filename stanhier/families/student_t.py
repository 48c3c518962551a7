"""Responses with heavy tails."""

from dataclasses import dataclass
from numbers import Real

import numpy as np
from scipy import special

from stanhier.basics.arguments import made_in_our_words
from stanhier.basics.errors import DataError
from stanhier.basics.magnitudes import LARGEST, SMALLEST
from stanhier.basics.words import quoted
from stanhier.families.family import Auxiliary, Family

__all__ = ["StudentTResponse"]


@made_in_our_words({})
@dataclass(frozen=True, repr=False)
class StudentTResponse(Family):
    """Student t responses, y ~ student_t(nu, eta, sigma): `sigma` is their scale, not their standard deviation.

    Parameters
    ----------
    link : {"identity"}
    nu : float, optional
        Fixes the degrees of freedom; then `nu` is not in the posterior. By default they are estimated.

    Raises
    ------
    FormulaError
        If there is no such link.
    DataError
        If `nu` is not a positive number.
    """

    link: str = "identity"
    nu: float | None = None
    name = "student_t"
    links = ("identity",)
    auxiliary = ("sigma", "nu")
    is_discrete = False
    merges_rows = False

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.nu is None:
            return
        if isinstance(self.nu, bool) or not isinstance(self.nu, Real):
            raise DataError(f"`nu` must be a number or None, not {type(self.nu).__name__}.")
        if not SMALLEST <= float(self.nu) <= LARGEST:
            raise DataError(f"`nu` must be positive and finite; it is {quoted(self.nu)}.")
        object.__setattr__(self, "nu", float(self.nu))

    @property
    def fixed(self) -> dict[str, float]:
        """The degrees of freedom, where the user has fixed them."""
        return {} if self.nu is None else {"nu": self.nu}

    def __repr__(self) -> str:
        return super().__repr__() if self.nu is None else f'{self.name}(link="{self.link}", nu={self.nu:g})'

    def variance(self, eta: np.ndarray, aux: Auxiliary, trials: np.ndarray | None = None) -> np.ndarray:  # noqa: ARG002
        """Give sigma^2 nu / (nu - 2): infinite where nu is 2 or less."""
        sigma, nu = (np.broadcast_to(aux[name], np.shape(eta)) for name in ("sigma", "nu"))
        over = np.where(nu > 2, nu - 2, 0.0)
        with np.errstate(divide="ignore"):
            return np.asarray(np.square(sigma) * nu / over)

    def log_density(  # noqa: D102
        self,
        y: np.ndarray,
        eta: np.ndarray,
        aux: Auxiliary,
        trials: np.ndarray | None = None,  # noqa: ARG002
    ) -> np.ndarray:
        sigma, nu = aux["sigma"], np.asarray(aux["nu"], dtype=float)
        # gamma((nu + 1) / 2) / (gamma(nu / 2) sqrt(pi)) is one over the beta function of nu / 2 and 1 / 2.
        constant = -special.betaln(0.5 * nu, 0.5) - 0.5 * np.log(nu) - np.log(sigma)
        with np.errstate(over="ignore"):
            return np.asarray(constant - 0.5 * (nu + 1) * np.log1p(((y - eta) / sigma) ** 2 / nu))

    def cumulative(  # noqa: D102
        self,
        y: np.ndarray,
        eta: np.ndarray,
        aux: Auxiliary,
        trials: np.ndarray | None = None,  # noqa: ARG002
    ) -> np.ndarray:
        return np.asarray(special.stdtr(aux["nu"], (y - eta) / aux["sigma"]))

    def slopes(  # noqa: D102
        self,
        y: np.ndarray,
        eta: np.ndarray,
        aux: Auxiliary,
        trials: np.ndarray | None = None,  # noqa: ARG002
    ) -> tuple[np.ndarray, np.ndarray]:
        sigma, nu = aux["sigma"], aux["nu"]
        residual = (y - eta) / sigma
        expected = np.broadcast_to((nu + 1) / (nu + 3) / np.square(sigma), np.shape(eta))
        return (nu + 1) * residual / (nu + residual**2) / sigma, expected

    def draw(  # noqa: D102
        self,
        rng: np.random.Generator,
        eta: np.ndarray,
        aux: Auxiliary,
        trials: np.ndarray | None = None,  # noqa: ARG002
    ) -> np.ndarray:
        return np.asarray(eta + aux["sigma"] * rng.standard_t(np.broadcast_to(aux["nu"], np.shape(eta))))
