"""Posterior predictive checks: numbers of the response, beside those of data that the fitted model draws."""

from collections.abc import Iterator

import numpy as np

from stanhier.basics.words import in_formula
from stanhier.evaluation.checks.evidence import Evidence
from stanhier.evaluation.checks.finding import LEVELS, Finding, p_text

__all__ = ["log_of_response", "shape_advice", "statistic_findings", "step_of", "two_sided"]

_TINY = np.finfo(float).tiny


def statistic_findings(evidence: Evidence) -> Iterator[Finding]:
    """Compare mean, sd, extremes, skewness, share of zeros and of repeated values, and the dispersion of counts.

    References
    ----------
    Gelman, Meng & Stern (1996), Posterior predictive assessment of model fitness via realized discrepancies, Statistica
    Sinica 6, 733-807.
    """
    y, replicated, family = evidence.y, evidence.replicated, evidence.family
    if not family.is_discrete:
        step = step_of(y)
        if step is not None:  # responses that were rounded are compared with rounded ones
            replicated = y.min() + step * np.round((replicated - y.min()) / step)
    with np.errstate(over="ignore", invalid="ignore"):  # the heaviest tails are beyond all numbers
        compared = [_compared(evidence, name, *one) for name, one in _statistics(evidence, y, replicated).items()]
    yield from compared
    if family.is_discrete and family.name != "bernoulli":
        yield _dispersion(evidence)


def step_of(y: np.ndarray) -> float | None:
    """Give the step that a response was rounded to, if all its values are multiples of one, apart from a constant."""
    values = np.unique(y)
    if not len(values) >= 3:
        return None
    step = float(np.diff(values).min())
    multiples = (values - values[0]) / step
    even = np.abs(multiples - np.round(multiples)) < 1e-4
    return step if even.all() and multiples[-1] < 1e7 else None


def _statistics(evidence: Evidence, y: np.ndarray, replicated: np.ndarray) -> dict[str, tuple[float, np.ndarray]]:
    """Give what is compared, of the response and of each replicated one."""
    functions = {"mean": _mean}
    if evidence.family.name != "bernoulli":
        functions |= {"sd": _sd, "min": _min, "max": _max}
        functions |= {"skewness": _skewness} if y.std() > 0 else {}
        functions |= {"share of zeros": _zeros} if (y == 0).any() or evidence.family.is_discrete else {}
    if not evidence.family.is_discrete and (step_of(y) is not None or _repeats(y) <= 1):
        functions["share of repeated values"] = _repeated
    return {name: (float(of(y[None])[0]), of(replicated)) for name, of in functions.items()}


def _mean(values: np.ndarray) -> np.ndarray:
    return np.asarray(values.mean(axis=1))


def _sd(values: np.ndarray) -> np.ndarray:
    return np.asarray(values.std(axis=1))


def _min(values: np.ndarray) -> np.ndarray:
    return np.asarray(values.min(axis=1))


def _max(values: np.ndarray) -> np.ndarray:
    return np.asarray(values.max(axis=1))


def _skewness(values: np.ndarray) -> np.ndarray:
    centred = values - values.mean(axis=1, keepdims=True)
    spread = np.sqrt(np.square(centred).mean(axis=1))
    centred /= np.maximum(spread, _TINY)[:, None]
    return np.asarray((centred * centred * centred).mean(axis=1))


def _zeros(values: np.ndarray) -> np.ndarray:
    return np.asarray((values == 0).mean(axis=1))


def _repeated(values: np.ndarray) -> np.ndarray:
    return np.asarray((np.diff(np.sort(values, axis=1), axis=1) == 0).mean(axis=1))


def _repeats(y: np.ndarray) -> int:
    """Count the different values that occur more than once."""
    return int((np.unique(y, return_counts=True)[1] > 1).sum())


def _compared(evidence: Evidence, name: str, observed: float, replicated: np.ndarray) -> Finding:
    lower, upper = np.quantile(replicated, [0.05, 0.95])
    p = two_sided(observed, replicated)
    above = observed > np.median(replicated)
    problem = (
        f"The {_WORDS.get(name, name)} of the response is {observed:.3g}; in data that the model draws it is "
        f"{lower:.3g} to {upper:.3g} ({p_text(p)}). {_next(evidence, name, above=bool(above))}"
    )
    return Finding(name, "", problem, p, LEVELS["statistics"], observed, float(lower), float(upper))


