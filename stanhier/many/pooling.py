"""Complete, no and partial pooling of the same formula, fitted in one call.

References
----------
Gelman & Hill (2007), Data Analysis Using Regression and Multilevel/Hierarchical Models, sections 12.2 to 12.4.
"""

import secrets
from collections.abc import Callable, Mapping
from concurrent.futures import Executor
from dataclasses import dataclass, replace
from typing import Any, Literal, Unpack

import numpy as np
import pandas as pd

from stanhier import plots
from stanhier.basics.arguments import checked_probability, in_our_words
from stanhier.basics.errors import DataError, FormulaError, PriorError
from stanhier.basics.words import in_formula, quoted, shortened
from stanhier.data.frames import as_frame, clean_group
from stanhier.design.design import NewRows
from stanhier.design.in_memory import build_design
from stanhier.evaluation.comparison import compare
from stanhier.fit import Fit
from stanhier.formula.parse import parse
from stanhier.model import Model
from stanhier.posterior import labelled, prediction
from stanhier.posterior.sampling import SamplingTask, sample_and_diagnose
from stanhier.priors.distributions import Flat, LocationPrior
from stanhier.regressions import LinearRegression, VaryingIntercept
from stanhier.stan.crews import OwnThreads, crew_of
from stanhier.stan.keyword_types import SampleKeywords
from stanhier.stan.keywords import check_keywords
from stanhier.stan.nuts import NOT_FOR_USERS
from stanhier.stan.tasks import results_of

__all__ = ["MAX_GROUPS", "Pooling", "pooling"]

MAX_GROUPS = 1000
"""Without pooling each group is a column of the design; beyond this many that is not what anybody wants to fit."""

_OWN_KEYWORDS = ("group", "priors", "sigma", "se", "context", "prob", "executor")

COMPLETE, NONE, PARTIAL = "complete pooling", "no pooling", "partial pooling"


@dataclass(frozen=True)
class Pooling:
    """Three fits of the same formula, from no differences between groups to unrelated groups.

    Attributes
    ----------
    fits : dict of Fit
        By the names "complete pooling", "no pooling" and "partial pooling".
    estimates : pandas.DataFrame
        One row per group: its number of rows `n`, and for each fit the median and the central interval of the group's
        intercept (at x = 0): `complete`, `complete_lower`, `complete_upper`, `no`, `no_lower`, `no_upper`, `partial`,
        `partial_lower`, `partial_upper`, in units of the response.
    prob : float
        Probability of the intervals.
    """

    fits: dict[str, Fit[Model]]
    estimates: pd.DataFrame
    prob: float

    @property
    def group(self) -> str:
        """The grouping column."""
        return str(self.estimates.index.name)

    @in_our_words()
    def compare(
        self,
        *,
        by: Literal["row", "group"] = "row",
        method: str = "stacking",
        reference: str | None = None,
        round_to: int | str | None = "auto",
    ) -> pd.DataFrame:
        """Compare the three by leave-one-out cross-validation.

        Parameters
        ----------
        by : {"row", "group"}
            What is left out. With "group" all three are sampled again, in the same ten folds of groups (fewer where
            there are fewer groups): nothing but its prior tells no pooling of a group that was left out, which
            weighted draws cannot show.
        method, reference, round_to
            As for `stanhier.compare`.

        Returns
        -------
        pandas.DataFrame
        """
        results: dict[str, Any] = dict(self.fits)
        if by == "group":
            partial = self.fits[PARTIAL]
            grouping = partial.model.rows.group
            assert grouping is not None
            labels = pd.Series(np.asarray(grouping.levels[grouping.codes]), name=grouping.name)
            for name, fit in self.fits.items():
                left_out: Any = "group" if fit is partial else labels
                results[name] = fit.kfold(by=left_out, k=min(len(grouping.levels), 10), seed=partial.draws.seed)
        return compare(results, by=by, method=method, reference=reference, round_to=round_to)

    plot = plots.pooling

    def __repr__(self) -> str:
        formula = self.fits[COMPLETE].model.formula
        return f"Pooling of {quoted(formula)} over {len(self.estimates)} groups of '{self.group}'\n{self.estimates}"


