"""The engine that samples a textbook program: rows in, draws of everything out, effects too."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, Self

import numpy as np
import pandas as pd

from stanhier.basics.errors import StanhierError
from stanhier.design.blocks import precision_weights
from stanhier.design.in_memory import InMemoryDesign
from stanhier.engines.chosen_priors import ChosenPriors
from stanhier.engines.default_priors import ColumnMoments
from stanhier.engines.draws import Draws
from stanhier.engines.engine import Block
from stanhier.engines.gaussian.likelihood import common_mean
from stanhier.engines.multilevel import group_means
from stanhier.engines.multilevel.effect_summary import summarise_draws
from stanhier.engines.multilevel.effects import term_factors
from stanhier.engines.multilevel.given import Given
from stanhier.engines.multilevel.held_out_densities import held_out_densities
from stanhier.engines.multilevel.layout import COR, EFFECTS, LOCATION, NOISE, SD, block_pairs, effect_slices
from stanhier.engines.multilevel.row_densities import row_densities
from stanhier.engines.multilevel.set_densities import set_densities
from stanhier.engines.parameters import Role
from stanhier.engines.textbook.coordinates import NUTS_ALONE, TextbookCoordinates
from stanhier.engines.textbook.description import Description, describe
from stanhier.engines.textbook.new_levels import drawn_new_levels, with_room
from stanhier.engines.textbook.rendering import render
from stanhier.engines.textbook.rows import program_data
from stanhier.families.noise import Noise
from stanhier.stan.rendered import RenderedProgram

__all__ = ["TextbookEngine"]


@dataclass(frozen=True)
class TextbookEngine:
    """A Gaussian model of any structure, whose rows are in memory.

    Attributes
    ----------
    design : InMemoryDesign
    chosen : ChosenPriors
    noise : Noise
    centre : numpy.ndarray, shape (K,), or None
        The means of the predictors when the priors were chosen, if that was for other rows.
    n_before : tuple of int
        Of each factor the number of groups before these rows were added; the first are the same.
    too_large : str or None
        Why no other engine takes the model, where that is so.
    """

    design: InMemoryDesign
    chosen: ChosenPriors
    noise: Noise
    centre: np.ndarray | None
    n_before: tuple[int, ...]
    too_large: str | None = None

    @classmethod
    def of(
        cls,
        design: InMemoryDesign,
        chosen: ChosenPriors,
        noise: Noise,
        *,
        centre: np.ndarray | None = None,
        too_large: str | None = None,
    ) -> Self:
        """Make the engine of a model; the arguments are its attributes."""
        return cls(design, chosen, noise, centre, tuple(len(one.levels) for one in design.groupings), too_large)

    @cached_property
    def description(self) -> Description:
        """What the program is written from."""
        return describe(self.design, self.chosen, self.noise, centre=self.centre)

    @cached_property
    def program(self) -> RenderedProgram:
        """The Stan program, written for this model."""
        return RenderedProgram(f"textbook_{self.description.template}", render(self.description))

    @cached_property
    def coordinates(self) -> TextbookCoordinates:
        """The way back from its draws."""
        return TextbookCoordinates.of(self.description, self.chosen.parameters)

    @cached_property
    def moments(self) -> ColumnMoments:
        """Means and standard deviations of the columns of the rows."""
        return ColumnMoments.of(self.design.matrix, self.design.y)

    @property
    def prior_centre(self) -> np.ndarray:
        """Where a prior with `centered=True` holds, shape (K,): the means of the predictors when it was chosen."""
        return self.design.X.mean(axis=0) if self.centre is None else self.centre

    def data(self) -> dict[str, Any]:
        """Give what the program receives: the rows."""
        return program_data(self.description, self.design)

    def fingerprint(self) -> Iterator[np.ndarray]:
        """Give the rows."""
        yield self.design.matrix
        yield self.design.y
        yield from (one.codes for one in self.design.groupings)
        if self.design.se is not None:
            yield self.design.se

    def on_rows(self, design: InMemoryDesign) -> Self:
        """Give the engine of the same model on other rows; priors stay where they were."""
        n_before = tuple(len(one.levels) for one in self.design.groupings)
        return replace(self, design=design, centre=self.prior_centre, n_before=n_before)

    def in_logarithms(self) -> Self:
        """Refuse: the mode of effects and scales together is at scales of 0.

        Raises
        ------
        StanhierError
            Always.
        """
        raise StanhierError(NUTS_ALONE)

    def values_of(self, drawn: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
        """Give `Draws.values`, of one chain, from S draws of each parameter that has a prior; effects have none."""
        size, parameters = len(next(iter(drawn.values()))), self.chosen.parameters
        location = np.column_stack([np.empty((size, 0)), *(drawn[one.name] for one in parameters.location)])
        if self.description.centered:
            location[:, 0] -= location[:, 1:] @ self.prior_centre
        unit = self.noise.unit
        values = {LOCATION: location[None], NOISE: (np.full(size, unit) if unit is not None else drawn["sigma"])[None]}
        sds = [drawn[one.name].reshape(size, -1) for one in parameters.all_of(Role.GROUP_SD)]
        cors = [drawn[one.name][:, *np.transpose(block_pairs(one.blocks))] for one in parameters.all_of(Role.GROUP_COR)]
        return values | {name: np.hstack(parts)[None] for name, parts in ((SD, sds), (COR, cors)) if parts}

    def linear(self, draws: Draws, X: np.ndarray, keep: np.ndarray | None = None) -> np.ndarray:
        """Give the mean response without group effects, shape (S, N), of rows with predictors X."""
        location = draws.flat(LOCATION)
        return common_mean(X, np.zeros(X.shape[1] + 1), location if keep is None else location[keep])

    def group_weights(self, term: int) -> np.ndarray:
        """Give how much each group says of its own mean, shape (J,): its rows, or the sum of their known se**-2."""
        grouping, se = self.design.groupings[term], self.design.se
        weights = None if se is None else precision_weights(se)
        return np.bincount(grouping.codes, weights, minlength=len(grouping.levels)).astype(float)

    def effects(self, draws: Draws, term: int, groups: np.ndarray) -> np.ndarray:
        """Give the draws of effects of groups, deviations from the population, shape (S, G, q)."""
        shapes = self.description.shapes
        own = draws.flat(EFFECTS)[:, effect_slices(shapes)[term]]
        return own.reshape(draws.n_draws, shapes[term].n_levels, shapes[term].q)[:, groups]

    def new_effects(self, draws: Draws, term: int, noise: np.ndarray) -> np.ndarray:
        """Give the effects of a group without rows, shape (S, q), from standard normal noise of that shape."""
        return np.asarray(np.einsum("skl,sl->sk", term_factors(draws, self.description.shapes, term), noise))

    def effect_means(self, draws: Draws, term: int, groups: np.ndarray) -> np.ndarray:
        """Give the draws of the groups' effects, shape (S, G, q), which have the mean of their conditional means."""
        return self.effects(draws, term, groups)

    def summarise_groups(
        self, draws: Draws, term: int, groups: np.ndarray, prob: float, weights: np.ndarray, offset: np.ndarray
    ) -> pd.DataFrame:
        """Summarise offset + effects @ weights of groups: mean, sd, lower, median, upper of the draws."""
        return summarise_draws(self.effects(draws, term, groups) @ weights + offset[:, None], prob)

    def noise_scale(self, draws: Draws, keep: np.ndarray | None = None) -> np.ndarray:
        """Give sigma, shape (S,)."""
        sigma = draws.flat(NOISE)
        return sigma if keep is None else sigma[keep]

    def given(self, draws: Draws) -> Given:
        """Give what densities of rows are conditioned on."""
        shapes = self.description.shapes
        return Given(
            location=draws.flat(LOCATION),
            origin=np.zeros(len(self.description.predictors) + 1),
            sigma=draws.flat(NOISE),
            factors=tuple(term_factors(draws, shapes, term) for term in range(len(shapes))),
            effects=lambda term, groups: self.effects(draws, term, groups),
            moments={},
        )

    def row_densities(self, design: InMemoryDesign, draws: Draws) -> Iterator[Block]:
        """Give log densities of rows given the other rows of their group, block by block."""
        return row_densities(design, self.given(draws))

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

    def held_out_densities(self, design: InMemoryDesign, codes: Sequence[np.ndarray], draws: Draws) -> np.ndarray:
        """Give the log posterior mean density of rows that the draws have not seen, shape (N,)."""
        return held_out_densities(design, tuple(codes), self.given(draws))

    def log_density_of_new(self, before: Self, new_rows: InMemoryDesign, draws: Draws) -> np.ndarray:
        """Give the log density, shape (S,), of rows that this engine has seen and `before`, whose draws these are, not.

        The effects of groups that have no rows before are integrated out.
        """
        known = [
            np.where(np.arange(len(one.levels)) < len(old.levels), np.arange(len(one.levels)), -1)
            for one, old in zip(new_rows.groupings, before.design.groupings, strict=True)
        ]
        together = np.zeros(new_rows.n_rows, dtype=int)
        blocks = before.set_densities(new_rows, together, 1, draws, known=known)
        return np.asarray(np.concatenate([left_out for _, left_out, _ in blocks], axis=1)[:, 0])

    def completed(self, draws: Draws) -> Draws:
        """Give draws of fewer rows, weighted for all, with the effects of new groups drawn given all rows."""
        shapes = self.description.shapes
        roomy = with_room(draws, shapes, self.n_before)
        return drawn_new_levels(roomy, self.design, self.given(roomy), shapes, self.n_before)

    def own_effects(self, draws: Draws, term: int) -> np.ndarray:
        """Give what each group's rows alone say of its effects, shape (J, q); nan where they do not tell."""
        return group_means.own_effects(self.design, self.given(draws), term)

    def replicated_means(self, draws: Draws, term: int, keep: np.ndarray, seed: int) -> tuple[np.ndarray, np.ndarray]:
        """Give means of the groups in replicated data, shape (len(keep), J), and those observed, shape (J,)."""
        chosen = replace(draws, values={name: draws.flat(name)[None, keep] for name in draws.values}, statistics={})
        return group_means.replicated_means(self.design, self.given(chosen), term, self.group_weights(term), seed)