_WORDS = {"min": "least value", "max": "greatest value", "sd": "standard deviation"}


def two_sided(observed: float, replicated: np.ndarray) -> float:
    """Give how often replications are at least as far on either side, counting the observation as one of them."""
    within = 1e-9 * max(abs(observed), float(np.median(np.nan_to_num(np.abs(replicated)))))
    # What is beyond all numbers, as the skewness of the heaviest tails, may be on either side.
    below, above = (~(replicated > observed + within)).sum(), (~(replicated < observed - within)).sum()
    return float(min(1.0, 2 * (min(below, above) + 1) / (len(replicated) + 1)))


def _next(evidence: Evidence, name: str, *, above: bool) -> str:
    """Say what to try."""
    family, logarithm = evidence.family.name, log_of_response(evidence)
    if name == "share of repeated values":
        return "Values that pile up, as at a limit of detection, are no draws of this family; model these rows apart."
    if name == "share of zeros":
        if not evidence.family.is_discrete:
            return "Zeros that are more than a number, as of nothing bought, are best modelled apart: is it zero?"
        if above and family == "poisson":
            return 'Try family="negative_binomial"; if there are still too many zeros, model apart whether it is zero.'
        return "Model apart whether it is zero." if above else "Are zeros missing from the data?"
    if family == "poisson":
        return 'Try family="negative_binomial", or another predictor.'
    if family in ("binomial", "negative_binomial", "bernoulli"):
        return "Try another predictor, effects that vary by groups, or another family."
    if name == "skewness":
        return shape_advice(evidence, right=above)
    if name in ("min", "max"):
        if evidence.family.is_gaussian and above == (name == "max"):
            return f'Look at that row; try family="student_t"{f" or {logarithm}" if logarithm else ""}.'
        return f"Is the response bounded there?{f' Try {logarithm}.' if logarithm else ''}"
    student = "" if family == "student_t" else ', or family="student_t"'
    return f"Try another predictor, or other priors{student}."


def shape_advice(evidence: Evidence, *, right: bool) -> str:
    """Say what to try of a response that is skewed."""
    student = "" if evidence.family.name == "student_t" else ' or family="student_t"'
    logarithm, column = log_of_response(evidence), evidence.model.design.formula.response_column
    if right and logarithm:
        return f"Try {logarithm}{student}."
    if right and column is not None and evidence.y.min() >= 0:
        return f"Try sqrt({in_formula(column)}){student}."
    return f"Try {'a' if column is not None else 'another'} transformation of the response{student}."


def log_of_response(evidence: Evidence) -> str:
    """Give the logarithm of the response as a formula has it; empty where it has none, or is a function already."""
    column = evidence.model.design.formula.response_column
    return f"log({in_formula(column)})" if column is not None and evidence.y.min() > 0 else ""


def _dispersion(evidence: Evidence) -> Finding:
    """Compare Pearson's statistic draw by draw: squared slopes of the log density over their variances, averaged."""
    family, given = evidence.family, evidence.of_chosen
    weights = np.maximum(family.slopes(evidence.y, *given)[1], _TINY)
    observed, replicated = (
        (np.square(family.slopes(values, *given)[0]) / weights).mean(axis=1)
        for values in (evidence.y, evidence.replicated)
    )
    below, above = (replicated <= observed).sum(), (replicated >= observed).sum()
    p = float(min(1.0, 2 * (min(below, above) + 1) / (len(observed) + 1)))
    much = above < below
    groups = bool(evidence.model.design.groupings)
    if much:
        other = 'family="negative_binomial"' if family.name == "poisson" else "another predictor"
        advice = f"Try {other}{'' if groups else ', or effects that vary by groups'}."
    else:
        advice = "Counts that keep together, as of rows that are not independent, are of no family here."
    here, expected = _two_decimals(observed.mean()), _two_decimals(replicated.mean())
    problem = (
        f'The response varies {"more" if much else "less"} than family="{family.name}" allows: Pearson dispersion '
        f"is {here} where {expected} is expected ({p_text(p)}). {advice}"
    )
    ends = np.quantile(replicated, [0.05, 0.95])
    return Finding("dispersion", "", problem, p, LEVELS["dispersion"], float(observed.mean()), *map(float, ends))


def _two_decimals(value: float) -> str:
    """Write a dispersion to two decimals, or with an exponent where nobody would read its digits."""
    return f"{value:.2f}" if value < 1e5 else f"{value:.2e}"