@in_our_words()
def pooling(
    formula: str,
    data: pd.DataFrame | Mapping[str, Any],
    *,
    group: str,
    priors: Mapping[str, Any] | None = None,
    sigma: float | None = None,
    se: str | Any | None = None,
    context: Mapping[str, Callable[..., Any]] | None = None,
    prob: float = 0.9,
    executor: Executor | None = None,
    **kwargs: Unpack[SampleKeywords],
) -> Pooling:
    """Fit a formula with complete pooling, without pooling and with partial pooling of a grouping column.

    Complete pooling is `LinearRegression(formula)`, partial pooling `VaryingIntercept(formula + (1 | group))`, and no
    pooling a linear regression in which an intercept for each group takes the place of the common one.

    Parameters
    ----------
    formula : str
        Without a grouping term, for example `"reaction ~ days"`.
    data : pandas.DataFrame or mapping of arrays
        One row per observation. Never changed.
    group : str
        The grouping column.
    priors : mapping, optional
        Of `alpha` (the intercept: of complete pooling, of each group without pooling, and `mu_alpha` of partial
        pooling), `beta`, `sigma` and `sigma_alpha`. By default each has rstanarm's scale; without pooling every
        group's intercept has the marginal prior that the intercept at x = 0 has with complete pooling.
    sigma, se, context
        As for `LinearRegression`.
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
        If the formula has a grouping term or no intercept, or uses the grouping column.
    DataError
        If the data cannot be used, or there are more than 1,000 groups.
    PriorError
        If a prior does not fit its parameter.

    References
    ----------
    Gelman & Hill (2007), sections 12.2 to 12.4: figures 12.1 and 12.3 show such estimates side by side.
    """
    checked_probability(prob, "pooling")
    given_to_stan = {name: value for name, value in kwargs.items() if name != "keep_finished"}
    check_keywords("pooling", given_to_stan, theirs="sample", hidden=NOT_FOR_USERS, own=_OWN_KEYWORDS)
    parsed = parse(formula, context)
    if parsed.terms:
        raise FormulaError(
            f"{quoted(formula)}: pooling() adds the grouping term itself; leave out "
            f"({shortened(parsed.terms[0].text)})."
        )
    if not parsed.has_intercept:
        raise FormulaError(f"{quoted(formula)}: pooling() compares intercepts, so the formula must have one.")
    if group in parsed.columns:
        raise FormulaError(f"{quoted(formula)}: '{group}' is the grouping column; it cannot be a predictor as well.")
    frame = as_frame(data, [*parsed.columns, group, *([se] if isinstance(se, str) else [])])
    labels = clean_group(frame, group)
    categorical = pd.Categorical(labels).as_ordered()  # labels in any case, also where they read as numbers
    if len(categorical.categories) > MAX_GROUPS:
        raise DataError(
            f"'{group}' has {len(categorical.categories):,} groups, and no pooling needs a coefficient for each; "
            f"pooling() takes up to {MAX_GROUPS:,}. Fit LinearRegression and VaryingIntercept alone, or some groups."
        )
    given = dict(priors) if priors is not None else {}
    known: dict[str, Any] = {"sigma": sigma, "se": se, "context": context}
    by_name = in_formula(group)
    complete = LinearRegression(formula, frame, priors=_without(given, "sigma_alpha"), **known)
    # What there is to say about the priors has been said of complete pooling.
    partial = VaryingIntercept.made_before(
        f"{formula} + (1 | {by_name})", frame, context, priors=_as_population(given), sigma=sigma, se=se
    )
    separate_formula = "{0} ~ {2} + {1} - 1".format(*formula.split("~"), by_name)
    by_category = frame.assign(**{group: categorical})
    columns = build_design(parse(separate_formula, context), by_category, se=se).predictors
    separate = LinearRegression(separate_formula, by_category, priors=_for_each(complete, columns, given), **known)
    fits = _sampled({COMPLETE: complete, NONE: separate, PARTIAL: partial}, executor, kwargs)
    return Pooling(fits, _estimates(fits, prob), prob)


