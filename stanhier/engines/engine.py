"""What an engine is asked: all that the rest of the package knows of how a posterior is computed."""

from collections.abc import Iterator, Mapping
from typing import Any, Protocol, Self

import numpy as np
import pandas as pd

from stanhier.design.in_memory import InMemoryDesign
from stanhier.engines.draws import Draws
from stanhier.engines.parameters import Inventory
from stanhier.engines.prior_choice import ColumnMoments
from stanhier.stan.nuts import RawDraws
from stanhier.stan.rendered import RenderedProgram

__all__ = ["BLOCK_VALUES", "Block", "Coordinates", "Engine", "log_mean_exp"]

BLOCK_VALUES = 1 << 20
"""Rows times draws that are in memory at once (8 MB for each of a dozen arrays)."""

type Block = tuple[slice | np.ndarray, np.ndarray, np.ndarray]
"""Positions of points, and their log densities (draws, points): left out, and predicted anew with all rows in."""


class Coordinates(Protocol):
    """The way back from a program's draws: small, so that it travels to where draws are made."""

    @property
    def parameters(self) -> Inventory:
        """The parameters that all groups share."""

    @property
    def layout(self) -> Mapping[str, tuple[int, ...]]:
        """The arrays of `Draws.values` by name: the shape that each draw has."""

    @property
    def positive(self) -> frozenset[str]:
        """Those of them that cannot be negative."""

    def draws(self, raw: RawDraws) -> Draws:
        """Turn what a program sampled into draws."""

    def sampled(self, draws: Draws) -> dict[str, np.ndarray]:
        """Give what the sampler moved, number by number, each of shape (chains, draws): what diagnostics check."""

    def population(self, draws: Draws) -> dict[str, np.ndarray]:
        """Give the parameters that all groups share, of shape (chains, draws) or (chains, draws, labels)."""


class Engine(Protocol):
    """How a regression is sampled, and what follows in closed form from draws. S draws, N rows, G groups, K columns."""

    @property
    def program(self) -> str | RenderedProgram:
        """The Stan program: the name of a shipped one, or one written for this model."""

    @property
    def coordinates(self) -> Coordinates:
        """The way back from its draws."""

    @property
    def moments(self) -> ColumnMoments:
        """Means and standard deviations of the columns of [X y]."""

    @property
    def prior_centre(self) -> np.ndarray:
        """Where a prior with `centered=True` holds, shape (K,): the means of the predictors when it was chosen."""

    @property
    def group_weights(self) -> np.ndarray:
        """How much each group says of its own mean, shape (J,): its rows, or the sum of their se**-2 where known."""

    def data(self) -> dict[str, Any]:
        """Give what the program receives."""

    def fingerprint(self) -> Iterator[np.ndarray]:
        """Give numbers by which models of other rows can be told apart."""

    def on_rows(self, design: InMemoryDesign) -> Self:
        """Give the engine of the same model on other rows; priors stay where they were."""

    def in_logarithms(self) -> Self:
        """Give the engine in coordinates of which a mode of the scales is the mode of their logarithms."""

    def values_of(self, scalars: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
        """Give `Draws.values`, of one chain, from draws (S,) of each number that has a prior."""

    def linear(self, draws: Draws, X: np.ndarray, keep: np.ndarray | None = None) -> np.ndarray:
        """Give the mean response without group effects, shape (S, N), of rows with predictors X."""

    def effects(self, draws: Draws, groups: np.ndarray) -> np.ndarray:
        """Draw the effects of groups, deviations from the population, shape (S, G); alike in any company."""

    def new_effects(self, draws: Draws, noise: np.ndarray) -> np.ndarray:
        """Give the effect of a group without rows, shape (S,), from standard normal noise of that shape."""

    def effect_means(self, draws: Draws, groups: np.ndarray) -> np.ndarray:
        """Give the means of the groups' effects given the other parameters, shape (S, G)."""

    def summarise_groups(self, draws: Draws, groups: np.ndarray, prob: float, x: np.ndarray) -> pd.DataFrame:
        """Summarise the groups' means at predictors x, shape (K,): mean, sd, lower, median, upper."""

    def noise_scale(self, draws: Draws, keep: np.ndarray | None = None) -> np.ndarray:
        """Give sigma, shape (S,); of rows with known standard errors these take its place."""

    def row_densities(self, design: InMemoryDesign, draws: Draws) -> Iterator[Block]:
        """Give log densities of rows given the other rows of their group, block by block."""

    def set_densities(self, design: InMemoryDesign, codes: np.ndarray, n_sets: int, draws: Draws) -> Iterator[Block]:
        """Give log densities of sets of rows: of groups, whose effects are integrated out, where the model has any."""

    def held_out_densities(self, design: InMemoryDesign, codes: np.ndarray | None, draws: Draws) -> np.ndarray:
        """Give the log posterior mean density of rows that the draws have not seen, shape (N,); codes: -1 is new."""

    def own_means(self, draws: Draws) -> np.ndarray:
        """Give each group's mean less what the mean slopes explain, taken to predictors of 0, shape (J,)."""

    def replicated_means(self, draws: Draws, keep: np.ndarray, seed: int) -> tuple[np.ndarray, np.ndarray]:
        """Give means of the groups in replicated data, shape (len(keep), J), and those observed, shape (J,)."""


def log_mean_exp(values: np.ndarray) -> np.ndarray:
    """Log of the mean over draws of the exponentials, shape (n,) from (S, n)."""
    top = values.max(axis=0)
    return np.asarray(top + np.log(np.exp(values - top).mean(axis=0)))
