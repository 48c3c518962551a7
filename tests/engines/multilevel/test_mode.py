"""The mode: location and effects at their means given the scales that it finds, by the normal equations of all rows."""

import numpy as np
import pandas as pd
import pytest

import stanhier as sh

PRIORS = {"alpha": sh.Normal(1, 4), "beta": sh.Normal(0.5, 2)}


def rows():
    rng = np.random.default_rng(4)
    a, c, x = rng.integers(0, 8, 200), rng.integers(0, 5, 200), rng.normal(3, 1, 200)
    y = 1 + x * (0.5 + rng.normal(size=8)[a]) + rng.normal(size=8)[a] + rng.normal(size=5)[c] + rng.normal(size=200)
    return pd.DataFrame({"y": y, "x": x, "a": a, "c": c})


def mixed_model_equations(data, mode):
    """Means of intercept, slope and effects given scales, from one system of equations with a row for each of them."""
    one, x = np.ones(len(data)), data["x"].to_numpy()
    in_a, in_c = (np.eye(data[name].nunique())[data[name]] for name in ("a", "c"))
    design = np.column_stack([one, x, in_a, in_a * x[:, None], in_c])
    sd, rho = [mode[f"sd_a[{name}]"] for name in ("Intercept", "x")], mode["cor_a[Intercept, x]"]
    own = np.linalg.inv(np.outer(sd, sd) * np.array([[1, rho], [rho, 1]]))
    penalty = np.diag([1 / 16, 1 / 4, *[0.0] * 16, *[mode["sd_c[Intercept]"] ** -2] * 5])
    penalty[2:18, 2:18] = np.kron(own, np.eye(8))
    right = design.T @ data["y"] / mode["sigma"] ** 2
    right[:2] += [1 / 16, 0.5 / 4]
    return np.linalg.solve(design.T @ design / mode["sigma"] ** 2 + penalty, right)


@pytest.mark.parametrize("seed", [1, 2])
def test_everything_but_the_scales_is_at_its_mean_given_them(seed):
    data = rows()
    found = sh.Model("y ~ x + (1 + x | a) + (1 | c)", data, priors=PRIORS).optimize(seed=seed)
    expected = mixed_model_equations(data, found.estimates)
    np.testing.assert_allclose(found.estimates[["alpha", "beta[x]"]], expected[:2], rtol=1e-8)
    np.testing.assert_allclose(found.groups["a"], expected[2:18].reshape(2, 8).T, rtol=1e-7)
    np.testing.assert_allclose(found.groups["c"]["Intercept"], expected[18:], rtol=1e-7)
    new = pd.DataFrame({"x": [2.0, 0.0], "a": [3, 99], "c": [1, 1]})
    mean = expected[0] + expected[18 + 1] + np.array([2 * expected[1] + expected[2 + 3] + 2 * expected[10 + 3], 0])
    np.testing.assert_allclose(found.predict(new), mean, rtol=1e-7)
