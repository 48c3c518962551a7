"""What a family of responses is asked, and the Gaussian one."""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, NoReturn

import numpy as np
from scipy import special

from stanhier.basics.errors import DataError, FormulaError
from stanhier.basics.words import quoted

__all__ = ["Family", "Gaussian", "refuse_response"]

type Auxiliary = Mapping[str, Any]
"""Auxiliary parameters by name, each of shape (S, 1), or whatever broadcasts with the linear predictor."""


@dataclass(frozen=True)
class Family(ABC):
    """How responses vary around the linear predictor eta: a value, which never sees a model.

    Attributes
    ----------
    link : str
        The link function, of the mean to the linear predictor: "identity", "log", "logit" or "probit".

    Raises
    ------
    FormulaError
        If the family does not have the link.
    """

    link: str
    name: ClassVar[str]
    links: ClassVar[tuple[str, ...]]
    auxiliary: ClassVar[tuple[str, ...]] = ()
    """Names of the parameters beside the linear predictor."""
    is_discrete: ClassVar[bool] = True
    takes_trials: ClassVar[bool] = False
    takes_categories: ClassVar[bool] = False
    """Whether the response may be two categories."""
    merges_rows: ClassVar[bool] = True
    """Whether rows alike in all but the response can be summed up in one without any loss."""

    def __post_init__(self) -> None:
        if self.link not in self.links:
            have = " or ".join(f'"{link}"' for link in self.links)
            raise FormulaError(f'The family "{self.name}" has no link {quoted(self.link)}; it has {have}.')

    @property
    def is_gaussian(self) -> bool:
        """Whether responses are normal around the linear predictor."""
        return self.name == "gaussian"

    @property
    def has_sigma(self) -> bool:
        """Whether there is a scale sigma of what varies around the linear predictor."""
        return "sigma" in self.auxiliary

    @property
    def fixed(self) -> dict[str, float]:
        """Auxiliary parameters that the user has fixed, by name."""
        return {}

    @property
    def beside_sigma(self) -> tuple[str, ...]:
        """Names of the auxiliary parameters that are estimated, but sigma, which noise may know."""
        return tuple(name for name in self.auxiliary if name != "sigma" and name not in self.fixed)

    def mean(self, eta: np.ndarray) -> np.ndarray:
        """Give the inverse of the link: the mean, of a binomial response the probability of one success.

        Of a Student t response it is the location, which is the mean where nu is above 1.
        """
        return eta

    @abstractmethod
    def variance(self, eta: np.ndarray, aux: Auxiliary, trials: np.ndarray | None = None) -> np.ndarray:
        """Give the variance of responses around `mean`, shape (S, N): of binomial ones, of proportions of successes.

        The arguments are those of `log_density`.
        """

    def latent_variance(self, mean: np.ndarray, aux: Auxiliary) -> np.ndarray:
        """Give the variance of responses on the scale of the linear predictor, shape (S,).

        That of the family itself where the link is the identity; else, following Nakagawa, Johnson & Schielzeth (2017),
        doi:10.1098/rsif.2017.0213, that of the distribution on the scale of the link.

        Parameters
        ----------
        mean : numpy.ndarray, shape (S,)
            The mean response over all rows and groups.
        aux : mapping of numpy.ndarray, shape (S,)
        """
        return self.variance(mean, aux)

    @abstractmethod
    def log_density(
        self, y: np.ndarray, eta: np.ndarray, aux: Auxiliary, trials: np.ndarray | None = None
    ) -> np.ndarray:
        """Log density or probability of responses, normalised.

        Parameters
        ----------
        y : numpy.ndarray, shape (N,)
        eta : numpy.ndarray, shape (S, N)
            Linear predictor, offsets included; anything of any size.
        aux : mapping of numpy.ndarray, shape (S, 1)
            By the names in `auxiliary`.
        trials : numpy.ndarray, shape (N,), optional
            Of a binomial response.

        Returns
        -------
        numpy.ndarray, shape (S, N)
        """

    def log_kernel(
        self, y: np.ndarray, eta: np.ndarray, aux: Auxiliary, trials: np.ndarray | None = None
    ) -> np.ndarray:
        """Log density up to what the linear predictor does not change, in fewer operations; else as `log_density`.

        Exact to rounding of y times eta, or of trials times eta, where `log_density` is to its own rounding.
        """
        return self.log_density(y, eta, aux, trials)

    @abstractmethod
    def cumulative(
        self, y: np.ndarray, eta: np.ndarray, aux: Auxiliary, trials: np.ndarray | None = None
    ) -> np.ndarray:
        """Probability of a response of at most y, shape (S, N); the arguments are those of `log_density`.

        Of counts `y` may be -1, below which there are none.
        """

    @abstractmethod
    def draw(
        self, rng: np.random.Generator, eta: np.ndarray, aux: Auxiliary, trials: np.ndarray | None = None
    ) -> np.ndarray:
        """Draw responses, of the shape of `eta`; the arguments are those of `log_density`."""

    @abstractmethod
    def slopes(
        self, y: np.ndarray, eta: np.ndarray, aux: Auxiliary, trials: np.ndarray | None = None
    ) -> tuple[np.ndarray, np.ndarray]:
        """Give the derivative of the log density by the linear predictor, and a weight for Newton steps, shape (S, N).

        The weight is minus the second derivative where that cannot be negative, else its expectation. The arguments
        are those of `log_density`.
        """

    def information(self, eta: np.ndarray, aux: Auxiliary, trials: np.ndarray | None = None) -> np.ndarray:
        """Give the expected information on the linear predictor, shape (S, N), whatever the responses are."""
        return self.slopes(np.zeros(np.shape(eta)), eta, aux, trials)[1]

    def check(self, y: np.ndarray, name: str, trials: np.ndarray | None = None) -> None:  # noqa: B027 - any will do
        """Refuse a response that the family cannot have.

        Parameters
        ----------
        y : numpy.ndarray, shape (N,)
            Finite.
        name : str
            Of the response.
        trials : numpy.ndarray, shape (N,), optional

        Raises
        ------
        DataError
            With how many rows, the first of them and its value, and the family that would suit.
        """

    def __repr__(self) -> str:
        return f'{self.name}(link="{self.link}")'


