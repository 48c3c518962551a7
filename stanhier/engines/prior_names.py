"""Names that users give to priors: those of the model's parameters, and what to say of any other."""

import difflib
from collections.abc import Collection, Mapping, Sequence
from typing import Any

from stanhier.basics.errors import PriorError
from stanhier.basics.words import listed, quoted
from stanhier.design.design import Design
from stanhier.engines.parameters import Inventory, Role

__all__ = ["check_predictors", "named_priors"]

_OTHER_NAMES = {
    Role.INTERCEPT: "intercept (intercept) const constant a b0 beta0 beta_0 mu mean alpha0",
    Role.SLOPES: "b betas slope slopes coef coefs coefficient coefficients common fixed",
    Role.GROUP_SD: "tau sd sigma_g sigma_group sd_g sd_alpha sigma_u group random",
    Role.NOISE: "sd residual residuals noise error eps epsilon sigma_y sd_y aux s std",
}
"""What other packages and books call a parameter, in small letters."""


def named_priors(given: Any, parameters: Inventory, *, predictors: Sequence[str], group: str | None) -> dict[Any, Any]:
    """Give the user's priors by the names of parameters; refuse those of what is no parameter of the model.

    Parameters
    ----------
    given : mapping or None
        What the user has given.
    parameters : Inventory
        Those that have priors.
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
    named, allowed, grouped = dict(given or {}), parameters.population, group is not None
    reasons = {
        "alpha": "the model has a varying intercept: give 'mu_alpha' and 'sigma_alpha'"
        if grouped
        else "the formula has no intercept",
        "beta": "the formula has no predictors",
        "sigma": "sigma is known here",
        "mu_alpha": "the model has no groups: give 'alpha'",
        "sigma_alpha": "the model has no groups",
    }
    for name in named:
        if name not in allowed:
            reason = reasons.get(name)
            hint = _meant(name, parameters, predictors, group) if reason is None else ""
            raise PriorError(
                f"`priors` has {quoted(name, 80)}, but {reason or 'there is no such parameter'}.{hint} "
                f"This model takes: {listed(allowed) or 'none'}."
            )
    return named


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
            is_intercept = intercept is not None and str(name).lower() in _names_of(Role.INTERCEPT)
            close = _columns_of(name, design.predictors) or difflib.get_close_matches(str(name), design.predictors, n=1)
            hint = f" Did you mean '{close[0]}'?" if close else ""
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
    if group is not None and name == group:
        return " Its groups vary by 'sigma_alpha' around 'mu_alpha': give these."
    known = [p for p in parameters if str(name).lower() in _names_of(p.role)]
    if known:
        return f" Here that is {' or '.join(f"'{p.name}' ({p.role.value})" for p in known)}."
    close = difflib.get_close_matches(str(name), parameters.population, n=1)
    return f" Did you mean '{close[0]}'?" if close else ""


def _columns_of(name: Any, predictors: Sequence[str]) -> list[str]:
    """List the predictors that are a column of the data, or its categories."""
    return [one for one in predictors if one == name or one.startswith((f"{name}[", f"C({name})["))]


def _names_of(role: Role) -> list[str]:
    return _OTHER_NAMES.get(role, "").split()
