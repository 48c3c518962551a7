"""The data sets whose responses are yes or no, counts, or with heavy tails; all are simulated.

Two have the shape of tables that lme4 has: `verbagg_shape` of VerbAgg (316 persons crossed with 24 items), and
`grouseticks_shape` of grouseticks (403 chicks in 118 broods at 63 locations); sizes of effects are near what lme4 fits.
"""

from collections.abc import Callable

import numpy as np
import pandas as pd
from scipy.special import expit

from scripts.benchmarks.case import INTERCEPT, Case, Term

__all__ = ["FAMILIES", "bernoulli", "counted", "crossed", "nested", "poisson", "student_t"]

ALPHA, BETA = (0.0, 2.5), (0.0, 1.0)
"""Mean and standard deviation of the normal priors of intercept and slopes."""
TIME_FOR_EVERY_ROW = 60.0
TIME_FOR_ONE_CALL = 900.0


def _varying(*factors: str) -> Term:
    return Term(factors, (INTERCEPT,), (1.0,))


def _grouped(rng: np.random.Generator, n: int, groups: int, beta: list[float]) -> tuple[pd.DataFrame, np.ndarray]:
    """Make predictors and groups, and the linear predictor without its intercept."""
    codes = rng.integers(groups, size=n)
    codes[:groups] = np.arange(groups)  # every group has a row
    X = rng.standard_normal((n, len(beta)))
    table = pd.DataFrame({f"x{i + 1}": X[:, i] for i in range(len(beta))})
    table["group"] = np.array([f"g{j:05d}" for j in range(groups)])[codes]
    return table, 0.8 * rng.standard_normal(groups)[codes] + X @ beta


def bernoulli(n: int = 10_000, groups: int = 200, *, alone: tuple[int, int] | None = None) -> Case:
    """Make up yes or no in groups, with predictors that differ from row to row."""
    rng = np.random.default_rng(n)
    table, eta = _grouped(rng, n, groups, [0.7, -0.4, 0.2])
    table["y"] = (rng.uniform(size=n) < expit(eta - 0.5)).astype(int)
    limit = TIME_FOR_ONE_CALL if alone else None
    return Case(
        f"yes or no, {n:,} rows in {groups:,} groups",
        table,
        "y",
        ("x1", "x2", "x3"),
        terms=(_varying("group"),),
        family="bernoulli",
        limit=limit,
        alone=alone,
        intercept=ALPHA,
        beta=BETA,
    )


def poisson(n: int = 2_000, groups: int = 300) -> Case:
    """Make up counts in groups."""
    rng = np.random.default_rng(n)
    table, eta = _grouped(rng, n, groups, [0.4, -0.2])
    table["y"] = rng.poisson(np.exp(0.5 + eta))
    terms = (_varying("group"),)
    return Case(
        f"counts, {groups:,} groups",
        table,
        "y",
        ("x1", "x2"),
        terms=terms,
        family="poisson",
        intercept=ALPHA,
        beta=BETA,
    )


def counted(n: int = 1_000_000, groups: int = 50) -> Case:
    """Make up yes or no with few distinct rows: two predictors of few values."""
    rng = np.random.default_rng(n)
    codes = rng.integers(groups, size=n)
    codes[:groups] = np.arange(groups)  # every group has a row
    treated, dose = rng.integers(2, size=n), rng.integers(4, size=n)
    eta = -1 + 0.5 * treated + 0.3 * dose + 0.6 * rng.standard_normal(groups)[codes]
    table = pd.DataFrame({"treated": treated, "dose": dose, "y": (rng.uniform(size=n) < expit(eta)).astype(int)})
    table["group"] = np.array([f"g{j:02d}" for j in range(groups)])[codes]
    return Case(
        f"yes or no, {n:,} rows of which few are distinct",
        table,
        "y",
        ("treated", "dose"),
        terms=(_varying("group"),),
        family="bernoulli",
        limit=TIME_FOR_EVERY_ROW,
        intercept=ALPHA,
        beta=BETA,
    )


