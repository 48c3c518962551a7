"""Flat priors that responses at their limits leave improper, and those that they do not."""

import numpy as np
import pytest

import stanhier as sh

FLAT = {"alpha": sh.Flat(), "beta": sh.Flat()}
X = np.arange(12.0)
CLEAN = (X > 5).astype(int)
MIXED = np.where(np.isin(X, (3, 8)), 1 - CLEAN, CLEAN)


def model(y, family="bernoulli", priors=FLAT, formula="y ~ x", **columns):
    beside = {name: columns.pop(name) for name in ("trials",) if name in columns}
    return sh.Model(
        formula, {"y": y, "x": X, "g": np.arange(12) % 4, **columns}, family=family, priors=priors, **beside
    )


@pytest.mark.parametrize(
    ("arguments", "names"),
    [
        ({"y": CLEAN}, "'alpha', 'beta\\[x\\]'"),
        ({"y": CLEAN, "formula": "y ~ x + (1 | g)"}, "'alpha', 'beta\\[x\\]'"),
        ({"y": np.ones(12)}, "'alpha'"),
        ({"y": np.ones(12), "priors": {"alpha": sh.Flat()}}, "'alpha'"),
        ({"y": np.zeros(12), "family": "negative_binomial"}, "'alpha'"),
        ({"y": 3 * CLEAN, "family": "binomial", "trials": 3}, "'alpha', 'beta\\[x\\]'"),
        ({"y": [0, 0, 0, 0, 2, 5, 0, 0, 0, 1, 2, 3], "family": "poisson", "w": X < 4, "formula": "y ~ w"}, "w"),
        ({"y": (X > 3) & (X != 8), "w": X < 4, "formula": "y ~ w"}, "w"),  # never an event where w is 1
        ({"y": CLEAN, "priors": {"beta": sh.Flat(), "alpha": sh.Normal(0, 1, centered=True)}}, "'beta\\[x\\]'"),
    ],
)
def test_improper_posteriors_are_refused(arguments, names):
    with pytest.raises(sh.PriorError, match=f"Flat priors on .*{names}.* improper posterior.*proper priors"):
        model(**arguments)


@pytest.mark.parametrize(
    "arguments",
    [
        {"y": MIXED},
        {"y": CLEAN, "priors": {"alpha": sh.Flat()}},
        {"y": CLEAN, "priors": None},
        {"y": CLEAN, "priors": {"beta": sh.Flat(), "alpha": sh.Normal(0, 1)}},  # at x = 0, where no event is near
        {"y": 2 * CLEAN + (X == 2), "family": "binomial", "trials": 3},
        {"y": CLEAN * (1 + X % 3), "family": "poisson"},
    ],
)
def test_proper_posteriors_are_not(arguments):
    assert model(**arguments).parameters.location


def test_many_rows_that_are_separated_but_for_one():
    rng = np.random.default_rng(1)
    x = rng.standard_normal((50_000, 3))
    y = (x @ [1.0, -2.0, 0.5] > 0.3).astype(int)
    columns = {f"x{k}": x[:, k] for k in range(3)}
    formula = "y ~ x0 + x1 + x2"
    with pytest.raises(sh.PriorError, match="separation"):
        sh.Model(formula, {"y": y, **columns}, family="bernoulli", priors=FLAT)
    odd = int(np.argmax(x @ [1.0, -2.0, 0.5]))
    y[odd] = 0
    assert sh.Model(formula, {"y": y, **columns}, family="bernoulli", priors=FLAT).parameters.location
