"""Priors of effects that vary over the levels of factors: of their standard deviations and correlations."""

from collections.abc import Mapping, Sequence
from typing import Any

from stanhier.basics.errors import PriorError
from stanhier.basics.likely import meant_factor
from stanhier.basics.words import listed, quoted
from stanhier.design.column_moments import ColumnMoments
from stanhier.design.design import Design
from stanhier.design.groupings import Grouping
from stanhier.engines.default_priors import default_group_sd
from stanhier.engines.parameters import Inventory, Parameter, Role
from stanhier.engines.prior_kinds import correlation_prior, scale_prior
from stanhier.engines.prior_names import PRIOR_KEYS, names_of
from stanhier.priors.correlations import LKJ
from stanhier.priors.distributions import Prior

__all__ = ["choose_group_priors"]


def choose_group_priors(
    named: Mapping[str, Any], parameters: Inventory, design: Design, moments: ColumnMoments
) -> dict[str, tuple[Prior, ...]]:
    """Combine the user's priors of groups' standard deviations and correlations with the defaults.

    Parameters
    ----------
    named : mapping
        As the user gave them: `sd` and `cor`, and parameters by their own names, `sd_g` and `cor_g`, which go before
        one prior for all.
    parameters : Inventory
    design : Design
    moments : ColumnMoments

    Returns
    -------
    dict of tuple of Prior
        For each standard deviation one, for each block of correlated effects one; nothing for a model without factors.

    Raises
    ------
    PriorError
        If a factor or effect is named that is not there, a prior is given twice or of the wrong kind.
    DataError
        If a default cannot be scaled.
    """
    sds = _by_parameter(named, Role.GROUP_SD, parameters, design.groupings)
    cors = _by_parameter(named, Role.GROUP_COR, parameters, design.groupings)
    chosen: dict[str, tuple[Prior, ...]] = {}
    for parameter in parameters:
        if parameter.term is not None and parameter.role is Role.GROUP_SD:
            factor = design.groupings[parameter.term]
            chosen[parameter.name] = _sds(sds.get(parameter.name), parameter, factor, design, moments)
        elif parameter.role is Role.GROUP_COR:
            own = correlation_prior(cors.get(parameter.name), parameter.name)
            n_blocks = sum(size > 1 for size in parameter.blocks)
            chosen[parameter.name] = (own if own is not None else LKJ(1.0),) * n_blocks
    return chosen


def _by_parameter(
    named: Mapping[str, Any], role: Role, parameters: Inventory, factors: Sequence[Grouping]
) -> dict[str, Any]:
    """Give what the user wrote for each parameter of a role, by its name."""
    key = PRIOR_KEYS[role]
    names = {one.factor: one.name for one in parameters.all_of(role) if one.term is not None}
    own = {name: named[name] for name in names.values() if named.get(name) is not None}
    given = named.get(key) if names else None
    if given is None:
        return own
    if not isinstance(given, Mapping):
        return dict.fromkeys(names.values(), given) | own
    for factor in given:
        if factor not in names:
            raise PriorError(_no_factor(factor, key, list(names), factors))
        if names[factor] in own:
            raise PriorError(
                f"`priors` has {key} of '{factor}' twice, in '{key}' and as '{names[factor]}'; give it once."
            )
    return {names[factor]: prior for factor, prior in given.items()} | own


def _no_factor(name: Any, key: str, known: list[Any], factors: Sequence[Grouping]) -> str:
    """Say that there is no such factor, or that it has no such parameter, and what may have been meant."""
    said = f"`priors['{key}']` names {quoted(name, 80)}, "
    if any(factor.name == name for factor in factors):
        return f"{said}whose effects are not correlated in this formula; those of these are: {listed(known)}."
    said += f"which is no factor of the formula; they are: {listed(factor.name for factor in factors)}."
    with_effect = [factor for factor in factors if name in factor.effects and factor.name in known]
    if not with_effect:
        return said + meant_factor(name, [factor.name for factor in factors])
    typed = f"{{'{key}': {{'{with_effect[0].name}': {{{quoted(name, 80)}: ...}}}}}}"
    return f"{said} It is an effect: give priors={typed}." if key == "sd" else said


def _sds(
    given: Any, parameter: Parameter, factor: Grouping, design: Design, moments: ColumnMoments
) -> tuple[Prior, ...]:
    if given is not None and not isinstance(given, Mapping):
        prior = scale_prior(given, parameter.name)
        assert prior is not None
        return (prior,) * parameter.size
    by_effect = dict(given) if given is not None else {}
    for name in by_effect:
        if name not in factor.effects:
            is_intercept = "Intercept" in factor.effects and str(name).lower() in names_of(Role.INTERCEPT)
            hint = " That of the intercept is 'Intercept'." if is_intercept else ""
            raise PriorError(
                f"The prior of {parameter.name} names {quoted(name, 80)}, which is no effect of '{factor.name}'; they "
                f"are: {listed(factor.effects)}.{hint}"
            )
    chosen: list[Prior] = []
    for k, effect in enumerate(factor.effects):
        own = scale_prior(by_effect.get(effect), f"{parameter.name}['{effect}']")
        chosen.append(own if own is not None else default_group_sd(parameter, factor, k, design, moments))
    return tuple(chosen)
