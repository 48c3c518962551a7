"""Draws from a posterior as an engine gives them, by name."""

from dataclasses import dataclass, field, replace
from typing import Self

import numpy as np

from stanhier.stan.nuts import RawDraws

__all__ = ["Draws", "resampled"]


@dataclass(frozen=True)
class Draws:
    """Draws of everything that Stan sampled; chains and draws are the first two axes.

    Attributes
    ----------
    values : dict of numpy.ndarray, shape (chains, draws) or (chains, draws, size)
        By the names of the engine, whose coordinates give the model's own parameters from them.
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

    values: dict[str, np.ndarray]
    statistics: dict[str, np.ndarray]
    seed: int
    max_treedepth: int
    cmdstan: str
    method: str = "nuts"
    pareto_k: float | None = None
    failed_chains: dict[int, str] = field(default_factory=dict)

    @classmethod
    def of(cls, raw: RawDraws, values: dict[str, np.ndarray]) -> Self:
        """Give what a run of the sampler gave, turned into `values`."""
        return cls(
            values=values,
            statistics=raw.statistics,
            seed=raw.seed,
            max_treedepth=raw.max_treedepth,
            cmdstan=raw.cmdstan,
            failed_chains=raw.failed_chains,
        )

    @property
    def shape(self) -> tuple[int, int]:
        """Chains, draws."""
        first = next(iter(self.values.values()))
        return first.shape[0], first.shape[1]

    @property
    def n_draws(self) -> int:
        """Draws of all chains together, S."""
        chains, draws = self.shape
        return chains * draws

    def flat(self, name: str) -> np.ndarray:
        """Give the draws of a quantity chain by chain, shape (S,) or (S, size)."""
        values = self.values[name]
        return values.reshape(self.n_draws, *values.shape[2:])

    def only(self, positions: np.ndarray) -> "Draws":
        """Give the draws at these positions in the order chain by chain, as one chain and without statistics."""
        values = {name: self.flat(name)[None, positions] for name in self.values}
        return replace(self, values=values, statistics={})

    def take(self, positions: np.ndarray) -> "Draws":
        """Give the draws at these positions in the order chain by chain, as many chains as before.

        Parameters
        ----------
        positions : numpy.ndarray of int, shape (chains * draws,) of the result
        """
        shape = (self.shape[0], len(positions) // self.shape[0])

        def chosen(values: np.ndarray) -> np.ndarray:
            rest = values.shape[2:]
            return np.asarray(values.reshape(self.n_draws, *rest)[positions].reshape(*shape, *rest))

        return replace(
            self,
            values={name: chosen(values) for name, values in self.values.items()},
            statistics={name: chosen(values) for name, values in self.statistics.items()},
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
