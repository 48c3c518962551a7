"""What engines share that draw location, scales, correlations and all effects: what follows given these."""

from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence

import numpy as np

from stanhier.basics.errors import DataError
from stanhier.design.in_memory import InMemoryDesign
from stanhier.engines.draws import Draws
from stanhier.engines.engine import Block
from stanhier.engines.gaussian.likelihood import common_mean
from stanhier.engines.multilevel import group_means
from stanhier.engines.multilevel.effects import new_effects
from stanhier.engines.multilevel.given import Given
from stanhier.engines.multilevel.held_out_densities import held_out_densities
from stanhier.engines.multilevel.layout import LOCATION, NOISE, TermShape
from stanhier.engines.multilevel.row_densities import row_densities, row_moments
from stanhier.engines.multilevel.set_densities import set_densities

__all__ = ["ConditionalEngine"]


class ConditionalEngine(ABC):
    """An engine of Gaussian rows under any number of factors."""

    rows: InMemoryDesign | None
    """The rows, where they are in memory."""

    @property
    @abstractmethod
    def shapes(self) -> tuple[TermShape, ...]:
        """The factors with their effects."""

    @property
    @abstractmethod
    def origin(self) -> np.ndarray:
        """What the location is relative to, shape (K + 1,): of [x_1 .. x_K, y]."""

    @abstractmethod
    def given(self, draws: Draws) -> Given:
        """Give what densities of rows are conditioned on."""

    @abstractmethod
    def group_weights(self, term: int) -> np.ndarray:
        """Give how much each group says of its own mean, shape (J,): its rows, or the sum of their weights."""

    def linear(self, draws: Draws, X: np.ndarray, keep: np.ndarray | None = None) -> np.ndarray:
        """Give the mean response without group effects, shape (S, N), of rows with predictors X."""
        location = draws.flat(LOCATION)
        location = location if keep is None else location[keep]
        return np.asarray(common_mean(X, self.origin, location, by_row=True) + self.origin[-1])

    def new_effects(self, draws: Draws, term: int, noise: np.ndarray) -> np.ndarray:
        """Give the effects of a group without rows, shape (S, q), from standard normal noise of that shape."""
        return new_effects(draws, self.shapes, term, noise[:, None])[:, 0]

    def noise_scale(self, draws: Draws, keep: np.ndarray | None = None) -> np.ndarray:
        """Give sigma, shape (S,)."""
        sigma = draws.flat(NOISE)
        return sigma if keep is None else sigma[keep]

    def row_densities(self, design: InMemoryDesign, draws: Draws) -> Iterator[Block]:
        """Give log densities of rows given the other rows of their group, block by block."""
        return row_densities(design, self.given(draws))

    def row_residuals(self, design: InMemoryDesign, draws: Draws) -> Iterator[Block]:
        """Give residuals of Gaussian rows around what the other rows of their group let expect, and their variances."""
        for positions, (residual, variance), _ in row_moments(design, self.given(draws)):
            yield positions, residual, variance

    def set_densities(
        self,
        design: InMemoryDesign,
        codes: np.ndarray,
        n_sets: int,
        draws: Draws,
        *,
        known: Sequence[np.ndarray] | None = None,
    ) -> Iterator[Block]:
        """Give log densities of sets of rows, of a model with groups of those of a factor."""
        return set_densities(design, codes, n_sets, self.given(draws), None if known is None else tuple(known))

    def integration_k(
        self,
        design: InMemoryDesign,  # noqa: ARG002
        codes: np.ndarray,  # noqa: ARG002
        n_sets: int,
        draws: Draws,  # noqa: ARG002
        *,
        known: Sequence[np.ndarray] | None = None,  # noqa: ARG002
    ) -> np.ndarray:
        """Give nan for each set: effects are integrated out in closed form."""
        return np.full(n_sets, np.nan)

    def held_out_densities(self, design: InMemoryDesign, codes: Sequence[np.ndarray], draws: Draws) -> np.ndarray:
        """Give the log posterior mean density of rows that the draws have not seen, shape (N,)."""
        return held_out_densities(design, tuple(codes), self.given(draws))

    def replicated_means(self, draws: Draws, term: int, keep: np.ndarray, seed: int) -> tuple[np.ndarray, np.ndarray]:
        """Give means of Gaussian rows of groups, were each a new one, (len(keep), J), and those observed, (J,)."""
        if self.rows is None:
            raise DataError("Means of groups in replicated data need the rows of the model, which are not in memory.")
        chosen = draws.only(keep)
        return group_means.replicated_means(self.rows, self.given(chosen), term, self.group_weights(term), seed)
