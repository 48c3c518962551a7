"""Fits without Stan, for what does not depend on how the draws came about."""

import numpy as np

from stanhier.engines.multilevel.engine import MultilevelEngine
from stanhier.fit import Fit
from stanhier.stan.nuts import RawDraws


def fake_fit(model, *, chains=4, draws=250, seed=1, divergences=0):
    """A fit of independent draws in the whitened coordinates, which are close to the posterior."""
    rng = np.random.default_rng(seed)
    shape = (chains, draws)
    diverging = np.zeros(shape, dtype=bool)
    diverging.ravel()[rng.choice(chains * draws, divergences, replace=False)] = True
    statistics = {
        "lp": rng.standard_normal(shape),
        "acceptance_rate": rng.uniform(0.7, 1, shape),
        "step_size": np.full(shape, 0.8),
        "tree_depth": np.full(shape, 3),
        "n_steps": np.full(shape, 7),
        "diverging": diverging,
        "energy": rng.standard_normal(shape),
        "reached_max_treedepth": np.zeros(shape, dtype=bool),
    }
    n_z, n_scales = _sizes(model)
    raw = RawDraws(
        z=rng.standard_normal((*shape, n_z)),
        z_scale=rng.standard_normal((*shape, n_scales)),
        statistics=statistics,
        seed=seed,
        max_treedepth=10,
        cmdstan="2.39.0",
    )
    return Fit(model, model.engine.coordinates.draws(raw))


def _sizes(model):
    """How many numbers the program samples: of the whitened location, and of the scales; of several factors in one."""
    engine = model.engine
    if isinstance(engine, MultilevelEngine):
        return len(engine.whitening.u_hat), 0
    return len(engine.whitening.location_hat), int(engine.grouped) + (model.sigma is None)
