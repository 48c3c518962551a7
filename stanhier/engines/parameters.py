"""The inventory of a model's parameters: the one list that labels, tables, pictures, files and equations read."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Any

import pandas as pd

__all__ = ["Inventory", "Parameter", "Role", "dimension", "inventory_of"]

_TAKEN = {"chain", "draw", "sample", "predictor", "row", "alpha", "mu_alpha", "sigma_alpha", "beta", "sigma"}


class Role(Enum):
    """What a parameter does in a regression."""

    INTERCEPT = "the intercept of the population, at predictors of 0"
    SLOPES = "the slopes of the population"
    GROUP_SD = "the standard deviation of the groups' effects"
    EFFECTS = "the groups' own intercepts"
    NOISE = "the residual standard deviation"


@dataclass(frozen=True, eq=False)
class Parameter:
    """One parameter, or one for each of several labels.

    Attributes
    ----------
    name : str
        As in the posterior.
    role : Role
    dim : str or None
        Dimension of the labels; None of a single number.
    labels : pandas.Index or None
        The user's labels along it.
    """

    name: str
    role: Role
    dim: str | None = None
    labels: pd.Index | None = None

    @property
    def size(self) -> int:
        """How many numbers it is."""
        return 1 if self.labels is None else len(self.labels)

    @property
    def scalar_names(self) -> list[str]:
        """A name for each of its numbers, as tables have them: `sigma`, `beta[days]`."""
        return [self.name] if self.labels is None else [f"{self.name}[{label}]" for label in self.labels]


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

    def of(self, role: Role) -> Parameter | None:
        """Give the parameter of a role, if the model has one."""
        return next((parameter for parameter in self if parameter.role is role), None)

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
        """The groups' effects, where there are groups."""
        return self.of(Role.EFFECTS)


def inventory_of(
    predictors: Sequence[str], *, has_intercept: bool, group: tuple[str, pd.Index] | None, sigma_is_estimated: bool
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

    Returns
    -------
    Inventory
    """
    listed = []
    if has_intercept:
        listed.append(Parameter("alpha" if group is None else "mu_alpha", Role.INTERCEPT))
    if group is not None:
        listed.append(Parameter("sigma_alpha", Role.GROUP_SD))
    if predictors:
        listed.append(Parameter("beta", Role.SLOPES, "predictor", pd.Index(list(predictors), dtype=object)))
    if sigma_is_estimated:
        listed.append(Parameter("sigma", Role.NOISE))
    if group is not None:
        name, labels = group
        listed.append(Parameter("alpha", Role.EFFECTS, dimension(name), labels))
    return Inventory(tuple(listed))


def dimension(name: Any) -> str:
    """Give a column's name as one that a dimension can have: not taken, and without a slash."""
    plain = str(name).replace("/", "_")
    return f"{plain}_group" if plain in _TAKEN else plain
