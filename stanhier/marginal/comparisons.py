"""Comparisons: what predictions become when predictors change."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from stanhier.basics.arguments import in_our_words
from stanhier.basics.errors import StanhierError
from stanhier.basics.words import quoted, some_of
from stanhier.engines.regression import Regression
from stanhier.marginal.contrasts import Contrast, contrasts_of, crossed
from stanhier.marginal.effects import Effects
from stanhier.marginal.estimating import Asked, Quantity, estimated
from stanhier.marginal.rows import user_rows
from stanhier.posterior.fitted import Fitted

__all__ = ["HABITS", "comparisons"]

type Comparison = Literal["difference", "ratio", "lnratio", "lnor", "odds_ratio", "lift"]

HABITS = {
    "newdata": "Did you mean 'new'?",
    "new_data": "Did you mean 'new'?",
    "variable": "Did you mean 'variables'?",
    "type": "Did you mean 'kind'?",
    **dict.fromkeys(("conf_level", "hdi_prob", "ci_prob", "level"), "Did you mean 'prob'?"),
    "wts": "Every row counts once; repeat rows of new= to weight them.",
    "transform": "Functions of the draws can be had of `.draws`.",
    "hypothesis": "Functions of the draws can be had of `.draws`.",
    "re_formula": "Did you mean 'group_effects'?",
}


@dataclass(frozen=True)
class _Kind:
    """A way to compare two predictions: the function, what there is without an effect, and words."""

    function: Callable[[np.ndarray, np.ndarray], np.ndarray]
    null: float
    words: str
    contrast: Callable[[Contrast], str]


def _odds(p: np.ndarray) -> np.ndarray:
    return np.asarray(p / (1 - p))


def _ratio(one: Contrast) -> str:
    low, high = (f"({word})" if "," in word else word for word in one.words)
    return f"{high} / {low}"


def _odds_ratio(one: Contrast) -> str:
    low, high = (word.removeprefix("(").removesuffix(")") if "(" in word[:1] else word for word in one.words)
    return f"odds({high}) / odds({low})"


_KINDS: dict[str, _Kind] = {
    "difference": _Kind(lambda low, high: high - low, 0.0, "Differences in {}", lambda one: one.difference),
    "ratio": _Kind(lambda low, high: high / low, 1.0, "Ratios of {}", _ratio),
    "lnratio": _Kind(
        lambda low, high: np.log(high) - np.log(low),
        0.0,
        "Logarithms of ratios of {}",
        lambda one: f"ln({_ratio(one)})",
    ),
    "lnor": _Kind(
        lambda low, high: np.log(_odds(high) / _odds(low)),
        0.0,
        "Logarithms of odds ratios, of the {}",
        lambda one: f"ln({_odds_ratio(one)})",
    ),
    "odds_ratio": _Kind(lambda low, high: _odds(high) / _odds(low), 1.0, "Odds ratios, of the {}", _odds_ratio),
    "lift": _Kind(
        lambda low, high: (high - low) / low, 0.0, "Relative differences in {}", lambda one: f"{_ratio(one)} - 1"
    ),
}


@in_our_words(HABITS)
def comparisons(
    fit: Fitted[Regression],
    variables: str | Sequence[str] | Mapping[str, Any] | None = None,
    *,
    contrast: Any = None,
    comparison: Comparison = "difference",
    by: str | Sequence[str] | None = None,
    average: bool = True,
    new: Any = None,
    kind: Literal["mean", "linear"] = "mean",
    cross: bool = False,
    group_effects: bool = True,
    new_groups: Literal["error", "sample"] = "error",
    prob: float = 0.9,
) -> Effects:
    """Compare predictions at two values of a predictor, all else in each row as it is.

    The column of the data is changed and the formula is calculated anew, so that interactions, `log(x)`, polynomials
    and splines of it change too. Names and defaults are those of the package marginaleffects.

    Parameters
    ----------
    variables : str, sequence of str, or mapping, optional
        Columns of the formula, one after the other: by default all predictors of the population. Or contrasts by
        column, `{"age": 10, "sex": "pairwise"}`. A grouping column compares known groups.
    contrast : object, optional
        Of numbers: a number that is added (1 by default; 0 and 1 are compared where there is nothing else), two values
        (from, to), "sd" or "2sd" for one or two standard deviations that are added, "iqr" for the first and third
        quartile, "minmax". Of categories, truth values and labels: "reference" (the default: each against the first),
        "pairwise", "sequential", "minmax", "all", each also turned round with "rev" in front, or two values (from, to).
        Standard deviations and quartiles are those of the rows of the fit, where these are in memory, else of `new`.
    comparison : {"difference", "ratio", "lnratio", "lnor", "odds_ratio", "lift"}
        high - low, high / low, its logarithm, the logarithm of the odds ratio, the odds ratio, or (high - low) / low.
        Averages are compared: the ratio of averages, and not the average of ratios.
    by : str or sequence of str, optional
        Columns of the rows: one average for each of their values, instead of one over all rows.
    average : bool
        Whether to average over rows; else there is one comparison for each row.
    new : data frame, mapping of arrays, path or lazy frame, optional
        The rows; those of the fit by default, so that averages are over the data as they were observed. Columns that
        the model and `by` need are read into memory.
    kind : {"mean", "linear"}
        The expected response (of a binomial one the probability of a success), or the linear predictor, of which there
        are differences alone.
    cross : bool
        Whether all variables change at once.
    group_effects, new_groups
        As for `Fit.predict`: with `group_effects=False` it is the average group that is predicted.
    prob : float
        Probability of the central interval from `lower` to `upper`.

    Returns
    -------
    Effects
        A pandas.DataFrame, one row for each contrast and group of rows, or contrast and row: term, contrast, the
        columns of `by` or the label of the row, mean, sd, lower, median, upper, and pd, the probability of direction.
        `.draws` has the draws behind it, `.plot()` draws it. Where draws times distinct rows exceed 400 million values
        and the link is no identity, averages are made of evenly spaced draws, at least 400; printing says so.

    Raises
    ------
    DataError
        If a column is missing or cannot be used, or rows of the fit are not in memory.
    StanhierError
        If a variable is no column of the formula, a contrast does not suit its kind, a value is unknown, or an argument
        has a value that it cannot have.

    References
    ----------
    Arel-Bundock, Greifer & Heiss (2024), How to interpret statistical models using marginaleffects for R and Python,
    doi:10.18637/jss.v111.i09.
    Makowski, Ben-Shachar, Chen & Lüdecke (2019), doi:10.3389/fpsyg.2019.02767 (probability of direction).
    """
    asked = Asked("comparisons", by, average, kind, group_effects, new_groups, prob)
    chosen = _chosen(fit, comparison, kind)
    rows = user_rows(fit, new, by, group_effects=group_effects, new_groups=new_groups, where="comparisons")
    found = contrasts_of(rows, variables, contrast)
    if cross:
        found = crossed(found)
    quantities = [
        Quantity({"term": one.term, "contrast": chosen.contrast(one)}, (one.low, one.high), chosen.function)
        for one in found
    ]
    return estimated(rows, quantities, asked, own=("term", "contrast"), null=chosen.null, words=chosen.words)


def _chosen(fit: Fitted[Regression], comparison: Any, kind: str) -> _Kind:
    """Find the kind of comparison, and refuse what means nothing for these predictions."""
    if not isinstance(comparison, str) or comparison not in _KINDS:
        names = some_of([repr(name) for name in _KINDS], 10)
        raise StanhierError(f"comparisons(comparison={quoted(comparison)}): 'comparison' must be one of {names}.")
    if comparison != "difference" and kind == "linear":
        raise StanhierError(
            f'comparisons(comparison={quoted(comparison)}, kind="linear"): of the linear predictor there are '
            'differences alone, which of a logit are logarithms of odds ratios; take kind="mean".'
        )
    link = fit.model.family.link
    if comparison in ("lnor", "odds_ratio") and link not in ("logit", "probit"):
        raise StanhierError(
            f"comparisons(comparison={quoted(comparison)}): odds are of probabilities, and the mean of the family "
            f'"{fit.model.family.name}" is none; take "ratio" or "difference".'
        )
    return _KINDS[comparison]
