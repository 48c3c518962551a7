"""Residuals along each predictor: a smooth trend that the model leaves, and a spread that changes.

References
----------
Harrell (2015), Regression Modeling Strategies, doi:10.1007/978-3-319-19425-7, section 2.4.5: restricted cubic splines.
Koenker (1981), doi:10.1016/0304-4076(81)90062-2: tests of spread that do not depend on the tails.
Kruskal & Wallis (1952), doi:10.1080/01621459.1952.10483441.
"""

from collections.abc import Iterator

import numpy as np
import pandas as pd
import scipy  # its parts are imported when they are first used, and that of statistics takes long
from scipy import special

from stanhier.basics.words import in_formula
from stanhier.design.columns import INTERCEPT
from stanhier.evaluation.checks.evidence import Evidence
from stanhier.evaluation.checks.finding import LEVELS, Finding, p_text
from stanhier.evaluation.checks.information import Information, degrees_of_freedom, score_p, variance_p
from stanhier.evaluation.checks.predicted import LEAST_ROWS, PredictedRows
from stanhier.evaluation.checks.statistics import log_of_response

__all__ = ["residual_findings", "spread_findings"]

_KNOTS = (0.05, 0.35, 0.65, 0.95)
_MOST_SLOPES = 300
_FITTED = "what the predictors let expect"


def residual_findings(evidence: Evidence) -> Iterator[Finding]:
    """Look for trends along numeric predictors, and where there are several along what they come to together."""
    courses = dict(_courses(evidence))
    if not courses or len(evidence.y) < LEAST_ROWS:
        return
    information, found = Information(evidence), []
    for name, values in courses.items():
        p = score_p(evidence, information, _smooth(values), degrees_of_freedom(evidence, values))
        if p is not None:
            found.append((name, p))
    for name, p in found:
        yield Finding("trend", name, _trend_words(evidence, name, p), p, LEVELS["trend"] / len(found))
    yield from _slope_findings(evidence, information, courses)


def _slope_findings(evidence: Evidence, information: Information, courses: dict[str, np.ndarray]) -> Iterator[Finding]:
    """Look for effects of numeric predictors that differ between groups, where the model has them the same."""
    found, n = [], len(evidence.y)
    for grouping in evidence.rows.groupings:
        levels, codes = np.unique(grouping.codes, return_inverse=True)
        if not 3 <= len(levels) <= _MOST_SLOPES:
            continue
        sizes = np.bincount(codes)
        for name, values in courses.items():
            within = values - (np.bincount(codes, values) / sizes)[codes]
            if name == _FITTED or name in grouping.effects or np.square(within).sum() < 1e-8 * n * values.var():
                continue
            columns = np.zeros((n, len(levels)))
            columns[np.arange(n), codes] = within / within.std()
            freedom = n - len(levels) - evidence.rows.X.shape[1] if evidence.has_scale else np.inf
            p = variance_p(information, columns, freedom)
            if p is not None:
                found.append((grouping.name, name, p))
    for group, name, p in found:
        inside, factor = in_formula(name), " : ".join(map(in_formula, group.split(":")))
        problem = (
            f"The effect of '{name}' differs between the groups of '{group}' ({p_text(p)}). Let it vary: "
            f"(1 + {inside} | {factor})."
        )
        yield Finding("slopes by group", f"{name} by {group}", problem, p, LEVELS["slopes by group"] / len(found))


