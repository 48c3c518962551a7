"""Regressions without pooling: the effects of each group as columns of their own, with the priors that pooling has."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from stanhier.basics.errors import DataError, FormulaError, PriorError
from stanhier.basics.words import in_formula, listed, quoted, shortened
from stanhier.design.columns import INTERCEPT
from stanhier.formula.formulaic_parts import constants_of, parts_of, text_of
from stanhier.formula.group_terms import split_group_terms, without_quoted
from stanhier.formula.parse import ParsedFormula
from stanhier.model import Model
from stanhier.priors.distributions import Flat, LocationPrior

__all__ = ["MAX_GROUPS", "Separated", "refuse_many", "separate_columns", "separate_priors", "separated"]

MAX_GROUPS = 1000
"""Without pooling each effect of a group is a column of the design; more are not what anybody wants to fit."""


@dataclass(frozen=True)
class Separated:
    """A formula with a grouping term, as three that differ in pooling.

    Attributes
    ----------
    group : str
        The grouping column.
    complete : str
        Without the grouping term.
    separate : str
        With effects of each group in the place of common ones.
    levels : str
        With nothing but an intercept for each group, by which its columns are named.
    """

    group: str
    complete: str
    separate: str
    levels: str


def separated(formula: ParsedFormula) -> Separated:
    """Write a formula as it is with complete pooling and without pooling.

    Parameters
    ----------
    formula : ParsedFormula
        With a grouping term.

    Raises
    ------
    FormulaError
        If it has several factors, or combinations of columns; if an effect varies that the population does not have;
        if the grouping column is a predictor.
    """
    said, terms = quoted(formula.text), formula.terms
    if len(formula.factor_columns) != 1:
        raise FormulaError(
            f"{said}: pooling() compares three ways to treat the groups of one column, and here are several, "
            f"{listed(formula.factor_columns, 5)}; leave all but one out, or fit the models that you have in mind with "
            "Model and compare them with compare()."
        )
    (group,) = formula.factor_columns
    if group in formula.columns:
        raise FormulaError(f"{said}: '{group}' is the grouping column; it cannot be a predictor as well.")
    varying = {parts_of(effect): effect for term in terms for effect in term.effects if not constants_of(effect)}
    common = {parts_of(effect): text_of(effect) for effect in formula.common.rhs if not constants_of(effect)}
    has_intercepts = any(term.has_intercept for term in terms)
    if has_intercepts and not formula.has_intercept:
        raise FormulaError(f"{said}: pooling() compares intercepts, so the formula must have one.")
    lacking = next((text_of(effect) for key, effect in varying.items() if key not in common), None)
    if lacking is not None:
        raise FormulaError(
            f"{said}: '{shortened(lacking)}' varies by '{group}' and is no predictor of the population, so that "
            f"complete pooling has none of it; add it, y ~ {shortened(lacking)} + ({shortened(terms[0].text)})."
        )
    by, without = in_formula(group), split_group_terms(formula.text)[0].strip()
    response = without[: without_quoted(without).index("~")].strip()
    rest = [text for key, text in common.items() if key not in varying]
    own = [by] if has_intercepts else []
    own += [f"{by}:{text_of(effect)}" for effect in varying.values()]
    start = [] if has_intercepts or formula.has_intercept else ["0"]
    end = " - 1" if has_intercepts else ""
    return Separated(
        group=group,
        complete=without,
        separate=f"{response} ~ {' + '.join([*start, *own, *rest])}{end}",
        levels=f"{response} ~ {by} - 1",
    )


def separate_columns(
    predictors: Sequence[str], levels: Sequence[str], effects: Sequence[str], formula: str
) -> np.ndarray:
    """Find the columns of a design without pooling that are effects of groups.

    Parameters
    ----------
    predictors : sequence of str
        Of that design.
    levels : sequence of str, length J
        Names of the columns that intercepts of groups have.
    effects : sequence of str, length q
        As the grouping term has them.
    formula : str
        For the error.

    Returns
    -------
    numpy.ndarray of int, shape (J, q)

    Raises
    ------
    FormulaError
        If there is no column for an effect of a group.
    """
    position = {name: k for k, name in enumerate(predictors)}
    names = [[level if effect == INTERCEPT else f"{level}:{effect}" for effect in effects] for level in levels]
    missing = next((name for row in names for name in row if name not in position), None)
    if missing is not None:
        raise FormulaError(
            f"{quoted(formula)}: without pooling there is no column {quoted(missing)}; make a column of what varies."
        )
    return np.array([[position[name] for name in row] for row in names])


def refuse_many(group: str, n_groups: int, n_effects: int) -> None:
    """Refuse more groups than anybody wants to fit without pooling.

    Raises
    ------
    DataError
    """
    if n_groups * n_effects > MAX_GROUPS:
        each = "a coefficient" if n_effects == 1 else f"{n_effects} coefficients"
        raise DataError(
            f"'{group}' has {n_groups:,} groups, and no pooling needs {each} for each; "
            f"pooling() takes up to {MAX_GROUPS // n_effects:,}. Fit the formula with and without the grouping term, "
            "each alone, or some groups."
        )


def separate_priors(
    complete: Model, columns: Sequence[str], own: np.ndarray, effects: Sequence[str], given: Mapping[str, Any]
) -> dict[str, Any]:
    """Give the priors without pooling: those of complete pooling, of what varies once for each group.

    Parameters
    ----------
    complete : Model
        With complete pooling.
    columns : sequence of str
        Of the design without pooling.
    own : numpy.ndarray of int, shape (J, q)
        Which of these are effects of groups.
    effects : sequence of str
    given : mapping
        The user's priors.

    Raises
    ------
    PriorError
        If a prior is of a slope that has no counterpart.
    """
    chosen = complete.priors
    slopes: dict[str, LocationPrior] = chosen.get("beta", {})
    unknown = [name for name in slopes if name not in columns and name not in effects]
    if unknown:
        raise PriorError(f"pooling(): '{unknown[0]}' has no counterpart without pooling, whose columns are {columns}.")
    beta = {name: slopes[name] for name in columns if name in slopes}
    for k, effect in enumerate(effects):
        prior = _at_zero(complete, chosen["alpha"], slopes) if effect == INTERCEPT else slopes[effect]
        beta |= dict.fromkeys((columns[position] for position in own[:, k]), prior)
    others = {} if INTERCEPT in effects or "alpha" not in chosen else {"alpha": chosen["alpha"]}
    return {"beta": beta, **others} | {
        name: prior for name, prior in given.items() if name in complete.family.auxiliary
    }


def _at_zero(complete: Model, intercept: LocationPrior, slopes: Mapping[str, LocationPrior]) -> LocationPrior:
    """Give the marginal prior that an intercept has at x = 0."""
    if not intercept.centered or isinstance(intercept, Flat):
        return intercept
    # At x = 0 the intercept is the one at the mean minus mean(x) beta: the same centre, and a wider scale.
    scale: Any = getattr(intercept, "sigma")  # noqa: B009  every proper location prior has one
    far = [m * getattr(p, "sigma", 0.0) for m, p in zip(complete.engine.prior_centre, slopes.values(), strict=False)]
    return replace(intercept, sigma=float(np.hypot(scale, np.linalg.norm(far))), centered=False)  # type: ignore[call-arg]
