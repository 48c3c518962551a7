"""The parameters of effects that vary over the levels of several factors: their names, dimensions and labels."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import count
from typing import Protocol

import pandas as pd

from stanhier.engines.parameters import TAKEN, Inventory, Parameter, Role, correlated_pairs, dimension, slopes_and_noise
from stanhier.formula.varying import VaryingTerm

__all__ = ["Factor", "factors_as_written", "inventory_of_terms"]


class Factor(Protocol):
    """A grouping factor with the effects that vary over its levels."""

    @property
    def name(self) -> str:
        """As the formula has it: `subject`, `school:class`."""

    @property
    def levels(self) -> pd.Index:
        """Labels of the levels."""

    @property
    def effects(self) -> tuple[str, ...]:
        """Names of the effects: "Intercept", or columns."""

    @property
    def blocks(self) -> tuple[int, ...]:
        """Sizes of consecutive runs of effects; those of a run are correlated with each other."""


@dataclass(frozen=True)
class _WrittenFactor:
    name: str
    effects: tuple[str, ...]
    blocks: tuple[int, ...]
    levels: pd.Index = field(default_factory=lambda: pd.Index([]))


def factors_as_written(terms: Sequence[VaryingTerm]) -> tuple[Factor, ...]:
    """Give the factors of a formula as far as it tells them without data: no levels, and effects as they are written.

    Effects that may turn out to be several columns count as two where they would be correlated.

    Parameters
    ----------
    terms : sequence of VaryingTerm

    Returns
    -------
    tuple of Factor
        In the order of the formula, terms of one factor joined.
    """
    joined: dict[str, list[VaryingTerm]] = {}
    for term in terms:
        joined.setdefault(term.name, []).append(term)
    return tuple(
        _WrittenFactor(
            name,
            effects=tuple(str(effect) for term in own for effect in term.effects),
            blocks=tuple(2 if term.correlated and not term.is_intercept else 1 for term in own),
        )
        for name, own in joined.items()
    )


def inventory_of_terms(
    predictors: Sequence[str],
    *,
    has_intercept: bool,
    factors: Sequence[Factor],
    sigma_is_estimated: bool,
    auxiliary: Sequence[str] = (),
) -> Inventory:
    """List the parameters of a regression whose effects vary over the levels of any number of factors.

    Those of a factor g are named after it: `sd_g`, `cor_g` where effects are correlated, `effect_g`. Labels of effects
    stand along `effect` and, across a matrix of correlations, `effect_other`; where several factors have several
    effects, or different ones, along `effect_of_g` and `effect_of_g_other`. A factor one of whose names is taken is
    called by the first of `g_2`, `g_3` ... that leaves none taken.

    Parameters
    ----------
    predictors : sequence of str
        Columns of the design, no intercept column.
    has_intercept : bool
        Whether the population has one.
    factors : sequence of Factor
    sigma_is_estimated : bool
    auxiliary : sequence of str
        Further parameters of the responses' distribution: `nu`, `shape`.

    Returns
    -------
    Inventory
    """
    listed = [Parameter("alpha", Role.INTERCEPT)] if has_intercept else []
    effects = []
    distinct = {tuple(factor.effects) for factor in factors}
    # ArviZ's tables mix up labels where arrays of several groups share a dimension of several effects.
    alike = len(factors) <= 1 or (len(distinct) == 1 and len(factors[0].effects) == 1)
    for term, (factor, stem) in enumerate(zip(factors, _stems(factors), strict=True)):
        along = "effect" if alike else f"effect_of_{stem}"
        names = pd.Index(list(factor.effects), dtype=object)
        listed.append(Parameter(f"sd_{stem}", Role.GROUP_SD, (along,), (names,), term, factor.name))
        if correlated_pairs(factor.blocks):
            dims, blocks = (along, f"{along}_other"), tuple(factor.blocks)
            listed.append(Parameter(f"cor_{stem}", Role.GROUP_COR, dims, (names, names), term, factor.name, blocks))
        dims, coords = (dimension(stem), along), (factor.levels, names)
        effects.append(Parameter(f"effect_{stem}", Role.EFFECTS, dims, coords, term, factor.name))
    own = slopes_and_noise(predictors, sigma_is_estimated=sigma_is_estimated, auxiliary=auxiliary)
    return Inventory((*listed, *own, *effects))


def _stems(factors: Sequence[Factor]) -> list[str]:
    """Give the part of names that is each factor's own, so that no two variables or dimensions have one name."""
    taken, stems = set(TAKEN), []
    for factor in factors:
        first = factor.name.replace("/", "_")
        for stem in (first if k == 1 else f"{first}_{k}" for k in count(1)):
            names = {dimension(stem), *(f"{kind}_{stem}" for kind in ("sd", "cor", "effect", "effect_of"))}
            names.add(f"effect_of_{stem}_other")
            if not names & taken:
                break
        taken |= names
        stems.append(stem)
    return stems
