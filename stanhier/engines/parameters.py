"""The inventory of a model's parameters: the one list that labels, tables, pictures, files and equations read."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import Enum
from itertools import product
from math import prod
from typing import Any

import numpy as np
import pandas as pd

__all__ = [
    "TAKEN",
    "Inventory",
    "Parameter",
    "Role",
    "correlated_pairs",
    "dimension",
    "inventory_of",
    "slopes_and_noise",
]

TAKEN = {
    *("chain", "draw", "sample", "predictor", "row", "effect", "effect_other"),
    *("alpha", "mu_alpha", "sigma_alpha", "beta", "sigma", "nu", "shape"),
}
"""Names that no dimension of a column can have."""


class Role(Enum):
    """What a parameter does in a regression."""

    INTERCEPT = "the intercept of the population, at predictors of 0"
    SLOPES = "the slopes of the population"
    GROUP_SD = "the standard deviation of the groups' effects"
    GROUP_COR = "the correlations of the groups' effects"
    EFFECTS = "the groups' own intercepts"
    NOISE = "the residual standard deviation"
    AUXILIARY = "what else the distribution of responses has"


@dataclass(frozen=True, eq=False)
class Parameter:
    """One parameter: a number, or one for each label, or for each pair of labels.

    Attributes
    ----------
    name : str
        As in the posterior.
    role : Role
    dims : tuple of str
        Dimensions of the labels; empty of a single number.
    coords : tuple of pandas.Index
        The user's labels along each.
    term : int or None
        Position of the grouping factor whose effects these are; None of what no factor has, and where the model has
        the one that its name is of.
    factor : str or None
        That factor, as the formula has it.
    blocks : tuple of int
        Of correlations: sizes of consecutive runs of effects that are correlated with each other.
    """

    name: str
    role: Role
    dims: tuple[str, ...] = ()
    coords: tuple[pd.Index, ...] = ()
    term: int | None = None
    factor: str | None = None
    blocks: tuple[int, ...] = ()

    @property
    def shape(self) -> tuple[int, ...]:
        """Number of labels along each dimension: the shape of one draw in the posterior."""
        return tuple(len(labels) for labels in self.coords)

    @property
    def dim(self) -> str | None:
        """Dimension of the labels, if there is one; None of a single number."""
        (name,) = self.dims or (None,)
        return name

    @property
    def labels(self) -> pd.Index | None:
        """The user's labels along the only dimension; None of a single number."""
        (labels,) = self.coords or (None,)
        return labels

    @property
    def size(self) -> int:
        """How many numbers it is; a correlation is one, though it stands in its matrix twice."""
        return len(correlated_pairs(self.blocks)) if self.role is Role.GROUP_COR else prod(self.shape)

    @property
    def scalar_labels(self) -> list[Any]:
        """The label of each of its numbers: None of a single one; of several dimensions a text, `Intercept, days`."""
        if len(self.coords) < 2:
            return [None] if not self.coords else list(self.coords[0])
        if self.role is Role.GROUP_COR:
            rows, columns = self.coords
            return [f"{rows[i]}, {columns[j]}" for i, j in correlated_pairs(self.blocks)]
        return [", ".join(map(str, labels)) for labels in product(*self.coords)]

    @property
    def scalar_names(self) -> list[str]:
        """A name for each of its numbers, as tables have them: `sigma`, `cor_subject[Intercept, days]`."""
        return [self.name if label is None else f"{self.name}[{label}]" for label in self.scalar_labels]

    def scalars(self, values: np.ndarray) -> np.ndarray:
        """Give its numbers one by one, shape (..., size), in the order of their names.

        Parameters
        ----------
        values : numpy.ndarray, shape (..., *shape)
            As the posterior has them.
        """
        if self.role is Role.GROUP_COR:
            rows, columns = np.array(correlated_pairs(self.blocks)).T
            return np.asarray(values[..., rows, columns])
        return values.reshape(*values.shape[: values.ndim - len(self.shape)], self.size)


