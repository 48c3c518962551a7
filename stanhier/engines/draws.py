"""Draws from a posterior in the model's own parameters, and their labels."""

from dataclasses import dataclass, field, replace
from functools import cached_property

import numpy as np

from stanhier.basics.threads import one_blas_thread
from stanhier.engines.gaussian.whitening import Whitening
from stanhier.stan.nuts import RawDraws

__all__ = ["Draws", "from_raw", "resampled"]


@dataclass(frozen=True)
class Draws:
    """Draws of everything that Stan sampled; chains and draws are the first two axes.

    Attributes
    ----------
    location : numpy.ndarray, shape (chains, draws, P)
        The intercept (where there is one) at the origin of the compressed data, relative to the response there;
        then the slopes.
    sigma : numpy.ndarray, shape (chains, draws)
        Residual standard deviation; constant where it is known.
    sigma_alpha : numpy.ndarray, shape (chains, draws), or None
    statistics : dict of numpy.ndarray, shape (chains, draws)
        The sampler's, by ArviZ's names.
    seed : int
    max_treedepth : int
    cmdstan : str
        Version of the CmdStan that ran.
    method : str
        How they came about: "nuts", or an approximation, "laplace", "pathfinder" or "variational".
    pareto_k : float or None
        Of an approximation: the shape of the tail of posterior over approximation, which tells how far it is off.
    failed_chains : dict of str
        Why chains that were started are not among these, by their numbers.
    """

    location: np.ndarray
    sigma: np.ndarray
    sigma_alpha: np.ndarray | None
    statistics: dict[str, np.ndarray]
    seed: int
    max_treedepth: int
    cmdstan: str
    method: str = "nuts"
    pareto_k: float | None = None
    failed_chains: dict[int, str] = field(default_factory=dict)

    @property
    def shape(self) -> tuple[int, int]:
        """Chains, draws."""
        return self.sigma.shape[0], self.sigma.shape[1]

    def take(self, positions: np.ndarray) -> "Draws":
        """Give the draws at these positions in the order chain by chain, as many chains as before.

        Parameters
        ----------
        positions : numpy.ndarray of int, shape (chains * draws,) of the result
        """
        shape = (self.shape[0], len(positions) // self.shape[0])
        return replace(
            self,
            location=self.flat_location[positions].reshape(*shape, -1),
            sigma=self.flat_sigma[positions].reshape(shape),
            sigma_alpha=None if self.sigma_alpha is None else self.flat_sigma_alpha[positions].reshape(shape),
            statistics={name: values.ravel()[positions].reshape(shape) for name, values in self.statistics.items()},
        )

    @cached_property
    def flat_location(self) -> np.ndarray:
        """The location parameters, shape (chains * draws, P)."""
        return self.location.reshape(-1, self.location.shape[-1])

    @cached_property
    def flat_sigma(self) -> np.ndarray:
        """Sigma, shape (chains * draws,)."""
        return self.sigma.ravel()

    @cached_property
    def flat_sigma_alpha(self) -> np.ndarray:
        """Sigma_alpha, shape (chains * draws,)."""
        assert self.sigma_alpha is not None
        return self.sigma_alpha.ravel()


def from_raw(raw: RawDraws, whitening: Whitening, *, grouped: bool, sigma: float | None) -> Draws:
    """Turn Stan's whitened parameters into the model's.

    Parameters
    ----------
    raw : RawDraws
    whitening : Whitening
        The coordinates that Stan sampled in.
    grouped : bool
    sigma : float or None
        The known residual standard deviation, if it is.

    Returns
    -------
    Draws
    """
    chains, draws, _ = raw.z.shape
    scales = np.exp(whitening.log_scales(raw.z_scale.reshape(chains * draws, -1)))
    sigma_draws = np.full(chains * draws, sigma) if sigma is not None else scales[:, -1]
    sigma_alpha = scales[:, 0] if grouped else None
    with one_blas_thread():
        location = whitening.locations(raw.z.reshape(chains * draws, -1), sigma_draws, sigma_alpha)
    return Draws(
        location=location.reshape(chains, draws, -1),
        sigma=sigma_draws.reshape(chains, draws),
        sigma_alpha=None if sigma_alpha is None else sigma_alpha.reshape(chains, draws),
        statistics=raw.statistics,
        seed=raw.seed,
        max_treedepth=raw.max_treedepth,
        cmdstan=raw.cmdstan,
        failed_chains=raw.failed_chains,
    )


def resampled(log_weights: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Give positions of as many draws as there are weights, each as often as its weight says.

    Systematic resampling (Kitagawa 1996, doi:10.1080/10618600.1996.10474692): positions come in their order, and how
    often one comes is within one of its expectation.

    Parameters
    ----------
    log_weights : numpy.ndarray, shape (S,)
    rng : numpy.random.Generator

    Returns
    -------
    numpy.ndarray of int, shape (S,)
    """
    weights = np.exp(log_weights - log_weights.max())
    n = len(weights)
    positions = np.searchsorted(np.cumsum(weights) / weights.sum(), (rng.random() + np.arange(n)) / n)
    return np.minimum(positions, n - 1)
