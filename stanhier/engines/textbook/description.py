"""What a textbook program is written from: columns, grouping factors with their effects, and priors."""

from dataclasses import dataclass
from typing import Literal

import numpy as np

from stanhier.design.design import Design
from stanhier.design.groupings import Grouping
from stanhier.engines.chosen_priors import ChosenPriors
from stanhier.engines.multilevel.layout import TermShape, blocks_of
from stanhier.engines.parameters import Parameter, Role
from stanhier.families.family import Family
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
    """A model as its program is written.

    Attributes
    ----------
    formula : str
    predictors : tuple of str, length K
    extra_effects : tuple of str, length E
        Columns that vary by group and are no predictors.
    terms : tuple of Term
    family : Family
    has_offset : bool
        Whether something known is added to the linear predictor.
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
    auxiliary : tuple of (str, Prior)
        What else the distribution of responses has: `nu`, `shape`.
    template : {"linear_regression", "varying_intercept", "multilevel"}
        The first has no terms, the second the one term (1 | g), whose effects are the intercepts of the groups.
    """

    formula: str
    predictors: tuple[str, ...]
    extra_effects: tuple[str, ...]
    terms: tuple[Term, ...]
    family: Family
    has_offset: bool
    noise: Noise
    intercept: Prior | None
    centered: bool
    centre: tuple[float, ...]
    slopes: tuple[Prior, ...]
    sigma: Prior | None
    auxiliary: tuple[tuple[str, Prior], ...]
    template: Literal["linear_regression", "varying_intercept", "multilevel"]

    @property
    def adds_offset(self) -> bool:
        """Whether the program adds the offset; where the link is the identity the response is less of it already."""
        return self.has_offset and self.family.link != "identity"

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
    parameters, intercept = chosen.parameters, chosen.intercept
    slopes, sigma = parameters.of(Role.SLOPES), parameters.of(Role.NOISE)
    sds = parameters.all_of(Role.GROUP_SD)
    centered = intercept is not None and intercept.centered
    return Description(
        formula=design.formula.text,
        predictors=design.predictors,
        extra_effects=design.columns.extra,
        terms=tuple(
            _term(grouping, chosen, sd, parameters.of(Role.GROUP_COR, term))
            for term, (grouping, sd) in enumerate(zip(design.groupings, sds, strict=True))
        ),
        family=design.family,
        has_offset=design.has_offset,
        noise=noise,
        intercept=intercept,
        centered=centered,
        centre=tuple(centre.tolist()) if centered and centre is not None else (),
        slopes=() if slopes is None else chosen.by_name[slopes.name],
        sigma=None if sigma is None else chosen.by_name[sigma.name][0],
        auxiliary=tuple((one.name, chosen.by_name[one.name][0]) for one in parameters.all_of(Role.AUXILIARY)),
        template="linear_regression" if not sds else "varying_intercept" if sds[0].term is None else "multilevel",
    )


def _term(grouping: Grouping, chosen: ChosenPriors, sd: Parameter, cor: Parameter | None) -> Term:
    return Term(
        name=grouping.name,
        effects=grouping.effects,
        shape=TermShape.of(grouping),
        sd=chosen.by_name[sd.name],
        cor=() if cor is None else chosen.by_name[cor.name],
    )