def student_t(n: int = 5_000, groups: int = 200) -> Case:
    """Make up measurements with outliers in groups."""
    rng = np.random.default_rng(n)
    table, eta = _grouped(rng, n, groups, [0.7, -0.4, 0.2])
    table["y"] = 1 + eta + rng.standard_t(4, size=n)
    return Case(
        f"outliers, {groups:,} groups",
        table,
        "y",
        ("x1", "x2", "x3"),
        terms=(_varying("group"),),
        family="student_t",
        sigma=2.5,
        nu=(2.0, 0.1),
        intercept=ALPHA,
        beta=BETA,
    )


def crossed(persons: int = 316, items: int = 24) -> Case:
    """Make up the answers of persons to items, each person's to each item."""
    rng = np.random.default_rng(persons)
    person, item = (codes.ravel() for codes in np.indices((persons, items)))
    anger, male = rng.standard_normal(persons), (rng.uniform(size=persons) < 0.25).astype(float)
    table = pd.DataFrame({"anger": anger[person], "male": male[person], "self": (item % 2).astype(float)})
    table["scold"], table["shout"] = (item % 3 == 1).astype(float), (item % 3 == 2).astype(float)
    predictors = tuple(table.columns)
    effects = 1.3 * rng.standard_normal(persons)[person] + 0.5 * rng.standard_normal(items)[item]
    eta = 1.2 + table.to_numpy() @ [0.3, 0.3, -1.0, -1.0, -1.9] + effects
    table["person"] = np.array([f"p{j:03d}" for j in range(persons)])[person]
    table["item"] = np.array([f"i{j:02d}" for j in range(items)])[item]
    table["y"] = (rng.uniform(size=len(table)) < expit(eta)).astype(int)
    terms = (_varying("person"), _varying("item"))
    title = f"{persons} persons crossed with {items} items, as in VerbAgg"
    return Case(title, table, "y", predictors, terms=terms, family="bernoulli", intercept=ALPHA, beta=BETA)


def nested(chicks: int = 403, broods: int = 118, locations: int = 63) -> Case:
    """Make up counts of ticks on chicks, which have their own effects, in broods, in locations."""
    rng = np.random.default_rng(chicks)
    brood = np.concatenate([np.arange(broods), rng.integers(broods, size=chicks - broods)])
    location = np.concatenate([np.arange(locations), rng.integers(locations, size=broods - locations)])
    year, height = rng.integers(3, size=broods), rng.standard_normal(locations)
    table = pd.DataFrame({"year96": (year == 1).astype(float)[brood], "year97": (year == 2).astype(float)[brood]})
    table["height"] = height[location[brood]]
    predictors = tuple(table.columns)
    effects = [sd * rng.standard_normal(size) for sd, size in ((0.55, chicks), (0.75, broods), (0.53, locations))]
    eta = 0.5 + table.to_numpy() @ [1.2, -1.0, -0.8] + effects[0] + effects[1][brood] + effects[2][location[brood]]
    table["location"] = np.array([f"l{j:02d}" for j in range(locations)])[location[brood]]
    table["brood"] = np.array([f"b{j:03d}" for j in range(broods)])[brood]
    table["chick"] = [f"c{j:03d}" for j in range(chicks)]
    table["y"] = rng.poisson(np.exp(eta))
    factors = ("location", "brood", "chick")
    terms = tuple(_varying(*factors[:depth]) for depth in (1, 2, 3))
    title = f"{chicks} chicks in {broods} broods at {locations} locations, as in grouseticks"
    return Case(title, table, "y", predictors, terms=terms, family="poisson", intercept=ALPHA, beta=BETA)


FAMILIES: dict[str, Callable[[], Case]] = {
    "bernoulli": bernoulli,
    "poisson": poisson,
    "bernoulli_counted": counted,
    "bernoulli_counted_10k": lambda: counted(10_000),
    "student_t": student_t,
    "verbagg_shape": crossed,
    "grouseticks_shape": nested,
    "bernoulli_1m": lambda: bernoulli(1_000_000, 10_000, alone=(500, 500)),
}
