"""Complete, no and partial pooling of the same formula, fitted in one call.

References
----------
Gelman & Hill (2007), Data Analysis Using Regression and Multilevel/Hierarchical Models, sections 12.2 to 12.4.
"""

import secrets
from collections.abc import Callable, Mapping
from concurrent.futures import Executor
from typing import Any, Unpack

import pandas as pd

from stanhier.basics.arguments import checked_probability, in_our_words
from stanhier.basics.errors import FormulaError, StanhierError
from stanhier.basics.words import in_formula, quoted, shortened
from stanhier.data.frames import as_frame, clean_group
from stanhier.design.making import build_design
from stanhier.fit import Fit
from stanhier.formula.parse import ParsedFormula, parse
from stanhier.many.pooled import Pooling
from stanhier.many.pooled_tables import COMPLETE, NONE, PARTIAL, pooled_tables
from stanhier.many.separate import refuse_many, separate_columns, separate_priors, separated
from stanhier.model import Model
from stanhier.posterior.places import At, place_at
from stanhier.posterior.sampling import SamplingTask, sample_and_diagnose
from stanhier.regressions import LinearRegression, VaryingIntercept, class_of
from stanhier.stan.crews import OwnThreads, crew_of
from stanhier.stan.keyword_types import SampleKeywords
from stanhier.stan.keywords import check_keywords
from stanhier.stan.nuts import NOT_FOR_USERS
from stanhier.stan.tasks import results_of

__all__ = ["pooling"]

_OWN_KEYWORDS = ("group", "priors", "sigma", "se", "weights", "context", "at", "prob", "executor", "keep_finished")

_OF_GROUPS = ("sigma_alpha", "sd", "cor")
"""Priors that complete pooling has no use for."""


@in_our_words()
def pooling(
    formula: str,
    data: pd.DataFrame | Mapping[str, Any],
    *,
    group: str | None = None,
    priors: Mapping[str, Any] | None = None,
    sigma: float | None = None,
    se: str | Any | None = None,
    weights: str | Any | None = None,
    context: Mapping[str, Callable[..., Any]] | None = None,
    at: At = "mean",
    prob: float = 0.9,
    executor: Executor | None = None,
    **kwargs: Unpack[SampleKeywords],
) -> Pooling:
    """Fit a formula with complete pooling, without pooling and with partial pooling of the groups of a column.

    Complete pooling is a linear regression without the grouping term. Partial pooling has it: intercepts, slopes or
    both vary around those of the population. No pooling is a linear regression in which an intercept for each group
    takes the place of the common one, and so with slopes that vary.

    Parameters
    ----------
    formula : str
        With one grouping term, for example `"reaction ~ days + (1 + days | subject)"`; or without, `"reaction ~ days"`
        and `group="subject"`, for intercepts that vary.
    data : pandas.DataFrame or mapping of arrays
        One row per observation. Never changed.
    group : str, optional
        The grouping column, where the formula has no grouping term.
    priors : mapping, optional
        Of `alpha` (the intercept: of complete pooling, of each group without pooling, and that of the population with
        partial pooling), `beta` (without pooling each group's slope has the prior of the slope), `sigma`, and of the
        groups: `sigma_alpha` where intercepts alone vary, else `sd` and `cor`. By default each has rstanarm's scale;
        without pooling every group's intercept has the marginal prior that the intercept at x = 0 has with complete
        pooling.
    sigma, se, weights, context
        As for `LinearRegression`.
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

    References
    ----------
    Gelman & Hill (2007), sections 12.2 to 12.4: figures 12.1 and 12.3 show such estimates side by side.
    """
    checked_probability(prob, "pooling")
    for name in ("family", "trials", "offset"):
        if name in kwargs:
            raise StanhierError(
                f"pooling() has no keyword '{name}'. It is for Gaussian responses without offsets; of others fit the "
                f"models apart, with Model(..., {name}=...)."
            )
    given_to_stan = {name: value for name, value in kwargs.items() if name != "keep_finished"}
    check_keywords("pooling", given_to_stan, theirs="sample", hidden=NOT_FOR_USERS, own=_OWN_KEYWORDS)
    parsed = _with_group(formula, group, context)
    texts = separated(parsed)
    frame = as_frame(data, [*parsed.columns, texts.group, *(one for one in (se, weights) if isinstance(one, str))])
    # Labels in any case, also where they read as numbers.
    categorical = pd.Categorical(clean_group(frame, texts.group)).as_ordered()
    given = dict(priors) if priors is not None else {}
    # What there is to say about the priors is said of complete pooling.
    kind = class_of(parsed)
    own_priors = _as_population(given) if kind is VaryingIntercept else given
    known: dict[str, Any] = {"sigma": sigma, "se": se, "weights": weights, "context": context}
    partial = kind.made_before(parsed.text, frame, priors=own_priors, **known)
    place = place_at(partial, at, "pooling")
    (grouping,) = partial.design.groupings
    refuse_many(grouping.name, len(grouping.levels), grouping.n_effects)
    common = {name: prior for name, prior in given.items() if name not in _OF_GROUPS}
    complete = LinearRegression(texts.complete, frame, priors=common, **known)
    by_category = frame.assign(**{texts.group: categorical})
    columns, levels = (
        build_design(parse(text, context), by_category).predictors for text in (texts.separate, texts.levels)
    )
    effects = grouping.effects
    own = separate_columns(columns, levels, effects, parsed.text)
    separate_given = separate_priors(complete, columns, own, effects, given)
    separate = LinearRegression(texts.separate, by_category, priors=separate_given, **known)
    fits = _sampled({COMPLETE: complete, NONE: separate, PARTIAL: partial}, executor, kwargs)
    tables = pooled_tables(fits, own, place, prob)
    return Pooling(fits, tables[effects[0]], prob, tables, place.words)


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
