"""One small model of every kind, for tests that must hold for all of them."""

import warnings

import numpy as np
import pandas as pd

import stanhier as sh


def frame(n=80, n_groups=9, seed=5):
    """Unbalanced groups, correlated predictors on different scales, one of them constant within groups."""
    rng = np.random.default_rng(seed)
    g = np.sort(np.concatenate([np.arange(n_groups), rng.integers(0, n_groups, n - n_groups) ** 2 // n_groups]))
    x = rng.standard_normal(n)
    z = 100 + 20 * (0.9 * x + rng.standard_normal(n))
    u = rng.standard_normal(n_groups)[g]
    y = 3 + 1.5 * x - 0.05 * z + 0.5 * u + rng.standard_normal(n_groups)[g] + 0.8 * rng.standard_normal(n)
    return pd.DataFrame({"y": y, "x": x, "z": z, "u": u, "g": g, "se": rng.uniform(0.3, 2, n)})


def weighted():
    """The same rows, with weights over which their noise is spread."""
    rows, rng = frame(), np.random.default_rng(9)
    w = rng.gamma(2.0, 3.0, len(rows))
    return rows.assign(w=w, y=rows["y"] + 2 * rng.standard_normal(len(rows)) / np.sqrt(w))


def relative_sds(design):
    """The standard deviation of each row's noise in units of sigma."""
    noise = design.row_noise
    return np.ones(design.n_rows) if noise is None else noise.values if noise.argument == "se" else noise.values**-0.5


def schools():
    """Rubin (1981): eight schools."""
    return pd.DataFrame(
        {
            "y": [28.0, 8, -3, 7, -1, 1, 18, 12],
            "se": [15.0, 10, 16, 11, 9, 11, 10, 18],
            "school": list("ABCDEFGH"),
        }
    )


def of_one():
    """Groups of a single row: only priors tell their sd from sigma, as a warning says."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", sh.PriorWarning)
        return sh.VaryingIntercept("y ~ x + (1 | g)", frame().assign(g=np.arange(80)))


HEAVY = {"beta": {"x": sh.StudentT(3, 0, 1), "z": sh.Cauchy(0, 0.5)}, "sigma": sh.HalfStudentT(3, 2)}

LINEAR = {
    "default": lambda: sh.LinearRegression("y ~ x + z", frame()),
    "at zero": lambda: sh.LinearRegression("y ~ x + z", frame(), priors={"alpha": sh.Normal(0, 10), **HEAVY}),
    "flat": lambda: sh.LinearRegression(
        "y ~ x + z", frame(), priors={"alpha": sh.Flat(), "beta": sh.Flat(), "sigma": sh.Flat()}
    ),
    "fixed sigma": lambda: sh.LinearRegression("y ~ x", frame(), sigma=0.7),
    "known se": lambda: sh.LinearRegression("y ~ x", frame(), se="se"),
    "weights": lambda: sh.LinearRegression("y ~ x", weighted(), weights="w"),
    "fixed sigma, weights": lambda: sh.LinearRegression("y ~ x + z", weighted(), sigma=0.7, weights="w"),
    "no predictors": lambda: sh.LinearRegression("y ~ 1", frame(), priors={"sigma": sh.HalfNormal(3)}),
    "no intercept": lambda: sh.LinearRegression("y ~ 0 + x + z", frame(), priors={"sigma": sh.HalfCauchy(5)}),
    "more predictors than rows": lambda: sh.LinearRegression("y ~ x + z + I(x**2) + I(z**2) + x:z", frame().iloc[:4]),
}

VARYING = {
    "default": lambda: sh.VaryingIntercept("y ~ x + z + u + (1 | g)", frame()),
    "at zero": lambda: sh.VaryingIntercept(
        "y ~ x + z + (1 | g)",
        frame(),
        priors={"mu_alpha": sh.Cauchy(0, 10), "sigma_alpha": sh.HalfCauchy(5), **HEAVY},
    ),
    "flat": lambda: sh.VaryingIntercept(
        "y ~ x + (1 | g)",
        frame(),
        priors={"mu_alpha": sh.Flat(), "beta": sh.Flat(), "sigma": sh.Flat(), "sigma_alpha": sh.Flat()},
    ),
    "fixed sigma": lambda: sh.VaryingIntercept(
        "y ~ x + (1 | g)", frame(), sigma=0.7, priors={"sigma_alpha": sh.HalfNormal(1)}
    ),
    "known se": lambda: sh.VaryingIntercept(
        "y ~ 1 + (1 | school)",
        schools(),
        se="se",
        priors={"mu_alpha": sh.Normal(0, 5), "sigma_alpha": sh.HalfCauchy(5)},
    ),
    "known se of rows": lambda: sh.VaryingIntercept("y ~ x + (1 | g)", frame(), se="se"),
    "weights": lambda: sh.VaryingIntercept("y ~ x + (1 | g)", weighted(), weights="w"),
    "groups of one": of_one,
    "two groups": lambda: sh.VaryingIntercept("y ~ x + (1 | g)", frame().assign(g=np.arange(80) // 40)),
}


def several(n=160, seed=6):
    """Rows in schools, classes within schools, and raters that see all of them; slopes of x vary."""
    rng = np.random.default_rng(seed)
    school, own, rater = rng.integers(0, 6, n), rng.integers(0, 4, n), rng.integers(0, 5, n)
    x, z = rng.standard_normal(n), 3 + rng.standard_normal(n)
    slopes = 1 + 0.6 * rng.standard_normal(6)
    y = 2 + slopes[school] * x + rng.standard_normal(6)[school] + 0.7 * rng.standard_normal(24)[4 * school + own]
    y += 0.5 * rng.standard_normal(5)[rater] + 0.6 * rng.standard_normal(n)
    names = np.array(["Nord", "Süd", "Ost", "West", "<b>Mitte</b>", "Insel"])
    kind = np.resize(["u", "v", "w"], n)
    columns = {"y": y, "x": x, "z": z, "kind": kind, "school": names[school], "class": own, "rater": rater}
    return pd.DataFrame({**columns, "se": rng.uniform(0.4, 0.8, n), "w": rng.uniform(0.2, 6, n)})


GROUPED_PRIORS = {
    "alpha": sh.Normal(0, 10),
    "beta": {"x": sh.StudentT(3, 0, 2)},
    "sd": {"school": {"x": sh.HalfNormal(2)}},
    "cor": sh.LKJ(2),
}

SEVERAL = {
    "slope": lambda: sh.Model("y ~ x + (1 + x | school)", several()),
    "slope, priors": lambda: sh.Model("y ~ x + (1 + x | school)", several(), priors=GROUPED_PRIORS),
    "slope without correlation": lambda: sh.Model("y ~ x + (x || school)", several()),
    "slope around 0": lambda: sh.Model("y ~ x + (0 + z | school)", several(), se="se"),
    "crossed": lambda: sh.Model("y ~ x + (1 | school) + (1 | rater)", several(), sigma=0.6),
    "crossed, weights": lambda: sh.Model("y ~ x + (1 + x | school) + (1 | rater)", several(), weights="w"),
    "nested": lambda: sh.Model("y ~ x + (1 + x | school / `class`)", several()),
    "two blocks": lambda: sh.Model("y ~ x + (1 + x | school) + (0 + z + exp(z) | school) + (1 | rater)", several()),
    "categories": lambda: sh.Model("y ~ bs(x, df=4) + C(kind) + (C(kind) | school)", several()),
    "a factor that is a predictor": lambda: sh.Model("y ~ school + x + (0 + x | school:rater)", several()),
    "no intercept": lambda: sh.Model("y ~ 0 + x + (x | school)", several()),
}

ALL = {f"linear, {k}": v for k, v in LINEAR.items()} | {f"varying, {k}": v for k, v in VARYING.items()}