@dataclass(frozen=True, repr=False)
class Gaussian(Family):
    """Normal responses, y ~ normal(eta, sigma)."""

    link: str = "identity"
    name = "gaussian"
    links = ("identity",)
    auxiliary = ("sigma",)
    is_discrete = False

    def variance(self, eta: np.ndarray, aux: Auxiliary, trials: np.ndarray | None = None) -> np.ndarray:  # noqa: ARG002, D102
        return np.square(np.broadcast_to(aux["sigma"], np.shape(eta)))

    def log_density(  # noqa: D102
        self,
        y: np.ndarray,
        eta: np.ndarray,
        aux: Auxiliary,
        trials: np.ndarray | None = None,  # noqa: ARG002
    ) -> np.ndarray:
        sigma = aux["sigma"]
        return np.asarray(-0.5 * ((y - eta) / sigma) ** 2 - np.log(sigma) - 0.5 * np.log(2 * np.pi))

    def cumulative(  # noqa: D102
        self,
        y: np.ndarray,
        eta: np.ndarray,
        aux: Auxiliary,
        trials: np.ndarray | None = None,  # noqa: ARG002
    ) -> np.ndarray:
        return np.asarray(special.ndtr((y - eta) / aux["sigma"]))

    def slopes(  # noqa: D102
        self,
        y: np.ndarray,
        eta: np.ndarray,
        aux: Auxiliary,
        trials: np.ndarray | None = None,  # noqa: ARG002
    ) -> tuple[np.ndarray, np.ndarray]:
        precision = np.broadcast_to(1.0 / np.square(aux["sigma"]), np.shape(eta))
        return (y - eta) * precision, precision

    def draw(  # noqa: D102
        self,
        rng: np.random.Generator,
        eta: np.ndarray,
        aux: Auxiliary,
        trials: np.ndarray | None = None,  # noqa: ARG002
    ) -> np.ndarray:
        return np.asarray(eta + aux["sigma"] * rng.standard_normal(np.shape(eta)))


def refuse_response(y: np.ndarray, bad: np.ndarray, name: str, family: Family, what: str, remedy: str) -> NoReturn:
    """Refuse a response of which some rows do not suit the family.

    Parameters
    ----------
    y : numpy.ndarray, shape (N,)
    bad : numpy.ndarray of bool, shape (N,)
        Rows that do not.
    name : str
        Of the response.
    family : Family
    what : str
        What its values must be.
    remedy : str
        A sentence.

    Raises
    ------
    DataError
        Always.
    """
    rows = np.flatnonzero(bad)
    values = ", ".join(f"{value:g}" for value in list(dict.fromkeys(y[rows[:1000]].tolist()))[:3])
    raise DataError(
        f"The response '{name}' of the family \"{family.name}\" must be {what}; {len(rows):,} "
        f"{'row is' if len(rows) == 1 else 'rows are'} not, the first is row {rows[0]} (values such as {values}). "
        f"{remedy}"
    )
