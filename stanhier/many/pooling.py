"""Complete, no and partial pooling of the same formula, fitted in one call.

References
----------
Gelman & Hill (2007), Data Analysis Using Regression and Multilevel/Hierarchical Models, sections 12.2 to 12.4.
"""

import secrets
from collections.abc import Callable, Mapping
from concurrent.futures import Executor
from typing import Any, Literal, Unpack

import pandas as pd

from stanhier.basics.arguments import checked_probability, in_our_words
from stanhier.basics.errors import DataError, FormulaError
from stanhier.basics.words import in_formula, quoted, shortened
from stanhier.data.frames import as_frame, clean_group, column_names
from stanhier.data.libraries import library_of
from stanhier.data.missing import (
    DROP_LEAVES_OUT,
    LeftOut,
    checked_missing,
    complete_rows,
    refuse_missing,
    warn_of_left_out,
)
from stanhier.data.row_numbers import given_column, refuse_calculation, trials_constant
from stanhier.design.absent import refuse_absent
from stanhier.design.making import build_design
from stanhier.families.family import Family
from stanhier.families.known import family_of
from stanhier.fit import Fit
from stanhier.formula.parse import ParsedFormula, parse
from stanhier.many.pooled import Pooling
from stanhier.many.pooled_tables import COMPLETE, NONE, PARTIAL, pooled_tables
from stanhier.many.separate import refuse_many, separate_columns, separate_priors, separated
from stanhier.model import Model
from stanhier.posterior.places import At, place_at
from stanhier.posterior.sampling import SamplingTask, sample_and_diagnose
from stanhier.regressions import VaryingIntercept, class_of
from stanhier.stan.crews import OwnThreads, crew_of
from stanhier.stan.keyword_types import SampleKeywords
from stanhier.stan.keywords import check_keywords
from stanhier.stan.nuts import NOT_FOR_USERS
from stanhier.stan.tasks import results_of

__all__ = ["pooling"]

_OF_MODELS = ("priors", "sigma", "se", "weights", "trials", "offset", "missing", "context")
_OWN_KEYWORDS = ("group", "family", *_OF_MODELS, "at", "prob", "executor", "keep_finished")

_OF_GROUPS = ("sigma_alpha", "sd", "cor")
"""Priors that complete pooling has no use for."""


@in_our_words()
def pooling(
    formula: str,
    data: pd.DataFrame | Mapping[str, Any],
    *,
    group: str | None = None,
    family: str | Family = "gaussian",
    priors: Mapping[str, Any] | None = None,
    sigma: float | None = None,
    se: str | Any | None = None,
    weights: str | Any | None = None,
    trials: str | int | Any | None = None,
    offset: str | Any | None = None,
    missing: Literal["error", "drop"] = "error",
    context: Mapping[str, Callable[..., Any]] | None = None,
    at: At = "mean",
    prob: float = 0.9,
    executor: Executor | None = None,
    **kwargs: Unpack[SampleKeywords],
) -> Pooling:
    """Fit a formula with complete pooling, without pooling and with partial pooling of the groups of a column.

    Complete pooling is a regression without the grouping term. Partial pooling has it: intercepts, slopes or both vary
    around those of the population. No pooling is a regression in which an intercept for each group takes the place of
    the common one, and so with slopes that vary. Groups are compared on the scale of the linear predictor, such as log
    odds: a group of zeros alone has a wide interval there, and no pooling bounds its estimate by its prior.

    Parameters
    ----------
    formula : str
        With one grouping term, for example `"reaction ~ days + (1 + days | subject)"`; or without, `"reaction ~ days"`
        and `group="subject"`, for intercepts that vary.
    data : pandas.DataFrame or mapping of arrays
        One row per observation. Never changed.
    group : str, optional
        The grouping column, where the formula has no grouping term.
    family : str or Family
        As for `Model`, the same for all three.
    priors : mapping, optional
        Of `alpha` (the intercept: of complete pooling, of each group without pooling, and that of the population with
        partial pooling), `beta` (without pooling each group's slope has the prior of the slope), `sigma`, `nu` and
        `shape` where the family has them, and of the groups: `sigma_alpha` where intercepts alone of Gaussian responses
        vary, else `sd` and `cor`. By default each has rstanarm's scale; without pooling every group's intercept has the
        marginal prior that the intercept at x = 0 has with complete pooling.
    sigma, se, weights, trials, offset, missing, context
        As for `Model`. A row with a missing value, also of its group, is left out of all three.
    at : {"mean", 0} or dict
        Where the predictors are when groups' means are compared; as for `Fit.group_summary`.
    prob : float
        Probability of the intervals in `estimates`.
    executor : concurrent.futures.Executor, optional
        Where the three are sampled, as for `fit_many`; threads here by default.
    **kwargs
        As for `Model.sample`.

    Returns
    -------
    Pooling

    Raises
    ------
    FormulaError
        If the formula has no grouping term and `group` is not given, or both; if it groups by several columns; if what
        varies is not in the population too; if the grouping column is a predictor.
    DataError
        If the data cannot be used, or no pooling would need more than 1,000 coefficients of groups.
    PriorError
        If a prior does not fit its parameter.
    StanhierError
        If `prob` is not between 0 and 1, or `at` is nothing of the kind.

    Warns
    -----
    MissingWarning
        If rows are left out.
    PriorWarning, ResponseWarning
        As `Model`, of complete pooling.
    SamplingWarning
        If the draws of one of the three cannot be trusted.

    References
    ----------
    Gelman & Hill (2007), sections 12.2 to 12.4: figures 12.1 and 12.3 show such estimates side by side.
    """
    checked_probability(prob, "pooling")
    given_to_stan = {name: value for name, value in kwargs.items() if name != "keep_finished"}
    check_keywords("pooling", given_to_stan, theirs="sample", hidden=NOT_FOR_USERS, own=_OWN_KEYWORDS)
    parsed = _with_group(formula, group, context)
    texts = separated(parsed)
    known = family_of(family)
    beside = {"se": se, "weights": weights, "trials": trials, "offset": offset}
    frame, beside, left_out = _complete_rows(data, parsed, beside, missing)
    # Labels in any case, also where they read as numbers.
    categorical = pd.Categorical(clean_group(frame, texts.group)).as_ordered()
    given = dict(priors) if priors is not None else {}
    # What there is to say about the priors and the response is said of complete pooling.
    kind = class_of(parsed, known)
    own_priors = _as_population(given) if kind is VaryingIntercept else given
    of_all: dict[str, Any] = {"family": known, "sigma": sigma, **beside}
    partial = kind.made_before(parsed.text, frame, context, priors=own_priors, **of_all)
    place = place_at(partial, at, "pooling")
    (grouping,) = partial.design.groupings
    refuse_many(grouping.name, len(grouping.levels), grouping.n_effects)
    common = {name: prior for name, prior in given.items() if name not in _OF_GROUPS}
    without = class_of(parse(texts.complete, context), known)
    complete = without(texts.complete, frame, priors=common, context=context, **of_all)
    by_category = frame.assign(**{texts.group: categorical})
    columns, levels = (
        build_design(parse(text, context), by_category, family=known, **beside).predictors
        for text in (texts.separate, texts.levels)
    )
    effects = grouping.effects
    own = separate_columns(columns, levels, effects, parsed.text)
    separate_given = separate_priors(complete, columns, own, effects, given)
    separate = without.made_before(texts.separate, by_category, context, priors=separate_given, **of_all)
    models = {COMPLETE: complete, NONE: separate, PARTIAL: partial}
    if left_out is not None:
        warn_of_left_out(left_out)
        models = {name: model.which_left_out(left_out) for name, model in models.items()}
    fits = _sampled(models, executor, kwargs)
    tables = pooled_tables(fits, own, place, prob)
    at_offset = "" if not partial.design.has_offset else " and an offset of 0" if place.words else "at an offset of 0"
    return Pooling(fits, tables[effects[0]], prob, tables, f"{place.words}{at_offset}")


