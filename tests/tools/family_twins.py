"""Models that are the same, written in two ways."""

import numpy as np
import pandas as pd
from scipy import special

import stanhier as sh

__all__ = ["PRIORS", "SHORT", "assert_same", "assert_same_data", "data_of", "effect_rows"]

SHORT = {"seed": 1, "iter_warmup": 500, "iter_sampling": 1500, "show_progress": False}
PRIORS = {"alpha": sh.Normal(0, 2.5), "beta": sh.Normal(0, 1), "sd": sh.Exponential(1)}


def assert_same(one, other, limit=4.5):
    """Means and standard deviations of all parameters, to Monte Carlo errors."""
    agreement = one.agreement(other)
    assert not agreement.missing
    assert agreement.table[["mean_errors", "sd_errors"]].abs().max(axis=None) < limit, str(agreement)


def effect_rows(n=240, seed=5):
    """Rows in two crossed factors, with their linear predictors, and the generator for responses."""
    rng = np.random.default_rng(seed)
    g, h, x = rng.integers(0, 12, n), rng.integers(0, 5, n), rng.integers(-2, 3, n) / 2.0
    eta = 0.2 + 0.5 * x + 0.7 * rng.standard_normal(12)[g] + 0.4 * rng.standard_normal(5)[h]
    return pd.DataFrame({"x": x, "g": g, "h": h, "eta": eta, "p": special.expit(eta)}), rng


def data_of(model):
    """What Stan receives."""
    return model.engine.data()


def assert_same_data(one, other):
    """Models that Stan cannot tell apart, to rounding."""
    ours, theirs = data_of(one), data_of(other)
    assert set(ours) == set(theirs)
    for name, values in ours.items():
        np.testing.assert_allclose(values, theirs[name], rtol=1e-7, atol=1e-9, err_msg=name)
