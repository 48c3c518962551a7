"""Names that users give to priors: those of the model's parameters, and what to say of any other."""

import difflib
from collections.abc import Collection, Mapping, Sequence
from typing import Any

from stanhier.basics.errors import PriorError
from stanhier.basics.words import listed, quoted
from stanhier.design.design import Design
from stanhier.engines.parameters import Inventory, Role

__all__ = ["PRIOR_KEYS", "check_predictors", "named_priors", "names_of"]

PRIOR_KEYS = {Role.GROUP_SD: "sd", Role.GROUP_COR: "cor"}
"""What users type for the parameters of all factors of a model."""

_OTHER_NAMES = {
    Role.INTERCEPT: "intercept (intercept) const constant a b0 beta0 beta_0 mu mean alpha0",
    Role.SLOPES: "b betas slope slopes coef coefs coefficient coefficients common fixed",
    Role.GROUP_SD: "tau sd sigma_g sigma_group sd_g sd_alpha sigma_u group random",
    Role.GROUP_COR: "lkj corr correlation correlations rho omega cholesky l l_omega",
    Role.NOISE: "sd residual residuals noise error eps epsilon sigma_y sd_y aux s std",
    Role.AUXILIARY: "aux phi theta df dof reciprocal_dispersion dispersion size",
}
"""What other packages and books call a parameter, in small letters."""


def named_priors(given: Any, parameters: Inventory, *, predictors: Sequence[str], group: str | None) -> dict[Any, Any]:
    """Give the user's priors by the names of parameters; refuse those of what is no parameter of the model.

    Parameters
    ----------
    given : mapping or None
        What the user has given.
    parameters : Inventory
        All of them; groups' effects have no prior of their own.
    predictors : sequence of str
        For what may have been meant.
    group : str or None
        The grouping column.

    Raises
    ------
    PriorError
        If they are no mapping; if one is of no parameter, with what may have been meant.
    """
    if given is not None and not isinstance(given, Mapping):
        raise PriorError(f"`priors` must be a dict by parameter name, not {type(given).__name__}.")
    parameters = parameters.without_effects()
    named, of_factors = dict(given or {}), any(parameter.term is not None for parameter in parameters)
    typed = _typed(parameters)
    allowed = {*typed, *parameters.population}
    reasons = _REASONS | (_reasons_of_factors(parameters) if of_factors else _reasons(grouped=group is not None))
    for name in named:
        if name not in allowed:
            reason = reasons.get(name)
            hint = _meant(name, parameters, predictors, group) if reason is None else ""
            raise PriorError(
                f"`priors` has {quoted(name, 80)}, but {reason or 'there is no such parameter'}.{hint} "
                f"This model takes: {listed(typed) or 'none'}."
            )
    return named


def _typed(parameters: Inventory) -> list[str]:
    """List what users type: names of parameters, those of all factors together."""
    return list(dict.fromkeys(p.name if p.term is None else PRIOR_KEYS[p.role] for p in parameters))


_REASONS = {
    "beta": "the formula has no predictors",
    "sigma": "sigma is known here, or the family of the response has none",
    "nu": 'nu is of family="student_t", where it is not fixed',
    "shape": 'shape is of family="negative_binomial"',
}
"""Why a model may not have a parameter, whatever its groups."""


def _reasons(*, grouped: bool) -> dict[str, str]:
    """Say why a model without groups, or with one intercept that varies, may not have a parameter."""
    intercept = "the model has a varying intercept: give 'mu_alpha' and 'sigma_alpha'"
    return {
        "alpha": intercept if grouped else "the formula has no intercept",
        "mu_alpha": "the model has no groups: give 'alpha'",
        "sigma_alpha": "the model has no groups",
    }


