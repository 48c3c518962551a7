"""What an engine is asked: all that the rest of the package knows of how a posterior is computed."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, Self

import numpy as np

from stanhier.design.column_moments import ColumnMoments
from stanhier.design.in_memory import InMemoryDesign
from stanhier.engines.draws import Draws
from stanhier.engines.parameters import Inventory
from stanhier.stan.nuts import RawDraws
from stanhier.stan.rendered import RenderedProgram

__all__ = [
    "BLOCK_GROUPS",
    "BLOCK_VALUES",
    "INTEGRATION_POINTS",
    "Above",
    "Block",
    "Coordinates",
    "Engine",
    "log_mean_exp",
]

BLOCK_VALUES = 1 << 20
"""Rows times draws that are in memory at once (8 MB for each of a dozen arrays)."""

BLOCK_GROUPS = 64
"""Effects of so many neighbouring groups are drawn together: their random numbers are seeded by such blocks, so that a
group's draws do not depend on who else asks."""

INTEGRATION_POINTS = 200
"""Of importance sampling, for each integral over effects: antithetic pairs."""

type Block = tuple[slice | np.ndarray, np.ndarray, np.ndarray]
"""Positions of points, and their log densities (draws, points): left out, and predicted anew with all rows in."""


@dataclass(frozen=True)
class Above:
    """Effects that groups have for lying within those of another factor, as a class has the effects of its school.

    Attributes
    ----------
    term : int
        The other factor, of Q effects.
    levels : numpy.ndarray of int, shape (G,)
        Of each group the one that it lies in.
    weights : numpy.ndarray, shape (C, Q)
    """

    term: int
    levels: np.ndarray
    weights: np.ndarray


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

    def mode(self, raw: RawDraws) -> Draws:
        """Turn the point that an optimiser found into one draw: what was integrated out is at its own mode there."""

    def sampled(self, draws: Draws) -> dict[str, np.ndarray]:
        """Give what the sampler moved, number by number, each of shape (chains, draws): what diagnostics check."""

    def population(self, draws: Draws) -> dict[str, np.ndarray]:
        """Give the parameters that all groups share, of shape (chains, draws) or (chains, draws, labels)."""