def _complete_rows(
    data: Any, formula: ParsedFormula, beside: Mapping[str, Any], missing: str
) -> tuple[pd.DataFrame, dict[str, Any], LeftOut | None]:
    """Give the columns that are used, what stands beside them, and which rows are left out: of all models alike."""
    drops, names = checked_missing(missing, "drop"), column_names(data)
    for argument, value in beside.items():
        refuse_calculation(argument, value, names)
    columns = [*formula.columns, *formula.factor_columns, *(one for one in beside.values() if isinstance(one, str))]
    wanted = list(dict.fromkeys(columns))
    refuse_absent(wanted, names, formula, "the data")
    frame = as_frame(data, wanted)
    index = frame.index if isinstance(data, pd.DataFrame) else None
    constant = {"trials": None} if trials_constant(beside["trials"]) is not None else {}
    by_row = {name: given_column(name, value, len(frame), index) for name, value in {**beside, **constant}.items()}
    arrays = {name: column for name, column in by_row.items() if column is not None}
    if not drops:
        refuse_missing(frame, wanted, library_of(data), beside=arrays, further=DROP_LEAVES_OUT)
        return frame, dict(beside), None
    complete, left_out = complete_rows(frame, wanted, arrays)
    if complete.all():
        return frame, dict(beside), None
    if not complete.any():
        raise DataError(f"No row is without missing values: {left_out}.")
    kept = {name: one.set_axis(frame.index)[complete] for name, one in arrays.items()}
    return frame.loc[complete], {**beside, **kept}, left_out


def _with_group(formula: str, group: str | None, context: Any) -> ParsedFormula:
    """Read a formula with one grouping term, which it has, or which is an intercept for each group of a column."""
    parsed = parse(formula, context)
    if group is None:
        if not parsed.terms:
            raise FormulaError(
                f"{quoted(formula)} has no groups to pool: give group= for intercepts that vary, or a grouping term "
                "such as (1 + x | g)."
            )
        return parsed
    if parsed.terms:
        raise FormulaError(
            f"{quoted(formula)}: pooling(group=...) adds the grouping term itself; leave out "
            f"({shortened(parsed.terms[0].text)}), or group=."
        )
    if not parsed.has_intercept:
        raise FormulaError(f"{quoted(formula)}: pooling() compares intercepts, so the formula must have one.")
    if group in parsed.columns:
        raise FormulaError(f"{quoted(formula)}: '{group}' is the grouping column; it cannot be a predictor as well.")
    return parse(f"{formula} + (1 | {in_formula(group)})", context)


def _sampled(models: dict[str, Model], executor: Executor | None, keywords: Mapping[str, Any]) -> dict[str, Fit[Model]]:
    arguments = {"seed": secrets.randbelow(2**31), **keywords}
    tasks = ((name, SamplingTask.of(model, arguments)) for name, model in models.items())
    fits = {}
    for name, (draws, diagnosis) in results_of(sample_and_diagnose, tasks, crew_of(executor, own=OwnThreads)):
        fits[name] = Fit(models[name], draws, diagnosis=diagnosis)
    for name in models:
        fits[name].warn_if_unreliable()
    return {name: fits[name] for name in models}


def _as_population(given: dict[str, Any]) -> dict[str, Any]:
    return {"mu_alpha" if key == "alpha" else key: prior for key, prior in given.items()}
