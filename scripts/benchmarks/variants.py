"""A small model of every kind, with proper priors, whose calibration is checked; responses are not looked at."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

import stanhier as sh

__all__ = ["VARIANTS"]

SCHOOLS = [15.0, 10.0, 16.0, 11.0, 9.0, 11.0, 10.0, 18.0]
LINE = {"alpha": sh.Normal(0, 2), "beta": sh.Normal(0, 1), "sigma": sh.HalfNormal(1)}
GROUPS = {
    "mu_alpha": sh.Normal(0, 2),
    "beta": sh.Normal(0, 1),
    "sigma_alpha": sh.HalfNormal(1),
    "sigma": sh.HalfNormal(1),
}
STUDENT_T = {
    "mu_alpha": sh.StudentT(4, 1, 2),
    "beta": sh.StudentT(3, 0, 1),
    "sigma_alpha": sh.HalfStudentT(4, 1),
    "sigma": sh.HalfStudentT(3, 1),
}
CAUCHY = {
    "mu_alpha": sh.Cauchy(0, 1),
    "beta": sh.Cauchy(0, 1),
    "sigma_alpha": sh.HalfCauchy(1),
    "sigma": sh.HalfCauchy(1),
}
EFFECTS = {
    "alpha": sh.Normal(0, 2),
    "beta": sh.Normal(0, 1),
    "sd": sh.HalfNormal(1),
    "cor": sh.LKJ(2),
    "sigma": sh.HalfNormal(1),
}
HEAVY = {
    "alpha": sh.Cauchy(0, 1),
    "beta": sh.StudentT(3, 0, 1),
    "sd": {"g": {"Intercept": sh.HalfCauchy(1), "x": sh.HalfStudentT(4, 1)}},
    "sigma": sh.HalfStudentT(3, 1),
}
EXPONENTIAL = GROUPS | {"sigma_alpha": sh.Exponential(1), "sigma": sh.Exponential(2)}


def frame(sizes: Sequence[int], *, correlation: float = 0.5) -> pd.DataFrame:
    """Rows in groups of these sizes; x and v are correlated, z is far from 0, u is constant within groups."""
    rng = np.random.default_rng(7)
    g = np.repeat(np.arange(len(sizes)), sizes)
    x, noise = rng.standard_normal((2, len(g)))
    v = correlation * x + np.sqrt(1 - correlation**2) * noise
    u = rng.standard_normal(len(sizes))[g]
    se = rng.choice([0.3, 1, 3], len(g))
    y = x + u + rng.standard_normal(len(g))  # scales the default priors, and is used for nothing else
    return pd.DataFrame({"y": y, "x": x, "v": v, "z": 50 + 2 * v, "u": u, "g": g, "se": se})


def crossed(n: int, levels: Mapping[str, int]) -> pd.DataFrame:
    """Rows with the predictors of `frame` in random groups of several factors, each with so many levels."""
    rng = np.random.default_rng(8)
    rows = frame([n]).assign(**{name: rng.permutation(np.resize(np.arange(k), n)) for name, k in levels.items()})
    return rows.assign(u=rng.standard_normal(n))


def _without(priors: dict[str, Any], *names: str) -> dict[str, Any]:
    return {name: prior for name, prior in priors.items() if name not in names}


def _linear(formula: str, priors: dict[str, Any], **keywords: Any) -> Callable[[], sh.LinearRegression]:
    return lambda: sh.LinearRegression(formula, frame([30]), priors=priors, **keywords)


def _varying(
    sizes: Sequence[int], priors: dict[str, Any] | None = GROUPS, formula: str = "y ~ x + (1 | g)", **keywords: Any
) -> Callable[[], sh.VaryingIntercept]:
    return lambda: sh.VaryingIntercept(formula, frame(sizes), priors=priors, **keywords)


def _effects(
    formula: str, data: pd.DataFrame, priors: dict[str, Any] | None = EFFECTS, **keywords: Any
) -> Callable[[], sh.Model]:
    return lambda: sh.Model(formula, data, priors=priors, **keywords)


def _collinear() -> pd.DataFrame:
    return frame([6] * 10, correlation=0.9999)


def _schools() -> sh.VaryingIntercept:
    data = frame([1] * len(SCHOOLS)).assign(se=SCHOOLS)
    priors = {"mu_alpha": sh.Normal(0, 5), "sigma_alpha": sh.HalfCauchy(5)}
    return sh.VaryingIntercept("y ~ 1 + (1 | g)", data, se="se", priors=priors)


UNBALANCED = [1, 1, 1, 2, 2, 3, 5, 8, 13, 21, 34, 55]

ALONE = _without(EFFECTS, "cor")
SCHOOL = {"school": 6, "own": 3, "rater": 5}

VARIANTS: dict[str, Callable[[], sh.Model]] = {
    "linear": _linear("y ~ x + v", LINE),
    "linear, default priors": _linear("y ~ x + z", {}),
    "linear, Cauchy priors": _linear(
        "y ~ x + v", {"alpha": sh.Cauchy(0, 1), "beta": sh.Cauchy(0, 1), "sigma": sh.HalfCauchy(1)}
    ),
    "linear, no intercept": _linear("y ~ 0 + x + v", _without(LINE, "alpha")),
    "linear, no predictors": _linear("y ~ 1", _without(LINE, "beta")),
    "linear, fixed sigma": _linear("y ~ x + v", _without(LINE, "sigma"), sigma=0.7),
    "linear, known se": _linear("y ~ x + v", _without(LINE, "sigma"), se="se"),
    "linear, correlation 0.9999": lambda: sh.LinearRegression("y ~ x + v", _collinear(), priors=LINE),
    "linear, fewer rows than parameters": lambda: sh.LinearRegression("y ~ x + v + u", frame([3]), priors=LINE),
    "2 groups": _varying([15, 15]),
    "20 groups": _varying([5] * 20),
    "200 groups": _varying([3] * 200),
    "unbalanced": _varying(UNBALANCED),
    "groups of one": _varying([1] * 40),
    "no predictors": _varying(UNBALANCED, _without(GROUPS, "beta"), "y ~ 1 + (1 | g)"),
    "predictor of groups": _varying(UNBALANCED, formula="y ~ x + u + (1 | g)"),
    "correlation 0.9999": lambda: sh.VaryingIntercept("y ~ x + v + (1 | g)", _collinear(), priors=GROUPS),
    "fixed sigma": _varying(UNBALANCED, _without(GROUPS, "sigma"), sigma=0.7),
    "known se": _varying(UNBALANCED, _without(GROUPS, "sigma"), se="se"),
    "eight schools": _schools,
    "default priors": _varying(UNBALANCED, None, "y ~ x + z + (1 | g)"),
    "exponential priors": _varying(UNBALANCED, EXPONENTIAL),
    "Student t priors": _varying(UNBALANCED, STUDENT_T),
    "Cauchy priors": _varying(UNBALANCED, CAUCHY),
    "intercept at the mean": _varying(
        UNBALANCED, GROUPS | {"mu_alpha": sh.Normal(1, 2, centered=True)}, "y ~ z + (1 | g)"
    ),
    "groups all but equal": _varying([5] * 20, GROUPS | {"sigma_alpha": sh.HalfNormal(0.05)}),
    "groups far apart": _varying([5] * 20, GROUPS | {"sigma_alpha": sh.HalfNormal(50)}),
    "slopes": _effects("y ~ x + (1 + x | g)", frame(UNBALANCED)),
    "slopes, default priors": _effects("y ~ x + z + (center(z) | g)", frame(UNBALANCED), None),
    "slopes, heavy tails": _effects("y ~ x + (1 + x | g)", frame(UNBALANCED), HEAVY),
    "slopes, known se": _effects("y ~ x + (1 + x | g)", frame(UNBALANCED), _without(EFFECTS, "sigma"), se="se"),
    "slopes, weights": _effects("y ~ x + (1 + x | g)", frame(UNBALANCED), weights="se"),
    "slopes, no predictor of the population": _effects(
        "y ~ 1 + (1 + x | g)", frame(UNBALANCED), _without(EFFECTS, "beta")
    ),
    "uncorrelated slopes": _effects("y ~ x + (x || g)", frame(UNBALANCED), ALONE),
    "slope alone": _effects("y ~ x + (0 + x | g)", frame(UNBALANCED), ALONE),
    "three effects": _effects("y ~ x + v + (1 + x + v | g)", frame([6] * 15)),
    "6 groups with slopes": _effects("y ~ x + (1 + x | g)", frame([8] * 6)),
    "groups smaller than their effects": _effects("y ~ x + v + (1 + x + v | g)", frame([1] * 15 + [2] * 15)),
    "slopes, one row a group": _effects("y ~ x + (1 + x | g)", frame([1] * 40)),
    "slopes, sds near 0": _effects("y ~ x + (1 + x | g)", frame([5] * 20), EFFECTS | {"sd": sh.HalfNormal(0.02)}),
    "slopes, groups far apart": _effects("y ~ x + (1 + x | g)", frame([5] * 20), EFFECTS | {"sd": sh.HalfNormal(50)}),
    "crossed": _effects("y ~ x + (1 | school) + (1 | rater)", crossed(60, SCHOOL), ALONE),
    "nested": _effects("y ~ x + (1 | school / own)", crossed(60, SCHOOL), ALONE),
    "nested slopes": _effects("y ~ x + (1 + x | school / own)", crossed(90, SCHOOL)),
    "slopes and a crossed factor": _effects("y ~ x + (1 + x | school) + (1 | rater)", crossed(60, SCHOOL)),
    "three factors": _effects("y ~ x + (x || school) + (1 | school:own) + (0 + v | rater)", crossed(90, SCHOOL), ALONE),
    "slopes, effects sampled": _effects(
        "y ~ x + (1 + x | school) + (1 | rater)", crossed(60, SCHOOL), EFFECTS | {"sd": sh.LogNormal(-0.5, 0.5)}
    ),
}