def _sampled(models: dict[str, Model], executor: Executor | None, keywords: Mapping[str, Any]) -> dict[str, Fit[Model]]:
    arguments = {"seed": secrets.randbelow(2**31), **keywords}
    tasks = ((name, SamplingTask.of(model, arguments)) for name, model in models.items())
    fits = {}
    for name, (draws, diagnosis) in results_of(sample_and_diagnose, tasks, crew_of(executor, own=OwnThreads)):
        fits[name] = Fit(models[name], draws, diagnosis=diagnosis)
    for name in models:
        fits[name].warn_if_unreliable()
    return {name: fits[name] for name in models}


def _without(given: dict[str, Any], name: str) -> dict[str, Any]:
    return {key: prior for key, prior in given.items() if key != name}


def _as_population(given: dict[str, Any]) -> dict[str, Any]:
    return {"mu_alpha" if key == "alpha" else key: prior for key, prior in given.items()}


def _for_each(complete: Model, columns: tuple[str, ...], given: dict[str, Any]) -> dict[str, Any]:
    """Give the priors without pooling: those of complete pooling, the intercept's once for each group."""
    chosen = complete.priors
    intercept: LocationPrior = chosen["alpha"]
    slopes: dict[str, LocationPrior] = chosen.get("beta", {})
    if intercept.centered and not isinstance(intercept, Flat):
        # At x = 0 the intercept is the one at the mean minus mean(x) beta: the same centre, and a wider scale.
        scale: Any = getattr(intercept, "sigma")  # noqa: B009  every proper location prior has one
        far = [
            m * getattr(p, "sigma", 0.0) for m, p in zip(complete.engine.prior_centre, slopes.values(), strict=False)
        ]
        intercept = replace(intercept, sigma=float(np.hypot(scale, np.linalg.norm(far))), centered=False)  # type: ignore[call-arg]
    beta = {name: slopes.get(name, intercept) for name in columns}
    unknown = [name for name in slopes if name not in columns]
    if unknown:
        raise PriorError(f"pooling(): '{unknown[0]}' has no counterpart without pooling, whose columns are {columns}.")
    return {"beta": beta} | {name: prior for name, prior in given.items() if name == "sigma"}


def _estimates(fits: dict[str, Fit[Model]], prob: float) -> pd.DataFrame:
    """Summarise each group's intercept at x = 0 in each of the fits."""
    design = fits[PARTIAL].model.rows
    assert design.group is not None
    levels = labelled.plain_labels(design.group.levels)
    index = pd.Index(levels, name=design.group.name)
    n_groups, n_slopes = len(levels), len(design.predictors)
    table = {"n": design.group.sizes}
    slopes = set(design.predictors)
    separate = fits[NONE].model.design.predictors
    own = np.zeros((n_groups, len(separate)))
    own[np.arange(n_groups), [k for k, name in enumerate(separate) if name not in slopes]] = 1.0
    zeros = np.zeros((n_groups, n_slopes))
    for name, fit, X, codes in (
        ("complete", fits[COMPLETE], zeros[:1], None),
        ("no", fits[NONE], own, None),
        ("partial", fits[PARTIAL], zeros, np.arange(n_groups)),
    ):
        rows = NewRows(X, codes, pd.Index([]), None, pd.RangeIndex(len(X)))
        summary = prediction.summarise(fit, rows, kind="mean", new_groups="error", prob=prob, seed=fit.draws.seed)
        for suffix, column in (("", "median"), ("_lower", "lower"), ("_upper", "upper")):
            table[name + suffix] = np.broadcast_to(summary[column].to_numpy(), n_groups)
    return pd.DataFrame(table, index=index)
