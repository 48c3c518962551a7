"""The priors as a model will use them: those that the user gives, and defaults for the rest."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from stanhier.basics.errors import DataError, PriorError
from stanhier.basics.words import quoted
from stanhier.design.design import Design
from stanhier.engines.parameters import Inventory, Parameter, Role
from stanhier.engines.prior_names import check_predictors, named_priors
from stanhier.priors.distributions import Exponential, Flat, LocationPrior, Normal, Prior, ScalePrior

__all__ = ["ChosenPriors", "ColumnMoments", "choose_priors"]


@dataclass(frozen=True)
class ColumnMoments:
    """What defaults are scaled by.

    Attributes
    ----------
    mean, sd : numpy.ndarray, shape (K + 1,)
        Unweighted mean and standard deviation (divisor N - 1; 0 for one row) of each column of [X y].
    """

    mean: np.ndarray
    sd: np.ndarray


@dataclass(frozen=True)
class ChosenPriors:
    """Every prior of a model.

    Attributes
    ----------
    parameters : Inventory
        Those that have priors: all but the groups' effects, whose population is their prior.
    by_name : dict of tuple of Prior
        For each parameter as many priors as it is numbers.
    """

    parameters: Inventory
    by_name: dict[str, tuple[Prior, ...]]

    def of(self, parameters: list[Parameter]) -> list[Prior]:
        """Give the priors of some parameters, number by number."""
        return [prior for parameter in parameters for prior in self.by_name[parameter.name]]

    @property
    def intercept(self) -> LocationPrior | None:
        """The prior of the population's intercept; None where the model has none."""
        parameter = self.parameters.of(Role.INTERCEPT)
        if parameter is None:
            return None
        (prior,) = self.by_name[parameter.name]
        assert isinstance(prior, LocationPrior)
        return prior

    @property
    def location(self) -> list[Prior]:
        """Priors of the location parameters, the intercept first."""
        return self.of(self.parameters.location)

    @property
    def scale(self) -> list[Prior]:
        """Priors of the estimated scales, in the order of the inventory."""
        return self.of(self.parameters.scales)

    @property
    def by_scalar(self) -> dict[str, Prior]:
        """Priors by the name of each single number."""
        return {
            name: prior
            for parameter in self.parameters
            for name, prior in zip(parameter.scalar_names, self.by_name[parameter.name], strict=True)
        }

    def as_dict(self) -> dict[str, Any]:
        """Give the priors by the names that users type; of several numbers a dict by label."""
        return {
            parameter.name: self.by_name[parameter.name][0]
            if parameter.labels is None
            else dict(zip(parameter.labels, self.by_name[parameter.name], strict=True))
            for parameter in self.parameters
        }


def choose_priors(
    given: Mapping[str, Any] | None, design: Design, parameters: Inventory, moments: ColumnMoments
) -> ChosenPriors:
    """Combine the user's priors with the defaults.

    The defaults are rstanarm's (Goodrich et al., rstanarm, vignette "Prior Distributions for rstanarm Models"):
    intercept normal(mean(y), 2.5 sd(y)) at the mean of the predictors, beta_k normal(0, 2.5 sd(y) / sd(x_k)),
    standard deviations exponential(1 / sd(y)).

    Parameters
    ----------
    given : mapping or None
        By parameter name; `beta` takes one prior for all or a mapping by predictor.
    design : Design
    parameters : Inventory
    moments : ColumnMoments

    Returns
    -------
    ChosenPriors

    Raises
    ------
    PriorError
        If a name is not a parameter of the model, or a prior is of the wrong kind for it.
    DataError
        If a default cannot be scaled: the response or a predictor is constant.
    """
    parameters = parameters.without_effects()
    group = None if design.group is None else design.group.name
    named = named_priors(given, parameters, predictors=design.predictors, group=group)
    chosen: dict[str, tuple[Prior, ...]] = {}
    # The slopes last: that the response does not vary is said before anything about a predictor.
    for parameter in sorted(parameters, key=lambda one: one.role is Role.SLOPES):
        prior = named.get(parameter.name)
        if parameter.role is Role.SLOPES:
            chosen[parameter.name] = _slopes(prior, parameters, design, moments)
        elif parameter.role is Role.INTERCEPT:
            chosen[parameter.name] = (_intercept(prior, parameter, design, moments),)
        else:
            own = _scale(prior, parameter.name)
            chosen[parameter.name] = (
                own if own is not None else Exponential(1.0 / _sd_response(design, moments, parameter.name)),
            )
    result = ChosenPriors(parameters, {parameter.name: chosen[parameter.name] for parameter in parameters})
    _check_proper(result, design)
    return result


