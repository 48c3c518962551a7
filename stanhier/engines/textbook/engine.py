"""The engine that samples a textbook program: rows in, draws of everything out, effects too."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, Self

import numpy as np

from stanhier.basics.errors import StanhierError
from stanhier.design.column_moments import ColumnMoments
from stanhier.design.in_memory import InMemoryDesign
from stanhier.engines.chosen_priors import ChosenPriors
from stanhier.engines.multilevel.layout import COR, LOCATION, NOISE, SD, TermShape
from stanhier.engines.parameters import Role
from stanhier.engines.rows.explicit import ExplicitEngine
from stanhier.engines.textbook.coordinates import NUTS_ALONE, TextbookCoordinates
from stanhier.engines.textbook.description import Description, describe
from stanhier.engines.textbook.rendering import render
from stanhier.engines.textbook.rows import program_data
from stanhier.families.noise import Noise
from stanhier.stan.rendered import RenderedProgram

__all__ = ["TextbookEngine"]


@dataclass(frozen=True)
class TextbookEngine(ExplicitEngine):
    """A model of any structure and family, whose rows are in memory.

    Attributes
    ----------
    rows : InMemoryDesign
    chosen : ChosenPriors
    noise : Noise
    centre : numpy.ndarray, shape (K,), or None
        The means of the predictors when the priors were chosen, if that was for other rows.
    n_before : tuple of int
        Of each factor the number of groups before these rows were added; the first are the same.
    """

    rows: InMemoryDesign
    chosen: ChosenPriors
    noise: Noise
    centre: np.ndarray | None
    n_before: tuple[int, ...]

    @classmethod
    def of(
        cls,
        design: InMemoryDesign,
        chosen: ChosenPriors,
        noise: Noise,
        *,
        centre: np.ndarray | None = None,
    ) -> Self:
        """Make the engine of a model; the arguments are its attributes."""
        return cls(design, chosen, noise, centre, tuple(len(one.levels) for one in design.groupings))

    @cached_property
    def description(self) -> Description:
        """What the program is written from."""
        return describe(self.rows, self.chosen, self.noise, centre=self.centre)

    @property
    def shapes(self) -> tuple[TermShape, ...]:
        """The factors with their effects."""
        return tuple(self.description.shapes)

    @property
    def origin(self) -> np.ndarray:
        """What the location is relative to, shape (K + 1,): zeros."""
        return np.zeros(len(self.description.predictors) + 1)

    @cached_property
    def program(self) -> RenderedProgram:
        """The Stan program, written for this model."""
        return RenderedProgram(f"textbook_{self.description.template}", render(self.description))

    @cached_property
    def coordinates(self) -> TextbookCoordinates:
        """The way back from its draws."""
        return TextbookCoordinates.of(self.description, self.chosen.parameters)

    @property
    def moments(self) -> ColumnMoments:
        """Means and standard deviations of the columns of the rows."""
        return self.rows.moments

    @property
    def prior_centre(self) -> np.ndarray:
        """Where a prior with `centered=True` holds, shape (K,): the means of the predictors when it was chosen."""
        return self.rows.X.mean(axis=0) if self.centre is None else self.centre

    def data(self) -> dict[str, Any]:
        """Give what the program receives: the rows."""
        return program_data(self.description, self.rows)

    def on_rows(self, design: InMemoryDesign) -> Self:
        """Give the engine of the same model on other rows; priors stay where they were."""
        n_before = tuple(len(one.levels) for one in self.rows.groupings)
        return replace(self, rows=design, centre=self.prior_centre, n_before=n_before)

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
        values = {LOCATION: location[None]}
        if self.noise.kind != "none":
            values[NOISE] = (np.full(size, unit) if unit is not None else drawn["sigma"])[None]
        values |= {one.name: drawn[one.name][None] for one in parameters.all_of(Role.AUXILIARY)}
        sds = [drawn[one.name].reshape(size, -1) for one in parameters.all_of(Role.GROUP_SD)]
        cors = [one.scalars(drawn[one.name]) for one in parameters.all_of(Role.GROUP_COR)]
        return values | {name: np.hstack(parts)[None] for name, parts in ((SD, sds), (COR, cors)) if parts}