def _reasons_of_factors(parameters: Inventory) -> dict[str, str]:
    """Say why a model with factors may not have a parameter."""
    without = "the formula has no intercept of the population"
    factor = parameters.all_of(Role.GROUP_SD)[0].factor
    reasons = {
        "alpha": without,
        "mu_alpha": without if parameters.of(Role.INTERCEPT) is None else "the population's intercept is 'alpha' here",
        "sigma_alpha": f"the groups' standard deviations are 'sd' here: priors={{'sd': {{'{factor}': ...}}}}",
        "cor": "no effects are correlated in this formula: that takes two in one term, as in (1 + x | g)",
    }
    reasons |= {
        sd.name.replace("sd_", "effect_", 1): "effects take no prior of their own: give one of their scales, 'sd'"
        for sd in parameters.all_of(Role.GROUP_SD)
    }
    return reasons | {
        sd.name.replace("sd_", "cor_", 1): f"the effects of '{sd.factor}' are not correlated in this formula"
        for sd in parameters.all_of(Role.GROUP_SD)
    }


def check_predictors(names: Collection[Any], parameter: str, parameters: Inventory, design: Design) -> None:
    """Refuse priors of slopes that the model does not have.

    Parameters
    ----------
    names : collection
        What should be predictors.
    parameter : str
        The name of the slopes.
    parameters : Inventory
    design : Design

    Raises
    ------
    PriorError
        It names the predictors.
    """
    for name in names:
        if name not in design.predictors:
            intercept = parameters.of(Role.INTERCEPT)
            is_intercept = intercept is not None and str(name).lower() in names_of(Role.INTERCEPT)
            own = _columns_of(name, design.predictors)
            close = own or difflib.get_close_matches(str(name), design.predictors, n=1)
            hint = f" Did you mean '{close[0]}'?" if close else ""
            if len(own) > 1:
                hint = f" '{name}' has {len(own)} columns there, and each takes a prior of its own: {listed(own)}."
            if is_intercept and intercept is not None:
                hint = f" The intercept is '{intercept.name}': priors={{'{intercept.name}': ...}}."
            raise PriorError(
                f"`priors['{parameter}']` names {quoted(name, 80)}, which is no predictor; they are: "
                f"{listed(design.predictors)}.{hint}"
            )


def _meant(name: Any, parameters: Inventory, predictors: Sequence[str], group: str | None) -> str:
    """Give a sentence on what may have been meant, after a blank; none where nothing comes to mind."""
    slopes = parameters.of(Role.SLOPES)
    if slopes is not None:
        for label in _columns_of(name, predictors)[:1]:
            return f" '{label}' is a predictor, so give priors={{'{slopes.name}': {{'{label}': ...}}}}."
    factors = [parameter.factor for parameter in parameters.all_of(Role.GROUP_SD) if parameter.factor is not None]
    if name in factors:
        return f" '{name}' is a factor: give priors={{'sd': {{'{name}': ...}}}}."
    if factors and str(name).startswith(("sd_", "cor_")):
        key = str(name).partition("_")[0]
        return f" The factors are {listed(factors)}: give priors={{'{key}': {{'{factors[0]}': ...}}}}."
    if group is not None and name == group:
        return " Its groups vary by 'sigma_alpha' around 'mu_alpha': give these."
    known = {
        p.name if p.term is None else PRIOR_KEYS[p.role]: p.role.value
        for p in parameters
        if str(name).lower() in names_of(p.role)
    }
    if known:
        return f" Here that is {' or '.join(f"'{key}' ({meaning})" for key, meaning in known.items())}."
    close = difflib.get_close_matches(str(name), _typed(parameters), n=1)
    return f" Did you mean '{close[0]}'?" if close else ""


def _columns_of(name: Any, predictors: Sequence[str]) -> list[str]:
    """List the predictors that are a column of the data, or its categories."""
    return [one for one in predictors if one == name or one.startswith((f"{name}[", f"C({name})["))]


def names_of(role: Role) -> list[str]:
    """List what other packages and books call the parameter of a role, in small letters."""
    return _OTHER_NAMES.get(role, "").split()
