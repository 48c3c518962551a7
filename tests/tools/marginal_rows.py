"""Rows, and what follows from draws by hand, for tests of predictions, comparisons and slopes."""

import numpy as np
import pandas as pd

import stanhier as sh
from tests.tools.fake_fit import fake_fit

_RNG = np.random.default_rng(8)
N = 60
ROWS = pd.DataFrame(
    {
        "x": _RNG.uniform(0.5, 4, N),
        "z": _RNG.normal(50, 5, N),
        "k": _RNG.choice(["a", "b", "c"], N),
        "yes": _RNG.integers(0, 2, N).astype(bool),
        "treated": _RNG.integers(0, 2, N),
        "school": _RNG.choice(["north", "south"], N),
    }
)
ROWS["y"] = 1 + 2 * ROWS["x"] + 0.1 * ROWS["z"] + (ROWS["k"] == "b") + _RNG.standard_normal(N)


def fit_of(formula, **arguments):
    return fake_fit(sh.LinearRegression(formula, ROWS, **arguments), chains=2, draws=50)


def beta(fit, name):
    return fit.posterior["beta"].sel(predictor=name).to_numpy()


def flat(array):
    """Draws of shape (S, Q)."""
    values = array.to_numpy()
    return values.reshape(-1, *values.shape[2:])


def only(effects):
    """The draws of the only row, shape (chains, draws)."""
    assert len(effects) == 1
    return effects.draws.to_numpy()[:, :, 0]


def effects_of(fit, rows):
    """Intercepts and slopes of the rows' groups, each of shape (S, N)."""
    drawn = fit.posterior["effect_g"].sel(g=rows["g"].to_numpy())
    return (flat(drawn.sel(effect=name)) for name in ("Intercept", "x"))


def eta_of(fit, rows):
    """The linear predictor of `y ~ x + dose + (1 + x | g)` by hand, shape (S, N)."""
    intercepts, slopes = effects_of(fit, rows)
    low = (rows["dose"] == "low").to_numpy()
    return (
        flat(fit.posterior["alpha"])[:, None]
        + intercepts
        + (beta(fit, "x").ravel()[:, None] + slopes) * rows["x"].to_numpy()
        + beta(fit, "dose[T.low]").ravel()[:, None] * low
    )