def _intercept(given: Any, parameter: Parameter, design: Design, moments: ColumnMoments) -> LocationPrior:
    prior = _location(given, parameter.name)
    if prior is None:
        prior = Normal(float(moments.mean[-1]), 2.5 * _sd_response(design, moments, parameter.name), centered=True)
    return prior if design.predictors else replace(prior, centered=False)


def _slopes(given: Any, parameters: Inventory, design: Design, moments: ColumnMoments) -> tuple[LocationPrior, ...]:
    parameter = parameters.of(Role.SLOPES)
    assert parameter is not None
    if given is not None and not isinstance(given, Mapping):
        prior = _location(given, parameter.name, centered_allowed=False)
        assert prior is not None
        return (prior,) * parameter.size
    by_label = dict(given) if given is not None else {}
    check_predictors(by_label, parameter.name, parameters, design)
    chosen = []
    for k, name in enumerate(design.predictors):
        prior = _location(by_label.get(name), f"{parameter.name}['{name}']", centered_allowed=False)
        chosen.append(prior if prior is not None else _default_slope(parameter, design, moments, k))
    return tuple(chosen)


def _default_slope(parameter: Parameter, design: Design, moments: ColumnMoments, k: int) -> LocationPrior:
    name = design.predictors[k]
    sd = float(moments.sd[k])
    if not sd > 0:
        raise DataError(
            f"Predictor '{name}' is constant (it is always {moments.mean[k]:g}), so its default prior has no scale; "
            f"leave it out of the formula, or give priors={{'{parameter.name}': {{'{name}': ...}}}}."
        )
    return Normal(0.0, 2.5 * _sd_response(design, moments, f"{parameter.name}['{name}']") / sd)


def _sd_response(design: Design, moments: ColumnMoments, what: str) -> float:
    sd = float(moments.sd[-1])
    if not sd > 0:
        why = "there is only one row" if design.n_rows == 1 else f"it is always {moments.mean[-1]:g}"
        raise DataError(
            f"The standard deviation of the response '{design.formula.response}' is 0 or undefined ({why}), so the "
            f"default prior of {what} has no scale; give that prior in `priors`."
        )
    return sd


def _location(prior: Any, name: str, *, centered_allowed: bool = True) -> LocationPrior | None:
    if prior is None:
        return None
    if not isinstance(prior, LocationPrior):
        raise PriorError(
            f"The prior of {name} must be one on the real line, Normal, StudentT, Cauchy or Flat; got {_shown(prior)}."
        )
    if prior.centered and not centered_allowed:
        raise PriorError(f"The prior of {name} cannot have centered=True: that is for the intercept.")
    return prior


def _scale(prior: Any, name: str) -> ScalePrior | None:
    if prior is None:
        return None
    if not isinstance(prior, ScalePrior):
        raise PriorError(
            f"The prior of {name} must be one on (0, inf), HalfNormal, HalfStudentT, HalfCauchy, Exponential or Flat; "
            f"got {_shown(prior)}."
        )
    return prior


def _shown(prior: Any) -> str:
    if isinstance(prior, type) and issubclass(prior, Prior):
        return f"the class {prior.__name__}; give it numbers, as in {prior.__name__}(...)"
    return f"{quoted(prior)}" if isinstance(prior, Prior) else f"{type(prior).__name__} ({quoted(prior)})"


def _check_proper(chosen: ChosenPriors, design: Design) -> None:
    """Refuse flat priors on scales where the posterior would be improper.

    Gelman (2006), Prior distributions for variance parameters in hierarchical models, doi:10.1214/06-BA117A:
    a uniform prior on a group-level standard deviation needs at least three groups.
    """
    for parameter in chosen.parameters.scales:
        if not isinstance(chosen.by_name[parameter.name][0], Flat):
            continue
        if parameter.role is Role.GROUP_SD:
            assert design.group is not None
            n_groups = len(design.group.levels)
            if n_groups < 3:
                raise PriorError(
                    f"A flat prior on {parameter.name} needs at least 3 groups, and '{design.group.name}' has "
                    f"{n_groups}: the posterior would be improper. Give a proper prior such as HalfNormal."
                )
        else:
            flat = sum(not prior.is_proper for prior in chosen.location)
            if design.n_rows - flat < 2:
                raise PriorError(
                    f"A flat prior on {parameter.name} with {design.n_rows} rows and {flat} flat location parameters "
                    "gives an improper posterior: two rows more than flat parameters are needed. Give a proper prior."
                )
