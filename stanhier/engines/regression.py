"""A regression: rows under a formula, what varies around them, priors, and the engine that computes its posterior."""

from copy import copy
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Self

from stanhier.basics.arguments import in_our_words
from stanhier.basics.elsewhere import OF_MODEL, translated
from stanhier.data.missing import LeftOut
from stanhier.design.columns import INTERCEPT
from stanhier.design.design import Design
from stanhier.design.in_memory import InMemoryDesign, rows_of
from stanhier.engines.chosen_priors import ChosenPriors
from stanhier.engines.engine import Engine
from stanhier.engines.parameters import Inventory, inventory_of
from stanhier.engines.term_parameters import inventory_of_terms
from stanhier.engines.textbook.description import Description, describe
from stanhier.engines.textbook.rendering import render
from stanhier.engines.textbook.rows import program_data
from stanhier.families.family import Family
from stanhier.families.noise import Noise

__all__ = ["Regression", "parameters_of"]


@dataclass(frozen=True, eq=False, repr=False)
class Regression:
    """What everything that is done with a model reads of it. Never changed: other rows make another one.

    Attributes
    ----------
    design : Design
        Response, predictors and groups as the model sees them.
    noise : Noise
        What is known of the residual standard deviation.
    chosen : ChosenPriors
        Every prior as it will be used.
    engine : Engine
    own_intercepts : bool
        Whether the groups' intercepts are parameters themselves, around `mu_alpha`, instead of effects.
    stages : tuple of int
        Number of rows when the model was made, and after each update by new groups.
    """

    design: Design
    noise: Noise
    chosen: ChosenPriors
    engine: Engine
    own_intercepts: bool
    stages: tuple[int, ...]

    @property
    def formula(self) -> str:
        """The formula as it was given."""
        return self.design.formula.text

    @property
    def family(self) -> Family:
        """How responses vary around the linear predictor."""
        return self.design.family

    @property
    def in_memory(self) -> InMemoryDesign | None:
        """The design with its rows, if these are in memory."""
        return self.design if isinstance(self.design, InMemoryDesign) else None

    @property
    def rows(self) -> InMemoryDesign:
        """The design with its rows.

        Raises
        ------
        DataError
            If these are not in memory.
        """
        return rows_of(self.in_memory)

    @property
    def parameters(self) -> Inventory:
        """All parameters, the effects of the groups too."""
        return parameters_of(self.design, self.noise, own_intercepts=self.own_intercepts)

    @property
    def sigma(self) -> float | None:
        """The fixed residual standard deviation; None if it is estimated, 1 where standard errors are known."""
        return self.noise.unit

    @property
    def priors(self) -> dict[str, Any]:
        """Every prior as it will be used, autoscaled ones with their numbers; `beta` by predictor.

        `centered=True` marks the prior of an intercept at the mean of the predictors.
        """
        return self.chosen.as_dict()

    @property
    def around_zero(self) -> list[str]:
        """Sentences on effects of groups whose population mean is taken as 0."""
        effects = {effect for grouping in self.design.groupings for effect in grouping.effects}
        has_none = INTERCEPT in effects and not self.design.formula.has_intercept
        intercept = ["The intercept varies around 0: the population has none"] if has_none else []
        slopes = [f"{name} varies around 0: it is no predictor of the population" for name in self.design.columns.extra]
        return intercept + slopes

    @property
    def stan_code(self) -> str:
        """The model as a person would write it in Stan, row by row, with these priors; `row_data` fits it."""
        return render(self._description)

    @property
    def row_data(self) -> dict[str, Any]:
        """The data for `stan_code`: the rows themselves."""
        return program_data(self._description, self.rows)

    @property
    def _description(self) -> Description:
        centre = self.engine.prior_centre if len(self.stages) > 1 else None
        return describe(self.design, self.chosen, self.noise, centre=centre)

    @property
    def stan_data(self) -> dict[str, Any]:
        """What the compiled program receives; the keys are the names in its data block."""
        return self.engine.data()

    @in_our_words()
    def on_rows(self, design: InMemoryDesign) -> Self:
        """Give the same model with the same priors on other rows.

        A prior at the mean of the predictors stays at the mean in this model's rows, so that posteriors given
        different rows are posteriors of one model.

        Parameters
        ----------
        design : InMemoryDesign
            Encoded as this model's design is.

        Returns
        -------
        Regression
            Of the same class.
        """
        stages = (*self.stages, design.n_rows)
        return self._with(design=design, engine=self.engine.on_rows(design), stages=stages)

    @in_our_words()
    def in_logarithms(self) -> Self:
        """Give the same model in coordinates of which a mode of the scales is the mode of their logarithms."""
        return self._with(engine=self.engine.in_logarithms())

    @in_our_words()
    def which_left_out(self, left_out: LeftOut) -> Self:
        """Give the same model, which says that rows with missing values were left out of its data."""
        return self._with(design=replace(self.design, left_out=left_out))

    @in_our_words()
    def with_engine(self, engine: Engine) -> Self:
        """Give the same model by another engine."""
        return self._with(engine=engine)

    if not TYPE_CHECKING:  # to type checkers nothing else is an attribute
        __getattr__ = translated(OF_MODEL)

    def _with(self, **changes: Any) -> Self:
        """Give a copy with other fields; `dataclasses.replace` would call the constructor that users call."""
        other = copy(self)
        vars(other).update(changes)
        return other


def parameters_of(design: Design, noise: Noise, *, own_intercepts: bool) -> Inventory:
    """List the parameters of a regression on these rows."""
    auxiliary = design.family.beside_sigma
    if not own_intercepts:
        return inventory_of_terms(
            design.predictors,
            has_intercept=design.formula.has_intercept,
            factors=design.groupings,
            sigma_is_estimated=noise.is_estimated,
            auxiliary=auxiliary,
        )
    group = design.group
    return inventory_of(
        design.predictors,
        has_intercept=design.formula.has_intercept,
        group=None if group is None else (group.name, group.levels),
        sigma_is_estimated=noise.is_estimated,
        auxiliary=auxiliary,
    )