def spread_findings(evidence: Evidence, rows: PredictedRows) -> Iterator[Finding]:
    """Look for a spread of residuals that changes along predictors, or differs between groups."""
    n = len(evidence.y)
    if evidence.family.is_discrete or not rows.is_reliable or n < LEAST_ROWS:
        return
    # Ranks, so that neither tails nor skewness are taken for spread.
    size = special.ndtri((scipy.stats.rankdata(np.abs(rows.scores)) - 0.5) / n)
    courses = dict(_courses(evidence))
    for name, values in courses.items():
        slope, p = _spread_along(size, values)
        yield Finding("spread", name, _spread_words(evidence, name, slope, p), p, LEVELS["spread"] / len(courses))
    groupings = evidence.rows.groupings
    for grouping in groupings:
        sizes = np.bincount(grouping.codes, minlength=len(grouping.levels))
        used = np.flatnonzero(sizes >= 4)
        if len(used) < 2:
            continue
        p = float(scipy.stats.kruskal(*(size[grouping.codes == code] for code in used)).pvalue)
        problem = (
            f"The spread of the residuals differs between the groups of '{grouping.name}' ({p_text(p)}). Try a "
            f'transformation of the response, known standard errors (se=), or family="student_t".'
        )
        yield Finding("spread by group", grouping.name, problem, p, LEVELS["spread by group"] / len(groupings))


def _courses(evidence: Evidence) -> Iterator[tuple[str, np.ndarray]]:
    """Give names and values of what residuals are looked at along: numeric predictors with three values or more."""
    rows, several = evidence.rows, 0
    names = [*rows.formula.predictor_columns, *(e for one in rows.groupings for e in one.effects if e != INTERCEPT)]
    for name in dict.fromkeys(names):
        column = rows.frame.get(name)
        if not isinstance(column, pd.Series) or column.dtype.kind not in "iuf" or name in rows.formula.labels:
            continue
        values = column.to_numpy(dtype=float)
        several += 1
        if len(np.unique(values)) >= 3:
            yield name, values
    if len(rows.predictors) > 1 and several > 1 and len(np.unique(evidence.population)) >= 3:
        yield _FITTED, evidence.population


def _smooth(values: np.ndarray) -> np.ndarray:
    """Give a column and two that bend: a restricted cubic spline, or powers where values are few."""
    x = (values - values.mean()) / values.std()
    knots = np.quantile(x, _KNOTS)
    if len(np.unique(knots)) < len(knots) or len(np.unique(x)) < 6:
        return np.column_stack([x, x**2])
    last, before = knots[-1], knots[-2]

    def bent(knot: float) -> np.ndarray:
        cubes = np.maximum(x - knot, 0) ** 3
        cubes -= np.maximum(x - before, 0) ** 3 * (last - knot) / (last - before)
        cubes += np.maximum(x - last, 0) ** 3 * (before - knot) / (last - before)
        return np.asarray(cubes / (last - knots[0]) ** 2)

    return np.column_stack([x, bent(knots[0]), bent(knots[1])])


def _spread_along(size: np.ndarray, values: np.ndarray) -> tuple[float, float]:
    """Give the slope of sizes of residuals along values, and the probability of as much by their line and parabola."""
    n = len(values)
    x = (values - values.mean()) / values.std()
    basis = np.column_stack([np.ones(n), x, x**2])
    coefficients, _, rank, _ = np.linalg.lstsq(basis, size, rcond=None)
    around = np.square(size - size.mean()).sum()
    left = np.square(size - basis @ coefficients).sum()
    p = scipy.stats.f.sf((around - left) / (rank - 1) / (left / (n - rank)), rank - 1, n - rank)
    return float(np.polyfit(x, size, 1)[0]), float(p)


def _trend_words(evidence: Evidence, name: str, p: float) -> str:
    said = f"The residuals follow a curve along {_named(name)} ({p_text(p)})."
    if name == _FITTED:
        link = "" if evidence.family.is_gaussian else ", another link"
        return f"{said} Try an interaction such as x * z, a curve of a predictor{link}, or a transformation."
    inside = in_formula(name)
    return f"{said} Try {inside} + I({inside}**2), or a spline: bs({inside}, df=4)."


def _spread_words(evidence: Evidence, name: str, slope: float, p: float) -> str:
    how = "grows" if slope > 0 else "shrinks"
    logarithm = log_of_response(evidence)
    advice = f"Try {logarithm}" if logarithm else "Try a transformation of the response"
    student = "" if evidence.family.name == "student_t" else ', or family="student_t"'
    return f"The spread of the residuals {how} along {_named(name)} ({p_text(p)}). {advice}{student}."


def _named(name: str) -> str:
    return name if name == _FITTED else f"'{name}'"
