"""What a textbook program is written from: columns, grouping factors with their effects, and priors."""

from dataclasses import dataclass
from typing import Literal

import numpy as np

from stanhier.design.design import Design
from stanhier.engines.multilevel.layout import TermShape, blocks_of
from stanhier.engines.parameters import Role
from stanhier.engines.prior_choice import ChosenPriors
from stanhier.families.noise import Noise
from stanhier.priors.distributions import Prior

__all__ = ["Description", "Term", "describe"]


@dataclass(frozen=True)
class Term:
    """A grouping factor with its effects and their priors; q effects.

    Attributes
    ----------
    name : str
        "g", or "a:b".
    effects : tuple of str, length q
        "Intercept", or names of columns.
    shape : TermShape
        Levels, blocks of correlated effects, and the column of each effect.
    sd : tuple of Prior, length q
        Of the standard deviations.
    cor : tuple of Prior
        Of the correlations of each block of two effects or more, in their order.
    """

    name: str
    effects: tuple[str, ...]
    shape: TermShape
    sd: tuple[Prior, ...]
    cor: tuple[Prior, ...]

    @property
    def correlated(self) -> list[slice]:
        """The blocks of two effects or more, as positions of effects."""
        return [block for block in blocks_of(self.shape.blocks) if block.stop - block.start > 1]


@dataclass(frozen=True)
class Description:
    """A Gaussian model as its program is written.

    Attributes
    ----------
    formula : str
    predictors : tuple of str, length K
    extra_effects : tuple of str, length E
        Columns that vary by group and are no predictors.
    terms : tuple of Term
    noise : Noise
    intercept : Prior or None
        None where the model has no intercept.
    centered : bool
        Whether the prior of the intercept holds at the mean of the predictors.
    centre : tuple of float, length K
        These means, where they are not those of the rows at hand; else empty.
    slopes : tuple of Prior, length K
    sigma : Prior or None
        None where sigma is no parameter.
    template : {"linear_regression", "varying_intercept", "multilevel"}
        The first has no terms, the second the one term (1 | g), whose effects are the intercepts of the groups.
    """

    formula: str
    predictors: tuple[str, ...]
    extra_effects: tuple[str, ...]
    terms: tuple[Term, ...]
    noise: Noise
    intercept: Prior | None
    centered: bool
    centre: tuple[float, ...]
    slopes: tuple[Prior, ...]
    sigma: Prior | None
    template: Literal["linear_regression", "varying_intercept", "multilevel"]

    @property
    def shapes(self) -> list[TermShape]:
        """The shape of each term."""
        return [term.shape for term in self.terms]


def describe(design: Design, chosen: ChosenPriors, noise: Noise, *, centre: np.ndarray | None = None) -> Description:
    """Gather what the program of a model is written from.

    Parameters
    ----------
    design : Design
    chosen : ChosenPriors
    noise : Noise
    centre : numpy.ndarray, shape (K,), optional
        The means of the predictors when the priors were chosen, if that was for other rows.
    """
    parameters = chosen.parameters
    intercept = chosen.intercept
    slopes, sigma, sd = (parameters.of(role) for role in (Role.SLOPES, Role.NOISE, Role.GROUP_SD))
    centered = intercept is not None and intercept.centered
    terms: tuple[Term, ...] = ()
    if design.group is not None:
        assert sd is not None
        shape = TermShape(len(design.group.levels), (1,), (-1,))
        terms = (Term(design.group.name, ("Intercept",), shape, chosen.by_name[sd.name], ()),)
    return Description(
        formula=design.formula.text,
        predictors=design.predictors,
        extra_effects=(),
        terms=terms,
        noise=noise,
        intercept=intercept,
        centered=centered,
        centre=tuple(centre.tolist()) if centered and centre is not None else (),
        slopes=() if slopes is None else chosen.by_name[slopes.name],
        sigma=None if sigma is None else chosen.by_name[sigma.name][0],
        template="varying_intercept" if terms else "linear_regression",
    )
