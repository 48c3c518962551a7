"""Fits without Stan, for what does not depend on how the draws came about."""

import numpy as np

from stanhier.engines.draws import Draws
from stanhier.fit import Fit


def fake_fit(model, *, chains=2, draws=40, seed=3):
    """A fit with made-up draws: locations near the reference point, scales around one."""
    rng = np.random.default_rng(seed)
    shape = (chains, draws)
    spread = rng.standard_normal((*shape, len(model.engine.whitening.location_hat))) * 0.3
    statistics = {
        "lp": rng.standard_normal(shape),
        "acceptance_rate": rng.uniform(0.7, 1, shape),
        "step_size": np.full(shape, 0.5),
        "tree_depth": rng.integers(1, 4, shape),
        "n_steps": rng.integers(1, 8, shape),
        "diverging": rng.random(shape) < 0.1,
        "energy": rng.standard_normal(shape),
        "reached_max_treedepth": np.zeros(shape, dtype=bool),
    }
    return Fit(
        model,
        Draws(
            values={
                "location": model.engine.whitening.location_hat + spread,
                "sigma": np.exp(0.2 * rng.standard_normal(shape))
                if model.sigma is None
                else np.full(shape, model.sigma),
                **({"sigma_alpha": np.exp(0.3 * rng.standard_normal(shape))} if model.engine.grouped else {}),
            },
            statistics=statistics,
            seed=seed,
            max_treedepth=10,
            cmdstan="2.39.0",
        ),
    )
