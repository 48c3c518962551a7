"""Models of every family, and fits of them without Stan: parameters drawn from their priors, effects from theirs."""

import numpy as np
import pandas as pd

import stanhier as sh
from stanhier.engines.draws import Draws
from stanhier.engines.multilevel.layout import EFFECTS, effect_slices
from stanhier.engines.rows.explicit import ExplicitEngine
from stanhier.fit import Fit

N = 48


def frame():
    rng = np.random.default_rng(5)
    return pd.DataFrame(
        {
            "x": rng.normal(0, 1, N),
            "g": np.arange(N) % 6,
            "h": [f"h{k}" for k in rng.integers(0, 4, N)],
            "answer": rng.choice(["no", "yes"], N),
            "hit": rng.integers(0, 2, N),
            "wins": rng.integers(0, 5, N),
            "games": rng.integers(5, 9, N),
            "visits": rng.poisson(3, N),
            "score": rng.standard_t(4, N),
            "log_t": rng.normal(0, 0.3, N),
        }
    )


ARGUMENTS = {
    "bernoulli": ("answer", {"family": "bernoulli"}),
    "probit": ("hit", {"family": sh.Bernoulli(link="probit"), "offset": "log_t"}),
    "binomial": ("wins", {"family": "binomial", "trials": "games"}),
    "poisson": ("visits", {"family": "poisson", "offset": "log_t"}),
    "negative_binomial": ("visits", {"family": "negative_binomial"}),
    "student_t": ("score", {"family": "student_t", "offset": "log_t"}),
}
TERMS = ("x + (1 + x | g)", "x + (1 | g) + (1 | h)", "x")


def model(name, terms=TERMS[0], data=None, **more):
    response, arguments = ARGUMENTS[name]
    return sh.Model(f"{response} ~ {terms}", frame() if data is None else data, **{**arguments, **more})


def fit(one, draws=30):
    """Two chains of draws around small values, so that no count is beyond measure."""
    engine, rng = one.engine, np.random.default_rng(1)
    assert isinstance(engine, ExplicitEngine)
    size = 2 * draws
    values = engine.values_of(one.chosen.draws(rng, size))
    values = {name: values[name][0] for name in values}
    values["location"] = 0.2 * values["location"]
    shapes = engine.shapes
    if shapes:
        values["sd"] = 0.3 + 0.2 * rng.random(values["sd"].shape)
        values[EFFECTS] = 0.4 * rng.standard_normal((size, effect_slices(shapes)[-1].stop))
    chains = {name: one.reshape(2, draws, *one.shape[1:]) for name, one in values.items()}
    statistics = {
        name: np.full((2, draws), value)
        for name, value in {"diverging": False, "tree_depth": 3, "energy": 1.0, "lp": -1.0, "step_size": 0.5}.items()
    }
    statistics["energy"] = rng.normal(0, 1, (2, draws))
    return Fit(one, Draws(chains, statistics, seed=3, max_treedepth=10, cmdstan="2.39.0"))