@dataclass(frozen=True, eq=False)
class Inventory:
    """All parameters of a model, in the order in which tables show them.

    Attributes
    ----------
    parameters : tuple of Parameter
    """

    parameters: tuple[Parameter, ...]

    def __iter__(self) -> Iterator[Parameter]:
        return iter(self.parameters)

    def __getitem__(self, name: str) -> Parameter:
        return next(parameter for parameter in self if parameter.name == name)

    def of(self, role: Role, term: int | None = None) -> Parameter | None:
        """Give the parameter of a role, if the model has one; where several factors have one each, of this factor.

        Raises
        ------
        ValueError
            If there are several and no factor is named.
        """
        found = [one for one in self.all_of(role) if term is None or one.term == term]
        if len(found) > 1:
            raise ValueError(f"{len(found)} parameters are {role.value}; name a factor, or ask for all of them")
        return found[0] if found else None

    def all_of(self, role: Role) -> list[Parameter]:
        """Give the parameters of a role, those of factors in their order."""
        return [parameter for parameter in self if parameter.role is role]

    def without_effects(self) -> "Inventory":
        """Give the parameters that all groups share: few, whatever the number of groups."""
        return Inventory(tuple(parameter for parameter in self if parameter.role is not Role.EFFECTS))

    @property
    def population(self) -> list[str]:
        """Names of the parameters that all groups share."""
        return [parameter.name for parameter in self.without_effects()]

    @property
    def location(self) -> list[Parameter]:
        """The intercept, where there is one, and the slopes: what enters the mean of the population linearly."""
        return [parameter for parameter in self if parameter.role in (Role.INTERCEPT, Role.SLOPES)]

    @property
    def scales(self) -> list[Parameter]:
        """The standard deviations that are estimated."""
        return [parameter for parameter in self if parameter.role in (Role.GROUP_SD, Role.NOISE)]

    @property
    def has_intercept(self) -> bool:
        """Whether the population has an intercept."""
        return self.of(Role.INTERCEPT) is not None

    @property
    def effects(self) -> Parameter | None:
        """The groups' effects, where there are groups, of one factor."""
        return self.of(Role.EFFECTS)


def inventory_of(
    predictors: Sequence[str],
    *,
    has_intercept: bool,
    group: tuple[str, pd.Index] | None,
    sigma_is_estimated: bool,
    auxiliary: Sequence[str] = (),
) -> Inventory:
    """List the parameters of a regression.

    Parameters
    ----------
    predictors : sequence of str
        Columns of the design, no intercept column.
    has_intercept : bool
    group : (str, pandas.Index) or None
        Name and labels of the grouping factor, whose intercepts vary.
    sigma_is_estimated : bool
    auxiliary : sequence of str
        Further parameters of the responses' distribution: `nu`, `shape`.

    Returns
    -------
    Inventory
    """
    listed = slopes_and_noise(predictors, sigma_is_estimated=sigma_is_estimated, auxiliary=auxiliary)
    if group is not None:
        name, labels = group
        listed.insert(0, Parameter("sigma_alpha", Role.GROUP_SD))
        listed.append(Parameter("alpha", Role.EFFECTS, (dimension(name),), (labels,)))
    if has_intercept:
        listed.insert(0, Parameter("alpha" if group is None else "mu_alpha", Role.INTERCEPT))
    return Inventory(tuple(listed))


def correlated_pairs(blocks: Sequence[int]) -> list[tuple[int, int]]:
    """List the pairs of correlated effects, each once and the earlier effect first: (0, 1), (0, 2), (1, 2), (0, 3) ...

    Parameters
    ----------
    blocks : sequence of int
        Sizes of consecutive runs of effects; those of a run are correlated with each other.
    """
    starts = np.cumsum([0, *blocks]).tolist()
    return [
        (start + i, start + j)
        for start, size in zip(starts, blocks, strict=False)
        for j in range(size)
        for i in range(j)
    ]


def dimension(name: Any) -> str:
    """Give a column's name as one that a dimension can have: not taken, and without a slash."""
    plain = str(name).replace("/", "_")
    return f"{plain}_group" if plain in TAKEN else plain


def slopes_and_noise(
    predictors: Sequence[str], *, sigma_is_estimated: bool, auxiliary: Sequence[str] = ()
) -> list[Parameter]:
    """List the slopes, the residual standard deviation, and what else the distribution of responses has."""
    listed = []
    if predictors:
        listed.append(Parameter("beta", Role.SLOPES, ("predictor",), (pd.Index(list(predictors), dtype=object),)))
    if sigma_is_estimated:
        listed.append(Parameter("sigma", Role.NOISE))
    return [*listed, *(Parameter(name, Role.AUXILIARY) for name in auxiliary)]