class Engine(Protocol):
    """How a regression is sampled, and what follows in closed form from draws. S draws, N rows, K predictors.

    Factors are counted in the order of the formula: of `term` J groups have q effects each; G of them are asked for.
    """

    @property
    def program(self) -> str | RenderedProgram:
        """The Stan program: the name of a shipped one, or one written for this model."""

    @property
    def coordinates(self) -> Coordinates:
        """The way back from its draws."""

    @property
    def moments(self) -> ColumnMoments:
        """Means and standard deviations of the columns of [X y]."""

    def predictor_covariance(self) -> np.ndarray | None:
        """Give the covariance matrix of the predictors over the rows, shape (K, K), divisor N - 1.

        None where rows that are not in memory were weighted as they came.
        """

    @property
    def prior_centre(self) -> np.ndarray:
        """Where a prior with `centered=True` holds, shape (K,): the means of the predictors when it was chosen."""

    def data(self) -> dict[str, Any]:
        """Give what the program receives."""

    def fingerprint(self) -> Iterator[np.ndarray]:
        """Give numbers by which models of other rows can be told apart."""

    def on_rows(self, design: InMemoryDesign) -> Self:
        """Give the engine of the same model on other rows; priors stay where they were."""

    def in_logarithms(self) -> Self:
        """Give the engine in coordinates of which a mode of the scales is the mode of their logarithms."""

    def values_of(self, drawn: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
        """Give `Draws.values`, of one chain, from S draws of each parameter that has a prior, by name."""

    def linear(self, draws: Draws, X: np.ndarray, keep: np.ndarray | None = None) -> np.ndarray:
        """Give the mean response without group effects, shape (S, N), of rows with predictors X."""

    def group_weights(self, term: int) -> np.ndarray:
        """Give how much each group says of its own mean, shape (J,): its rows, or the sum of their known se**-2."""

    def effects(self, draws: Draws, term: int, groups: np.ndarray) -> np.ndarray:
        """Draw the effects of groups, deviations from the population, shape (S, G, q); alike in any company."""

    def new_effects(self, draws: Draws, term: int, noise: np.ndarray) -> np.ndarray:
        """Give the effects of a group without rows, shape (S, q), from standard normal noise of that shape."""

    def effect_means(self, draws: Draws, term: int, groups: np.ndarray) -> np.ndarray:
        """Give the means of the groups' effects given the other parameters, shape (S, G, q)."""

    def summarise_groups(
        self,
        draws: Draws,
        term: int,
        groups: np.ndarray,
        probabilities: Sequence[float],
        weights: np.ndarray,
        offsets: np.ndarray,
        above: Sequence[Above] = (),
    ) -> np.ndarray:
        """Summarise offset + effects @ weights of groups: mean, standard deviation, and quantiles.

        Of each of C pairs of weights, shape (C, q), and offsets of each draw, (C, S); the result is (C, 2 + P, G). What
        is above the groups is added.
        """

    def noise_scale(self, draws: Draws, keep: np.ndarray | None = None) -> np.ndarray:
        """Give sigma, shape (S,); 1 where standard errors are known."""

    def row_densities(self, design: InMemoryDesign, draws: Draws) -> Iterator[Block]:
        """Give log densities of rows given the other rows of their group, block by block."""

    def row_residuals(self, design: InMemoryDesign, draws: Draws) -> Iterator[Block]:
        """Give residuals of Gaussian rows around what the other rows of their group let expect, and their variances.

        Block by block, as positions and two arrays of shape (S, n), in the units of the response.
        """

    def set_densities(
        self,
        design: InMemoryDesign,
        codes: np.ndarray,
        n_sets: int,
        draws: Draws,
        *,
        known: Sequence[np.ndarray] | None = None,
    ) -> Iterator[Block]:
        """Give log densities of sets of rows, of a model with groups of those of a factor.

        Effects of groups all of whose rows are in the set are integrated out. Where the draws have not seen these rows,
        `known` is the position of each group of the design, by factor, among those behind the draws, -1 of one that is
        not there: then the effects of these are integrated out.
        """

    def integration_k(
        self,
        design: InMemoryDesign,
        codes: np.ndarray,
        n_sets: int,
        draws: Draws,
        *,
        known: Sequence[np.ndarray] | None = None,
    ) -> np.ndarray:
        """Give Pareto k of the importance sampling by which `set_densities` integrates effects out, shape (n_sets,).

        It is nan where effects are integrated out in closed form or by quadrature, or none are.
        """

    def held_out_densities(self, design: InMemoryDesign, codes: Sequence[np.ndarray], draws: Draws) -> np.ndarray:
        """Give the log posterior mean density of rows that the draws have not seen, shape (N,).

        Codes are those of each factor in the rows behind the draws; -1 is a group that is not there.
        """

    def log_density_of_new(self, before: Self, new_rows: InMemoryDesign, draws: Draws) -> np.ndarray:
        """Give the log density, shape (S,), of rows that this engine has seen and `before`, whose draws these are, not.

        It is given what was drawn that these rows leave as it is.
        """

    def completed(self, draws: Draws) -> Draws:
        """Give draws of fewer rows, weighted for all, with what follows from them given all rows drawn anew."""

    def completion_k(self, draws: Draws) -> np.ndarray:
        """Give Pareto k of the importance sampling by which `completed` draws effects, of each set of new groups.

        There are none where these effects have a closed form.
        """

    def own_effects(self, draws: Draws, term: int) -> np.ndarray:
        """Give what each group's rows alone say of its effects, shape (J, q); nan where they do not tell.

        Rows are taken less what the population and the effects of other factors explain on average.
        """

    def replicated_means(self, draws: Draws, term: int, keep: np.ndarray, seed: int) -> tuple[np.ndarray, np.ndarray]:
        """Give means of Gaussian rows of groups, were each a new one, shape (len(keep), J), and observed, shape (J,).

        The effects of the factor, and of factors within it, are drawn from their populations.
        """


def log_mean_exp(values: np.ndarray) -> np.ndarray:
    """Log of the mean over draws of the exponentials, shape (n,) from (S, n)."""
    top = values.max(axis=0)
    return np.asarray(top + np.log(np.exp(values - top).mean(axis=0)))
